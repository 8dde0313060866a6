//! Step 4: clients of last year are served in the shape of last year.

use axum::Router;
use axum::http::HeaderName;
use axum::middleware::{from_fn, map_request};
use stonework_idempotency::{IdempotencyLayer, IdempotencyLayerBuilder};
use stonework_ratelimit::RateLimitLayer;
use stonework_versioning::{Header, Major, MigrationLayer, PathSegment, VersionLayer};
use tower::ServiceBuilder;

use crate::Error;
use crate::account::{account, identify, require};
use crate::bare::routes;
use crate::charges::Charges;
use crate::ratelimit::policy;

const VERSION: HeaderName = HeaderName::from_static("api-version");

pub(crate) fn versions() -> Result<VersionLayer, Error> {
    let versions = VersionLayer::builder::<Major>()
        .version("1", |v| v.deprecated_at("2026-09-01").sunset_at("2036-09-01").successor("/v2"))
        .version("2", |v| v)
        .read(PathSegment::first().strip(true)) // `/v1/charges` is `/charges` from here on
        .read(Header::named(VERSION.as_str()))
        .unspecified("1");
    Ok(versions.build()?)
}

/// Until the second version, an amount was a number of dollars.
pub(crate) fn migrations(versions: &VersionLayer) -> Result<MigrationLayer, Error> {
    let migrations = versions.migrations().gate("2", |gate| {
        gate.describe("`amount` is an object of `value` and `currency`.")
            .at("/charges")
            .at("/charges/{id}")
            .request(|body| {
                body.move_to("/amount", "/amount/value").default("/amount/currency", "USD")
            })
            .response(|body| {
                body.move_to("/amount/value", "/amount")
                    .move_to("/*/amount/value", "/*/amount")
                    .move_to("/data/*/amount/value", "/data/*/amount")
            })
    });
    Ok(migrations.build()?)
}

/// A retry is one in the same version. One in the path is part of the URI, which is compared anyway.
pub(crate) fn idempotency() -> IdempotencyLayerBuilder {
    IdempotencyLayer::builder()
        .scope(account)
        .fingerprint_with(|head, input| input.header(head, &VERSION))
}

pub(crate) async fn app() -> Result<Router, Error> {
    layered(routes(Charges::open().await?))
}

/// The layers so far, around these routes.
pub(crate) fn layered(routes: Router) -> Result<Router, Error> {
    let versions = versions()?;
    let migrations = migrations(&versions)?;
    let service = ServiceBuilder::new()
        .layer(map_request(identify))
        .layer(RateLimitLayer::builder().policy(policy()).build()?)
        .layer(from_fn(require))
        .layer(idempotency().build()?)
        .layer(versions)
        .layer(migrations)
        .service(routes);
    Ok(Router::new().fallback_service(service))
}
