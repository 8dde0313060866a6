//! The payments service with its keys and limits in Redis, and a Redis that goes away.

#[path = "../../idempotency/tests/support/redis.rs"]
#[allow(dead_code)]
mod redis_server;
mod support;

use redis_server::Server;
use serde_json::json;
use stonework_webhook_sign::scheme;
use support::webhooks::{now, received, signed};
use support::{PATIENT, RENT, Request, Service, persist, until};

const PIN_UNKNOWN: &str = "urn:stonework:versioning:pin-unknown";
const UNAVAILABLE: &str = "urn:stonework:idempotency:store-unavailable";

fn rent() -> Request {
    Request::transfer(RENT).key("k")
}

fn service(redis: &Server) -> Service {
    Service::with(&[("REDIS_URL", &redis.url())])
}

/// One whose Redis is there whenever it is asked.
fn patient(redis: &Server) -> Service {
    Service::with(&[("REDIS_URL", &redis.url()), PATIENT])
}

fn limited(redis: &Server, rate: &str) -> Service {
    Service::with(&[("REDIS_URL", &redis.url()), ("RATE_LIMIT", rate)])
}

fn account(name: &str) -> Request {
    Request::get("/v1/account").account(name)
}

/// How many requests of an account pass in a row, of one more than any test lets pass.
async fn passing(service: &Service, name: &str) -> usize {
    for passed in 0..10 {
        let reply = service.ask(&account(name)).await;
        if reply.status != 200 {
            reply.assert_limited();
            return passed;
        }
    }
    panic!("{name} is not limited");
}

#[tokio::test]
async fn while_redis_hangs_keys_are_refused_and_then_run_once() {
    let redis = Server::start().await;
    let service = service(&redis);
    redis.pause().await;
    // More than it takes to open the breaker.
    for _ in 0..5 {
        let reply = service.ask(&rent()).await;
        reply.assert_problem(503, UNAVAILABLE);
        assert!(reply.header("retry-after").is_some(), "{reply:?}");
    }
    // What needs no key goes on.
    assert_eq!(service.account("alice").await, (1000, 0));
    assert_eq!(service.ask(&Request::transfer(RENT).account("bob")).await.status, 201);
    redis.resume();

    let reply = persist(&service, &rent()).await;
    assert_eq!((reply.status, reply.is_replay()), (201, false), "{reply:?}");
    assert!(persist(&service, &rent()).await.is_replay());
    assert_eq!(service.account("alice").await, (900, 1));
}

#[tokio::test]
async fn after_a_restart_of_redis_the_first_request_is_served() {
    let mut redis = Server::durable().await;
    let service = patient(&redis);
    let first = service.ask(&rent()).await;
    // Nobody asks meanwhile: the service finds out by itself. It speaks RESP3, this test RESP2.
    redis.restart().await;
    until("the service has connected again", async || {
        let clients: String = redis.ask(redis::cmd("CLIENT").arg("LIST")).await;
        clients.contains("resp=3")
    })
    .await;
    let retry = service.ask(&rent()).await;
    assert!(retry.is_replay(), "{retry:?}");
    assert_eq!(retry.body, first.body);
}

#[tokio::test]
async fn a_run_whose_client_has_left_is_recorded_before_the_end() {
    let redis = Server::start().await;
    let first = patient(&redis);
    let lost = first.begin(&rent().header("x-demo-delay-ms", "500")).await;
    first.until_transfers("alice", 1).await;
    drop(lost);
    first.terminate();
    let (code, _, errors) = first.ended().await;
    assert_eq!(code, Some(0), "{errors}");

    // The next process knows of it, although its ledger is new.
    let retry = patient(&redis).ask(&rent()).await;
    assert!(retry.is_replay(), "{retry:?}");
    assert_eq!(retry.json["balance"], 900);
}

#[tokio::test]
async fn while_redis_hangs_each_process_counts_by_itself() {
    let redis = Server::start().await;
    let services = [limited(&redis, "4/h"), limited(&redis, "4/h")];
    redis.pause().await;
    for service in &services {
        assert_eq!(passing(service, "alice").await, 4);
    }
    redis.resume();
    share(&services, 4).await;
}

#[tokio::test]
async fn after_a_restart_of_redis_limits_are_shared_again() {
    let mut redis = Server::durable().await;
    let services = [limited(&redis, "4/h"), limited(&redis, "4/h")];
    let known = share(&services, 4).await;
    redis.kill();
    for service in &services {
        // Those that Redis was too slow for are spent here, too.
        assert!(passing(service, &known).await <= 4);
        assert_eq!(passing(service, "bob").await, 4);
    }
    redis.restart().await;
    share(&services, 4).await;
    // What Redis knew before, it still knows; what was counted without it, it never hears of.
    let other = Service::with(&[("REDIS_URL", &redis.url()), ("RATE_LIMIT", "4/h"), PATIENT]);
    assert_eq!(passing(&other, &known).await, 0);
    assert_eq!(passing(&other, "bob").await, 4);
}

/// Waits until what one process lets pass is known to the other. Gives who has spent all of it.
async fn share(services: &[Service; 2], limit: usize) -> String {
    let mut name = String::new();
    until("the processes share their limits", async || {
        name = uuid::Uuid::new_v4().to_string();
        // Both limits, if the outage ends meanwhile.
        let passed = passing(&services[0], &name).await;
        assert!((limit..=2 * limit).contains(&passed), "{passed}");
        passing(&services[1], &name).await == 0
    })
    .await;
    name
}

#[tokio::test]
async fn a_redis_that_may_forget_is_warned_of() {
    let redis = Server::with(&["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"]).await;
    let service = patient(&redis);
    assert_eq!(service.ask(&rent()).await.status, 201, "a warning is no refusal");
    service.terminate();
    let (code, _, errors) = service.ended().await;
    assert_eq!(code, Some(0), "{errors}");
    assert!(errors.contains("allkeys-lru") && errors.contains("noeviction"), "{errors}");
    assert_eq!(errors.matches("allkeys-lru").count(), 1, "once for both layers: {errors}");
}

/// What an account gets that names no version.
fn unversioned(name: &str) -> Request {
    Request::get("/account").account(name)
}

#[tokio::test]
async fn while_redis_is_away_who_names_a_version_is_served_and_nobody_is_moved() {
    let mut redis = Server::start().await;
    let service = service(&redis);
    assert_eq!(persist(&service, &unversioned("known")).await.status, 200);
    redis.kill();
    assert_eq!(service.ask(&account("stranger")).await.status, 200);
    service.ask(&unversioned("stranger")).await.assert_problem(503, PIN_UNKNOWN);
    assert_eq!(service.ask(&unversioned("known")).await.status, 200, "it is known here");
}

const STANDARD: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Each process has a ledger of its own here, which would count it.
#[tokio::test]
async fn a_webhook_that_was_handled_is_handled_by_no_other_and_without_redis_by_nobody() {
    let mut redis = Server::start().await;
    let url = redis.url();
    let start = || Service::with(&[("REDIS_URL", &url), ("STANDARD_WEBHOOK_SECRET", STANDARD)]);
    let (one, other) = (start(), start());
    let event = |id| signed(&scheme::STANDARD, STANDARD, id, "{}", now());
    assert_eq!(persist(&one, &event("evt_1")).await.status, 204);
    assert_eq!(persist(&other, &event("evt_1")).await.status, 200, "it is done");
    assert_eq!(received(&other).await, json!({}));
    redis.kill();
    let away = "urn:stonework:webhook-sign:store-unavailable";
    other.ask(&event("evt_2")).await.assert_problem(503, away);
    redis.restart().await;
    until("events are taken again", async || other.ask(&event("evt_2")).await.status == 204).await;
    assert_eq!(received(&other).await, json!({"standard": 1}));
}

/// Processes that have no ledger in common have no key in common either.
#[tokio::test]
async fn without_a_ledger_that_is_shared_a_secret_is_not_kept_at_all() {
    let redis = Server::start().await;
    let url = redis.url();
    let service = Service::with(&[("REDIS_URL", &url), ("WEBHOOK_ALLOW_LOOPBACK", "1"), PATIENT]);
    let request = Request::new("POST", "/v2/webhook-endpoints")
        .account("alice")
        .key("register")
        .header("content-type", "application/json")
        .body(r#"{"url":"http://127.0.0.1:9/"}"#);
    let (first, again) = (service.ask(&request).await, service.ask(&request).await);
    assert_eq!((first.status, again.status, again.is_replay()), (201, 201, false));
    assert_ne!(first.json["secret"], again.json["secret"]);
    let keys: Vec<String> = redis.ask(redis::cmd("KEYS").arg("payments:idempotency:*")).await;
    assert!(keys.is_empty(), "{keys:?}");
}
