//! What only a real connection shows.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.
#![cfg(feature = "memory")]

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use stonework_core::StoneBody;
use stonework_idempotency::{IdempotencyLayer, Tracker};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tower::{Layer, service_fn};

type Body = UnsyncBoxBody<Bytes, Infallible>;

struct Server {
    address: SocketAddr,
    runs: Arc<AtomicUsize>,
    gate: Arc<Semaphore>,
    tracker: Tracker,
}

impl Server {
    fn runs(&self) -> usize {
        self.runs.load(Ordering::SeqCst)
    }

    async fn until_runs(&self, runs: usize) {
        while self.runs() < runs {
            tokio::task::yield_now().await;
        }
    }
}

fn trailed() -> Body {
    let mut trailers = HeaderMap::new();
    trailers.insert("x-sum", HeaderValue::from_static("9"));
    // Frames of unknown length, as a stream of data has them.
    let frames = tokio_stream::iter([Ok::<_, Infallible>(http_body::Frame::data(
        Bytes::from_static(b"data"),
    ))]);
    let data = http_body_util::StreamBody::new(frames);
    data.with_trailers(async move { Some(Ok(trailers)) }).boxed_unsync()
}

/// A bare hyper server, HTTP/1 and HTTP/2, whose paths say what the handler does.
async fn serve() -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (runs, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
    let layer = IdempotencyLayer::builder().single_tenant().build().unwrap();
    let tracker = layer.tracker();
    let inner = service_fn({
        let (runs, gate) = (Arc::clone(&runs), Arc::clone(&gate));
        move |request: Request<StoneBody<Incoming>>| {
            let (runs, gate) = (Arc::clone(&runs), Arc::clone(&gate));
            async move {
                let path = request.uri().path().to_owned();
                let body = request.into_body().collect().await.unwrap().to_bytes();
                let run = runs.fetch_add(1, Ordering::SeqCst) + 1;
                let full = |text: String| Full::from(text).boxed_unsync();
                Ok::<_, Infallible>(match path.as_str() {
                    "/slow" => {
                        gate.acquire().await.unwrap().forget();
                        Response::new(full(format!("run {run}")))
                    }
                    "/panic" => panic!("a panic that the test wants"),
                    "/empty" => Response::builder().status(204).body(full(String::new())).unwrap(),
                    "/trailers" => {
                        Response::builder().header("trailer", "x-sum").body(trailed()).unwrap()
                    }
                    _ => Response::new(full(format!("run {run} of {} bytes", body.len()))),
                })
            }
        }
    });
    let service = layer.layer(inner);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let service = hyper_util::service::TowerToHyperService::new(service.clone());
            tokio::spawn(async move {
                let server = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                // A client that goes away is no failure of the test.
                drop(server.serve_connection(TokioIo::new(stream), service).await);
            });
        }
    });
    Server { address, runs, gate, tracker }
}

fn request(path: &str) -> Request<Full<Bytes>> {
    Request::post(path)
        .header("host", "localhost")
        .header("idempotency-key", "k")
        .body(Full::from("{}"))
        .unwrap()
}

type Http1 = hyper::client::conn::http1::SendRequest<Full<Bytes>>;

async fn http1(server: &Server) -> Http1 {
    let io = TokioIo::new(TcpStream::connect(server.address).await.unwrap());
    let (sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
    tokio::spawn(connection);
    sender
}

type Http2 = hyper::client::conn::http2::SendRequest<Full<Bytes>>;

async fn http2(server: &Server) -> Http2 {
    let io = TokioIo::new(TcpStream::connect(server.address).await.unwrap());
    let executor = TokioExecutor::new();
    let (sender, connection) = hyper::client::conn::http2::handshake(executor, io).await.unwrap();
    tokio::spawn(connection);
    sender
}

async fn text(response: Response<Incoming>) -> (bool, String) {
    let replayed = response.headers().contains_key("idempotent-replayed");
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (replayed, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn a_stream_that_is_reset_cancels_nothing() {
    let server = serve().await;
    let mut sender = http2(&server).await;
    let uri = format!("http://{}/slow", server.address);
    let lost = tokio::spawn(sender.send_request(request(&uri)));
    server.until_runs(1).await;
    // Dropping the future resets its stream; the connection stays.
    lost.abort();
    let alive = sender.send_request(request(&format!("http://{}/other", server.address))).await;
    assert_eq!(alive.unwrap().status(), StatusCode::UNPROCESSABLE_ENTITY);
    server.gate.add_permits(1);
    server.tracker.drained().await;
    let retry = sender.send_request(request(&uri)).await.unwrap();
    assert_eq!(text(retry).await, (true, "run 1".to_owned()));
    assert_eq!(server.runs(), 1);
}

#[tokio::test]
async fn a_connection_that_is_cut_cancels_nothing() {
    let server = serve().await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head =
        "POST /slow HTTP/1.1\r\nhost: x\r\nidempotency-key: k\r\ncontent-length: 2\r\n\r\n{}";
    stream.write_all(head.as_bytes()).await.unwrap();
    server.until_runs(1).await;
    drop(stream);
    server.gate.add_permits(1);
    server.tracker.drained().await;
    let retry = http1(&server).await.send_request(request("/slow")).await.unwrap();
    assert_eq!(text(retry).await, (true, "run 1".to_owned()));
}

#[tokio::test]
async fn half_a_request_uses_no_key() {
    let server = serve().await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let half = "POST / HTTP/1.1\r\nhost: x\r\nidempotency-key: k\r\ncontent-length: 2\r\n\r\n{";
    stream.write_all(half.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    // The server sees the end, answers or not, and closes.
    drop(stream.read_to_end(&mut Vec::new()).await);
    let retry = http1(&server).await.send_request(request("/")).await.unwrap();
    assert_eq!(text(retry).await, (false, "run 1 of 2 bytes".to_owned()));
}

#[tokio::test]
async fn a_panic_is_an_answer_and_does_not_close_the_connection() {
    let server = serve().await;
    let mut sender = http1(&server).await;
    let response = sender.send_request(request("/panic")).await.unwrap();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    drop(text(response).await);
    sender.ready().await.expect("the connection is still open");
    let retry = sender.send_request(request("/panic")).await.unwrap();
    assert_eq!(retry.status(), StatusCode::CONFLICT);
    assert!(text(retry).await.1.contains("outcome-unknown"));
    assert_eq!(server.runs(), 1);
}

#[tokio::test]
async fn a_replay_without_content_has_no_length() {
    let server = serve().await;
    let mut sender = http1(&server).await;
    for replayed in [false, true] {
        let response = sender.send_request(request("/empty")).await.unwrap();
        assert_eq!(response.status(), StatusCode::NO_CONTENT);
        assert!(!response.headers().contains_key("content-length"));
        assert!(!response.headers().contains_key("transfer-encoding"));
        assert_eq!(text(response).await, (replayed, String::new()));
    }
}

#[tokio::test]
async fn a_client_that_waits_for_100_continue_is_told_to_go_on() {
    let server = serve().await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = "POST / HTTP/1.1\r\nhost: x\r\nidempotency-key: k\r\nexpect: 100-continue\r\n\
                connection: close\r\ncontent-length: 2\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut interim = [0; 25];
    stream.read_exact(&mut interim).await.unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"{}").await.unwrap();
    let mut rest = String::new();
    stream.read_to_string(&mut rest).await.unwrap();
    assert!(rest.starts_with("HTTP/1.1 200 OK"), "{rest}");
    assert!(rest.ends_with("run 1 of 2 bytes"), "{rest}");
}

#[tokio::test]
async fn a_refusal_reaches_a_client_that_is_still_sending() {
    let server = serve().await;
    let mut refused = request("/");
    refused.headers_mut().insert("idempotency-key", HeaderValue::from_static("a, b"));
    *refused.body_mut() = Full::from(vec![b'x'; 60_000]);
    let response = http1(&server).await.send_request(refused).await.unwrap();
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    assert_eq!(server.runs(), 0);
}

async fn trailers(response: Response<Incoming>) -> (bool, Option<HeaderMap>) {
    let replayed = response.headers().contains_key("idempotent-replayed");
    let collected = response.into_body().collect().await.unwrap();
    (replayed, collected.trailers().cloned())
}

#[tokio::test]
async fn trailers_are_sent_and_replayed_over_http2() {
    let server = serve().await;
    let mut sender = http2(&server).await;
    let uri = format!("http://{}/trailers", server.address);
    for replayed in [false, true] {
        let told = trailers(sender.send_request(request(&uri)).await.unwrap()).await;
        assert_eq!((told.0, told.1.unwrap()["x-sum"].as_bytes()), (replayed, &b"9"[..]));
    }
}

#[tokio::test]
async fn trailers_are_sent_and_replayed_over_http1() {
    let server = serve().await;
    let accepting = || {
        let mut request = request("/trailers");
        request.headers_mut().insert("te", HeaderValue::from_static("trailers"));
        request
    };
    let mut keyless = accepting();
    keyless.headers_mut().remove("idempotency-key");
    let mut sender = http1(&server).await;
    let bare = trailers(sender.send_request(keyless).await.unwrap()).await;
    assert_eq!(bare.1.expect("without the layer they are sent")["x-sum"], "9");
    for replayed in [false, true] {
        let told = trailers(sender.send_request(accepting()).await.unwrap()).await;
        assert_eq!(told.0, replayed);
        assert_eq!(told.1.expect("with it too")["x-sum"], "9");
    }
}
