//! What the service does. Nothing here knows of idempotency keys or limits.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use stonework_pagination::PageLayer;
use stonework_sse::{Hub, SseLayer};
use stonework_webhook_delivery::egress::EgressGuard;
use tokio::sync::Notify;

use crate::problem::Refusal;
use crate::secret::SecretKey;
use crate::store::JobStore;
use crate::{events, pages, status, submit, webhooks};

/// The largest body of JSON, in bytes.
const LARGEST_JSON: usize = 4 * 1024;

#[derive(Clone)]
pub(crate) struct App {
    pub(crate) jobs: Arc<dyn JobStore>,
    pub(crate) hub: Hub,
    pub(crate) guard: EgressGuard,
    pub(crate) secret: SecretKey,
    /// Wakes a worker of this process.
    pub(crate) wake: Arc<Notify>,
    pub(crate) demo: bool,
}

pub(crate) fn router(app: App, pages: PageLayer, streams: SseLayer) -> Router {
    let list = get(pages::list).layer(pages);
    let endpoints = get(webhooks::endpoints).post(webhooks::register);
    Router::new()
        .route("/images", post(submit::submit).merge(list))
        .route("/images/{id}", get(status::find).delete(status::cancel))
        .route("/images/{id}/result", get(status::result))
        .route("/images/{id}/events", get(events::stream).layer(streams))
        .route("/webhook-endpoints", endpoints.layer(DefaultBodyLimit::max(LARGEST_JSON)))
        .fallback(async || Refusal::UnknownRoute)
        .method_not_allowed_fallback(async || Refusal::WrongMethod)
        .with_state(app)
}
