use axum::Router;
use axum::body::Body;
use axum::response::IntoResponse;
use axum::routing::get;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Request, StatusCode};

use crate::pagination::listed;

const TRANSFER: &str = r#"{"id":"01a21f33-c397-7195-b7d6-94b09c3dae42","to":"bob","amount":{"value":100,"currency":"USD"},"balance":900}"#;

/// What a small service answers, without a database.
pub(super) fn router() -> Router {
    Router::new()
        .route("/transfers", get(list).post(pay))
        .route("/transfers/{id}", get(async || json(StatusCode::OK)))
}

async fn list(request: Request<Body>) -> impl IntoResponse {
    listed(&request)
}

async fn pay(order: Bytes) -> impl IntoResponse {
    json(if order.is_empty() { StatusCode::BAD_REQUEST } else { StatusCode::CREATED })
}

fn json(status: StatusCode) -> impl IntoResponse {
    (status, [(CONTENT_TYPE, "application/json")], TRANSFER)
}
