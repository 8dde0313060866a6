//! How much a client may ask for.
//!
//! Two limits, at two places. **Requests** are counted before anything is read, so that what cannot be parsed, or is too
//! dear, or is refused for any other reason, has its price too: one request. **Points** are what a query costs, and are
//! charged before it runs: whoever has not enough is told so, and nothing is done.
//!
//! When a query has been answered, what its answer does not have is given back. So one may ask for a hundred of a list
//! that has three, and pays for three. A query that fails is not corrected: one that reads a lot and fails at its
//! end would be free. Nor is a write. And no query costs less than a point for each of its fields, which had to be looked
//! at, even to find out that it cannot run. A mutation whose recorded answer is given again costs no points.
//!
//! GitHub refuses what is over its node limit when it validates a query, whatever the client has left, and charges a
//! query at least one point. So it is here: what costs more than the bucket ever holds is refused without being charged,
//! as waiting would not help, and it has been counted as a request.

use stonework_core::{NotExecuted, RequestHead};
use stonework_ratelimit::{ClientIp, Key, Policy, RateLimitLayer};

use crate::account::{self, Account};
use crate::env::{Failure, Rate};
use crate::execute::LookedAt;
use crate::read::Priced;
use crate::refusal;

/// What the idempotency layer says of an answer that is given again.
const REPLAYED: &str = "idempotent-replayed";

/// Before anything is read: for the account, or the address of those who have none.
pub(crate) fn requests(rate: Rate) -> Result<RateLimitLayer, Failure> {
    let policy = Policy::new("requests").rate(rate.many).per(rate.per).key(client);
    let layer = RateLimitLayer::builder().policy(policy).render(|_, problem, head| {
        // Nobody has looked at it, so it does not count as understood.
        refusal::answer(problem, head, false)
    });
    layer.build().map_err(|errors| Failure::Config(errors.to_string()))
}

/// When the price is known.
pub(crate) fn points(rate: Rate) -> Result<RateLimitLayer, Failure> {
    let policy = Policy::new("points").rate(rate.many).per(rate.per).key(account::owner);
    let layer = RateLimitLayer::builder()
        .policy(policy.cost_with(|head| Priced::of(head).points()))
        // `execute` says what it was in the end.
        .adjustable(true)
        .refund_when(|response| {
            let extensions = &response.extensions;
            let is_refused = extensions.get::<NotExecuted>().is_some();
            (is_refused && extensions.get::<LookedAt>().is_none())
                || response.headers.contains_key(REPLAYED)
        })
        .render(|_, problem, head| refusal::answer(problem, head, true));
    layer.build().map_err(|errors| Failure::Config(errors.to_string()))
}

fn client(head: &RequestHead<'_>) -> Option<Key> {
    match head.extensions.get::<Account>() {
        Some(account) => Some(key(b'a', account.name().as_bytes())),
        // Of the one who connects: no header is believed.
        None => ClientIp::peer().key(head).map(|address| key(b'i', address.as_bytes())),
    }
}

/// Keys of another kind are other keys, whatever an account calls itself.
fn key(kind: u8, of: &[u8]) -> Key {
    Key::copy_from_slice(&[&[kind], of].concat())
}
