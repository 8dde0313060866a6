//! A payments provider in the shape of Stripe's: one route, under the layer.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use axum::middleware::map_request_with_state;
use axum::routing::post;
use axum::{Form, Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use stonework_core::{Key, Problem, Protocol, RequestHead};
use stonework_idempotency::{IdempotencyLayer, IdempotencyLayerBuilder, Rejection, Tracker};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// What the handler does after it has charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    Answer,
    /// Waits for [`Provider::open_gate`] before it answers. Only the first run does: a second one is
    /// an error, and shall be seen and not hang.
    FirstAnswerAtGate,
    Panic,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Charge {
    pub(crate) id: String,
    pub(crate) amount: u64,
}

/// A provider that serves on a loopback port until the test ends.
pub(crate) struct Provider {
    pub(crate) address: SocketAddr,
    pub(crate) tracker: Tracker,
    desk: Arc<Desk>,
}

struct Desk {
    then: Then,
    ledger: Mutex<Vec<(String, Charge)>>,
    /// Requests that reached the layer, whether or not they were complete.
    requests: AtomicUsize,
    /// One permit for each run of the handler that has charged.
    charged: Arc<Semaphore>,
    gate: Semaphore,
}

impl Provider {
    pub(crate) async fn start(then: Then) -> Self {
        Self::start_with(then, |layer| layer.render(as_stripe)).await
    }

    pub(crate) async fn start_with(
        then: Then,
        configure: impl FnOnce(IdempotencyLayerBuilder) -> IdempotencyLayerBuilder,
    ) -> Self {
        let scope = |head: &RequestHead<'_>| account(head.headers).map(|a| copy(&a));
        let layer = configure(IdempotencyLayer::builder().scope(scope)).build().unwrap();
        let desk = Arc::new(Desk {
            then,
            ledger: Mutex::default(),
            requests: AtomicUsize::new(0),
            charged: Arc::new(Semaphore::new(0)),
            gate: Semaphore::new(0),
        });
        let tracker = layer.tracker();
        let router = Router::new()
            .route("/v1/charges", post(create_charge))
            .layer(layer)
            .layer(map_request_with_state(Arc::clone(&desk), count))
            .with_state(Arc::clone(&desk));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, tracker, desk }
    }

    /// What was charged to an account, in this order.
    pub(crate) fn ledger(&self, account: &str) -> Vec<Charge> {
        let ledger = self.desk.ledger.lock().unwrap();
        let of_account = ledger.iter().filter(|(owner, _)| owner == account);
        of_account.map(|(_, charge)| charge.clone()).collect()
    }

    pub(crate) fn requests(&self) -> usize {
        self.desk.requests.load(Ordering::SeqCst)
    }

    pub(crate) fn charged(&self) -> Arc<Semaphore> {
        Arc::clone(&self.desk.charged)
    }

    /// Lets the first run of the handler answer.
    pub(crate) fn open_gate(&self) {
        self.desk.gate.add_permits(1);
    }
}

async fn count(State(desk): State<Arc<Desk>>, request: Request) -> Request {
    desk.requests.fetch_add(1, Ordering::SeqCst);
    request
}

#[derive(Deserialize)]
struct CreateCharge {
    amount: u64,
    currency: String,
    source: String,
}

async fn create_charge(
    State(desk): State<Arc<Desk>>,
    headers: HeaderMap,
    Form(form): Form<CreateCharge>,
) -> Result<Json<Value>, StatusCode> {
    let account = account(&headers).ok_or(StatusCode::UNAUTHORIZED)?;
    let charge = desk.charge(account, form.amount);
    desk.charged.add_permits(1);
    match desk.then {
        Then::Answer => {}
        Then::FirstAnswerAtGate if charge.id != "ch_1" => {}
        Then::FirstAnswerAtGate => desk.gate.acquire().await.unwrap().forget(),
        Then::Panic => panic!("the handler panics after it has charged, as this test wants it to"),
    }
    Ok(Json(json!({
        "id": charge.id,
        "object": "charge",
        "amount": charge.amount,
        "currency": form.currency,
        "source": { "id": form.source, "object": "card" },
        "paid": true,
        "status": "succeeded",
    })))
}

impl Desk {
    fn charge(&self, account: String, amount: u64) -> Charge {
        let mut ledger = self.ledger.lock().unwrap();
        let charge = Charge { id: format!("ch_{}", ledger.len() + 1), amount };
        ledger.push((account, charge.clone()));
        charge
    }
}

/// The account that an API key `sk_test_ACCOUNT_SERIAL` belongs to. An account may have several
/// keys, and renew them between two tries.
fn account(headers: &HeaderMap) -> Option<String> {
    let bearer = headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")?;
    let (account, _serial) = bearer.strip_prefix("sk_test_")?.split_once('_')?;
    Some(account.to_owned())
}

fn copy(account: &str) -> Key {
    Key::copy_from_slice(account.as_bytes())
}

/// Rejections as Stripe's API words them, so that the SDK raises its own errors.
fn as_stripe(rejection: Rejection, problem: &Problem, _: &RequestHead<'_>) -> Response<Bytes> {
    // Begins with the default reply, which has `Retry-After` where it is due.
    let mut response = problem.to_response(&Protocol::Http);
    let (kind, code) = match rejection {
        Rejection::Mismatch => {
            *response.status_mut() = StatusCode::BAD_REQUEST;
            ("idempotency_error", None)
        }
        Rejection::InFlight => ("idempotency_error", Some("idempotency_key_in_use")),
        Rejection::OutcomeUnknown => {
            // The SDK would repeat any 409, and learn nothing from that here.
            let never = HeaderValue::from_static("false");
            response.headers_mut().insert("stripe-should-retry", never);
            ("idempotency_error", Some("outcome_unknown"))
        }
        _ if problem.status().is_server_error() => ("api_error", None),
        _ => ("invalid_request_error", None),
    };
    let error = json!({ "type": kind, "code": code, "message": problem.message() });
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    *response.body_mut() = json!({ "error": error }).to_string().into();
    response
}
