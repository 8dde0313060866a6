use std::fmt;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::sync::{Mutex, lock};

/// Corrects what a request costs, once the handler knows. A request extension, if the layer is
/// [`adjustable`](crate::RateLimitLayerBuilder::adjustable).
///
/// What is said last counts. It is carried out once: when the response body has ended, or when the
/// request or the response is dropped, by a client that leaves for instance. The tokens go back to
/// the bucket that paid. A bucket never holds more than its burst; a charge may leave it in debt,
/// by as much as a burst.
///
/// ```
/// # use stonework_ratelimit::Charge;
/// fn handler(charge: &Charge, rows: u32) {
///     charge.total(1 + rows / 100);
/// }
/// ```
#[derive(Clone)]
pub struct Charge(Arc<Inner>);

struct Inner {
    policies: SmallVec<[Arc<str>; 2]>,
    totals: Mutex<Totals>,
}

/// One per policy; `None` where nothing was said, and no list once it was carried out.
pub(crate) type Said = SmallVec<[Option<u32>; 2]>;

struct Totals(Option<Said>);

impl Charge {
    pub(crate) fn new(policies: impl Iterator<Item = Arc<str>>) -> Self {
        let policies: SmallVec<_> = policies.collect();
        let said = policies.iter().map(|_| None).collect();
        Self(Arc::new(Inner { policies, totals: Mutex::new(Totals(Some(said))) }))
    }

    /// What the request costs in all, under every policy that it was charged by. `false` if it is
    /// too late.
    pub fn total(&self, tokens: u32) -> bool {
        self.say(tokens, |_| true)
    }

    /// What the request costs in all under this policy. `false` if it is too late, or was not
    /// charged by it.
    pub fn total_under(&self, policy: &str, tokens: u32) -> bool {
        self.0.policies.iter().any(|name| **name == *policy)
            && self.say(tokens, |name| name == policy)
    }

    /// Gives everything back. `false` if it is too late.
    pub fn refund(&self) -> bool {
        self.total(0)
    }

    fn say(&self, tokens: u32, concerns: impl Fn(&str) -> bool) -> bool {
        let mut totals = lock(&self.0.totals);
        let Some(said) = &mut totals.0 else { return false };
        for (name, said) in self.0.policies.iter().zip(said) {
            if concerns(name) {
                *said = Some(tokens);
            }
        }
        true
    }

    /// What was said, once.
    pub(crate) fn close(&self) -> Said {
        lock(&self.0.totals).0.take().unwrap_or_default()
    }
}

impl fmt::Debug for Charge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Charge").field("policies", &self.0.policies).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_counts_until_it_is_carried_out() {
        let charge = Charge::new(["a".into(), "b".into()].into_iter());
        assert!(charge.total(7));
        assert!(charge.total_under("b", 2));
        assert!(!charge.total_under("c", 2), "there is no such policy");
        assert_eq!(charge.close()[..], [Some(7), Some(2)]);
        assert!(!charge.refund());
        assert!(charge.close().is_empty());
    }
}
