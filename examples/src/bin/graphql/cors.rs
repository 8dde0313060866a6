//! Which pages may use the service from a browser.

use std::time::Duration;

use stonework_cors::CorsLayer;

use crate::env::Failure;

/// Pages that are developed on this machine, on any port.
const DEVELOPMENT: &str = "http://localhost:*,http://127.0.0.1:*";

pub(crate) fn layer(origins: Option<&str>) -> Result<CorsLayer, Failure> {
    CorsLayer::builder()
        .origins(origins.unwrap_or(DEVELOPMENT).split(',').map(str::trim))
        .include(["authorization", "content-type"])
        .include(stonework_idempotency::REQUEST_HEADERS)
        .expose(stonework_idempotency::RESPONSE_HEADERS)
        .expose(stonework_ratelimit::RESPONSE_HEADERS)
        .max_age(Duration::from_secs(600))
        .build()
        .map_err(|errors| Failure::Config(format!("ALLOWED_ORIGINS: {errors}")))
}
