use std::sync::Arc;
use std::time::Duration;

use http::Extensions;
use http::response::Parts;
use stonework_core::{Key, Started, StoreError};
use tokio::runtime::Handle;
use tokio::time::sleep;

use crate::charge::Charge;
use crate::quota::Quota;
use crate::shared::Shared;
use crate::store::{Adjust, AdjustId, Adjusted, RateLimitStore, Receipt};

/// How long to wait before a correction that the store did not answer is sent again, once, under
/// the same id.
const PAUSE: Duration = Duration::from_secs(1);

/// Who granted a request, and so whom tokens go back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pool {
    Store,
    Fallback,
}

/// What a request was charged under one policy.
#[derive(Debug)]
pub(crate) struct Paid {
    pub(crate) at: u16,
    pub(crate) key: Key,
    pub(crate) quota: Quota,
    pub(crate) cost: u32,
    pub(crate) receipt: Receipt,
}

/// Carries out what the handler said of the cost, when it is dropped.
pub(crate) struct Settlement {
    pub(crate) shared: Arc<Shared>,
    pub(crate) charge: Charge,
    pub(crate) pool: Pool,
    pub(crate) paid: Vec<Paid>,
}

impl Settlement {
    /// Lets the handler correct the cost, if it may.
    pub(crate) fn offer(&self, extensions: &mut Extensions) {
        if self.shared.adjustable {
            extensions.insert(self.charge.clone());
        }
    }

    /// Whether this response is one for which everything is given back.
    pub(crate) fn is_refunded(&self, head: &Parts) -> bool {
        self.shared.refund_when.as_ref().is_some_and(|when| when(head))
    }
}

impl Drop for Settlement {
    fn drop(&mut self) {
        let said = self.charge.close();
        for (paid, said) in self.paid.drain(..).zip(said) {
            let Some(total) = said.filter(|total| *total != paid.cost) else { continue };
            let tokens = i64::from(total) - i64::from(paid.cost);
            let correction = Correction { paid, tokens, id: AdjustId::random() };
            correct(&self.shared, self.pool, correction);
        }
    }
}

struct Correction {
    paid: Paid,
    tokens: i64,
    id: AdjustId,
}

impl Correction {
    fn adjust<'a>(&'a self, shared: &'a Shared) -> Adjust<'a> {
        let Paid { at, key, quota, receipt, .. } = &self.paid;
        let bucket = shared.limits[usize::from(*at)].bucket(key);
        Adjust::new(bucket, *quota, self.tokens, self.id).of(*receipt)
    }
}

fn correct(shared: &Arc<Shared>, pool: Pool, correction: Correction) {
    if pool == Pool::Fallback {
        #[cfg(feature = "memory")]
        if let Some(fallback) = &shared.fallback {
            // Done when the method returns.
            drop(fallback.store.adjust(correction.adjust(shared)));
        }
        return;
    }
    let asking = shared.guard.start(|| shared.store.adjust(correction.adjust(shared)));
    if let Started::Done(answer) = &asking
        && !is_outage(answer)
    {
        return report(answer);
    }
    // A store that has to be waited for needs a runtime by itself.
    if let Ok(runtime) = Handle::try_current() {
        let shared = Arc::clone(shared);
        runtime.spawn(async move {
            let answer = match asking {
                Started::Done(answer) => answer,
                Started::Waiting(waiting) => shared.guard.wait(waiting).await,
                _ => again(&shared, &correction).await,
            };
            if !is_outage(&answer) {
                return report(&answer);
            }
            sleep(PAUSE).await;
            report(&again(&shared, &correction).await);
        });
    }
}

fn is_outage(answer: &Result<Adjusted, StoreError>) -> bool {
    answer.as_ref().is_err_and(StoreError::is_outage)
}

async fn again(shared: &Shared, correction: &Correction) -> Result<Adjusted, StoreError> {
    shared.guard.run(|| shared.store.adjust(correction.adjust(shared))).await
}

fn report(answer: &Result<Adjusted, StoreError>) {
    if let Err(error) = answer {
        crate::trace::event!(WARN, %error, "a charge could not be corrected");
    }
}
