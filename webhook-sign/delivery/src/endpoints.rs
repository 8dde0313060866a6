use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use stonework_core::{StoreError, StoreFuture};

use crate::{Endpoint, EndpointId};

/// Where endpoints come from: your own data. It is asked before each attempt, so a URL or a secret that was changed counts
/// at once.
pub trait Endpoints: Send + Sync + 'static {
    /// The endpoint of this name; `None` if there is none any more, and what was to be sent there is given up.
    ///
    /// # Errors
    ///
    /// When it cannot be found out. An [outage](StoreError::is_outage) is waited for: what was to be sent is looked up again
    /// in a second, and that does not count as an attempt. With any other error the attempt has failed, and if it was the
    /// last, the message is a dead letter of a [`BadEndpoint`](crate::DeadReason::BadEndpoint). Neither counts against the
    /// endpoint.
    fn find(&self, id: &EndpointId) -> StoreFuture<Result<Option<Endpoint>, StoreError>>;
}

impl<E: Endpoints + ?Sized> Endpoints for Arc<E> {
    fn find(&self, id: &EndpointId) -> StoreFuture<Result<Option<Endpoint>, StoreError>> {
        (**self).find(id)
    }
}

impl fmt::Debug for dyn Endpoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Endpoints")
    }
}

/// Endpoints in the memory of this process. Clones share them.
#[derive(Clone, Default)]
pub struct MemoryEndpoints {
    endpoints: Arc<RwLock<HashMap<EndpointId, Endpoint>>>,
}

impl MemoryEndpoints {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one, or puts it in place of the one of this name.
    pub fn insert(&self, id: EndpointId, endpoint: Endpoint) -> Option<Endpoint> {
        self.endpoints.write().unwrap_or_else(PoisonError::into_inner).insert(id, endpoint)
    }

    /// Removes one. What was to be sent there becomes dead letters.
    pub fn remove(&self, id: &EndpointId) -> Option<Endpoint> {
        self.endpoints.write().unwrap_or_else(PoisonError::into_inner).remove(id)
    }

    /// The one of this name.
    pub fn get(&self, id: &EndpointId) -> Option<Endpoint> {
        self.endpoints.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }
}

impl Endpoints for MemoryEndpoints {
    fn find(&self, id: &EndpointId) -> StoreFuture<Result<Option<Endpoint>, StoreError>> {
        StoreFuture::ready(Ok(self.get(id)))
    }
}

impl fmt::Debug for MemoryEndpoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let endpoints = self.endpoints.read().unwrap_or_else(PoisonError::into_inner);
        f.debug_struct("MemoryEndpoints").field("len", &endpoints.len()).finish()
    }
}
