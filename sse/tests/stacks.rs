//! Event streams in a bare hyper server and in an axum router, over real sockets, and below compression.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "support/faulty.rs"]
mod faulty;
#[path = "../../cors/tests/support/sockets.rs"]
mod sockets;

use std::convert::Infallible;
use std::fmt::Debug;
use std::future::ready;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::get;
use bytes::Bytes;
use faulty::{Faults, Faulty};
use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::request::Builder;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use sockets::{ask, ask_http2, axum_server, hyper_server, listen};
use stonework_sse::{
    Decoder, Drain, Event, Hub, LastEventId, Position, Publish, SseBody, SseLayer, Subscribe,
    SubscribeError, Ticket,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc::channel;
use tokio_stream::wrappers::ReceiverStream;
use tower::{Layer, ServiceBuilder, ServiceExt, service_fn};
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::Predicate;
use tower_http::decompression::Decompression;

const LOG: &str = "acct_7";
const EVENTS: &str = "text/event-stream";

async fn publish(hub: &Hub, data: &str) -> Position {
    hub.publish(Publish::to(LOG, Event::new(data))).await.unwrap()
}

async fn text(response: Response<Incoming>) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn header<'r>(response: &'r Response<Incoming>, name: &str) -> &'r str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

/// Somebody who reads a stream.
struct Client<B = Incoming> {
    body: B,
    decoder: Decoder,
}

impl Client {
    /// Of a response that is one.
    fn of(response: Response<Incoming>) -> Self {
        assert_eq!(
            (response.status(), header(&response, "content-type")),
            (StatusCode::OK, EVENTS)
        );
        assert_eq!(
            (header(&response, "content-encoding"), header(&response, "content-length")),
            ("", "")
        );
        Self { body: response.into_body(), decoder: Decoder::new() }
    }

    /// One who knows where it begins.
    async fn now(response: Response<Incoming>) -> Self {
        let mut client = Self::of(response);
        while client.decoder.last_event_id().is_empty() {
            assert!(client.read().await);
            assert_eq!(client.decoder.message().unwrap(), None);
        }
        client
    }
}

impl<B> Client<B>
where
    B: Body<Data = Bytes, Error: Debug> + Unpin,
{
    async fn read(&mut self) -> bool {
        let Some(frame) = self.body.frame().await else { return false };
        self.decoder.feed(&frame.unwrap().into_data().unwrap());
        true
    }

    /// The data of the next event; nothing at the end.
    async fn next(&mut self) -> Option<String> {
        loop {
            if let Some(message) = self.decoder.message().unwrap() {
                return Some(message.data.to_owned());
            }
            if !self.read().await {
                return None;
            }
        }
    }
}

/// Whoever asks, and over which version of HTTP.
async fn both(address: SocketAddr, request: impl Fn(String) -> Builder) -> [Response<Incoming>; 2] {
    let one = ask(address, request("/events".to_owned())).await;
    [one, ask_http2(address, request(format!("http://{address}/events"))).await]
}

async fn events(
    State(hub): State<Hub>,
    after: Option<LastEventId>,
    ticket: Option<Ticket>,
) -> Result<impl IntoResponse, SubscribeError> {
    assert!(ticket.is_some());
    let events = hub.subscribe(Subscribe::to(LOG).after(after)).await?;
    Ok(SseBody::new(events).into_response().map(axum::body::Body::new))
}

fn router(hub: &Hub, layer: SseLayer) -> Router {
    Router::new().route("/events", get(events).layer(layer)).with_state(hub.clone())
}

fn plain() -> SseLayer {
    SseLayer::builder().build().unwrap()
}

/// Below the layer, in a server of hyper alone.
async fn bare(hub: &Hub, layer: SseLayer) -> SocketAddr {
    let hub = hub.clone();
    let events = service_fn(move |request: Request<Incoming>| {
        let hub = hub.clone();
        async move {
            let after = request.extensions().get::<LastEventId>().cloned();
            let events = hub.subscribe(Subscribe::to(LOG).after(after)).await.unwrap();
            Ok::<_, Infallible>(SseBody::new(events).into_response())
        }
    });
    hyper_server(layer.layer(events)).await
}

/// Each is there before the next is published.
#[tokio::test]
async fn events_come_one_by_one() {
    let hub = Hub::in_memory();
    for address in [bare(&hub, plain()).await, axum_server(router(&hub, plain())).await] {
        for response in both(address, Request::get).await {
            let mut client = Client::now(response).await;
            for event in 1..=50 {
                publish(&hub, &event.to_string()).await;
                assert_eq!(client.next().await.unwrap(), event.to_string());
            }
        }
    }
}

#[tokio::test]
async fn who_comes_back_goes_on_where_it_was() {
    let hub = Hub::in_memory();
    let first = publish(&hub, "1").await.to_string();
    publish(&hub, "2").await;
    for address in [bare(&hub, plain()).await, axum_server(router(&hub, plain())).await] {
        let id = |uri: String| Request::get(uri).header("last-event-id", &first);
        let parameter = |uri| Request::get(format!("{uri}?last_event_id={first}"));
        let [one, two] = both(address, id).await;
        let [three, four] = both(address, parameter).await;
        for response in [one, two, three, four] {
            assert_eq!(Client::of(response).next().await.unwrap(), "2");
        }
    }
}

/// Without the layer there is the parameter that it would have by itself.
#[tokio::test]
async fn extractors_do_without_the_layer() {
    async fn told(after: Option<LastEventId>, ticket: Option<Ticket>) -> String {
        format!("{} {}", after.map_or(String::new(), |after| after.to_string()), ticket.is_some())
    }
    let other = SseLayer::builder().cursor_parameters(["after"]).build().unwrap();
    let app = Router::new()
        .route("/bare", get(told))
        .route("/below", get(told).layer(plain()))
        .route("/other", get(told).layer(other));
    let address = axum_server(app).await;
    for (target, expected) in [
        ("/bare", " false"),
        ("/bare?last_event_id=%37", "7 false"),
        ("/below?last_event_id=7", "7 true"),
        ("/other?after=7", "7 true"),
        ("/other?after=7&last_event_id=8", "7 true"),
    ] {
        assert_eq!(text(ask(address, Request::get(target)).await).await, expected, "{target}");
        let with_header = ask(address, Request::get(target).header("last-event-id", "9")).await;
        assert!(text(with_header).await.starts_with("9 "), "{target}");
    }
}

#[tokio::test]
async fn a_log_that_does_not_answer_brings_browsers_back() {
    let log = Faulty::default();
    let hub = Hub::builder(log.clone()).build().unwrap();
    let address = axum_server(router(&hub, plain())).await;
    log.set(Faults { fails: true, ..Faults::default() });
    for refused in both(address, Request::get).await {
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(!header(&refused, "retry-after").is_empty());
        assert!(text(refused).await.contains("urn:stonework:sse:log-unavailable"));
    }
    for told in both(address, |uri| Request::get(uri).header(ACCEPT, EVENTS)).await {
        assert_eq!((told.status(), header(&told, "content-type")), (StatusCode::OK, EVENTS));
        assert!(text(told).await.starts_with("retry: "));
    }
}

#[tokio::test]
async fn both_versions_of_http_are_told_why_they_are_refused() {
    let hub = Hub::in_memory();
    let layer = SseLayer::builder().max_streams(1).build().unwrap();
    let address = bare(&hub, layer).await;
    let held = Client::now(ask(address, Request::get("/events")).await).await;
    for refused in both(address, Request::get).await {
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(text(refused).await.contains("urn:stonework:sse:too-many-streams\""));
    }
    for told in both(address, |uri| Request::get(uri).header(ACCEPT, EVENTS)).await {
        // It is no stream that goes on: its length is known.
        assert!(
            told.headers().contains_key(CONTENT_LENGTH) || told.version() == http::Version::HTTP_2
        );
        assert!(text(told).await.starts_with("retry: "));
    }
    drop(held);
}

/// The place of a client that has gone is free without anything being published.
#[tokio::test]
async fn who_has_gone_is_not_counted() {
    let hub = Hub::in_memory();
    let layer = SseLayer::builder().build().unwrap();
    let address = bare(&hub, layer.clone()).await;
    let mut clients = Vec::new();
    for response in both(address, Request::get).await {
        clients.push(Client::now(response).await);
    }
    assert_eq!(layer.streams(), 2);
    for left in [1, 0] {
        clients.pop();
        while layer.streams() > left {
            tokio::task::yield_now().await;
        }
    }
}

/// Without it a server waits for ever (hyper#2787).
#[tokio::test]
async fn a_server_that_is_told_to_end_ends() {
    let (hub, drain) = (Hub::in_memory(), Drain::new());
    let layer = SseLayer::builder().drain(&drain).retry(Duration::from_secs(2)).build().unwrap();
    let (listener, address) = listen().await;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let app = router(&hub, layer.clone());
    let server =
        axum::serve(listener, app).with_graceful_shutdown(async { stopped.await.unwrap() });
    let server = tokio::spawn(server.into_future());
    let mut clients = Vec::new();
    for response in both(address, Request::get).await {
        clients.push(Client::now(response).await);
    }
    drain.now(Duration::from_millis(10));
    stop.send(()).unwrap();
    server.await.unwrap().unwrap();
    for mut client in clients {
        assert_eq!(client.next().await, None, "it has ended as it should");
        let retry = client.decoder.retry().unwrap();
        assert!((1_000..=2_000).contains(&retry.as_millis()), "{retry:?}");
    }
    assert_eq!(layer.streams(), 0);
}

#[tokio::test]
async fn a_head_is_that_of_the_stream_and_ends() {
    let hub = Hub::in_memory();
    let layer = SseLayer::builder().max_streams(1).build().unwrap();
    let address = axum_server(router_without_ticket(&hub, layer.clone())).await;
    for head in both(address, Request::head).await {
        assert_eq!((head.status(), header(&head, "content-type")), (StatusCode::OK, EVENTS));
        assert_eq!(header(&head, "x-accel-buffering"), "no");
        assert_eq!(text(head).await, "");
    }
    assert_eq!(layer.streams(), 0);
}

fn router_without_ticket(hub: &Hub, layer: SseLayer) -> Router {
    let events = async |State(hub): State<Hub>| {
        let events = hub.subscribe(Subscribe::to(LOG)).await.unwrap();
        SseBody::new(events).into_response().map(axum::body::Body::new)
    };
    Router::new().route("/events", get(events).layer(layer)).with_state(hub.clone())
}

/// A body has begun to come while its server still waits to be told to go on.
#[tokio::test]
async fn a_foreign_stream_and_its_trailers_pass_as_they_come() {
    for content_type in [EVENTS, "application/x-ndjson"] {
        let (frames, body) = channel::<Result<Frame<Bytes>, Infallible>>(1);
        let body = Arc::new(Mutex::new(Some(body)));
        let stream = service_fn(move |_: Request<Incoming>| {
            let body = StreamBody::new(ReceiverStream::new(body.lock().unwrap().take().unwrap()));
            let response = Response::builder().header(CONTENT_TYPE, content_type).body(body);
            ready(Ok::<_, Infallible>(response.unwrap()))
        });
        let drain = Drain::new();
        let layer = SseLayer::builder().drain(&drain).build().unwrap();
        let address = hyper_server(layer.layer(stream)).await;
        let uri = format!("http://{address}/events");
        let asked = tokio::spawn(async move { ask_http2(address, Request::get(uri)).await });
        frames.send(Ok(Frame::data(Bytes::from_static(b"one")))).await.unwrap();
        let mut body = asked.await.unwrap().into_body();
        let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(first, "one");
        let trailers = HeaderMap::from_iter([("x-sum".parse().unwrap(), HeaderValue::from(9))]);
        frames.send(Ok(Frame::trailers(trailers))).await.unwrap();
        drop(frames);
        assert_eq!(body.collect().await.unwrap().trailers().unwrap()["x-sum"], "9");
    }
}

#[tokio::test]
async fn answers_without_a_body_and_with_a_length_pass() {
    let answers = service_fn(|request: Request<Incoming>| {
        let (status, text) = match request.uri().path() {
            "/nothing" => (204, ""),
            "/same" => (304, ""),
            _ => (200, "retry: 10\n\n"),
        };
        let response = Response::builder().status(status).header("etag", "\"x\"");
        let response = if status == 200 { response.header(CONTENT_TYPE, EVENTS) } else { response };
        ready(Ok::<_, Infallible>(response.body(Full::<Bytes>::from(text)).unwrap()))
    });
    let layer = SseLayer::builder().drain(&Drain::new()).build().unwrap();
    let address = hyper_server(layer.layer(answers)).await;
    for (path, status, length, expected) in
        [("/nothing", 204, "", ""), ("/same", 304, "", ""), ("/events", 200, "11", "retry: 10\n\n")]
    {
        let one = ask(address, Request::get(path)).await;
        let two = ask_http2(address, Request::get(format!("http://{address}{path}"))).await;
        for answer in [one, two] {
            assert_eq!((answer.status().as_u16(), header(&answer, "etag")), (status, "\"x\""));
            assert_eq!(header(&answer, "content-length"), length, "{path}");
            assert_eq!(text(answer).await, expected, "{path}");
        }
    }
    assert_eq!(layer.streams(), 0);
}

#[tokio::test]
async fn an_upgrade_passes() {
    let echo = service_fn(|mut request: Request<Incoming>| {
        tokio::spawn(async move {
            let upgraded = hyper::upgrade::on(&mut request).await.unwrap();
            let mut io = TokioIo::new(upgraded);
            let mut bytes = [0; 4];
            io.read_exact(&mut bytes).await.unwrap();
            io.write_all(&bytes).await.unwrap();
        });
        let mut response = Response::new(Full::<Bytes>::default());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        response.headers_mut().insert("upgrade", HeaderValue::from_static("echo"));
        response.headers_mut().insert("connection", HeaderValue::from_static("upgrade"));
        ready(Ok::<_, Infallible>(response))
    });
    let layer = SseLayer::builder().drain(&Drain::new()).build().unwrap();
    let address = hyper_server(layer.layer(echo)).await;
    let upgrade = Request::get("/socket").header("upgrade", "echo").header("connection", "upgrade");
    let response = ask(address, upgrade).await;
    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    let mut io = TokioIo::new(hyper::upgrade::on(response).await.unwrap());
    io.write_all(b"ping").await.unwrap();
    let mut bytes = [0; 4];
    io.read_exact(&mut bytes).await.unwrap();
    assert_eq!(&bytes, b"ping");
}

fn compressing(uri: String) -> Builder {
    Request::get(uri).header(ACCEPT_ENCODING, "gzip")
}

#[tokio::test]
async fn compression_leaves_streams_alone() {
    let hub = Hub::in_memory();
    let app = router(&hub, plain()).layer(CompressionLayer::new());
    let address = axum_server(app).await;
    for response in both(address, compressing).await {
        let mut client = Client::now(response).await;
        for event in 1..=20 {
            publish(&hub, &event.to_string()).await;
            assert_eq!(client.next().await.unwrap(), event.to_string());
        }
    }
}

/// Somebody may have its own opinion of what is worth compressing. Today's compression lets through what it has when
/// nothing more comes.
#[tokio::test]
async fn compression_that_is_forced_delays_nothing_either() {
    let (hub, drain) = (Hub::in_memory(), Drain::new());
    let layer = SseLayer::builder().drain(&drain).build().unwrap();
    let address = axum_server(router(&hub, layer).layer(forced())).await;
    let unzip = Decompression::new(service_fn(move |request: Request<()>| async move {
        let [one, two] = both(address, |uri| {
            let headers = request.headers().iter();
            headers.fold(Request::get(uri), |request, (name, value)| request.header(name, value))
        })
        .await;
        let is_http2 = request.version() == http::Version::HTTP_2;
        Ok::<_, Infallible>(if is_http2 { two } else { one })
    }));
    let mut clients = Vec::new();
    for version in [http::Version::HTTP_11, http::Version::HTTP_2] {
        let request = Request::builder().version(version).body(()).unwrap();
        let (parts, body) = unzip.clone().oneshot(request).await.unwrap().into_parts();
        assert_eq!(parts.headers[CONTENT_TYPE], EVENTS);
        clients.push(Client { body, decoder: Decoder::new() });
    }
    for event in 1..=20 {
        publish(&hub, &event.to_string()).await;
        for client in &mut clients {
            assert_eq!(client.next().await.unwrap(), event.to_string());
        }
    }
    // What is said at the end is compressed with the rest.
    drain.now(Duration::ZERO);
    for client in &mut clients {
        assert_eq!(client.next().await, None);
        assert!(client.decoder.retry().is_some());
    }
}

fn forced() -> CompressionLayer<impl Predicate> {
    CompressionLayer::new()
        .compress_when(|_: StatusCode, _: http::Version, _: &HeaderMap, _: &http::Extensions| true)
}

/// The other way round, what comes is nothing that could be gone on with.
#[tokio::test]
async fn what_is_compressed_already_is_ended_without_a_word() {
    let (hub, drain) = (Hub::in_memory(), Drain::new());
    let outer = SseLayer::builder().drain(&drain).build().unwrap();
    let app = router(&hub, plain()).layer(ServiceBuilder::new().layer(outer).layer(forced()));
    let address = axum_server(app).await;
    for response in both(address, compressing).await {
        assert_eq!(header(&response, "content-encoding"), "gzip");
        let mut body = response.into_body();
        let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert!(first.starts_with(b"\x1f\x8b"), "{first:?}");
        drain.now(Duration::ZERO);
        assert_eq!(body.collect().await.unwrap().to_bytes(), "");
    }
}
