use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use stonework_core::{RequestHead, StoreError, StoreFuture};

use super::PolicyResolver;
use crate::Policy;

/// A policy that can be replaced while the service runs. Clones share it.
///
/// ```
/// use stonework_cors::{CorsLayer, Handle, Policy};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let handle = Handle::new(Policy::builder().origins(["https://app.example.com"]).build()?);
/// let cors = CorsLayer::builder().policies(handle.clone()).build()?;
///
/// // When the configuration changes. If it is wrong, the old one holds.
/// handle.replace(Policy::builder().origins(["https://new.example.com"]).build()?);
/// # let _ = cors;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Handle(Arc<ArcSwap<Policy>>);

impl Handle {
    /// A handle on this policy.
    pub fn new(policy: Policy) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(policy)))
    }

    /// The policy of now.
    pub fn policy(&self) -> Policy {
        Policy::clone(&self.0.load())
    }

    /// Puts another one in its place. It applies to requests that come after; one that is under way
    /// is answered by the policy that it came under.
    pub fn replace(&self, policy: Policy) {
        self.0.store(Arc::new(policy));
    }
}

impl PolicyResolver for Handle {
    fn resolve(&self, _: &RequestHead<'_>) -> StoreFuture<Result<Option<Policy>, StoreError>> {
        StoreFuture::ready(Ok(Some(self.policy())))
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Handle").field(&self.policy()).finish()
    }
}
