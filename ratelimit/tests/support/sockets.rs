//! Servers and clients over real sockets.

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use stonework_ratelimit::PeerAddr;
use tokio::net::{TcpListener, TcpStream};
use tower::util::MapRequestLayer;
use tower::{Layer, Service};

pub async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// A bare hyper server with both HTTP versions, which tells the service who connects.
pub async fn hyper_server<S, B>(service: S) -> SocketAddr
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        loop {
            let (stream, peer) = listener.accept().await.unwrap();
            let with_peer = MapRequestLayer::new(move |mut request: Request<Incoming>| {
                request.extensions_mut().insert(PeerAddr(peer));
                request
            });
            let service = with_peer.layer(service.clone());
            let service = hyper_util::service::TowerToHyperService::new(service);
            tokio::spawn(async move {
                let server = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                // A client that goes away is no failure of the test.
                drop(server.serve_connection(TokioIo::new(stream), service).await);
            });
        }
    });
    address
}

pub async fn axum_server(app: axum::Router) -> SocketAddr {
    let (listener, address) = listen().await;
    let service = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
    address
}

/// What a client was told.
#[derive(Debug)]
pub struct Told {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

pub async fn told(response: Response<Incoming>) -> Told {
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let text = String::from_utf8(body.to_vec()).unwrap();
    Told { status: parts.status, headers: parts.headers, text }
}

pub type Http1 = hyper::client::conn::http1::SendRequest<Full<Bytes>>;

pub async fn http1(address: SocketAddr) -> Http1 {
    let io = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let (sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
    tokio::spawn(connection);
    sender
}

/// One request on a connection of its own.
pub async fn ask(address: SocketAddr, request: http::request::Builder) -> Told {
    let request = request.header("host", "localhost").body(Full::default()).unwrap();
    told(http1(address).await.send_request(request).await.unwrap()).await
}

pub async fn ask_path(address: SocketAddr, path: &str) -> Told {
    ask(address, Request::get(path)).await
}
