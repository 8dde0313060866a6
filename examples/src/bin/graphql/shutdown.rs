//! The end, in order: no new connections, answers to those who wait, then the runs that go on without their clients.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use stonework_idempotency::Tracker;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::sleep;

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
/// SIGTERM and Ctrl-C.
#[cfg(unix)]
pub(crate) struct Stop {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Stop {
    /// From here on the signals no longer end the process by themselves.
    pub(crate) fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn told(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Ctrl-C.
#[cfg(not(unix))]
pub(crate) struct Stop;

#[cfg(not(unix))]
impl Stop {
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self)
    }

    async fn told(&mut self) {
        // Without a handler there is nothing to wait for.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }
}
