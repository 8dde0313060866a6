//! The layer in a bare hyper server, in an axum router and in a tonic server, over real sockets.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

mod support;

use std::convert::Infallible;
use std::future::ready;

use axum::Router;
use axum::routing::{get, put};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use support::call::{APP, EVIL, all, told, usual};
use support::sockets::{ask, ask_http2, axum_server, hyper_server, listen};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tower::{Layer, ServiceBuilder, service_fn};

fn preflight(uri: &str, origin: &str) -> http::request::Builder {
    Request::options(uri).header("origin", origin).header("access-control-request-method", "PUT")
}

async fn hello(_: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new(Full::from("hello")))
}

#[tokio::test]
async fn a_bare_hyper_server_speaks_both_versions() {
    let address = hyper_server(usual().build().unwrap().layer(service_fn(hello))).await;
    let uri = format!("http://{address}/");
    for (path, version) in [("/", 1), (&*uri, 2)] {
        let of = async |request| match version {
            1 => ask(address, request).await,
            _ => ask_http2(address, request).await,
        };
        let allowed = of(preflight(path, APP)).await;
        assert_eq!(allowed.status(), StatusCode::NO_CONTENT);
        assert_eq!(all(allowed.headers(), "content-length"), "", "a 204 has none");
        assert_eq!(all(allowed.headers(), "access-control-allow-methods"), "PUT,DELETE");
        let denied = of(preflight(path, EVIL)).await;
        assert_eq!(denied.status(), StatusCode::FORBIDDEN);
        assert_eq!(told(denied.headers()), [""; 0]);
        let read = of(Request::get(path).header("origin", APP)).await;
        assert_eq!(all(read.headers(), "access-control-allow-origin"), APP);
        assert_eq!(read.into_body().collect().await.unwrap().to_bytes(), "hello");
        let head = of(Request::head(path).header("origin", APP)).await;
        assert_eq!(all(head.headers(), "content-length"), "5", "as a GET would have");
        assert_eq!(all(head.headers(), "access-control-allow-origin"), APP);
    }
}

#[tokio::test]
async fn an_upgrade_passes() {
    let echo = service_fn(|mut request: Request<Incoming>| {
        tokio::spawn(async move {
            let upgraded = hyper::upgrade::on(&mut request).await.unwrap();
            let mut io = TokioIo::new(upgraded);
            let mut bytes = [0; 4];
            io.read_exact(&mut bytes).await.unwrap();
            io.write_all(&bytes).await.unwrap();
        });
        let mut response = Response::new(Full::<Bytes>::default());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        response.headers_mut().insert("upgrade", http::HeaderValue::from_static("echo"));
        response.headers_mut().insert("connection", http::HeaderValue::from_static("upgrade"));
        ready(Ok::<_, Infallible>(response))
    });
    let address = hyper_server(usual().reject_actual(true).build().unwrap().layer(echo)).await;
    let upgrade = |origin| {
        Request::get("/")
            .header("origin", origin)
            .header("upgrade", "echo")
            .header("connection", "upgrade")
    };
    let response = ask(address, upgrade(APP)).await;
    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    let mut io = TokioIo::new(hyper::upgrade::on(response).await.unwrap());
    io.write_all(b"ping").await.unwrap();
    let mut bytes = [0; 4];
    io.read_exact(&mut bytes).await.unwrap();
    assert_eq!(&bytes, b"ping");
    assert_eq!(ask(address, upgrade(EVIL)).await.status(), StatusCode::FORBIDDEN);
}

fn router() -> Router {
    Router::new()
        .route("/orders", get(async || "orders"))
        .route("/orders/{id}", put(async || "stored"))
}

/// A router by itself: what was routed later, or is routed nowhere, is not under the layer.
#[cfg(feature = "axum-0-8")]
#[tokio::test]
async fn around_a_router_no_path_and_no_method_is_left_out() {
    let cors = usual().build().unwrap();
    let around = axum_server(cors.around(router())).await;
    for path in ["/orders", "/orders/7", "/nowhere", "/"] {
        assert_eq!(
            ask(around, preflight(path, APP)).await.status(),
            StatusCode::NO_CONTENT,
            "{path}"
        );
    }
    for (method, path, status) in [
        (Method::GET, "/orders", 200),
        (Method::PUT, "/orders/7", 200),
        (Method::DELETE, "/orders/7", 405),
        (Method::GET, "/nowhere", 404),
    ] {
        let request = Request::builder().method(method).uri(path).header("origin", APP);
        let response = ask(around, request).await;
        assert_eq!(response.status(), status, "{path}");
        assert_eq!(all(response.headers(), "access-control-allow-origin"), APP, "{path}");
    }
    let later = router().layer(ServiceBuilder::new().layer(cors)).route("/later", get(async || ""));
    let address = axum_server(later).await;
    assert_eq!(ask(address, preflight("/orders", APP)).await.status(), StatusCode::NO_CONTENT);
    let missed = ask(address, preflight("/later", APP)).await;
    assert_eq!(missed.status(), StatusCode::METHOD_NOT_ALLOWED, "which `around` does not do");
}

#[tokio::test]
async fn a_router_answers_other_options_itself() {
    let options = get(async || "").options(async || "ours");
    let app = Router::new()
        .route("/", options)
        .layer(ServiceBuilder::new().layer(usual().build().unwrap()));
    let address = axum_server(app).await;
    let response = ask(address, Request::options("/").header("origin", APP)).await;
    assert_eq!(all(response.headers(), "access-control-allow-origin"), APP);
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "ours");
}

/// What a generated server would be: every method fails with `NOT_FOUND`.
#[derive(Clone)]
struct Nothing;

impl tonic::server::NamedService for Nothing {
    const NAME: &'static str = "test.Nothing";
}

impl tower::Service<Request<tonic::body::Body>> for Nothing {
    type Response = Response<tonic::body::Body>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(
        &mut self,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), Infallible>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<tonic::body::Body>) -> Self::Future {
        ready(Ok(tonic::Status::not_found("no such thing").into_http()))
    }
}

#[tokio::test]
async fn a_tonic_server_is_layered_and_its_statuses_pass() {
    let cors = usual()
        .include(stonework_cors::bundle::GRPC_WEB_REQUEST_HEADERS)
        .expose(stonework_cors::bundle::GRPC_WEB_RESPONSE_HEADERS)
        .reject_actual(true);
    let (listener, address) = listen().await;
    let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
    let mut server =
        tonic::transport::Server::builder().accept_http1(true).layer(cors.build().unwrap());
    tokio::spawn(server.add_service(Nothing).serve_with_incoming(incoming));
    let uri = format!("http://{address}/test.Nothing/Get");
    let call = |origin| {
        Request::post(&uri).header("origin", origin).header("content-type", "application/grpc")
    };
    let found = ask_http2(address, call(APP)).await;
    assert_eq!(all(found.headers(), "grpc-status"), "5");
    assert_eq!(all(found.headers(), "access-control-allow-origin"), APP);
    let exposed = all(found.headers(), "access-control-expose-headers");
    assert!(exposed.contains("grpc-status"), "{exposed}");
    let refused = ask_http2(address, call(EVIL)).await;
    assert_eq!(refused.status(), StatusCode::OK, "a status of gRPC's own");
    assert_eq!(all(refused.headers(), "grpc-status"), "7", "PERMISSION_DENIED");
    let asked = preflight("/test.Nothing/Get", APP);
    let asked = asked.header("access-control-request-headers", "content-type,x-grpc-web");
    assert_eq!(ask(address, asked).await.status(), StatusCode::NO_CONTENT);
}
