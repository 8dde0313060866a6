use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use stonework_core::{Key, StoreError, StoreFuture};

use super::{
    Changed, Edit, Lookup, MOST_ORIGINS, OriginRegistry, OriginStore, Replace, TenantOrigins,
};

/// How many tenants there may be, unless it is said otherwise.
const MOST_TENANTS: usize = 100_000;

type Tenants = HashMap<Key, BTreeSet<String>>;

/// Keeps the origins of tenants in this process. Clones share them.
///
/// It is bounded, and refuses what there is no room for: an origin that is allowed is never given up.
///
/// ```
/// use stonework_cors::store::{Edit, MemoryStore, OriginRegistry};
/// use stonework_cors::Key;
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let store = MemoryStore::new();
/// let origin = "https://app.acme.example".parse()?;
/// store.allow(Edit::new(&Key::from("acme"), &origin)).await?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct MemoryStore {
    tenants: Arc<RwLock<Tenants>>,
    most: usize,
}

impl MemoryStore {
    /// A store with room for 100,000 tenants.
    pub fn new() -> Self {
        Self::with_room_for(MOST_TENANTS)
    }

    /// A store with room for so many tenants.
    pub fn with_room_for(tenants: usize) -> Self {
        Self { tenants: Arc::default(), most: tenants }
    }

    // Nothing that could panic is done under the lock but to allocate.
    fn read(&self) -> RwLockReadGuard<'_, Tenants> {
        self.tenants.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Tenants> {
        self.tenants.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn has_room(&self, tenants: &Tenants, tenant: &Key) -> bool {
        tenants.len() < self.most || tenants.contains_key(tenant)
    }

    fn add(&self, Edit { tenant, origin }: Edit<'_>) -> Changed {
        let mut tenants = self.write();
        if !self.has_room(&tenants, tenant) {
            return Changed::Full;
        }
        let origins = tenants.entry(tenant.clone()).or_default();
        let origin = origin.to_string();
        if origins.contains(&origin) {
            Changed::No
        } else if origins.len() >= MOST_ORIGINS {
            Changed::Full
        } else {
            origins.insert(origin);
            Changed::Yes
        }
    }

    fn set(&self, Replace { tenant, origins }: Replace<'_>) -> Changed {
        let origins: BTreeSet<_> = origins.iter().map(ToString::to_string).collect();
        let mut tenants = self.write();
        if origins.len() > MOST_ORIGINS || !self.has_room(&tenants, tenant) {
            return Changed::Full;
        }
        changed(tenants.insert(tenant.clone(), origins.clone()) != Some(origins))
    }
}

const fn changed(changed: bool) -> Changed {
    if changed { Changed::Yes } else { Changed::No }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl OriginStore for MemoryStore {
    fn origins(&self, lookup: Lookup<'_>) -> StoreFuture<Result<TenantOrigins, StoreError>> {
        StoreFuture::ready(Ok(match self.read().get(lookup.tenant) {
            Some(origins) => TenantOrigins::Listed(origins.iter().cloned().collect()),
            None => TenantOrigins::Unknown,
        }))
    }
}

impl OriginRegistry for MemoryStore {
    fn allow(&self, edit: Edit<'_>) -> StoreFuture<Result<Changed, StoreError>> {
        StoreFuture::ready(Ok(self.add(edit)))
    }

    fn disallow(&self, edit: Edit<'_>) -> StoreFuture<Result<Changed, StoreError>> {
        let mut tenants = self.write();
        let origins = tenants.get_mut(edit.tenant);
        let removed = origins.is_some_and(|origins| origins.remove(&edit.origin.to_string()));
        StoreFuture::ready(Ok(changed(removed)))
    }

    fn replace(&self, replace: Replace<'_>) -> StoreFuture<Result<Changed, StoreError>> {
        StoreFuture::ready(Ok(self.set(replace)))
    }

    fn remove(&self, lookup: Lookup<'_>) -> StoreFuture<Result<Changed, StoreError>> {
        StoreFuture::ready(Ok(changed(self.write().remove(lookup.tenant).is_some())))
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("tenants", &self.read().len())
            .field("most", &self.most)
            .finish()
    }
}
