//! Sites on the loopback: pages, and whatever else is served.

use std::future::ready;
use std::sync::{Arc, LazyLock, Mutex};

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, Method, header};
use axum::middleware::map_request;
use axum::response::Html;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// One for all tests, each of which has a thread of its own.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// Pages without anything in them, on a port of their own.
static PAGES: LazyLock<u16> = LazyLock::new(|| {
    let blank = || async { Html("<!doctype html><link rel=icon href=data:,><title>page</title>") };
    serve(Router::new().fallback(get(blank))).port
});

/// The origin of the pages on this host.
pub(crate) fn origin(host: &str) -> String {
    format!("http://{host}:{}", *PAGES)
}

/// A server on the loopback.
pub(crate) struct Site {
    pub(crate) port: u16,
    arrived: Arc<Mutex<Vec<Arrived>>>,
}

/// A request as it came. DevTools tells of what a browser sends too, but only at some time.
#[derive(Clone, Debug)]
pub(crate) struct Arrived {
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
}

impl From<&Request> for Arrived {
    fn from(request: &Request) -> Self {
        Self { method: request.method().clone(), headers: request.headers().clone() }
    }
}

impl Arrived {
    pub(crate) fn is_preflight(&self) -> bool {
        self.method == Method::OPTIONS
            && self.headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
    }
}

impl Site {
    /// All that has come so far, answered or not.
    pub(crate) fn arrived(&self) -> Vec<Arrived> {
        self.arrived.lock().unwrap().clone()
    }
}

pub(crate) fn serve(app: Router) -> Site {
    let arrived = Arc::<Mutex<Vec<_>>>::default();
    let noted = Arc::clone(&arrived);
    let app = app.layer(map_request(move |request: Request| {
        noted.lock().unwrap().push(Arrived::from(&request));
        ready(request)
    }));
    let port = RUNTIME.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        RUNTIME.spawn(async move { axum::serve(listener, app).await.unwrap() });
        port
    });
    Site { port, arrived }
}
