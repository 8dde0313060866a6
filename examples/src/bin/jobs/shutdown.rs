//! The end, in order: no new connections and no new jobs, an end to those who read along, answers to those who wait,
//! the runs that go on without their clients, the jobs that are under way, and attempts to deliver webhooks.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use stonework_idempotency::Tracker;
use stonework_sse::Drain;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::sleep;

use crate::stop::Stop;
use crate::worker::Workers;

/// How long the end may take. Those who start services tend to kill them after 10 s.
const LIMIT: Duration = Duration::from_secs(8);

/// Clients who read along leave within it, and come back to other processes one after the other.
const SPREAD: Duration = Duration::from_secs(2);

/// How long jobs may take from then on. What has not ended is put back.
const JOBS: Duration = Duration::from_secs(2);

/// How long attempts to deliver webhooks may take then.
const ATTEMPTS: Duration = Duration::from_secs(2);

/// What goes on beside the requests.
pub(crate) struct Background {
    pub(crate) drain: Drain,
    pub(crate) runs: Tracker,
    pub(crate) workers: Workers,
    pub(crate) delivering: stonework_webhook_delivery::Workers,
}

/// Serves until told to stop.
pub(crate) async fn serve(
    listener: TcpListener,
    service: Router,
    mut stop: Stop,
    background: Background,
) -> io::Result<()> {
    let Background { drain, runs, workers, delivering } = background;
    let (begin, begun) = oneshot::channel();
    let (leave, leaving) = oneshot::channel();
    // Each request says whom it comes from.
    let service = service.into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, service).with_graceful_shutdown(async move {
        stop.told().await;
        eprintln!("jobs: stopping");
        drain.now(SPREAD);
        let _ = begin.send(());
        let _ = leave.send(());
    });
    let requests = async {
        server.await?;
        runs.drained().await;
        Ok(())
    };
    let jobs = async {
        // If the server has ended by itself, that is told too.
        let _ = leaving.await;
        workers.drain(JOBS).await;
    };
    let in_order = async {
        let (ended, ()) = tokio::join!(requests, jobs);
        // The ends of jobs are in the outbox by now.
        delivering.drain(ATTEMPTS).await;
        ended
    };
    let out_of_time = async {
        match begun.await {
            Ok(()) => sleep(LIMIT).await,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        ended = in_order => ended,
        () = out_of_time => {
            eprintln!("jobs: out of time, with {} runs unfinished", runs.in_flight());
            Ok(())
        }
    }
}
