//! Idempotency keys: new ones, known ones, two at once, and what is none.

use super::flood::{Flood, account, new, random};
use super::tally::FULL;
use super::tally::Kind::Keys;
use crate::support::{Reply, Request};

const IN_FLIGHT: &str = "409 idempotency:in-flight";
const MALFORMED: &str = "400 idempotency:key-malformed";
const POOR: &str = "402 payments:insufficient-funds";
const REUSED: &str = "422 idempotency:key-reused";
/// What is kept of an answer has lost its body when there was no room for that.
const ANSWERED: &[&str] = &["201", "402", POOR, FULL];

/// An order under a key, and what was answered.
#[derive(Clone)]
pub(crate) struct Paid {
    request: Request,
    answer: Reply,
}

/// Most are for more than there is: answers that are kept as others are, and take no time of the disk.
fn order() -> Request {
    let amount = if random(8) == 0 { 1 } else { 5_000 };
    Request::transfer(&format!(r#"{{"to":"{}","amount":{amount}}}"#, new()))
}

fn made(flood: &Flood, reply: &Reply) {
    if reply.status == 201 && !reply.is_replay() {
        flood.tally().count_made();
    }
}

/// A key that was never there, sent again as it was and with another order; and what is no key.
pub(crate) async fn fresh(flood: &Flood) {
    let (mut client, account) = (flood.client().await, account("keys"));
    let request = order().account(&account).key(&new());
    let first = flood.ask(Keys, &mut client, &request, &["201", POOR, FULL]).await;
    made(flood, &first);
    let again = flood.ask(Keys, &mut client, &request, ANSWERED).await;
    made(flood, &again);
    if first.status != 503 {
        assert!(again.is_replay(), "{again:?}");
        assert_eq!(again.status, first.status);
        assert!(again.body.is_empty() || again.json == first.json, "{again:?} {first:?}");
        let other = request.clone().body(r#"{"to":"eve","amount":2}"#);
        flood.ask(Keys, &mut client, &other, &[REUSED]).await;
        flood.paid.put(Paid { request, answer: first });
    }
    let release = order().account(&account).key(&new()).body("{");
    flood.ask(Keys, &mut client, &release, &["400 versioning:body-malformed", FULL]).await;
    let huge = "k".repeat(256 + random(8_000));
    for key in [&*huge, "\"", "a b", "\"\"", "k\u{e9}y"] {
        let request = order().account(&account).key(key);
        flood.ask(Keys, &mut client, &request, &[MALFORMED]).await;
    }
}

/// A key that was there a while ago. When it is forgotten, it is a new one.
pub(crate) async fn known(flood: &Flood) {
    let mut client = flood.client().await;
    for _ in 0..10 {
        let Some(Paid { request, answer }) = flood.paid.any() else {
            return tokio::task::yield_now().await;
        };
        let allowed = [ANSWERED, &[IN_FLIGHT, "429 quota-exceeded"]].concat();
        let reply = flood.ask(Keys, &mut client, &request, &allowed).await;
        made(flood, &reply);
        if reply.is_replay() {
            assert_eq!(reply.status, answer.status, "{reply:?}");
            // It is of this order, though it may be that of a later run.
            let is_of_it = reply.json["to"] == answer.json["to"];
            assert!(reply.body.is_empty() || is_of_it, "{reply:?} {answer:?}");
        }
    }
}

/// Two of the same at once: one is made, and the other is told so.
pub(crate) async fn racing(flood: &Flood) {
    let (mut one, mut two) = (flood.client().await, flood.client().await);
    let request = order().account(&account("race")).key(&new());
    let allowed = [ANSWERED, &[IN_FLIGHT]].concat();
    let (first, second) = tokio::join!(
        flood.ask(Keys, &mut one, &request, &allowed),
        flood.ask(Keys, &mut two, &request, &allowed),
    );
    for reply in [&first, &second] {
        made(flood, reply);
    }
    let runs = [first, second];
    let runs = runs.iter().filter(|reply| matches!(reply.status, 201 | 402) && !reply.is_replay());
    assert!(runs.count() <= 1, "it ran twice");
}
