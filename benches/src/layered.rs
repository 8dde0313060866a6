use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::hint::black_box;
use std::mem;
use std::pin::{Pin, pin};

use axum::body::Body;
use http::response::Parts;
use http::{Request, Response};
use http_body_util::BodyExt;
use tokio::runtime::{Builder, Runtime};
use tower_service::Service;

use crate::work::Work;

/// Requests of one measurement.
pub(crate) const BATCH: usize = 256;

/// The requests of a scenario, and the service that gets them.
pub(crate) trait Traffic: Send {
    /// A service under its layer, with a new store.
    fn server(&self) -> Server;

    /// The next requests.
    fn requests(&mut self, count: usize) -> Vec<Request<Body>>;

    /// How many requests one store serves.
    fn lifetime(&self) -> usize {
        usize::MAX
    }
}

/// A service under a layer, at work.
pub(crate) struct Layered<T> {
    pub(crate) traffic: T,
    server: Server,
    /// Requests that the store has seen.
    age: usize,
    ready: Vec<Request<Body>>,
    runtime: Runtime,
}

impl<T: Traffic> Layered<T> {
    pub(crate) fn new(traffic: T) -> Self {
        let runtime = Builder::new_current_thread().enable_time().build();
        Self {
            server: traffic.server(),
            traffic,
            age: 0,
            ready: Vec::new(),
            runtime: runtime.expect("a runtime starts"),
        }
    }

    /// Serves the next requests, and shows the heads of the responses.
    pub(crate) fn heads(&mut self, count: usize) -> Vec<Parts> {
        self.age += count;
        let serving = self.server.0.heads(self.traffic.requests(count));
        self.in_a_task(serving)
    }

    /// As a server's connections are: to wake the thread that blocks on a runtime costs more than
    /// to wake a task.
    fn in_a_task<R: Send + 'static>(&self, serving: Serving<R>) -> R {
        let task = self.runtime.block_on(async { tokio::spawn(serving).await });
        task.expect("nothing panics")
    }
}

impl<T: Traffic> Work for Layered<T> {
    /// With a new store if it is time.
    fn prepare(&mut self, count: usize) {
        if self.age.saturating_add(count) > self.traffic.lifetime() {
            self.server = self.traffic.server();
            self.age = 0;
        }
        self.age += count;
        self.ready = self.traffic.requests(count);
    }

    fn run(&mut self) {
        let serving = self.server.0.serve(black_box(mem::take(&mut self.ready)));
        self.in_a_task(serving);
    }
}

/// Any service that answers requests.
pub(crate) struct Server(Box<dyn Serve>);

impl Server {
    pub(crate) fn new<S, B>(service: S) -> Self
    where
        S: Service<Request<Body>, Response = Response<B>, Error = Infallible>,
        S: Clone + Send + 'static,
        S::Future: Send + 'static,
        B: http_body::Body<Data: Send, Error: Send> + Send + 'static,
    {
        Self(Box::new(service))
    }
}

type Serving<T> = Pin<Box<dyn Future<Output = T> + Send>>;

trait Serve: Send {
    /// Serves requests one after the other, reads each response and drops it.
    fn serve(&self, requests: Vec<Request<Body>>) -> Serving<()>;

    fn heads(&self, requests: Vec<Request<Body>>) -> Serving<Vec<Parts>>;
}

impl<S, B> Serve for S
where
    S: Service<Request<Body>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
    B: http_body::Body<Data: Send, Error: Send> + Send + 'static,
{
    fn serve(&self, requests: Vec<Request<Body>>) -> Serving<()> {
        let mut service = self.clone();
        Box::pin(async move {
            for request in requests {
                let mut body = pin!(once(&mut service, request).await.into_body());
                while let Some(frame) = body.as_mut().frame().await {
                    drop(black_box(frame));
                }
            }
        })
    }

    fn heads(&self, requests: Vec<Request<Body>>) -> Serving<Vec<Parts>> {
        let mut service = self.clone();
        Box::pin(async move {
            let mut heads = Vec::with_capacity(requests.len());
            for request in requests {
                heads.push(once(&mut service, request).await.into_parts().0);
            }
            heads
        })
    }
}

async fn once<S, B>(service: &mut S, request: Request<Body>) -> Response<B>
where
    S: Service<Request<Body>, Response = Response<B>, Error = Infallible>,
{
    let Ok(()) = poll_fn(|cx| service.poll_ready(cx)).await;
    let Ok(response) = service.call(request).await;
    response
}
