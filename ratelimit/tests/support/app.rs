//! A service under the layer, and what came back from it.

use std::convert::Infallible;
use std::fmt::Debug;
use std::future::{Future, Ready, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::{Extensions, HeaderMap, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use stonework_ratelimit::{
    Decision, NotExecuted, Problem, RateLimitLayer, RateLimitLayerBuilder, Rejection, ResponseBody,
};
use tower::util::BoxCloneSyncService;
use tower::{Layer, ServiceExt, service_fn};

pub type Incoming = Request<Full<Bytes>>;
pub type App<B = Full<Bytes>> =
    BoxCloneSyncService<Incoming, Response<ResponseBody<B>>, Infallible>;

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

    pub fn is_ok(&self) -> bool {
        self.status == StatusCode::OK
    }

    pub fn decision(&self) -> &Decision {
        self.extensions.get().expect("a decision")
    }

    /// The rejection, told in all its places.
    pub fn rejection(&self) -> Rejection {
        let rejection = *self.extensions.get::<Rejection>().expect("a rejection");
        let problem = self.extensions.get::<Problem>().expect("a problem");
        assert_eq!(self.status, rejection.status());
        assert!(problem.type_uri().ends_with(rejection.slug()), "{problem:?}");
        assert_eq!(self.text(), problem.to_json());
        assert!(self.extensions.get::<NotExecuted>().is_some());
        rejection
    }
}

/// The layer around a handler.
pub fn app<H, F, B>(layer: &RateLimitLayer, handler: H) -> App<B>
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

/// The layer around a handler that says `ok`.
pub fn ok(builder: RateLimitLayerBuilder) -> App {
    app(&builder.build().unwrap(), |_| ready(Response::new(Full::from("ok"))))
}

/// A handler that counts its runs.
pub fn counting()
-> (Arc<AtomicUsize>, impl Fn(Incoming) -> Ready<Response<Full<Bytes>>> + Clone + Send + Sync) {
    let runs = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&runs);
    let handler = move |_: Incoming| {
        counter.fetch_add(1, Ordering::SeqCst);
        ready(Response::new(Full::from("ok")))
    };
    (runs, handler)
}

pub fn count(runs: &AtomicUsize) -> usize {
    runs.load(Ordering::SeqCst)
}

/// What `key_header("x-key")` counts for this client.
pub fn by(key: &str) -> Incoming {
    Request::get("/").header("x-key", key).body(Full::default()).unwrap()
}

pub fn get(path: &str) -> Incoming {
    Request::get(path).body(Full::default()).unwrap()
}

pub fn with(builder: http::request::Builder) -> Incoming {
    builder.body(Full::default()).unwrap()
}

pub async fn read<B>(response: Response<B>) -> Answer
where
    B: Body<Data = Bytes>,
    B::Error: Debug,
{
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

pub async fn send<B>(app: &App<B>, request: Incoming) -> Answer
where
    B: Body<Data = Bytes>,
    B::Error: Debug,
{
    read(app.clone().oneshot(request).await.unwrap()).await
}

/// How many of so many requests are granted; all others are denied for their quota.
pub async fn granted(app: &App, requests: usize, key: &str) -> usize {
    let mut granted = 0;
    for _ in 0..requests {
        let answer = send(app, by(key)).await;
        if answer.is_ok() {
            granted += 1;
        } else {
            assert_eq!(answer.rejection(), Rejection::QuotaExceeded);
        }
    }
    granted
}
