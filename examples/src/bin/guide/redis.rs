//! Step 10: several processes are one service, and each of them ends in order.

use axum::Router;
use axum::middleware::{from_fn, map_request};
use axum::routing::post;
use redis::Client;
use redis::aio::ConnectionManager;
use stonework_ratelimit::{Outage, RateLimitLayer};
use stonework_sse::{Drain, Hub, SseLayer};
use stonework_webhook_delivery::{Delivery, Policy};
use stonework_webhook_sign::{Sender, VerifyLayer, scheme};
use tower::ServiceBuilder;

use crate::Error;
use crate::account::{identify, require};
use crate::charges::Charges;
use crate::cors::cors;
use crate::ending::{Ending, Service};
use crate::endpoints::Customers;
use crate::ratelimit::policy;
use crate::telling::{App, guard, routes};
use crate::versions::{idempotency, migrations, versions};
use crate::webhooks::settled;

pub(crate) async fn service() -> Result<Service, Error> {
    let client = Client::open(std::env::var("REDIS_URL").map_err(|_| "set REDIS_URL")?)?;
    let redis = client.get_connection_manager().await?;

    let limits = RateLimitLayer::builder()
        .policy(policy())
        .store(stonework_ratelimit::store::redis1::RedisStore::new(redis.clone()))
        .on_outage(Outage::LocalFallback { nodes: 2 })
        .build()?;
    let idempotency = idempotency()
        .store(stonework_idempotency::store::redis1::RedisStore::new(redis.clone()))
        .build()?;
    let runs = idempotency.tracker();
    let drain = Drain::new();
    let streams = SseLayer::builder().drain(&drain).build()?;
    let app = app(redis.clone(), client).await?;
    let workers = app.delivery.start();

    let versions = versions()?;
    let migrations = migrations(&versions)?;
    let api = ServiceBuilder::new()
        .layer(map_request(identify))
        .layer(limits)
        .layer(from_fn(require))
        .layer(idempotency)
        .layer(versions)
        .layer(migrations)
        .service(routes(app, streams.clone())?);
    let router = cors()?.around(from_bank(redis)?.fallback_service(api));
    let ending = Ending {
        drain: Some(drain),
        streams: Some(streams),
        runs: Some(runs),
        workers: Some(workers),
    };
    Ok(Service { router, ending })
}

async fn app(redis: ConnectionManager, client: Client) -> Result<App, Error> {
    let log = stonework_sse::store::redis1::RedisLog::new(redis.clone(), client);
    let outbox = stonework_webhook_delivery::store::redis1::RedisOutbox::new(redis);
    let (charges, hub) = (Charges::open().await?, Hub::builder(log).build()?);
    let customers = Customers::open(&charges).await?;
    let delivery = Delivery::builder()
        .endpoints(customers.clone())
        .guard(guard()?)
        .outbox(outbox)
        .policy(Policy::standard())
        .build()?;
    Ok(App { charges, hub, delivery, customers })
}

fn from_bank(redis: ConnectionManager) -> Result<Router, Error> {
    let secret = std::env::var("BANK_SECRET").map_err(|_| "set BANK_SECRET")?;
    let verify = VerifyLayer::builder()
        .sender(Sender::new(scheme::STANDARD).secret(secret))
        .store(stonework_webhook_sign::store::redis1::RedisStore::new(redis))
        .build()?;
    Ok(Router::new().route("/webhooks/bank", post(settled).layer(verify)))
}
