use std::time::Duration;

use stonework_core::{StoreError, StoreFuture};
use tokio::time::sleep;

use super::attempt::{Outcome, nth};
use crate::policy::{Decision, Settlement};
use crate::shared::Shared;
use crate::store::{Ack, Became, Counts, Dead, EndpointEffect, Leased, Outbox, Retry, Settled};
use crate::{Attempt, Event};

/// Between two tries to tell the outbox.
const PAUSE: Duration = Duration::from_millis(200);

/// After a look-up of an endpoint that was not answered.
const AFTER_LOOK_UP: Duration = Duration::from_secs(1);

/// Tells the outbox what became of a message, and then whoever wants to know.
pub(super) async fn settle(shared: &Shared, leased: &Leased, outcome: Outcome) {
    let (attempt, verdict) = match outcome {
        Outcome::Tried(attempt, verdict) => (attempt, verdict),
        Outcome::Interrupted(attempt) => return settle_interrupted(shared, leased, attempt).await,
        Outcome::NotFound => return,
    };
    let random = fastrand::u32(0..=1_000);
    let decision = shared.policy.decide(verdict, nth(leased), random);
    let settled = tell(shared, |outbox| write(shared, outbox, leased, attempt, decision)).await;
    if let Some(Settled::Done(became)) = settled {
        for event in events(leased, attempt, decision.settlement, became) {
            shared.tell(&event);
        }
    }
}

/// It was leased and not tried.
pub(super) async fn settle_untried(shared: &Shared, leased: &Leased) {
    let retry = Retry::untried(leased.lease.clone(), Duration::ZERO);
    tell(shared, |outbox| outbox.retry(retry.clone())).await;
}

/// It is not known where to send it, and neither would be what else is to be sent there.
pub(super) async fn settle_not_found(shared: &Shared, leased: &Leased) {
    let mut retry = Retry::untried(leased.lease.clone(), AFTER_LOOK_UP);
    retry.effect = EndpointEffect::Paused { pause: AFTER_LOOK_UP };
    tell(shared, |outbox| outbox.retry(retry.clone())).await;
}

/// It may have arrived, and its endpoint has failed nothing.
async fn settle_interrupted(shared: &Shared, leased: &Leased, attempt: Attempt) {
    let mut retry = Retry::new(leased.lease.clone(), Duration::ZERO);
    (retry.attempt, retry.counts) = (Some(attempt), Counts::Lost);
    tell(shared, |outbox| outbox.retry(retry.clone())).await;
}

fn write(
    shared: &Shared,
    outbox: &dyn Outbox,
    leased: &Leased,
    attempt: Attempt,
    Decision { settlement, effect }: Decision,
) -> StoreFuture<Result<Settled, StoreError>> {
    let (lease, attempt) = (leased.lease.clone(), Some(attempt));
    let settings = &shared.settings;
    match settlement {
        Settlement::Ack => {
            outbox.ack(Ack { attempt, effect, ..Ack::new(lease, settings.keep_delivered) })
        }
        Settlement::Retry { after } => {
            outbox.retry(Retry { attempt, effect, ..Retry::new(lease, after) })
        }
        Settlement::Dead(reason) => {
            outbox.dead(Dead { attempt, effect, ..Dead::new(lease, reason, settings.keep_dead) })
        }
    }
}

/// Until it is told, or for as long as the lease is: then somebody else has the message. `None` if it was not.
async fn tell(
    shared: &Shared,
    operation: impl Fn(&dyn Outbox) -> StoreFuture<Result<Settled, StoreError>>,
) -> Option<Settled> {
    let give_up = shared.clock.monotonic().saturating_add(shared.settings.lease);
    loop {
        match shared.guard.run(|| operation(&*shared.outbox)).await {
            Ok(settled) => return Some(settled),
            Err(error) => {
                crate::trace::event!(WARN, "could not settle", error = error.to_string());
                if !error.is_outage() || shared.clock.monotonic() >= give_up {
                    return None;
                }
            }
        }
        sleep(PAUSE).await;
    }
}

fn events(
    leased: &Leased,
    attempt: Attempt,
    settlement: Settlement,
    became: Became,
) -> impl Iterator<Item = Event> {
    let (id, tries) = (leased.lease.id.clone(), leased.tries);
    let endpoint = id.endpoint().clone();
    let event = match settlement {
        Settlement::Ack => Event::Delivered { id, tries, took: attempt.took },
        Settlement::Retry { after } => {
            let Attempt { status, fault, .. } = attempt;
            Event::Failed { id, tries, status, fault, after }
        }
        Settlement::Dead(reason) => Event::Dead { id, tries, reason },
    };
    let recovered = became.recovered.then(|| Event::Recovered { endpoint: endpoint.clone() });
    let disabled = became.disabled.map(|reason| Event::Disabled { endpoint, reason });
    [Some(event), recovered, disabled].into_iter().flatten()
}
