//! What accounts of the payments service are told at addresses of their own.

mod support;

use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::{Value, json};
use stonework_core::RequestHead;
use stonework_webhook_sign::keys::KeySet;
use stonework_webhook_sign::scheme::{self, Scheme};
use stonework_webhook_sign::verify;
use support::webhooks::now;
use support::{Reply, Request, Service, until};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

fn service() -> Service {
    Service::with(&[("WEBHOOK_ALLOW_LOOPBACK", "1")])
}

fn register(url: &str) -> Request {
    Request::new("POST", "/v1/webhook-endpoints")
        .account("alice")
        .header("content-type", "application/json")
        .body(&json!({ "url": url }).to_string())
}

async fn pay(service: &Service) -> Reply {
    let made = service.ask(&Request::transfer(support::RENT)).await;
    assert_eq!(made.status, 201, "{made:?}");
    made
}

async fn shown(service: &Service, path: &str) -> Vec<Value> {
    let reply = service.ask(&Request::get(path).account("alice")).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json["data"].as_array().expect("data").clone()
}

/// What a receiver was sent.
type Received = (HeaderMap, Bytes);

/// Somebody who answers with these statuses, one after the other, and then with 204.
struct Receiver {
    url: String,
    received: mpsc::UnboundedReceiver<Received>,
}

impl Receiver {
    async fn start(statuses: &'static [u16]) -> Self {
        let (sender, received) = mpsc::unbounded_channel();
        let statuses = Arc::new(Mutex::new(statuses.iter().copied()));
        let receive = async move |State(sender): State<mpsc::UnboundedSender<Received>>,
                                  headers: HeaderMap,
                                  body: Bytes| {
            let _ = sender.send((headers, body));
            let status = statuses.lock().expect("nobody panics").next();
            StatusCode::from_u16(status.unwrap_or(204)).expect("a status")
        };
        let app = axum::Router::new().route("/hooks", post(receive)).with_state(sender);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/hooks", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, received }
    }

    /// What comes next, which must be signed.
    async fn next(&mut self, secret: &str) -> (String, Value) {
        let next = support::in_time("a webhook", self.received.recv()).await;
        let (headers, body) = next.expect("it listens");
        let keys = KeySet::new([scheme::STANDARD.key(secret).expect("a secret")]).expect("a key");
        let request = axum::http::Request::new(());
        let mut head = RequestHead::of(&request);
        head.headers = &headers;
        verify(&scheme::STANDARD, &keys, &head, &body, now(), None).expect("it is signed");
        let id = headers["webhook-id"].to_str().expect("text").to_owned();
        (id, serde_json::from_slice(&body).expect("JSON"))
    }
}

/// The last attempt of a delivery, and those before it. Any may have been too late for a busy machine.
fn attempts(delivery: &Value) -> (&Value, &[Value]) {
    delivery["attempts"].as_array().expect("attempts").split_last().expect("one at least")
}

#[tokio::test]
async fn an_account_is_told_of_its_transfers_and_nobody_elses() {
    let (service, mut receiver) = (service(), Receiver::start(&[]).await);
    let registered = service.ask(&register(&receiver.url)).await;
    assert_eq!(registered.status, 201, "{registered:?}");
    let secret = registered.json["secret"].as_str().expect("a secret");
    assert!(secret.starts_with("whsec_"), "{secret}");
    assert_eq!(registered.json["url"], *receiver.url);
    service.ask(&Request::transfer(support::RENT).account("bob")).await;
    let made = pay(&service).await;
    let (id, event) = receiver.next(secret).await;
    assert_eq!(id, made.json["id"]);
    assert_eq!(event["type"], "transfer.completed");
    assert_eq!(event["data"]["id"], made.json["id"]);
    assert_eq!(event["data"]["balance"], made.json["balance"]);
    until("it is delivered", async || {
        let [delivery] = &shown(&service, "/v1/webhook-deliveries").await[..] else { return false };
        delivery["state"] == "delivered"
    })
    .await;
    let [delivery] = &shown(&service, "/v2/webhook-deliveries").await[..] else {
        panic!("there is one")
    };
    assert_eq!(delivery["id"], *id);
    let (last, before) = attempts(delivery);
    assert_eq!(last["status"], 204);
    assert!(before.iter().all(|attempt| attempt["fault"].is_string()), "{before:?}");
}

#[tokio::test]
async fn a_secret_is_shown_once_and_to_whoever_retries() {
    let service = service();
    let receiver = Receiver::start(&[]).await;
    let request = register(&receiver.url).key("register");
    let first = service.ask(&request).await;
    let again = service.ask(&request).await;
    assert_eq!((again.status, again.is_replay()), (201, true), "{again:?}");
    assert_eq!(again.json, first.json);
    let endpoints = shown(&service, "/v1/webhook-endpoints").await;
    let expected = json!({"id": first.json["id"], "url": receiver.url});
    assert_eq!(endpoints, [expected]);
}

#[tokio::test]
async fn who_fails_is_told_again_under_the_same_id() {
    let (service, mut receiver) = (service(), Receiver::start(&[500]).await);
    let registered = service.ask(&register(&receiver.url)).await;
    let secret = registered.json["secret"].as_str().expect("a secret");
    pay(&service).await;
    let (first, again) = (receiver.next(secret).await, receiver.next(secret).await);
    assert_eq!(first, again);
    until("both attempts are shown", async || {
        let deliveries = shown(&service, "/v1/webhook-deliveries").await;
        if deliveries[0]["state"] != "delivered" {
            return false;
        }
        let (last, before) = attempts(&deliveries[0]);
        assert_eq!(last["status"], 204);
        // An answer that was too late has a fault for a status.
        let has_failed = |attempt: &Value| attempt["status"] == 500 || attempt["fault"].is_string();
        assert!(!before.is_empty() && before.iter().all(has_failed), "{before:?}");
        true
    })
    .await;
}

#[tokio::test]
async fn nothing_is_sent_to_this_machine_unless_that_is_allowed() {
    let (service, receiver) = (Service::start(), Receiver::start(&[]).await);
    let forbidden = "urn:stonework:payments:forbidden-url";
    for url in [
        &receiver.url,
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://169.254.169.254/latest/meta-data/",
        "http://example.com/",
        "https://user:password@example.com/",
        "https://example.com:22/",
        "/hooks",
        "",
    ] {
        service.ask(&register(url)).await.assert_problem(422, forbidden);
    }
    assert!(shown(&service, "/v1/webhook-endpoints").await.is_empty());
    let no_url = Request::new("POST", "/v1/webhook-endpoints").account("alice").body("{}");
    let no_url = service.ask(&no_url.header("content-type", "application/json")).await;
    no_url.assert_problem(422, "urn:stonework:payments:invalid-endpoint");
}
