//! `docs/guide.md`: what it shows is what is compiled, and what it says is what happens.

mod support;

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Command, Output};

use serde_json::json;
use stonework_webhook_sign::scheme;
use support::webhooks::{now, signed_to};
use support::{QUOTA_EXCEEDED, Reply, Request, Service};

const GUIDE: &str = include_str!("../../docs/guide.md");
const PROGRAMS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/bin/guide");

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NEWEST: &str = r#"{"customer":"carol","amount":{"value":100,"currency":"USD"}}"#;
const FIRST: &str = r#"{"customer":"carol","amount":100}"#;

/// The service after this step.
fn after(step: u8) -> Service {
    let mut command = program(step);
    command.env("BANK_SECRET", SECRET).env("WEBHOOK_ALLOW_LOOPBACK", "1");
    Service::of(command)
}

fn program(step: u8) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_guide"));
    for name in ["BANK_SECRET", "CURSOR_SECRET", "DATABASE_PATH", "REDIS_URL"] {
        command.env_remove(name);
    }
    command.arg(step.to_string());
    command
}

fn charge(path: &str, body: &str) -> Request {
    Request::new("POST", path)
        .account("alice")
        .header("content-type", "application/json")
        .body(body)
}

async fn see(service: &Service, path: &str) -> Reply {
    service.ask(&Request::get(path).account("alice")).await
}

/// What stands in the guide stands in a program, line by line.
#[test]
fn all_code_is_that_of_the_programs() {
    let files = fs::read_dir(PROGRAMS).unwrap().map(|file| file.unwrap().path());
    let programs: Vec<String> = files.map(|file| fs::read_to_string(file).unwrap()).collect();
    let blocks: Vec<&str> = GUIDE.split("```rust\n").skip(1).collect();
    assert!(blocks.len() >= 10, "{} blocks", blocks.len());
    for block in blocks {
        let (code, _) = block.split_once("```").unwrap();
        for part in code.split("\n// …\n") {
            let part = part.trim_matches('\n');
            assert!(programs.iter().any(|program| program.contains(part)), "in none:\n{part}");
        }
    }
}

#[test]
fn what_has_to_be_set_is_named() {
    for (step, name) in [(8, "BANK_SECRET"), (10, "REDIS_URL")] {
        let Output { status, stderr, .. } = program(step).output().unwrap();
        assert_eq!(status.code(), Some(1));
        let errors = String::from_utf8(stderr).unwrap();
        assert!(errors.contains(&format!("set {name}")), "{errors}");
    }
}

#[tokio::test]
async fn step_1_charges_as_often_as_it_is_asked() {
    let service = after(1);
    assert_eq!(service.ask(&Request::get("/charges")).await.status, 401);
    for id in [1, 2] {
        let made = service.ask(&charge("/charges", NEWEST).key("order-7")).await;
        assert_eq!((made.status, &made.json["id"]), (201, &json!(id)), "{made:?}");
    }
    assert_eq!(see(&service, "/charges").await.json.as_array().unwrap().len(), 2);
    assert_eq!(see(&service, "/charges/2").await.json["customer"], "carol");
    let other = service.ask(&Request::get("/charges/2").account("bob")).await;
    assert_eq!(other.status, 404);
}

#[tokio::test]
async fn step_2_charges_once_for_each_key() {
    let service = after(2);
    let first = service.ask(&charge("/charges", NEWEST).key("order-7")).await;
    let again = service.ask(&charge("/charges", NEWEST).key("order-7")).await;
    assert_eq!((first.status, again.status), (201, 201));
    assert_eq!((&first.body, first.is_replay(), again.is_replay()), (&again.body, false, true));
    assert_eq!(see(&service, "/charges").await.json.as_array().unwrap().len(), 1);
    let other = service.ask(&charge("/charges", FIRST).key("order-7")).await;
    other.assert_problem(422, "urn:stonework:idempotency:key-reused");
}

#[tokio::test]
async fn step_3_has_an_end_for_who_asks_too_much() {
    let service = after(3);
    for _ in 0..20 {
        assert_eq!(see(&service, "/charges").await.status, 200);
    }
    // A token may have flowed in meanwhile.
    let mut last = see(&service, "/charges").await;
    while last.status == 200 {
        last = see(&service, "/charges").await;
    }
    last.assert_problem(429, QUOTA_EXCEEDED);
    assert_eq!(service.ask(&Request::get("/charges").account("bob")).await.status, 200);
    assert_eq!(service.ask(&Request::get("/charges")).await.status, 401, "counted by address");
}

#[tokio::test]
async fn step_4_serves_both_shapes() {
    let service = after(4);
    let old = service.ask(&charge("/v1/charges", FIRST)).await;
    assert_eq!((old.status, &old.json["amount"]), (201, &json!(100)), "{old:?}");
    assert_eq!(old.header("deprecation"), Some("@1788220800"));
    let new = see(&service, "/v2/charges").await;
    assert_eq!(new.json[0]["amount"], json!({ "value": 100, "currency": "USD" }));
    assert_eq!(see(&service, "/charges").await.header("api-version"), Some("v1"));
    see(&service, "/v3/charges")
        .await
        .assert_problem(404, "urn:stonework:versioning:version-unsupported");
    // A retry is one in the same version, wherever that is said.
    let said = |version| charge("/charges", FIRST).key("order-8").header("api-version", version);
    assert_eq!(service.ask(&said("1")).await.status, 201);
    assert!(service.ask(&said("1")).await.is_replay());
    service.ask(&said("2")).await.assert_problem(422, "urn:stonework:idempotency:key-reused");
}

#[tokio::test]
async fn step_5_lists_page_by_page() {
    let service = after(5);
    for _ in 0..3 {
        assert_eq!(service.ask(&charge("/v2/charges", NEWEST)).await.status, 201);
    }
    let ids = |reply: &Reply| -> Vec<i64> {
        let data = reply.json["data"].as_array().unwrap();
        data.iter().map(|charge| charge["id"].as_i64().unwrap()).collect()
    };
    let first = see(&service, "/v1/charges?limit=2").await;
    assert_eq!(ids(&first), [3, 2]);
    assert_eq!(first.json["data"][0]["amount"], 100);
    let link = first.header("link").unwrap();
    let next = link.split_once('<').unwrap().1.split_once(">; rel=\"next\"").unwrap().0;
    let next = next.rsplit_once('<').map_or(next, |(_, next)| next);
    assert_eq!(ids(&see(&service, next).await), [1]);
    let stolen = service.ask(&Request::get(next).account("bob")).await;
    stolen.assert_problem(400, "urn:stonework:pagination:cursor-invalid");
}

#[tokio::test]
async fn step_6_tells_what_happens_and_what_was_missed() {
    let service = after(6);
    let (mut stream, begin) = service.live("/v2/events", "alice").await;
    service.ask(&charge("/v2/charges", NEWEST)).await;
    let told = stream.told().await;
    assert!(told.rest.contains("event: charge\n"), "{told:?}");
    let again = support::stream::listen("/v2/events", "alice").header("last-event-id", &begin);
    assert_eq!(service.listen(&again).await.told().await, told);
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    listener.local_addr().expect("its address").port()
}

/// From the seventh step on.
async fn tells_customers(service: &Service) {
    let mut tries = 0..10;
    let mut receiver = loop {
        let port = free_port();
        let url = json!({ "url": format!("http://127.0.0.1:{port}/") });
        let register = charge("/v2/webhook-endpoints", &url.to_string());
        let registered = service.ask(&register).await;
        assert_eq!(registered.status, 200, "{registered:?}");
        let secret = registered.json["secret"].as_str().expect("a secret");
        let mut command = Command::new(env!("CARGO_BIN_EXE_webhook-receiver"));
        match Service::try_at(command.env("STANDARD_WEBHOOK_SECRET", secret), port) {
            Ok(receiver) => break receiver,
            // Somebody else took the port in between.
            Err(said) => assert!(tries.next().is_some(), "{said}"),
        }
    };
    service.ask(&charge("/v2/charges", NEWEST)).await;
    let line = receiver.line();
    assert!(line.starts_with(r#"charge_1 {"data":{"amount":"#), "{line}");
}

#[tokio::test]
async fn step_7_tells_customers_where_they_want_to_be_told() {
    tells_customers(&after(7)).await;
}

#[tokio::test]
async fn step_8_believes_the_bank() {
    let mut service = after(8);
    let body = r#"{"type":"settled"}"#;
    let event = signed_to("/webhooks/bank", &scheme::STANDARD, SECRET, "msg_1", body, now());
    assert_eq!(service.ask(&event).await.status, 204);
    assert_eq!(service.line(), format!("msg_1 {body}\n"));
    assert_eq!(service.ask(&event).await.status, 200, "known, and not handled again");
    let forged = event.body(r#"{"type":"refunded"}"#);
    assert_eq!(service.ask(&forged).await.status, 401);
    tells_customers(&service).await;
}

#[tokio::test]
async fn step_9_lets_pages_in() {
    let service = after(9);
    let page = |origin| Request::get("/v2/charges").account("alice").header("origin", origin);
    let allowed = service.ask(&page("https://app.example.com")).await;
    let header = "access-control-allow-origin";
    assert_eq!(allowed.header(header), Some("https://app.example.com"));
    assert_eq!(service.ask(&page("https://evil.example")).await.header(header), None);
}
