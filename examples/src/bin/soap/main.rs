//! SOAP 1.2 whose faults are those of the layers, and whose messages happen once.
//!
//! `cargo run -p examples --features soap --bin soap` starts it on <http://127.0.0.1:3000>. Read on from here to
//! `xml.rs` (what is no XML here), `envelope.rs` (what a message is), `read.rs` (where it is read), `layers.rs` (who may send
//! how many, and once), `operations.rs` (what it does), `fault.rs` and `refusal.rs` (how it says no) and `wsdl.rs` (what
//! clients are told of it).

#[path = "../graphql/account.rs"]
mod account;
#[path = "../graphql/env.rs"]
mod env;
#[path = "../graphql/shutdown.rs"]
mod shutdown;
#[path = "../payments/stop.rs"]
mod stop;

mod envelope;
mod fault;
mod layers;
mod ledger;
mod operations;
mod read;
mod refusal;
mod wsdl;
mod xml;

use std::net::Ipv4Addr;
use std::process::ExitCode;

use axum::Router;
use axum::middleware::{from_fn, map_request};
use axum::routing::post;
use tokio::net::TcpListener;
use tower::ServiceBuilder;

use env::{Failure, port, rate};
use ledger::Ledger;
use refusal::Refusal;
use stop::Stop;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("soap: {failure}");
            failure.exit_code()
        }
    }
}

async fn run() -> Result<(), Failure> {
    let (port, rate) = (port()?, rate("RATE_LIMIT", "100/s")?);
    let limits = layers::limits(rate)?;
    for warning in limits.warnings() {
        eprintln!("soap: {warning}");
    }
    let idempotency = layers::idempotency()?;
    let runs = idempotency.tracker();
    let routes = Router::new()
        .route("/soap", post(operations::call).get(wsdl::tell))
        .method_not_allowed_fallback(async || Refusal::WrongMethod)
        .fallback(async || Refusal::UnknownRoute)
        .with_state(Ledger::default());
    // Outermost first. The id of a message is its key, so a message is read before it is looked up; and before a version
    // is taken out of its path, so that a retry is compared with what was sent.
    let stack = ServiceBuilder::new()
        .layer(map_request(account::identify))
        .layer(limits)
        .layer(from_fn(read::message))
        .layer(idempotency)
        .layer(layers::versions()?)
        .service(routes);

    let stop = Stop::listen()?;
    let address = (Ipv4Addr::LOCALHOST, port);
    let listener = TcpListener::bind(address).await.map_err(|error| Failure::Port(port, error))?;
    println!("listening on http://{}", listener.local_addr()?);
    let service = Router::new().fallback_service(stack);
    shutdown::serve("soap", listener, service, stop, &runs).await?;
    Ok(())
}
