use std::time::Duration;

use crate::quota::Quota;
use crate::store::MemoryStore;

/// The buckets of this process, for while the store is away.
#[derive(Debug)]
pub(crate) struct Fallback {
    pub(crate) store: MemoryStore,
    pub(crate) nodes: u32,
}

impl Fallback {
    /// One process' part of a quota. The rate is exact, unless it is too slow to be counted: then
    /// it is rounded down, as the burst is, each to one at least.
    pub(crate) fn share(&self, quota: &Quota) -> Quota {
        let part = |tokens: u32| (tokens / self.nodes.max(1)).max(1);
        let per = quota.per().checked_mul(self.nodes).unwrap_or(Duration::MAX);
        let burst = part(quota.burst());
        Quota::new(quota.rate(), per, burst)
            .or_else(|_| Quota::new(part(quota.rate()), quota.per(), burst))
            .unwrap_or(*quota)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_exact_where_it_can_be() {
        let quota =
            |rate, seconds, burst| Quota::new(rate, Duration::from_secs(seconds), burst).unwrap();
        let of = |nodes, quota| Fallback { store: MemoryStore::new(), nodes }.share(&quota);
        assert_eq!(of(1, quota(7, 1, 5)), quota(7, 1, 5));
        assert_eq!(of(3, quota(7, 1, 10)), quota(7, 3, 3));
        assert_eq!(of(20, quota(7, 1, 10)), quota(7, 20, 1));
        let year = 365 * 24 * 3600;
        let slow = quota(1, 100 * year, 1);
        assert_eq!(of(2, slow), slow);
        assert_eq!(of(150, quota(1_500, year, 3_000)), quota(10, year, 20));
    }
}
