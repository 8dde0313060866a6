//! The payments service with its keys and limits in Redis: two processes, and a Redis that goes away.

#[path = "../../idempotency/tests/support/redis.rs"]
#[allow(dead_code)]
mod redis_server;
mod support;

use redis::cmd;
use redis_server::Server;
use serde_json::json;
use stonework_webhook_sign::scheme;
use support::webhooks::{now, received, signed};
use support::{RENT, Reply, Request, Service, in_time, until};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const PIN_UNKNOWN: &str = "urn:stonework:versioning:pin-unknown";
const UNAVAILABLE: &str = "urn:stonework:idempotency:store-unavailable";

fn rent() -> Request {
    Request::transfer(RENT).key("k")
}

fn service(redis: &Server) -> Service {
    Service::with(&[("REDIS_URL", &redis.url())])
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

/// Tries as a client does: as long as it is told to come again.
async fn persist(service: &Service, request: &Request) -> Reply {
    loop {
        let reply = service.ask(request).await;
        if reply.header("retry-after").is_none() {
            return reply;
        }
        assert!(matches!(reply.status, 409 | 503), "{reply:?}");
    }
}

#[tokio::test]
async fn fifty_clients_of_two_processes_cause_one_effect_and_get_one_answer() {
    let redis = Server::start().await;
    let services = std::sync::Arc::new([service(&redis), service(&redis)]);
    let clients: Vec<_> = (0..50)
        .map(|n| {
            let services = services.clone();
            // Long enough that others arrive in the meantime.
            let request = rent().header("x-demo-delay-ms", "50");
            tokio::spawn(async move { persist(&services[n % 2], &request).await })
        })
        .collect();
    let mut originals = 0;
    let mut bodies = Vec::new();
    for client in clients {
        let reply = client.await.expect("an answer");
        assert_eq!(reply.status, 201, "{reply:?}");
        originals += usize::from(!reply.is_replay());
        bodies.push(reply.body);
    }
    bodies.dedup();
    assert_eq!((bodies.len(), originals), (1, 1), "{bodies:?}");
    // Each process has a ledger of its own.
    let [first, second] = &*services;
    let made = first.account("alice").await.1 + second.account("alice").await.1;
    assert_eq!(made, 1);
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
    assert!(service.ask(&rent()).await.is_replay());
    assert_eq!(service.account("alice").await, (900, 1));
}

#[tokio::test]
async fn after_a_restart_of_redis_the_first_request_is_served() {
    let mut redis = Server::durable().await;
    let service = service(&redis);
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
    let first = service(&redis);
    let lost = first.begin(&rent().header("x-demo-delay-ms", "500")).await;
    first.until_transfers("alice", 1).await;
    drop(lost);
    first.terminate();
    let (code, _, errors) = first.ended().await;
    assert_eq!(code, Some(0), "{errors}");

    // The next process knows of it, although its ledger is new.
    let retry = service(&redis).ask(&rent()).await;
    assert!(retry.is_replay(), "{retry:?}");
    assert_eq!(retry.json["balance"], 900);
}

#[tokio::test]
async fn two_processes_share_one_limit() {
    let redis = Server::start().await;
    let services = [limited(&redis, "4/h"), limited(&redis, "4/h")];
    for n in 0..4 {
        assert_eq!(services[n % 2].ask(&account("alice")).await.status, 200);
    }
    for service in &services {
        service.ask(&account("alice")).await.assert_limited();
    }
    assert_eq!(passing(&services[0], "bob").await, 4);
    assert_eq!(passing(&services[1], "bob").await, 0);
    // A process that is new does not make a limit new.
    assert_eq!(passing(&limited(&redis, "4/h"), "alice").await, 0);

    let keys: Vec<String> = redis.ask(redis::cmd("KEYS").arg("*")).await;
    assert_eq!(keys.len(), 2, "{keys:?}");
    assert!(keys.iter().all(|key| key.starts_with("payments:ratelimit:")), "{keys:?}");
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
    share_again(&services, 4).await;
}

#[tokio::test]
async fn after_a_restart_of_redis_limits_are_shared_again() {
    let mut redis = Server::durable().await;
    let services = [limited(&redis, "4/h"), limited(&redis, "4/h")];
    assert_eq!(passing(&services[0], "alice").await, 4);
    redis.kill();
    for service in &services {
        assert_eq!(passing(service, "alice").await, 4);
        assert_eq!(passing(service, "bob").await, 4);
    }
    redis.restart().await;
    share_again(&services, 4).await;
    // What Redis knew before, it still knows; what was counted without it, it never hears of.
    assert_eq!(passing(&services[1], "alice").await, 0);
    assert_eq!(passing(&services[1], "bob").await, 4);
}

/// Waits until what one process lets pass is known to the other.
async fn share_again(services: &[Service; 2], limit: usize) {
    let mut round = 0;
    until("the processes share their limits", async || {
        round += 1;
        let name = format!("client-{round}");
        // Both limits, if the outage ends meanwhile.
        let passed = passing(&services[0], &name).await;
        assert!((limit..=2 * limit).contains(&passed), "{passed}");
        passing(&services[1], &name).await == 0
    })
    .await;
}

#[tokio::test]
async fn a_redis_that_may_forget_is_warned_of() {
    let redis = Server::with(&["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"]).await;
    let service = service(&redis);
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
async fn an_account_has_one_version_in_two_processes_and_after_a_restart() {
    let redis = Server::start().await;
    // An account that was there before the second version was.
    redis.ask::<()>(cmd("SET").arg("payments:versioning:pin:old").arg("v1")).await;
    for service in [service(&redis), service(&redis)] {
        for (name, version) in [("old", "v1"), ("new", "v2")] {
            let reply = service.ask(&unversioned(name)).await;
            assert_eq!((reply.status, reply.header("api-version")), (200, Some(version)), "{name}");
        }
    }
    let pinned: String = redis.ask(cmd("GET").arg("payments:versioning:pin:new")).await;
    assert_eq!(pinned, "v2");
}

#[tokio::test]
async fn while_redis_is_away_who_names_a_version_is_served_and_nobody_is_moved() {
    let mut redis = Server::start().await;
    let service = service(&redis);
    assert_eq!(service.ask(&unversioned("known")).await.status, 200);
    redis.kill();
    assert_eq!(service.ask(&account("stranger")).await.status, 200);
    service.ask(&unversioned("stranger")).await.assert_problem(503, PIN_UNKNOWN);
    assert_eq!(service.ask(&unversioned("known")).await.status, 200, "it is known here");
}

const STANDARD: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Each process has a ledger of its own here, which would count it.
#[tokio::test]
async fn a_webhook_that_one_process_has_handled_is_handled_by_no_other() {
    let mut redis = Server::start().await;
    let url = redis.url();
    let start = || Service::with(&[("REDIS_URL", &url), ("STANDARD_WEBHOOK_SECRET", STANDARD)]);
    let (one, other) = (start(), start());
    let event = |id| signed(&scheme::STANDARD, STANDARD, id, "{}", now());
    assert_eq!(one.ask(&event("evt_1")).await.status, 204);
    for service in [&other, &one] {
        assert_eq!(service.ask(&event("evt_1")).await.status, 200, "it is done");
    }
    assert_eq!(received(&one).await, json!({"standard": 1}));
    assert_eq!(received(&other).await, json!({}));
    redis.kill();
    let away = "urn:stonework:webhook-sign:store-unavailable";
    other.ask(&event("evt_2")).await.assert_problem(503, away);
    redis.restart().await;
    until("events are taken again", async || other.ask(&event("evt_2")).await.status == 204).await;
    assert_eq!(received(&other).await, json!({"standard": 1}));
}

/// Two processes with one ledger: an endpoint that one has registered is told of what the other did, once.
#[tokio::test]
async fn a_secret_is_not_in_redis_and_processes_share_what_is_to_be_delivered() {
    let redis = Server::start().await;
    let url = redis.url();
    let ledger = std::env::temp_dir().join(format!("stonework-{}.db", uuid::Uuid::new_v4()));
    let path = ledger.to_str().expect("UTF-8");
    let start = || {
        Service::with(&[
            ("REDIS_URL", &url),
            ("DATABASE_PATH", path),
            ("WEBHOOK_ALLOW_LOOPBACK", "1"),
        ])
    };
    let (one, other) = (start(), start());
    let receiver = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let body = json!({"url": format!("http://{}/", receiver.local_addr().expect("an address"))});
    let request = Request::new("POST", "/v2/webhook-endpoints")
        .account("alice")
        .key("register")
        .header("content-type", "application/json")
        .body(&body.to_string());
    let registered = one.ask(&request).await;
    assert_eq!(registered.status, 201, "{registered:?}");
    assert_eq!(other.ask(&request).await.json, registered.json, "another process can open it");
    let secret = registered.json["secret"].as_str().expect("a secret");
    let keys: Vec<String> = redis.ask(cmd("KEYS").arg("*")).await;
    assert!(keys.iter().any(|key| key.starts_with("payments:idempotency:")), "{keys:?}");
    for key in keys {
        let kept: Vec<u8> = redis.ask(cmd("DUMP").arg(&key)).await;
        assert!(!kept.windows(secret.len()).any(|bytes| bytes == secret.as_bytes()), "{key}");
    }
    assert_eq!(other.ask(&rent()).await.status, 201);
    let webhook = in_time("a webhook", async {
        let (mut socket, _) = receiver.accept().await.expect("a connection");
        let mut read = vec![0; 4_096];
        let length = socket.read(&mut read).await.expect("a request");
        socket.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.expect("it reads");
        String::from_utf8_lossy(&read[..length]).into_owned()
    });
    assert!(webhook.await.starts_with("POST / HTTP/1.1\r\n"));
    for service in [&one, &other] {
        until("it is delivered", async || {
            let list = Request::get("/v2/webhook-deliveries").account("alice");
            let data = service.ask(&list).await.json["data"].clone();
            let attempts = data[0]["attempts"].as_array().map(Vec::len);
            data[0]["state"] == "delivered" && attempts == Some(1)
        })
        .await;
    }
    drop((one, other));
    for ending in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{path}{ending}"));
    }
}

/// Processes that have no ledger in common have no key in common either.
#[tokio::test]
async fn without_a_ledger_that_is_shared_a_secret_is_not_kept_at_all() {
    let redis = Server::start().await;
    let service = Service::with(&[("REDIS_URL", &redis.url()), ("WEBHOOK_ALLOW_LOOPBACK", "1")]);
    let request = Request::new("POST", "/v2/webhook-endpoints")
        .account("alice")
        .key("register")
        .header("content-type", "application/json")
        .body(r#"{"url":"http://127.0.0.1:9/"}"#);
    let (first, again) = (service.ask(&request).await, service.ask(&request).await);
    assert_eq!((first.status, again.status, again.is_replay()), (201, 201, false));
    assert_ne!(first.json["secret"], again.json["secret"]);
    let keys: Vec<String> = redis.ask(cmd("KEYS").arg("payments:idempotency:*")).await;
    assert!(keys.is_empty(), "{keys:?}");
}
