//! Step 8: what others tell is believed only with their signature, and handled once.

use axum::Router;
use axum::http::StatusCode;
use axum::routing::post;
use stonework_sse::SseLayer;
use stonework_webhook_sign::store::MemoryStore;
use stonework_webhook_sign::{Sender, Verified, VerifyLayer, scheme};

use crate::Error;
use crate::ending::{Ending, Service};
use crate::telling::{app, routes};
use crate::versions::layered;

pub(crate) async fn settled(verified: Verified, body: String) -> StatusCode {
    println!("{} {body}", verified.id().unwrap_or_default());
    StatusCode::NO_CONTENT
}

/// The bank has no token and knows no version.
fn from_bank() -> Result<Router, Error> {
    let secret = std::env::var("BANK_SECRET").map_err(|_| "set BANK_SECRET")?;
    let verify = VerifyLayer::builder()
        .sender(Sender::new(scheme::STANDARD).secret(secret))
        .store(MemoryStore::new())
        .build()?;
    Ok(Router::new().route("/webhooks/bank", post(settled).layer(verify)))
}

pub(crate) async fn service() -> Result<Service, Error> {
    let app = app().await?;
    let workers = app.delivery.start();
    let api = layered(routes(app, SseLayer::builder().build()?)?)?;
    let router = from_bank()?.fallback_service(api);
    Ok(Service { router, ending: Ending { workers: Some(workers), ..Ending::default() } })
}
