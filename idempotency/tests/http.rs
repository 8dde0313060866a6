//! What the layer says over HTTP: one test per sentence of the protocol.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.
#![cfg(feature = "memory")]

#[path = "support/app.rs"]
mod app;

use std::time::Duration;

use app::{app, body, count, counting, post, send, send_key, single};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use stonework_core::{Key, NotExecuted, OriginalUri};
use stonework_idempotency::{Idempotency, IdempotencyLayer, KeyError, Rejection};

#[tokio::test]
async fn a_retry_gets_the_first_answer_and_nothing_runs_again() {
    let (runs, handler) = counting();
    let app = app(&single().build().unwrap(), handler);
    let first = send_key(&app, "k").await;
    assert_eq!((first.status, first.text()), (StatusCode::CREATED, "run 1"));
    assert!(!first.is_replay());
    let retry = send_key(&app, "k").await;
    assert_eq!((retry.status, retry.text()), (StatusCode::CREATED, "run 1"));
    assert!(retry.is_replay());
    assert_eq!(send_key(&app, "other").await.text(), "run 2");
    assert_eq!(count(&runs), 2);
}

#[tokio::test]
async fn quoted_and_bare_are_one_key() {
    let (runs, handler) = counting();
    let app = app(&single().build().unwrap(), handler);
    for key in ["k", "\"k\"", " \"k\";v=1"] {
        assert_eq!(send_key(&app, key).await.text(), "run 1", "{key}");
    }
    assert_eq!(count(&runs), 1);
}

#[tokio::test]
async fn a_key_that_cannot_be_read_is_400_and_says_why() {
    let (runs, handler) = counting();
    let app = app(&single().build().unwrap(), handler);
    let long = "x".repeat(256);
    for (key, error) in [
        ("", KeyError::Empty),
        ("a, b", KeyError::Malformed),
        ("\"a", KeyError::Malformed),
        ("a b", KeyError::Malformed),
        (long.as_str(), KeyError::TooLong),
    ] {
        let answer = send_key(&app, key).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert_eq!(answer.rejection(), Rejection::KeyMalformed(error));
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        assert!(answer.text().contains(&error.to_string()));
    }
    let twice = post("k").header("idempotency-key", "k").body(Full::default()).unwrap();
    assert_eq!(send(&app, twice).await.rejection(), Rejection::KeyMalformed(KeyError::Repeated));
    assert_eq!(count(&runs), 0);
}

#[tokio::test]
async fn a_missing_key_passes_unless_it_is_required() {
    let (runs, handler) = counting();
    let lax = app(&single().build().unwrap(), handler.clone());
    let strict = app(&single().required(true).build().unwrap(), handler);
    let request = || Request::post("/").body(Full::default()).unwrap();
    for expected in ["run 1", "run 2"] {
        let answer = send(&lax, request()).await;
        assert_eq!(answer.text(), expected);
        assert!(!answer.is_replay());
    }
    let answer = send(&strict, request()).await;
    assert_eq!(
        (answer.status, answer.rejection()),
        (StatusCode::BAD_REQUEST, Rejection::KeyMissing)
    );
    assert_eq!(count(&runs), 2);
}

#[tokio::test]
async fn only_the_named_methods_are_protected() {
    let (runs, handler) = counting();
    let default = app(&single().required(true).build().unwrap(), handler.clone());
    let of = |method: Method| {
        let request = Request::builder().method(method).uri("/").header("idempotency-key", "k");
        request.body(Full::default()).unwrap()
    };
    for method in [Method::GET, Method::HEAD, Method::OPTIONS, Method::PUT, Method::DELETE] {
        assert!(!send(&default, of(method.clone())).await.is_replay());
        assert!(!send(&default, of(method)).await.is_replay());
    }
    assert_eq!(count(&runs), 10);
    assert!(!send(&default, of(Method::PATCH)).await.is_replay());
    assert!(send(&default, of(Method::PATCH)).await.is_replay());
    let put = app(&single().methods([Method::PUT]).build().unwrap(), handler);
    assert!(!send(&put, of(Method::PUT)).await.is_replay());
    assert!(send(&put, of(Method::PUT)).await.is_replay());
    assert!(!send(&put, of(Method::POST)).await.is_replay());
    assert!(!send(&put, of(Method::POST)).await.is_replay());
}

#[tokio::test]
async fn the_header_can_be_renamed() {
    let (_, handler) = counting();
    let app = app(&single().header("x-request-key").build().unwrap(), handler);
    let request = || {
        let request = Request::post("/").header("x-request-key", "k");
        request.header("idempotency-key", "a, b").body(Full::default()).unwrap()
    };
    assert!(!send(&app, request()).await.is_replay());
    assert!(send(&app, request()).await.is_replay());
}

#[tokio::test]
async fn another_request_with_the_same_key_is_422() {
    let (runs, handler) = counting();
    let app = app(&single().build().unwrap(), handler);
    let json = || post("k").header("content-type", "application/json");
    assert_eq!(send(&app, body(json(), "{}")).await.status, StatusCode::CREATED);
    for other in [
        body(json(), "{ }"),
        body(json().uri("/transfers?x"), "{}"),
        body(json().uri("/refunds"), "{}"),
        body(json().method("PATCH"), "{}"),
        body(post("k"), "{}"),
    ] {
        let answer = send(&app, other).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(answer.rejection(), Rejection::Mismatch);
        assert_eq!(answer.header("retry-after"), None);
    }
    assert!(send(&app, body(json(), "{}")).await.is_replay());
    assert_eq!(count(&runs), 1);
}

#[tokio::test]
async fn keys_are_told_apart_by_route_only_when_asked() {
    let (_, handler) = counting();
    let app = app(&single().per_route().build().unwrap(), handler);
    assert_eq!(send(&app, body(post("k").uri("/a"), "")).await.text(), "run 1");
    assert_eq!(send(&app, body(post("k").uri("/b"), "")).await.text(), "run 2");
    assert_eq!(send(&app, body(post("k").uri("/a"), "")).await.text(), "run 1");
    let answer = send(&app, body(post("k").uri("/a?x"), "")).await;
    assert_eq!(answer.rejection(), Rejection::Mismatch, "the query is no part of the route");
}

#[tokio::test]
async fn the_fingerprint_is_of_the_unstripped_uri_and_what_is_added() {
    let (_, handler) = counting();
    let version = http::HeaderName::from_static("api-version");
    let layer = single().fingerprint_with(move |head, input| input.header(head, &version));
    let app = app(&layer.build().unwrap(), handler);
    let outer = |path: &'static str| {
        let uri = OriginalUri(http::Uri::from_static(path));
        body(post("k").uri("/inner").extension(uri).header("api-version", "1"), "")
    };
    assert_eq!(send(&app, outer("/v1/inner")).await.text(), "run 1");
    assert!(send(&app, outer("/v1/inner")).await.is_replay());
    assert_eq!(send(&app, outer("/v2/inner")).await.rejection(), Rejection::Mismatch);
    let mut newer = outer("/v1/inner");
    newer.headers_mut().insert("api-version", "2".parse().unwrap());
    assert_eq!(send(&app, newer).await.rejection(), Rejection::Mismatch);
}

#[derive(Clone)]
struct Account(&'static str);

fn scoped() -> stonework_idempotency::IdempotencyLayerBuilder {
    IdempotencyLayer::builder()
        .scope(|head| head.extensions.get::<Account>().map(|account| Key::from(account.0)))
}

#[tokio::test]
async fn keys_of_two_scopes_never_meet() {
    let (_, handler) = counting();
    let app = app(&scoped().build().unwrap(), handler);
    let of = |account| body(post("k").extension(Account(account)), "");
    assert_eq!(send(&app, of("alice")).await.text(), "run 1");
    assert_eq!(send(&app, of("bob")).await.text(), "run 2");
    assert_eq!(send(&app, of("alice")).await.text(), "run 1");
    let anonymous = || body(post("k"), "");
    assert_eq!(send(&app, anonymous()).await.text(), "run 3");
    assert_eq!(send(&app, anonymous()).await.text(), "run 3");
}

#[tokio::test]
async fn credentials_without_an_owner_are_refused_and_not_shared() {
    let (runs, handler) = counting();
    let app = app(&scoped().build().unwrap(), handler);
    for name in ["authorization", "cookie", "x-api-key"] {
        for account in [None, Some(Account(""))] {
            let mut request = body(post("k").header(name, "secret"), "");
            account.map(|account| request.extensions_mut().insert(account));
            let answer = send(&app, request).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN);
            assert_eq!(answer.rejection(), Rejection::ScopeMissing);
        }
    }
    assert_eq!(count(&runs), 0);
}

#[tokio::test]
async fn a_body_over_the_cap_is_413_and_the_key_stays_unused() {
    let (runs, handler) = counting();
    let app = app(&single().max_request_body(3).build().unwrap(), handler);
    let answer = send(&app, body(post("k"), "1234")).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(answer.rejection(), Rejection::BodyTooLarge);
    assert_eq!(send(&app, body(post("k"), "123")).await.text(), "run 1");
    assert_eq!(count(&runs), 1);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_comes_too_late_is_408() {
    use http_body_util::{BodyExt, StreamBody};
    use stonework_idempotency::IdempotencyService;
    use tower::{Layer, ServiceExt, service_fn};

    let layer = single().read_timeout(Duration::from_secs(5)).build().unwrap();
    let inner =
        service_fn(async |_: Request<_>| -> Result<Response<Full<Bytes>>, std::io::Error> {
            unreachable!("the body never came")
        });
    let service: IdempotencyService<_> = layer.layer(inner);
    let silence = StreamBody::new(tokio_stream::pending::<
        Result<http_body::Frame<Bytes>, std::convert::Infallible>,
    >());
    let response = service.oneshot(post("k").body(silence).unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::REQUEST_TIMEOUT);
    assert_eq!(response.extensions().get(), Some(&Rejection::BodyTimedOut));
    assert!(response.extensions().get::<NotExecuted>().is_some());
    drop(response.into_body().collect().await);
    assert_eq!(layer.tracker().in_flight(), 0, "nothing was spawned for a body that never came");
}

#[tokio::test]
async fn a_body_that_breaks_off_is_400_and_the_key_stays_unused() {
    use http_body_util::{BodyExt, Full};
    use tower::{Layer, ServiceExt, service_fn};

    let layer = single().build().unwrap();
    let inner =
        service_fn(async |_: Request<_>| -> Result<Response<Full<Bytes>>, std::io::Error> {
            unreachable!("the body never came as a whole")
        });
    let frames = [Ok(http_body::Frame::data(Bytes::from_static(b"half"))), Err("reset")];
    let broken = http_body_util::StreamBody::new(tokio_stream::iter(frames));
    let response = layer.layer(inner).oneshot(post("k").body(broken).unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    assert_eq!(response.extensions().get(), Some(&Rejection::BodyIncomplete));
    drop(response.into_body().collect().await);
    let (_, handler) = counting();
    assert_eq!(send_key(&app(&layer, handler), "k").await.text(), "run 1");
}

#[tokio::test]
async fn every_status_is_recorded() {
    for status in [200, 204, 302, 400, 402, 404, 409, 429, 500, 503] {
        let app = app(&single().build().unwrap(), move |_| async move {
            Response::builder().status(status).body(Full::<Bytes>::default()).unwrap()
        });
        assert!(!send_key(&app, "k").await.is_replay());
        let retry = send_key(&app, "k").await;
        assert!(retry.is_replay(), "{status}");
        assert_eq!(retry.status.as_u16(), status);
    }
}

#[tokio::test]
async fn what_says_that_nothing_happened_is_not_recorded() {
    let by_extension = |_| async {
        let mut response = Response::new(Full::<Bytes>::default());
        response.extensions_mut().insert(NotExecuted);
        response
    };
    let by_handle = |request: app::Incoming| async move {
        request.extensions().get::<Idempotency>().unwrap().nothing_happened();
        Response::new(Full::<Bytes>::default())
    };
    let by_status =
        |_| async { Response::builder().status(429).body(Full::<Bytes>::default()).unwrap() };
    let plain = single().build().unwrap();
    let statuses = single().release_on_status([StatusCode::TOO_MANY_REQUESTS]).build().unwrap();
    let when = single().release_when(|head| head.status == 429).build().unwrap();
    for app in [
        app(&plain, by_extension),
        app(&plain, by_handle),
        app(&statuses, by_status),
        app(&when, by_status),
    ] {
        for _ in 0..2 {
            assert!(!send_key(&app, "k").await.is_replay());
        }
        let other = send(&app, body(post("k"), "another request")).await;
        assert!(!other.is_replay(), "the key is as if it had not been used");
        assert!(other.status != StatusCode::UNPROCESSABLE_ENTITY);
    }
}

#[tokio::test]
async fn a_replay_keeps_what_is_of_the_answer_and_drops_what_is_of_the_exchange() {
    let handler = |_| async {
        Response::builder()
            .status(201)
            .header("location", "/v1/transfers/1")
            .header("etag", "\"1\"")
            .header("link", "<a>")
            .header("link", "<b>")
            .header("x-opaque", &b"\xff\x80"[..])
            .header("set-cookie", "session=1")
            .header("date", "today")
            .header("connection", "close, x-hop")
            .header("x-hop", "1")
            .header("x-request-id", "1")
            .header("ratelimit", "1")
            .body(Full::from("{}"))
            .unwrap()
    };
    let app_of = |layer: &IdempotencyLayer| app(layer, handler);
    let app = app_of(&single().build().unwrap());
    let first = send_key(&app, "k").await;
    assert_eq!(first.header("set-cookie"), Some("session=1"), "the first answer is untouched");
    let retry = send_key(&app, "k").await;
    assert_eq!(retry.headers.get_all("link").iter().count(), 2);
    assert_eq!(retry.headers["x-opaque"].as_bytes(), b"\xff\x80");
    assert_eq!(retry.header("location"), Some("/v1/transfers/1"));
    assert_eq!(retry.header("etag"), Some("\"1\""));
    for name in ["set-cookie", "date", "connection", "x-hop", "x-request-id", "ratelimit"] {
        assert_eq!(retry.header(name), None, "{name}");
    }
    let app = app_of(&single().replay_set_cookie(true).build().unwrap());
    send_key(&app, "k").await;
    assert_eq!(send_key(&app, "k").await.header("set-cookie"), Some("session=1"));
}

#[tokio::test]
async fn trailers_are_recorded() {
    use http_body_util::BodyExt;
    let handler = |_| async {
        let mut trailers = http::HeaderMap::new();
        trailers.insert("x-sum", http::HeaderValue::from_static("9"));
        let body = Full::<Bytes>::from("data").with_trailers(async move { Some(Ok(trailers)) });
        Response::new(body.boxed())
    };
    let app = app(&single().build().unwrap(), handler);
    for replayed in [false, true] {
        let answer = send_key(&app, "k").await;
        assert_eq!(answer.is_replay(), replayed);
        assert_eq!(answer.text(), "data");
        assert_eq!(answer.trailers.unwrap()["x-sum"], "9");
    }
}

#[tokio::test]
async fn the_request_arrives_whole_with_its_extensions_and_trailers() {
    use http_body_util::BodyExt;
    use tower::{Layer, ServiceExt, service_fn};
    let inner = service_fn(async |request: Request<stonework_core::StoneBody<_>>| {
        assert_eq!(request.extensions().get::<Account>().unwrap().0, "alice");
        let collected = request.into_body().collect().await?;
        assert_eq!(collected.trailers().unwrap()["x-sum"], "9");
        Ok::<_, std::convert::Infallible>(Response::new(Full::from(collected.to_bytes())))
    });
    let mut trailers = http::HeaderMap::new();
    trailers.insert("x-sum", http::HeaderValue::from_static("9"));
    let sent = Full::<Bytes>::from("data").with_trailers(async move { Some(Ok(trailers)) });
    let request = post("k").extension(Account("alice")).body(sent).unwrap();
    let layer = single().build().unwrap();
    let response = layer.layer(inner).oneshot(request).await.unwrap();
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "data");
}

#[tokio::test]
async fn an_answer_over_the_cap_is_streamed_and_a_retry_gets_status_and_headers() {
    let (runs, handler) = counting();
    let app = app(&single().max_answer_body(3).build().unwrap(), handler);
    let first = send_key(&app, "k").await;
    assert_eq!(first.text(), "run 1", "the client gets all of it");
    let retry = send_key(&app, "k").await;
    assert_eq!((retry.status, retry.text()), (StatusCode::CREATED, ""));
    assert!(retry.is_replay());
    assert_eq!(count(&runs), 1);
}

#[tokio::test(start_paused = true)]
async fn streams_are_recorded_as_status_and_headers_before_they_end() {
    use http_body_util::{BodyExt, StreamBody};
    type Frames = tokio_stream::wrappers::ReceiverStream<Result<http_body::Frame<Bytes>, String>>;
    #[derive(Clone, Copy)]
    enum How {
        Type,
        Handle,
        Slowness,
    }
    for how in [How::Type, How::Handle, How::Slowness] {
        let (sender, receiver) = tokio::sync::mpsc::channel(8);
        let receiver = std::sync::Arc::new(std::sync::Mutex::new(Some(receiver)));
        let handler = move |request: app::Incoming| {
            let receiver = receiver.lock().unwrap().take().expect("one run only");
            async move {
                let body: StreamBody<Frames> = StreamBody::new(receiver.into());
                let mut response = Response::new(body);
                let events = "text/event-stream; charset=utf-8".parse().unwrap();
                match how {
                    How::Type => drop(response.headers_mut().insert("content-type", events)),
                    How::Handle => request.extensions().get::<Idempotency>().unwrap().stream(),
                    How::Slowness => {}
                }
                response
            }
        };
        let app = app(&single().build().unwrap(), handler);
        let frame =
            |text: &'static str| Ok(http_body::Frame::data(Bytes::from_static(text.as_bytes())));
        sender.send(frame("first ")).await.unwrap();
        let request = tower::ServiceExt::oneshot(app.clone(), body(post("k"), "{}"));
        let response = request.await.unwrap();
        let retry = send_key(&app, "k").await;
        assert!(retry.is_replay(), "recorded before the stream ended");
        assert_eq!((retry.status, retry.text()), (StatusCode::OK, ""));
        sender.send(frame("second")).await.unwrap();
        drop(sender);
        let whole = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(whole, "first second");
    }
}

#[tokio::test]
async fn switching_protocols_is_never_recorded() {
    let app = app(&single().build().unwrap(), |_| async {
        Response::builder().status(101).body(Full::<Bytes>::default()).unwrap()
    });
    for _ in 0..2 {
        assert!(!send_key(&app, "k").await.is_replay());
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_is_forgotten_after_its_retention() {
    let (_, handler) = counting();
    let layer = single().retention(Duration::from_secs(3600)).build().unwrap();
    let app = app(&layer, handler);
    assert_eq!(send_key(&app, "k").await.text(), "run 1");
    tokio::time::advance(Duration::from_secs(3599)).await;
    assert_eq!(send_key(&app, "k").await.text(), "run 1");
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(send_key(&app, "k").await.text(), "run 2");
}

#[tokio::test]
async fn rejections_can_be_rendered_otherwise() {
    let (_, handler) = counting();
    let layer =
        single().problem_base("https://docs.example.com/").render(|rejection, problem, head| {
            assert_eq!(rejection, Rejection::Mismatch);
            let fault = format!("<fault>{} {}</fault>", head.uri, problem.type_uri());
            Response::builder().status(problem.status()).body(Bytes::from(fault)).unwrap()
        });
    let app = app(&layer.build().unwrap(), handler);
    send_key(&app, "k").await;
    let answer = send(&app, body(post("k"), "other")).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(answer.text(), "<fault>/transfers https://docs.example.com/key-reused</fault>");
    assert_eq!(answer.extensions.get(), Some(&Rejection::Mismatch));
}

#[test]
fn all_mistakes_are_told_at_once() {
    let errors = IdempotencyLayer::builder()
        .methods([Method::POST, Method::GET])
        .header("not a name")
        .grpc_unary(["Charge"])
        .max_in_flight(0)
        .scope_share_percent(101)
        .lease(Duration::ZERO)
        .retention(Duration::from_secs(60))
        .deny_warnings()
        .build()
        .unwrap_err();
    let settings: Vec<_> = errors.iter().map(|error| error.setting).collect();
    for setting in [
        "scope",
        "methods",
        "header",
        "grpc_unary",
        "max_in_flight",
        "scope_share_percent",
        "lease",
        "retention",
    ] {
        assert!(settings.contains(&setting), "{setting} in {errors}");
    }
    assert!(errors.to_string().contains("methods(GET)"), "{errors}");
}

#[test]
fn a_sound_configuration_has_no_warnings() {
    use stonework_idempotency::{Outage, Warning};
    assert_eq!(single().deny_warnings().build().unwrap().warnings(), []);
    let layer = single().on_outage(Outage::Open).build().unwrap();
    assert_eq!(layer.warnings(), [Warning::OutageOpen]);
    assert!(single().on_outage(Outage::Open).deny_warnings().build().is_err());
}
