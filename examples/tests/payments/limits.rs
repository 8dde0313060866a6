//! How much a client may ask for.

use std::sync::Arc;

use crate::support::{Request, Service, refuses_to_start, until};
use crate::{problem, rent};

/// A service that lets no request through for the rest of the test, once so many were.
fn limited(rate: &str) -> Service {
    Service::with(&[("RATE_LIMIT", rate)])
}

fn account(name: &str) -> Request {
    Request::get("/v1/account").account(name)
}

fn stranger() -> Request {
    Request::get("/v1/account")
}

#[tokio::test]
async fn so_many_requests_pass_and_the_next_is_told_to_wait() {
    let service = limited("3/h");
    for left in [2, 1, 0] {
        let reply = service.ask(&account("alice")).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        assert_eq!(reply.header("ratelimit-policy"), Some(r#""requests";q=3;w=3600"#));
        let standing = reply.header("ratelimit").expect("how the client stands");
        assert!(standing.starts_with(&format!(r#""requests";r={left};t="#)), "{standing}");
    }
    let denied = service.ask(&account("alice")).await;
    denied.assert_limited();
    assert_eq!(denied.header("ratelimit-policy"), Some(r#""requests";q=3;w=3600"#));
    // Whatever it asks for.
    service.ask(&rent()).await.assert_limited();
    service.ask(&rent().key("k")).await.assert_limited();
}

#[tokio::test]
async fn who_waits_is_served_again() {
    let service = limited("1/s");
    until("a request is denied", async || service.ask(&account("alice")).await.status == 429).await;
    until("a request passes", async || service.ask(&account("alice")).await.status == 200).await;
}

#[tokio::test]
async fn each_account_has_its_own_limit() {
    let service = limited("1/h");
    for name in ["alice", "bob"] {
        assert_eq!(service.ask(&account(name)).await.status, 200);
        service.ask(&account(name)).await.assert_limited();
    }
    assert_eq!(service.ask(&stranger()).await.status, 401);
}

#[tokio::test]
async fn strangers_count_before_they_are_turned_away() {
    let service = limited("3/h");
    for _ in 0..3 {
        let reply = service.ask(&stranger()).await;
        reply.assert_problem(401, &problem("unauthenticated"));
        assert!(reply.header("ratelimit").is_some(), "{reply:?}");
    }
    service.ask(&stranger()).await.assert_limited();
    // What is no account makes no difference.
    for value in ["Bearer a.b", "Bearer", "Basic YTpi", "alice"] {
        service.ask(&stranger().header("authorization", value)).await.assert_limited();
    }
    // An account does, and does not help a stranger either.
    assert_eq!(service.ask(&account("alice")).await.status, 200);
    service.ask(&stranger()).await.assert_limited();
}

#[tokio::test]
async fn no_header_makes_somebody_else_of_a_client() {
    let service = limited("1/h");
    assert_eq!(service.ask(&stranger()).await.status, 401);
    for (name, value) in [
        ("x-forwarded-for", "203.0.113.9"),
        ("x-forwarded-for", "203.0.113.9, 127.0.0.1"),
        ("forwarded", "for=203.0.113.9"),
        ("x-real-ip", "203.0.113.9"),
        ("cf-connecting-ip", "203.0.113.9"),
    ] {
        service.ask(&stranger().header(name, value)).await.assert_limited();
    }
}

#[tokio::test]
async fn callers_of_webhooks_count_by_address_whoever_they_say_they_are() {
    let service = limited("2/h");
    let hook = |path: &str, name: &str| Request::new("POST", path).account(name);
    for name in ["alice", "bob"] {
        let reply = service.ask(&hook("/webhooks/bank", name)).await;
        reply.assert_problem(404, &problem("unknown-route"));
    }
    service.ask(&hook("/webhooks/bank", "carol")).await.assert_limited();
    service.ask(&hook("/webhooks/post?from=alice", "alice")).await.assert_limited();
    service.ask(&stranger()).await.assert_limited();
    assert_eq!(service.ask(&account("alice")).await.status, 200);
}

#[tokio::test]
async fn what_is_not_there_counts_too() {
    let service = limited("2/h");
    for (method, path, status) in [("GET", "/v1/nothing", 404), ("PUT", "/v1/transfers", 405)] {
        let reply = service.ask(&Request::new(method, path).account("alice")).await;
        assert_eq!(reply.status, status, "{reply:?}");
    }
    service.ask(&Request::get("/v1/nothing").account("alice")).await.assert_limited();
}

/// The page that made the browser ask does not know of it.
#[tokio::test]
async fn a_browsers_preflight_is_not_counted() {
    let service = limited("1/h");
    let options = || Request::new("OPTIONS", "/v1/transfers");
    for (origin, status) in [("http://localhost:5173", 204), ("https://app.example.com", 403)] {
        let preflight =
            options().header("origin", origin).header("access-control-request-method", "POST");
        for _ in 0..3 {
            assert_eq!(service.ask(&preflight).await.status, status);
        }
    }
    assert_eq!(service.ask(&options()).await.status, 401, "any other OPTIONS is a request");
    service.ask(&options()).await.assert_limited();
}

#[tokio::test]
async fn fifty_requests_at_once_are_counted_one_by_one() {
    let service = Arc::new(limited("5/h"));
    let asked: Vec<_> = (0..50)
        .map(|_| {
            let service = Arc::clone(&service);
            tokio::spawn(async move { service.ask(&account("alice")).await })
        })
        .collect();
    let mut passed = 0;
    for reply in asked {
        let reply = reply.await.expect("an answer");
        if reply.status == 200 {
            passed += 1;
        } else {
            reply.assert_limited();
        }
    }
    assert_eq!(passed, 5);
}

/// A recorded answer does not tell how the client stood when it was made.
#[tokio::test]
async fn a_replay_counts_and_tells_of_the_limit_as_it_is_now() {
    let service = limited("5/h");
    for left in [4, 3] {
        let reply = service.ask(&rent().key("k")).await;
        assert_eq!((reply.status, reply.is_replay()), (201, left == 3), "{reply:?}");
        let standings: Vec<_> = reply.lines("ratelimit").collect();
        assert_eq!(standings.len(), 1, "{standings:?}");
        assert!(standings[0].starts_with(&format!(r#""requests";r={left};"#)), "{standings:?}");
        assert_eq!(reply.lines("ratelimit-policy").count(), 1, "{reply:?}");
    }
}

#[tokio::test]
async fn the_largest_rate_and_none_at_all_leave_clients_alone() {
    for rate in ["4294967295/h", "4294967295/s", "007/h", ""] {
        let service = limited(rate);
        for _ in 0..7 {
            assert_eq!(service.ask(&account("alice")).await.status, 200, "{rate:?}");
        }
    }
}

#[tokio::test]
async fn a_limit_that_a_flood_may_reset_is_warned_of() {
    for (rate, warned) in [("3/h", true), ("3/m", false)] {
        let service = limited(rate);
        service.terminate();
        let (code, _, errors) = service.ended().await;
        assert_eq!(code, Some(0), "{errors}");
        assert_eq!(errors.contains("requests"), warned, "{rate}: {errors}");
    }
}

#[test]
fn a_rate_must_make_sense() {
    for value in [
        "0/s",
        "-1/s",
        "+1/s",
        "1 /s",
        " 1/s",
        "1/s ",
        "5",
        "5/",
        "/s",
        "/",
        "5/d",
        "5/S",
        "5/sec",
        "1.5/s",
        "1e3/s",
        "0x5/s",
        "1/s/s",
        "4294967296/s",
        "٣/s",
        "many",
    ] {
        let (code, message) = refuses_to_start(&[("PORT", "0"), ("RATE_LIMIT", value)]);
        assert_eq!(code, Some(2), "{value}: {message}");
        for part in ["RATE_LIMIT", &format!("{value:?}"), "N/s", "4294967295"] {
            assert!(message.contains(part), "{value}: {message}");
        }
    }
}
