//! The payments service with its keys in Redis: two processes, and a Redis that goes away.

#[path = "../../idempotency/tests/support/redis.rs"]
#[allow(dead_code)]
mod redis_server;
mod support;

use redis_server::Server;
use support::{RENT, Reply, Request, Service, until};

const UNAVAILABLE: &str = "urn:stonework:idempotency:store-unavailable";

fn rent() -> Request {
    Request::transfer(RENT).key("k")
}

fn service(redis: &Server) -> Service {
    Service::with(&[("REDIS_URL", &redis.url())])
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
async fn a_redis_that_may_forget_is_warned_of() {
    let redis = Server::with(&["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"]).await;
    let service = service(&redis);
    assert_eq!(service.ask(&rent()).await.status, 201, "a warning is no refusal");
    service.terminate();
    let (code, _, errors) = service.ended().await;
    assert_eq!(code, Some(0), "{errors}");
    assert!(errors.contains("allkeys-lru") && errors.contains("noeviction"), "{errors}");
}
