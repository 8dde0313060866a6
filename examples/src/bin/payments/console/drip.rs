//! A small bucket, which a visitor can drain: the service's own limit is more than a page can reach.

use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::map_request;
use axum::routing::get;
use tower::ServiceBuilder;

use crate::config::Failure;
use crate::connection::Redis;
use crate::rate::Rate;
use crate::{account, limits};

const PREFIX: &str = "payments:console:ratelimit:";

/// Five at once, and one more every two seconds.
const REQUESTS: u32 = 5;
const PER: Duration = Duration::from_secs(10);

/// The same layer as the service's, under another policy, around a route that does nothing.
pub(super) fn router(redis: Option<Redis>) -> Result<Router, Failure> {
    let limits = limits::layer_of("console", Rate::new(REQUESTS, PER), PREFIX, redis)?;
    let stack = ServiceBuilder::new().layer(map_request(account::identify)).layer(limits);
    Ok(Router::new().route("/console/drip", get(async || StatusCode::NO_CONTENT).layer(stack)))
}
