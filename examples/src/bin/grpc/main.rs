//! A payments service over gRPC, from programs and from pages: four kinds of calls below the layers.
//!
//! `cargo run --features grpc --bin grpc` starts it on 127.0.0.1:50051, with everything in memory. Read on from here to
//! `stack.rs` (what the layers are told), `deadline.rs` (until when a call is of use), `v2.rs` and `v1.rs` (what it
//! does), `refusal.rs` (what it says no to) and `ledger.rs` (where the money is).

mod account;
mod config;
mod deadline;
mod generated;
mod ledger;
mod payments;
#[path = "../payments/rate.rs"]
mod rate;
mod refusal;
#[path = "../payments/sqlite.rs"]
mod sqlite;
mod stack;
#[path = "../payments/stop.rs"]
mod stop;
mod v1;
mod v2;

use std::error::Error;
use std::future::pending;
use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::time::Duration;

use stonework_sse::{Drain, Hub};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::sleep;
use tonic::service::InterceptorLayer;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic_web::GrpcWebLayer;
use tower::ServiceBuilder;

use config::Config;
use deadline::DeadlineLayer;
use generated::v1::payments_server::PaymentsServer as V1;
use generated::v2::payments_server::PaymentsServer as V2;
use ledger::Ledger;
use payments::Payments;
use stack::LARGEST_MESSAGE;
use stop::Stop;

/// How long a call may take whose client sets no deadline, until it is answered or its stream begins. tonic sees to it.
const LONGEST_CALL: Duration = Duration::from_secs(30);

/// A client that has vanished without a word is noticed within twice that.
const KEEPALIVE: Duration = Duration::from_secs(20);

/// Those who watch leave within it.
const SPREAD: Duration = Duration::from_secs(2);

/// How long the end may take.
const LONGEST_END: Duration = Duration::from_secs(8);

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("grpc: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let config = Config::from_env()?;
    let cors = stack::cors(&config)?;
    let limits = stack::limits(&config)?;
    let keys = stack::keys()?;
    let versions = stack::versions()?;
    stack::tell(cors.warnings());
    stack::tell(limits.warnings());
    stack::tell(keys.warnings());
    stack::tell(versions.warnings());
    let runs = keys.tracker();
    let ledger = Ledger::open(config.database.as_deref()).await?;
    let drain = Drain::new();
    let payments = Payments { ledger, hub: Hub::in_memory(), drain: drain.clone() };

    // Outermost first. A page reads what is answered inside of CORS. What is inside of gRPC-web sees gRPC alone, so that
    // a retry may come by either.
    let stack = ServiceBuilder::new()
        .layer(cors)
        .layer(GrpcWebLayer::new())
        .layer(DeadlineLayer)
        .map_request(account::identify)
        .layer(limits)
        .layer(InterceptorLayer::new(account::require))
        .layer(keys)
        .layer(versions)
        .into_inner();
    let router = Server::builder()
        // Browsers use it where there is no TLS.
        .accept_http1(true)
        .timeout(LONGEST_CALL)
        .http2_keepalive_interval(Some(KEEPALIVE))
        .layer(stack)
        .add_service(V1::new(payments.clone()).max_decoding_message_size(LARGEST_MESSAGE))
        .add_service(V2::new(payments).max_decoding_message_size(LARGEST_MESSAGE));

    let mut stop = Stop::listen()?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, config.port)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let (begin, begun) = oneshot::channel();
    let served = router.serve_with_incoming_shutdown(TcpIncoming::from(listener), async move {
        stop.told().await;
        drain.now(SPREAD);
        let _ = begin.send(());
    });
    let in_order = async {
        served.await?;
        // Their clients may have left.
        runs.drained().await;
        Ok(())
    };
    tokio::select! {
        ended = in_order => ended,
        () = out_of_time(begun) => Ok(()),
    }
}

/// Resolves so long after the end has begun.
async fn out_of_time(begun: oneshot::Receiver<()>) {
    if begun.await.is_err() {
        // The server has ended by itself.
        pending::<()>().await;
    }
    sleep(LONGEST_END).await;
}
