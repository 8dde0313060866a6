//! What other libraries have got wrong, each as a case. Traps that need a store, a body or a server have
//! theirs in `accounts`, `migrate` and `stacks`.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

use std::convert::Infallible;
use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt, Empty};
use stonework_versioning::{
    ApiVersion, Clock, DateVersion, GrpcPackage, Header, Major, MediaType, Moment, PathSegment,
    Query, Rejection, Select, Source, VersionLayer, VersionLayerBuilder,
};
use tower::{Layer, ServiceExt, service_fn};

type Body = Empty<bytes::Bytes>;

#[derive(Debug)]
struct At(u64);

impl Clock for At {
    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }

    fn unix(&self) -> Duration {
        Duration::from_secs(self.0)
    }
}

fn at(moment: &str) -> Arc<At> {
    Arc::new(At(moment.parse::<Moment>().unwrap().as_unix()))
}

fn majors() -> VersionLayerBuilder<Major> {
    VersionLayer::builder::<Major>()
        .version("1", |v| {
            v.deprecated_at("2026-01-01")
                .brownout("2026-06-01", "2026-06-01T04:00:00Z")
                .sunset_at("2026-12-01")
                .sunset_link("https://example.com/v1")
        })
        .version("2", |v| v)
        .read(Header::named("api-version"))
        .read(Query::named("version"))
        .clock(at("2026-02-01"))
}

fn dates() -> VersionLayerBuilder<DateVersion> {
    VersionLayer::builder::<DateVersion>()
        .version("2025-01-01", |v| v)
        .version("2026-01-01-preview", |v| v)
        .version("2026-01-01", |v| v)
        .read(Header::named("api-version"))
        .clock(at("2026-02-01"))
}

struct Told {
    status: u16,
    headers: HeaderMap,
    version: Option<ApiVersion>,
    path: String,
    rejection: Option<Rejection>,
    body: String,
}

async fn ask(layer: VersionLayer, request: http::request::Builder) -> Told {
    let inner = service_fn(|request: Request<Body>| {
        let mut response = Response::new(Body::new());
        response.extensions_mut().insert(request.uri().clone());
        response.extensions_mut().insert(request.extensions().get::<ApiVersion>().cloned());
        ready(Ok::<_, Infallible>(response))
    });
    let response = layer.layer(inner).oneshot(request.body(Body::new()).unwrap()).await.unwrap();
    let (mut parts, body) = response.into_parts();
    let path = parts.extensions.remove::<http::Uri>().map(|uri| uri.to_string());
    let body = body.collect().await.unwrap().to_bytes();
    Told {
        status: parts.status.as_u16(),
        version: parts.extensions.remove::<Option<ApiVersion>>().flatten(),
        path: path.unwrap_or_default(),
        rejection: parts.extensions.remove(),
        headers: parts.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    }
}

async fn header(builder: VersionLayerBuilder<Major>, value: &str) -> Told {
    ask(builder.build().unwrap(), Request::get("/").header("api-version", value)).await
}

/// 1: nobody gets the newest unless somebody said so by a name that warns.
#[tokio::test]
async fn the_newest_is_no_default() {
    let told = ask(majors().build().unwrap(), Request::get("/")).await;
    assert_eq!(told.rejection, Some(Rejection::Unspecified));
}

/// 2: what is no version is malformed, and what is one and is not served is unsupported.
#[tokio::test]
async fn a_version_is_read_strictly() {
    for (text, status, slug) in [
        ("1", 200, ""),
        ("v1", 200, ""),
        ("01", 400, "version-malformed"),
        ("+1", 400, "version-malformed"),
        ("1.0", 400, "version-malformed"),
        ("99999999999", 400, "version-malformed"),
        ("１", 400, "version-malformed"),
        ("2026-01-01", 400, "version-malformed"),
        ("3", 400, "version-unsupported"),
    ] {
        let told = header(majors(), text).await;
        assert_eq!(told.status, status, "{text}");
        assert_eq!(told.rejection.map_or("", Rejection::slug), slug, "{text}");
    }
}

/// 2: dates are points on a line, and tomorrow's is nobody's.
#[tokio::test]
async fn dates_fall_to_the_last_before_and_never_beyond_the_newest() {
    for (text, exact, waterfall) in [
        ("2025-01-01", "2025-01-01", "2025-01-01"),
        ("2025-06-30", "version-unsupported", "2025-01-01"),
        ("2026-01-01-preview", "2026-01-01-preview", "2026-01-01-preview"),
        ("2026-01-01", "2026-01-01", "2026-01-01"),
        ("2024-12-31", "version-unsupported", "version-unsupported"),
        ("2026-01-02", "version-unsupported", "version-unsupported"),
        ("2016-02-30", "version-malformed", "version-malformed"),
        ("2025-13-01", "version-malformed", "version-malformed"),
    ] {
        for (select, expected) in [(Select::Exact, exact), (Select::Waterfall, waterfall)] {
            let layer = dates().select(select).build().unwrap();
            let told = ask(layer, Request::get("/").header("api-version", text)).await;
            let is = match &told.version {
                Some(version) => version.resolved(),
                None => told.rejection.unwrap().slug(),
            };
            assert_eq!(is, expected, "{text} {select:?}");
        }
    }
}

/// 3: said twice alike is fine, said twice otherwise is not; and names may be encoded.
#[tokio::test]
async fn what_is_said_twice_has_to_agree() {
    let get = |query: &str| Request::get(format!("/?{query}"));
    for (request, status) in [
        (Request::get("/").header("api-version", "1").header("api-version", "v1"), 200),
        (Request::get("/").header("api-version", "1, 1"), 200),
        (Request::get("/").header("api-version", "1").header("api-version", "2"), 400),
        (Request::get("/").header("api-version", "1,2"), 400),
        (Request::get("/").header("api-version", "1;2"), 400),
        (get("version=1&version=1"), 200),
        (get("%76ersion=1"), 200),
        (get("version=1&version=2"), 400),
        (get("version=1&%76ersion=2"), 400),
        (get("version=1;version=2"), 400),
        (get("version=1&VERSION=2"), 200),
        (get("version"), 400),
        (get("version=1").header("api-version", "2"), 400),
    ] {
        let shown = format!("{request:?}");
        assert_eq!(ask(majors().build().unwrap(), request).await.status, status, "{shown}");
    }
}

/// 4: a whole segment at its place, as it stands.
#[tokio::test]
async fn a_path_is_no_place_for_tricks() {
    let layer = || {
        let builder = VersionLayer::builder::<Major>().version("1", |v| v).version("2", |v| v);
        builder.read(PathSegment::first().strip(true)).clock(at("2026-02-01")).build().unwrap()
    };
    for path in ["/v1x/a", "/x/v1/a", "//v1/a", "/V1/a", "/%761/a", "/v1%2Fa", "/v1;x/a", "/.", "/"]
    {
        let told = ask(layer(), Request::get(path)).await;
        assert_eq!(told.rejection, Some(Rejection::Unspecified), "{path}");
    }
    for (sent, seen) in [
        ("/v1", "/"),
        ("/v1/", "/"),
        ("/v1?a=/v2", "/?a=/v2"),
        ("/v1/../v2/a", "/../v2/a"),
        ("/v1/v2/a", "/v2/a"),
        ("/v1//a", "//a"),
        ("https://v2.example.com/v1/a", "https://v2.example.com/a"),
    ] {
        let told = ask(layer(), Request::get(sent)).await;
        assert_eq!((&*told.path, told.version.unwrap().resolved()), (seen, "v1"), "{sent}");
    }
    // What has no path has no version, and is left as it is.
    let told = ask(layer(), Request::options("*")).await;
    assert_eq!((told.status, &*told.path, told.version), (200, "*", None));
    let connect = Request::builder().method(Method::CONNECT).uri("example.com:443");
    let told = ask(layer(), connect).await;
    assert_eq!((told.status, &*told.path, told.version), (200, "example.com:443", None));
}

/// B1: weights of `Accept` count, and `q=0` means that it is not wanted.
#[tokio::test]
async fn accept_is_weighed() {
    let layer = || {
        let builder = VersionLayer::builder::<Major>().version("1", |v| v).version("2", |v| v);
        builder.read(MediaType::parameter("v")).clock(at("2026-02-01")).build().unwrap()
    };
    for (accept, expected) in [
        ("application/json;v=1;q=0, application/json;v=2;q=0.1", Ok("v2")),
        ("application/json;v=1;q=0.9, application/json;v=2", Ok("v2")),
        ("application/json;v=1, application/json;v=2", Err("version-ambiguous")),
        ("application/json;v=2;q=0", Err("version-unspecified")),
        ("*/*", Err("version-unspecified")),
    ] {
        let told = ask(layer(), Request::get("/").header("accept", accept)).await;
        let is = told.version.as_ref().map(ApiVersion::resolved);
        assert_eq!(is.ok_or_else(|| told.rejection.unwrap().slug()), expected, "{accept}");
    }
}

/// 12: what a response tells, and what is counted, are names of ours and no bytes of a client's.
#[tokio::test]
async fn nothing_that_was_sent_is_echoed_or_counted() {
    let layer = majors().build().unwrap();
    let told = ask(layer.clone(), Request::get("/?version=%31")).await;
    assert_eq!(told.headers["api-version"], "v1");
    for junk in ["<script>", "9999", "v2beta7"] {
        let told = ask(layer.clone(), Request::get("/").header("api-version", junk)).await;
        let headers = format!("{:?}", told.headers);
        assert!(!told.body.contains(junk) && !headers.contains(junk), "{junk}");
    }
    let counted: Vec<_> = layer.usage().into_iter().map(|usage| usage.version).collect();
    assert_eq!(counted, ["v1"]);
}

/// 13: a brownout begins and ends for everybody at the same second, says what it is and when it ends, and
/// spares who is exempt.
#[tokio::test]
async fn a_brownout_says_that_it_is_one() {
    for (moment, status) in [
        ("2026-05-31T23:59:59Z", 200),
        ("2026-06-01", 410),
        ("2026-06-01T03:59:59Z", 410),
        ("2026-06-01T04:00:00Z", 200),
    ] {
        assert_eq!(header(majors().clock(at(moment)), "1").await.status, status, "{moment}");
    }
    let during = || majors().clock(at("2026-06-01T03:59:30Z"));
    let told = header(during(), "1").await;
    assert!(told.body.contains("urn:stonework:versioning:brownout"), "{}", told.body);
    assert!(told.body.contains("on purpose"), "{}", told.body);
    assert_eq!(
        (&told.headers["retry-after"], told.headers.contains_key("sunset")),
        (&"30".parse().unwrap(), true)
    );
    assert_eq!(header(during(), "2").await.status, 200);
    let exempt = || during().exempt(|head| head.headers.contains_key("x-support"));
    let request = || Request::get("/").header("api-version", "1");
    assert_eq!(ask(exempt().build().unwrap(), request()).await.status, 410);
    assert_eq!(
        ask(exempt().build().unwrap(), request().header("x-support", "1")).await.status,
        200
    );
    // Nobody is spared the end.
    let ended = exempt().clock(at("2026-12-01")).build().unwrap();
    assert_eq!(ask(ended, request().header("x-support", "1")).await.status, 410);
}

/// A client of gRPC retries `UNAVAILABLE` by itself, and would make of a brownout a slow success.
#[tokio::test]
async fn a_brownout_over_grpc_is_retried_by_nobody_unless_it_is_asked_to() {
    let during = || majors().read(GrpcPackage::last()).clock(at("2026-06-01"));
    let call = || Request::post("/acme.v1.Orders/Get").header("content-type", "application/grpc");
    let told = ask(during().build().unwrap(), call()).await;
    assert_eq!((told.status, &told.headers["grpc-status"]), (200, &"9".parse().unwrap()));
    let told = ask(during().brownout_unavailable().build().unwrap(), call()).await;
    assert_eq!((told.status, &told.headers["grpc-status"]), (200, &"14".parse().unwrap()));
    let told = ask(
        during().brownout_unavailable().build().unwrap(),
        Request::get("/").header("api-version", "1"),
    )
    .await;
    assert_eq!(told.status, 503);
    assert!(told.body.contains("\"status\":503"), "{}", told.body);
}

/// B2: drafts had `Deprecation: true`, and RFC 9745's own example a date that no parser reads.
#[tokio::test]
async fn dates_are_those_of_the_standards() {
    let told = header(majors(), "1").await;
    assert_eq!(told.headers["deprecation"], "@1767225600");
    assert_eq!(told.headers["sunset"], "Tue, 01 Dec 2026 00:00:00 GMT");
    let early = VersionLayer::builder::<Major>()
        .version("1", |v| v.deprecated_at("2026-01-02").sunset_at("2026-01-01"))
        .read(Header::named("api-version"));
    assert!(early.build().unwrap_err().to_string().contains("RFC 9745"));
}

/// A version that is gone for good can be used to try what a client makes of that.
#[tokio::test]
async fn what_is_gone_is_410_with_a_link() {
    let told = header(majors().clock(at("2030-01-01")), "1").await;
    assert_eq!((told.status, told.rejection), (410, Some(Rejection::Sunset)));
    assert_eq!(told.headers["link"], "<https://example.com/v1>; rel=\"sunset\"");
    assert_eq!(told.version.as_ref().and_then(ApiVersion::source), None::<Source>);
}
