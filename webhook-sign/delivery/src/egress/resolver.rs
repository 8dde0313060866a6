use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use stonework_core::StoreFuture;

/// Leads names to addresses. What it says is vetted; it need not be trusted.
pub trait Resolver: Send + Sync + 'static {
    /// The addresses of a host.
    ///
    /// # Errors
    ///
    /// When they cannot be found.
    fn resolve(&self, host: &str) -> StoreFuture<io::Result<Vec<IpAddr>>>;
}

impl<R: Resolver + ?Sized> Resolver for Arc<R> {
    fn resolve(&self, host: &str) -> StoreFuture<io::Result<Vec<IpAddr>>> {
        (**self).resolve(host)
    }
}

/// The operating system's resolver, on tokio's threads for what blocks.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct SystemResolver;

impl Resolver for SystemResolver {
    fn resolve(&self, host: &str) -> StoreFuture<io::Result<Vec<IpAddr>>> {
        let host = host.to_owned();
        StoreFuture::new(async move {
            let found = tokio::net::lookup_host((host.as_str(), 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}
