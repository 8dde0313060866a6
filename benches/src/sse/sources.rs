//! Whatever gives one event to many: bodies of responses, and something to publish with.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::response::{IntoResponse, Sse, sse};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{Request, Response};
use stonework_sse::{Drain, Event, Hub, Publish, SseBody, SseLayer, Subscribe};
use tokio::sync::broadcast;
use tokio_stream::wrappers::BroadcastStream;
use tower_layer::Layer;
use tower_service::Service;

/// More than is published before all have read it.
const ROOM: usize = 256;

const LOG: &str = "acct_7";
const EVENT_TYPE: &str = "transfer";

/// What is told: 100 bytes.
pub(super) fn data() -> String {
    "x".repeat(100)
}

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Name {
    /// Nothing is published, and nobody is woken.
    Floor,
    /// A hub.
    Stonework,
    /// The same below the layer.
    Layered,
    /// Bytes that all share.
    Shared,
    /// axum's `Event`, written for each.
    Axum,
    /// axum's `Sse` of which nothing ever comes.
    Idle,
}

/// What publishes.
#[derive(Clone)]
pub(super) enum Source {
    Floor,
    Idle,
    Hub(Hub),
    Layered(Hub, SseLayer),
    Shared(broadcast::Sender<Bytes>),
    Axum(broadcast::Sender<Arc<Told>>),
}

/// An event that each client's handler writes.
pub(super) struct Told {
    id: u64,
    data: String,
}

impl Source {
    pub(super) fn new(name: Name) -> Self {
        match name {
            Name::Floor => Self::Floor,
            Name::Idle => Self::Idle,
            Name::Stonework => Self::Hub(Hub::in_memory()),
            Name::Layered => {
                let layer = SseLayer::builder().max_streams(100_000).drain(&Drain::new()).build();
                Self::Layered(Hub::in_memory(), layer.expect("it lets some in"))
            }
            Name::Shared => Self::Shared(broadcast::channel(ROOM).0),
            Name::Axum => Self::Axum(broadcast::channel(ROOM).0),
        }
    }

    /// What a client is answered.
    pub(super) async fn body(&self) -> Body {
        match self {
            Self::Floor => Body::from_stream(stream::pending::<Result<Bytes, Infallible>>()),
            Self::Hub(hub) => Body::new(of_hub(hub).await),
            Self::Layered(hub, layer) => {
                let mut service = layer.layer(Answering(Some(of_hub(hub).await)));
                let Ok(response) = service.call(Request::new(())).await;
                Body::new(response.into_body())
            }
            Self::Idle => {
                let sse = Sse::new(stream::pending::<Result<sse::Event, Infallible>>());
                sse.keep_alive(sse::KeepAlive::default()).into_response().into_body()
            }
            Self::Shared(sender) => Body::from_stream(BroadcastStream::new(sender.subscribe())),
            Self::Axum(sender) => {
                let told = BroadcastStream::new(sender.subscribe());
                let events = told.map(|told| told.map(|told| event(&told)));
                let sse = Sse::new(events).keep_alive(sse::KeepAlive::default());
                sse.into_response().into_body()
            }
        }
    }

    /// Tells all the next event.
    pub(super) async fn publish(&self, number: u64, data: &str) {
        match self {
            Self::Floor | Self::Idle => {}
            Self::Hub(hub) | Self::Layered(hub, _) => {
                let event = Event::new(data).event_type(EVENT_TYPE).expect("it is of one line");
                hub.publish(Publish::to(LOG, event)).await.expect("it is in memory");
            }
            Self::Shared(sender) => {
                let frame = format!("id: {number}\nevent: {EVENT_TYPE}\ndata: {data}\n\n");
                drop(sender.send(frame.into()));
            }
            Self::Axum(sender) => {
                drop(sender.send(Arc::new(Told { id: number, data: data.to_owned() })));
            }
        }
    }
}

async fn of_hub(hub: &Hub) -> SseBody<stonework_sse::Subscription> {
    SseBody::new(hub.subscribe(Subscribe::to(LOG)).await.expect("it is in memory"))
}

fn event(told: &Told) -> sse::Event {
    sse::Event::default().id(told.id.to_string()).event(EVENT_TYPE).data(&told.data)
}

/// Answers once with a body that is there already.
struct Answering<B>(Option<SseBody<B>>);

impl<B> Service<Request<()>> for Answering<B> {
    type Response = Response<SseBody<B>>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(
        &mut self,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), Infallible>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        std::future::ready(Ok(self.0.take().expect("it is asked once").into_response()))
    }
}
