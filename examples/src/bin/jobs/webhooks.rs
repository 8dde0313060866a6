//! What accounts are told at addresses of their own, when a job has ended: signed, and sent until it arrives.

use std::sync::Arc;

use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::{StatusCode, Uri};
use axum::response::IntoResponse;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use stonework_core::{StoreError, StoreFuture};
use stonework_idempotency::Idempotency;
use stonework_webhook_delivery::egress::EgressGuard;
use stonework_webhook_delivery::store::MemoryOutbox;
use stonework_webhook_delivery::store::redis1::RedisOutbox;
use stonework_webhook_delivery::{
    Delivery, Endpoint, EndpointId, Endpoints, EnqueueError, Message, Policy, Signer, scheme,
};
use uuid::Uuid;

use crate::account::Account;
use crate::config::Failure;
use crate::connection::Redis;
use crate::job::Job;
use crate::problem::Refusal;
use crate::routes::App;
use crate::secret::SecretKey;
use crate::status::Shown;
use crate::store::{self, JobStore};
use crate::tell;

const PREFIX: &str = "jobs:outbox";

const LONGEST_URL: usize = 2_048;

/// Where requests may go.
pub(crate) fn guard(allow_loopback: bool) -> Result<EgressGuard, Failure> {
    let guard = EgressGuard::builder();
    let guard = if allow_loopback { guard.danger_allow_loopback() } else { guard };
    guard.build().map_err(Failure::config)
}

/// Sends from memory, or from Redis for all processes. Nothing is sent before it is started.
pub(crate) fn delivery(
    jobs: Arc<dyn JobStore>,
    secret: SecretKey,
    redis: Option<Redis>,
    guard: EgressGuard,
) -> Result<Delivery, Failure> {
    let delivery = Delivery::builder()
        .endpoints(Registered { jobs, secret })
        .guard(guard)
        .policy(Policy::brief());
    let delivery = match redis {
        Some(redis) => delivery
            .store_timeout(redis.within(1_000))
            .outbox(RedisOutbox::new(redis.connection).key_prefix(PREFIX)),
        None => delivery.outbox(MemoryOutbox::new()),
    };
    let delivery = delivery.build().map_err(Failure::config)?;
    tell(delivery.warnings());
    Ok(delivery)
}

/// Puts the end of a job into the outbox, for each place where its account wants to be told. Done again, by whoever goes
/// on with it, it is not put there twice: the id of the message is that of the job, which ends once.
pub(crate) async fn enqueue(
    delivery: &Delivery,
    jobs: &dyn JobStore,
    job: &Job,
) -> Result<(), EnqueueError> {
    let r#type = format!("image.{}", job.state.name());
    let event = Ended { r#type, data: Shown::of(job) };
    let body = serde_json::to_vec(&event).unwrap_or_default();
    let endpoints = jobs.endpoints(job.account.clone()).await.map_err(EnqueueError::Store)?;
    for endpoint in endpoints {
        let message = Message::new(body.clone()).id(job.id.to_string());
        match delivery.enqueue(&name(&job.account, endpoint.id), message).await {
            // Its owner was told so, or will see.
            Ok(_) | Err(EnqueueError::Disabled) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[derive(Serialize)]
struct Ended {
    r#type: String,
    data: Shown,
}

/// Endpoints as they are kept beside the jobs, and what signs for them.
struct Registered {
    jobs: Arc<dyn JobStore>,
    secret: SecretKey,
}

impl Endpoints for Registered {
    fn find(&self, id: &EndpointId) -> StoreFuture<Result<Option<Endpoint>, StoreError>> {
        let named = id.as_str().split_once('/');
        let named =
            named.and_then(|(account, id)| Some((Account::named(account)?, id.parse().ok()?)));
        let Some((account, id)) = named else { return StoreFuture::ready(Ok(None)) };
        let (jobs, secret) = (Arc::clone(&self.jobs), self.secret.clone());
        StoreFuture::new(async move {
            let known: Vec<store::Endpoint> = jobs.endpoints(account).await?;
            let found = known.into_iter().find(|endpoint| endpoint.id == id);
            Ok(found.and_then(|found| signed(&found.url, &secret.webhook(id))))
        })
    }
}

/// Nothing if it is no absolute URL.
fn signed(url: &str, secret: &str) -> Option<Endpoint> {
    let signer = Signer::new(scheme::STANDARD).secret(secret);
    Endpoint::builder(url).signer(signer).build().ok()
}

fn name(account: &Account, id: Uuid) -> EndpointId {
    EndpointId::new(format!("{}/{id}", account.name()))
        .unwrap_or_else(|_| unreachable!("both are short and of ASCII"))
}

/// What a client asks for.
#[derive(Deserialize)]
pub(crate) struct Registration {
    url: String,
}

/// An endpoint as it is shown.
#[derive(Serialize)]
pub(crate) struct Place {
    id: Uuid,
    url: String,
    /// Only when it is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

/// Registers an endpoint. What signs is told here, and nowhere else.
pub(crate) async fn register(
    State(app): State<App>,
    Extension(account): Extension<Account>,
    idempotency: Option<Idempotency>,
    registration: Result<Json<Registration>, JsonRejection>,
) -> Result<impl IntoResponse, Refusal> {
    let Json(Registration { url }) = registration.map_err(Refusal::Registration)?;
    let refused = |reason: &str| Refusal::EndpointUrl(reason.to_owned());
    if url.len() > LONGEST_URL {
        return Err(refused("it is longer than 2048 bytes"));
    }
    let parsed: Uri = url.parse().map_err(|_| refused("it is no URL"))?;
    app.guard.check_url(&parsed).map_err(|reason| refused(&reason.to_string()))?;
    let id = id(idempotency.as_ref(), &url);
    let secret = app.secret.webhook(id);
    signed(&url, &secret).ok_or_else(|| refused("it is no absolute URL"))?;
    let endpoint = store::Endpoint { id, url: url.clone() };
    if !app.jobs.add_endpoint(account, endpoint).await? {
        return Err(Refusal::TooManyEndpoints);
    }
    Ok((StatusCode::CREATED, Json(Place { id, url, secret: Some(secret) })))
}

/// As with images, it follows from the key; and from the URL, for a key is known for a day, and an endpoint longer.
fn id(idempotency: Option<&Idempotency>, url: &str) -> Uuid {
    let derived = idempotency.and_then(|key| key.derive(&format!("endpoint {url}")).parse().ok());
    derived.unwrap_or_else(Uuid::now_v7)
}

#[derive(Serialize)]
pub(crate) struct Data<T> {
    data: Vec<T>,
}

pub(crate) async fn endpoints(
    State(app): State<App>,
    Extension(account): Extension<Account>,
) -> Result<Json<Data<Place>>, Refusal> {
    let shown = |store::Endpoint { id, url }| Place { id, url, secret: None };
    let data = app.jobs.endpoints(account).await?.into_iter().map(shown).collect();
    Ok(Json(Data { data }))
}
