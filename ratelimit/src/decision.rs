use std::sync::Arc;
use std::time::Duration;

use smallvec::SmallVec;

use crate::quota::Quota;
use crate::span::Span;

/// What was decided about a request: an extension of the request, and of its response.
///
/// Clones share one allocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision(Arc<Inner>);

#[derive(Debug, PartialEq, Eq)]
struct Inner {
    granted: bool,
    basis: Basis,
    standings: Standings,
}

/// Mostly there is one, and then it needs no allocation of its own.
pub(crate) type Standings = SmallVec<[Standing; 1]>;

impl Decision {
    pub(crate) fn new(granted: bool, basis: Basis, standings: Standings) -> Self {
        Self(Arc::new(Inner { granted, basis, standings }))
    }

    /// Whether the request went on to the handler.
    pub fn is_granted(&self) -> bool {
        self.0.granted
    }

    /// Who decided.
    pub fn basis(&self) -> Basis {
        self.0.basis
    }

    /// How the client stands under each policy that concerned the request, in their order. Empty
    /// if nobody was asked.
    pub fn standings(&self) -> &[Standing] {
        &self.0.standings
    }
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

/// How a client stands under one policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    pub(crate) policy: Arc<str>,
    pub(crate) figures: Figures,
}

/// What a [`Standing`] tells, short of the name: all that a response's headers need, and small
/// enough to be carried along with the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Figures {
    /// The policy's place among those of the layer.
    pub(crate) at: u16,
    pub(crate) fits: bool,
    pub(crate) shadow: bool,
    pub(crate) cost: u32,
    pub(crate) quota: Quota,
    pub(crate) debt: Span,
    /// What the header tells of the key, if it is to.
    pub(crate) partition: Option<Box<[u8; 12]>>,
}

impl AsRef<Figures> for Figures {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl AsRef<Figures> for Standing {
    fn as_ref(&self) -> &Figures {
        &self.figures
    }
}

impl Figures {
    pub(crate) const fn remaining(&self) -> u32 {
        self.quota.remaining(self.debt)
    }

    pub(crate) const fn retry_after(&self) -> Option<Duration> {
        self.quota.wait(self.debt, self.cost)
    }

    /// Is it for this policy that the request was denied?
    pub(crate) const fn denies(&self) -> bool {
        !self.fits && !self.shadow
    }
}

impl Standing {
    /// The policy's name.
    pub fn policy(&self) -> &str {
        &self.policy
    }

    /// The quota that was applied.
    pub const fn quota(&self) -> &Quota {
        &self.figures.quota
    }

    /// What the request cost, or would have cost.
    pub const fn cost(&self) -> u32 {
        self.figures.cost
    }

    /// Does the policy only watch?
    pub const fn is_shadow(&self) -> bool {
        self.figures.shadow
    }

    /// Was there too little for the request under this policy?
    pub const fn is_exceeded(&self) -> bool {
        !self.figures.fits
    }

    /// Tokens that are left.
    pub const fn remaining(&self) -> u32 {
        self.figures.remaining()
    }

    /// How long until all tokens are back, if none is taken.
    pub const fn reset(&self) -> Duration {
        self.figures.debt.duration()
    }

    /// How long until there are tokens for such a request, zero if they are there; `None` if it
    /// costs more than there ever are.
    pub const fn retry_after(&self) -> Option<Duration> {
        self.figures.retry_after()
    }
}
