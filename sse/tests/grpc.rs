//! The same logs as a server-streaming method of tonic, over a real connection.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "support/faulty.rs"]
mod faulty;

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use faulty::{Faults, Faulty};
use http::{Request, Response};
use stonework_core::{Key, TokioClock};
use stonework_sse::store::MemoryLog;
use stonework_sse::{
    Delivery, Drain, Event, EventMessages, Hub, LastEventId, Position, Publish, SseLayer, Subscribe,
};
use tokio_stream::{Stream, StreamExt};
use tonic::body::Body;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::server::{NamedService, ServerStreamingService};
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Code, Status, Streaming};
use tonic_prost::ProstCodec;

const LOG: &str = "acct_7";

#[derive(Clone, PartialEq, prost::Message)]
struct Watch {
    #[prost(string, tag = "1")]
    cursor: String,
    #[prost(int64, tag = "2")]
    expires_at: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Watched {
    #[prost(string, tag = "1")]
    cursor: String,
    #[prost(string, tag = "2")]
    event_type: String,
    #[prost(string, tag = "3")]
    data: String,
}

impl Watched {
    /// Of whatever has happened; where it begins is none of the client's business.
    fn of(delivery: &Delivery) -> Option<Self> {
        let cursor = delivery.position().to_string();
        match delivery {
            Delivery::Event(entry) => {
                let said = entry.said();
                Some(Self { cursor, event_type: said.event_type, data: said.data })
            }
            Delivery::Gap(gap) => {
                let data = gap.lost.slug().to_owned();
                Some(Self { cursor, event_type: "gap".to_owned(), data })
            }
            _ => None,
        }
    }
}

/// What a generated server would be.
#[derive(Clone)]
struct Bank {
    hub: Hub,
}

impl NamedService for Bank {
    const NAME: &'static str = "bank.v1.Bank";
}

type Messages = Pin<Box<dyn Stream<Item = Result<Watched, Status>> + Send>>;

impl ServerStreamingService<Watch> for Bank {
    type Response = Watched;
    type ResponseStream = Messages;
    type Future = Pin<Box<dyn Future<Output = Result<tonic::Response<Messages>, Status>> + Send>>;

    fn call(&mut self, request: tonic::Request<Watch>) -> Self::Future {
        let hub = self.hub.clone();
        Box::pin(async move {
            let Watch { cursor, expires_at } = request.into_inner();
            let after = (!cursor.is_empty()).then(|| LastEventId::new(&cursor));
            let mut wanted = Subscribe::to(LOG).after(after);
            if let Ok(expires_at @ 1..) = u64::try_from(expires_at) {
                wanted = wanted.expires_at(Duration::from_secs(expires_at));
            }
            let events = hub.subscribe(wanted).await?;
            let messages = EventMessages::new(events, |delivery| Watched::of(&delivery));
            Ok(tonic::Response::new(Box::pin(messages) as Messages))
        })
    }
}

impl tower::Service<Request<Body>> for Bank {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let bank = self.clone();
        Box::pin(async move {
            let codec = ProstCodec::<Watched, Watch>::default();
            Ok(tonic::server::Grpc::new(codec).server_streaming(bank, request).await)
        })
    }
}

#[derive(Clone)]
struct Client(Grpc<Channel>);

impl Client {
    /// Of a server below the layer, which has nothing to do with it.
    async fn of(hub: &Hub) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let layer = SseLayer::builder().build().unwrap();
        let server = Server::builder().layer(layer).add_service(Bank { hub: hub.clone() });
        let incoming = TcpIncoming::from(listener);
        tokio::spawn(async move { server.serve_with_incoming(incoming).await.unwrap() });
        let endpoint = Endpoint::new(format!("http://{address}")).unwrap();
        Self(Grpc::new(endpoint.connect().await.unwrap()))
    }

    async fn watch(&self, watch: Watch) -> Result<Streaming<Watched>, Status> {
        let mut grpc = self.0.clone();
        grpc.ready().await.unwrap();
        let path = PathAndQuery::from_static("/bank.v1.Bank/Watch");
        let codec = ProstCodec::<Watch, Watched>::default();
        let streaming = grpc.server_streaming(tonic::Request::new(watch), path, codec);
        Ok(streaming.await?.into_inner())
    }

    async fn after(&self, cursor: impl ToString) -> Streaming<Watched> {
        self.watch(Watch { cursor: cursor.to_string(), expires_at: 0 }).await.unwrap()
    }
}

async fn publish(hub: &Hub, data: &str) -> Position {
    hub.publish(Publish::to(LOG, Event::new(data))).await.unwrap()
}

async fn next(stream: &mut Streaming<Watched>) -> Watched {
    stream.message().await.unwrap().unwrap()
}

#[tokio::test]
async fn events_are_messages_as_they_come() {
    let hub = Hub::in_memory();
    let client = Client::of(&hub).await;
    let start = publish(&hub, "0").await;
    let mut stream = client.after(start).await;
    for data in 1..=20 {
        let event = Event::new(data.to_string());
        let event = if data % 2 == 0 { event.event_type("even").unwrap() } else { event };
        let position = hub.publish(Publish::to(LOG, event)).await.unwrap();
        let event_type = if data % 2 == 0 { "even" } else { "message" };
        let expected = Watched {
            cursor: position.to_string(),
            event_type: event_type.to_owned(),
            data: data.to_string(),
        };
        // Before the next is published.
        assert_eq!(next(&mut stream).await, expected);
    }
}

#[tokio::test]
async fn who_comes_back_with_a_cursor_has_each_event_once() {
    let hub = Hub::in_memory();
    let client = Client::of(&hub).await;
    let mut cursor = publish(&hub, "0").await.to_string();
    for round in 0..5 {
        for event in 1..=4 {
            publish(&hub, &(round * 4 + event).to_string()).await;
        }
        let mut stream = client.after(&cursor).await;
        for event in 1..=4 {
            let watched = next(&mut stream).await;
            assert_eq!(watched.data, (round * 4 + event).to_string());
            cursor = watched.cursor;
        }
    }
}

#[tokio::test]
async fn what_is_missing_is_said() {
    let log = MemoryLog::builder().max_events(1).build().unwrap();
    let hub = Hub::builder(log).build().unwrap();
    let client = Client::of(&hub).await;
    let first = publish(&hub, "1").await;
    let resume = publish(&hub, "2").await.to_string();
    publish(&hub, "3").await;
    let mut stream = client.after(first).await;
    let gap = next(&mut stream).await;
    assert_eq!((&*gap.event_type, &*gap.data, gap.cursor), ("gap", "trimmed", resume));
    assert_eq!(next(&mut stream).await.data, "3");
    let unknown = next(&mut client.after("x").await).await;
    assert_eq!((&*unknown.event_type, &*unknown.data), ("gap", "unknown"));
}

/// How a stream ends that has given this much.
async fn ended(stream: &mut Streaming<Watched>) -> (usize, Status) {
    let mut given = 0;
    loop {
        match stream.message().await {
            Ok(Some(_)) => given += 1,
            Ok(None) => panic!("it has ended without a status"),
            Err(status) => {
                assert!(stream.message().await.unwrap().is_none(), "it is told once");
                return (given, status);
            }
        }
    }
}

#[tokio::test]
async fn a_log_that_does_not_answer_is_unavailable() {
    let log = Faulty::default();
    let hub = Hub::builder(log.clone()).build().unwrap();
    let client = Client::of(&hub).await;
    let first = publish(&hub, "1").await;
    publish(&hub, "2").await;
    log.set(Faults { reads_fail: true, ..Faults::default() });
    let (given, status) = ended(&mut client.after(first).await).await;
    assert_eq!((given, status.code()), (0, Code::Unavailable));
    log.set(Faults { fails: true, ..Faults::default() });
    let refused = client.watch(Watch::default()).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    assert!(!refused.message().contains("secret"), "{refused:?}");
}

#[tokio::test]
async fn a_token_that_has_expired_is_unauthenticated() {
    let clock = TokioClock::starting_at(Duration::from_secs(1_000));
    let hub = Hub::builder(MemoryLog::new()).clock(clock).build().unwrap();
    let client = Client::of(&hub).await;
    let mut stream =
        client.watch(Watch { cursor: String::new(), expires_at: 1_000 }).await.unwrap();
    let (given, status) = ended(&mut stream).await;
    assert_eq!((given, status.code()), (0, Code::Unauthenticated));
}

#[tokio::test]
async fn who_is_too_slow_is_told_and_comes_back() {
    let log = MemoryLog::builder().max_events(100_000).max_bytes(100 << 20).build().unwrap();
    let hub = Hub::builder(log).window_events(100).max_lag(100).build().unwrap();
    let client = Client::of(&hub).await;
    let start = publish(&hub, "0").await;
    let mut slow = client.after(start).await;
    let mut along = client.after(start).await;
    // More than a client takes that is not read.
    let data = "x".repeat(10_000);
    for _ in 0..2_000 {
        publish(&hub, &data).await;
        assert_eq!(next(&mut along).await.data, data);
    }
    let mut last = start;
    let (given, status) = loop {
        match slow.message().await {
            Ok(Some(watched)) => {
                let position: Position = watched.cursor.parse().unwrap();
                assert_eq!(position.offset, last.offset + 1);
                last = position;
            }
            Ok(None) => panic!("it has ended without a status"),
            Err(status) => break (last.offset, status),
        }
    };
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert!(given < 1_900, "{given}");
    let mut back = client.after(last).await;
    for offset in last.offset + 1..=2_001 {
        let position: Position = next(&mut back).await.cursor.parse().unwrap();
        assert_eq!(position.offset, offset);
    }
}

#[tokio::test]
async fn what_nothing_is_made_of_is_not_sent() {
    let hub = Hub::in_memory();
    let events = hub.subscribe(Subscribe::to(LOG)).await.unwrap();
    let mut messages = EventMessages::new(events, |delivery: Delivery| match delivery {
        Delivery::Event(entry) if entry.topic == Key::from("wanted") => Some(entry.said().data),
        _ => None,
    });
    assert!(!format!("{messages:?}").contains("acct"));
    for topic in ["other", "wanted", "other", "wanted"] {
        hub.publish(Publish::to(LOG, Event::new(topic)).topic(topic)).await.unwrap();
    }
    for _ in 0..2 {
        let message = std::future::poll_fn(|cx| Pin::new(&mut messages).poll_next(cx)).await;
        assert_eq!(message.unwrap().unwrap(), "wanted");
    }
}

#[tokio::test(start_paused = true)]
async fn they_end_when_the_process_does() {
    let (hub, drain) = (Hub::in_memory(), Drain::new());
    let events = hub.subscribe(Subscribe::to(LOG)).await.unwrap();
    let messages = EventMessages::new(events, |delivery| Some(delivery.position().offset));
    let mut messages = messages.drain(&drain);
    assert_eq!(messages.next().await.unwrap().unwrap(), 0);
    publish(&hub, "a").await;
    assert_eq!(messages.next().await.unwrap().unwrap(), 1);
    drain.now(Duration::from_secs(1));
    assert_eq!(messages.next().await.unwrap().unwrap_err().code(), Code::Unavailable);
    assert!(messages.next().await.is_none());
}
