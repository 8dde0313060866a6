use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{HeaderValue, Method, Request, Uri};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use stonework_core::StoneBody;
use stonework_webhook_delivery::MessageId;
use stonework_webhook_sign::{SignLayer, SignService};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use tower_layer::Layer;
use tower_service::Service;

use super::{AT_ONCE, ENDPOINTS, Receiver, body, signer};

type Signing = SignService<Client<HttpConnector, StoneBody<Full<Bytes>>>>;

/// Signed requests, and nothing else: no outbox, no guard, no retries, no deadline.
pub struct Bare {
    runtime: Runtime,
    client: Signing,
    urls: Arc<[Uri]>,
    body: Bytes,
}

impl Bare {
    /// To the endpoints of this receiver.
    ///
    /// # Panics
    ///
    /// If no runtime starts.
    pub fn new(receiver: &Receiver) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime starts");
        let url = |number| receiver.healthy(number).parse().expect("it is a URL");
        let urls = (0..ENDPOINTS).map(url).collect();
        let signing = SignLayer::builder().signer(signer()).build().expect("its secret is one");
        Self { runtime, client: signing.layer(client()), urls, body: body() }
    }

    /// Sends so many, [`AT_ONCE`] at the same time, to one endpoint after the other.
    pub fn send(&self, count: usize) {
        let sent = Arc::new(AtomicUsize::new(0));
        self.runtime.block_on(async {
            let mut senders = JoinSet::new();
            for _ in 0..AT_ONCE {
                let (client, sent) = (self.client.clone(), Arc::clone(&sent));
                let (urls, body) = (Arc::clone(&self.urls), self.body.clone());
                senders.spawn(async move {
                    let next = || sent.fetch_add(1, Ordering::Relaxed);
                    for number in std::iter::repeat_with(next).take_while(|&next| next < count) {
                        once(client.clone(), &urls[number % urls.len()], &body).await;
                    }
                });
            }
            senders.join_all().await;
        });
    }
}

/// As the client of the deliveries is set up.
fn client() -> Client<HttpConnector, StoneBody<Full<Bytes>>> {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .timer(TokioTimer::new())
        .pool_idle_timeout(Duration::from_secs(15))
        .pool_max_idle_per_host(4)
        .http1_max_buf_size(64 * 1_024)
        .build(connector)
}

async fn once(mut client: Signing, url: &Uri, body: &Bytes) {
    let mut request = Request::new(Full::new(body.clone()));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = url.clone();
    let headers = request.headers_mut();
    headers.insert(USER_AGENT, HeaderValue::from_static("stonework-webhooks"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    request.extensions_mut().insert(MessageId::random());
    poll_fn(|cx| client.poll_ready(cx)).await.expect("it is ready");
    let answer = client.call(request).await.expect("the receiver answers");
    assert_eq!(answer.status(), 200);
    answer.into_body().collect().await.expect("the answer has an end");
}

impl fmt::Debug for Bare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bare").finish_non_exhaustive()
    }
}
