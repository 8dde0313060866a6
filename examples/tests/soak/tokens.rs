//! Accounts that nobody has seen, each another key of the limits and another account with a version.

use std::time::Duration;

use super::flood::{Flood, account, new, random};
use super::setting::LIMIT;
use super::tally::Kind::Tokens;
use crate::support::Request;

const UNAUTHENTICATED: &str = "401 payments:unauthenticated";
const UNKNOWN: &str = "404 payments:unknown-route";
const LIMITED: &str = "429 quota-exceeded";
/// There is no room for one more account with a version of its own.
const NO_PIN: &str = "503 versioning:pin-unknown";

/// Sent at once.
const BATCH: usize = 32;
const CROWD: usize = 128;

/// Between two crowds, so that there is time for others.
const PAUSE: Duration = Duration::from_millis(100);

/// One request of each. Tokens that are none count for the address.
pub(crate) async fn fresh(flood: &Flood) {
    let mut client = flood.client().await;
    let mut allowed: Vec<&[&str]> = Vec::new();
    for _ in 0..BATCH {
        let of = account("token");
        let (request, answers): (_, &[&str]) = match random(8) {
            0..=2 => (Request::get("/account").account(&of), &["200", NO_PIN]),
            3 | 4 => (Request::get("/v2/account").account(&of), &["200"]),
            5 | 6 => (Request::get(&format!("/v2/{}", new())).account(&of), &[UNKNOWN]),
            _ => (Request::get("/v1/account").account(&of.repeat(2)), &[UNAUTHENTICATED, LIMITED]),
        };
        client.send(&request).await;
        allowed.push(answers);
    }
    for allowed in allowed {
        let reply = client.answer().await;
        flood.tally().answered(Tokens, &reply, allowed);
    }
}

/// A crowd of accounts, each of which begins with a version.
pub(crate) async fn pinned(flood: &Flood) {
    let mut client = flood.client().await;
    for _ in 0..CROWD {
        client.send(&Request::get(&format!("/{}", new())).account(&account("pinned"))).await;
    }
    for _ in 0..CROWD {
        let reply = client.answer().await;
        flood.tally().answered(Tokens, &reply, &[UNKNOWN, NO_PIN]);
    }
    tokio::time::sleep(PAUSE).await;
}

/// One that asks more often than it may.
pub(crate) async fn eager(flood: &Flood) {
    let (mut client, account) = (flood.client().await, account("eager"));
    let request = Request::get(&format!("/v1/{}", new())).account(&account);
    for _ in 0..LIMIT {
        flood.ask(Tokens, &mut client, &request, &[UNKNOWN]).await;
    }
    // It takes more than half a minute until there is one more.
    let mut limited = 0;
    for _ in 0..10 {
        let reply = flood.ask(Tokens, &mut client, &request, &[UNKNOWN, LIMITED]).await;
        limited += usize::from(reply.status == 429);
    }
    assert!(limited > 0, "more than {LIMIT} were let in");
}
