//! Step 1: the service as it was.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::middleware::{from_fn, map_request};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use tower::ServiceBuilder;

use crate::Error;
use crate::account::{Account, identify, require};
use crate::charges::{Charge, Charges, NewCharge, internal};

pub(crate) async fn app() -> Result<Router, Error> {
    let layers = ServiceBuilder::new()
        .layer(map_request(identify)) // who is asking; it never says no
        .layer(from_fn(require)); //     says no to strangers
    Ok(routes(Charges::open().await?).layer(layers))
}

pub(crate) fn routes(charges: Charges) -> Router {
    Router::new()
        .route("/charges", post(create).get(list))
        .route("/charges/{id}", get(find))
        .with_state(charges)
}

pub(crate) async fn create(
    State(charges): State<Charges>,
    Extension(account): Extension<Account>,
    Json(new): Json<NewCharge>,
) -> Result<(StatusCode, Json<Charge>), StatusCode> {
    let charge = charges.create(&account, new).await.map_err(internal)?;
    Ok((StatusCode::CREATED, Json(charge)))
}

async fn list(
    State(charges): State<Charges>,
    Extension(account): Extension<Account>,
) -> Result<Json<Vec<Charge>>, StatusCode> {
    Ok(Json(charges.all(&account).await.map_err(internal)?))
}

pub(crate) async fn find(
    State(charges): State<Charges>,
    Extension(account): Extension<Account>,
    Path(id): Path<i64>,
) -> Result<Json<Charge>, StatusCode> {
    let charge = charges.find(&account, id).await.map_err(internal)?;
    charge.map(Json).ok_or(StatusCode::NOT_FOUND)
}
