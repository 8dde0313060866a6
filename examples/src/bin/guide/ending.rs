//! The end of a service: what was begun is ended, or told to come back.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use stonework_idempotency::Tracker;
use stonework_sse::{Drain, SseLayer};
use stonework_webhook_delivery::Workers;
use tokio::net::TcpListener;

use crate::Error;
use crate::stop::Stop;

pub(crate) struct Service {
    pub(crate) router: Router,
    pub(crate) ending: Ending,
}

/// What is waited for, in this order. It has no limit here: whoever stops the process has one.
#[derive(Default)]
pub(crate) struct Ending {
    pub(crate) drain: Option<Drain>,
    pub(crate) streams: Option<SseLayer>,
    pub(crate) runs: Option<Tracker>,
    pub(crate) workers: Option<Workers>,
}

impl Service {
    pub(crate) async fn serve(self, listener: TcpListener, mut stop: Stop) -> Result<(), Error> {
        let Ending { drain, streams, runs, workers } = self.ending;
        // Limits count strangers by their address.
        let service = self.router.into_make_service_with_connect_info::<SocketAddr>();
        let told = async move {
            stop.told().await; // by SIGTERM or Ctrl-C
            // Event streams have no end of their own.
            if let Some(drain) = drain {
                drain.now(Duration::from_secs(2));
            }
        };
        axum::serve(listener, service).with_graceful_shutdown(told).await?;
        if let Some(streams) = streams {
            streams.drained().await;
        }
        if let Some(runs) = runs {
            // Requests whose clients have left are still answered, for their retries.
            runs.drained().await;
        }
        if let Some(workers) = workers {
            workers.drain(Duration::from_secs(5)).await;
        }
        Ok(())
    }
}

impl From<Router> for Service {
    fn from(router: Router) -> Self {
        Self { router, ending: Ending::default() }
    }
}
