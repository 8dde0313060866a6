//! Outboxes that break one clause of the contract each.
#![allow(dead_code, unreachable_pub)] // Each test target uses a part of this.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;
use std::time::Duration;

use stonework_webhook_delivery::store::{
    Ack, Became, Change, Claim, Claimed, Counts, Dead, EndpointChange, EndpointEffect,
    EndpointState, Enqueue, Enqueued, Extend, Held, Lease, LeaseToken, List, MemoryOutbox, Outbox,
    Page, Purge, Purged, Requeue, Requeued, Retry, Settled, StoreError, StoreFuture,
};
use stonework_webhook_delivery::{Breaker, DeliveryId, DisableReason, EndpointId, Patience};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A claim that is sent again claims more.
    ForgetsClaims,
    /// Leases never run out.
    LeasesForever,
    /// Leases run out at once.
    LeasesNothing,
    /// Anybody may settle.
    SettlesForStrangers,
    /// What ran out cannot be settled.
    DropsLateAcks,
    /// Extensions do nothing.
    ExtendsNothing,
    /// What has failed is due at once.
    RetriesAtOnce,
    /// What is to be sent later is due at once.
    SendsAtOnce,
    /// What was not tried counts.
    CountsUntried,
    /// What was broken off counts as tried.
    LosesNothing,
    /// What was tried counts as broken off.
    LosesAll,
    /// Attempts are not kept.
    ForgetsAttempts,
    /// What was delivered is known for ever.
    RemembersForever,
    /// What was delivered is forgotten at once.
    ForgetsDelivered,
    /// Dead letters stay dead.
    RequeuesNothing,
    /// What is said of an endpoint is not felt.
    FeelsNothing,
    /// A pause is none.
    PausesNothing,
    /// Failures make nobody rest.
    NeverTrips,
    /// A rest is as long as the first, always.
    NeverDoubles,
    /// Who fails is never disabled.
    BearsFailures,
    /// Who fails often is disabled at once.
    DisablesEarly,
    /// Who is throttled is never disabled.
    BearsThrottling,
    /// Who is throttled has failed.
    CountsThrottling,
    /// Who is paused was throttled.
    CountsPauses,
    /// An endpoint is judged as it was when the record was claimed.
    JudgesAsOfTheClaim,
    /// What became of an endpoint is said once.
    TellsOnce,
    /// Of two reasons the last stays.
    DisablesAnew,
    /// Disabled endpoints are not.
    DisablesNothing,
    /// As many of an endpoint as there are.
    Floods,
    /// One endpoint after the other, each to its end.
    ServesOneFirst,
    /// There are no orders.
    KeepsNoOrder,
    /// A purge is none.
    PurgesNothing,
    /// Everything at once.
    PurgesAtOnce,
    /// Goes on with what is left, between the parts of a purge.
    PurgesAndGoesOn,
    /// What is purged stays disabled.
    PurgesAndRemembers,
    /// Everything is listed to everybody.
    ListsEverything,
    /// There is one page.
    HasOnePage,
}

impl Fault {
    pub const ALL: [Self; 37] = [
        Self::ForgetsClaims,
        Self::LeasesForever,
        Self::LeasesNothing,
        Self::SettlesForStrangers,
        Self::DropsLateAcks,
        Self::ExtendsNothing,
        Self::RetriesAtOnce,
        Self::SendsAtOnce,
        Self::CountsUntried,
        Self::LosesNothing,
        Self::LosesAll,
        Self::ForgetsAttempts,
        Self::RemembersForever,
        Self::ForgetsDelivered,
        Self::RequeuesNothing,
        Self::FeelsNothing,
        Self::PausesNothing,
        Self::NeverTrips,
        Self::NeverDoubles,
        Self::BearsFailures,
        Self::DisablesEarly,
        Self::BearsThrottling,
        Self::CountsThrottling,
        Self::CountsPauses,
        Self::JudgesAsOfTheClaim,
        Self::TellsOnce,
        Self::DisablesAnew,
        Self::DisablesNothing,
        Self::Floods,
        Self::ServesOneFirst,
        Self::KeepsNoOrder,
        Self::PurgesNothing,
        Self::PurgesAtOnce,
        Self::PurgesAndGoesOn,
        Self::PurgesAndRemembers,
        Self::ListsEverything,
        Self::HasOnePage,
    ];
}

/// An outbox in memory with one fault.
pub struct Broken {
    outbox: MemoryOutbox,
    owners: Mutex<HashMap<DeliveryId, (LeaseToken, tokio::time::Instant)>>,
    /// How endpoints were when their records were claimed.
    states: Mutex<HashMap<DeliveryId, EndpointState>>,
    settled: Mutex<HashSet<(DeliveryId, LeaseToken)>>,
    fault: Fault,
}

const FOREVER: Duration = Duration::from_secs(1 << 40);

impl Broken {
    pub fn new(fault: Fault) -> Self {
        Self {
            outbox: MemoryOutbox::new(),
            owners: Mutex::default(),
            states: Mutex::default(),
            settled: Mutex::default(),
            fault,
        }
    }

    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn lease(&self, lease: Lease) -> Lease {
        let owner = self.owners.lock().unwrap().get(&lease.id).copied();
        match owner {
            Some((token, _)) if self.is(Fault::SettlesForStrangers) => Lease::new(lease.id, token),
            Some((_, ends)) if self.is(Fault::DropsLateAcks) && ends <= now() => {
                Lease::new(lease.id, LeaseToken::random())
            }
            _ => lease,
        }
    }

    fn effect(&self, id: &DeliveryId, effect: EndpointEffect) -> EndpointEffect {
        match (self.fault, effect) {
            (Fault::JudgesAsOfTheClaim, EndpointEffect::Failed { mut patience, pause }) => {
                let before = self.states.lock().unwrap()[id];
                let pause = pause.max(before.felt(effect).paused_for);
                patience.breaker = Breaker::new(u32::MAX, FOREVER, FOREVER);
                EndpointEffect::Failed { patience, pause }
            }
            (Fault::FeelsNothing, _) => EndpointEffect::None,
            (Fault::PausesNothing, EndpointEffect::Failed { patience, .. }) => {
                EndpointEffect::Failed { patience, pause: None }
            }
            (Fault::NeverTrips, EndpointEffect::Failed { mut patience, pause }) => {
                patience.breaker = Breaker::new(u32::MAX, FOREVER, FOREVER);
                EndpointEffect::Failed { patience, pause }
            }
            (Fault::NeverDoubles, EndpointEffect::Failed { mut patience, pause }) => {
                let first = patience.breaker.first();
                patience.breaker = Breaker::new(patience.breaker.threshold(), first, first);
                EndpointEffect::Failed { patience, pause }
            }
            (Fault::BearsFailures, EndpointEffect::Failed { mut patience, pause }) => {
                patience.disable_after = None;
                EndpointEffect::Failed { patience, pause }
            }
            (Fault::DisablesEarly, EndpointEffect::Failed { mut patience, pause }) => {
                patience.disable_after = patience.disable_after.and(Some(Duration::ZERO));
                EndpointEffect::Failed { patience, pause }
            }
            (Fault::BearsThrottling, EndpointEffect::Throttled { pause, .. }) => {
                EndpointEffect::Paused { pause }
            }
            (Fault::CountsThrottling, EndpointEffect::Throttled { patience, pause }) => {
                EndpointEffect::Failed { patience, pause: Some(pause) }
            }
            (Fault::CountsPauses, EndpointEffect::Paused { pause }) => {
                let patience = Patience::new(Breaker::new(u32::MAX, FOREVER, FOREVER), None);
                EndpointEffect::Throttled { patience, pause }
            }
            (Fault::PausesNothing, EndpointEffect::Throttled { .. })
            | (Fault::DisablesNothing, EndpointEffect::Disabled(_)) => EndpointEffect::None,
            _ => effect,
        }
    }

    fn tell(
        &self,
        lease: &Lease,
        settled: StoreFuture<Result<Settled, StoreError>>,
    ) -> StoreFuture<Result<Settled, StoreError>> {
        let is_first = self.settled.lock().unwrap().insert((lease.id.clone(), lease.token));
        match settled.try_ready().unwrap() {
            Ok(Settled::Done(_)) if self.is(Fault::TellsOnce) && !is_first => {
                StoreFuture::ready(Ok(Settled::Done(Became::default())))
            }
            settled => StoreFuture::ready(settled),
        }
    }

    /// Claims everything, and gives back what was not asked for.
    fn unfair(&self, claim: Claim) -> Claimed {
        let Claim { max, per_endpoint, .. } = claim;
        let all = Claim::new(claim.token, 1_000, claim.lease, per_endpoint);
        let mut claimed = self.outbox.claim(all).try_ready().unwrap().unwrap();
        claimed.leased.sort_by(|a, b| a.lease.id.endpoint().cmp(b.lease.id.endpoint()));
        for leased in claimed.leased.drain(max.min(claimed.leased.len())..) {
            let untried = Retry::untried(leased.lease, Duration::ZERO);
            self.outbox.retry(untried).try_ready().unwrap().unwrap();
        }
        claimed
    }
}

#[allow(clippy::disallowed_methods)] // The tests' own clock, which stands still when they say so.
fn now() -> tokio::time::Instant {
    tokio::time::Instant::now()
}

impl Outbox for Broken {
    fn enqueue(&self, mut enqueue: Enqueue) -> StoreFuture<Result<Enqueued, StoreError>> {
        match self.fault {
            Fault::SendsAtOnce => enqueue.after = Duration::ZERO,
            Fault::KeepsNoOrder => enqueue.order = None,
            _ => {}
        }
        self.outbox.enqueue(enqueue)
    }

    fn claim(&self, mut claim: Claim) -> StoreFuture<Result<Claimed, StoreError>> {
        match self.fault {
            Fault::ForgetsClaims => claim.token = LeaseToken::random(),
            Fault::LeasesForever => claim.lease = FOREVER,
            Fault::LeasesNothing => claim.lease = Duration::ZERO,
            Fault::Floods => claim.per_endpoint = u32::MAX,
            _ => {}
        }
        let claimed = if self.is(Fault::ServesOneFirst) {
            self.unfair(claim)
        } else {
            self.outbox.claim(claim).try_ready().unwrap().unwrap()
        };
        let mut owners = self.owners.lock().unwrap();
        for leased in &claimed.leased {
            let ends = now().checked_add(claim.lease).unwrap_or_else(now);
            owners.insert(leased.lease.id.clone(), (leased.lease.token, ends));
            let state = self.outbox.endpoint(leased.lease.id.endpoint().clone());
            let state = state.try_ready().unwrap().unwrap();
            self.states.lock().unwrap().insert(leased.lease.id.clone(), state);
        }
        StoreFuture::ready(Ok(claimed))
    }

    fn ack(&self, mut ack: Ack) -> StoreFuture<Result<Settled, StoreError>> {
        ack.lease = self.lease(ack.lease);
        ack.effect = self.effect(&ack.lease.id, ack.effect);
        match self.fault {
            Fault::ForgetsAttempts => ack.attempt = None,
            Fault::DisablesAnew if ack.effect != EndpointEffect::None => {
                let endpoint = ack.lease.id.endpoint().clone();
                drop(self.outbox.change(Change::new(endpoint, EndpointChange::Enable)));
            }
            Fault::RemembersForever => ack.keep = FOREVER,
            Fault::ForgetsDelivered => ack.keep = Duration::ZERO,
            _ => {}
        }
        let lease = ack.lease.clone();
        self.tell(&lease, self.outbox.ack(ack))
    }

    fn retry(&self, mut retry: Retry) -> StoreFuture<Result<Settled, StoreError>> {
        retry.lease = self.lease(retry.lease);
        retry.effect = self.effect(&retry.lease.id, retry.effect);
        match self.fault {
            Fault::ForgetsAttempts => retry.attempt = None,
            Fault::RetriesAtOnce => retry.after = Duration::ZERO,
            Fault::CountsUntried if retry.counts == Counts::Untried => retry.counts = Counts::Tried,
            Fault::LosesNothing if retry.counts == Counts::Lost => retry.counts = Counts::Tried,
            Fault::LosesAll if retry.counts == Counts::Tried => retry.counts = Counts::Lost,
            _ => {}
        }
        let lease = retry.lease.clone();
        self.tell(&lease, self.outbox.retry(retry))
    }

    fn dead(&self, mut dead: Dead) -> StoreFuture<Result<Settled, StoreError>> {
        dead.lease = self.lease(dead.lease);
        dead.effect = self.effect(&dead.lease.id, dead.effect);
        self.outbox.dead(dead)
    }

    fn extend(&self, mut extend: Extend) -> StoreFuture<Result<Held, StoreError>> {
        if self.is(Fault::ExtendsNothing) {
            return StoreFuture::ready(Ok(Held::Held));
        }
        extend.lease = self.lease(extend.lease);
        self.outbox.extend(extend)
    }

    fn requeue(&self, requeue: Requeue) -> StoreFuture<Result<Requeued, StoreError>> {
        if self.is(Fault::RequeuesNothing) {
            return StoreFuture::ready(Ok(Requeued::Queued));
        }
        self.outbox.requeue(requeue)
    }

    fn list(&self, mut list: List) -> StoreFuture<Result<Page, StoreError>> {
        match self.fault {
            Fault::ListsEverything => list.endpoint = None,
            Fault::HasOnePage => list.after = None,
            _ => {}
        }
        let page = self.outbox.list(list).try_ready().unwrap();
        StoreFuture::ready(page.map(|mut page| {
            if self.is(Fault::HasOnePage) {
                page.next = None;
            }
            page
        }))
    }

    fn endpoint(&self, endpoint: EndpointId) -> StoreFuture<Result<EndpointState, StoreError>> {
        self.outbox.endpoint(endpoint)
    }

    fn change(&self, change: Change) -> StoreFuture<Result<(), StoreError>> {
        match (self.fault, change.to) {
            (Fault::PausesNothing, EndpointChange::Pause(_))
            | (Fault::DisablesNothing, EndpointChange::Disable(_)) => StoreFuture::ready(Ok(())),
            _ => self.outbox.change(change),
        }
    }

    fn purge(&self, mut purge: Purge) -> StoreFuture<Result<Purged, StoreError>> {
        match self.fault {
            Fault::PurgesNothing => return StoreFuture::ready(Ok(Purged::new(0, false))),
            Fault::PurgesAtOnce => purge.limit = usize::MAX,
            _ => {}
        }
        let endpoint = purge.endpoint.clone();
        let purged = self.outbox.purge(purge).try_ready().unwrap().unwrap();
        let change = |to| drop(self.outbox.change(Change::new(endpoint, to)));
        match self.fault {
            Fault::PurgesAndGoesOn if purged.more => change(EndpointChange::Enable),
            Fault::PurgesAndRemembers => change(EndpointChange::Disable(DisableReason::Manual)),
            _ => {}
        }
        StoreFuture::ready(Ok(purged))
    }
}
