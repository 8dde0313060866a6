//! The same logs over WebSockets. Connections are in memory and time is paused, but for one over a real socket.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "support/faulty.rs"]
mod faulty;

use std::time::Duration;

use axum::Router;
use axum::extract::{State, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::any;
use bytes::Bytes;
use faulty::{Faults, Faulty};
use futures_util::{SinkExt, StreamExt};
use http::{Request, StatusCode};
use http_body_util::Empty;
use hyper::ext::Protocol;
use hyper::upgrade::Upgraded;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use serde_json::{Value, json};
use stonework_core::{Clock, Key, TokioClock};
use stonework_sse::store::MemoryLog;
use stonework_sse::{
    DataFormat, Delivery, Drain, Event, EventSocket, Hub, LastEventId, Position, Publish, SseLayer,
    SseLayerBuilder, Subscribe, Ticket,
};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async, connect_async};

const LOG: &str = "acct_7";

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A service with sockets.
#[derive(Clone)]
struct Site {
    hub: Hub,
    socket: EventSocket,
    layer: SseLayer,
    drain: Drain,
    expires_at: Option<Duration>,
}

async fn open(
    State(site): State<Site>,
    after: Option<LastEventId>,
    ticket: Option<Ticket>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let mut events = Subscribe::to(LOG).after(after);
    if let Some(expires_at) = site.expires_at {
        events = events.expires_at(expires_at);
    }
    site.socket.open(&site.hub, events, ticket, upgrade).await
}

impl Site {
    fn new(hub: Hub) -> Self {
        Self::with(hub, SseLayer::builder())
    }

    fn with(hub: Hub, layer: SseLayerBuilder) -> Self {
        let drain = Drain::new();
        let layer = layer.drain(&drain).cursor_parameters(["after"]).build().unwrap();
        Self { hub, socket: EventSocket::new(), layer, drain, expires_at: None }
    }

    fn app(&self) -> Router {
        Router::new().route("/socket", any(open).layer(self.layer.clone())).with_state(self.clone())
    }

    async fn publish(&self, data: &str) -> Position {
        self.hub.publish(Publish::to(LOG, Event::new(data))).await.unwrap()
    }

    /// A client, or why there is none.
    async fn try_connect(&self, query: &str) -> Result<Client<DuplexStream>, Error> {
        let (client, server) = tokio::io::duplex(1_024);
        let service = TowerToHyperService::new(self.app());
        let server = hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(server), service)
            .with_upgrades();
        tokio::spawn(server);
        let request = format!("ws://localhost/socket?{query}").into_client_request().unwrap();
        client_async(request, client).await.map(|(socket, _)| Client(socket))
    }

    async fn connect(&self, query: &str) -> Client<DuplexStream> {
        self.try_connect(query).await.unwrap()
    }

    async fn refused(&self, query: &str) -> (StatusCode, Value) {
        let Err(Error::Http(response)) = self.try_connect(query).await else {
            panic!("it is open")
        };
        let (parts, body) = response.into_parts();
        assert_eq!(parts.headers["content-type"], "application/problem+json");
        (parts.status, serde_json::from_slice(&body.unwrap()).unwrap())
    }

    /// A client over HTTP/2, where a WebSocket is one stream of many (RFC 8441).
    async fn connect_by_http2(&self) -> Client<TokioIo<Upgraded>> {
        let (client, server) = tokio::io::duplex(1_024);
        let service = TowerToHyperService::new(self.app());
        let mut http2 = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        tokio::spawn(
            http2.enable_connect_protocol().serve_connection(TokioIo::new(server), service),
        );
        let handshake =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(client));
        let (mut sender, connection) = handshake.await.unwrap();
        tokio::spawn(connection);
        let request = Request::connect("http://localhost/socket")
            .extension(Protocol::from_static("websocket"));
        let request = request.header("sec-websocket-version", "13").body(Empty::<Bytes>::new());
        let response = sender.send_request(request.unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let upgraded = TokioIo::new(hyper::upgrade::on(response).await.unwrap());
        Client(WebSocketStream::from_raw_socket(upgraded, Role::Client, None).await)
    }

    /// Until there are so many sockets. Paused time goes on when nothing else does.
    async fn until_open(&self, streams: usize) {
        while self.layer.streams() != streams {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

struct Client<S>(WebSocketStream<S>);

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    /// The next message that is no ping. Pings are answered.
    async fn message(&mut self) -> Option<Result<Message, Error>> {
        loop {
            match self.0.next().await {
                Some(Ok(Message::Ping(_))) => {}
                other => return other,
            }
        }
    }

    async fn next(&mut self) -> Value {
        match self.message().await.unwrap().unwrap() {
            Message::Text(text) => serde_json::from_str(&text).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    /// Where it begins.
    async fn checkpoint(&mut self) -> Position {
        let first = self.next().await;
        assert_eq!(first.as_object().unwrap().len(), 1, "it has an id and nothing else");
        first["id"].as_str().unwrap().parse().unwrap()
    }

    /// How it is closed. The last word is the client's.
    async fn closed(&mut self) -> u16 {
        let closed = self.message().await.unwrap().unwrap();
        let Message::Close(Some(frame)) = closed else { panic!("{closed:?}") };
        assert!(self.is_gone().await, "nothing comes after that");
        frame.code.into()
    }

    /// It has gone without a word.
    async fn is_gone(&mut self) -> bool {
        matches!(self.message().await, None | Some(Err(_)))
    }
}

#[tokio::test(start_paused = true)]
async fn each_delivery_is_a_message() {
    let site = Site::new(Hub::in_memory());
    let before = site.publish("before").await;
    let mut text = site.connect("").await;
    assert_eq!(text.checkpoint().await, before);
    let as_json = Site { socket: EventSocket::default().data(DataFormat::Json), ..site.clone() };
    let mut json = as_json.connect("").await;
    assert_eq!(json.checkpoint().await, before);
    let event = Event::new(r#"{"a":[1]}"#).event_type("transfer").unwrap();
    let position = site.hub.publish(Publish::to(LOG, event)).await.unwrap().to_string();
    let expected = json!({"id": position, "type": "transfer", "data": r#"{"a":[1]}"#});
    assert_eq!(text.next().await, expected);
    assert_eq!(json.next().await, json!({"id": position, "type": "transfer", "data": {"a": [1]}}));
    site.publish("two\nlines").await;
    for client in [&mut text, &mut json] {
        let message = client.next().await;
        assert_eq!((&message["type"], &message["data"]), (&json!("message"), &json!("two\nlines")));
    }
}

#[tokio::test(start_paused = true)]
async fn who_comes_back_with_a_cursor_has_each_event_once() {
    let site = Site::new(Hub::in_memory());
    let mut cursor = site.publish("0").await.to_string();
    for round in 0..10 {
        for event in 1..=5 {
            site.publish(&(round * 5 + event).to_string()).await;
        }
        let mut client = site.connect(&format!("after={cursor}")).await;
        for event in 1..=5 {
            let message = client.next().await;
            assert_eq!(message["data"], (round * 5 + event).to_string());
            cursor = message["id"].as_str().unwrap().to_owned();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_is_a_message() {
    let log = MemoryLog::builder().max_events(1).build().unwrap();
    let site = Site::new(Hub::builder(log).build().unwrap());
    let first = site.publish("1").await;
    let resume = [site.publish("2").await, site.publish("3").await][0];
    let mut client = site.connect(&format!("after={first}")).await;
    let data = json!({"reason": "trimmed"});
    assert_eq!(client.next().await, json!({"id": resume.to_string(), "type": "gap", "data": data}));
    assert_eq!(client.next().await["data"], "3");
}

#[tokio::test(start_paused = true)]
async fn clients_of_another_version_are_given_theirs() {
    async fn open(State(site): State<Site>, upgrade: WebSocketUpgrade) -> Response {
        let map = |delivery| {
            let Delivery::Event(entry) = delivery else { return delivery };
            let data = format!("{} of old", entry.said().data);
            Delivery::Event(entry.saying(&data))
        };
        site.socket.open_with(&site.hub, Subscribe::to(LOG), None, upgrade, map).await
    }
    let site = Site::new(Hub::in_memory());
    let (client, server) = tokio::io::duplex(1_024);
    let app = Router::new().route("/socket", any(open)).with_state(site.clone());
    let server = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(server), TowerToHyperService::new(app))
        .with_upgrades();
    tokio::spawn(server);
    let mut client = Client(client_async("ws://localhost/socket", client).await.unwrap().0);
    client.checkpoint().await;
    site.publish("1").await;
    assert_eq!(client.next().await["data"], "1 of old");
    // Without a ticket there is nothing that would end it.
    site.drain.now(Duration::ZERO);
    tokio::time::sleep(seconds(1)).await;
    site.publish("2").await;
    assert_eq!(client.next().await["data"], "2 of old");
}

#[tokio::test(start_paused = true)]
async fn what_is_no_cursor_is_refused_before_it_is_opened() {
    let site = Site::new(Hub::in_memory());
    for cursor in ["42", "x", "%FF"] {
        let (status, problem) = site.refused(&format!("after={cursor}")).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert_eq!(problem["type"], "urn:stonework:sse:cursor-invalid");
    }
    // None is none.
    site.connect("after=").await.checkpoint().await;
}

#[tokio::test(start_paused = true)]
async fn a_log_that_does_not_answer_is_said_before_it_is_opened() {
    let log = Faulty::default();
    let site = Site::new(Hub::builder(log.clone()).build().unwrap());
    log.set(Faults { fails: true, ..Faults::default() });
    let (status, problem) = site.refused("").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(problem["type"], "urn:stonework:sse:log-unavailable");
    assert_eq!(site.layer.streams(), 0);
}

#[tokio::test(start_paused = true)]
async fn who_answers_pings_stays() {
    let site = Site::new(Hub::in_memory());
    let mut client = site.connect("").await;
    client.checkpoint().await;
    let clock = TokioClock::new();
    let mut pings = Vec::new();
    while clock.monotonic() < seconds(3_600) {
        let Some(Ok(Message::Ping(_))) = client.0.next().await else { panic!("it is no ping") };
        pings.push(clock.monotonic().as_secs());
    }
    assert_eq!(pings, (1..=120).map(|times| times * 30).collect::<Vec<_>>());
    site.publish("1").await;
    assert_eq!(client.next().await["data"], "1");
}

#[tokio::test(start_paused = true)]
async fn who_answers_no_ping_is_gone() {
    for (socket, first) in [
        (EventSocket::new(), 30),
        (EventSocket::new().ping(seconds(5)), 5),
        // There is no less than a second.
        (EventSocket::new().ping(Duration::ZERO), 1),
    ] {
        let site = Site { socket, ..Site::new(Hub::in_memory()) };
        let mut client = site.connect("").await;
        client.checkpoint().await;
        // Pings are answered when they are read.
        tokio::time::sleep(seconds(2 * first) - Duration::from_millis(500)).await;
        assert_eq!(site.layer.streams(), 1);
        tokio::time::sleep(seconds(1)).await;
        assert_eq!(site.layer.streams(), 0);
        assert!(client.is_gone().await);
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_a_client_says_it_is_there() {
    let site = Site::new(Hub::in_memory());
    let mut client = site.connect("").await;
    client.checkpoint().await;
    for message in ["here", "{}", ""].repeat(20) {
        tokio::time::sleep(seconds(20)).await;
        client.0.send(Message::text(message)).await.unwrap();
    }
    assert_eq!(site.layer.streams(), 1);
    // Nothing that it says changes what it is given.
    site.publish("1").await;
    assert_eq!(client.next().await["data"], "1");
}

#[tokio::test(start_paused = true)]
async fn who_takes_nothing_is_gone() {
    let site = Site::new(Hub::in_memory());
    let mut client = site.connect("").await;
    client.checkpoint().await;
    // More than there is room for on the way.
    for _ in 0..100 {
        site.publish(&"x".repeat(100)).await;
    }
    // That it speaks does not help.
    for _ in 0..4 {
        client.0.send(Message::text("here")).await.unwrap();
        tokio::time::sleep(seconds(10)).await;
    }
    assert_eq!(site.layer.streams(), 0);
}

#[tokio::test(start_paused = true)]
async fn over_http2_it_is_counted_and_told_to_go_too() {
    let site = Site::new(Hub::in_memory());
    let mut client = site.connect_by_http2().await;
    client.checkpoint().await;
    assert_eq!(site.layer.streams(), 1);
    site.publish("1").await;
    assert_eq!(client.next().await["data"], "1");
    site.drain.now(Duration::ZERO);
    assert_eq!(client.closed().await, 1012);
    site.until_open(0).await;
}

#[tokio::test(start_paused = true)]
async fn who_takes_nothing_keeps_no_process_from_its_end() {
    let site = Site::new(Hub::in_memory());
    let mut client = site.connect("").await;
    client.checkpoint().await;
    for _ in 0..100 {
        site.publish(&"x".repeat(100)).await;
    }
    tokio::time::sleep(seconds(1)).await;
    let clock = TokioClock::new();
    site.drain.now(seconds(1));
    site.layer.drained().await;
    // The spread, and the last word, which it does not take.
    assert!(clock.monotonic() <= seconds(6) + Duration::from_millis(2), "{:?}", clock.monotonic());
}

#[tokio::test(start_paused = true)]
async fn a_process_that_is_to_end_says_so() {
    let site = Site::new(Hub::in_memory());
    let mut client = site.connect("").await;
    client.checkpoint().await;
    let clock = TokioClock::new();
    site.drain.now(seconds(2));
    assert_eq!(client.closed().await, 1012);
    assert!(clock.monotonic() <= seconds(2) + Duration::from_millis(1));
    site.until_open(0).await;
    let (status, problem) = site.refused("").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(problem["type"], "urn:stonework:sse:draining");
}

#[tokio::test(start_paused = true)]
async fn who_was_too_slow_is_told_and_comes_back() {
    let hub = Hub::builder(MemoryLog::new()).window_events(10).max_lag(10).build().unwrap();
    let site = Site::new(hub);
    let mut client = site.connect("").await;
    let mut last = client.checkpoint().await;
    // It is given what is on the way, and no more.
    for event in 1..=100 {
        site.publish(&format!("{event:0100}")).await;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let mut event = 0;
    loop {
        match client.message().await.unwrap().unwrap() {
            Message::Text(text) => {
                let message: Value = serde_json::from_str(&text).unwrap();
                last = message["id"].as_str().unwrap().parse().unwrap();
                event += 1;
                assert_eq!(message["data"], format!("{event:0100}"));
            }
            Message::Close(Some(frame)) => {
                assert_eq!(u16::from(frame.code), 1013);
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    assert!((1..90).contains(&event), "{event}");
    let mut back = site.connect(&format!("after={last}")).await;
    for event in event + 1..=100 {
        assert_eq!(back.next().await["data"], format!("{event:0100}"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_log_that_fails_later_is_said() {
    let log = Faulty::default();
    let site = Site::new(Hub::builder(log.clone()).build().unwrap());
    let first = site.publish("1").await;
    site.publish("2").await;
    log.set(Faults { reads_fail: true, ..Faults::default() });
    let mut client = site.connect(&format!("after={first}")).await;
    assert_eq!(client.closed().await, 1013);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_expires_is_said() {
    let clock = TokioClock::starting_at(seconds(1_000));
    let hub = Hub::builder(MemoryLog::new()).clock(clock).build().unwrap();
    let site = Site { expires_at: Some(seconds(1_100)), ..Site::new(hub) };
    let mut client = site.connect("").await;
    client.checkpoint().await;
    assert_eq!(client.closed().await, 1008);
    assert_eq!(clock.unix().as_secs(), 1_100);
}

#[tokio::test(start_paused = true)]
async fn a_socket_is_counted_as_long_as_it_is_open() {
    let layer = SseLayer::builder().max_streams_of(2, |_| Some(Key::from("one")));
    let site = Site::with(Hub::in_memory(), layer);
    let (mut first, mut second) = (site.connect("").await, site.connect("").await);
    first.checkpoint().await;
    second.checkpoint().await;
    assert_eq!(site.layer.streams(), 2);
    let (status, problem) = site.refused("").await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(problem["type"], "urn:stonework:sse:too-many-streams-of-one");
    drop(first);
    site.until_open(1).await;
    let mut third = site.connect("").await;
    third.checkpoint().await;
    assert_eq!(site.layer.streams(), 2);
}

#[tokio::test(start_paused = true)]
async fn who_takes_leave_is_answered() {
    let site = Site::new(Hub::in_memory());
    let mut client = site.connect("").await;
    client.checkpoint().await;
    client.0.close(None).await.unwrap();
    let answer = client.message().await.unwrap();
    assert!(matches!(answer, Ok(Message::Close(_))), "{answer:?}");
    assert!(client.message().await.is_none());
    site.until_open(0).await;
}

/// Bytes of the client that nobody has read would reset the connection, and the code would be lost on the way.
#[tokio::test(start_paused = true)]
async fn the_last_word_is_waited_for_but_not_for_ever() {
    let site = Site::new(Hub::in_memory());
    let mut client = site.connect("").await;
    client.checkpoint().await;
    site.drain.now(Duration::ZERO);
    tokio::time::sleep(seconds(1)).await;
    assert_eq!(site.layer.streams(), 1, "it has not said anything");
    for _ in 0..100 {
        client.0.send(Message::text("x".repeat(100))).await.unwrap();
    }
    assert_eq!(client.closed().await, 1012);
    site.until_open(0).await;

    let site = Site::new(Hub::in_memory());
    let mut silent = site.connect("").await;
    silent.checkpoint().await;
    site.drain.now(Duration::ZERO);
    tokio::time::sleep(seconds(10)).await;
    assert_eq!(site.layer.streams(), 0);
    drop(silent);
}

#[tokio::test(start_paused = true)]
async fn clients_have_not_much_to_say() {
    for (bytes, is_taken) in [(4 * 1_024, true), (4 * 1_024 + 1, false), (1 << 20, false)] {
        let site = Site::new(Hub::in_memory());
        let mut client = site.connect("").await;
        client.checkpoint().await;
        // Who is gone takes nothing more.
        let sent = client.0.send(Message::text("x".repeat(bytes))).await;
        assert!(sent.is_ok() || !is_taken);
        if is_taken {
            site.publish("1").await;
            assert_eq!(client.next().await["data"], "1");
        } else {
            assert!(client.is_gone().await, "{bytes}");
            site.until_open(0).await;
        }
    }
}

#[tokio::test]
async fn it_is_the_same_over_a_real_socket() {
    let site = Site::new(Hub::in_memory());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = site.app();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let connect = async |query: &str| {
        Client(connect_async(format!("ws://{address}/socket?{query}")).await.unwrap().0)
    };
    let mut client = connect("").await;
    let first = client.checkpoint().await;
    for event in 1..=100 {
        site.publish(&event.to_string()).await;
        assert_eq!(client.next().await["data"], event.to_string());
    }
    let mut late = connect(&format!("after={first}")).await;
    for event in 1..=100 {
        assert_eq!(late.next().await["data"], event.to_string());
    }
    site.drain.now(Duration::ZERO);
    assert_eq!((client.closed().await, late.closed().await), (1012, 1012));
}
