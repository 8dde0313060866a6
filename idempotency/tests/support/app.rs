//! A service under the layer, and what came back from it.
#![allow(dead_code, unreachable_pub)] // Each test target uses a part of this.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::{Extensions, HeaderMap, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use stonework_core::{NotExecuted, Problem, StoneBody};
use stonework_idempotency::{IdempotencyLayer, IdempotencyLayerBuilder, Rejection};
use tower::util::BoxCloneSyncService;
use tower::{Layer, ServiceExt, service_fn};

pub type Incoming = Request<StoneBody<Full<Bytes>>>;
pub type App<B = Full<Bytes>> =
    BoxCloneSyncService<Request<Full<Bytes>>, Response<StoneBody<B>>, Infallible>;

/// A response, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub extensions: Extensions,
    pub body: Bytes,
    pub trailers: Option<HeaderMap>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub fn is_replay(&self) -> bool {
        self.header("idempotent-replayed") == Some("true")
    }

    /// The rejection, told in all its places.
    pub fn rejection(&self) -> Rejection {
        let rejection = *self.extensions.get::<Rejection>().expect("a rejection");
        let problem = self.extensions.get::<Problem>().expect("a problem");
        let expected = format!("urn:stonework:idempotency:{}", rejection.slug());
        assert_eq!(problem.type_uri(), expected);
        assert!(self.text().contains(&expected), "{}", self.text());
        assert_eq!(self.extensions.get::<NotExecuted>().is_some(), !rejection.executed());
        rejection
    }
}

pub fn single() -> IdempotencyLayerBuilder {
    IdempotencyLayer::builder().single_tenant()
}

/// The layer around a handler.
pub fn app<H, F, B>(layer: &IdempotencyLayer, handler: H) -> App<B>
where
    H: Fn(Incoming) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Send,
{
    let service = service_fn(move |request| {
        let response = handler(request);
        async move { Ok(response.await) }
    });
    BoxCloneSyncService::new(layer.layer(service))
}

/// A handler that counts its runs and answers 201 with the count.
pub fn counting() -> (Arc<AtomicUsize>, impl Fn(Incoming) -> Ready + Clone + Send + Sync + 'static)
{
    let runs = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&runs);
    let handler = move |_: Incoming| {
        let run = counter.fetch_add(1, Ordering::SeqCst) + 1;
        std::future::ready(
            Response::builder().status(201).body(Full::from(format!("run {run}"))).unwrap(),
        )
    };
    (runs, handler)
}

pub type Ready = std::future::Ready<Response<Full<Bytes>>>;

pub fn count(runs: &Arc<AtomicUsize>) -> usize {
    runs.load(Ordering::SeqCst)
}

pub fn post(key: &str) -> http::request::Builder {
    Request::post("/transfers").header("idempotency-key", key)
}

pub fn body(builder: http::request::Builder, body: &'static str) -> Request<Full<Bytes>> {
    builder.body(Full::from(body)).unwrap()
}

pub async fn send<B>(app: &App<B>, request: Request<Full<Bytes>>) -> Answer
where
    B: Body<Data = Bytes>,
    B::Error: std::fmt::Debug,
{
    let response = app.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let collected = body.collect().await.unwrap();
    Answer {
        status: parts.status,
        headers: parts.headers,
        extensions: parts.extensions,
        trailers: collected.trailers().cloned(),
        body: collected.to_bytes(),
    }
}

/// Posts `{}` with this key.
pub async fn send_key<B>(app: &App<B>, key: &str) -> Answer
where
    B: Body<Data = Bytes>,
    B::Error: std::fmt::Debug,
{
    send(app, body(post(key), "{}")).await
}
