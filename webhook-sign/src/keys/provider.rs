use std::fmt;
use std::sync::Arc;

use stonework_core::{RequestHead, StoreError, StoreFuture};

use super::KeySet;

/// Where keys come from: a [`KeySet`] that stays, [`RotatingKeys`](super::RotatingKeys) that can be swapped, keys per
/// tenant (`TenantKeys`, feature `tenants`), or yours.
///
/// It is asked before a body is read, once per request.
pub trait KeyProvider: Send + Sync + 'static {
    /// The keys for this request; `None` if nobody is known whose they could be. The sender is told no more then
    /// than when a signature is wrong.
    fn keys(&self, wanted: Wanted<'_>) -> StoreFuture<Result<Option<KeySet>, StoreError>>;
}

/// What a [`KeyProvider`] is asked for.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Wanted<'a> {
    /// The request whose signature is to be checked, or that is to be signed.
    pub head: RequestHead<'a>,
    /// The name of the scheme.
    pub scheme: &'static str,
    /// The id of the key, as the request tells it, for schemes that do.
    pub key_id: Option<&'a [u8]>,
}

impl<'a> Wanted<'a> {
    /// Keys for this request.
    pub const fn new(head: RequestHead<'a>, scheme: &'static str) -> Self {
        Self { head, scheme, key_id: None }
    }
}

impl<K: KeyProvider + ?Sized> KeyProvider for Arc<K> {
    fn keys(&self, wanted: Wanted<'_>) -> StoreFuture<Result<Option<KeySet>, StoreError>> {
        (**self).keys(wanted)
    }
}

/// Keys that stay as they are.
impl KeyProvider for KeySet {
    fn keys(&self, _: Wanted<'_>) -> StoreFuture<Result<Option<KeySet>, StoreError>> {
        StoreFuture::ready(Ok(Some(self.clone())))
    }
}

impl fmt::Debug for dyn KeyProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyProvider")
    }
}
