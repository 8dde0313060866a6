//! The layers in a bare hyper server, in an axum router and in a tonic server, over real sockets.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "../../cors/tests/support/sockets.rs"]
mod sockets;

use std::convert::Infallible;
use std::future::ready;

use axum::extract::{OriginalUri, Path};
use axum::response::Redirect;
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use sockets::{ask, ask_http2, axum_server, hyper_server, listen};
use stonework_versioning::{
    ApiVersion, GrpcPackage, Header, Major, PathSegment, VersionLayer, VersionLayerBuilder,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tower::{Layer, ServiceBuilder, service_fn};

fn builder() -> VersionLayerBuilder<Major> {
    VersionLayer::builder::<Major>()
        .version("1", |v| v.deprecated_at("2026-01-01"))
        .version("2", |v| v)
        .read(PathSegment::first().strip(true))
        .read(Header::named("api-version"))
}

async fn text(response: Response<Incoming>) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn header<'r>(response: &'r Response<Incoming>, name: &str) -> &'r str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn a_bare_hyper_server_speaks_both_versions_of_http() {
    let echo = service_fn(|request: Request<Incoming>| {
        let version = request.extensions().get::<ApiVersion>().unwrap().resolved().to_owned();
        let mut trailers = HeaderMap::new();
        trailers.insert("x-sum", HeaderValue::from_static("9"));
        let body = Full::new(Bytes::from(format!("{version} {}", request.uri().path())))
            .with_trailers(ready(Some(Ok::<_, Infallible>(trailers))));
        ready(Ok::<_, Infallible>(Response::new(body)))
    });
    let address = hyper_server(builder().build().unwrap().layer(echo)).await;
    let uri = |path: &str| format!("http://{address}{path}");
    let found = ask(address, Request::get("/v1/orders?a=b")).await;
    assert_eq!(
        (header(&found, "api-version"), header(&found, "deprecation")),
        ("v1", "@1767225600")
    );
    assert_eq!(text(found).await, "v1 /orders");
    let found = ask_http2(address, Request::get(uri("/v2/orders"))).await;
    let collected = found.into_body().collect().await.unwrap();
    assert_eq!(collected.trailers().unwrap()["x-sum"], "9");
    assert_eq!(collected.to_bytes(), "v2 /orders");
    let head = ask(address, Request::head("/v2/orders")).await;
    assert_eq!((head.status(), header(&head, "api-version")), (StatusCode::OK, "v2"));
    let refused = ask_http2(address, Request::get(uri("/v9/orders"))).await;
    assert_eq!(refused.status(), StatusCode::NOT_FOUND);
    assert!(text(refused).await.contains("version-unsupported"));
}

#[tokio::test]
async fn an_upgrade_passes_both_layers() {
    let echo = service_fn(|mut request: Request<stonework_versioning::StoneBody<Incoming>>| {
        tokio::spawn(async move {
            let upgraded = hyper::upgrade::on(&mut request).await.unwrap();
            let mut io = TokioIo::new(upgraded);
            let mut bytes = [0; 4];
            io.read_exact(&mut bytes).await.unwrap();
            io.write_all(&bytes).await.unwrap();
        });
        let mut response = Response::new(Full::<Bytes>::default());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        response.headers_mut().insert("upgrade", HeaderValue::from_static("echo"));
        response.headers_mut().insert("connection", HeaderValue::from_static("upgrade"));
        ready(Ok::<_, Infallible>(response))
    });
    let versions = builder().build().unwrap();
    let migrations = versions
        .migrations()
        .gate("2", |g| g.describe("d").request(|b| b.remove("/a")).response(|b| b.remove("/a")))
        .build()
        .unwrap();
    let stack = ServiceBuilder::new().layer(versions).layer(migrations).service(echo);
    let address = hyper_server(stack).await;
    let upgrade =
        Request::get("/v1/socket").header("upgrade", "echo").header("connection", "upgrade");
    let response = ask(address, upgrade).await;
    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    let mut io = TokioIo::new(hyper::upgrade::on(response).await.unwrap());
    io.write_all(b"ping").await.unwrap();
    let mut bytes = [0; 4];
    io.read_exact(&mut bytes).await.unwrap();
    assert_eq!(&bytes, b"ping");
}

async fn created(
    version: ApiVersion,
    Json(order): Json<Value>,
) -> (StatusCode, HeaderMap, Json<Value>) {
    let location = version.path("/orders/7").parse().unwrap();
    let headers = HeaderMap::from_iter([(http::header::LOCATION, location)]);
    (StatusCode::CREATED, headers, Json(order))
}

fn router() -> Router {
    Router::new()
        .route("/orders", post(created))
        .route(
            "/orders/{id}",
            get(async |Path(id): Path<String>, OriginalUri(uri): OriginalUri| {
                format!("{id} of {uri}")
            }),
        )
        .route("/moved", get(async |version: ApiVersion| Redirect::to(&version.path("/orders/8"))))
}

/// The layers go around the whole router, since a path is changed before its route is looked for.
#[tokio::test]
async fn an_axum_router_is_written_once_for_all_versions() {
    let versions = builder().build().unwrap();
    let migrations = versions
        .migrations()
        .gate("2", |gate| {
            gate.describe("`amount` is an object of `value` and `currency`.")
                .at("/orders")
                .request(|body| body.move_to("/amount", "/amount/value"))
                .response(|body| body.move_to("/amount/value", "/amount"))
        })
        .build()
        .unwrap();
    let address = axum_server(versions.around(router().layer(migrations))).await;
    let found = ask(address, Request::get("/v1/orders/7?a=b")).await;
    assert_eq!(text(found).await, "7 of /v1/orders/7?a=b", "as it was sent");
    let moved = ask(address, Request::get("/v2/moved")).await;
    assert_eq!(header(&moved, "location"), "/v2/orders/8");
    let missing = ask(address, Request::get("/v1/nothing")).await;
    assert_eq!((missing.status(), header(&missing, "api-version")), (StatusCode::NOT_FOUND, "v1"));

    for (path, sent, answer) in [
        ("/v1/orders", json!({"amount": 5}), json!({"amount": 5})),
        ("/v2/orders", json!({"amount": {"value": 5}}), json!({"amount": {"value": 5}})),
    ] {
        let made = send(address, path, &sent).await;
        assert_eq!(made.status(), StatusCode::CREATED);
        assert_eq!(header(&made, "location"), format!("{}/7", path));
        let length = header(&made, "content-length").to_owned();
        let body = text(made).await;
        assert_eq!(
            (length, serde_json::from_str(&body).ok()),
            (body.len().to_string(), Some(answer))
        );
    }
}

async fn send(address: std::net::SocketAddr, path: &str, body: &Value) -> Response<Incoming> {
    let io = TokioIo::new(tokio::net::TcpStream::connect(address).await.unwrap());
    let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
    tokio::spawn(connection);
    let request = Request::post(path)
        .header("host", "localhost")
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(body.to_string())));
    sender.send_request(request.unwrap()).await.unwrap()
}

/// What a generated server would be: every method fails, and says in which version.
#[derive(Clone)]
struct Nothing;

impl tonic::server::NamedService for Nothing {
    const NAME: &'static str = "acme.v1.Nothing";
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

    fn call(&mut self, request: Request<tonic::body::Body>) -> Self::Future {
        let version = request.extensions().get::<ApiVersion>().unwrap();
        ready(Ok(tonic::Status::not_found(version.resolved()).into_http()))
    }
}

#[tokio::test]
async fn a_tonic_server_is_told_the_version_of_the_package_or_the_metadata() {
    let versions = VersionLayer::builder::<Major>()
        .version("1", |v| v)
        .version("2", |v| v)
        .read(GrpcPackage::last())
        .read(Header::named("api-version"));
    let (listener, address) = listen().await;
    let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
    let mut server = tonic::transport::Server::builder().layer(versions.build().unwrap());
    tokio::spawn(server.add_service(Nothing).serve_with_incoming(incoming));
    let call = |path: &str| {
        Request::post(format!("http://{address}{path}")).header("content-type", "application/grpc")
    };
    let found = ask_http2(address, call("/acme.v1.Nothing/Get")).await;
    assert_eq!((header(&found, "grpc-status"), header(&found, "grpc-message")), ("5", "v1"));
    let ambiguous =
        ask_http2(address, call("/acme.v1.Nothing/Get").header("api-version", "2")).await;
    assert_eq!((ambiguous.status(), header(&ambiguous, "grpc-status")), (StatusCode::OK, "3"));
    let unknown = ask_http2(address, call("/acme.v3.Nothing/Get")).await;
    assert_eq!(header(&unknown, "grpc-status"), "12", "UNIMPLEMENTED");
}
