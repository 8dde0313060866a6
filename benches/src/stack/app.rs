use axum::Router;
use axum::body::Body;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Request, StatusCode};
use stonework_sse::{Drain, SseLayer};

use crate::pagination;

const TRANSFER: &str = r#"{"id":"01a21f33-c397-7195-b7d6-94b09c3dae42","to":"bob","amount":{"value":100,"currency":"USD"},"balance":900}"#;

/// What a small service answers, without a database.
pub(super) fn bare() -> Router {
    Router::new()
        .route("/transfers", get(list).post(pay))
        .route("/transfers/{id}", get(one))
        .route("/events", get(one))
}

/// The same, with the layers that have their places at routes.
pub(super) fn layered() -> Router {
    Router::new()
        .route("/transfers", post(pay).merge(get(list).layer(pagination::layer())))
        .route("/transfers/{id}", get(one))
        .route("/events", get(one).layer(events()))
}

fn events() -> SseLayer {
    SseLayer::builder().drain(&Drain::new()).build().expect("the configuration is valid")
}

async fn one() -> impl IntoResponse {
    json(StatusCode::OK)
}

async fn list(request: Request<Body>) -> impl IntoResponse {
    pagination::listed(&request)
}

async fn pay(order: Bytes) -> impl IntoResponse {
    json(if order.is_empty() { StatusCode::BAD_REQUEST } else { StatusCode::CREATED })
}

fn json(status: StatusCode) -> impl IntoResponse {
    (status, [(CONTENT_TYPE, "application/json")], TRANSFER)
}
