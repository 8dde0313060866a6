use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroU32;

use axum::body::Body;
use governor::clock::QuantaInstant;
use governor::middleware::{NoOpMiddleware, RateLimitingMiddleware, StateInformationMiddleware};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use http::Request;
use limitador::limit::{Context, Limit, Namespace};
use tower_governor::governor::{GovernorConfig, GovernorConfigBuilder};
use tower_governor::key_extractor::KeyExtractor;
use tower_governor::{GovernorError, GovernorLayer};

use super::Allowance;
use super::decide::Decide;
use super::keys::address;

/// `governor`, with its default store and clock.
#[derive(Debug)]
pub struct Governor(DefaultKeyedRateLimiter<IpAddr>);

impl Governor {
    /// With nobody in it.
    ///
    /// # Panics
    ///
    /// If it is no quota.
    pub fn new(Allowance { burst, token }: Allowance) -> Self {
        let burst = NonZeroU32::new(burst).expect("a bucket has tokens");
        let quota = Quota::with_period(token).expect("a token takes time").allow_burst(burst);
        Self(RateLimiter::keyed(quota))
    }
}

impl Decide for Governor {
    type Key = IpAddr;

    fn key(number: u32) -> IpAddr {
        address(number)
    }

    fn take(&self, key: &IpAddr) -> bool {
        self.0.check_key(key).is_ok()
    }
}

/// `limitador`, which counts in fixed windows, here of a day.
pub struct Limitador {
    limiter: limitador::RateLimiter,
    namespace: Namespace,
}

impl Limitador {
    /// With nobody in it, and room for all clients of a scenario.
    ///
    /// # Panics
    ///
    /// If it does not know its own language.
    pub fn new(Allowance { burst, .. }: Allowance) -> Self {
        const DAY: u64 = 24 * 60 * 60;
        let limiter = limitador::RateLimiter::new(8_000_000);
        let address = "address".try_into().expect("a name is an expression");
        limiter.add_limit(Limit::new("api", burst.into(), DAY, Vec::new(), vec![address]));
        Self { limiter, namespace: "api".into() }
    }
}

impl fmt::Debug for Limitador {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limitador").finish_non_exhaustive()
    }
}

impl Decide for Limitador {
    /// It takes microseconds to make, and is not measured.
    type Key = Context<'static>;

    fn key(number: u32) -> Context<'static> {
        HashMap::from([("address".to_owned(), address(number).to_string())]).into()
    }

    fn take(&self, key: &Context<'static>) -> bool {
        let checked = self.limiter.check_rate_limited_and_update(&self.namespace, key, 1);
        checked.is_ok_and(|result| !result.limited)
    }
}

/// The address that the request carries.
#[derive(Clone, Copy, Debug)]
pub(super) struct Carried;

impl KeyExtractor for Carried {
    type Key = IpAddr;

    fn extract<T>(&self, request: &Request<T>) -> Result<IpAddr, GovernorError> {
        request.extensions().get().copied().ok_or(GovernorError::UnableToExtractKey)
    }
}

type Layer<M> = GovernorLayer<Carried, M, Body>;

/// `tower_governor` as it is by default.
pub(super) fn plain(allowance: Allowance) -> Layer<NoOpMiddleware<QuantaInstant>> {
    layer(builder(allowance).finish())
}

/// The same, which tells clients.
pub(super) fn with_headers(allowance: Allowance) -> Layer<StateInformationMiddleware> {
    layer(builder(allowance).use_headers().finish())
}

fn builder(
    Allowance { burst, token }: Allowance,
) -> GovernorConfigBuilder<Carried, NoOpMiddleware<QuantaInstant>> {
    let mut builder = GovernorConfigBuilder::default().key_extractor(Carried);
    builder.period(token).burst_size(burst);
    builder
}

fn layer<M>(config: Option<GovernorConfig<Carried, M>>) -> Layer<M>
where
    M: RateLimitingMiddleware<QuantaInstant>,
{
    GovernorLayer::new(config.expect("the configuration is valid"))
}
