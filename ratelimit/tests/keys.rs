//! Whom a request is counted for, and what becomes of one that does not say.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.
#![cfg(feature = "memory")]

mod support;

use http::{Request, StatusCode};
use stonework_ratelimit::{
    ClientIp, Decision, ForwardedBy, Key, MissingKey, PeerAddr, Policy, RateLimitLayer, Rejection,
};
use support::app::{App, Incoming, by, get, granted, ok, send, with};
use support::limits::{SECOND, left, over, policy, still};

/// One token, and no more while the clock stands still.
fn once(policy: impl FnOnce(Policy) -> Policy) -> App {
    let (_, store) = still();
    ok(over(&store).policy(policy(Policy::new("once").rate(1).per(SECOND))))
}

/// Requests without a key, or with one that is none.
fn keyless() -> [Incoming; 4] {
    [
        get("/"),
        by(""),
        with(Request::get("/").header("x-key", "a").header("x-key", "a")),
        with(Request::get("/").header("x-key", "a").header("x-key", "b")),
    ]
}

#[tokio::test]
async fn a_request_without_a_key_is_rejected_and_nobody_pays() {
    let (_, store) = still();
    let app = ok(over(&store).policy(policy("first").key_global()).policy(policy("second")));
    for request in keyless() {
        let answer = send(&app, request).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert_eq!(answer.rejection(), Rejection::KeyMissing);
        assert_eq!(answer.header("retry-after"), None);
    }
    assert_eq!(left(&store, "first", ""), 5);
}

#[tokio::test]
async fn a_request_without_a_key_may_pass_and_is_then_not_limited() {
    let app = once(|policy| policy.key_header("x-key").on_missing_key(MissingKey::Skip));
    for request in keyless() {
        let answer = send(&app, request).await;
        assert!(answer.is_ok() && answer.extensions.get::<Decision>().is_none());
    }
    assert_eq!(granted(&app, 2, "a").await, 1);
}

#[tokio::test]
async fn requests_without_a_key_may_share_a_bucket_that_is_nobody_elses() {
    let app = once(|policy| policy.key_header("x-key").on_missing_key(MissingKey::Share));
    let mut statuses = Vec::new();
    for request in keyless() {
        statuses.push(send(&app, request).await.status.as_u16());
    }
    assert_eq!(statuses, [200, 429, 429, 429]);
    assert_eq!(granted(&app, 2, "a").await, 1);
}

#[tokio::test]
async fn a_key_is_what_a_closure_or_an_extension_says() {
    #[derive(Clone)]
    struct Account(u64);

    let by_path =
        once(|policy| policy.key(|head| head.uri.path().strip_prefix("/tenants/").map(Key::from)));
    assert!(send(&by_path, get("/tenants/a")).await.is_ok());
    assert!(send(&by_path, get("/tenants/b")).await.is_ok());
    assert!(!send(&by_path, get("/tenants/a")).await.is_ok());
    assert_eq!(send(&by_path, get("/")).await.rejection(), Rejection::KeyMissing);
    assert_eq!(send(&by_path, get("/tenants/")).await.rejection(), Rejection::KeyMissing);

    let by_account = once(|policy| policy.key_extension(|account: &Account| Key::from(account.0)));
    let of = |account| with(Request::get("/").extension(Account(account)));
    assert!(send(&by_account, of(1)).await.is_ok());
    assert!(send(&by_account, of(2)).await.is_ok());
    assert!(!send(&by_account, of(1)).await.is_ok());
    assert_eq!(send(&by_account, get("/")).await.rejection(), Rejection::KeyMissing);
}

#[tokio::test]
async fn keys_of_any_length_and_any_bytes_are_told_apart() {
    let app = once(|policy| policy.key_header("x-key"));
    let long = "x".repeat(7_000);
    for key in [long.clone(), format!("{long}y"), "ü\u{1f600}".to_owned(), " a b ".to_owned()] {
        let request = || with(Request::get("/").header("x-key", key.as_bytes()));
        assert!(send(&app, request()).await.is_ok());
        assert_eq!(send(&app, request()).await.rejection(), Rejection::QuotaExceeded);
    }
}

/// A request over a connection from this address.
fn from(peer: &str, headers: &[(&str, &str)]) -> Incoming {
    let mut request = Request::get("/").extension(PeerAddr(peer.parse().unwrap()));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    with(request)
}

/// Does the second request come from the same client as the first?
async fn same(clients: ClientIp, one: Incoming, two: Incoming) -> bool {
    let app = once(|policy| policy.key_ip(clients));
    assert!(send(&app, one).await.is_ok());
    let second = send(&app, two).await;
    if !second.is_ok() {
        assert_eq!(second.rejection(), Rejection::QuotaExceeded);
    }
    !second.is_ok()
}

#[tokio::test]
async fn without_trusted_proxies_no_header_changes_who_a_client_is() {
    let spoofed = [("x-forwarded-for", "6.6.6.6"), ("forwarded", "for=6.6.6.6")];
    let [one, two] = [from("192.0.2.1:1", &[]), from("192.0.2.1:2", &spoofed)];
    assert!(same(ClientIp::peer(), one, two).await);
    let [one, two] = [from("192.0.2.1:1", &spoofed), from("192.0.2.2:1", &spoofed)];
    assert!(!same(ClientIp::peer(), one, two).await);
}

#[tokio::test]
async fn behind_a_proxy_what_the_client_adds_on_the_left_changes_nothing() {
    let clients = || ClientIp::peer().trust(["10.0.0.0/8"]);
    let through = |chain: &[(&'static str, &str)]| from("10.0.0.1:9", chain);
    let honest = || through(&[("x-forwarded-for", "192.0.2.1")]);
    for spoofed in [
        &[("x-forwarded-for", "6.6.6.6, 192.0.2.1")][..],
        &[("x-forwarded-for", "10.0.0.7, 192.0.2.1")],
        &[("x-forwarded-for", "unknown, , 192.0.2.1:4711")],
        &[("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "::ffff:192.0.2.1")],
        &[("x-forwarded-for", "192.0.2.1, 10.9.9.9")],
        &[("x-forwarded-for", "192.0.2.1"), ("forwarded", "for=6.6.6.6"), ("x-real-ip", "6.6.6.6")],
    ] {
        assert!(same(clients(), honest(), through(spoofed)).await, "{spoofed:?}");
    }
    let other = through(&[("x-forwarded-for", "192.0.2.1, 192.0.2.2")]);
    assert!(!same(clients(), honest(), other).await);
    let direct = from("192.0.2.9:1", &[("x-forwarded-for", "192.0.2.1")]);
    assert!(!same(clients(), honest(), direct).await, "who is no proxy speaks for itself only");
}

#[tokio::test]
async fn hops_are_counted_from_the_right() {
    let clients = || ClientIp::peer().trust_hops(2);
    let through = |chain: &str| from("203.0.113.9:9", &[("x-forwarded-for", chain)]);
    assert!(
        same(clients(), through("192.0.2.1, 1.1.1.1"), through("6.6.6.6, 192.0.2.1, 2.2.2.2"))
            .await
    );
    assert!(!same(clients(), through("192.0.2.1, 1.1.1.1"), through("192.0.2.2, 1.1.1.1")).await);
}

#[tokio::test]
async fn the_header_that_is_not_named_is_never_looked_at() {
    let clients = || ClientIp::peer().trust(["10.0.0.0/8"]).header(ForwardedBy::Forwarded);
    let one = from("10.0.0.1:1", &[("forwarded", "for=192.0.2.1")]);
    let two = [("forwarded", r#"for=6.6.6.6, for="192.0.2.1:80""#), ("x-forwarded-for", "7.7.7.7")];
    assert!(same(clients(), one, from("10.0.0.1:1", &two)).await);
}

#[tokio::test]
async fn an_ipv6_client_cannot_move_within_its_network() {
    let [one, two] = [from("[2001:db8:0:1::1]:1", &[]), from("[2001:db8:0:1:ffff::2]:1", &[])];
    assert!(same(ClientIp::peer(), one, two).await);
    let [one, two] = [from("[2001:db8:0:1::1]:1", &[]), from("[2001:db8:0:2::1]:1", &[])];
    assert!(!same(ClientIp::peer(), one, two).await);
    let [one, two] = [from("[2001:db8:0:1::1]:1", &[]), from("[2001:db8:0:2::1]:1", &[])];
    assert!(same(ClientIp::peer().v6_prefix(56), one, two).await);
    let [one, two] = [from("[::ffff:192.0.2.1]:1", &[]), from("192.0.2.1:1", &[])];
    assert!(same(ClientIp::peer(), one, two).await);
}

#[tokio::test]
async fn a_server_that_does_not_tell_the_address_is_broken_and_says_so() {
    let spoofed = || with(Request::get("/").header("x-forwarded-for", "192.0.2.1"));
    let clients = || ClientIp::peer().trust(["10.0.0.0/8"]);
    let answer = send(&once(|policy| policy.key_ip(clients())), spoofed()).await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(answer.rejection(), Rejection::AddressUnknown);
    let concurrency = stonework_ratelimit::Concurrency::new("c").at_most(1).key_ip(clients());
    let answer = send(&ok(RateLimitLayer::builder().concurrency(concurrency)), spoofed()).await;
    assert_eq!(answer.rejection(), Rejection::AddressUnknown);

    let skip = once(|policy| policy.key_ip(clients()).on_missing_key(MissingKey::Skip));
    let share = once(|policy| policy.key_ip(clients()).on_missing_key(MissingKey::Share));
    let mut statuses = Vec::new();
    for app in [&skip, &skip, &share, &share] {
        statuses.push(send(app, spoofed()).await.status.as_u16());
    }
    assert_eq!(statuses, [200, 200, 200, 429]);
}
