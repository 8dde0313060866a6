use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;
use stonework_webhook_sign::MessageId;
use uuid::Uuid;

use super::{LONG, Store};
use crate::store::{
    Ack, Change, Claim, Dead, EndpointChange, EndpointEffect, Enqueue, Enqueued, Entry, Lease,
    LeaseToken, Leased, List, Outbox, Payload, Retry, Settled,
};
use crate::{DeadReason, DeliveryId, DisableReason, EndpointId, OrderKey};

/// Some endpoints that nobody has heard of, in an outbox where nothing else is due.
pub(super) struct Case<'s> {
    pub(super) store: &'s dyn Outbox,
    pub(super) endpoints: [EndpointId; 3],
}

pub(super) fn answered<T, E: std::fmt::Debug>(answer: Result<T, E>) -> T {
    answer.expect("the outbox answers")
}

impl<'s> Case<'s> {
    pub(super) fn new(store: &'s Store) -> Self {
        let id = Uuid::new_v4().simple();
        let endpoint = |name| EndpointId::new(format!("{name}-{id}")).expect("a name");
        Self { store, endpoints: ["a", "b", "c"].map(endpoint) }
    }

    /// Nothing of this is claimed any more.
    pub(super) async fn end(self) {
        for endpoint in &self.endpoints {
            self.change(endpoint, EndpointChange::Disable(DisableReason::Manual)).await;
        }
    }

    pub(super) fn id(&self, endpoint: usize, message: &str) -> DeliveryId {
        let message = MessageId::new(message);
        DeliveryId::new(self.endpoints[endpoint].clone(), message).expect("an id")
    }

    pub(super) fn new_message(&self, endpoint: usize, message: &str) -> Enqueue {
        let body = Bytes::from(format!("the body of {message}"));
        let text = HeaderValue::from_static("text/plain");
        Enqueue::new(self.id(endpoint, message), Payload::new(text, body).expect("a short type"))
    }

    pub(super) async fn enqueue_as(&self, enqueue: Enqueue) -> Enqueued {
        answered(self.store.enqueue(enqueue).await)
    }

    /// A message that is not there yet.
    pub(super) async fn enqueue(&self, endpoint: usize, message: &str) {
        let enqueued = self.enqueue_as(self.new_message(endpoint, message)).await;
        // The second of two that are sent finds that of the first.
        assert!(is_there(enqueued), "there is room for a new message, and not {enqueued:?}");
    }

    pub(super) async fn enqueue_in_order(&self, endpoint: usize, message: &str, order: &str) {
        let mut enqueue = self.new_message(endpoint, message);
        enqueue.order = Some(OrderKey::new(order).expect("a name"));
        assert!(is_there(self.enqueue_as(enqueue).await));
    }

    pub(super) async fn claim_for(
        &self,
        token: LeaseToken,
        max: usize,
        lease: Duration,
        per_endpoint: u32,
    ) -> Vec<Leased> {
        let claim = Claim::new(token, max, lease, per_endpoint);
        answered(self.store.claim(claim).await).leased
    }

    pub(super) async fn claim(&self, max: usize) -> Vec<Leased> {
        self.claim_for(LeaseToken::random(), max, LONG, 1_000).await
    }

    /// Claims all that is due, and says which messages that was.
    pub(super) async fn claim_names(&self) -> Vec<String> {
        names(&self.claim(100).await)
    }

    /// Claims the one message that is due.
    pub(super) async fn claim_one(&self, lease: Duration) -> Leased {
        let mut leased = self.claim_for(LeaseToken::random(), 100, lease, 1_000).await;
        assert_eq!(leased.len(), 1, "one message is due: {:?}", names(&leased));
        leased.remove(0)
    }

    pub(super) async fn ack(&self, lease: &Lease) -> Settled {
        answered(self.store.ack(Ack::new(lease.clone(), LONG)).await)
    }

    pub(super) async fn retry(&self, lease: &Lease, after: Duration) -> Settled {
        answered(self.store.retry(Retry::new(lease.clone(), after)).await)
    }

    pub(super) async fn retry_with(&self, lease: &Lease, effect: EndpointEffect) -> Settled {
        let retry = Retry { effect, ..Retry::new(lease.clone(), Duration::ZERO) };
        answered(self.store.retry(retry).await)
    }

    pub(super) async fn dead(&self, lease: &Lease) -> Settled {
        let dead = Dead::new(lease.clone(), DeadReason::Exhausted, LONG);
        answered(self.store.dead(dead).await)
    }

    pub(super) async fn change(&self, endpoint: &EndpointId, to: EndpointChange) {
        answered(self.store.change(Change::new(endpoint.clone(), to)).await);
    }

    /// All records of an endpoint.
    pub(super) async fn list(&self, endpoint: usize) -> Vec<Entry> {
        let list = List::new(500).of(self.endpoints[endpoint].clone());
        answered(self.store.list(list).await).entries
    }
}

pub(super) fn is_there(enqueued: Enqueued) -> bool {
    matches!(enqueued, Enqueued::Queued | Enqueued::Duplicate)
}

pub(super) fn is_done(settled: Settled) -> bool {
    matches!(settled, Settled::Done(_))
}

pub(super) fn names(leased: &[Leased]) -> Vec<String> {
    let name = |leased: &Leased| leased.lease.id.message().as_str().to_owned();
    leased.iter().map(name).collect()
}
