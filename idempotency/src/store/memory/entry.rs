use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;

use super::ledger::{Fate, Holding, Order};
use crate::lookup::{Fingerprint, ScopeId, Token};
use crate::store::{Answer, Claim, Claimed, Complete, Completed, Record, Renew, State};

/// A record as the store holds it.
#[derive(Debug)]
pub(super) struct Entry {
    fingerprint: Fingerprint,
    token: Token,
    attempt: u32,
    scope: Option<ScopeId>,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    Pending {
        lease_end: Duration,
        checkpoint: Option<Bytes>,
        /// Made when somebody watches.
        watchers: Option<Arc<Notify>>,
    },
    Completed {
        answer: Answer,
        /// By which the ledger knows the body.
        order: Option<Order>,
    },
}

impl Phase {
    const fn pending(lease_end: Duration) -> Self {
        Self::Pending { lease_end, checkpoint: None, watchers: None }
    }
}

impl Entry {
    /// The record of a first claim.
    pub(super) fn claimed(claim: &Claim<'_>, now: Duration) -> Self {
        Self {
            fingerprint: claim.fingerprint,
            token: claim.token,
            attempt: 1,
            scope: claim.lookup.scope(),
            phase: Phase::pending(now.saturating_add(claim.lease)),
        }
    }

    /// The record of a completion that found none, before it is completed.
    pub(super) fn lost(complete: &Complete<'_>, now: Duration) -> Self {
        Self {
            fingerprint: complete.fingerprint,
            token: complete.token,
            attempt: complete.attempt,
            scope: complete.lookup.scope(),
            phase: Phase::pending(now),
        }
    }

    pub(super) const fn scope(&self) -> Option<ScopeId> {
        self.scope
    }

    pub(super) fn is_pending_of(&self, token: Token) -> bool {
        self.token == token && matches!(self.phase, Phase::Pending { .. })
    }

    /// Pending, owned by `token`, and no longer within its lease.
    fn has_lapsed(&self, token: Token, now: Duration) -> bool {
        self.token == token
            && matches!(self.phase, Phase::Pending { lease_end, .. } if lease_end <= now)
    }

    /// Does this claim take the record over? Not from itself: that is the same claim again.
    pub(super) fn goes_over_to(&self, claim: &Claim<'_>, now: Duration) -> bool {
        self.token != claim.token
            && claim.take_over.is_some_and(|observed| self.has_lapsed(observed, now))
    }

    pub(super) fn checkpoint_len(&self) -> usize {
        self.checkpoint().map_or(0, Bytes::len)
    }

    fn checkpoint(&self) -> Option<&Bytes> {
        match &self.phase {
            Phase::Pending { checkpoint, .. } => checkpoint.as_ref(),
            Phase::Completed { .. } => None,
        }
    }

    /// What a claim by `token` is told.
    pub(super) fn told_to(&self, token: Token, now: Duration) -> Claimed {
        if !self.is_pending_of(token) {
            return Claimed::Taken(self.record(now));
        }
        Claimed::Owned { attempt: self.attempt, checkpoint: self.checkpoint().cloned() }
    }

    /// What a completion by `token` is told that does not own the record.
    pub(super) fn completed_before(&self, token: Token, now: Duration) -> Completed {
        match self.phase {
            Phase::Completed { .. } if self.token == token => Completed::Stored,
            Phase::Completed { .. } | Phase::Pending { .. } => Completed::Lost(self.record(now)),
        }
    }

    /// The record as others are told it. Copies no bytes.
    fn record(&self, now: Duration) -> Record {
        let state = match &self.phase {
            Phase::Pending { lease_end, .. } => {
                State::Pending { lease_left: lease_end.saturating_sub(now) }
            }
            Phase::Completed { answer, .. } => State::Completed(answer.clone()),
        };
        Record::new(self.fingerprint, self.token, self.attempt, state)
    }

    /// What the ledger has to take back when the record goes.
    pub(super) fn holding(&self) -> Holding {
        let (bytes, order) = match &self.phase {
            Phase::Pending { .. } => (self.checkpoint_len(), None),
            Phase::Completed { answer, order } => (answer.head.len(), *order),
        };
        Holding { scope: self.scope, bytes, order }
    }

    /// Passes the record on. Returns who has to be woken.
    pub(super) fn take_over(&mut self, claim: &Claim<'_>, now: Duration) -> Option<Arc<Notify>> {
        self.token = claim.token;
        self.attempt = self.attempt.saturating_add(1);
        self.set_lease(now.saturating_add(claim.lease));
        self.take_watchers()
    }

    /// Renews the lease. Returns who has to be woken.
    pub(super) fn renew(&mut self, renew: &Renew<'_>, now: Duration) -> Option<Arc<Notify>> {
        self.set_lease(now.saturating_add(renew.lease));
        if let (Phase::Pending { checkpoint, .. }, Some(new)) = (&mut self.phase, &renew.checkpoint)
        {
            *checkpoint = Some(new.clone());
        }
        if renew.lease.is_zero() { self.take_watchers() } else { None }
    }

    /// Completes the record. Returns who has to be woken.
    pub(super) fn complete(&mut self, answer: &Answer, fate: Fate) -> Option<Arc<Notify>> {
        let watchers = self.take_watchers();
        let (body, order) = match fate {
            Fate::Keep(order) => (answer.body.clone(), order),
            Fate::Drop => (None, None),
        };
        self.phase = Phase::Completed { answer: Answer::new(answer.head.clone(), body), order };
        watchers
    }

    /// Gives the body up, if it is still the one that the ledger gave up.
    pub(super) fn shrink(&mut self, given_up: Order) -> Option<Bytes> {
        match &mut self.phase {
            Phase::Completed { answer, order } if *order == Some(given_up) => {
                *order = None;
                answer.body.take()
            }
            Phase::Completed { .. } | Phase::Pending { .. } => None,
        }
    }

    /// Resolves at the next change. `None` if there is nothing to wait for.
    pub(super) fn watch(&mut self, token: Token, now: Duration) -> Option<OwnedNotified> {
        if !self.is_pending_of(token) || self.has_lapsed(token, now) {
            return None;
        }
        match &mut self.phase {
            Phase::Pending { watchers, .. } => {
                Some(Arc::clone(watchers.get_or_insert_default()).notified_owned())
            }
            Phase::Completed { .. } => None,
        }
    }

    pub(super) fn take_watchers(&mut self) -> Option<Arc<Notify>> {
        match &mut self.phase {
            Phase::Pending { watchers, .. } => watchers.take(),
            Phase::Completed { .. } => None,
        }
    }

    fn set_lease(&mut self, end: Duration) {
        if let Phase::Pending { lease_end, .. } = &mut self.phase {
            *lease_end = end;
        }
    }
}

#[cfg(test)]
impl Entry {
    pub(super) fn body_len(&self) -> usize {
        match &self.phase {
            Phase::Completed { answer, .. } => answer.body.as_ref().map_or(0, Bytes::len),
            Phase::Pending { .. } => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lookup::Lookup;

    #[test]
    fn a_body_is_given_up_only_under_its_own_order() {
        let lookup = Lookup::new(None, None, b"k");
        let answer = Answer::new(Bytes::new(), Some(Bytes::from_static(b"body")));
        let (token, print) = (Token::random(), Fingerprint::from_bytes([0; 32]));
        let complete = Complete::new(&lookup, token, 1, print, answer, Duration::MAX);
        let mut entry = Entry::lost(&complete, Duration::ZERO);
        assert_eq!(entry.shrink(7), None, "it is pending");
        entry.complete(&complete.answer, Fate::Keep(Some(8)));
        assert_eq!(entry.shrink(7), None, "who stood there before was meant");
        assert_eq!(entry.shrink(8), complete.answer.body);
        assert_eq!((entry.shrink(8), entry.body_len()), (None, 0));
    }
}
