use std::fmt;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use stonework_core::{Clock, Problem, RequestHead, StoreGuard};
use uuid::Uuid;

use crate::Refusal;
use crate::keys::{KeySet, WebhookKey};
use crate::policy::Policy;
use crate::rejection::Rejection;
use crate::sender::Accepted;
use crate::store::ReplayStore;

/// What all clones of a layer have in common.
pub(crate) struct Shared {
    pub(crate) policy: Policy,
    pub(crate) senders: Vec<Accepted>,
    pub(crate) replay: Option<Replay>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Made once: whoever tries signatures, or comes again, shall not be dear.
    pub(crate) unauthenticated: Problem,
    pub(crate) duplicate: Problem,
}

pub(crate) struct Replay {
    pub(crate) store: Arc<dyn ReplayStore>,
    pub(crate) guard: StoreGuard,
}

impl Shared {
    /// The first sender whose signature is there.
    #[inline]
    pub(crate) fn sender(&self, head: &RequestHead<'_>) -> Result<usize, Refusal> {
        let is_meant = |sender: &Accepted| sender.scheme.is_meant(head.headers);
        let at = self.senders.iter().position(is_meant).ok_or(Refusal::NotSigned)?;
        let peer = || self.policy.peer.as_ref().and_then(|peer| peer(head));
        if self.senders[at].is_from(peer) { Ok(at) } else { Err(Refusal::Network) }
    }

    pub(crate) fn problem(&self, rejection: Rejection) -> Problem {
        match rejection {
            Rejection::Unauthenticated(_) => self.unauthenticated.clone(),
            Rejection::Duplicate => self.duplicate.clone(),
            other => other.problem(&self.policy.problem_base, self.policy.in_flight),
        }
    }

    pub(crate) fn now(&self) -> Duration {
        self.clock.unix()
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("policy", &self.policy)
            .field("senders", &self.senders)
            .finish_non_exhaustive()
    }
}

/// Keys that nothing was ever signed with: whoever asks for a tenant that is not there shall wait for as long as one who
/// does not know the secret of one who is.
pub(crate) fn nobodys_keys() -> Option<KeySet> {
    static KEYS: LazyLock<Option<KeySet>> = LazyLock::new(|| {
        let random = [*Uuid::new_v4().as_bytes(), *Uuid::new_v4().as_bytes()].concat();
        let hmac = WebhookKey::hmac(&random).ok();
        let ed25519 = WebhookKey::ed25519_secret(&random).ok();
        KeySet::new(hmac.into_iter().chain(ed25519)).ok()
    });
    KEYS.clone()
}
