//! The layer in a bare hyper server, in an axum router and in a tonic server, over real sockets.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.
#![cfg(all(feature = "memory", feature = "axum-0-8"))]

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use stonework_core::StoneBody;
use stonework_idempotency::{Idempotency, IdempotencyLayer};
use tokio::net::{TcpListener, TcpStream};
use tower::{Layer, ServiceBuilder, service_fn};

fn layer() -> IdempotencyLayer {
    IdempotencyLayer::builder().single_tenant().build().unwrap()
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

fn request(path: &str, key: &str) -> Request<Full<Bytes>> {
    Request::post(path)
        .header("host", "localhost")
        .header("idempotency-key", key)
        .body(Full::from("{}"))
        .unwrap()
}

/// One request on a connection of its own: status, is it a replay, body.
async fn http1(address: SocketAddr, request: Request<Full<Bytes>>) -> (StatusCode, bool, String) {
    let io = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
    tokio::spawn(connection);
    told(sender.send_request(request).await.unwrap()).await
}

async fn told(response: Response<Incoming>) -> (StatusCode, bool, String) {
    let replayed = response.headers().contains_key("idempotent-replayed");
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, replayed, String::from_utf8(body.to_vec()).unwrap())
}

/// A bare hyper server with both HTTP versions.
async fn hyper_server(runs: Arc<AtomicUsize>) -> SocketAddr {
    let (listener, address) = listen().await;
    let inner = service_fn(move |request: Request<StoneBody<Incoming>>| {
        let run = runs.fetch_add(1, Ordering::SeqCst) + 1;
        async move {
            let body = request.into_body().collect().await.unwrap().to_bytes();
            let answer = format!("run {run} of {}", String::from_utf8_lossy(&body));
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(answer)))
        }
    });
    let service = layer().layer(inner);
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
    address
}

#[tokio::test]
async fn a_bare_hyper_server() {
    let address = hyper_server(Arc::default()).await;
    let first = http1(address, request("/", "k")).await;
    assert_eq!(first, (StatusCode::OK, false, "run 1 of {}".to_owned()));
    let retry = http1(address, request("/", "k")).await;
    assert_eq!(retry, (StatusCode::OK, true, "run 1 of {}".to_owned()));
}

#[tokio::test]
async fn http2_on_one_connection() {
    let address = hyper_server(Arc::default()).await;
    let io = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let executor = TokioExecutor::new();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(executor, io).await.unwrap();
    tokio::spawn(connection);
    for replayed in [false, true] {
        let uri = format!("http://{address}/");
        let answer = told(sender.send_request(request(&uri, "k")).await.unwrap()).await;
        assert_eq!(answer, (StatusCode::OK, replayed, "run 1 of {}".to_owned()));
    }
}

#[tokio::test]
async fn a_post_that_offers_an_upgrade_is_protected() {
    // Some clients (Java's) offer h2c on their first POST; that must not cost it its protection.
    let address = hyper_server(Arc::default()).await;
    for replayed in [false, true] {
        let mut offer = request("/", "k");
        offer.headers_mut().insert("connection", "upgrade".parse().unwrap());
        offer.headers_mut().insert("upgrade", "h2c".parse().unwrap());
        assert_eq!(http1(address, offer).await.1, replayed);
    }
}

#[tokio::test]
async fn an_axum_router_with_nested_routes() {
    use axum::Router;
    use axum::routing::post;

    let runs = Arc::new(AtomicUsize::new(0));
    let handler = {
        let runs = Arc::clone(&runs);
        move |idempotency: Option<Idempotency>, body: String| async move {
            let run = runs.fetch_add(1, Ordering::SeqCst) + 1;
            let attempt = idempotency.map(|idempotency| idempotency.attempt());
            (StatusCode::CREATED, format!("run {run}, attempt {attempt:?} of {body}"))
        }
    };
    // Inside a nested router the prefix is stripped: the fingerprint must see it all the same.
    let pay = Router::new()
        .route("/pay", post(handler.clone()))
        .layer(ServiceBuilder::new().layer(layer()));
    let strict = Router::new().route(
        "/strict",
        post(|idempotency: Idempotency| async move { idempotency.derive("charge") }),
    );
    let app = Router::new().nest("/a", pay.clone()).nest("/b", pay).merge(strict);
    let (listener, address) = listen().await;
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });

    let first = http1(address, request("/a/pay", "k")).await;
    let expected = "run 1, attempt Some(1) of {}".to_owned();
    assert_eq!(first, (StatusCode::CREATED, false, expected.clone()));
    assert_eq!(http1(address, request("/a/pay", "k")).await, (StatusCode::CREATED, true, expected));
    let elsewhere = http1(address, request("/b/pay", "k")).await;
    assert_eq!(elsewhere.0, StatusCode::UNPROCESSABLE_ENTITY, "{}", elsewhere.2);
    let mut bare = request("/a/pay", "k");
    bare.headers_mut().remove("idempotency-key");
    assert_eq!(http1(address, bare).await.2, "run 2, attempt None of {}");
    let unprotected = http1(address, request("/strict", "k")).await;
    assert_eq!(unprotected.0, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(unprotected.2.contains("not-protected"), "{}", unprotected.2);
}

mod grpc {
    use super::*;
    use std::pin::Pin;
    use std::task::{Context, Poll};
    use tonic::body::Body;
    use tonic::codegen::http::uri::PathAndQuery;
    use tonic::metadata::MetadataValue;
    use tonic::server::NamedService;
    use tonic::{Code, Status};
    use tonic_prost::ProstCodec;

    #[derive(Clone, PartialEq, prost::Message)]
    struct Amount {
        #[prost(uint64, tag = "1")]
        cents: u64,
    }

    /// What a generated server would be: `Charge` is unary, and panics for 13 cents; `Watch`
    /// streams.
    #[derive(Clone)]
    struct Payments {
        runs: Arc<AtomicUsize>,
        release: Arc<tokio::sync::Semaphore>,
    }

    impl NamedService for Payments {
        const NAME: &'static str = "pay.Payments";
    }

    #[derive(Clone)]
    struct Charge(Payments);

    impl tonic::server::UnaryService<Amount> for Charge {
        type Response = Amount;
        type Future = Pin<Box<dyn Future<Output = Result<tonic::Response<Amount>, Status>> + Send>>;

        fn call(&mut self, request: tonic::Request<Amount>) -> Self::Future {
            let this = self.0.clone();
            Box::pin(async move {
                let run = this.runs.fetch_add(1, Ordering::SeqCst) + 1;
                assert!(request.get_ref().cents != 13, "an unlucky amount");
                if request.get_ref().cents == 404 {
                    return Err(Status::not_found("no such account"));
                }
                if request.get_ref().cents == 7 {
                    this.release.acquire().await.unwrap().forget();
                }
                let attempt = request.extensions().get::<Idempotency>().map(Idempotency::attempt);
                let mut response = tonic::Response::new(Amount { cents: run as u64 });
                let attempt = attempt.unwrap_or_default().to_string();
                response.metadata_mut().insert("attempt", attempt.parse().unwrap());
                Ok(response)
            })
        }
    }

    #[derive(Clone)]
    struct Watch(Payments);

    impl tonic::server::ServerStreamingService<Amount> for Watch {
        type Response = Amount;
        type ResponseStream = tokio_stream::Iter<std::vec::IntoIter<Result<Amount, Status>>>;
        type Future = std::future::Ready<Result<tonic::Response<Self::ResponseStream>, Status>>;

        fn call(&mut self, _: tonic::Request<Amount>) -> Self::Future {
            let run = self.0.runs.fetch_add(1, Ordering::SeqCst) as u64 + 1;
            let amounts = vec![Ok(Amount { cents: run }), Ok(Amount { cents: run })];
            std::future::ready(Ok(tonic::Response::new(tokio_stream::iter(amounts))))
        }
    }

    impl<B> tower::Service<Request<B>> for Payments
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>> + Send,
    {
        type Response = Response<Body>;
        type Error = Infallible;
        type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, request: Request<B>) -> Self::Future {
            let this = self.clone();
            Box::pin(async move {
                let codec = ProstCodec::<Amount, Amount>::default();
                let mut server = tonic::server::Grpc::new(codec);
                Ok(if request.uri().path() == "/pay.Payments/Watch" {
                    server.server_streaming(Watch(this), request).await
                } else {
                    server.unary(Charge(this), request).await
                })
            })
        }
    }

    struct Server {
        runs: Arc<AtomicUsize>,
        release: Arc<tokio::sync::Semaphore>,
        client: tonic::client::Grpc<tonic::transport::Channel>,
    }

    async fn server() -> Server {
        let (listener, address) = listen().await;
        let payments =
            Payments { runs: Arc::default(), release: Arc::new(tokio::sync::Semaphore::new(0)) };
        let (runs, release) = (Arc::clone(&payments.runs), Arc::clone(&payments.release));
        let layer = IdempotencyLayer::builder()
            .single_tenant()
            .required(true)
            .grpc_unary(["/pay.Payments/Charge"])
            .build()
            .unwrap();
        let server = tonic::transport::Server::builder().layer(layer).add_service(payments);
        let incoming = tonic::transport::server::TcpIncoming::from(listener);
        tokio::spawn(async move { server.serve_with_incoming(incoming).await.unwrap() });
        let endpoint = tonic::transport::Endpoint::new(format!("http://{address}")).unwrap();
        let client = tonic::client::Grpc::new(endpoint.connect().await.unwrap());
        Server { runs, release, client }
    }

    impl Server {
        async fn charge(
            &self,
            key: Option<&str>,
            cents: u64,
        ) -> Result<tonic::Response<Amount>, Status> {
            let mut request = tonic::Request::new(Amount { cents });
            if let Some(key) = key {
                let key = MetadataValue::try_from(key).unwrap();
                request.metadata_mut().insert("idempotency-key", key);
            }
            let mut client = self.client.clone();
            client.ready().await.unwrap();
            let path = PathAndQuery::from_static("/pay.Payments/Charge");
            client.unary(request, path, ProstCodec::default()).await
        }
    }

    fn pushback(status: &Status) -> Option<&str> {
        status.metadata().get("grpc-retry-pushback-ms").map(|value| value.to_str().unwrap())
    }

    #[tokio::test]
    async fn a_unary_call_is_replayed_with_its_trailers() {
        let server = server().await;
        for replayed in [false, true] {
            let response = server.charge(Some("k"), 100).await.unwrap();
            assert_eq!(response.get_ref().cents, 1);
            assert_eq!(response.metadata().get("attempt").unwrap(), "1");
            assert_eq!(response.metadata().contains_key("idempotent-replayed"), replayed);
            // tonic takes the status from the trailers; without them the call would fail.
            assert_eq!(response.metadata().get("grpc-status").unwrap(), "0");
        }
        assert_eq!(server.runs.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_status_of_the_handler_is_replayed() {
        let server = server().await;
        for _ in 0..2 {
            let status = server.charge(Some("k"), 404).await.unwrap_err();
            assert_eq!((status.code(), status.message()), (Code::NotFound, "no such account"));
        }
        assert_eq!(server.runs.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn rejections_are_grpc_statuses() {
        let server = server().await;
        let missing = server.charge(None, 1).await.unwrap_err();
        assert_eq!(missing.code(), Code::InvalidArgument);
        let malformed = server.charge(Some("a,b"), 1).await.unwrap_err();
        assert_eq!(malformed.code(), Code::InvalidArgument);
        server.charge(Some("k"), 1).await.unwrap();
        let mismatch = server.charge(Some("k"), 2).await.unwrap_err();
        assert_eq!(mismatch.code(), Code::FailedPrecondition);
        assert_eq!(pushback(&mismatch), None);

        let panicked = server.charge(Some("unlucky"), 13).await.unwrap_err();
        assert_eq!(panicked.code(), Code::Internal);
        let unknown = server.charge(Some("unlucky"), 13).await.unwrap_err();
        assert_eq!((unknown.code(), pushback(&unknown)), (Code::Unknown, Some("-1")));

        let running = server.charge(Some("slow"), 7);
        let probing = async {
            while server.runs.load(Ordering::SeqCst) < 3 {
                tokio::task::yield_now().await;
            }
            let in_flight = server.charge(Some("slow"), 7).await.unwrap_err();
            assert_eq!((in_flight.code(), pushback(&in_flight)), (Code::Aborted, Some("1000")));
            server.release.add_permits(1);
        };
        let (ran, ()) = tokio::join!(running, probing);
        assert_eq!(ran.unwrap().get_ref().cents, 3);
    }

    #[tokio::test]
    async fn streams_pass_even_with_a_key() {
        let server = server().await;
        for run in 1..=2 {
            let mut request = tonic::Request::new(Amount { cents: 1 });
            request.metadata_mut().insert("idempotency-key", MetadataValue::from_static("k"));
            let mut client = server.client.clone();
            client.ready().await.unwrap();
            let path = PathAndQuery::from_static("/pay.Payments/Watch");
            let codec = ProstCodec::<Amount, Amount>::default();
            let mut stream =
                client.server_streaming(request, path, codec).await.unwrap().into_inner();
            assert_eq!(stream.message().await.unwrap(), Some(Amount { cents: run }));
            assert_eq!(stream.message().await.unwrap(), Some(Amount { cents: run }));
            assert_eq!(stream.message().await.unwrap(), None);
        }
    }
}
