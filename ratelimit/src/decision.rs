use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use smallvec::SmallVec;

use crate::quota::Quota;
use crate::span::Span;

/// What was decided about a request: an extension of the request, and of its response.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Decision {
    /// Whether the request went on to the handler.
    pub granted: bool,
    /// Who decided.
    pub basis: Basis,
    /// How the client stands under each policy that concerned the request, in their order. Empty
    /// if nobody was asked.
    pub standings: Standings,
}

/// Who made a [`Decision`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Basis {
    /// The store.
    Store,
    /// This process alone, since the store was away.
    Fallback,
    /// Nobody: the store was away, and such requests pass.
    Unchecked,
}

/// The [`Standing`]s of a [`Decision`]. Allocates from the second on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standings(SmallVec<[Standing; 1]>);

impl Standings {
    #[inline]
    pub(crate) fn one(standing: Standing) -> Self {
        Self(SmallVec::from_buf([standing]))
    }
}

impl FromIterator<Standing> for Standings {
    fn from_iter<I: IntoIterator<Item = Standing>>(standings: I) -> Self {
        Self(standings.into_iter().collect())
    }
}

impl Deref for Standings {
    type Target = [Standing];

    fn deref(&self) -> &[Standing] {
        &self.0
    }
}

/// How a client stands under one policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    pub(crate) policy: Arc<str>,
    /// The policy's place among those of the layer.
    pub(crate) at: u16,
    pub(crate) quota: Quota,
    pub(crate) cost: u32,
    pub(crate) debt: Span,
    pub(crate) fits: bool,
    pub(crate) shadow: bool,
    /// What the header tells of the key, if it is to.
    pub(crate) partition: Option<[u8; 12]>,
}

impl Standing {
    /// The policy's name.
    pub fn policy(&self) -> &str {
        &self.policy
    }

    /// The quota that was applied.
    pub const fn quota(&self) -> &Quota {
        &self.quota
    }

    /// What the request cost, or would have cost.
    pub const fn cost(&self) -> u32 {
        self.cost
    }

    /// Does the policy only watch?
    pub const fn is_shadow(&self) -> bool {
        self.shadow
    }

    /// Was there too little for the request under this policy?
    pub const fn is_exceeded(&self) -> bool {
        !self.fits
    }

    /// Is it for this policy that the request was denied?
    pub(crate) const fn denies(&self) -> bool {
        !self.fits && !self.shadow
    }

    /// Tokens that are left.
    pub const fn remaining(&self) -> u32 {
        self.quota.remaining(self.debt)
    }

    /// How long until all tokens are back, if none is taken.
    pub const fn reset(&self) -> Duration {
        self.debt.duration()
    }

    /// How long until there are tokens for such a request, zero if they are there; `None` if it
    /// costs more than there ever are.
    pub const fn retry_after(&self) -> Option<Duration> {
        self.quota.wait(self.debt, self.cost)
    }
}
