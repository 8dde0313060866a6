use std::future::Future;
use std::pin::{Pin, pin};
use std::time::Duration;

use bytes::Bytes;
use stonework_core::{Started, StoreError, StoreErrorKind, StoreFuture};
use tokio::task::yield_now;
use tokio::time::timeout;

use super::{First, Run, first};
use crate::judge::{Verdict, judge};
use crate::lookup::Token;
use crate::policy::{Abandoned, InFlight, Outage, Policy};
use crate::rejection::Rejection;
use crate::store::{Answer, Claim, Claimed, Watch};
use crate::vault::Part;

/// How the claim of a key came out.
pub(crate) enum Claiming {
    /// The key is ours: run.
    Owned(Owned),
    /// The key was used before: give this answer, which is already open.
    Replay(Answer),
    /// The key cannot be used now.
    Reject(Rejection),
    /// The store did not say. The claim must be taken back when it is there again.
    Unknown { took_over: bool },
    /// The client went away while it waited; nothing was claimed.
    Gone,
}

/// A run that may begin.
pub(crate) struct Owned {
    pub(crate) attempt: u32,
    pub(crate) checkpoint: Option<Bytes>,
    /// When the claim was sent, by the local clock. The lease counts from there.
    pub(crate) claimed_at: Duration,
    /// Did the store say that the key is ours?
    pub(crate) claimed: bool,
}

/// What became of a claim without waiting.
pub(crate) enum Tried {
    /// The store has answered.
    Done(Claiming),
    /// The store has still to answer.
    Asked(Asked),
    /// The store has still to be asked: perhaps for a takeover from this owner.
    Ask { take_over: Option<Token> },
}

/// A claim on its way to the store.
pub(crate) struct Asked {
    reply: StoreFuture<Result<Claimed, StoreError>>,
    /// By the local clock. The lease counts from there.
    asked_at: Duration,
}

/// What to do after one answer of the store.
enum Next {
    Done(Claiming),
    TakeOver(Token),
    Wait { owner: Token, at_most: Duration },
}

impl Run {
    /// Claims, if the store answers at once. A store in memory does, and then most requests need
    /// no task of their own.
    pub(crate) fn try_claim(&self) -> Tried {
        let asked_at = self.shared.clock.monotonic();
        match self.shared.guard.start(|| self.shared.store.claim(self.wish(None))) {
            Started::Done(Ok(claimed)) => match self.next(claimed, asked_at) {
                Next::Done(claiming) => Tried::Done(claiming),
                Next::TakeOver(owner) => Tried::Ask { take_over: Some(owner) },
                Next::Wait { .. } => Tried::Ask { take_over: None },
            },
            Started::Done(Err(error)) => {
                Tried::Done(self.without_store(&error, false, false, asked_at))
            }
            Started::Waiting(reply) => Tried::Asked(Asked { reply, asked_at }),
            _ => Tried::Ask { take_over: None },
        }
    }

    /// Claims, and waits for as long as the policy says. `asked` is a claim on its way,
    /// `take_over` an owner whose lease has run out.
    pub(super) async fn claim(
        &self,
        mut asked: Option<Asked>,
        mut take_over: Option<Token>,
        gone: impl Future<Output = ()>,
    ) -> Claiming {
        let mut gone = pin!(gone);
        let started = self.shared.clock.monotonic();
        let mut round = 0;
        loop {
            let (claimed_at, claimed) = match asked.take() {
                Some(Asked { reply, asked_at }) => (asked_at, self.shared.guard.wait(reply).await),
                None => (self.shared.clock.monotonic(), self.ask(take_over).await),
            };
            let next = match claimed {
                Ok(claimed) => self.next(claimed, claimed_at),
                Err(error) => {
                    let known = round > 0 || take_over.is_some();
                    return self.without_store(&error, known, take_over.is_some(), claimed_at);
                }
            };
            match next {
                Next::Done(claiming) => return claiming,
                // The owner has come back to life, or the store breaks its contract.
                Next::TakeOver(owner) if take_over == Some(owner) => {
                    return Claiming::Reject(Rejection::InFlight);
                }
                Next::TakeOver(owner) => take_over = Some(owner),
                Next::Wait { owner, at_most } => {
                    take_over = None;
                    let watch = Watch::new(&self.lookup, owner, round);
                    let waiting = Box::pin(self.wait(watch, at_most, started, gone.as_mut()));
                    if let Some(end) = waiting.await {
                        return end;
                    }
                    round += 1;
                }
            }
        }
    }

    /// Asks the store once. The token is the same each time, so asking again is harmless.
    pub(super) async fn ask(&self, take_over: Option<Token>) -> Result<Claimed, StoreError> {
        self.shared.guard.run(|| self.shared.store.claim(self.wish(take_over))).await
    }

    fn wish(&self, take_over: Option<Token>) -> Claim<'_> {
        let Policy { lease, retention, .. } = self.shared.policy;
        let claim = Claim::new(&self.lookup, self.token, self.fingerprint, lease, retention);
        Claim { take_over, ..claim }
    }

    fn next(&self, claimed: Claimed, claimed_at: Duration) -> Next {
        let record = match claimed {
            Claimed::Owned { attempt, checkpoint } => {
                return Next::Done(self.owned(attempt, checkpoint, claimed_at));
            }
            Claimed::Full => return Next::Done(Claiming::Reject(Rejection::StoreFull)),
            Claimed::Taken(record) => record,
        };
        match judge(record, self.fingerprint) {
            Verdict::Mismatch => Next::Done(Claiming::Reject(Rejection::Mismatch)),
            Verdict::Replay(answer) => Next::Done(self.replay(answer)),
            Verdict::InFlight { owner, lease_left } => match self.shared.policy.in_flight {
                InFlight::Conflict => Next::Done(Claiming::Reject(Rejection::InFlight)),
                InFlight::Wait { .. } => Next::Wait { owner, at_most: lease_left },
            },
            Verdict::Abandoned { owner } => match self.shared.policy.on_abandoned {
                Abandoned::Reject => Next::Done(Claiming::Reject(Rejection::OutcomeUnknown)),
                Abandoned::Rerun | Abandoned::Resume => Next::TakeOver(owner),
            },
        }
    }

    fn owned(&self, attempt: u32, checkpoint: Option<Bytes>, claimed_at: Duration) -> Claiming {
        let resumes = self.shared.policy.on_abandoned == Abandoned::Resume;
        let open = |sealed| self.shared.open(&self.lookup, Part::Checkpoint, sealed);
        match checkpoint.filter(|_| resumes).map(open).transpose() {
            Ok(checkpoint) => {
                Claiming::Owned(Owned { attempt, checkpoint, claimed_at, claimed: true })
            }
            // The checkpoint cannot be read: give the claim back as it was found.
            Err(_) => Claiming::Unknown { took_over: attempt > 1 },
        }
    }

    pub(super) fn replay(&self, answer: Answer) -> Claiming {
        match self.shared.open_answer(&self.lookup, answer) {
            Ok(answer) => Claiming::Replay(answer),
            Err(error) => {
                crate::trace::event!(ERROR, %error, "a recorded answer cannot be read");
                Claiming::Reject(Rejection::StoreUnavailable)
            }
        }
    }

    /// The store did not say. `known` is a key of which it said before that somebody runs it.
    fn without_store(
        &self,
        error: &StoreError,
        known: bool,
        took_over: bool,
        now: Duration,
    ) -> Claiming {
        crate::trace::event!(WARN, %error, "a key could not be claimed");
        match self.shared.policy.on_outage {
            // As the first attempt. If the store is back by the end of it, the answer is recorded.
            Outage::Open if error.is_outage() && !known => {
                let (attempt, checkpoint) = (1, None);
                Claiming::Owned(Owned { attempt, checkpoint, claimed_at: now, claimed: false })
            }
            _ if error.kind() == StoreErrorKind::NotAsked => {
                Claiming::Reject(Rejection::StoreUnavailable)
            }
            _ => Claiming::Unknown { took_over },
        }
    }

    /// Waits for a change of the record, or for its lease to run out; `Some` when the waiting is
    /// over.
    async fn wait(
        &self,
        watch: Watch<'_>,
        at_most: Duration,
        started: Duration,
        gone: Pin<&mut impl Future<Output = ()>>,
    ) -> Option<Claiming> {
        let InFlight::Wait { up_to } = self.shared.policy.in_flight else { return None };
        let waited = self.shared.clock.monotonic().saturating_sub(started);
        let left = up_to.saturating_sub(waited);
        if left.is_zero() {
            return Some(Claiming::Reject(Rejection::InFlight));
        }
        // After the time is up the record is looked at once more.
        let change = timeout(left.min(at_most), self.shared.store.watch(watch));
        match first(change, gone).await {
            First::Left(_) => {
                // A watch may resolve at once, for no reason; others have to get on meanwhile.
                yield_now().await;
                None
            }
            First::Right(()) => Some(Claiming::Gone),
        }
    }
}
