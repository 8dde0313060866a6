use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::Response;
use stonework_core::{Problem, RequestHead, StoreError};

use crate::decision::{Decision, Denial, Reason};
use crate::{Policy, PolicyResolver};

pub(crate) type DebugFn = Arc<dyn Fn(&RequestHead<'_>) -> bool + Send + Sync>;
pub(crate) type HookFn = Arc<dyn Fn(&Decision) + Send + Sync>;
pub(crate) type RenderFn =
    Arc<dyn Fn(&Denial, &Problem, &RequestHead<'_>) -> Response<Bytes> + Send + Sync>;

/// Where the policy of a request comes from.
pub(crate) enum Source {
    Fixed(Policy),
    Resolved(Arc<dyn PolicyResolver>),
}

/// What all clones of a layer have in common.
pub(crate) struct Shared {
    pub(crate) source: Source,
    pub(crate) reject_actual: bool,
    pub(crate) debug: Option<DebugFn>,
    /// Whether the decision is left in the response's extensions.
    pub(crate) tells: bool,
    pub(crate) on_decision: Option<HookFn>,
    pub(crate) problem_base: String,
    pub(crate) render: Option<RenderFn>,
    pub(crate) counts: Counts,
}

/// How often each reason was given.
#[derive(Debug, Default)]
pub(crate) struct Counts([AtomicU64; Reason::ALL.len()]);

impl Counts {
    fn add(&self, reason: Reason) {
        self.0[reason as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn get(&self, reason: Reason) -> u64 {
        self.0[reason as usize].load(Ordering::Relaxed)
    }
}

impl Shared {
    /// Does anybody want to know what was decided?
    #[inline]
    fn is_heard(&self) -> bool {
        self.tells || self.on_decision.is_some()
    }

    #[inline]
    pub(crate) fn is_debugged(&self, head: &RequestHead<'_>) -> bool {
        self.debug.as_ref().is_some_and(|debug| debug(head))
    }

    /// Tells of what needs no reason. What is returned is for the response's extensions.
    #[inline]
    pub(crate) fn tell(&self, decision: Decision) -> Option<Box<Decision>> {
        if self.is_heard() { self.pass_on(decision) } else { None }
    }

    fn pass_on(&self, decision: Decision) -> Option<Box<Decision>> {
        if let Some(hook) = &self.on_decision {
            hook(&decision);
        }
        self.tells.then(|| Box::new(decision))
    }

    /// Counts a denial and tells of it. What happened in detail is found out only if it is of use.
    pub(crate) fn tell_denial(
        &self,
        reason: Reason,
        is_debugged: &dyn Fn() -> bool,
        denial: impl Fn() -> Denial,
    ) -> (Option<Box<Denial>>, Option<Box<Decision>>) {
        self.counts.add(reason);
        crate::trace::event!(DEBUG, reason = reason.slug(), denial = %denial(), "a page was denied");
        let debugged = is_debugged();
        if !debugged && !self.is_heard() {
            return (None, None);
        }
        let denial = denial();
        let decision = self.tell(Decision::Denied(denial.clone()));
        (debugged.then(|| Box::new(denial)), decision)
    }
}

/// The policy that was found, or why there is none.
pub(crate) fn found(found: Result<Option<Policy>, StoreError>) -> Result<Policy, Reason> {
    match found {
        Ok(Some(policy)) => Ok(policy),
        Ok(None) => Err(Reason::PolicyMissing),
        Err(error) => {
            crate::trace::event!(WARN, %error, "the policy could not be found out");
            Err(Reason::PolicyUnavailable)
        }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Shared");
        match &self.source {
            Source::Fixed(policy) => debug.field("policy", policy),
            Source::Resolved(_) => debug.field("policy", &"resolved"),
        };
        debug.field("reject_actual", &self.reject_actual).finish_non_exhaustive()
    }
}
