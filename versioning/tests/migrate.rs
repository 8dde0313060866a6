//! Bodies on their way between versions.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

use std::convert::Infallible;
use std::future::{pending, ready};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH, RANGE,
};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, Full};
use stonework_versioning::{
    EventMigration, GateError, Header, Major, MigrationLayer, MigrationLayerBuilder, NotExecuted,
    PathSegment, Rejection, StoneBody, VersionLayer,
};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

fn versions() -> VersionLayer {
    VersionLayer::builder::<Major>()
        .version("1", |v| v)
        .version("2", |v| v)
        .version("3", |v| v)
        .read(PathSegment::first())
        .read(Header::named("api-version"))
        .neutral(|head| head.uri.path() == "/health")
        .build()
        .unwrap()
}

/// Version 2 renamed the source, version 3 made the amount an object.
fn money() -> MigrationLayerBuilder {
    versions()
        .migrations()
        .gate("3", |gate| {
            gate.describe("`amount` is an object of `value` and `currency`.")
                .at("/transfers")
                .at("/transfers/{id}")
                .request(|body| {
                    body.move_to("/amount", "/amount/value").default("/amount/currency", "USD")
                })
                .response(|body| body.move_to("/amount/value", "/amount"))
        })
        .gate("2", |gate| {
            gate.describe("`source` is called `card`.")
                .at("/transfers")
                .request(|body| body.rename("/source", "card"))
                .response(|body| body.rename("/card", "source"))
                .error(|body| body.rename("/card", "source"))
        })
}

/// What the handler saw of a request.
#[derive(Clone, Debug, Default)]
struct Seen(Arc<Mutex<Option<(HeaderMap, String)>>>);

impl Seen {
    fn body(&self) -> String {
        self.0.lock().unwrap().as_ref().unwrap().1.clone()
    }

    fn headers(&self) -> HeaderMap {
        self.0.lock().unwrap().as_ref().unwrap().0.clone()
    }

    fn is_nothing(&self) -> bool {
        self.0.lock().unwrap().is_none()
    }
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
    rejection: Option<Rejection>,
    error: Option<GateError>,
    not_executed: bool,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

async fn send(
    migrations: &MigrationLayer,
    request: Request<Full<Bytes>>,
    respond: impl Fn(&Request<()>) -> Response<String> + Clone + Send + 'static,
) -> (Answer, Seen) {
    let seen = Seen::default();
    let kept = seen.clone();
    let handler = service_fn(move |request: Request<StoneBody<Full<Bytes>>>| {
        let (kept, respond) = (kept.clone(), respond.clone());
        async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            let text = String::from_utf8(body.to_vec()).unwrap();
            *kept.0.lock().unwrap() = Some((parts.headers.clone(), text));
            let response = respond(&Request::from_parts(parts, ()));
            Ok::<_, Infallible>(response.map(|text| Full::new(Bytes::from(text))))
        }
    });
    let service =
        ServiceBuilder::new().layer(versions()).layer(migrations.clone()).service(handler);
    let response = service.oneshot(request).await.unwrap();
    let (mut parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let answer = Answer {
        status: parts.status,
        headers: parts.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
        rejection: parts.extensions.remove(),
        error: parts.extensions.remove(),
        not_executed: parts.extensions.remove::<NotExecuted>().is_some(),
    };
    (answer, seen)
}

fn json(body: &str) -> Response<String> {
    let mut response = Response::new(body.to_owned());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn post(path: &str, body: &'static str) -> Request<Full<Bytes>> {
    Request::post(path)
        .header(CONTENT_TYPE, "application/json")
        .header(CONTENT_LENGTH, body.len())
        .body(Full::new(Bytes::from_static(body.as_bytes())))
        .unwrap()
}

fn get(path: &str) -> Request<Full<Bytes>> {
    Request::get(path).body(Full::default()).unwrap()
}

const NEWEST: &str =
    r#"{"id":12345678901234567890123,"card":"c","amount":{"value":5,"currency":"USD"}}"#;

#[tokio::test]
async fn requests_climb_from_the_oldest_and_responses_descend_from_the_newest() {
    let layer = money().build().unwrap();
    for (version, sent, seen_as, answer) in [
        (
            "v1",
            r#"{"source":"c","amount":5}"#,
            r#"{"card":"c","amount":{"value":5,"currency":"USD"}}"#,
            r#"{"id":12345678901234567890123,"source":"c","amount":5}"#,
        ),
        (
            "v2",
            r#"{"card":"c","amount":5}"#,
            r#"{"card":"c","amount":{"value":5,"currency":"USD"}}"#,
            r#"{"id":12345678901234567890123,"card":"c","amount":5}"#,
        ),
        ("v3", r#"{ "source": "c" }"#, r#"{ "source": "c" }"#, NEWEST),
    ] {
        let request = post(&format!("/{version}/transfers"), sent);
        let (told, seen) = send(&layer, request, |_| json(NEWEST)).await;
        assert_eq!((told.status, &*told.body), (StatusCode::OK, answer), "{version}");
        assert_eq!(seen.body(), seen_as);
        assert_eq!(seen.headers()[CONTENT_LENGTH], seen.body().len().to_string());
        if version != "v3" {
            assert_eq!(told.header("content-length"), told.body.len().to_string());
        }
    }
}

/// The order of gates tells: what one makes, the next one renames.
#[tokio::test]
async fn gates_of_one_version_are_passed_in_order_and_back_in_the_other() {
    let layer = versions()
        .migrations()
        .gate("2", |g| {
            g.describe("a to b").request(|b| b.rename("/a", "b")).response(|b| b.rename("/b", "a"))
        })
        .gate("2", |g| {
            g.describe("b to c").request(|b| b.rename("/b", "c")).response(|b| b.rename("/c", "b"))
        })
        .build()
        .unwrap();
    let (told, seen) = send(&layer, post("/v1/x", r#"{"a":1}"#), |_| json(r#"{"c":1}"#)).await;
    assert_eq!((&*told.body, &*seen.body()), (r#"{"a":1}"#, r#"{"c":1}"#));
}

#[tokio::test]
async fn only_the_routes_of_a_gate_are_its_own() {
    let layer = money().build().unwrap();
    // Only the gate of version 3 is for it.
    let (told, _) = send(&layer, get("/v1/transfers/7"), |_| json(NEWEST)).await;
    assert_eq!(told.body, r#"{"id":12345678901234567890123,"card":"c","amount":5}"#);
    for path in ["/v1/transfers/7/lines", "/v1/others", "/v1", "/health"] {
        let (told, _) = send(&layer, get(path), |_| json(NEWEST)).await;
        assert_eq!((&*told.body, told.header("content-length")), (NEWEST, ""), "{path}");
    }
    // The version may stand elsewhere than in the path.
    let mut request = get("/transfers/7");
    request.headers_mut().insert("api-version", HeaderValue::from_static("1"));
    let (told, _) = send(&layer, request, |_| json(NEWEST)).await;
    assert!(told.body.ends_with(r#""amount":5}"#), "{}", told.body);

    let only_posts = versions().migrations().gate("2", |g| {
        g.describe("d")
            .method(Method::POST)
            .when(|head| !head.headers.contains_key("x-raw"))
            .response(|b| b.remove("/card"))
    });
    let layer = only_posts.build().unwrap();
    let (told, _) = send(&layer, get("/v1/x"), |_| json(NEWEST)).await;
    assert_eq!(told.body, NEWEST);
    let (told, _) = send(&layer, post("/v1/x", "{}"), |_| json(NEWEST)).await;
    assert!(!told.body.contains("card"));
    let mut raw = post("/v1/x", "{}");
    raw.headers_mut().insert("x-raw", HeaderValue::from_static("1"));
    assert_eq!(send(&layer, raw, |_| json(NEWEST)).await.0.body, NEWEST);
}

#[tokio::test]
async fn errors_are_migrated_only_by_gates_that_say_so() {
    let layer = money().build().unwrap();
    let refused = |_: &Request<()>| {
        let mut response = json(r#"{"card":"c","amount":{"value":5}}"#);
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
        response
    };
    let (told, _) = send(&layer, post("/v1/transfers", "{}"), refused).await;
    assert_eq!(told.body, r#"{"source":"c","amount":{"value":5}}"#);
    assert_eq!(told.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_body_that_is_no_json_is_told_and_runs_nothing() {
    let layer = money().max_request_body(64).build().unwrap();
    for (body, status, slug) in [
        ("{", 400, "body-malformed"),
        ("{\"a\":1} x", 400, "body-malformed"),
        (r#"{"amount":1,"amount":2}"#, 422, "body-refused"),
        (
            concat!(
                r#"{"a":"0123456789012345678901234567890123456789012345678901234567"#,
                r#"89"}"#
            ),
            413,
            "body-too-large",
        ),
    ] {
        let (told, seen) = send(&layer, post("/v1/transfers", body), |_| json("{}")).await;
        assert_eq!(told.status.as_u16(), status, "{body}");
        assert!(told.body.contains(&format!("urn:stonework:versioning:{slug}")), "{}", told.body);
        assert!(told.not_executed && seen.is_nothing());
        assert_eq!(told.rejection.unwrap().slug(), slug);
    }
    let mut encoded = post("/v1/transfers", "{}");
    encoded.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    let (told, seen) = send(&layer, encoded, |_| json("{}")).await;
    assert_eq!((told.status.as_u16(), seen.is_nothing()), (415, true));
    // No body, and a body that is something else, are the handler's to judge.
    let (told, seen) = send(&layer, post("/v1/transfers", ""), |_| json("{}")).await;
    assert_eq!((told.status.as_u16(), &*seen.body()), (200, ""));
    let mut form = post("/v1/transfers", "amount=5");
    let urlencoded = HeaderValue::from_static("application/x-www-form-urlencoded");
    form.headers_mut().insert(CONTENT_TYPE, urlencoded);
    let (told, seen) = send(&layer, form, |_| json("{}")).await;
    assert_eq!((told.status.as_u16(), &*seen.body()), (200, "amount=5"));
}

#[tokio::test]
async fn a_gate_that_fails_is_a_500_and_nothing_is_half_converted() {
    let layer = versions()
        .migrations()
        .gate("2", |g| {
            g.describe("limits")
                .request(|b| {
                    b.remove("/a").with(|d| match d.get::<u8>("/limit")? {
                        Some(101..) => Err(GateError::refuse("`limit` is 100 at most.")),
                        Some(100) => Err(GateError::new("the secret reason")),
                        Some(99) => panic!("the secret reason"),
                        _ => Ok(()),
                    })
                })
                .response(|b| b.remove("/a").with(|d| d.get::<u8>("/limit").map(drop)))
        })
        .build()
        .unwrap();
    for (body, status, detail) in [
        (r#"{"a":1,"limit":200}"#, 422, "`limit` is 100 at most."),
        (r#"{"a":1,"limit":100}"#, 500, "limits"),
        (r#"{"a":1,"limit":99}"#, 500, "limits"),
        (r#"{"a":1,"limit":"x"}"#, 500, "limits"),
    ] {
        let (told, seen) = send(&layer, post("/v1/x", body), |_| json("{}")).await;
        assert_eq!((told.status.as_u16(), seen.is_nothing()), (status, true), "{body}");
        assert!(told.body.contains(detail) && !told.body.contains("secret"), "{}", told.body);
        assert!(told.error.is_some() && told.not_executed);
    }
    for body in [r#"{"a":1,"limit":"x"}"#, "no json"] {
        let (told, seen) = send(&layer, get("/v1/x"), |_| json(body)).await;
        assert_eq!((told.status.as_u16(), seen.is_nothing()), (500, false));
        assert_eq!(told.rejection, Some(Rejection::MigrationFailed));
        assert!(!told.not_executed, "the handler has run");
        assert!(!told.body.contains("\"a\""), "{}", told.body);
    }
}

#[tokio::test]
async fn what_has_no_body_is_left_alone_and_head_says_what_get_would() {
    let layer = money().build().unwrap();
    let tagged = |status: u16| {
        move |_: &Request<()>| {
            let body = if status == 200 { NEWEST } else { "" };
            let mut response = json(body);
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            let headers = response.headers_mut();
            headers.insert(ETAG, HeaderValue::from_static("\"abc\""));
            headers.insert("repr-digest", HeaderValue::from_static("sha-256=:AA==:"));
            headers.insert("accept-ranges", HeaderValue::from_static("bytes"));
            headers.insert("x-own", HeaderValue::from_static("kept"));
            headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
            response
        }
    };
    let (got, _) = send(&layer, get("/v1/transfers/7"), tagged(200)).await;
    assert_eq!((got.header("etag"), got.header("x-own")), ("\"abc~v1\"", "kept"));
    assert_eq!((got.header("repr-digest"), got.header("accept-ranges")), ("", ""));
    assert_eq!(got.header("content-length"), got.body.len().to_string());

    let mut head = get("/v1/transfers/7");
    *head.method_mut() = Method::HEAD;
    let respond = tagged(200);
    let headed = move |request: &Request<()>| respond(request).map(|_| String::new());
    let (told, _) = send(&layer, head, headed).await;
    let mut expected = got.headers.clone();
    expected.remove(CONTENT_LENGTH);
    assert_eq!(told.headers, expected, "those of GET, without what is not known");

    for status in [204, 205, 304] {
        let (told, _) = send(&layer, get("/v1/transfers/7"), tagged(status)).await;
        assert_eq!((told.status.as_u16(), told.header("etag")), (status, "\"abc\""));
    }
    // The newest version has the handler's own tag.
    let (told, _) = send(&layer, get("/v3/transfers/7"), tagged(200)).await;
    assert_eq!(told.header("etag"), "\"abc\"");
}

#[tokio::test]
async fn an_empty_body_is_no_json_and_nobody_minds() {
    let migrations = money().build().unwrap();
    let (answer, seen) = send(&migrations, post("/v1/transfers", ""), |_| json("")).await;
    assert_eq!((answer.status, &*answer.body, &*seen.body()), (StatusCode::OK, "", ""));
}

#[tokio::test]
async fn a_tag_of_an_older_version_leads_back_to_the_handlers_own() {
    let layer = money().build().unwrap();
    let unless = |request: &Request<()>| {
        let had = request.headers().get(IF_NONE_MATCH);
        let has_it = had.is_some_and(|tag| tag == "\"abc\"" || tag == "*");
        let mut response = json(if has_it { "" } else { NEWEST });
        response.headers_mut().insert(ETAG, HeaderValue::from_static("\"abc\""));
        if has_it {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        }
        response
    };
    let mut request = get("/v1/transfers/7");
    request.headers_mut().insert(IF_NONE_MATCH, HeaderValue::from_static("\"abc~v1\""));
    request.headers_mut().insert(RANGE, HeaderValue::from_static("bytes=0-3"));
    let (told, seen) = send(&layer, request, unless).await;
    assert_eq!((told.status.as_u16(), told.header("etag")), (304, "\"abc~v1\""));
    assert!(!seen.headers().contains_key(RANGE), "a part of what is migrated means nothing");
    let mut request = get("/v1/transfers/7");
    request.headers_mut().insert(IF_NONE_MATCH, HeaderValue::from_static("*"));
    let (told, _) = send(&layer, request, unless).await;
    assert_eq!((told.status.as_u16(), told.header("etag")), (304, "\"abc~v1\""), "whichever it is");
    // That of another version is that of another shape, and so is the handler's own.
    for tag in ["\"abc~v2\"", "\"abc\""] {
        let mut request = get("/v1/transfers/7");
        request.headers_mut().insert(IF_NONE_MATCH, HeaderValue::from_static(tag));
        assert_eq!(send(&layer, request, unless).await.0.status, StatusCode::OK, "{tag}");
    }
    let mut request = post("/v1/transfers", "{}");
    request.headers_mut().insert(IF_MATCH, HeaderValue::from_static("\"abc~v1\", W/\"d\""));
    let (_, seen) = send(&layer, request, |_| json("{}")).await;
    assert_eq!(seen.headers()[IF_MATCH], "\"abc\", W/\"d\"");
}

#[tokio::test]
async fn what_cannot_be_migrated_is_refused_by_name_or_passes() {
    let layer = money().max_response_body(100).build().unwrap();
    let with = |name: &'static str, value: &'static str| {
        move |_: &Request<()>| {
            let mut response = json(NEWEST);
            response.headers_mut().insert(name, HeaderValue::from_static(value));
            response
        }
    };
    for (name, value, word) in [
        ("content-encoding", "gzip", "compressed"),
        ("content-range", "bytes 0-1/9", "part"),
        ("content-type", "text/event-stream", "stream"),
        ("content-type", "application/x-ndjson", "stream"),
    ] {
        let (told, seen) = send(&layer, get("/v1/transfers/7"), with(name, value)).await;
        assert_eq!((told.status.as_u16(), told.rejection), (500, Some(Rejection::NotMigratable)));
        assert!(
            told.body.contains(word) && !told.not_executed && !seen.is_nothing(),
            "{}",
            told.body
        );
        assert_eq!(send(&layer, get("/v3/transfers/7"), with(name, value)).await.0.body, NEWEST);
    }
    let partial = |_: &Request<()>| {
        let mut response = json("{}");
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        response
    };
    assert_eq!(send(&layer, get("/v1/transfers/7"), partial).await.0.status.as_u16(), 500);
    let large = |_: &Request<()>| json(&format!("[{}1]", "1,".repeat(100)));
    let (told, _) = send(&layer, get("/v1/transfers/7"), large).await;
    assert!(told.body.contains("larger"), "{}", told.body);
    for other in ["text/html", "image/png", "application/grpc+json"] {
        let (told, _) = send(&layer, get("/v1/transfers/7"), with("content-type", other)).await;
        assert_eq!((told.status.as_u16(), &*told.body), (200, NEWEST), "{other}");
    }
}

#[tokio::test]
async fn events_are_migrated_by_who_makes_them() {
    let layer = money().build().unwrap();
    let stream = |request: &Request<()>| {
        let events = request.extensions().get::<EventMigration>().map(EventMigration::events);
        let data = match &events {
            Some(events) => events.migrate(NEWEST).unwrap(),
            None => NEWEST.into(),
        };
        let mut response = Response::new(format!("data: {data}\n\n"));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        response
    };
    let (told, _) = send(&layer, get("/v2/transfers/7"), stream).await;
    assert_eq!(told.body, "data: {\"id\":12345678901234567890123,\"card\":\"c\",\"amount\":5}\n\n");
    let (told, _) = send(&layer, get("/v3/transfers/7"), stream).await;
    assert_eq!(told.body, format!("data: {NEWEST}\n\n"));
}

#[tokio::test]
async fn heads_are_changed_where_a_gate_says_so() {
    let layer = versions()
        .migrations()
        .gate("2", |g| {
            g.describe("`x-old` is called `x-new`, and what is made is told by 201.")
                .request_head(|head| {
                    if let Some(value) = head.headers.remove("x-old") {
                        head.headers.insert("x-new", value);
                    }
                })
                .response_head(|head| {
                    if head.status == StatusCode::CREATED {
                        head.status = StatusCode::OK;
                    }
                })
        })
        .build()
        .unwrap();
    let mut request = post("/v1/x", "not json at all");
    request.headers_mut().insert("x-old", HeaderValue::from_static("7"));
    let (told, seen) = send(&layer, request, |_| {
        let mut response = json("nor is this");
        *response.status_mut() = StatusCode::CREATED;
        response
    })
    .await;
    assert_eq!((told.status, &*told.body), (StatusCode::OK, "nor is this"));
    assert_eq!(
        (&seen.headers()["x-new"], &*seen.body()),
        (&HeaderValue::from_static("7"), "not json at all")
    );
}

/// A body whose frames are counted when they are asked for.
#[derive(Clone, Default)]
struct Counted {
    polls: Arc<AtomicUsize>,
}

impl http_body::Body for Counted {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.polls.fetch_add(1, Ordering::SeqCst);
        Poll::Pending
    }
}

#[tokio::test]
async fn a_body_without_a_gate_to_pass_is_not_looked_at() {
    let layer = money().build().unwrap();
    let handler = service_fn(|_: Request<StoneBody<Counted>>| {
        ready(Ok::<_, Infallible>(json("{}").map(|text| Full::new(Bytes::from(text)))))
    });
    let service = ServiceBuilder::new().layer(versions()).layer(layer).service(handler);
    for path in ["/v3/transfers", "/v1/others"] {
        let body = Counted::default();
        let polls = Arc::clone(&body.polls);
        let request = Request::post(path).header(CONTENT_TYPE, "application/json").body(body);
        let response = service.clone().oneshot(request.unwrap()).await.unwrap();
        assert_eq!((response.status().as_u16(), polls.load(Ordering::SeqCst)), (200, 0), "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_sends_nothing_holds_no_permit_and_is_told_in_the_end() {
    let layer = money().read_timeout(Duration::from_secs(5)).build().unwrap();
    let handler = service_fn(|_: Request<StoneBody<Counted>>| {
        ready(Ok::<_, Infallible>(json("{}").map(|text| Full::new(Bytes::from(text)))))
    });
    let one_at_a_time =
        ServiceBuilder::new().layer(versions()).layer(layer).concurrency_limit(1).service(handler);
    let request = |path: &str| {
        let request = Request::post(path).header(CONTENT_TYPE, "application/json");
        request.body(Counted::default()).unwrap()
    };
    let mut slow = pin!(one_at_a_time.clone().oneshot(request("/v1/transfers")));
    assert!(is_pending(slow.as_mut()));
    let other = one_at_a_time.clone().oneshot(request("/v3/transfers")).await.unwrap();
    assert_eq!(other.status(), StatusCode::OK);
    assert_eq!(slow.await.unwrap().status(), StatusCode::REQUEST_TIMEOUT);
}

fn is_pending<F: Future>(future: Pin<&mut F>) -> bool {
    future.poll(&mut Context::from_waker(Waker::noop())).is_pending()
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_does_not_end_its_body_is_not_waited_for_for_ever() {
    let layer = money().answer_timeout(Duration::from_secs(5)).build().unwrap();
    let handler = service_fn(|_: Request<StoneBody<Full<Bytes>>>| {
        ready(Ok::<_, Infallible>(json("").map(|_| Counted::default())))
    });
    let service = ServiceBuilder::new().layer(versions()).layer(layer).service(handler);
    let response = service.oneshot(get("/v1/transfers/7")).await.unwrap();
    assert_eq!(response.extensions().get(), Some(&Rejection::NotMigratable));
}

#[tokio::test]
async fn who_goes_away_ends_the_handler() {
    let layer = money().build().unwrap();
    let alive = Arc::new(());
    let held = Arc::clone(&alive);
    let handler = service_fn(move |_: Request<StoneBody<Full<Bytes>>>| {
        let held = Arc::clone(&held);
        async move {
            let _held = held;
            pending::<Result<Response<Full<Bytes>>, Infallible>>().await
        }
    });
    let service = ServiceBuilder::new().layer(versions()).layer(layer).service(handler);
    {
        let mut call = pin!(service.oneshot(post("/v1/transfers", "{}")));
        assert!(is_pending(call.as_mut()));
        assert_eq!(Arc::strong_count(&alive), 2, "the handler runs");
    }
    assert_eq!(Arc::strong_count(&alive), 1);
}

#[tokio::test]
async fn trailers_are_kept_but_for_digests() {
    let layer = money().build().unwrap();
    let handler = service_fn(|_: Request<StoneBody<Full<Bytes>>>| {
        let mut trailers = HeaderMap::new();
        trailers.insert("x-sum", HeaderValue::from_static("9"));
        trailers.insert("repr-digest", HeaderValue::from_static("sha-256=:AA==:"));
        let body = Full::new(Bytes::from_static(NEWEST.as_bytes()))
            .with_trailers(ready(Some(Ok::<_, Infallible>(trailers))));
        ready(Ok::<_, Infallible>(json("").map(|_| body)))
    });
    let service = ServiceBuilder::new().layer(versions()).layer(layer).service(handler);
    let response = service.oneshot(get("/v2/transfers/7")).await.unwrap();
    assert!(!response.headers().contains_key(CONTENT_LENGTH), "hyper would drop the trailers");
    let collected = response.into_body().collect().await.unwrap();
    let trailers = collected.trailers().unwrap();
    assert_eq!((trailers.len(), &trailers["x-sum"]), (1, &HeaderValue::from_static("9")));
}

/// The service inside is found ready before it is called.
#[tokio::test]
async fn the_service_that_is_called_was_asked_before() {
    #[derive(Clone, Default)]
    struct Strict(bool);

    impl Service<Request<StoneBody<Full<Bytes>>>> for Strict {
        type Response = Response<Full<Bytes>>;
        type Error = Infallible;
        type Future = std::future::Ready<Result<Self::Response, Infallible>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            self.0 = true;
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: Request<StoneBody<Full<Bytes>>>) -> Self::Future {
            assert!(std::mem::take(&mut self.0), "it was called and not asked before");
            ready(Ok(json("{}").map(|text| Full::new(Bytes::from(text)))))
        }
    }

    let layer = money().build().unwrap();
    let mut service = versions().layer(layer.layer(Strict::default()));
    for request in [post("/v1/transfers", "{}"), get("/v1/transfers/7"), get("/v3/transfers/7")] {
        let response = service.ready().await.unwrap().call(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
    }
}

#[test]
fn a_changelog_is_made_of_the_gates() {
    let layer = money().build().unwrap();
    assert_eq!(
        layer.changelog().to_string(),
        "## v3\n\n\
         - `amount` is an object of `value` and `currency`. (`/transfers`, `/transfers/{id}`)\n  \
         - an older request: `/amount` moves to `/amount/value`; `/amount/currency` is `\"USD\"` if it is missing\n  \
         - the response to it: `/amount/value` moves to `/amount`\n\n\
         ## v2\n\n\
         - `source` is called `card`. (`/transfers`)\n  \
         - an older request: `/source` becomes `card`\n  \
         - the response to it: `/card` becomes `source`\n  \
         - an error: `/card` becomes `source`\n"
    );
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let errors = versions()
        .migrations()
        .gate("9", |g| g.describe("d").request(|b| b.remove("/a")))
        .gate("1", |g| g.describe("d").request(|b| b.remove("/a")))
        .gate("2", |g| g)
        .gate("2", |g| {
            g.describe("d").at("transfers").request(|b| {
                b.remove("a").rename("", "b").move_to("/x/*/a", "/b").move_to("/a", "b")
            })
        })
        .read_timeout(Duration::ZERO)
        .build()
        .unwrap_err();
    let told: Vec<_> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 10, "{told:#?}");
    let none = versions().migrations().build().unwrap_err();
    assert_eq!(none.as_slice()[0].setting, "gate");
}

/// The path has the version, whichever reader found it first.
#[tokio::test]
async fn a_gate_is_passed_wherever_the_version_was_found() {
    for after in ["", "/api"] {
        let versions = VersionLayer::builder::<Major>()
            .version("1", |v| v)
            .version("2", |v| v)
            .read(Header::named("api-version"))
            .read(PathSegment::first())
            .read(PathSegment::after("/api"))
            .build()
            .unwrap();
        let gate = versions.migrations().gate("2", |gate| {
            let at = format!("{after}/transfers");
            gate.describe("d").at(&at).response(|body| body.rename("/new", "old"))
        });
        let handler = service_fn(async |_: Request<StoneBody<Full<Bytes>>>| {
            Ok::<_, Infallible>(json(r#"{"new":1}"#).map(|text| Full::new(Bytes::from(text))))
        });
        let migrations = gate.build().unwrap();
        let service = ServiceBuilder::new().layer(versions).layer(migrations).service(handler);
        let mut request = get(&format!("{after}/v1/transfers"));
        request.headers_mut().insert("api-version", HeaderValue::from_static("1"));
        let response = service.oneshot(request).await.unwrap();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, r#"{"old":1}"#, "{after}");
    }
}

/// A response that was fetched from elsewhere has the framing of that connection.
#[tokio::test]
async fn what_was_read_to_its_end_has_no_framing_of_before() {
    let layer = money().build().unwrap();
    let fetched = |_: &Request<()>| {
        let mut response = json(NEWEST);
        response.headers_mut().insert("transfer-encoding", HeaderValue::from_static("chunked"));
        response
    };
    let (told, _) = send(&layer, get("/v1/transfers/7"), fetched).await;
    assert_eq!(told.header("transfer-encoding"), "");
    assert_eq!(told.header("content-length"), told.body.len().to_string());
}

#[tokio::test]
async fn no_condition_is_lost_and_none_is_asked_of_another_shape() {
    let layer = versions()
        .migrations()
        .gate("2", |gate| {
            gate.describe("d").at("/t").method(Method::GET).response(|body| body.remove("/a"))
        })
        .build()
        .unwrap();
    let ask = async |method: Method, headers: &[(&'static str, &[u8])]| {
        let mut request = get("/v1/t");
        *request.method_mut() = method;
        for (name, value) in headers {
            request.headers_mut().insert(*name, HeaderValue::from_bytes(value).unwrap());
        }
        send(&layer, request, |_| json("{}")).await.1.headers()
    };
    // A date counts where there is no tag, and there was one.
    let date = ("if-modified-since", &b"Fri, 27 Nov 2026 00:00:00 GMT"[..]);
    let seen = ask(Method::GET, &[("if-none-match", b"\"abc\""), date]).await;
    assert!(!seen.contains_key("if-none-match") && !seen.contains_key("if-modified-since"));
    let seen = ask(Method::GET, &[("if-none-match", b"\"abc~v1\""), date]).await;
    assert!(seen["if-none-match"] == "\"abc\"" && seen.contains_key("if-modified-since"));
    // A tag may have any bytes, and what has no gate for its method has the tag of what has one.
    for method in [Method::PUT, Method::DELETE, Method::GET] {
        let seen = ask(method.clone(), &[("if-match", b"\"\xe9~v1\", \"b\"")]).await;
        assert_eq!(seen[IF_MATCH].as_bytes(), b"\"\xe9\", \"b\"", "{method}");
    }
}

#[tokio::test]
async fn no_header_leads_around_a_gate() {
    let layer = money().build().unwrap();
    let mut request = post("/v1/transfers", r#"{"amount":5}"#);
    request.headers_mut().insert("content-range", HeaderValue::from_static("bytes 0-1/2"));
    let (_, seen) = send(&layer, request, |_| json("{}")).await;
    assert_eq!(seen.body(), r#"{"amount":{"value":5,"currency":"USD"}}"#);
    let mut request = post("/v1/transfers", r#"{"amount":5}"#);
    let stream = HeaderValue::from_static("application/stream+json");
    request.headers_mut().insert(CONTENT_TYPE, stream);
    let (told, seen) = send(&layer, request, |_| json("{}")).await;
    assert_eq!(
        (told.status, told.rejection),
        (StatusCode::UNSUPPORTED_MEDIA_TYPE, Some(Rejection::BodyStream))
    );
    assert!(seen.is_nothing() && told.not_executed);
}
