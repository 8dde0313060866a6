//! Step 7: customers are told at addresses of their own, until it has arrived.

use axum::extract::{FromRef, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use serde::{Deserialize, Serialize};
use stonework_sse::{Hub, SseLayer};
use stonework_webhook_delivery::egress::EgressGuard;
use stonework_webhook_delivery::store::MemoryOutbox;
use stonework_webhook_delivery::{Delivery, EndpointId, Message, Policy, Secret};

use crate::Error;
use crate::account::Account;
use crate::bare::find;
use crate::charges::{Charge, Charges, NewCharge, internal};
use crate::ending::{Ending, Service};
use crate::endpoints::{Customers, endpoint};
use crate::events::{events, publish};
use crate::pages::{list, pages};
use crate::versions::layered;

#[derive(Clone)]
pub(crate) struct App {
    pub(crate) charges: Charges,
    pub(crate) hub: Hub,
    pub(crate) delivery: Delivery,
    pub(crate) customers: Customers,
}

#[derive(Deserialize)]
struct NewEndpoint {
    url: String,
}

#[derive(Serialize)]
struct Registered {
    url: String,
    secret: String,
}

/// What signs is shown here, and nowhere else. One endpoint an account, to keep it short.
async fn register(
    State(app): State<App>,
    Extension(account): Extension<Account>,
    Json(NewEndpoint { url }): Json<NewEndpoint>,
) -> Result<Json<Registered>, StatusCode> {
    let id = EndpointId::new(account.0).map_err(|_| StatusCode::BAD_REQUEST)?;
    let secret = Secret::random().map_err(internal)?.reveal().to_owned();
    endpoint(&url, &secret).map_err(|_| StatusCode::BAD_REQUEST)?;
    app.customers.insert(&id, &url, &secret).await.map_err(internal)?;
    Ok(Json(Registered { url, secret }))
}

async fn create(
    State(app): State<App>,
    Extension(account): Extension<Account>,
    Json(new): Json<NewCharge>,
) -> Result<(StatusCode, Json<Charge>), StatusCode> {
    let charge = app.charges.create(&account, new).await.map_err(internal)?;
    publish(&app.hub, &account, &charge).await;
    if let Err(error) = tell(&app, account, &charge).await {
        eprintln!("guide: charge {} may not be told: {error}", charge.id);
    }
    Ok((StatusCode::CREATED, Json(charge)))
}

/// Told twice under one id, it is told once.
async fn tell(app: &App, account: Account, charge: &Charge) -> Result<(), Error> {
    let Ok(id) = EndpointId::new(account.0) else { return Ok(()) };
    let Some(_) = app.customers.get(&id).await? else { return Ok(()) };
    let event = serde_json::json!({ "type": "charge.created", "data": charge });
    let message = Message::new(event.to_string()).id(format!("charge_{}", charge.id));
    app.delivery.enqueue(&id, message).await?;
    Ok(())
}

pub(crate) fn routes(app: App, streams: SseLayer) -> Result<Router, Error> {
    let routes = Router::new()
        .route("/charges", post(create).merge(get(list).layer(pages()?)))
        .route("/charges/{id}", get(find))
        .route("/events", get(events).layer(streams))
        .route("/webhook-endpoints", post(register))
        .with_state(app);
    Ok(routes)
}

/// Nothing is sent to this machine or its network, unless you try things out.
pub(crate) fn guard() -> Result<EgressGuard, Error> {
    let guard = EgressGuard::builder();
    let guard = match std::env::var("WEBHOOK_ALLOW_LOOPBACK") {
        Ok(_) => guard.danger_allow_loopback(),
        Err(_) => guard,
    };
    Ok(guard.build()?)
}

pub(crate) async fn app() -> Result<App, Error> {
    let (charges, hub) = (Charges::open().await?, Hub::in_memory());
    let customers = Customers::open(&charges).await?;
    let delivery = Delivery::builder()
        .endpoints(customers.clone())
        .guard(guard()?)
        .outbox(MemoryOutbox::new())
        .policy(Policy::standard())
        .build()?;
    Ok(App { charges, hub, delivery, customers })
}

pub(crate) async fn service() -> Result<Service, Error> {
    let app = app().await?;
    let workers = app.delivery.start();
    let router = layered(routes(app, SseLayer::builder().build()?)?)?;
    Ok(Service { router, ending: Ending { workers: Some(workers), ..Ending::default() } })
}

impl FromRef<App> for Charges {
    fn from_ref(app: &App) -> Self {
        app.charges.clone()
    }
}

impl FromRef<App> for Hub {
    fn from_ref(app: &App) -> Self {
        app.hub.clone()
    }
}
