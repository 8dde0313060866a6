//! What accounts are told at addresses of their own: webhooks of transfers, signed, and sent until they arrive.

use std::time::Duration;

use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::{StatusCode, Uri};
use axum::response::IntoResponse;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use stonework_core::{StoreErrorKind, StoreFuture};
use stonework_webhook_delivery::egress::EgressGuard;
use stonework_webhook_delivery::store::redis1::RedisOutbox;
use stonework_webhook_delivery::store::{Entry, List, MemoryOutbox, StateKind};
use stonework_webhook_delivery::{
    Attempt, Delivery, Endpoint, EndpointId, Endpoints, Fault, Message, Policy, Secret, Signer,
    StoreError, scheme,
};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::account::Account;
use crate::config::Failure;
use crate::connection::Redis;
use crate::keys::ShownOnce;
use crate::ledger::{Ledger, Transfer, WebhookEndpoint};
use crate::problem::Refusal;
use crate::routes::App;
use crate::tell;

const PREFIX: &str = "payments:outbox:";

/// Of one account.
pub(crate) const MOST_ENDPOINTS: i64 = 16;

/// The newest deliveries that are shown of each endpoint.
const SHOWN: usize = 50;

/// Sends what is told, and says where that may be.
#[derive(Clone)]
pub(crate) struct Deliveries {
    delivery: Delivery,
    guard: EgressGuard,
}

impl Deliveries {
    /// In memory, or in Redis for all processes. Nothing is sent before it is started.
    pub(crate) fn new(
        ledger: Ledger,
        redis: Option<Redis>,
        allow_loopback: bool,
        remember: Option<Duration>,
    ) -> Result<Self, Failure> {
        let failed = |errors: String| Failure::Config(errors);
        let guard = EgressGuard::builder();
        let guard = if allow_loopback { guard.danger_allow_loopback() } else { guard };
        let guard = guard.build().map_err(|errors| failed(errors.to_string()))?;
        let delivery = Delivery::builder()
            .endpoints(Registered(ledger))
            .guard(guard.clone())
            .policy(Policy::brief());
        let delivery = match remember {
            Some(time) => delivery.keep_delivered(time).keep_dead(time),
            None => delivery,
        };
        let delivery = match redis {
            Some(redis) => delivery
                .store_timeout(redis.within(1_000))
                .outbox(RedisOutbox::new(redis.connection).key_prefix(PREFIX)),
            None => delivery.outbox(MemoryOutbox::new()),
        };
        let delivery = delivery.build().map_err(|errors| failed(errors.to_string()))?;
        tell(delivery.warnings());
        Ok(Self { delivery, guard })
    }

    pub(crate) const fn delivery(&self) -> &Delivery {
        &self.delivery
    }

    /// Tells of a transfer that was made, wherever its account wants to be told.
    ///
    /// A process that crashes right before this tells nobody. A service whose webhooks must not be lost writes them into the
    /// database with the transfer, and enqueues them from there under the same ids.
    pub(crate) async fn tell(&self, ledger: &Ledger, account: &Account, transfer: &Transfer) {
        let endpoints = match ledger.endpoints(account).await {
            Ok(endpoints) => endpoints,
            Err(error) => {
                return eprintln!("payments: nobody is told of {}: {error}", transfer.id);
            }
        };
        let event = Completed { r#type: COMPLETED, data: transfer };
        let Ok(body) = serde_json::to_vec(&event) else { return };
        for endpoint in endpoints {
            // Told twice, it is one.
            let message = Message::new(body.clone()).id(transfer.id.to_string());
            if let Err(error) = self.delivery.enqueue(&name(endpoint.id), message).await {
                eprintln!("payments: {} may not be told of {}: {error}", endpoint.id, transfer.id);
            }
        }
    }
}

/// What the events of the webhooks are called.
pub(crate) const COMPLETED: &str = "transfer.completed";

#[derive(Serialize)]
struct Completed<'a> {
    r#type: &'static str,
    data: &'a Transfer,
}

/// Endpoints as they are in the ledger.
struct Registered(Ledger);

impl Endpoints for Registered {
    fn find(&self, id: &EndpointId) -> StoreFuture<Result<Option<Endpoint>, StoreError>> {
        let Ok(id) = id.as_str().parse() else { return StoreFuture::ready(Ok(None)) };
        let ledger = self.0.clone();
        StoreFuture::new(async move {
            let unavailable =
                |error| StoreError::new(StoreErrorKind::Unavailable).with_source(error);
            let found = ledger.endpoint(id).await.map_err(unavailable)?;
            Ok(found.and_then(|found| found.endpoint().ok()))
        })
    }
}

impl WebhookEndpoint {
    fn endpoint(&self) -> Result<Endpoint, Refusal> {
        let signer = Signer::new(scheme::STANDARD).secret(&self.secret);
        let built = Endpoint::builder(&self.url).signer(signer).build();
        built.map_err(|_| Refusal::EndpointUrl("it is no absolute URL".to_owned()))
    }
}

fn name(id: Uuid) -> EndpointId {
    EndpointId::new(id.to_string()).unwrap_or_else(|_| unreachable!("a UUID is a name"))
}

/// What a client asks for.
#[derive(Deserialize, ToSchema)]
pub(crate) struct Registration {
    /// Where webhooks are sent: by https, to a public address.
    #[schema(example = "https://example.com/hooks")]
    url: String,
}

/// An endpoint as it is shown.
#[derive(Serialize, ToSchema)]
#[schema(as = Endpoint)]
pub(crate) struct Shown {
    id: Uuid,
    url: String,
    /// What signs. It is told when the endpoint is made, and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    secret: Option<String>,
}

/// Registers an endpoint. What signs is told here, and nowhere else.
pub(crate) async fn register(
    State(app): State<App>,
    Extension(account): Extension<Account>,
    registration: Result<Json<Registration>, JsonRejection>,
) -> Result<impl IntoResponse, Refusal> {
    let Json(Registration { url }) = registration.map_err(Refusal::Registration)?;
    let refused = |reason: String| Refusal::EndpointUrl(reason);
    let parsed: Uri = url.parse().map_err(|_| refused("it is no URL".to_owned()))?;
    app.deliveries.guard.check_url(&parsed).map_err(|reason| refused(reason.to_string()))?;
    let secret = Secret::random().map_err(|error| {
        eprintln!("payments: no secret can be made: {error}");
        Refusal::Ledger
    })?;
    let endpoint = WebhookEndpoint { id: Uuid::now_v7(), url, secret: secret.reveal().to_owned() };
    endpoint.endpoint()?;
    if !app.ledger.add_endpoint(&account, &endpoint, MOST_ENDPOINTS).await? {
        return Err(Refusal::TooManyEndpoints(MOST_ENDPOINTS));
    }
    let WebhookEndpoint { id, url, secret } = endpoint;
    let shown = Json(Shown { id, url, secret: Some(secret) });
    Ok((StatusCode::CREATED, Extension(ShownOnce), shown))
}

#[derive(Serialize)]
pub(crate) struct Data<T> {
    data: Vec<T>,
}

pub(crate) async fn endpoints(
    State(app): State<App>,
    Extension(account): Extension<Account>,
) -> Result<Json<Data<Shown>>, Refusal> {
    let shown = |WebhookEndpoint { id, url, .. }| Shown { id, url, secret: None };
    let data = app.ledger.endpoints(&account).await?.into_iter().map(shown).collect();
    Ok(Json(Data { data }))
}

/// A delivery as it is shown.
#[derive(Serialize, ToSchema)]
#[schema(as = Delivery)]
pub(crate) struct Delivered {
    /// That of the message: the transfer's.
    id: String,
    endpoint: String,
    /// `queued`, `sending`, `delivered`, or `dead`: given up.
    #[schema(value_type = String, pattern = "^(queued|sending|delivered|dead)$")]
    state: &'static str,
    attempts: Vec<Tried>,
}

/// An attempt as it is shown. What was answered is nobody's business.
#[derive(Serialize, ToSchema)]
#[schema(as = Attempt)]
pub(crate) struct Tried {
    /// When it began, in milliseconds since 1970.
    #[schema(value_type = u64)]
    at: u128,
    /// How long it took.
    #[schema(value_type = u64)]
    milliseconds: u128,
    /// The HTTP status that was answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    status: Option<u16>,
    /// What went wrong, in a word.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<String>)]
    fault: Option<&'static str>,
}

/// What has become of what was told.
pub(crate) async fn deliveries(
    State(app): State<App>,
    Extension(account): Extension<Account>,
) -> Result<Json<Data<Delivered>>, Refusal> {
    let mut data = Vec::new();
    for endpoint in app.ledger.endpoints(&account).await? {
        let list = List::new(SHOWN).of(name(endpoint.id));
        let page = app.deliveries.delivery.list(list).await.map_err(|error| {
            eprintln!("payments: the outbox failed: {error}");
            Refusal::Outbox
        })?;
        data.extend(page.entries.iter().map(Delivered::of));
    }
    Ok(Json(Data { data }))
}

impl Delivered {
    fn of(entry: &Entry) -> Self {
        Self {
            id: entry.id.message().as_str().to_owned(),
            endpoint: entry.id.endpoint().as_str().to_owned(),
            state: match entry.state.kind() {
                StateKind::Queued | StateKind::Waiting => "queued",
                StateKind::Sending => "sending",
                StateKind::Delivered => "delivered",
                _ => "dead",
            },
            attempts: entry.attempts.iter().map(Tried::of).collect(),
        }
    }
}

impl Tried {
    fn of(attempt: &Attempt) -> Self {
        Self {
            at: attempt.at.as_millis(),
            milliseconds: attempt.took.as_millis(),
            status: attempt.status,
            fault: attempt.fault.map(Fault::slug),
        }
    }
}
