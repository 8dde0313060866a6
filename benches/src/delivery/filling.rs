use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;
use stonework_webhook_delivery::store::{Ack, Claim, Enqueue, LeaseToken, Outbox, Payload};
use stonework_webhook_delivery::{DeliveryId, MessageId};
use tokio::task::JoinSet;

use super::{AT_ONCE, body, endpoint_id};

/// Endpoints of all messages.
const OWNERS: usize = 1_000;

/// What one claim leases.
const CLAIM: usize = 16;

/// Until a lease ends: not while anything is measured.
const HOUR: Duration = Duration::from_secs(60 * 60);

/// Puts so many messages into an outbox, each with an id and a body of its own.
///
/// # Panics
///
/// If it does not take them.
pub async fn fill(outbox: &Arc<dyn Outbox>, count: usize) {
    let mut senders = JoinSet::new();
    for first in 0..AT_ONCE {
        let outbox = Arc::clone(outbox);
        senders.spawn(async move {
            for number in (first..count).step_by(AT_ONCE) {
                enqueue_one(&*outbox, number).await;
            }
        });
    }
    senders.join_all().await;
}

/// Claims and acknowledges all of them, as workers do, but for the sending.
///
/// # Panics
///
/// If the outbox does not answer.
pub async fn deliver(outbox: &Arc<dyn Outbox>) {
    let mut workers = JoinSet::new();
    for _ in 0..AT_ONCE {
        let outbox = Arc::clone(outbox);
        workers.spawn(async move { while claim_and_ack(&*outbox, CLAIM).await > 0 {} });
    }
    workers.join_all().await;
}

/// One of them.
///
/// # Panics
///
/// If the outbox does not take it.
pub async fn enqueue_one(outbox: &dyn Outbox, number: usize) {
    outbox.enqueue(enqueue(number)).await.expect("it has room");
}

fn enqueue(number: usize) -> Enqueue {
    let id = DeliveryId::new(endpoint_id(number % OWNERS), MessageId::random());
    let json = HeaderValue::from_static("application/json");
    let body = Bytes::copy_from_slice(&body());
    Enqueue::new(id.expect("it is an id"), Payload::new(json, body).expect("it is short"))
}

/// One of them.
///
/// # Panics
///
/// If there is none.
pub async fn deliver_one(outbox: &dyn Outbox) {
    assert_eq!(claim_and_ack(outbox, 1).await, 1, "there is one");
}

/// So many at most. How many there were.
async fn claim_and_ack(outbox: &dyn Outbox, max: usize) -> usize {
    let claim = Claim::new(LeaseToken::random(), max, HOUR, u32::MAX);
    let leased = outbox.claim(claim).await.expect("it answers").leased;
    let count = leased.len();
    for leased in leased {
        outbox.ack(Ack::new(leased.lease, 24 * HOUR)).await.expect("it answers");
    }
    count
}
