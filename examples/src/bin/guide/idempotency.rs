//! Step 2: a retry charges nobody twice.

use axum::Router;
use axum::middleware::{from_fn, map_request};
use stonework_idempotency::IdempotencyLayer;
use tower::ServiceBuilder;

use crate::Error;
use crate::account::{account, identify, require};
use crate::bare::routes;
use crate::charges::Charges;

pub(crate) fn idempotency() -> Result<IdempotencyLayer, Error> {
    Ok(IdempotencyLayer::builder().scope(account).build()?)
}

pub(crate) async fn app() -> Result<Router, Error> {
    let layers = ServiceBuilder::new()
        .layer(map_request(identify))
        .layer(from_fn(require))
        .layer(idempotency()?);
    Ok(routes(Charges::open().await?).layer(layers))
}
