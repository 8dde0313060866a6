//! Pages of other origins, of which there is no end.

use super::flood::{Flood, account, new, random};
use super::tally::Kind::Origins;
use crate::support::{Reply, Request};

pub(crate) const ALLOWED: &str = "https://*.shop.example";

/// One that is allowed, or one that is not, and whether it is.
fn origin() -> (String, bool) {
    let new = new();
    match random(6) {
        0 | 1 => (format!("https://{new}.shop.example"), true),
        2 => (format!("https://{new}.shop.example.evil.example"), false),
        3 => (format!("http://{new}.shop.example"), false),
        4 => (format!("https://{}.example", new.repeat(30)), false),
        _ => (format!("null{new}://\u{e9}"), false),
    }
}

fn assert_read(reply: &Reply, origin: &str, is_allowed: bool) {
    let told: Vec<_> = reply.lines("access-control-allow-origin").collect();
    assert_eq!(told == [origin], is_allowed, "{origin}: {reply:?}");
    assert!(is_allowed || told.is_empty(), "{origin}: {reply:?}");
}

/// Preflights are not counted by limits, so one client can send as many as it likes.
pub(crate) async fn preflights(flood: &Flood) {
    let mut client = flood.client().await;
    for _ in 0..20 {
        let (origin, is_allowed) = origin();
        let asks = Request::new("OPTIONS", &format!("/v1/{}", new()))
            .header("origin", &origin)
            .header("access-control-request-method", "POST");
        let header = format!("x-{}", new());
        let (headers, is_allowed) = match random(4) {
            0 => (format!("{header},").repeat(50), false),
            1 => (format!("authorization,{header}"), false),
            _ => ("authorization,content-type,idempotency-key".to_owned(), is_allowed),
        };
        let asks = asks.header("access-control-request-headers", headers.trim_end_matches(','));
        let allowed = if is_allowed { "204" } else { "403" };
        flood.ask(Origins, &mut client, &asks, &[allowed]).await;
    }
}

pub(crate) async fn requests(flood: &Flood) {
    let (mut client, account) = (flood.client().await, account("page"));
    for _ in 0..10 {
        let (origin, is_allowed) = origin();
        let request = Request::get("/v1/account").account(&account).header("origin", &origin);
        let reply = flood.ask(Origins, &mut client, &request, &["200"]).await;
        assert_read(&reply, &origin, is_allowed);
    }
    let (origin, is_allowed) = origin();
    let stranger = Request::get("/v1/account").header("origin", &origin);
    let allowed = &["401 payments:unauthenticated", "429 quota-exceeded"];
    let reply = flood.ask(Origins, &mut client, &stranger, allowed).await;
    assert_read(&reply, &origin, is_allowed);
}
