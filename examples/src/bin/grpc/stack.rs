//! The layers, each with what it is told.

use std::fmt::Display;
use std::time::Duration;

use stonework_core::{ConfigError, ConfigErrors};
use stonework_cors::{CorsLayer, bundle};
use stonework_idempotency::{IdempotencyLayer, InFlight};
use stonework_ratelimit::{Concurrency, Policy, RateLimitLayer};
use stonework_versioning::{GrpcPackage, Header, Major, VersionLayer};

use crate::account;
use crate::config::Config;
use crate::generated::{v1, v2};

type Errors = ConfigErrors<ConfigError>;

/// A call is small, whatever it is.
pub(crate) const LARGEST_MESSAGE: usize = 16 * 1024;

/// So many calls of a client may be under way; most of them are streams.
const AT_ONCE: u32 = 100;

/// How long a retry waits for the call that it repeats.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Below a package that names its version, metadata may name it too, if it is the same.
const VERSION: &str = "api-version";

/// Pages of these origins may call, and read what the layers say.
pub(crate) fn cors(config: &Config) -> Result<CorsLayer, Errors> {
    CorsLayer::builder()
        .origins(config.origins.split(',').map(str::trim))
        .include(["authorization"])
        .include(bundle::GRPC_WEB_REQUEST_HEADERS)
        .include(stonework_idempotency::REQUEST_HEADERS)
        .include(stonework_versioning::REQUEST_HEADERS)
        .expose(bundle::GRPC_WEB_RESPONSE_HEADERS)
        .expose(stonework_idempotency::RESPONSE_HEADERS)
        .expose(stonework_ratelimit::RESPONSE_HEADERS)
        .expose(stonework_versioning::RESPONSE_HEADERS)
        .build()
}

pub(crate) fn limits(config: &Config) -> Result<RateLimitLayer, Errors> {
    let calls = Policy::new("calls").rate(config.rate.requests()).per(config.rate.per());
    RateLimitLayer::builder()
        .policy(calls.key(account::client))
        .concurrency(Concurrency::new("at once").at_most(AT_ONCE).key(account::client))
        .build()
}

/// A key belongs to the account that sends it. Unary methods are named, since nothing else tells them from streams.
pub(crate) fn keys() -> Result<IdempotencyLayer, Errors> {
    let services = [v1::payments_server::SERVICE_NAME, v2::payments_server::SERVICE_NAME];
    IdempotencyLayer::builder()
        .scope(account::scope)
        .grpc_unary(services.map(|service| format!("/{service}/Transfer")))
        .in_flight(InFlight::Wait { up_to: LONGEST_WAIT })
        .max_request_body(LARGEST_MESSAGE)
        .build()
}

/// `stonework.payments.v1` and `stonework.payments.v2`.
pub(crate) fn versions() -> Result<VersionLayer, Errors> {
    VersionLayer::builder::<Major>()
        .version("1", |v| v.deprecated_at("2026-09-01").sunset_at("2036-09-01"))
        .version("2", |v| v)
        .read(GrpcPackage::last())
        .read(Header::named(VERSION))
        .build()
}

pub(crate) fn tell(warnings: &[impl Display]) {
    for warning in warnings {
        eprintln!("grpc: {warning}");
    }
}
