//! The layer as clients meet it.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty};
use stonework_versioning::{
    ApiVersion, Clock, DateVersion, GrpcPackage, Header, Major, MediaType, Moment, NotExecuted,
    OriginalUri, PathSegment, Query, RESPONSE_HEADERS, Rejection, RequestHead, Select, Source,
    VersionLayer, VersionLayerBuilder, Warning,
};
use tower::{Layer, ServiceExt, service_fn};

type Body = Empty<bytes::Bytes>;

/// A clock that stands still where it is put.
#[derive(Clone, Debug, Default)]
struct Hand(Arc<AtomicU64>);

impl Hand {
    fn at(text: &str) -> Self {
        let hand = Self::default();
        hand.put(text);
        hand
    }

    fn put(&self, text: &str) {
        self.0.store(text.parse::<Moment>().unwrap().as_unix(), Ordering::SeqCst);
    }
}

impl Clock for Hand {
    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }

    fn unix(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::SeqCst))
    }
}

/// Version 1 lives until the middle of 2026, and version 2 for ever.
fn builder(clock: &Hand) -> VersionLayerBuilder<Major> {
    VersionLayer::builder::<Major>()
        .version("1", |v| {
            v.deprecated_at("2026-01-01")
                .brownout("2026-06-01", "2026-06-02")
                .sunset_at("2026-07-01")
                .deprecation_link("https://example.com/v1")
                .successor("/v2")
        })
        .version("2", |v| v)
        .read(PathSegment::first())
        .read(Header::named("api-version"))
        .read(Query::named("version"))
        .clock(Arc::new(clock.clone()))
}

struct Told {
    status: StatusCode,
    headers: HeaderMap,
    rejection: Option<Rejection>,
    /// What the service saw.
    version: Option<ApiVersion>,
    path: String,
    text: String,
}

async fn ask(builder: VersionLayerBuilder<Major>, request: http::request::Builder) -> Told {
    ask_layer(&builder.build().unwrap(), request).await
}

async fn ask_layer(layer: &VersionLayer, request: http::request::Builder) -> Told {
    let inner = service_fn(|request: Request<Body>| {
        let mut response = Response::new(Body::new());
        response.headers_mut().insert("vary", HeaderValue::from_static("accept-encoding"));
        response.extensions_mut().insert(request.uri().clone());
        if let Some(version) = request.extensions().get::<ApiVersion>() {
            response.extensions_mut().insert(version.clone());
        }
        let original = OriginalUri::of(&RequestHead::of(&request));
        if original != request.uri() {
            response.headers_mut().insert("x-original", original.to_string().parse().unwrap());
        }
        ready(Ok::<_, Infallible>(response))
    });
    let response = layer.layer(inner).oneshot(request.body(Body::new()).unwrap()).await.unwrap();
    let (mut parts, body) = response.into_parts();
    let rejection = parts.extensions.remove();
    assert_eq!(rejection.is_some(), parts.extensions.get::<NotExecuted>().is_some());
    let text = body.collect().await.unwrap().to_bytes();
    Told {
        status: parts.status,
        rejection,
        version: parts.extensions.remove(),
        path: parts.extensions.remove::<http::Uri>().map_or(String::new(), |uri| uri.to_string()),
        headers: parts.headers,
        text: String::from_utf8(text.to_vec()).unwrap(),
    }
}

impl Told {
    fn header(&self, name: &str) -> String {
        let lines = self.headers.get_all(name).iter().map(|value| value.to_str().unwrap());
        lines.collect::<Vec<_>>().join(" | ")
    }
}

#[tokio::test]
async fn a_version_is_read_told_to_the_service_and_echoed() {
    let clock = Hand::at("2025-01-01");
    for (request, source) in [
        (Request::get("/v2/orders"), Source::Path),
        (Request::get("/orders").header("api-version", "2"), Source::Header),
        (Request::get("/orders?version=v2"), Source::Query),
    ] {
        let told = ask(builder(&clock), request).await;
        assert_eq!((told.status, told.header("api-version")), (StatusCode::OK, "v2".to_owned()));
        let version = told.version.unwrap();
        assert_eq!((version.resolved(), version.requested()), ("v2", Some("v2")));
        assert_eq!((version.source(), version.index().get()), (Some(source), 1));
    }
}

#[tokio::test]
async fn a_version_goes_through_its_life_while_the_service_runs() {
    let clock = Hand::at("2025-01-01");
    let layer = builder(&clock).build().unwrap();
    let one = async |at: &str| {
        clock.put(at);
        ask_layer(&layer, Request::get("/v1/orders")).await
    };
    let active = one("2025-01-01").await;
    assert_eq!(active.header("api-supported-versions"), "v1, v2");
    assert_eq!(active.header("deprecation"), "@1767225600", "told before it is so");
    assert_eq!(active.header("sunset"), "Wed, 01 Jul 2026 00:00:00 GMT");
    assert_eq!(
        active.header("link"),
        r#"<https://example.com/v1>; rel="deprecation", </v2>; rel="successor-version""#
    );
    let deprecated = one("2026-01-01").await;
    assert_eq!(deprecated.status, StatusCode::OK);
    assert_eq!(deprecated.header("api-supported-versions"), "v2");
    assert_eq!(deprecated.header("api-deprecated-versions"), "v1");

    let brownout = one("2026-06-01T23:00:00Z").await;
    assert_eq!(
        (brownout.status, brownout.rejection),
        (StatusCode::GONE, Some(Rejection::Brownout))
    );
    assert_eq!(brownout.header("retry-after"), "3600");
    assert!(brownout.text.contains("versioning:brownout") && brownout.text.contains("on purpose"));
    assert_eq!(brownout.header("sunset"), "Wed, 01 Jul 2026 00:00:00 GMT");
    assert_eq!(one("2026-06-02").await.status, StatusCode::OK, "it works again");

    let sunset = one("2026-07-01").await;
    assert_eq!((sunset.status, sunset.rejection), (StatusCode::GONE, Some(Rejection::Sunset)));
    assert_eq!(sunset.header("retry-after"), "");
    assert!(sunset.text.contains(r#""supported":["v2"]"#), "{}", sunset.text);
    assert!(sunset.header("link").contains("successor-version"));
    let two = ask_layer(&layer, Request::get("/v2/orders")).await;
    assert_eq!(two.header("deprecation"), "");
}

/// A brownout tells all that there is to tell.
#[tokio::test]
async fn what_is_written_is_listed_for_cors_to_expose() {
    let told = ask(builder(&Hand::at("2026-06-01")), Request::get("/v1/orders")).await;
    // A page reads the one without asking, and has no use for the other.
    let unlisted = ["content-type", "vary"];
    let written = told.headers.keys().map(http::HeaderName::as_str);
    let written: BTreeSet<_> = written.filter(|name| !unlisted.contains(name)).collect();
    assert_eq!(written, RESPONSE_HEADERS.iter().copied().collect());
}

#[tokio::test]
async fn what_cannot_be_served_is_said_by_its_status() {
    let clock = Hand::at("2025-01-01");
    for (request, status, slug) in [
        (Request::get("/orders"), 400, "version-unspecified"),
        (Request::get("/v01/orders"), 400, "version-unspecified"),
        (Request::get("/V1/orders"), 400, "version-unspecified"),
        (Request::get("//v1/orders"), 400, "version-unspecified"),
        (Request::get("/v9/orders"), 404, "version-unsupported"),
        (Request::get("/orders?version=9"), 400, "version-unsupported"),
        (Request::get("/orders?version=latest"), 400, "version-malformed"),
        (Request::get("/orders").header("api-version", "01"), 400, "version-malformed"),
        (Request::get("/v1/orders?version=2"), 400, "version-ambiguous"),
        (Request::get("/orders").header("api-version", "1, 2"), 400, "version-ambiguous"),
    ] {
        let shown = format!("{:?}", request.uri_ref());
        let told = ask(builder(&clock), request).await;
        assert_eq!(told.status, status, "{shown}");
        assert_eq!(told.header("content-type"), "application/problem+json");
        assert!(told.text.contains(&format!("urn:stonework:versioning:{slug}")), "{}", told.text);
        assert!(told.text.contains(r#""supported":["v1","v2"]"#), "{}", told.text);
        assert_eq!(told.rejection.unwrap().slug(), slug);
        assert_eq!(told.header("vary"), "api-version");
    }
    let media = || builder(&clock).read(MediaType::parameter("v"));
    for (header, status) in [("accept", 406), ("content-type", 415)] {
        let told =
            ask(media(), Request::post("/orders").header(header, "application/json;v=9")).await;
        assert_eq!(told.status, status);
    }
}

#[tokio::test]
async fn what_is_refused_is_said_in_the_form_that_is_wanted() {
    let clock = Hand::at("2026-08-01");
    let layer = builder(&clock)
        .render(|rejection, problem, head| {
            let said = format!("{} {} {}", head.uri.path(), rejection.slug(), problem.status());
            Response::builder().status(418).body(said.into()).unwrap()
        })
        .build()
        .unwrap();
    for (path, expected) in [
        ("/v1/orders", "/v1/orders version-sunset 410 Gone"),
        ("/v9/orders", "/v9/orders version-unsupported 404 Not Found"),
    ] {
        let service = layer.layer(service_fn(|_: Request<Body>| {
            ready(Ok::<_, Infallible>(Response::new(Body::default())))
        }));
        let request = Request::get(path).body(Body::default()).unwrap();
        let response = service.oneshot(request).await.unwrap();
        assert_eq!(response.status(), 418);
        assert!(response.headers().contains_key("vary"), "and what is told of versions");
        assert!(response.extensions().get::<NotExecuted>().is_some());
        assert!(response.extensions().get::<Rejection>().is_some());
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, expected);
    }
}

#[tokio::test]
async fn grpc_is_told_in_its_own_words() {
    let clock = Hand::at("2026-07-01");
    let grpc = |path: &str| Request::post(path).header("content-type", "application/grpc");
    for (path, code) in [("/a.v9.B/C", "12"), ("/a.v1.B/C", "9"), ("/a.B/C", "3")] {
        let told = ask(builder(&clock).read(GrpcPackage::last()), grpc(path)).await;
        assert_eq!(
            (told.status, told.header("grpc-status")),
            (StatusCode::OK, code.to_owned()),
            "{path}"
        );
    }
    let told = ask(builder(&clock).read(GrpcPackage::last()), grpc("/a.v2.B/C")).await;
    assert_eq!(told.version.unwrap().source(), Some(Source::GrpcPackage));
}

#[tokio::test]
async fn who_asks_for_none_gets_what_was_said_and_never_the_newest_unsaid() {
    let clock = Hand::at("2025-01-01");
    let told = ask(builder(&clock).unspecified("1"), Request::get("/orders")).await;
    let version = told.version.unwrap();
    assert_eq!((version.resolved(), version.requested(), version.source()), ("v1", None, None));
    let told = ask(builder(&clock).danger_latest(), Request::get("/orders")).await;
    assert_eq!(told.version.unwrap().resolved(), "v2");
    assert_eq!(builder(&clock).danger_latest().build().unwrap().warnings(), [Warning::Latest]);
    assert!(builder(&clock).danger_latest().deny_warnings().build().is_err());
    assert!(builder(&clock).danger_latest().unspecified("1").build().is_err());
    assert!(builder(&clock).unspecified("9").build().is_err());
}

#[tokio::test]
async fn what_is_neutral_and_what_a_browser_asks_first_passes() {
    let clock = Hand::at("2025-01-01");
    let neutral = || builder(&clock).neutral(|head| head.uri.path() == "/healthz");
    let told = ask(neutral(), Request::get("/healthz")).await;
    assert_eq!((told.status, &told.version), (StatusCode::OK, &None));
    assert_eq!(
        (told.header("vary"), told.header("api-version")),
        ("accept-encoding".to_owned(), String::new())
    );
    let preflight = Request::options("/orders")
        .header("origin", "https://app.example.com")
        .header("access-control-request-method", "PUT");
    assert_eq!(ask(neutral(), preflight).await.status, StatusCode::OK);
    assert_eq!(ask(neutral(), Request::options("/orders")).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_path_is_kept_unless_it_is_to_be_stripped() {
    let clock = Hand::at("2025-01-01");
    assert_eq!(ask(builder(&clock), Request::get("/v1/orders?a=b")).await.path, "/v1/orders?a=b");
    let strips = || {
        VersionLayer::builder::<Major>()
            .version("1", |v| v)
            .read(PathSegment::after("/api").strip(true))
            .read(Query::named("version"))
            .clock(Arc::new(clock.clone()))
    };
    for (sent, seen, original) in [
        ("/api/v1/orders?a=b", "/api/orders?a=b", "/api/v1/orders?a=b"),
        ("/api/v1", "/api", "/api/v1"),
        ("http://example.com/api/v1/x", "http://example.com/api/x", "http://example.com/api/v1/x"),
    ] {
        let told = ask(strips(), Request::get(sent)).await;
        assert_eq!((&*told.path, told.header("x-original")), (seen, original.to_owned()));
    }
    let told = ask(strips(), Request::get("/api/orders?version=1")).await;
    assert_eq!(
        (&*told.path, told.header("x-original")),
        ("/api/orders?version=1", String::new()),
        "it has no version to strip"
    );
}

#[tokio::test]
async fn links_keep_the_version_that_was_taken_out_of_the_path() {
    for (after, sent, links) in [
        (
            "",
            "/v1/orders",
            [("/orders/7", "/v1/orders/7"), ("/", "/v1"), ("/orders?a=b", "/v1/orders?a=b")],
        ),
        (
            "/api",
            "/api/v1",
            [("/api/orders", "/api/v1/orders"), ("/api", "/api/v1"), ("/other", "/other")],
        ),
    ] {
        let layer = VersionLayer::builder::<Major>()
            .version("1", |v| v)
            .read(PathSegment::after(after).strip(true))
            .read(Header::named("api-version"))
            .build()
            .unwrap();
        let version = ask_layer(&layer, Request::get(sent)).await.version.unwrap();
        for (path, link) in links {
            assert_eq!(version.path(path), link);
        }
        let by_header = ask_layer(&layer, Request::get("/orders").header("api-version", "1")).await;
        assert_eq!(
            by_header.version.unwrap().path("/orders/7"),
            "/orders/7",
            "it was not in the path"
        );
    }
}

#[cfg(feature = "axum-0-8")]
#[tokio::test]
async fn axum_extracts_the_version_and_the_uri_as_it_was_sent() {
    use axum::routing::get;
    use axum::{Router, body::Body as AxumBody, extract};

    async fn handler(
        version: ApiVersion,
        extract::OriginalUri(uri): extract::OriginalUri,
    ) -> String {
        format!("{} {uri}", version.resolved())
    }
    let strip = PathSegment::first().strip(true);
    let layer = VersionLayer::builder::<Major>().version("1", |v| v).read(strip).build().unwrap();
    let app = layer.layer(Router::new().route("/orders", get(handler)));
    let request = Request::get("/v1/orders").body(AxumBody::empty()).unwrap();
    let body = app.oneshot(request).await.unwrap().into_body().collect().await.unwrap();
    assert_eq!(body.to_bytes(), "v1 /v1/orders");
    let bare = Router::new().route("/orders", get(handler));
    let request = Request::get("/orders").body(AxumBody::empty()).unwrap();
    assert_eq!(bare.oneshot(request).await.unwrap().status(), StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test]
async fn caches_are_told_what_was_read() {
    let clock = Hand::at("2025-01-01");
    let told = ask(builder(&clock).read(MediaType::parameter("v")), Request::get("/v1/x")).await;
    assert_eq!(told.header("vary"), "accept-encoding | accept,api-version,content-type");
    let path_only = VersionLayer::builder::<Major>().version("1", |v| v).read(PathSegment::first());
    assert_eq!(ask(path_only, Request::get("/v1/x")).await.header("vary"), "accept-encoding");
}

#[tokio::test]
async fn a_waterfall_tells_what_was_asked_for_and_what_was_given() {
    let layer = VersionLayer::builder::<DateVersion>()
        .version("2025-01-01", |v| v)
        .version("2026-01-01", |v| v)
        .read(Header::named("api-version"))
        .select(Select::Waterfall)
        .build()
        .unwrap();
    let told = ask_layer(&layer, Request::get("/").header("api-version", "2025-06-30")).await;
    assert_eq!(told.header("api-version"), "2025-01-01");
    let version = told.version.unwrap();
    assert_eq!((version.resolved(), version.requested()), ("2025-01-01", Some("2025-06-30")));
    let future = ask_layer(&layer, Request::get("/").header("api-version", "2026-01-02")).await;
    assert_eq!(future.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_dry_run_refuses_nobody_and_tells_all_the_same() {
    let clock = Hand::at("2026-07-01");
    let told = ask(builder(&clock).dry_run(true), Request::get("/v1/orders")).await;
    assert_eq!((told.status, told.header("sunset").is_empty()), (StatusCode::OK, false));
    let clock = Hand::at("2026-06-01");
    let told = ask(builder(&clock).brownout_unavailable(), Request::get("/v1/orders")).await;
    assert_eq!(told.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[test]
fn what_depends_on_the_day_is_a_warning_of_that_day() {
    let layer = builder(&Hand::default()).unspecified("1").build().unwrap();
    assert_eq!(layer.warnings(), []);
    assert_eq!(layer.warnings_at("2025-01-01".parse().unwrap()), []);
    assert_eq!(layer.warnings_at("2026-01-01".parse().unwrap()).len(), 1);
    assert_eq!(layer.warnings_at("2026-07-01".parse().unwrap()).len(), 2);
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let errors = VersionLayer::builder::<Major>()
        .version("01", |v| v.sunset_at("never"))
        .read(Header::named("a b"))
        .read(MediaType::vendor("application/json"))
        .echo("a b")
        .build()
        .unwrap_err();
    assert_eq!(errors.as_slice().len(), 5, "{errors}");
    let none = VersionLayer::builder::<Major>().version("1", |v| v).build().unwrap_err();
    assert_eq!(none.as_slice()[0].setting, "read");
}

#[tokio::test]
async fn a_link_of_who_names_a_version_in_the_query_names_it_too() {
    let layer = VersionLayer::builder::<DateVersion>()
        .version("2025-01-01", |v| v)
        .version("2026-01-01", |v| v)
        .read(Query::named("v"))
        .read(Query::named("api-version"))
        .select(Select::Waterfall)
        .build()
        .unwrap();
    let told = ask_layer(&layer, Request::get("/orders?api-version=2025-06-30")).await;
    let version = told.version.unwrap();
    assert_eq!(version.path("/orders?page=2"), "/orders?page=2&api-version=2025-06-30");
}
