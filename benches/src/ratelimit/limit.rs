//! The least code that could do it: a few locked hash tables of times. It forgets nobody, knows one
//! quota, and tells no more than one number.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use axum::body::Body;
use http::header::RETRY_AFTER;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use tower_service::Service;

use super::Allowance;
use super::decide::Decide;
use super::keys::address;
use crate::inner::Inner;

const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");

/// When each bucket will be full, in nanoseconds since the start.
#[derive(Debug)]
pub struct Table {
    shards: [Mutex<HashMap<IpAddr, u64>>; 16],
    clock: quanta::Clock,
    start: u64,
    token: u64,
    burst: u64,
}

impl Table {
    /// With nobody in it.
    pub fn new(Allowance { burst, token }: Allowance) -> Self {
        let clock = quanta::Clock::new();
        let (start, token, burst) = (clock.raw(), token.as_nanos() as u64, burst.into());
        Self { shards: Default::default(), clock, start, token, burst }
    }

    /// Tokens left, or nanoseconds to wait for one.
    fn ask(&self, address: IpAddr) -> Result<u64, u64> {
        let now = self.clock.delta_as_nanos(self.start, self.clock.raw());
        let shard = &self.shards[shard(address)];
        let mut table = shard.lock().unwrap_or_else(PoisonError::into_inner);
        let full_at = table.entry(address).or_insert(now);
        let debt = full_at.saturating_sub(now) + self.token;
        let room = (self.burst * self.token).checked_sub(debt);
        let room = room.ok_or(debt - self.burst * self.token)?;
        *full_at = now + debt;
        Ok(room / self.token)
    }
}

fn shard(address: IpAddr) -> usize {
    let last = match address {
        IpAddr::V4(v4) => v4.octets()[3],
        IpAddr::V6(v6) => v6.octets()[15],
    };
    usize::from(last % 16)
}

impl Decide for Table {
    type Key = IpAddr;

    fn key(number: u32) -> IpAddr {
        address(number)
    }

    fn take(&self, key: &IpAddr) -> bool {
        self.ask(*key).is_ok()
    }
}

/// The tables before the bare service.
#[derive(Clone)]
pub(super) struct Limit {
    inner: Inner,
    table: Arc<Table>,
}

impl Limit {
    pub(super) fn new(inner: Inner, allowance: Allowance) -> Self {
        Self { inner, table: Arc::new(Table::new(allowance)) }
    }

    fn answer(&mut self, request: Request<Body>) -> Response<Body> {
        let Some(address) = request.extensions().get::<IpAddr>() else {
            return refused(StatusCode::INTERNAL_SERVER_ERROR);
        };
        match self.table.ask(*address) {
            Ok(remaining) => {
                let Ok(mut response) = self.inner.call(request).into_inner();
                response.headers_mut().insert(REMAINING, HeaderValue::from(remaining));
                response
            }
            Err(nanos) => {
                let mut response = refused(StatusCode::TOO_MANY_REQUESTS);
                let seconds = nanos.div_ceil(1_000_000_000);
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
                response
            }
        }
    }
}

fn refused(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

impl Service<Request<Body>> for Limit {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        ready(Ok(self.answer(request)))
    }
}
