//! Which versions there are, and what the second one changed.

use stonework_core::RequestHead;
use stonework_versioning::store::redis1::RedisStore;
use stonework_versioning::{
    Header, Major, MigrationLayer, PathSegment, Pins, Query, VersionLayer, VersionLayerBuilder,
};

use crate::config::Failure;
use crate::connection::Redis;
use crate::{LARGEST_BODY, account};

const PREFIX: &str = "payments:versioning:";

/// The header in which a client may ask for a version. The query has the other.
pub(crate) const HEADER: &str = "api-version";

/// `/v1/account`, `/account` with `api-version: 1`, or `/account?version=1`. A client that names none gets
/// the version that its account began with.
///
/// The version is taken out of the path, so that routes are written once.
pub(crate) fn layer(redis: Option<Redis>) -> Result<VersionLayer, Failure> {
    let builder = VersionLayer::builder::<Major>()
        .version("1", |v| v.deprecated_at("2026-09-01").sunset_at("2036-09-01").successor("/v2"))
        .version("2", |v| v)
        .read(PathSegment::first().strip(true))
        .read(Header::named(HEADER))
        .read(Query::named("version"))
        .neutral(has_no_version)
        .account(account::scope);
    pinned(builder, redis).build().map_err(|errors| Failure::Config(errors.to_string()))
}

fn pinned(builder: VersionLayerBuilder<Major>, redis: Option<Redis>) -> VersionLayerBuilder<Major> {
    match redis {
        Some(redis) => {
            let time = redis.within(500);
            let store = RedisStore::new(redis.connection).key_prefix(PREFIX);
            builder.pins(Pins::new(store).store_timeout(time))
        }
        None => builder.pins(Pins::new(stonework_versioning::store::MemoryStore::new())),
    }
}

/// The page for people, what other services call, and what machines ask about the service.
fn has_no_version(head: &RequestHead<'_>) -> bool {
    let path = head.uri.path();
    matches!(path, "/" | "/docs" | "/openapi.json" | "/healthz")
        || path.starts_with("/docs/")
        || path.starts_with("/webhooks/")
}

/// Handlers know only the second version. In the first, an amount was a number of dollars.
pub(crate) fn migrations(versions: &VersionLayer) -> Result<MigrationLayer, Failure> {
    let migrations = versions
        .migrations()
        .gate("2", |gate| {
            gate.describe("`amount` is an object of `value` and `currency`.")
                .at("/transfers")
                .at("/transfers/{id}")
                .at("/events")
                .at("/events/poll")
                .at("/events/ws")
                .request(|body| {
                    body.move_to("/amount", "/amount/value").default("/amount/currency", "USD")
                })
                .response(|body| {
                    body.move_to("/amount/value", "/amount")
                        .move_to("/data/*/amount/value", "/data/*/amount")
                        .move_to("/events/*/data/amount/value", "/events/*/data/amount")
                })
        })
        .max_request_body(LARGEST_BODY);
    migrations.build().map_err(|errors| Failure::Config(errors.to_string()))
}
