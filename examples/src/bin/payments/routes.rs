//! What the service does, in its newest version. Nothing here knows of idempotency keys or limits.

use axum::extract::rejection::{JsonRejection, PathRejection};
use axum::extract::{FromRef, Path, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use stonework_pagination::PageLayer;
use stonework_sse::{Hub, SseLayer};
use stonework_versioning::ApiVersion;
use uuid::Uuid;

use crate::account::Account;
use crate::deliveries::{self, Deliveries};
use crate::demo::{Demo, DemoAllowed};
use crate::events;
use crate::kept;
use crate::ledger::{Ledger, Order, Statement};
use crate::pages;
use crate::problem::Refusal;

#[derive(Clone)]
pub(crate) struct App {
    pub(crate) ledger: Ledger,
    pub(crate) hub: Hub,
    pub(crate) deliveries: Deliveries,
    pub(crate) demo: bool,
}

impl FromRef<App> for DemoAllowed {
    fn from_ref(app: &App) -> Self {
        Self(app.demo)
    }
}

pub(crate) fn router(app: App, pages: PageLayer, events: SseLayer) -> Router {
    let transfers = get(pages::list).layer(pages);
    Router::new()
        .route("/transfers", post(transfer).merge(transfers))
        .route("/transfers/{id}", get(find))
        .route("/account", get(statement))
        .route("/webhook-endpoints", get(deliveries::endpoints).post(deliveries::register))
        .route("/webhook-deliveries", get(deliveries::deliveries))
        .route("/events", events::stream().layer(events.clone()))
        .route("/events/poll", events::poll().layer(events.clone()))
        .route("/events/ws", events::socket().layer(events))
        .fallback(async || Refusal::UnknownRoute)
        .method_not_allowed_fallback(async || Refusal::WrongMethod)
        .with_state(app)
}

async fn transfer(
    State(app): State<App>,
    Extension(account): Extension<Account>,
    version: ApiVersion,
    demo: Demo,
    order: Result<Json<Order>, JsonRejection>,
) -> Result<impl IntoResponse, Refusal> {
    let Json(order) = order?;
    order.amount.is_in_dollars()?;
    demo.before_the_effect();
    let transfer = app.ledger.transfer(&account, order).await?;
    events::tell(&app.hub, &account, &transfer).await;
    app.deliveries.tell(&app.ledger, &account, &transfer).await;
    demo.after_the_effect().await;
    let location = [(LOCATION, version.path(&format!("/transfers/{}", transfer.id)))];
    Ok((StatusCode::CREATED, location, Json(transfer)))
}

async fn find(
    State(app): State<App>,
    Extension(account): Extension<Account>,
    id: Result<Path<Uuid>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let Path(id) = id.map_err(|_| Refusal::UnknownTransfer)?;
    let transfer = app.ledger.find(&account, id).await?.ok_or(Refusal::UnknownTransfer)?;
    Ok(kept::answer(&headers, &transfer))
}

async fn statement(
    State(app): State<App>,
    Extension(account): Extension<Account>,
) -> Result<Json<Statement>, Refusal> {
    Ok(Json(app.ledger.statement(&account).await?))
}
