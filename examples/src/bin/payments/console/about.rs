//! What the page has to know of the process.

use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use stonework_webhook_delivery::Secret;

use crate::config::Config;

#[derive(Clone, Copy, Serialize)]
struct About {
    /// Is what the layers know kept in Redis?
    redis: bool,
    /// Is the ledger a file?
    file: bool,
    /// May webhooks be sent to this machine?
    loopback: bool,
}

#[derive(Clone, Serialize)]
struct Signing {
    secret: String,
}

pub(super) fn router(config: &Config, secret: &Secret) -> Router {
    let about = About {
        redis: config.redis.is_some(),
        file: config.database.is_some(),
        loopback: config.webhook_loopback,
    };
    let signing = Signing { secret: secret.reveal().to_owned() };
    Router::new()
        .route("/console/about", get(async move || Json(about)))
        .route("/console/webhook-secret", get(async move || Json(signing)))
}
