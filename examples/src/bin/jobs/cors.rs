//! Which pages may use the service from a browser.

use std::time::Duration;

use stonework_cors::CorsLayer;

use crate::config::Failure;

/// Pages that are developed on this machine, on any port.
const DEVELOPMENT: &str = "http://localhost:*,http://127.0.0.1:*";

/// The browser need not ask again before each request.
const TEN_MINUTES: Duration = Duration::from_secs(600);

/// A policy of these origins, separated by commas.
///
/// Accounts are told by a token that a page sends itself, so no credentials of the browser's own are let in. With them
/// `EventSource` cannot be used, which sends no header of a page's own; a page reads its events by `fetch`.
pub(crate) fn layer(origins: Option<&str>) -> Result<CorsLayer, Failure> {
    CorsLayer::builder()
        .origins(origins.unwrap_or(DEVELOPMENT).split(',').map(str::trim))
        .methods(["DELETE"])
        .include(["authorization", "content-type", "if-none-match"])
        .include(stonework_idempotency::REQUEST_HEADERS)
        .include(stonework_ratelimit::REQUEST_HEADERS)
        .include(stonework_sse::REQUEST_HEADERS)
        .expose(["etag", "location", "retry-after"])
        .expose(stonework_idempotency::RESPONSE_HEADERS)
        .expose(stonework_pagination::RESPONSE_HEADERS)
        .expose(stonework_ratelimit::RESPONSE_HEADERS)
        .expose(stonework_sse::RESPONSE_HEADERS)
        .expose(stonework_versioning::RESPONSE_HEADERS)
        .max_age(TEN_MINUTES)
        .build()
        .map_err(|errors| Failure::Config(format!("ALLOWED_ORIGINS: {errors}")))
}
