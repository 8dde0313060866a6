//! A receiver on the loopback that answers as it is told to.
#![allow(dead_code, unreachable_pub)] // Each test target uses a part of this.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, Uri};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use stonework_webhook_delivery::scheme::SignScheme;
use stonework_webhook_sign::keys::KeySet;
use stonework_webhook_sign::{RequestHead, verify};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::sync::watch;

pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A webhook that came.
#[derive(Clone, Debug)]
pub struct Received {
    pub uri: Uri,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Received {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name}")).to_str().unwrap()
    }

    pub fn id(&self) -> &str {
        self.header("webhook-id")
    }
}

/// What is answered.
#[derive(Clone, Debug)]
pub enum Reply {
    Status(u16),
    Headers(u16, &'static [(&'static str, &'static str)]),
    /// Elsewhere.
    Redirect(u16, String),
    /// A status, and a body without an end.
    Endless(u16),
    /// A status, when it is told to.
    Held(u16, watch::Receiver<bool>),
    /// Nothing, ever.
    Nothing,
    /// The connection is closed.
    Close,
}

pub struct Receiver {
    pub address: SocketAddr,
    pub connections: Arc<AtomicUsize>,
    pub webhooks: UnboundedReceiver<Received>,
}

impl Receiver {
    /// Answers each by what `reply` makes of its number, from 0, and of itself.
    pub async fn start(reply: impl Fn(usize, &Received) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::on(listener, reply)
    }

    pub fn on(
        listener: TcpListener,
        reply: impl Fn(usize, &Received) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let address = listener.local_addr().unwrap();
        let (sender, webhooks) = unbounded_channel();
        let (reply, count) = (Arc::new(reply), Arc::new(AtomicUsize::new(0)));
        let connections = Arc::new(AtomicUsize::new(0));
        let accepted = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                accepted.fetch_add(1, Ordering::SeqCst);
                let (sender, reply, count) =
                    (sender.clone(), Arc::clone(&reply), Arc::clone(&count));
                let service = service_fn(move |request: Request<Incoming>| {
                    let (sender, reply, count) =
                        (sender.clone(), Arc::clone(&reply), Arc::clone(&count));
                    async move {
                        let (head, body) = request.into_parts();
                        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
                        let received = Received { uri: head.uri, headers: head.headers, body };
                        let nth = count.fetch_add(1, Ordering::SeqCst);
                        let reply = reply(nth, &received);
                        drop(sender.send(received));
                        answer(reply).await
                    }
                });
                tokio::spawn(async move {
                    let server = auto::Builder::new(TokioExecutor::new());
                    // A client that breaks off is no error of ours.
                    drop(server.serve_connection(TokioIo::new(stream), service).await);
                });
            }
        });
        Self { address, connections, webhooks }
    }

    pub fn url(&self) -> String {
        format!("http://{}/hooks/secret-path", self.address)
    }

    pub async fn next(&mut self) -> Received {
        self.webhooks.recv().await.unwrap()
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

async fn answer(reply: Reply) -> io::Result<Response<Answer>> {
    let (status, endless) = match reply {
        Reply::Status(status) | Reply::Headers(status, _) | Reply::Redirect(status, _) => {
            (status, false)
        }
        Reply::Endless(status) => (status, true),
        Reply::Held(status, ref told) => {
            told.clone().wait_for(|told| *told).await.map_err(io::Error::other)?;
            (status, false)
        }
        Reply::Nothing => std::future::pending().await,
        Reply::Close => return Err(io::Error::other("closed")),
    };
    let mut response = Response::builder().status(status);
    match reply {
        Reply::Headers(_, headers) => {
            for (name, value) in headers {
                response = response.header(*name, *value);
            }
        }
        Reply::Redirect(_, to) => response = response.header("location", to),
        _ => {}
    }
    Ok(response.body(Answer { endless }).unwrap())
}

struct Answer {
    endless: bool,
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let frame = || Ok(Frame::data(Bytes::from_static(&[b'x'; 1024])));
        Poll::Ready(self.endless.then(frame))
    }
}

/// Did one who has this secret sign it?
pub fn is_signed(received: &Received, scheme: &impl SignScheme, secret: &str) -> bool {
    let mut request = Request::post(received.uri.clone()).body(()).unwrap();
    *request.headers_mut() = received.headers.clone();
    let keys = KeySet::new([scheme.key(secret).unwrap()]).unwrap();
    let (head, age) = (RequestHead::of(&request), Duration::from_secs(1_000_000_000));
    let tolerance = scheme.tolerance().map(|_| age);
    verify(scheme, &keys, &head, &received.body, unix(), tolerance).is_ok()
}

#[allow(clippy::disallowed_methods)] // The receiver's own clock.
fn unix() -> Duration {
    std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap()
}
