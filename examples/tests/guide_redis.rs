//! The last step of `docs/guide.md`: two processes, one service, and an end.

#[path = "../../idempotency/tests/support/redis.rs"]
#[allow(dead_code)]
mod redis_server;
mod support;

use std::process::Command;

use redis_server::Server;
use serde_json::json;
use support::{Request, Service, in_time, persist, until};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

const NEWEST: &str = r#"{"customer":"carol","amount":{"value":100,"currency":"USD"}}"#;

/// A process, and its database: in memory, if it has no path.
fn start(redis: &Server, database: Option<&str>) -> Service {
    let mut command = Command::new(env!("CARGO_BIN_EXE_guide"));
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    command.env("REDIS_URL", redis.url()).env("BANK_SECRET", secret);
    command.env("CURSOR_SECRET", "thirty-two bytes that both of them know");
    command.env("WEBHOOK_ALLOW_LOOPBACK", "1").env_remove("DATABASE_PATH");
    command.envs(database.map(|path| ("DATABASE_PATH", path)));
    Service::of(command)
}

fn post(path: &str, body: &str) -> Request {
    Request::new("POST", path)
        .account("alice")
        .header("content-type", "application/json")
        .body(body)
}

/// Somebody who takes webhooks: where, and what came.
async fn receiver() -> (String, mpsc::UnboundedReceiver<String>) {
    let (sender, received) = mpsc::unbounded_channel();
    let receive = async move |body: String| drop(sender.send(body));
    let app = axum::Router::new().route("/", axum::routing::post(receive));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("its address"));
    tokio::spawn(async move { axum::serve(listener, app).await });
    (url, received)
}

/// What was begun at one is gone on with at the other: a webhook for who registered there, and a list that was read there.
#[tokio::test]
async fn what_was_begun_at_one_process_goes_on_at_the_other() {
    let redis = Server::start().await;
    let path = std::env::temp_dir().join(format!("stonework-guide-{}.db", uuid::Uuid::new_v4()));
    let database = path.to_str().expect("text");
    let one = start(&redis, Some(database));
    let (url, mut received) = receiver().await;
    let register = post("/v2/webhook-endpoints", &json!({ "url": url }).to_string());
    assert_eq!(one.ask(&register).await.status, 200);
    for _ in 0..2 {
        assert_eq!(one.ask(&post("/v2/charges", NEWEST)).await.status, 201);
        in_time("a webhook", received.recv()).await.expect("it listens");
    }
    let first = one.ask(&Request::get("/v2/charges?limit=1").account("alice")).await;
    let link = first.header("link").expect("a second page");
    let (next, _) = link[1..].split_once('>').expect("a URL");
    one.terminate();
    assert_eq!(one.ended().await.0, Some(0));

    let other = start(&redis, Some(database));
    let second = other.ask(&Request::get(next).account("alice")).await;
    assert_eq!(second.json["data"][0]["id"], 1, "{second:?}");
    let made = other.ask(&post("/v2/charges", NEWEST)).await;
    assert_eq!(made.status, 201, "{made:?}");
    let told = in_time("a webhook", received.recv()).await.expect("it listens");
    assert!(told.contains("charge.created"), "{told}");
    drop(other);
    std::fs::remove_file(path).expect("the database was there");
}

#[tokio::test]
async fn two_processes_are_one_service_and_end_in_order() {
    let redis = Server::start().await;
    let (one, other) = (start(&redis, None), start(&redis, None));
    let (mut events, _) = other.live("/v2/events", "alice").await;
    let charge = post("/v2/charges", NEWEST).key("order-7");
    let made = persist(&one, &charge).await;
    assert_eq!(made.status, 201, "{made:?}");
    let told = events.told().await;
    assert!(told.rest.contains("event: charge\n"), "{told:?}");
    let again = persist(&other, &charge).await;
    assert_eq!((again.is_replay(), &again.body), (true, &made.body));
    let mut round = 0;
    // Each has a limit of its own while Redis is slow, and tokens flow in.
    until("what was spent at one is spent at the other", async || {
        round += 1;
        let list = Request::get("/v2/charges").account(&format!("client-{round}"));
        while one.ask(&list).await.status == 200 {}
        other.ask(&list).await.status == 429
    })
    .await;

    let (_stream, _) = one.live("/v2/events", "bob").await;
    other.interrupt();
    assert_eq!(other.ended().await.0, Some(0), "though a stream was open");
    one.terminate();
    assert_eq!(one.ended().await.0, Some(0), "that is how processes are replaced");
}
