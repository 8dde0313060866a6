//! The last step of `docs/guide.md`: two processes, one service, and an end.

#[path = "../../idempotency/tests/support/redis.rs"]
#[allow(dead_code)]
mod redis_server;
mod support;

use std::process::Command;

use redis_server::Server;
use support::{Request, Service};

const NEWEST: &str = r#"{"customer":"carol","amount":{"value":100,"currency":"USD"}}"#;

#[tokio::test]
async fn two_processes_are_one_service_and_end_in_order() {
    let redis = Server::start().await;
    let start = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_guide"));
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        command.env("REDIS_URL", redis.url()).env("BANK_SECRET", secret);
        command.env_remove("DATABASE_PATH");
        Service::of(command)
    };
    let (one, other) = (start(), start());
    let (mut events, _) = other.live("/v2/events", "alice").await;
    let charge = Request::new("POST", "/v2/charges")
        .account("alice")
        .header("content-type", "application/json")
        .key("order-7")
        .body(NEWEST);
    let made = one.ask(&charge).await;
    assert_eq!(made.status, 201, "{made:?}");
    let told = events.told().await;
    assert!(told.rest.contains("event: charge\n"), "{told:?}");
    let again = other.ask(&charge).await;
    assert_eq!((again.is_replay(), &again.body), (true, &made.body));
    let list = Request::get("/v2/charges").account("alice");
    while one.ask(&list).await.status == 200 {}
    let mut passed = 0;
    while other.ask(&list).await.status == 200 {
        passed += 1;
        assert!(passed < 10, "the other process has a limit of its own");
    }

    let (_stream, _) = one.live("/v2/events", "bob").await;
    other.interrupt();
    assert_eq!(other.ended().await.0, Some(0), "though a stream was open");
    one.terminate();
    assert_eq!(one.ended().await.0, Some(0), "that is how processes are replaced");
}
