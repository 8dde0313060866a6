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
    /// One process' part of a quota. The rate is exact; a burst that cannot be divided is rounded
    /// down, to one at least.
    pub(crate) fn share(&self, quota: &Quota) -> Quota {
        let per = quota.per().checked_mul(self.nodes).unwrap_or(Duration::MAX);
        let burst = (quota.burst() / self.nodes.max(1)).max(1);
        // So slow that it cannot be counted: then the whole of it, which is slow enough.
        Quota::new(quota.rate(), per, burst).unwrap_or(*quota)
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
        let slow = quota(1, 100 * 365 * 24 * 3600, 1);
        assert_eq!(of(2, slow), slow);
    }
}
