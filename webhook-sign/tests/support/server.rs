//! A hyper server on a free port of the loopback, and a client that writes bytes as it likes.
#![allow(dead_code, unreachable_pub)] // Each test target uses a part of this.

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use stonework_webhook_sign::{StoneBody, VerifyLayer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tower::{Layer, Service};

pub struct Server {
    pub address: SocketAddr,
    open: watch::Receiver<usize>,
}

impl Server {
    /// Serves `handler` behind `layer`, over HTTP/1 and HTTP/2.
    pub async fn start<S>(layer: &VerifyLayer, handler: S) -> Self
    where
        S: Service<
                Request<StoneBody<Incoming>>,
                Response = Response<Full<Bytes>>,
                Error = Infallible,
            > + Clone
            + Send
            + 'static,
        S::Future: Send,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (counting, open) = watch::channel(0);
        let service = layer.layer(handler);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counting.send_modify(|open| *open += 1);
                let (service, counting) = (service.clone(), counting.clone());
                tokio::spawn(async move {
                    let mut builder = auto::Builder::new(TokioExecutor::new());
                    builder.http1().timer(TokioTimer::new());
                    let service = TowerToHyperService::new(service);
                    // A client that breaks off is no error of ours.
                    drop(builder.serve_connection(TokioIo::new(stream), service).await);
                    counting.send_modify(|open| *open -= 1);
                });
            }
        });
        Self { address, open }
    }

    /// Until no connection is open: nobody waits for, or burns time on, a client that has gone.
    pub async fn idle(&self) {
        self.open.clone().wait_for(|open| *open == 0).await.unwrap();
    }

    pub async fn connect(&self) -> Raw {
        Raw { stream: TcpStream::connect(self.address).await.unwrap() }
    }
}

/// A client that knows nothing of HTTP.
pub struct Raw {
    stream: TcpStream,
}

impl Raw {
    /// Writes what it can: a server that has heard enough may have closed.
    pub async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        drop(self.stream.write_all(bytes.as_ref()).await);
    }

    /// The status line and the headers, as text, of what is answered.
    pub async fn read_head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            match self.stream.read(&mut byte).await {
                Ok(1) => head.push(byte[0]),
                _ => break,
            }
        }
        String::from_utf8(head).unwrap()
    }

    /// The status of what is answered.
    pub async fn status(&mut self) -> u16 {
        let head = self.read_head().await;
        let status = head.split(' ').nth(1).unwrap_or_else(|| panic!("no answer: {head:?}"));
        status.parse().unwrap()
    }
}

/// The head of a request with these headers, as HTTP/1.1 writes it.
pub fn head(request: &Request<Full<Bytes>>, more: &str) -> String {
    let mut head = format!("POST {} HTTP/1.1\r\nhost: localhost\r\n", request.uri());
    for (name, value) in request.headers() {
        head.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap()));
    }
    head + more + "\r\n"
}
