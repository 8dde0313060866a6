//! Step 6: clients see what happens while it happens, and miss nothing when they come back.

use axum::extract::{FromRef, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use stonework_sse::{
    Event, Hub, LastEventId, Publish, SseBody, SseLayer, Subscribe, SubscribeError,
};

use crate::Error;
use crate::account::Account;
use crate::bare::find;
use crate::charges::{Charge, Charges, NewCharge, internal};
use crate::pages::{list, pages};
use crate::versions::layered;

#[derive(Clone)]
struct App {
    charges: Charges,
    hub: Hub,
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

async fn create(
    State(app): State<App>,
    Extension(account): Extension<Account>,
    Json(new): Json<NewCharge>,
) -> Result<(StatusCode, Json<Charge>), StatusCode> {
    let charge = app.charges.create(&account, new).await.map_err(internal)?;
    publish(&app.hub, &account, &charge).await;
    Ok((StatusCode::CREATED, Json(charge)))
}

/// An account has a log of its own, which nobody else can read.
pub(crate) async fn publish(hub: &Hub, Account(account): &Account, charge: &Charge) {
    let event = match Event::json(charge).and_then(|event| event.event_type("charge")) {
        Ok(event) => event,
        Err(error) => return eprintln!("guide: no event: {error}"),
    };
    if let Err(error) = hub.publish(Publish::to(account.as_str(), event)).await {
        eprintln!("guide: nobody may have been told: {error}");
    }
}

pub(crate) async fn events(
    State(hub): State<Hub>,
    Extension(Account(account)): Extension<Account>,
    after: Option<LastEventId>,
) -> Result<impl IntoResponse, SubscribeError> {
    let events = hub.subscribe(Subscribe::to(account.as_str()).after(after)).await?;
    Ok(SseBody::new(events).into_response())
}

pub(crate) async fn app() -> Result<Router, Error> {
    let app = App { charges: Charges::open().await?, hub: Hub::in_memory() };
    let lists = get(list).layer(pages()?);
    let streams = get(events).layer(SseLayer::builder().build()?);
    let routes = Router::new()
        .route("/charges", post(create).merge(lists))
        .route("/charges/{id}", get(find))
        .route("/events", streams)
        .with_state(app);
    layered(routes)
}
