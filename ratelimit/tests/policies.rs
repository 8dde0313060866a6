//! What policies do together, what requests cost, what is only watched, and what is passed over.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.
#![cfg(feature = "memory")]

mod support;

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::Full;
use stonework_ratelimit::{Decision, Key, Policy, RateLimitLayer, Rejection, RequestHead};
use support::app::{Answer, Incoming, app, by, count, counting, get, granted, ok, send, with};
use support::limits::{SECOND, left, left_of, over, policy, quota_of, still};

#[tokio::test]
async fn a_denial_by_one_policy_charges_none_and_names_only_it() {
    let (clock, store) = still();
    let app = ok(over(&store).policy(policy("wide")).policy(policy("narrow").burst(2)));
    assert_eq!(granted(&app, 4, "alice").await, 2);
    assert_eq!(left(&store, "wide", "alice"), 3, "the denials were free");
    let denied = send(&app, by("alice")).await;
    assert!(denied.text().ends_with(r#""violated-policies":["narrow"]}"#), "{}", denied.text());
    assert_eq!(denied.header("ratelimit"), Some(r#""narrow";r=0;t=1"#));
    let standings = denied.decision().standings();
    let exceeded: Vec<_> = standings.iter().map(|s| (s.policy(), s.is_exceeded())).collect();
    assert_eq!(exceeded, [("wide", false), ("narrow", true)]);
    clock.advance(2 * SECOND);
    assert_eq!(left(&store, "wide", "alice"), 5);
}

#[tokio::test]
async fn all_that_were_exceeded_are_named_in_order_and_the_longest_wait_is_told() {
    let (_, store) = still();
    let slow = policy("slow").per(60 * SECOND).burst(1);
    let app = ok(over(&store)
        .policy(policy("b").burst(1))
        .policy(policy("fits"))
        .policy(policy("a").burst(1))
        .policy(slow));
    assert_eq!(granted(&app, 1, "alice").await, 1);
    let denied = send(&app, by("alice")).await;
    assert!(denied.text().ends_with(r#""violated-policies":["b","a","slow"]}"#));
    assert_eq!(denied.header("retry-after"), Some("60"));
}

#[tokio::test]
async fn a_policy_concerns_whom_it_is_for() {
    let (_, store) = still();
    let writes = policy("writes").burst(1).only(|head| head.method == Method::POST);
    let app = ok(over(&store).policy(writes));
    assert_eq!(granted(&app, 9, "alice").await, 9, "reads are not limited");
    let post = || with(Request::post("/").header("x-key", "alice"));
    let first = send(&app, post()).await;
    assert_eq!(first.decision().standings().len(), 1);
    assert_eq!(send(&app, post()).await.status, StatusCode::TOO_MANY_REQUESTS);
    let read = send(&app, by("alice")).await;
    assert!(read.extensions.get::<Decision>().is_none() && read.header("ratelimit").is_none());
}

#[tokio::test]
async fn a_request_costs_what_its_policy_says() {
    let (_, store) = still();
    assert_eq!(granted(&ok(over(&store).policy(policy("a").cost(2))), 5, "alice").await, 2);
    assert_eq!(left(&store, "a", "alice"), 1);
    let by_header = |head: &RequestHead<'_>| {
        let cost = head.headers.get("x-cost").and_then(|cost| cost.to_str().ok());
        cost.and_then(|cost| cost.parse().ok()).unwrap_or(1)
    };
    let app = ok(over(&store).policy(policy("b").cost_with(by_header)));
    let costing =
        |cost: &str| with(Request::get("/").header("x-key", "bob").header("x-cost", cost));
    assert!(send(&app, costing("4")).await.is_ok());
    let denied = send(&app, costing("3")).await;
    assert_eq!(denied.header("retry-after"), Some("2"), "one is there");
    assert!(send(&app, costing("1")).await.is_ok());
    for _ in 0..3 {
        let free = send(&app, costing("0")).await;
        assert!(free.is_ok(), "what costs nothing is granted by an empty bucket");
        assert_eq!(free.decision().standings()[0].remaining(), 0);
    }
}

#[tokio::test]
async fn what_costs_more_than_there_ever_is_is_not_told_to_come_back() {
    let (_, store) = still();
    let (runs, handler) = counting();
    let huge = policy("b").cost_with(|_| u32::MAX);
    let app = app(&over(&store).policy(policy("a")).policy(huge).build().unwrap(), handler);
    let answer = send(&app, by("alice")).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.rejection(), Rejection::CostTooHigh);
    assert!(answer.text().contains(r#""type":"urn:stonework:ratelimit:cost-too-high""#));
    assert_eq!(answer.header("retry-after"), None);
    assert_eq!((count(&runs), left(&store, "a", "alice")), (0, 5), "and it charges nothing");
}

#[tokio::test]
async fn the_largest_numbers_are_counted_right() {
    const YEAR: Duration = Duration::from_secs(365 * 86_400);
    let (clock, store) = still();
    let yearly = Policy::new("yearly").rate(u32::MAX).per(YEAR).key_global();
    let app = ok(over(&store).policy(yearly.cost(u32::MAX)));
    assert!(send(&app, get("/")).await.is_ok());
    let denied = send(&app, get("/")).await;
    assert_eq!(denied.header("retry-after"), Some("31536000"));
    clock.advance(YEAR);
    assert!(send(&app, get("/")).await.is_ok());
}

#[tokio::test]
async fn three_a_second_are_three_in_every_second() {
    let (clock, store) = still();
    let app = ok(over(&store).policy(policy("thirds").rate(3).burst(1)));
    let mut total = 0;
    for _ in 0..300 {
        total += granted(&app, 1, "alice").await;
        clock.advance(Duration::from_nanos(333_333_333));
        assert_eq!(granted(&app, 1, "alice").await, 0, "a third of a nanosecond is missing");
        clock.advance(Duration::from_nanos(1));
    }
    assert_eq!(total, 300);
}

#[tokio::test]
async fn a_shadow_counts_and_never_denies_and_only_the_hook_sees_it() {
    let (_, store) = still();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let hook = {
        let seen = Arc::clone(&seen);
        move |decision: &Decision, _: &RequestHead<'_>| {
            let of = |s: &stonework_ratelimit::Standing| (s.is_shadow(), s.is_exceeded());
            seen.lock().unwrap().extend(decision.standings().iter().map(of));
        }
    };
    let app = ok(over(&store).policy(policy("watched").burst(2).shadow(true)).on_decision(hook));
    for _ in 0..3 {
        let answer = send(&app, by("alice")).await;
        assert!(answer.is_ok());
        assert_eq!((answer.header("ratelimit"), answer.header("ratelimit-policy")), (None, None));
    }
    assert_eq!(*seen.lock().unwrap(), [(true, false), (true, false), (true, true)]);
    assert_eq!(left_of(&store, "watched", "alice", quota_of(2)), 0);
}

#[tokio::test]
async fn a_shadow_beside_a_limit_is_charged_with_it_and_not_named() {
    let (_, store) = still();
    let app = ok(over(&store)
        .policy(policy("watched").burst(1).shadow(true))
        .policy(policy("real").burst(3)));
    assert_eq!(granted(&app, 3, "alice").await, 3);
    let denied = send(&app, by("alice")).await;
    assert!(denied.text().ends_with(r#""violated-policies":["real"]}"#));
    assert_eq!(denied.header("ratelimit-policy"), Some(r#""real";q=1;w=1"#));
    let huge = policy("huge").shadow(true).cost_with(|_| 1_000);
    let app = ok(over(&store).policy(huge).policy(policy("other")));
    assert!(send(&app, by("alice")).await.is_ok(), "it could never be met, and only watches");
}

fn preflight(origin: bool, method: bool) -> Incoming {
    let mut request = Request::options("/").header("x-key", "alice");
    if origin {
        request = request.header("origin", "https://example.com");
    }
    if method {
        request = request.header("access-control-request-method", "PUT");
    }
    with(request)
}

#[tokio::test]
async fn preflights_pass_uncounted_unless_they_are_to_be_counted() {
    let (_, store) = still();
    let app = ok(over(&store).policy(policy("a")));
    for _ in 0..9 {
        let answer = send(&app, preflight(true, true)).await;
        assert!(answer.is_ok() && answer.header("ratelimit").is_none());
    }
    assert_eq!(left(&store, "a", "alice"), 5);
    send(&app, preflight(true, false)).await;
    send(&app, preflight(false, true)).await;
    assert_eq!(left(&store, "a", "alice"), 3, "other OPTIONS requests are no preflights");
    let counting = ok(over(&store).policy(policy("a")).count_preflights());
    send(&counting, preflight(true, true)).await;
    assert_eq!(left(&store, "a", "alice"), 2);
}

#[tokio::test]
async fn a_layer_outside_dresses_denials_as_it_dresses_answers() {
    use tower::ServiceBuilder;

    let (_, store) = still();
    let layer = over(&store).policy(policy("a").burst(1)).build().unwrap();
    // What a CORS layer does to every answer; without it a page cannot read its refusal.
    let cors = |mut response: http::Response<_>| {
        let origin = http::HeaderValue::from_static("https://example.com");
        response.headers_mut().insert("access-control-allow-origin", origin);
        response
    };
    let service =
        ServiceBuilder::new().map_response(cors).layer(layer).service_fn(async |_: Incoming| {
            Ok::<_, Infallible>(http::Response::new(Full::<Bytes>::from("ok")))
        });
    let mut statuses = Vec::new();
    for _ in 0..2 {
        let response = tower::ServiceExt::oneshot(service.clone(), by("alice")).await.unwrap();
        assert!(response.headers().contains_key("access-control-allow-origin"));
        statuses.push(response.status().as_u16());
    }
    assert_eq!(statuses, [200, 429]);
}

#[tokio::test]
async fn what_is_to_be_skipped_passes_uncounted() {
    let (_, store) = still();
    let app = ok(over(&store)
        .policy(Policy::new("a").rate(1).per(SECOND).burst(5).key_global())
        .skip_methods([Method::HEAD, Method::TRACE])
        .skip_paths(["/health", "/ready"])
        .skip_when(|head| head.headers.contains_key("x-internal")));
    for request in [
        Request::head("/"),
        Request::trace("/"),
        Request::get("/health"),
        Request::post("/ready?now"),
        Request::get("/").header("x-internal", "1"),
    ] {
        let answer = send(&app, with(request)).await;
        assert!(answer.is_ok() && answer.extensions.get::<Decision>().is_none());
    }
    assert_eq!(left(&store, "a", ""), 5);
    for path in ["/health/", "/healthy", "/HEALTH", "/x/health"] {
        send(&app, get(path)).await;
    }
    assert_eq!(left(&store, "a", ""), 1, "paths are compared whole");
}

#[tokio::test]
async fn layers_that_share_a_store_and_a_name_share_buckets() {
    let (_, store) = still();
    let [one, two] = [(); 2].map(|()| ok(over(&store).policy(policy("shared"))));
    let other = ok(over(&store).policy(policy("other")));
    assert_eq!(granted(&one, 3, "alice").await, 3);
    assert_eq!(granted(&two, 5, "alice").await, 2);
    assert_eq!(granted(&other, 6, "alice").await, 5);
}

#[tokio::test]
async fn a_layer_of_its_own_has_a_store_of_its_own() {
    let layer = || RateLimitLayer::builder().policy(policy("a").per(3600 * SECOND));
    for _ in 0..2 {
        assert_eq!(granted(&ok(layer()), 6, "alice").await, 5);
    }
    let shared = layer().build().unwrap();
    let [one, two] = [(); 2].map(|()| app(&shared, counting().1));
    assert_eq!(granted(&one, 3, "alice").await + granted(&two, 6, "alice").await, 5);
}

#[tokio::test]
async fn names_and_keys_do_not_run_together() {
    let (_, store) = still();
    let of = |name: &str, key: &'static str| {
        ok(over(&store).policy(policy(name).burst(1).key(move |_| Some(Key::from(key)))))
    };
    for (name, key) in [("a", "bc"), ("ab", "c"), ("abc", "-"), ("a", "b:c"), ("a:b", "c")] {
        let answer: Answer = send(&of(name, key), get("/")).await;
        assert!(answer.is_ok(), "{name} {key}");
    }
}
