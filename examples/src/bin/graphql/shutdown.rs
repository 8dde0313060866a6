//! The end, in order: no new connections, answers to those who wait, then the runs that go on without their clients.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use stonework_idempotency::Tracker;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::sleep;

use crate::stop::Stop;

/// How long the end may take. Those who start services tend to kill them after 10 s.
const LIMIT: Duration = Duration::from_secs(8);

/// Serves until told to stop.
pub(crate) async fn serve(
    name: &'static str,
    listener: TcpListener,
    service: Router,
    mut stop: Stop,
    runs: &Tracker,
) -> io::Result<()> {
    let (begin, begun) = oneshot::channel();
    // Each request says whom it comes from.
    let service = service.into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, service).with_graceful_shutdown(async move {
        stop.told().await;
        eprintln!("{name}: stopping");
        let _ = begin.send(());
    });
    let in_order = async {
        server.await?;
        runs.drained().await;
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
            eprintln!("{name}: out of time, with {} runs unfinished", runs.in_flight());
            Ok(())
        }
    }
}
