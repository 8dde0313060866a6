//! GraphQL that is limited by what a query costs, and whose mutations happen once.
//!
//! `cargo run -p examples --features graphql --bin graphql` starts it on <http://127.0.0.1:3000>. Read on from here to
//! `price.rs` (what a query costs), `read.rs` (where it is found out), `limits.rs` (who pays), `keys.rs` (what a retry
//! gets), `schema.rs` (what can be asked), `paging.rs` (how lists are), `loaders.rs` (how little is read for it),
//! `execute.rs` (how it is answered), `refusal.rs` (how it is not) and `media.rs` (in which form).

mod account;
mod brackets;
mod config;
mod cors;
mod env;
mod execute;
mod keys;
mod ledger;
mod limits;
mod loaders;
mod media;
mod paging;
mod price;
mod read;
mod refusal;
mod schema;
mod shutdown;
#[path = "../payments/sqlite.rs"]
mod sqlite;
#[path = "../payments/stop.rs"]
mod stop;

use std::net::Ipv4Addr;
use std::process::ExitCode;

use axum::Router;
use axum::middleware::{from_fn, map_request};
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tower::ServiceBuilder;

use config::Config;
use env::Failure;
use execute::App;
use ledger::Ledger;
use refusal::Refusal;
use stop::Stop;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("graphql: {failure}");
            failure.exit_code()
        }
    }
}

async fn run() -> Result<(), Failure> {
    let config = Config::from_env()?;
    let ledger = Ledger::open(config.database.as_deref()).await?;
    let cursors = paging::cursors(&ledger).await?;
    let cors = cors::layer(config.origins.as_deref())?;
    let requests = limits::requests(config.requests)?;
    let points = limits::points(config.points)?;
    let idempotency = keys::layer()?;
    let runs = idempotency.tracker();
    for warning in [requests.warnings(), points.warnings()].concat() {
        eprintln!("graphql: {warning}");
    }

    // Outermost first. What a query costs is known when it has been read, so points stand inside of that. Requests
    // stand outside: who asks too often is not even read.
    let graphql =
        ServiceBuilder::new().layer(from_fn(read::price)).layer(points).layer(idempotency);
    let routes = Router::new()
        .route("/graphql", post(execute::execute).route_layer(graphql))
        // What introspection would tell, for one request.
        .route("/schema.graphql", get(execute::sdl))
        .method_not_allowed_fallback(async || Refusal::WrongMethod)
        .fallback(async || Refusal::UnknownRoute)
        .with_state(App { schema: schema::schema(), ledger, cursors });
    let stack =
        ServiceBuilder::new().layer(map_request(account::identify)).layer(requests).service(routes);
    let service = cors.around(Router::new().fallback_service(stack));

    let stop = Stop::listen()?;
    let address = (Ipv4Addr::LOCALHOST, config.port);
    let listener =
        TcpListener::bind(address).await.map_err(|error| Failure::Port(config.port, error))?;
    println!("listening on http://{}", listener.local_addr()?);
    shutdown::serve("graphql", listener, service, stop, &runs).await?;
    Ok(())
}
