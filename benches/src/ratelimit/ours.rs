use std::net::IpAddr;

use stonework_core::Key;
use stonework_ratelimit::store::{
    Acquire, Acquired, Bucket, Demand, MemoryStats, MemoryStore, RateLimitStore,
};
use stonework_ratelimit::{Headers, Policy, Quota, RateLimitLayer, RateLimitLayerBuilder};

use super::Allowance;
use super::decide::Decide;

/// A name such as a service would give its policy.
const POLICY: &str = "burst";

/// Our store in memory.
#[derive(Debug)]
pub struct Ours {
    store: MemoryStore,
    quota: Quota,
}

impl Ours {
    /// With room for all clients of a scenario.
    pub fn new(allowance: Allowance) -> Self {
        Self::with(roomy(), allowance)
    }

    /// With this store.
    ///
    /// # Panics
    ///
    /// If it is no quota.
    pub fn with(store: MemoryStore, Allowance { burst, token }: Allowance) -> Self {
        Self { store, quota: Quota::new(1, token, burst).expect("the quota is valid") }
    }

    /// What the store holds.
    pub fn stats(&self) -> MemoryStats {
        self.store.stats()
    }
}

impl Decide for Ours {
    type Key = [u8; 4];

    fn key(number: u32) -> [u8; 4] {
        number.to_be_bytes()
    }

    fn take(&self, key: &[u8; 4]) -> bool {
        const ANY: Bucket<'_> = Bucket::new(POLICY, &[]);
        let demand = Demand::new(ANY.of(key), self.quota, 1);
        let acquired = self.store.acquire(Acquire::new(&[demand])).try_ready();
        matches!(acquired, Ok(Ok(Acquired::Granted(_))))
    }
}

/// More than the default, which would give up some of a million.
fn roomy() -> MemoryStore {
    MemoryStore::builder().max_keys(8_000_000).build().expect("the limits are valid")
}

/// The layer as it is by default.
pub(super) fn layer(Allowance { burst, token }: Allowance) -> RateLimitLayerBuilder {
    let policy = Policy::new(POLICY).rate(1).per(token).burst(burst);
    RateLimitLayer::builder()
        .policy(policy.key_extension::<IpAddr>(|address| Key::from(*address)))
        .store(roomy())
}

/// The layer that tells clients, and nobody else.
pub(super) fn headers_alone(allowance: Allowance) -> RateLimitLayerBuilder {
    layer(allowance).extensions(false)
}

/// The layer that tells nobody.
pub(super) fn silent(allowance: Allowance) -> RateLimitLayerBuilder {
    headers_alone(allowance).headers(Headers::None)
}
