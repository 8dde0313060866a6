use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use smallvec::SmallVec;
use stonework_core::Clock;

use crate::headers::Renderer;
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

/// What all decisions of a layer have in common.
#[derive(Debug)]
pub(crate) struct Policies {
    /// Their names and quotas.
    pub(crate) terms: Box<[(Arc<str>, Quota)]>,
    pub(crate) renderer: Renderer,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Policies {
    /// Tells the client how it stands.
    #[inline]
    pub(crate) fn tell(&self, granted: bool, standings: &[Standing], headers: &mut HeaderMap) {
        self.renderer.write(granted, standings, || self.clock.unix(), headers);
    }
}

/// How a client stands under one policy.
///
/// It is carried along with the request, and so it is small: what is not the client's own is in
/// the policies.
#[derive(Clone)]
pub struct Standing {
    pub(crate) policies: Arc<Policies>,
    pub(crate) debt: Span,
    /// Where it is not the policy's.
    pub(crate) own: Option<Box<Quota>>,
    /// What the header tells of the key, if it is to.
    pub(crate) partition: Option<Box<[u8; 12]>>,
    /// The policy's place among those of the layer.
    pub(crate) at: u16,
    pub(crate) fits: bool,
    pub(crate) shadow: bool,
    pub(crate) cost: u32,
}

impl fmt::Debug for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Standing")
            .field("policy", &self.policy())
            .field("quota", self.quota())
            .field("cost", &self.cost)
            .field("shadow", &self.shadow)
            .field("exceeded", &self.is_exceeded())
            .field("remaining", &self.remaining())
            .finish_non_exhaustive()
    }
}

impl PartialEq for Standing {
    fn eq(&self, other: &Self) -> bool {
        let all = |of: &Self| (of.cost, of.shadow, of.fits, of.debt);
        self.policy() == other.policy() && self.quota() == other.quota() && all(self) == all(other)
    }
}

impl Eq for Standing {}

impl Standing {
    /// Is it for this policy that the request was denied?
    pub(crate) const fn denies(&self) -> bool {
        !self.fits && !self.shadow
    }

    pub(crate) fn name(&self) -> &Arc<str> {
        &self.policies.terms[usize::from(self.at)].0
    }

    /// The policy's name.
    pub fn policy(&self) -> &str {
        self.name()
    }

    /// The quota that was applied.
    #[inline]
    pub fn quota(&self) -> &Quota {
        match &self.own {
            None => &self.policies.terms[usize::from(self.at)].1,
            Some(own) => own,
        }
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

    /// Tokens that are left.
    #[inline]
    pub fn remaining(&self) -> u32 {
        self.quota().remaining(self.debt)
    }

    /// How long until all tokens are back, if none is taken.
    pub const fn reset(&self) -> Duration {
        self.debt.duration()
    }

    /// How long until there are tokens for such a request, zero if they are there; `None` if it
    /// costs more than there ever are.
    pub fn retry_after(&self) -> Option<Duration> {
        self.quota().wait(self.debt, self.cost)
    }
}
