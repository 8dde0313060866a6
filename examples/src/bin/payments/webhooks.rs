//! What others tell: webhooks of Stripe and GitHub, and of whoever signs by Standard Webhooks.
//!
//! They come without a bearer token and in no version; a signature is what lets them in.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{any, get, post};
use axum::{Json, Router};
use stonework_webhook_sign::scheme;
use stonework_webhook_sign::store::redis1::RedisStore;
use stonework_webhook_sign::store::{EventKey, MemoryStore, ReplayStore};
use stonework_webhook_sign::{Sender, Verified, VerifyLayer};

use crate::config::Failure;
use crate::connection::Redis;
use crate::ledger::Ledger;
use crate::problem::Refusal;
use crate::tell;

const PREFIX: &str = "payments:webhooks:";

/// By what others sign, of those who do.
pub(crate) struct Secrets {
    pub(crate) stripe: Option<String>,
    pub(crate) github: Option<String>,
    pub(crate) standard: Option<String>,
}

/// The name of a sender, and what lets its webhooks in.
pub(crate) type Known = (&'static str, VerifyLayer);

/// Which events were seen, how long that is waited for, and how long it is remembered.
pub(crate) struct Seen {
    store: Arc<dyn ReplayStore>,
    store_timeout: Option<Duration>,
    remember: Option<Duration>,
}

impl Seen {
    pub(crate) fn new(redis: Option<Redis>, remember: Option<Duration>) -> Self {
        let store_timeout = redis.as_ref().map(|redis| redis.within(400));
        let store: Arc<dyn ReplayStore> = match redis {
            Some(redis) => Arc::new(RedisStore::new(redis.connection).key_prefix(PREFIX)),
            None => Arc::new(MemoryStore::new()),
        };
        Self { store, store_timeout, remember }
    }
}

/// Those whose secrets are known.
pub(crate) fn senders(secrets: Secrets, seen: &Seen) -> Result<Vec<Known>, Failure> {
    let all = [
        ("stripe", secrets.stripe, Sender::new(scheme::STRIPE)),
        ("github", secrets.github, Sender::new(scheme::GITHUB)),
        ("standard", secrets.standard, Sender::new(scheme::STANDARD)),
    ];
    let known = all
        .into_iter()
        .filter_map(|(name, secret, of)| Some(sender(name, of.secret(secret?), seen)));
    known.collect()
}

pub(crate) fn sender(name: &'static str, sender: Sender, seen: &Seen) -> Result<Known, Failure> {
    let store = Arc::clone(&seen.store);
    let layer = VerifyLayer::builder().sender(sender).store(store).namespace(name);
    let layer = match seen.store_timeout {
        Some(time) => layer.store_timeout(time),
        None => layer,
    };
    let layer = match seen.remember {
        Some(time) => layer.dedupe_for(time),
        None => layer,
    };
    let variable = || format!("{}_WEBHOOK_SECRET", name.to_uppercase());
    let layer =
        layer.build().map_err(|errors| Failure::Config(format!("{}: {errors}", variable())))?;
    Ok((name, layer))
}

/// A route for each of these senders. For the others there is nothing.
pub(crate) fn router(senders: impl Iterator<Item = Known>, ledger: Ledger) -> Router {
    let router = Router::new()
        .route("/webhooks/received", get(received))
        .route("/webhooks/", any(async || Refusal::UnknownRoute))
        .route("/webhooks/{*other}", any(async || Refusal::UnknownRoute));
    let router = senders.fold(router, |router, (name, layer)| {
        tell(layer.warnings());
        let receive = async move |State(ledger): State<Ledger>, verified: Verified, body: Bytes| {
            receive(name, &ledger, &verified, &body).await
        };
        router.route(&format!("/webhooks/{name}"), post(receive).layer(layer))
    });
    router.method_not_allowed_fallback(async || Refusal::WrongMethod).with_state(ledger)
}

/// Counts an event. The layer has seen to it that it is one, and that it was not handled before; should a process have
/// died between the two, it comes again, and the ledger knows it.
async fn receive(
    sender: &str,
    ledger: &Ledger,
    verified: &Verified,
    body: &[u8],
) -> Result<StatusCode, Refusal> {
    // GitHub signs no id.
    let event = EventKey::of(&[verified.id().map_or(body, str::as_bytes)]);
    ledger.receive(sender, event.as_bytes()).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn received(State(ledger): State<Ledger>) -> Result<Json<BTreeMap<String, i64>>, Refusal> {
    Ok(Json(ledger.received().await?))
}
