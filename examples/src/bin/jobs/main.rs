//! An API for work that takes longer than a client waits: images are made another size.
//!
//! `cargo run -p examples --features jobs --bin jobs` starts it on <http://127.0.0.1:3000>, with everything in memory.
//! Read on from here to `routes.rs` (what it does), `submit.rs` (how work is ordered), `keys.rs` (what a retry gets),
//! `store/mod.rs` (where jobs are, and what each step of one is), `worker/` (who does the work), `picture.rs` (what the
//! work is), `status.rs` (how it stands), `events.rs` (how it is told while it goes on), `webhooks.rs` (how its end is
//! told) and `shutdown.rs` (what becomes of it when the process ends).

mod account;
mod conditional;
mod config;
#[path = "../payments/connection.rs"]
mod connection;
mod cors;
mod demo;
mod events;
mod job;
mod keys;
mod limits;
mod pages;
mod panics;
mod picture;
mod problem;
#[path = "../payments/rate.rs"]
mod rate;
mod routes;
mod secret;
mod shutdown;
mod status;
#[path = "../payments/stop.rs"]
mod stop;
mod store;
mod submit;
mod versions;
mod webhooks;
mod worker;

use std::fmt::Display;
use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state, map_request};
use redis::aio::ConnectionManager;
use stonework_sse::Drain;
use tokio::net::TcpListener;
use tokio::sync::{Notify, Semaphore};
use tower::ServiceBuilder;

use config::{Config, Failure};
use connection::Redis;
use routes::App;
use shutdown::Background;
use stop::Stop;
use store::{JobStore, Limits, MemoryStore, RedisStore};
use worker::{Tools, Workers};

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("jobs: {failure}");
            failure.exit_code()
        }
    }
}

async fn run() -> Result<(), Failure> {
    let config = Config::from_env()?;
    let redis = match config.redis {
        Some(client) => Some(connection::open(client, config.store_timeout).await?),
        None => None,
    };
    let jobs = jobs(config.limits, redis.as_ref())?;
    let drain = Drain::new();
    let streams = events::layer(&drain)?;
    let hub = events::hub(redis.clone())?;
    let cors = cors::layer(config.origins.as_deref())?;
    let limits = limits::layer(config.rate, redis.clone())?;
    let idempotency = keys::layer(&config.secret, redis.clone())?;
    let versions = versions::layer()?;
    let pages = pages::layer(&config.secret)?;
    let guard = webhooks::guard(config.webhook_loopback)?;
    let delivery =
        webhooks::delivery(Arc::clone(&jobs), config.secret.clone(), redis, guard.clone())?;
    tell(cors.warnings());
    tell(limits.warnings());
    tell(idempotency.warnings());
    tell(versions.warnings());

    let wake = Arc::new(Notify::new());
    let tools = Tools {
        jobs: Arc::clone(&jobs),
        hub: hub.clone(),
        delivery: delivery.clone(),
        wake: Arc::clone(&wake),
        renew_every: config.limits.lease / 3,
    };
    let background = Background {
        drain,
        runs: idempotency.tracker(),
        workers: Workers::start(config.workers, &tools),
        delivering: delivery.start(),
    };

    // Outermost first.
    let app = App { jobs, hub, guard, secret: config.secret, wake, demo: config.demo };
    let uploads = Arc::new(Semaphore::new(submit::UPLOADS));
    let stack = ServiceBuilder::new()
        .layer(from_fn(panics::to_problem))
        .layer(map_request(account::identify))
        // Before whatever lets nobody in, so that strangers count against theirs.
        .layer(limits)
        .layer(from_fn(account::require))
        .layer(from_fn_with_state(uploads, submit::bounded))
        .layer(idempotency)
        .layer(versions)
        // Around the router and not in it: a path is changed before its route is looked for.
        .service(routes::router(app, pages, streams));
    // CORS goes around all that can say no, so that a page can read what it says.
    let service = cors.around(Router::new().fallback_service(stack));

    // Before the line below, or a signal right after it would find nobody listening.
    let stop = Stop::listen()?;
    let address = (Ipv4Addr::LOCALHOST, config.port);
    let listener =
        TcpListener::bind(address).await.map_err(|error| Failure::Port(config.port, error))?;
    println!("listening on http://{}", listener.local_addr()?);
    shutdown::serve(listener, service, stop, background).await?;
    Ok(())
}

/// How long Redis is waited for where images are sent and read, at least; in milliseconds.
const LONG: u64 = 800;

fn jobs(limits: Limits, redis: Option<&Redis>) -> Result<Arc<dyn JobStore>, Failure> {
    let Some(redis) = redis else { return Ok(Arc::new(MemoryStore::new(limits))) };
    // Megabytes take their time, and on a connection of their own they hold nobody up.
    let patience = redis.within(LONG).max(Duration::from_millis(LONG));
    let config = connection::reconnecting(patience);
    let connection = ConnectionManager::new_lazy_with_config(redis.client.clone(), config);
    let connection = connection.map_err(|error| Failure::Redis(error.to_string()))?;
    Ok(Arc::new(RedisStore::new(connection, patience, limits)))
}

fn tell(warnings: &[impl Display]) {
    for warning in warnings {
        eprintln!("jobs: {warning}");
    }
}
