//! Services under the layer.

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use stonework_cors::{CorsLayer, CorsLayerBuilder};
use tower::ServiceBuilder;

use crate::sites::{Site, serve};

/// A service under this layer.
pub(crate) fn service(builder: CorsLayerBuilder) -> Site {
    serve(under(&builder.build().unwrap()))
}

/// A service whose layers say no in several ways.
pub(crate) fn under(cors: &CorsLayer) -> Router {
    let stack = ServiceBuilder::new()
        .layer(from_fn(catch_panics))
        .layer(from_fn(limit))
        .layer(DefaultBodyLimit::max(16));
    let routes = Router::new()
        .route("/hello", any(hello))
        .route("/login", post(login))
        .route("/who", get(who))
        .route("/large", post(|_: String| async { "small" }))
        .route("/panic", get(panics))
        .route("/limited", get(hello))
        .route("/events", get(events))
        .route("/grpc", post(grpc))
        .layer(stack);
    cors.around(routes)
}

async fn hello(headers: HeaderMap) -> impl IntoResponse {
    let said = [("x-seen", "1"), ("x-hidden", "2"), ("content-type", "text/plain")];
    (said, headers.get("x-a").map_or("hello".to_owned(), |a| format!("{a:?}")))
}

async fn login() -> impl IntoResponse {
    [(header::SET_COOKIE, "user=alice; SameSite=Lax; Path=/")]
}

async fn who(headers: HeaderMap) -> String {
    headers.get(header::COOKIE).map_or("nobody".to_owned(), |c| c.to_str().unwrap().to_owned())
}

async fn panics() {
    // Not `panic!`, which would fill the output of a test that passes.
    std::panic::resume_unwind(Box::new("as it was told to"));
}

async fn catch_panics(request: Request, next: Next) -> Response {
    let run = tokio::spawn(next.run(request));
    run.await.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

async fn limit(request: Request, next: Next) -> Response {
    if request.uri().path() == "/limited" {
        return (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "7")]).into_response();
    }
    next.run(request).await
}

async fn events(headers: HeaderMap) -> impl IntoResponse {
    let last = headers.get("last-event-id").map_or("none", |id| id.to_str().unwrap());
    ([(header::CONTENT_TYPE, "text/event-stream")], format!("id: 7\ndata: after {last}\n\n"))
}

/// A call of gRPC-web that fails before its first message: its status is in the headers.
async fn grpc(headers: HeaderMap) -> Response {
    let mut response = Response::default();
    let answer = response.headers_mut();
    let of = headers[header::CONTENT_TYPE].clone();
    answer.insert(header::CONTENT_TYPE, of);
    answer.insert("grpc-status", HeaderValue::from_static("5"));
    answer.insert("grpc-message", HeaderValue::from_static("no%20such%20thing"));
    response
}
