use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use stonework_core::{ConfigError, Key, RequestHead};

use crate::quota::Quota;
#[cfg(feature = "quotas")]
use crate::quotas::Quotas;
use crate::store::Bucket;
use crate::who::{MissingKey, Who, key_methods};

pub(crate) type HoldsFn = Arc<dyn Fn(&RequestHead<'_>) -> bool + Send + Sync>;
type CostFn = Arc<dyn Fn(&RequestHead<'_>) -> u32 + Send + Sync>;

/// One limit: how much, for whom, at what cost.
///
/// ```
/// use std::time::Duration;
/// use stonework_ratelimit::{ClientIp, Policy};
///
/// // 100 requests a minute for each address, and 20 of them at once.
/// Policy::new("burst").rate(100).per(Duration::from_secs(60)).burst(20).key_ip(ClientIp::peer());
/// ```
#[derive(Clone)]
#[must_use = "a policy does nothing until it is given to a layer"]
pub struct Policy {
    name: Arc<str>,
    rate: u32,
    per: Duration,
    burst: Option<u32>,
    who: Who,
    missing: MissingKey,
    only: Option<HoldsFn>,
    cost: Cost,
    shadow: bool,
    #[cfg(feature = "quotas")]
    quotas: Option<Quotas>,
}

#[derive(Clone)]
enum Cost {
    Fixed(u32),
    Closure(CostFn),
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy")
            .field("name", &self.name)
            .field("rate", &self.rate)
            .field("per", &self.per)
            .field("burst", &self.burst)
            .field("key", &self.who)
            .field("shadow", &self.shadow)
            .finish_non_exhaustive()
    }
}

impl Policy {
    /// A policy of this name: 1 to 64 characters of visible ASCII or spaces. Clients see it.
    ///
    /// The name is part of every bucket: layers that share a store and a name share buckets.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            rate: 0,
            per: Duration::ZERO,
            burst: None,
            who: Who::Unset,
            missing: MissingKey::Reject,
            only: None,
            cost: Cost::Fixed(1),
            shadow: false,
            #[cfg(feature = "quotas")]
            quotas: None,
        }
    }

    /// Tokens that flow in per [`per`](Self::per). At least 1.
    pub const fn rate(mut self, tokens: u32) -> Self {
        self.rate = tokens;
        self
    }

    /// The time in which [`rate`](Self::rate) tokens flow in, one after the other. A whole number
    /// of microseconds.
    pub const fn per(mut self, time: Duration) -> Self {
        self.per = time;
        self
    }

    /// Tokens in a full bucket: what a client that has waited may take at once. As many as
    /// [`rate`](Self::rate) by default.
    pub const fn burst(mut self, tokens: u32) -> Self {
        self.burst = Some(tokens);
        self
    }

    key_methods!();

    /// What a request costs. Default 1. A cost of 0 asks for a bucket's level, and is always
    /// granted.
    pub fn cost(mut self, tokens: u32) -> Self {
        self.cost = Cost::Fixed(tokens);
        self
    }

    /// What a request costs, told by its head. What is known only later is for
    /// [`Charge`](crate::Charge).
    pub fn cost_with(
        mut self,
        cost: impl Fn(&RequestHead<'_>) -> u32 + Send + Sync + 'static,
    ) -> Self {
        self.cost = Cost::Closure(Arc::new(cost));
        self
    }

    /// Counts, and never denies: to see what a limit would do before it does it. Headers say
    /// nothing of it; [`Decision`](crate::Decision)s do.
    pub const fn shadow(mut self, shadow: bool) -> Self {
        self.shadow = shadow;
        self
    }

    /// Asks a provider for each client's quota. The policy's own is for those of whom the provider
    /// says nothing, and for all while it fails.
    #[cfg(feature = "quotas")]
    #[cfg_attr(docsrs, doc(cfg(feature = "quotas")))]
    pub fn quotas(mut self, quotas: Quotas) -> Self {
        self.quotas = Some(quotas);
        self
    }

    pub(crate) const fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Checks, and gives what the layer works with. Errors are appended.
    pub(crate) fn check(self, errors: &mut Vec<ConfigError>) -> Option<Limit> {
        check_name(&self.name, errors);
        self.who.errors(&self.name, errors);
        #[cfg(feature = "quotas")]
        if let Some(quotas) = &self.quotas {
            quotas.errors(&self.name, errors);
        }
        let quota = Quota::new(self.rate, self.per, self.burst.unwrap_or(self.rate));
        let quota = quota.map_err(|error| {
            let value = format!("{:?}", self.name);
            errors.push(ConfigError::shown("policy", value, error.reason()));
        });
        let quota = quota.ok()?;
        if let Cost::Fixed(cost) = self.cost
            && cost > quota.burst()
        {
            let reason = "is more than the burst, so that every request is denied; raise the burst";
            errors.push(ConfigError::shown("cost", format!("{cost}, of {:?}", self.name), reason));
        }
        Some(Limit {
            word: Bucket::new(&self.name, &[]).word,
            name: self.name,
            quota,
            who: self.who,
            missing: self.missing,
            only: self.only,
            cost: self.cost,
            shadow: self.shadow,
            #[cfg(feature = "quotas")]
            quotas: self.quotas,
        })
    }
}

/// Names are shown in headers, which hold no more than ASCII.
pub(crate) fn check_name(name: &str, errors: &mut Vec<ConfigError>) {
    let shows = name.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if !shows || !(1..=64).contains(&name.len()) {
        let reason = "is no name; use 1 to 64 characters of visible ASCII";
        errors.push(ConfigError::new("policy", name, reason));
    }
}

/// A [`Policy`], checked.
#[derive(Clone)]
pub(crate) struct Limit {
    pub(crate) name: Arc<str>,
    /// The name, as buckets have it.
    word: u64,
    pub(crate) quota: Quota,
    pub(crate) who: Who,
    pub(crate) missing: MissingKey,
    only: Option<HoldsFn>,
    cost: Cost,
    pub(crate) shadow: bool,
    #[cfg(feature = "quotas")]
    pub(crate) quotas: Option<Quotas>,
}

impl Limit {
    #[inline]
    pub(crate) fn bucket<'a>(&'a self, key: &'a Key) -> Bucket<'a> {
        Bucket { policy: &self.name, key: key.as_bytes(), word: self.word }
    }

    #[inline]
    pub(crate) fn concerns(&self, head: &RequestHead<'_>) -> bool {
        self.only.as_ref().is_none_or(|only| only(head))
    }

    pub(crate) fn cost(&self, head: &RequestHead<'_>) -> u32 {
        match &self.cost {
            Cost::Fixed(cost) => *cost,
            Cost::Closure(cost) => cost(head),
        }
    }

    /// Can a request cost more than a full bucket holds? A fixed cost was looked at when the layer was built.
    #[cfg(feature = "utoipa-6")]
    pub(crate) const fn may_cost_too_much(&self) -> bool {
        matches!(self.cost, Cost::Closure(_)) || self.fixed_quota().is_none()
    }

    /// The quota, if it is the same for all.
    #[inline]
    pub(crate) const fn fixed_quota(&self) -> Option<&Quota> {
        #[cfg(feature = "quotas")]
        if self.quotas.is_some() {
            return None;
        }
        Some(&self.quota)
    }
}
