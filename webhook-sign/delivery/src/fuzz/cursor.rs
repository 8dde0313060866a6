use std::collections::HashSet;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;
use stonework_webhook_sign::MessageId;

use crate::store::{
    Ack, Claim, Cursor, Dead, Enqueue, LeaseToken, List, MemoryOutbox, Outbox, Payload, Settled,
    StateKind, StoreError,
};
use crate::{DeadReason, DeliveryId, EndpointId};

/// Longer than it takes.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Endpoints of which one's name is the beginning of another's.
const ENDPOINTS: [&str; 3] = ["a", "ab", "b"];

fn endpoint(name: &str) -> EndpointId {
    EndpointId::new(name).expect("a name")
}

fn answered<T>(answer: Result<T, StoreError>) -> T {
    answer.unwrap_or_else(|error| panic!("the outbox answers: {error}"))
}

/// Puts records of some states into an outbox.
///
/// # Panics
///
/// When it does not answer.
pub async fn fill(outbox: &impl Outbox) {
    for (name, message) in ENDPOINTS.iter().flat_map(|name| ["m", "n", "o"].map(|m| (name, m))) {
        let id = DeliveryId::new(endpoint(name), MessageId::new(message)).expect("an id");
        let text = HeaderValue::from_static("text/plain");
        answered(
            outbox
                .enqueue(Enqueue::new(id, Payload::new(text, Bytes::new()).expect("a payload")))
                .await,
        );
    }
    let claim = Claim::new(LeaseToken::random(), 6, DAY, 2);
    for (at, leased) in answered(outbox.claim(claim).await).leased.into_iter().enumerate() {
        let dead = || Dead::new(leased.lease.clone(), DeadReason::Exhausted, DAY);
        match at {
            0 => assert!(is_done(outbox.ack(Ack::new(leased.lease, DAY)).await)),
            1 => assert!(is_done(outbox.dead(dead()).await)),
            _ => {}
        }
    }
}

fn is_done(settled: Result<Settled, StoreError>) -> bool {
    matches!(answered(settled), Settled::Done { .. })
}

/// Takes bytes for a place between two pages, in all kinds of lists. Says whether it leads anywhere.
///
/// # Panics
///
/// When a list from there has what was not asked for, or has something twice, or has no end.
pub async fn leads(outbox: &impl Outbox, bytes: &[u8]) -> bool {
    let mut leads = false;
    for of in std::iter::once(None).chain(ENDPOINTS.map(Some)) {
        for state in [None, Some(StateKind::Queued), Some(StateKind::Dead)] {
            let mut list = List::new(2).after(Cursor::from_bytes(bytes.to_vec()));
            (list.endpoint, list.state) = (of.map(endpoint), state);
            let mut found = HashSet::new();
            for pages in 0.. {
                assert!(pages < 100, "it has no end");
                let page = answered(outbox.list(list.clone()).await);
                for entry in page.entries {
                    assert!(of.is_none_or(|name| entry.id.endpoint().as_str() == name), "{of:?}");
                    assert!(state.is_none_or(|state| entry.state.kind() == state), "{state:?}");
                    assert!(found.insert(entry.id), "it is there twice");
                }
                let Some(next) = page.next else { break };
                list.after = Some(next);
            }
            leads |= !found.is_empty();
        }
    }
    leads
}

/// Reads bytes as a place in the lists of an outbox in memory.
///
/// # Panics
///
/// As [`leads`] does.
pub fn cursor(bytes: &[u8]) -> bool {
    let outbox = MemoryOutbox::new();
    let read = pin!(async {
        fill(&outbox).await;
        leads(&outbox, bytes).await
    });
    match read.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(leads) => leads,
        Poll::Pending => unreachable!("memory answers at once"),
    }
}
