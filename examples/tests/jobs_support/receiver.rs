//! Somebody who is told by webhooks.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use reqwest::Method;
use serde_json::{Value, json};
use stonework_core::{Clock, RequestHead, SystemClock};
use stonework_webhook_sign::keys::KeySet;
use stonework_webhook_sign::scheme::{self, Scheme};
use stonework_webhook_sign::verify;
use tokio::net::TcpListener;

use super::{Service, persist, until};

/// What was sent, as it was sent.
type Sent = Arc<Mutex<Vec<(HeaderMap, Bytes)>>>;

/// Answers with these statuses, one after the other, and then with 204.
pub(crate) struct Receiver {
    url: String,
    secret: String,
    sent: Sent,
}

impl Receiver {
    pub(crate) async fn start(statuses: &'static [u16]) -> Self {
        let sent = Sent::default();
        let statuses = Arc::new(Mutex::new(statuses.iter().copied()));
        let receive = async move |State(sent): State<Sent>, headers: HeaderMap, body: Bytes| {
            sent.lock().expect("nobody panics").push((headers, body));
            let status = statuses.lock().expect("nobody panics").next();
            StatusCode::from_u16(status.unwrap_or(204)).expect("a status")
        };
        let app = Router::new().route("/hooks", post(receive)).with_state(Arc::clone(&sent));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/hooks", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, secret: String::new(), sent }
    }

    /// Somebody whom an account has named.
    pub(crate) async fn of(service: &Service, account: &str, statuses: &'static [u16]) -> Self {
        let mut receiver = Self::start(statuses).await;
        let reply = persist(
            service
                .request(Method::POST, "/v1/webhook-endpoints")
                .bearer_auth(account)
                .header("content-type", "application/json")
                .header("idempotency-key", uuid::Uuid::new_v4().to_string())
                .body(json!({ "url": receiver.url }).to_string()),
        )
        .await;
        assert_eq!(reply.status, 201, "{reply:?}");
        reply.json()["secret"].as_str().expect("a secret").clone_into(&mut receiver.secret);
        receiver
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Waits until it was told of this job, and says what: the same each time.
    pub(crate) async fn told_of(&self, path: &str) -> Value {
        let id = path.rsplit('/').next().expect("an id");
        until("a webhook comes", async || self.all().contains_key(id)).await;
        let told = self.all().remove(id).expect("it was there");
        assert!(told.iter().all(|event| *event == told[0]), "{told:?}");
        told[0].clone()
    }

    /// What it was told, by id. All of it is signed.
    pub(crate) fn all(&self) -> HashMap<String, Vec<Value>> {
        let keys = KeySet::new([scheme::STANDARD.key(&self.secret).expect("a secret")]);
        let keys = keys.expect("a key");
        let mut told: HashMap<String, Vec<Value>> = HashMap::new();
        for (headers, body) in self.sent.lock().expect("nobody panics").iter() {
            let request = axum::http::Request::new(());
            let mut head = RequestHead::of(&request);
            head.headers = headers;
            let now = SystemClock::new().unix();
            verify(&scheme::STANDARD, &keys, &head, body, now, None).expect("it is signed");
            let id = headers["webhook-id"].to_str().expect("text").to_owned();
            told.entry(id).or_default().push(serde_json::from_slice(body).expect("JSON"));
        }
        told
    }
}
