//! Where the origins of tenants are kept. Feature `tenants`.
//!
//! The layer [reads](OriginStore), through a [cache](crate::TenantPolicies). To write is for the
//! service's own administration: [`OriginRegistry`]. Any
//! `Fn(Key) -> impl Future<Output = Result<TenantOrigins, _>>` is a store too, such as a query to the
//! service's own database. Its errors concern the tenant that was asked for, unless they are a
//! [`StoreError`] of an outage; an answer that does not come in time is one too.

mod memory;
#[cfg(feature = "redis-1")]
#[cfg_attr(docsrs, doc(cfg(feature = "redis-1")))]
pub mod redis1;

use std::future::Future;
use std::sync::Arc;

pub use memory::MemoryStore;
use stonework_core::{Key, StoreError, StoreErrorKind, StoreFuture};

use crate::OriginPattern;

/// How many origins a tenant may have in our stores.
pub const MOST_ORIGINS: usize = 1_000;

/// Tells the origins of a tenant.
pub trait OriginStore: Send + Sync + 'static {
    /// The origins whose pages may read what is this tenant's.
    ///
    /// A read: it can be repeated, and its future dropped.
    ///
    /// # Errors
    ///
    /// When the store does not answer, or holds what it cannot read. Then nobody is allowed, unless
    /// an earlier answer is still good.
    fn origins(&self, lookup: Lookup<'_>) -> StoreFuture<Result<TenantOrigins, StoreError>>;
}

/// Changes the origins of tenants. Each method is one atomic step: whoever reads beside it finds what
/// was there before or what is there after.
///
/// All are idempotent: sent twice, they do what they do once. A future that is dropped, or an error,
/// leaves it unknown whether the change was made; make it again. A cache keeps what it has for as long
/// as it was told to, unless it is told to [forget](crate::TenantPolicies::forget).
pub trait OriginRegistry: OriginStore {
    /// Allows one more origin. A tenant that was unknown is known from then on.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    fn allow(&self, edit: Edit<'_>) -> StoreFuture<Result<Changed, StoreError>>;

    /// No longer allows an origin. The tenant stays known, also without any.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    fn disallow(&self, edit: Edit<'_>) -> StoreFuture<Result<Changed, StoreError>>;

    /// Allows these origins and no others. The tenant is known from then on, also without any.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    fn replace(&self, replace: Replace<'_>) -> StoreFuture<Result<Changed, StoreError>>;

    /// Forgets the tenant, which is unknown from then on.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    fn remove(&self, lookup: Lookup<'_>) -> StoreFuture<Result<Changed, StoreError>>;
}

/// Whose origins are asked for.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Lookup<'a> {
    /// The tenant.
    pub tenant: &'a Key,
}

impl<'a> Lookup<'a> {
    /// Those of this tenant.
    pub const fn new(tenant: &'a Key) -> Self {
        Self { tenant }
    }
}

/// One origin of a tenant.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Edit<'a> {
    /// The tenant.
    pub tenant: &'a Key,
    /// The origin, or pattern of origins.
    pub origin: &'a OriginPattern,
}

impl<'a> Edit<'a> {
    /// This one of this tenant.
    pub const fn new(tenant: &'a Key, origin: &'a OriginPattern) -> Self {
        Self { tenant, origin }
    }
}

/// All origins of a tenant.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Replace<'a> {
    /// The tenant.
    pub tenant: &'a Key,
    /// The origins, or patterns of origins.
    pub origins: &'a [OriginPattern],
}

impl<'a> Replace<'a> {
    /// These of this tenant.
    pub const fn new(tenant: &'a Key, origins: &'a [OriginPattern]) -> Self {
        Self { tenant, origins }
    }
}

/// What a store knows of a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TenantOrigins {
    /// There is no such tenant.
    Unknown,
    /// These origins, as texts, in any order. Each is checked when it is read: one that is wrong allows
    /// nothing and is told in a `tracing` event, and the others hold.
    Listed(Vec<String>),
}

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Changed {
    /// It was made.
    Yes,
    /// It was so before.
    No,
    /// There is no room for it: a tenant has [`MOST_ORIGINS`] at most, and a store has its own limits.
    /// Nothing was changed.
    Full,
}

impl<S: OriginStore + ?Sized> OriginStore for Arc<S> {
    fn origins(&self, lookup: Lookup<'_>) -> StoreFuture<Result<TenantOrigins, StoreError>> {
        (**self).origins(lookup)
    }
}

impl<S: OriginRegistry + ?Sized> OriginRegistry for Arc<S> {
    fn allow(&self, edit: Edit<'_>) -> StoreFuture<Result<Changed, StoreError>> {
        (**self).allow(edit)
    }

    fn disallow(&self, edit: Edit<'_>) -> StoreFuture<Result<Changed, StoreError>> {
        (**self).disallow(edit)
    }

    fn replace(&self, replace: Replace<'_>) -> StoreFuture<Result<Changed, StoreError>> {
        (**self).replace(replace)
    }

    fn remove(&self, lookup: Lookup<'_>) -> StoreFuture<Result<Changed, StoreError>> {
        (**self).remove(lookup)
    }
}

impl<F, Fut, E> OriginStore for F
where
    F: Fn(Key) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<TenantOrigins, E>> + Send + 'static,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    fn origins(&self, lookup: Lookup<'_>) -> StoreFuture<Result<TenantOrigins, StoreError>> {
        let asking = self(lookup.tenant.clone());
        StoreFuture::new(async move { asking.await.map_err(|error| failed(error.into())) })
    }
}

/// A [`StoreError`] as it is. Any other error is one of this tenant's: only what is said to be an outage
/// keeps others from being asked for, or one bad row would.
fn failed(error: Box<dyn std::error::Error + Send + Sync>) -> StoreError {
    match error.downcast::<StoreError>() {
        Ok(error) => *error,
        Err(error) => StoreError::new(StoreErrorKind::Refused).with_source(error),
    }
}
