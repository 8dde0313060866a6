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
use crate::ledger::{Ledger, NotMade, Order, Statement, Transfer};
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
    let transfer = make(app, account, order).await?;
    demo.after_the_effect().await;
    let location = [(LOCATION, version.path(&format!("/transfers/{}", transfer.id)))];
    Ok((StatusCode::CREATED, location, Json(transfer)))
}

/// Makes a transfer, and tells of it.
///
/// In a task of its own, as a client may leave at any time: without a key that ends the handler, and between the two nobody
/// would be told.
async fn make(app: App, account: Account, order: Order) -> Result<Transfer, Refusal> {
    let made = tokio::spawn(async move {
        let transfer = app.ledger.transfer(&account, order).await?;
        events::tell(&app.hub, &account, &transfer).await;
        app.deliveries.tell(&app.ledger, &account, &transfer).await;
        Ok::<_, NotMade>(transfer)
    });
    Ok(made.await.map_err(|_| Refusal::Interrupted)??)
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

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::pin;
    use std::task::Poll;
    use std::time::Duration;

    use stonework_webhook_delivery::store::List;
    use tokio::time::{sleep, timeout};

    use super::*;
    use crate::ledger::WebhookEndpoint;

    /// A client leaves at the very moment when the money has moved.
    #[tokio::test]
    async fn what_was_made_is_told_though_its_client_has_left() {
        let file = std::env::temp_dir().join(format!("stonework-{}.db", Uuid::now_v7()));
        let ledger = Ledger::open(file.to_str()).await.unwrap();
        let deliveries = Deliveries::new(ledger.clone(), None, false, None).unwrap();
        let hub = events::hub(None).unwrap();
        let app = App { ledger: ledger.clone(), hub, deliveries: deliveries.clone(), demo: false };
        let account = Account::named("alice");
        let url = "https://example.com/hooks".to_owned();
        let endpoint =
            WebhookEndpoint { id: Uuid::now_v7(), url, secret: "whsec_c2VjcmV0".to_owned() };
        assert!(ledger.add_endpoint(&account, &endpoint, 1).await.unwrap());

        let order = r#"{"to":"bob","amount":{"value":100,"currency":"USD"}}"#;
        let order = serde_json::from_str(order).unwrap();
        {
            let mut work = pin!(make(app, account.clone(), order));
            while ledger.statement(&account).await.unwrap().transfers == 0 {
                let once = poll_fn(|cx| Poll::Ready(work.as_mut().poll(cx).is_ready()));
                assert!(!once.await, "it was answered before anybody could leave");
            }
        }
        let told = async {
            while deliveries.delivery().list(List::new(1)).await.unwrap().entries.is_empty() {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_secs(30), told).await.expect("it is told");
        drop(ledger);
        std::fs::remove_file(file).unwrap();
    }
}
