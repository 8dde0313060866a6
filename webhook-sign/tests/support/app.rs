//! Signed requests, a handler under the layer, and what came back from it.
#![allow(dead_code, unreachable_pub)] // Each test target uses a part of this.

use std::convert::Infallible;
use std::future::{Ready, pending, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Extensions, HeaderMap, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use stonework_webhook_sign::keys::KeySet;
use stonework_webhook_sign::scheme::{self, Outgoing, SignScheme};
use stonework_webhook_sign::{
    NotExecuted, Problem, Rejection, RequestHead, Sender, StoneBody, sign,
};
use tokio::sync::mpsc::UnboundedSender;
use tower::util::BoxCloneSyncService;
use tower::{Service, ServiceExt, service_fn};

pub const SECRET: &str = "a secret of more than sixteen bytes";
pub const STANDARD_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
pub const NOW: u64 = 1_800_000_000;

/// A response, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
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

    /// The rejection, told in all its places.
    pub fn rejection(&self) -> Rejection {
        let rejection = *self.extensions.get::<Rejection>().expect("a rejection");
        let problem = self.extensions.get::<Problem>().expect("a problem");
        let expected = format!("urn:stonework:webhook-sign:{}", rejection.slug());
        assert_eq!(problem.type_uri(), expected);
        assert!(self.extensions.get::<NotExecuted>().is_some());
        rejection
    }
}

/// Sends one request and reads the answer.
pub async fn send<S, B, R>(service: &S, request: Request<B>) -> Answer
where
    S: Service<Request<B>, Response = Response<R>> + Clone,
    S::Error: std::fmt::Debug,
    R: Body<Data = Bytes>,
    R::Error: std::fmt::Debug,
{
    let response = service.clone().oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    let body = body.collect().await.unwrap();
    let trailers = body.trailers().cloned();
    Answer {
        status: head.status.as_u16(),
        headers: head.headers,
        extensions: head.extensions,
        body: body.to_bytes(),
        trailers,
    }
}

/// How often a handler ran.
#[derive(Clone, Debug, Default)]
pub struct Counter(Arc<AtomicUsize>);

impl Counter {
    pub fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    pub fn add(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

pub type Handled = Result<Response<Full<Bytes>>, Infallible>;

/// Counts, and answers 200.
pub fn count<B: 'static>(
    counter: &Counter,
) -> impl Service<
    Request<StoneBody<B>>,
    Response = Response<Full<Bytes>>,
    Error = Infallible,
    Future = Ready<Handled>,
> + Clone
+ Send
+ Sync
+ 'static {
    answer(counter, || StatusCode::OK)
}

/// Counts, and answers with the status that it is told.
pub fn answer<B: 'static>(
    counter: &Counter,
    status: impl Fn() -> StatusCode + Clone + Send + Sync + 'static,
) -> impl Service<
    Request<StoneBody<B>>,
    Response = Response<Full<Bytes>>,
    Error = Infallible,
    Future = Ready<Handled>,
> + Clone
+ Send
+ Sync
+ 'static {
    let counter = counter.clone();
    service_fn(move |_: Request<StoneBody<B>>| {
        counter.add();
        let mut response = Response::new(Full::from("handled"));
        *response.status_mut() = status();
        ready(Ok(response))
    })
}

/// Says that it was entered, and never answers.
pub fn hang<B: Send + 'static>(
    entered: UnboundedSender<()>,
) -> BoxCloneSyncService<Request<StoneBody<B>>, Response<Full<Bytes>>, Infallible> {
    BoxCloneSyncService::new(service_fn(move |_: Request<StoneBody<B>>| {
        entered.send(()).unwrap();
        pending::<Handled>()
    }))
}

/// A clock that stands still at [`NOW`], unless it is turned.
#[derive(Clone, Debug)]
pub struct Hand(Arc<std::sync::atomic::AtomicU64>);

impl Default for Hand {
    fn default() -> Self {
        Self(Arc::new(std::sync::atomic::AtomicU64::new(NOW)))
    }
}

impl Hand {
    pub fn turn(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }

    pub fn clock(&self) -> Arc<dyn stonework_core::Clock> {
        Arc::new(self.clone())
    }
}

impl stonework_core::Clock for Hand {
    fn monotonic(&self) -> Duration {
        self.unix()
    }

    fn unix(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::SeqCst))
    }
}

/// A request signed by this scheme at this time, with this body.
pub fn signed_at(
    scheme: &dyn SignScheme,
    secret: &str,
    id: &str,
    now: u64,
    body: impl Into<Bytes>,
) -> Request<Full<Bytes>> {
    let keys = KeySet::new([scheme.key(secret).unwrap()]).unwrap();
    let body = body.into();
    let mut request = Request::post("/webhooks").body(Full::new(body.clone())).unwrap();
    let mut headers = HeaderMap::new();
    let now = Duration::from_secs(now);
    let outgoing = Outgoing::new(RequestHead::of(&request), &body, id, now);
    sign(scheme, &keys, &outgoing, &mut headers).unwrap();
    *request.headers_mut() = headers;
    request
}

pub fn standard_request(id: &str, body: &'static str) -> Request<Full<Bytes>> {
    signed_at(&scheme::STANDARD, STANDARD_SECRET, id, NOW, body)
}

pub fn github_request(body: &'static str) -> Request<Full<Bytes>> {
    signed_at(&scheme::GITHUB, SECRET, "unused", NOW, body)
}

pub fn github_sender() -> Sender {
    Sender::new(scheme::GITHUB).secret(SECRET)
}

pub fn standard_sender() -> Sender {
    Sender::new(scheme::STANDARD).secret(STANDARD_SECRET)
}
