use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;

use super::ENDPOINTS;
use crate::process::{Twin, orders, stay_on};

/// A server in a process of its own, on the second core, under as many addresses of the loopback as there are endpoints.
#[derive(Debug)]
pub struct Receiver {
    twin: Twin,
    port: u16,
}

/// The endpoint of this number has this address.
const fn host(number: usize) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 1, number as u8)
}

/// Whoever connects to it is never answered.
const SLOW: Ipv4Addr = Ipv4Addr::new(127, 0, 2, 1);

/// Nobody listens there.
const DEAD: Ipv4Addr = Ipv4Addr::new(127, 0, 2, 2);

impl Receiver {
    /// Starts it. The program that calls this calls [`receive`] when it is a twin.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub fn start() -> Self {
        let mut twin = Twin::start("receiver");
        let port = twin.line().parse().expect("it says where it listens");
        Self { twin, port }
    }

    pub(super) fn healthy(&self, number: usize) -> String {
        format!("http://{}:{}/hooks", host(number), self.port)
    }

    pub(super) fn slow(&self) -> String {
        format!("http://{SLOW}:{}/hooks", self.port)
    }

    pub(super) fn dead(&self) -> String {
        format!("http://{DEAD}:{}/hooks", self.port)
    }

    /// How many requests it has answered.
    ///
    /// # Panics
    ///
    /// If it does not say.
    pub fn count(&mut self) -> usize {
        self.twin.tell("count");
        self.twin.line().parse().expect("it says a number")
    }
}

/// Answers with 200 and no body, in the process that [`Receiver::start`] has started, until it is killed.
///
/// # Panics
///
/// If there is nowhere to listen.
pub fn receive() {
    stay_on(1);
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime starts");
    let count = Arc::new(AtomicUsize::new(0));
    runtime.block_on(async {
        let first = TcpListener::bind((host(0), 0)).await.expect("a port is free");
        let port = first.local_addr().expect("it is bound").port();
        for number in 1..ENDPOINTS {
            tokio::spawn(serve(listen(host(number), port).await, Arc::clone(&count)));
        }
        tokio::spawn(serve(first, Arc::clone(&count)));
        tokio::spawn(hang(listen(SLOW, port).await));
        println!("{port}");
        let mut orders = orders();
        while orders.recv().await.is_some() {
            println!("{}", count.load(Ordering::Relaxed));
        }
    });
}

async fn listen(host: Ipv4Addr, port: u16) -> TcpListener {
    TcpListener::bind(SocketAddr::from((host, port))).await.expect("the port is free there too")
}

async fn serve(listener: TcpListener, count: Arc<AtomicUsize>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(answer(stream, Arc::clone(&count)));
    }
}

async fn answer(stream: TcpStream, count: Arc<AtomicUsize>) {
    stream.set_nodelay(true).expect("it is a socket");
    let service = service_fn(|request: Request<Incoming>| {
        let count = Arc::clone(&count);
        async move {
            drop(request.into_body().collect().await);
            count.fetch_add(1, Ordering::Relaxed);
            Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
        }
    });
    drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
}

/// Keeps what connects, and says nothing.
async fn hang(listener: TcpListener) {
    let mut kept = Vec::new();
    while let Ok((stream, _)) = listener.accept().await {
        kept.push(stream);
    }
}
