mod handle;
mod host;
mod path;
#[cfg(feature = "tenants")]
mod tenants;

pub use handle::Handle;
pub use host::ByHost;
pub use path::ByPath;
use stonework_core::{RequestHead, StoreError, StoreFuture};
#[cfg(feature = "tenants")]
pub use tenants::{TenantPolicies, TenantPoliciesBuilder};

use crate::Policy;

/// Finds the policy of a request: by its host, its path, its tenant.
///
/// Any `Fn(&RequestHead<'_>) -> Option<Policy>` is one, and so are [`Handle`](crate::Handle),
/// [`ByHost`](crate::ByHost), [`ByPath`](crate::ByPath) and `TenantPolicies` (feature `tenants`).
///
/// A preflight carries no cookie and no token, and the policy has to be the same for it and for the
/// request that follows. So look at host and path, or at what an outer layer made of them. What
/// depends on anything else has to be in the response's `Vary`, which is then for the service to say.
///
/// It is waited for as long as it takes: give what may hang a timeout of its own, and an error when it has
/// passed. A request without `Origin` does not wait.
pub trait PolicyResolver: Send + Sync + 'static {
    /// The policy; `None` if there is none for this request, and then nobody is allowed. On an error
    /// nobody is allowed either.
    ///
    /// # Cancellation
    ///
    /// The future may be dropped at any time.
    fn resolve(&self, head: &RequestHead<'_>) -> StoreFuture<Result<Option<Policy>, StoreError>>;
}

impl<F> PolicyResolver for F
where
    F: Fn(&RequestHead<'_>) -> Option<Policy> + Send + Sync + 'static,
{
    fn resolve(&self, head: &RequestHead<'_>) -> StoreFuture<Result<Option<Policy>, StoreError>> {
        StoreFuture::ready(Ok(self(head)))
    }
}
