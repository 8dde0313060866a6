//! Receivers of the webhooks that this service sends, for who has none of their own: each verifies what comes, fails as
//! often as it was told to, and then takes it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::rejection::{JsonRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{post, put};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use stonework_core::{StoreError, StoreFuture};
use stonework_webhook_sign::keys::{KeyProvider, KeySet, Wanted};
use stonework_webhook_sign::scheme::{STANDARD, Scheme};
use stonework_webhook_sign::store::MemoryStore;
use stonework_webhook_sign::{Sender, Verified, VerifyLayer};
use uuid::Uuid;

use crate::config::Failure;
use crate::problem::Refusal;

const BELOW: &str = "/console/receivers/";

/// Then the oldest is forgotten.
const MOST_RECEIVERS: usize = 64;
const MOST_ARRIVED: usize = 64;

pub(super) fn router() -> Result<Router, Failure> {
    let receivers = Receivers::default();
    let webhooks = VerifyLayer::builder()
        .sender(Sender::new(STANDARD).keys(receivers.clone()))
        .store(MemoryStore::new())
        .namespace("console")
        .max_body(crate::LARGEST_BODY)
        .build()
        .map_err(|errors| Failure::Config(errors.to_string()))?;
    let receive = post(receive).layer(webhooks);
    let routes = put(open).get(arrived).merge(receive);
    Ok(Router::new().route(&format!("{BELOW}{{id}}"), routes).with_state(receivers))
}

#[derive(Clone, Default)]
struct Receivers(Arc<Mutex<VecDeque<Receiver>>>);

struct Receiver {
    id: Uuid,
    keys: KeySet,
    /// Of each webhook.
    failures: usize,
    arrived: VecDeque<Arrived>,
}

#[derive(Clone, Serialize)]
struct Arrived {
    id: String,
    status: u16,
}

impl Receivers {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Receiver>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self, receiver: Receiver) {
        let mut all = self.lock();
        all.retain(|other| other.id != receiver.id);
        push(&mut all, receiver, MOST_RECEIVERS);
    }

    fn with<T>(&self, id: Uuid, act: impl FnOnce(&mut Receiver) -> T) -> Result<T, Refusal> {
        let mut all = self.lock();
        all.iter_mut().find(|known| known.id == id).map(act).ok_or(Refusal::UnknownReceiver)
    }
}

impl Receiver {
    fn receive(&mut self, id: &str) -> StatusCode {
        let before = self.arrived.iter().filter(|arrived| arrived.id == id).count();
        let status = if before < self.failures {
            StatusCode::SERVICE_UNAVAILABLE
        } else {
            StatusCode::NO_CONTENT
        };
        let arrived = Arrived { id: id.to_owned(), status: status.as_u16() };
        push(&mut self.arrived, arrived, MOST_ARRIVED);
        status
    }
}

fn push<T>(all: &mut VecDeque<T>, new: T, most: usize) {
    if all.len() == most {
        all.pop_front();
    }
    all.push_back(new);
}

/// Each receiver has the secret of its own endpoint.
impl KeyProvider for Receivers {
    fn keys(&self, wanted: Wanted<'_>) -> StoreFuture<Result<Option<KeySet>, StoreError>> {
        let id = wanted.head.uri.path().strip_prefix(BELOW).and_then(|id| id.parse().ok());
        let keys = id.and_then(|id| self.with(id, |receiver| receiver.keys.clone()).ok());
        StoreFuture::ready(Ok(keys))
    }
}

#[derive(Deserialize)]
struct Opening {
    secret: String,
    failures: usize,
}

async fn open(
    State(receivers): State<Receivers>,
    id: Result<Path<Uuid>, PathRejection>,
    opening: Result<Json<Opening>, JsonRejection>,
) -> Result<StatusCode, Refusal> {
    let id = id_of(id)?;
    let Json(Opening { secret, failures }) =
        opening.map_err(|error| Refusal::Unclear(error.body_text()))?;
    // Nor does the error show the secret.
    let unclear = |error: &dyn std::fmt::Display| Refusal::Unclear(format!("secret: {error}"));
    let key = STANDARD.key(&secret).map_err(|error| unclear(&error))?;
    let keys = KeySet::new([key]).map_err(|error| unclear(&error))?;
    let keys = keys.owned_by(id.as_bytes().as_slice().into());
    receivers.open(Receiver { id, keys, failures, arrived: VecDeque::new() });
    Ok(StatusCode::NO_CONTENT)
}

async fn receive(
    State(receivers): State<Receivers>,
    id: Result<Path<Uuid>, PathRejection>,
    verified: Verified,
) -> Result<StatusCode, Refusal> {
    let message = verified.id().unwrap_or_default();
    receivers.with(id_of(id)?, |receiver| receiver.receive(message))
}

async fn arrived(
    State(receivers): State<Receivers>,
    id: Result<Path<Uuid>, PathRejection>,
) -> Result<Json<VecDeque<Arrived>>, Refusal> {
    receivers.with(id_of(id)?, |receiver| receiver.arrived.clone()).map(Json)
}

fn id_of(id: Result<Path<Uuid>, PathRejection>) -> Result<Uuid, Refusal> {
    id.map(|Path(id)| id).map_err(|_| Refusal::UnknownReceiver)
}
