//! What clients are told: grants, denials, headers and problems.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.
#![cfg(feature = "memory")]

mod support;

use std::future::ready;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use stonework_core::{Clock, Protocol, SystemClock};
use stonework_ratelimit::{
    Basis, Decision, Headers, NotExecuted, Policy, Problem, RESPONSE_HEADERS, Rejection,
    RequestHead,
};
use support::app::{Answer, Incoming, app, by, granted, ok, send};
use support::limits::{MILLI, SECOND, over, policy, still};

#[tokio::test]
async fn a_burst_is_granted_and_what_exceeds_it_is_not() {
    let (clock, store) = still();
    let app = ok(over(&store).policy(policy("burst")));
    assert_eq!(granted(&app, 8, "alice").await, 5);
    assert_eq!(granted(&app, 8, "bob").await, 5, "each client has a bucket");
    clock.advance(2 * SECOND);
    assert_eq!(granted(&app, 8, "alice").await, 2);
    clock.advance(3600 * SECOND);
    assert_eq!(granted(&app, 8, "alice").await, 5, "a bucket holds no more than its burst");
}

#[tokio::test]
async fn a_denial_is_a_problem_that_names_the_policy() {
    let (_, store) = still();
    let app = ok(over(&store).policy(policy("burst")));
    granted(&app, 5, "alice").await;
    let answer = send(&app, by("alice")).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    assert_eq!(
        answer.text(),
        concat!(
            r#"{"type":"https://iana.org/assignments/http-problem-types#quota-exceeded","#,
            r#""title":"Quota exceeded","status":429,"violated-policies":["burst"]}"#,
        )
    );
    assert_eq!(answer.rejection(), Rejection::QuotaExceeded);
}

#[tokio::test]
async fn retry_after_is_rounded_up_and_then_there_is_a_token() {
    let (clock, store) = still();
    let app = ok(over(&store).policy(policy("burst").rate(2).per(3 * SECOND).burst(1)));
    assert_eq!(granted(&app, 1, "alice").await, 1);
    let denied = send(&app, by("alice")).await;
    assert_eq!(denied.header("retry-after"), Some("2"), "of 1.5 seconds");
    clock.advance(SECOND);
    let denied = send(&app, by("alice")).await;
    assert_eq!(denied.header("retry-after"), Some("1"), "of half a second, and never 0");
    let told = denied.decision().standings()[0].retry_after();
    assert_eq!(told, Some(500 * MILLI), "the handler's side is told exactly");
    clock.advance(500 * MILLI);
    assert!(send(&app, by("alice")).await.is_ok());
}

#[tokio::test]
async fn headers_tell_how_the_client_stands_on_success_and_denial() {
    let (_, store) = still();
    let app = ok(over(&store).policy(policy("burst").rate(2).per(60 * SECOND)));
    let granted = send(&app, by("alice")).await;
    assert_eq!(granted.header("ratelimit-policy"), Some(r#""burst";q=2;w=60"#));
    assert_eq!(granted.header("ratelimit"), Some(r#""burst";r=4;t=120"#));
    assert_eq!(granted.header("retry-after"), None);
    for _ in 0..4 {
        assert!(send(&app, by("alice")).await.is_ok());
    }
    let denied = send(&app, by("alice")).await;
    assert_eq!(denied.header("ratelimit-policy"), Some(r#""burst";q=2;w=60"#));
    assert_eq!(denied.header("ratelimit"), Some(r#""burst";r=0;t=30"#));
    assert_eq!(denied.header("retry-after"), Some("30"));
}

fn told(answer: &Answer) -> Vec<&str> {
    RESPONSE_HEADERS.iter().copied().filter(|name| answer.headers.contains_key(*name)).collect()
}

#[tokio::test]
async fn each_dialect_tells_its_own_headers_and_no_others() {
    let x_ratelimit = [
        "x-ratelimit-limit",
        "x-ratelimit-remaining",
        "x-ratelimit-reset",
        "x-ratelimit-used",
        "x-ratelimit-resource",
    ];
    for (dialect, expected) in [
        (Headers::Draft10, &["ratelimit", "ratelimit-policy"][..]),
        (Headers::Draft7, &["ratelimit", "ratelimit-policy"]),
        (Headers::XRateLimit, &x_ratelimit),
        (Headers::None, &[]),
    ] {
        let (_, store) = still();
        let app = ok(over(&store).headers(dialect).policy(policy("burst").burst(1)));
        assert_eq!(told(&send(&app, by("alice")).await), expected);
        let denied = send(&app, by("alice")).await;
        assert_eq!(told(&denied), [expected, &["retry-after"]].concat(), "{dialect:?}");
    }
}

#[tokio::test]
async fn draft_7_tells_of_a_full_bucket() {
    let (_, store) = still();
    let app = ok(over(&store).headers(Headers::Draft7).policy(policy("burst")));
    let answer = send(&app, by("alice")).await;
    assert_eq!(answer.header("ratelimit-policy"), Some("1;w=1;burst=5"));
    assert_eq!(answer.header("ratelimit"), Some("limit=5, remaining=4, reset=1"));
}

#[tokio::test]
async fn x_ratelimit_tells_a_time_of_the_calendar() {
    let (_, store) = still();
    let app = ok(over(&store).headers(Headers::XRateLimit).policy(policy("burst")));
    let unix = || SystemClock::new().unix().as_secs();
    let before = unix();
    let answer = send(&app, by("alice")).await;
    let after = unix();
    assert_eq!(answer.header("x-ratelimit-limit"), Some("5"));
    assert_eq!(answer.header("x-ratelimit-remaining"), Some("4"));
    assert_eq!(answer.header("x-ratelimit-used"), Some("1"));
    assert_eq!(answer.header("x-ratelimit-resource"), Some("burst"));
    let reset: u64 = answer.header("x-ratelimit-reset").unwrap().parse().unwrap();
    assert!((before + 1..=after + 2).contains(&reset), "{before} {reset} {after}");
}

#[tokio::test]
async fn what_the_service_inside_says_of_its_own_limits_stays() {
    let (_, store) = still();
    let inside = |_| {
        let response = Response::builder()
            .header("ratelimit", r#""inside";r=1;t=1"#)
            .header("x-ratelimit-limit", "7");
        ready(response.body(Full::<Bytes>::default()).unwrap())
    };
    let drafts = app(&over(&store).policy(policy("a")).build().unwrap(), inside);
    let answer = send(&drafts, by("alice")).await;
    let lines: Vec<_> = answer.headers.get_all("ratelimit").iter().collect();
    assert_eq!(lines, [r#""inside";r=1;t=1"#, r#""a";r=4;t=4"#]);
    let legacy = over(&store).headers(Headers::XRateLimit).policy(policy("a"));
    let answer = send(&app(&legacy.build().unwrap(), inside), by("alice")).await;
    assert_eq!(told(&answer), ["ratelimit", "x-ratelimit-limit"]);
}

#[tokio::test]
async fn partition_keys_are_told_and_say_nothing_of_the_key() {
    let pk = async |secret: &str, key: &str| {
        let (_, store) = still();
        let app = ok(over(&store).partition_secret(secret).policy(policy("burst")));
        let answer = send(&app, by(key)).await;
        let pk = answer.header("ratelimit").unwrap().split_once(";pk=").unwrap().1.to_owned();
        assert_eq!((pk.len(), &pk[..1], &pk[17..]), (18, ":", ":"), "96 bits: {pk}");
        pk
    };
    let alice = pk("0123456789abcdef", "alice").await;
    assert_eq!(alice, pk("0123456789abcdef", "alice").await, "another process, the same secret");
    assert_ne!(alice, pk("0123456789abcdef", "bob").await);
    assert_ne!(alice, pk("fedcba9876543210", "alice").await);
}

/// A handler that says whether it was told of a decision.
async fn asking(request: Incoming) -> Response<Full<Bytes>> {
    let decision = request.extensions().get::<Decision>();
    let remaining = decision.map(|decision| decision.standings()[0].remaining());
    Response::new(Full::from(format!("{remaining:?}")))
}

#[tokio::test]
async fn the_decision_is_left_for_the_handler_and_for_outer_layers() {
    let (_, store) = still();
    let app = app(&over(&store).policy(policy("burst").burst(1)).build().unwrap(), asking);
    let granted = send(&app, by("alice")).await;
    assert_eq!(granted.text(), "Some(0)");
    let decision = granted.decision();
    assert!(decision.is_granted());
    assert_eq!(decision.basis(), Basis::Store);
    let standing = &decision.standings()[0];
    assert_eq!((standing.policy(), standing.cost(), standing.remaining()), ("burst", 1, 0));
    assert_eq!((standing.is_exceeded(), standing.reset()), (false, SECOND));
    assert!(granted.extensions.get::<NotExecuted>().is_none());

    let denied = send(&app, by("alice")).await;
    assert!(!denied.decision().is_granted());
    let standing = &denied.decision().standings()[0];
    assert!(standing.is_exceeded() && !standing.is_shadow());
    assert_eq!(standing.retry_after(), Some(SECOND));
    assert_eq!((standing.quota().burst(), standing.quota().per()), (1, SECOND));
}

#[tokio::test]
async fn without_extensions_no_decision_is_left_anywhere() {
    for is_heard in [false, true] {
        let (_, store) = still();
        let builder = over(&store).extensions(false).policy(policy("burst").burst(1));
        let builder = if is_heard { builder.on_decision(|_, _| ()) } else { builder };
        let app = app(&builder.build().unwrap(), asking);
        let granted = send(&app, by("alice")).await;
        assert_eq!(granted.text(), "None");
        assert_eq!(granted.extensions.get::<Decision>(), None);
        assert_eq!(granted.header("ratelimit"), Some(r#""burst";r=0;t=1"#));
        let denied = send(&app, by("alice")).await;
        assert_eq!(denied.rejection(), Rejection::QuotaExceeded);
        assert_eq!(denied.extensions.get::<Decision>(), None);
        assert_eq!(denied.header("ratelimit"), Some(r#""burst";r=0;t=1"#));
    }
}

#[tokio::test]
async fn every_decision_is_heard_once() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hook = {
        let heard = Arc::clone(&heard);
        move |decision: &Decision, head: &RequestHead<'_>| {
            let told = (head.method.clone(), decision.is_granted(), decision.standings().len());
            heard.lock().unwrap().push(told);
        }
    };
    for leave in [true, false] {
        let (_, store) = still();
        let builder = over(&store).extensions(leave).headers(Headers::None);
        let app = ok(builder.policy(policy("burst").burst(1)).on_decision(hook.clone()));
        granted(&app, 2, "alice").await;
        let heard = std::mem::take(&mut *heard.lock().unwrap());
        assert_eq!(heard, [(Method::GET, true, 1), (Method::GET, false, 1)]);
    }
}

#[tokio::test]
async fn problem_types_of_our_own_begin_as_they_are_told_to() {
    let (_, store) = still();
    let builder = || over(&store).policy(policy("burst"));
    let keyless = || Request::get("/").body(Full::default()).unwrap();
    let problem = send(&ok(builder()), keyless()).await;
    assert!(problem.text().contains(r#""type":"urn:stonework:ratelimit:key-missing""#));
    let own = ok(builder().problem_base("https://example.com/problems/"));
    let problem = send(&own, keyless()).await;
    assert!(problem.text().contains(r#""type":"https://example.com/problems/key-missing""#));
    granted(&own, 5, "alice").await;
    let registered = send(&own, by("alice")).await;
    assert!(registered.text().contains("https://iana.org/assignments/http-problem-types#"));
}

#[tokio::test]
async fn a_house_style_keeps_headers_and_extensions() {
    let (_, store) = still();
    let house = |rejection: Rejection, problem: &Problem, head: &RequestHead<'_>| {
        let mut response = problem.to_response(&Protocol::Http);
        *response.body_mut() = format!("{} {}", head.uri, rejection.slug()).into();
        response.headers_mut().insert("content-type", "text/plain".parse().unwrap());
        response
    };
    let app = ok(over(&store).policy(policy("burst").burst(1)).render(house));
    send(&app, by("alice")).await;
    let denied = send(&app, by("alice")).await;
    assert_eq!(denied.text(), "/ quota-exceeded");
    assert_eq!(denied.header("content-type"), Some("text/plain"));
    assert_eq!(denied.header("retry-after"), Some("1"));
    assert_eq!(denied.header("ratelimit"), Some(r#""burst";r=0;t=1"#));
    assert_eq!(denied.extensions.get(), Some(&Rejection::QuotaExceeded));
    assert!(denied.extensions.get::<Problem>().is_some());
    assert!(denied.extensions.get::<NotExecuted>().is_some());
    assert!(!denied.decision().is_granted());
}

#[tokio::test]
async fn names_that_need_escapes_are_escaped() {
    let (_, store) = still();
    let name = r#"a "b" \c"#;
    let app = ok(over(&store).policy(Policy::new(name).rate(1).per(SECOND).key_global()));
    let granted = send(&app, by("alice")).await;
    assert_eq!(granted.header("ratelimit-policy"), Some(r#""a \"b\" \\c";q=1;w=1"#));
    let denied = send(&app, by("alice")).await;
    assert!(denied.text().ends_with(r#""violated-policies":["a \"b\" \\c"]}"#));
}
