//! The end, in order: no new connections, an end to those who read along, answers to those who wait, then the
//! runs that go on without their clients, and attempts to deliver webhooks.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use stonework_idempotency::Tracker;
use stonework_sse::{Drain, SseLayer};
use stonework_webhook_delivery::Workers;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::sleep;

use crate::stop::Stop;

/// How long the end may take. Those who start services tend to kill them after 10 s.
const LIMIT: Duration = Duration::from_secs(8);

/// Clients who read along leave within it, and come back to other processes one after the other.
const SPREAD: Duration = Duration::from_secs(2);

/// How long attempts to deliver webhooks may take then.
const ATTEMPTS: Duration = Duration::from_secs(2);

/// Serves until told to stop.
pub(crate) async fn serve(
    listener: TcpListener,
    service: Router,
    mut stop: Stop,
    drain: &Drain,
    events: &SseLayer,
    runs: &Tracker,
    workers: Workers,
) -> io::Result<()> {
    let (begin, begun) = oneshot::channel();
    let drain = drain.clone();
    // Each request says whom it comes from.
    let service = service.into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, service).with_graceful_shutdown(async move {
        stop.told().await;
        eprintln!("payments: stopping");
        drain.now(SPREAD);
        let _ = begin.send(());
    });
    let in_order = async {
        server.await?;
        // It has forgotten WebSockets as soon as they were open.
        events.drained().await;
        runs.drained().await;
        // What was begun ends, or is begun again by another process, or by the next one.
        workers.drain(ATTEMPTS).await;
        Ok(())
    };
    let out_of_time = async {
        match begun.await {
            Ok(()) => sleep(LIMIT).await,
            // The server has ended by itself.
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        ended = in_order => ended,
        () = out_of_time => {
            eprintln!("payments: out of time, with {} runs unfinished", runs.in_flight());
            Ok(())
        }
    }
}
