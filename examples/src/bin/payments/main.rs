//! A payments API that charges once, however often a client retries.
//!
//! `cargo run` starts it on <http://127.0.0.1:3000>, with everything in memory. Read on from here
//! to `routes.rs` (what it does), `cors.rs` (which pages may use it), `account.rs` (who is asking),
//! `limits.rs` (how much they may ask for), `keys.rs` (what a retry gets), `versions.rs` (what older
//! clients get), `pages.rs` (how transfers are listed), `kept.rs` (how clients keep one), `events.rs`
//! (how they are told), `webhooks.rs` (what others tell), `deliveries.rs` (what they are told),
//! `openapi.rs` (how all of it is described), `console/` (the page at `/`), `connection.rs` (how Redis is reached),
//! `ledger.rs` (where the money is) and `sqlite.rs` (how its file is opened).

mod account;
mod config;
mod connection;
mod console;
mod cors;
mod deliveries;
mod demo;
mod docs;
mod events;
mod kept;
mod keys;
mod ledger;
mod limits;
mod openapi;
mod pages;
mod panics;
mod problem;
mod rate;
mod routes;
mod shutdown;
mod sqlite;
mod stop;
mod versions;
mod webhooks;
mod wish;

use std::fmt::Display;
use std::net::Ipv4Addr;
use std::process::ExitCode;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, map_request};
use stonework_cors::CorsLayer;
use stonework_sse::Drain;
use tokio::net::TcpListener;
use tower::ServiceBuilder;

use config::{Config, Failure};
use console::Console;
use deliveries::Deliveries;
use ledger::Ledger;
use openapi::Layers;
use routes::App;
use stop::Stop;
use webhooks::Seen;

/// The largest request body, with a key or without, in bytes.
const LARGEST_BODY: usize = 16 * 1024;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("payments: {failure}");
            failure.exit_code()
        }
    }
}

async fn run() -> Result<(), Failure> {
    let config = Config::from_env()?;
    let redis = match config.redis.clone() {
        Some(client) => Some(connection::open(client, config.store_timeout).await?),
        None => None,
    };
    let remember = config.remember;
    let console = Console::new(&config, redis.clone())?;
    let ledger = Ledger::open(config.database.as_deref())
        .await
        .map_err(|error| Failure::Database(format!("DATABASE_PATH cannot be used: {error}")))?;
    let cors = cors::say(CorsLayer::builder(), config.origins.as_deref())
        .debug(config.cors_debug)
        .build()
        .map_err(|errors| Failure::Config(format!("ALLOWED_ORIGINS: {errors}")))?;
    let limits = limits::layer(config.rate, redis.clone())?;
    let idempotency =
        keys::layer(&ledger, redis.clone(), config.database.is_some(), remember).await?;
    let versions = versions::layer(redis.clone())?;
    let migrations = versions::migrations(&versions)?;
    let pages = pages::layer(&ledger).await?;
    let drain = Drain::new();
    let events = events::layer(&drain)?;
    let hub = events::hub(redis.clone())?;
    let seen = Seen::new(redis.clone(), remember);
    let senders = webhooks::senders(config.webhooks, &seen)?;
    let document = openapi::document(&Layers {
        limits: &limits,
        idempotency: &idempotency,
        versions: &versions,
        migrations: &migrations,
        pages: &pages,
        events: &events,
        senders: &senders,
        demo: config.demo,
    });
    let senders = senders.into_iter().chain(console.sender(&seen)?);
    let outside = webhooks::router(senders, ledger.clone()).merge(docs::router(&document)?);
    let deliveries = Deliveries::new(ledger.clone(), redis, config.webhook_loopback, remember)?;
    let workers = deliveries.delivery().start();
    tell(cors.warnings());
    tell(limits.warnings());
    tell(idempotency.warnings());
    tell(versions.warnings());
    let runs = idempotency.tracker();

    // Outermost first. Idempotency stands before versions, so that it keeps what was sent and answered, whatever a
    // migration makes of it.
    let app = App { ledger, hub, deliveries, demo: config.demo };
    let api = ServiceBuilder::new()
        .layer(from_fn(account::require))
        .layer(idempotency)
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(versions)
        .layer(migrations)
        // Around the router and not in it: a path is changed before its route is looked for.
        .service(routes::router(app, pages, events.clone()));
    // Limits stand before whatever lets nobody in, so that strangers count against theirs.
    let stack = ServiceBuilder::new()
        .layer(from_fn(panics::to_problem))
        .layer(map_request(account::identify))
        .layer(limits)
        .service(outside.fallback_service(api));
    // CORS goes around all that can say no, so that a page can read what it says; and around the router,
    // so that there is no path and no method without it but the console's, which other pages have no business with.
    let service = console.before(cors.around(Router::new().fallback_service(stack)));

    // Before the line below, or a signal right after it would find nobody listening.
    let stop = Stop::listen()?;
    let address = (Ipv4Addr::LOCALHOST, config.port);
    let listener =
        TcpListener::bind(address).await.map_err(|error| Failure::Port(config.port, error))?;
    println!("listening on http://{}", listener.local_addr()?);
    shutdown::serve(listener, service, stop, &drain, &events, &runs, workers).await?;
    Ok(())
}

fn tell(warnings: &[impl Display]) {
    for warning in warnings {
        eprintln!("payments: {warning}");
    }
}
