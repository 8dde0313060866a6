//! Which pages may use the service from a browser.

use std::time::Duration;

use stonework_cors::Builder;

/// Pages that are developed on this machine, on any port.
const DEVELOPMENT: &str = "http://localhost:*,http://127.0.0.1:*";

/// The browser need not ask again before each transfer.
const TEN_MINUTES: Duration = Duration::from_secs(600);

/// Says to a builder what pages of these origins, separated by commas, may do.
///
/// Accounts are told by a token that a page sends itself, so no credentials of the browser's own are
/// let in. `PUT` and the like have no route here: allowed, a page can read that it is so.
pub(crate) fn say<For>(builder: Builder<For>, origins: Option<&str>) -> Builder<For> {
    builder
        .origins(origins.unwrap_or(DEVELOPMENT).split(',').map(str::trim))
        .methods(["PUT", "PATCH", "DELETE"])
        .include(["authorization", "content-type", "if-none-match"])
        .include(stonework_idempotency::REQUEST_HEADERS)
        .include(stonework_ratelimit::REQUEST_HEADERS)
        .include(stonework_sse::REQUEST_HEADERS)
        .include(stonework_versioning::REQUEST_HEADERS)
        .expose(["etag"])
        .expose(stonework_idempotency::RESPONSE_HEADERS)
        .expose(stonework_pagination::RESPONSE_HEADERS)
        .expose(stonework_ratelimit::RESPONSE_HEADERS)
        .expose(stonework_sse::RESPONSE_HEADERS)
        .expose(stonework_versioning::RESPONSE_HEADERS)
        .max_age(TEN_MINUTES)
}
