use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use stonework_core::{Key, StoreError, StoreFuture, StoreGuard, TokioClock};

use super::mode::{Bound, Mode, body};
use crate::CursorErrorKind;
use crate::store::{CursorStore, Get, Put, Revoke};

/// A token is the name of what a store keeps.
#[derive(Clone)]
pub(crate) struct Stored(Arc<Inner>);

struct Inner {
    store: Box<dyn CursorStore>,
    guard: StoreGuard,
    expires_after: Duration,
}

impl Stored {
    pub(crate) fn new(
        store: Box<dyn CursorStore>,
        timeout: Duration,
        expires_after: Duration,
    ) -> Self {
        let guard = StoreGuard::new(timeout, Arc::new(TokioClock::new()));
        Self(Arc::new(Inner { store, guard, expires_after }))
    }

    /// Keeps what a token says, and gives the token.
    pub(crate) fn put(
        &self,
        bound: &Bound,
        owner: Key,
        said: &[u8],
    ) -> StoreFuture<Result<Vec<u8>, StoreError>> {
        let (this, handle) = (self.clone(), handle());
        let value = Bytes::from([&bound.to_bytes(), said].concat());
        StoreFuture::new(async move {
            let Inner { store, guard, expires_after } = &*this.0;
            let put = || store.put(Put::new(handle, &owner, value.clone(), *expires_after));
            guard.run(put).await?;
            Ok([&[Mode::Stored.head()], &handle[..]].concat())
        })
    }

    /// What the token says, if it is known, and is for this.
    pub(crate) async fn get(
        &self,
        bound: &Bound,
        owner: &Key,
        token: &[u8],
    ) -> Result<Result<Bytes, CursorErrorKind>, StoreError> {
        let handle = body(token, Mode::Stored).map(<[u8; 16]>::try_from);
        let Ok(Ok(handle)) = handle else { return Ok(Err(CursorErrorKind::Format)) };
        let Inner { store, guard, .. } = &*self.0;
        let kept = guard.run(|| store.get(Get::new(handle, owner))).await?;
        Ok(match kept {
            None => Err(CursorErrorKind::Unknown),
            Some(value) => {
                let bytes = bound.to_bytes();
                let said = value.strip_prefix(&bytes[..]).map(|said| value.slice_ref(said));
                said.ok_or(CursorErrorKind::Forged)
            }
        })
    }

    pub(crate) async fn revoke(&self, owner: &Key) -> Result<(), StoreError> {
        let Inner { store, guard, expires_after } = &*self.0;
        guard.run(|| store.revoke(Revoke::new(owner, *expires_after))).await
    }
}

/// 128 random bits, which a random UUID has not.
fn handle() -> [u8; 16] {
    let mut handle = [0; 16];
    for part in handle.chunks_mut(4) {
        // The first four bytes have nothing else in them.
        part.copy_from_slice(&uuid::Uuid::new_v4().as_bytes()[..4]);
    }
    handle
}
