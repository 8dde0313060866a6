use std::error::Error;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use http::uri::Scheme;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tower_service::Service;

use super::guard::{host, literal, port};
use super::{EgressGuard, Forbidden, GuardedStream, Resolver, SystemResolver};

/// Addresses of one name that are tried: a resolver may be told thousands.
const MAX_ADDRESSES: usize = 8;

/// Connects to where an [`EgressGuard`] allows it: a connector for hyper-util's client, or for whatever wraps one.
///
/// A name is looked up once for each connection, and what is connected to is what was vetted. There is no second look-up
/// that could be told something else.
///
/// The look-up has no deadline of its own, nor has TLS over this, and hyper-util's client goes on connecting by itself when
/// a request does not need it any more: put a timeout around the outermost connector.
///
/// ```
/// use bytes::Bytes;
/// use http_body_util::Full;
/// use hyper_util::client::legacy::Client;
/// use hyper_util::rt::TokioExecutor;
/// use stonework_webhook_delivery::egress::{EgressGuard, GuardedConnector};
///
/// let guard = EgressGuard::builder().danger_allow_http().ports([80, 443]).build()?;
/// let client: Client<_, Full<Bytes>> =
///     Client::builder(TokioExecutor::new()).build(GuardedConnector::new(guard));
/// # drop(client);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct GuardedConnector {
    guard: EgressGuard,
    resolver: Arc<dyn Resolver>,
    connect_timeout: Duration,
}

impl GuardedConnector {
    /// Behind this guard, with the operating system's resolver, and 5 s to connect.
    pub fn new(guard: EgressGuard) -> Self {
        let connect_timeout = Duration::from_secs(5);
        Self { guard, resolver: Arc::new(SystemResolver), connect_timeout }
    }

    pub(crate) fn guarded_by(self, guard: EgressGuard) -> Self {
        Self { guard, ..self }
    }

    /// With the look-up before, and TLS after it.
    pub(crate) const fn longest(&self) -> Duration {
        self.connect_timeout.saturating_mul(3)
    }

    /// Leads names to addresses by this resolver.
    #[must_use]
    pub fn resolver(self, resolver: impl Resolver) -> Self {
        Self { resolver: Arc::new(resolver), ..self }
    }

    /// How long all addresses of a name together may take to connect.
    #[must_use]
    pub fn connect_timeout(self, connect_timeout: Duration) -> Self {
        Self { connect_timeout, ..self }
    }

    async fn connect(self, url: Uri) -> Result<GuardedStream, ConnectError> {
        self.guard.check_url(&url).map_err(ConnectError::Forbidden)?;
        let incomplete = ConnectError::Forbidden(Forbidden::Incomplete);
        let (Some(host), Some(scheme), Some(port)) = (host(&url), url.scheme(), port(&url)) else {
            return Err(incomplete);
        };
        let addresses = match literal(host) {
            Some(address) => vec![address],
            None => self.resolver.resolve(host).await.map_err(ConnectError::NotFound)?,
        };
        let vetted = self.vet(addresses, scheme, port)?;
        self.connect_any(&vetted).await
    }

    /// Those that may be connected to. What is forbidden is told only if nothing else is there.
    fn vet(
        &self,
        addresses: Vec<IpAddr>,
        scheme: &Scheme,
        port: u16,
    ) -> Result<Vec<SocketAddr>, ConnectError> {
        let mut why = None;
        let mut vetted = Vec::new();
        for address in addresses {
            match self.guard.check(scheme, address, port) {
                Ok(()) => vetted.push(SocketAddr::new(address, port)),
                Err(forbidden) => why = why.or(Some(forbidden)),
            }
        }
        vetted.truncate(MAX_ADDRESSES);
        match (vetted.is_empty(), why) {
            (false, _) => Ok(vetted),
            (true, Some(forbidden)) => Err(ConnectError::Forbidden(forbidden)),
            (true, None) => Err(ConnectError::NoAddress),
        }
    }

    async fn connect_any(&self, vetted: &[SocketAddr]) -> Result<GuardedStream, ConnectError> {
        let tries = u32::try_from(vetted.len()).unwrap_or(u32::MAX).max(1);
        let each = self.connect_timeout / tries;
        let mut last = ConnectError::NoAddress;
        for address in vetted {
            match timeout(each, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    stream.set_nodelay(true).map_err(ConnectError::NotReached)?;
                    return Ok(GuardedStream::new(stream));
                }
                Ok(Err(error)) => last = ConnectError::NotReached(error),
                Err(_) => last = ConnectError::TimedOut,
            }
        }
        Err(last)
    }
}

impl fmt::Debug for GuardedConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardedConnector").field("guard", &self.guard).finish_non_exhaustive()
    }
}

impl Service<Uri> for GuardedConnector {
    type Response = GuardedStream;
    type Error = ConnectError;
    type Future = Connecting;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, url: Uri) -> Connecting {
        Connecting(Box::pin(self.clone().connect(url)))
    }
}

/// The future of [`GuardedConnector`]. Dropping it gives the connection up.
#[must_use = "futures do nothing unless polled"]
pub struct Connecting(Pin<Box<dyn Future<Output = Result<GuardedStream, ConnectError>> + Send>>);

impl Future for Connecting {
    type Output = Result<GuardedStream, ConnectError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

impl fmt::Debug for Connecting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connecting")
    }
}

/// Why there is no connection.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectError {
    /// The guard does not allow it.
    Forbidden(Forbidden),
    /// The name could not be looked up.
    NotFound(io::Error),
    /// The name leads nowhere.
    NoAddress,
    /// No address could be connected to.
    NotReached(io::Error),
    /// No address could be connected to in time.
    TimedOut,
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Forbidden(_) => "the egress guard does not allow it",
            Self::NotFound(_) => "the name could not be looked up",
            Self::NoAddress => "the name has no address",
            Self::NotReached(_) => "the address could not be reached",
            Self::TimedOut => "the address could not be reached in time",
        })
    }
}

impl Error for ConnectError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Forbidden(forbidden) => Some(forbidden),
            Self::NotFound(error) | Self::NotReached(error) => Some(error),
            Self::NoAddress | Self::TimedOut => None,
        }
    }
}
