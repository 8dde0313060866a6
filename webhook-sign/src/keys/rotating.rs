use std::sync::Arc;

use arc_swap::ArcSwap;
use stonework_core::{StoreError, StoreFuture};

use super::{KeyProvider, KeySet, Wanted};

/// Keys that can be swapped while the service runs. Clones share them.
///
/// ```
/// use stonework_webhook_sign::keys::{KeySet, RotatingKeys, WebhookKey};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let old = WebhookKey::hmac(b"the secret of last year")?.named("2025");
/// let keys = RotatingKeys::new(KeySet::new([old.clone()])?);
/// // Later, when the new secret is there: both are valid until the old one is dropped.
/// let new = WebhookKey::hmac(b"the secret of this year")?.named("2026");
/// keys.replace(KeySet::new([new, old])?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct RotatingKeys(Arc<ArcSwap<KeySet>>);

impl RotatingKeys {
    /// With these keys at first.
    pub fn new(keys: KeySet) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(keys)))
    }

    /// From now on these. Requests whose bodies are on their way are checked with the keys they began with.
    pub fn replace(&self, keys: KeySet) {
        self.0.store(Arc::new(keys));
    }
}

impl KeyProvider for RotatingKeys {
    fn keys(&self, _: Wanted<'_>) -> StoreFuture<Result<Option<KeySet>, StoreError>> {
        StoreFuture::ready(Ok(Some(KeySet::clone(&self.0.load()))))
    }
}
