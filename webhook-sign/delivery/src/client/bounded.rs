use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use tokio::time::timeout;
use tower_service::Service;

use crate::egress::ConnectError;

type BoxError = Box<dyn Error + Send + Sync>;

/// Gives a connection up that is not there in time, TLS included.
///
/// The deadline of an attempt does not do that: when another connection becomes free first, the client sends over that
/// one, and goes on by itself with the one that it had begun. Who answers over the one and lets the other hang would have
/// sockets kept open, one more with each message.
#[derive(Clone)]
pub(super) struct Bounded<C> {
    connector: C,
    longest: Duration,
}

impl<C> Bounded<C> {
    pub(super) const fn new(connector: C, longest: Duration) -> Self {
        Self { connector, longest }
    }
}

impl<C> Service<Uri> for Bounded<C>
where
    C: Service<Uri>,
    C::Response: 'static,
    C::Error: Into<BoxError>,
    C::Future: Send + 'static,
{
    type Response = C::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<C::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.connector.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, url: Uri) -> Self::Future {
        let connecting = timeout(self.longest, self.connector.call(url));
        Box::pin(async move {
            match connecting.await {
                Ok(connected) => connected.map_err(Into::into),
                Err(_) => Err(ConnectError::TimedOut.into()),
            }
        })
    }
}
