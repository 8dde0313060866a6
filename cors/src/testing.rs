//! Checks that a store keeps the contract of [`OriginRegistry`]. Feature `testing`, with `tenants`.
//!
//! ```
//! use stonework_cors::store::MemoryStore;
//! use stonework_cors::testing::registry_conformance;
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! registry_conformance(MemoryStore::new()).await;
//! # });
//! # Ok::<(), std::io::Error>(())
//! ```

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use stonework_core::Key;
use tokio::task::JoinSet;

use crate::OriginPattern;
use crate::store::{Changed, Edit, Lookup, MOST_ORIGINS, OriginRegistry, Replace, TenantOrigins};

/// How many at once.
const MANY: usize = 32;

/// Runs every clause upon `store`.
///
/// The tenants are new ones in each run; the store needs room for 100. Within a tokio runtime; on one of
/// many threads the races are real.
///
/// # Panics
///
/// When the store breaks a clause. The message says what was expected.
pub async fn registry_conformance<S: OriginRegistry>(store: S) {
    let store: Arc<dyn OriginRegistry> = Arc::new(store);
    a_tenant_is_unknown_until_something_is_said_of_it(&store).await;
    each_change_is_made_once(&store).await;
    an_empty_list_is_not_an_unknown_tenant(&store).await;
    tenants_are_bytes_of_any_length_and_apart(&store).await;
    a_list_is_replaced_as_a_whole(&store).await;
    no_tenant_has_more_than_there_may_be(&store).await;
    of_the_same_change_made_many_times_one_counts(&store).await;
    readers_find_the_old_list_or_the_new(&store).await;
}

/// A tenant that nobody has used before.
#[derive(Clone)]
struct Tenant {
    store: Arc<dyn OriginRegistry>,
    key: Key,
}

impl Tenant {
    fn new(store: &Arc<dyn OriginRegistry>) -> Self {
        // Each state has other keys than those before it, and those of other processes.
        let number = RandomState::new().hash_one("a tenant");
        let key = Key::from(format!("conformance-{number:016x}"));
        Self { store: Arc::clone(store), key }
    }

    fn named(store: &Arc<dyn OriginRegistry>, key: Key) -> Self {
        Self { store: Arc::clone(store), key }
    }

    async fn origins(&self) -> Option<Vec<String>> {
        let found = self.store.origins(Lookup::new(&self.key)).await.expect("the store answers");
        match found {
            TenantOrigins::Unknown => None,
            TenantOrigins::Listed(mut origins) => {
                origins.sort();
                Some(origins)
            }
        }
    }

    async fn has(&self, expected: &[&str]) {
        let expected: Vec<_> = expected.iter().map(ToString::to_string).collect();
        assert_eq!(self.origins().await, Some(expected), "these are the tenant's origins");
    }

    async fn allow(&self, origin: &str) -> Changed {
        let origin = pattern(origin);
        self.store.allow(Edit::new(&self.key, &origin)).await.expect("the store answers")
    }

    async fn disallow(&self, origin: &str) -> Changed {
        let origin = pattern(origin);
        self.store.disallow(Edit::new(&self.key, &origin)).await.expect("the store answers")
    }

    async fn replace(&self, origins: &[&str]) -> Changed {
        let origins: Vec<_> = origins.iter().map(|origin| pattern(origin)).collect();
        self.replace_with(&origins).await
    }

    async fn replace_with(&self, origins: &[OriginPattern]) -> Changed {
        let replaced = self.store.replace(Replace::new(&self.key, origins)).await;
        replaced.expect("the store answers")
    }

    async fn remove(&self) -> Changed {
        self.store.remove(Lookup::new(&self.key)).await.expect("the store answers")
    }
}

fn pattern(text: &str) -> OriginPattern {
    text.parse().expect("the pattern is well formed")
}

const A: &str = "https://a.example";
const B: &str = "https://*.b.example:*";

async fn a_tenant_is_unknown_until_something_is_said_of_it(store: &Arc<dyn OriginRegistry>) {
    let tenant = Tenant::new(store);
    assert_eq!(tenant.origins().await, None, "nothing was said of it");
    assert_eq!(tenant.disallow(A).await, Changed::No, "there was nothing to disallow");
    assert_eq!(tenant.remove().await, Changed::No, "there was nothing to remove");
    assert_eq!(tenant.origins().await, None, "nothing was said of it still");
    assert_eq!(tenant.allow(A).await, Changed::Yes);
    tenant.has(&[A]).await;
    assert_eq!(tenant.remove().await, Changed::Yes);
    assert_eq!(tenant.remove().await, Changed::No, "it was removed before");
    assert_eq!(tenant.origins().await, None, "it was removed");
}

async fn each_change_is_made_once(store: &Arc<dyn OriginRegistry>) {
    let tenant = Tenant::new(store);
    for (origin, changed) in
        [(A, Changed::Yes), (B, Changed::Yes), (A, Changed::No), (B, Changed::No)]
    {
        assert_eq!(tenant.allow(origin).await, changed, "{origin} is allowed");
    }
    tenant.has(&[B, A]).await;
    assert_eq!(tenant.disallow(A).await, Changed::Yes);
    assert_eq!(tenant.disallow(A).await, Changed::No, "it was disallowed before");
    tenant.has(&[B]).await;
    assert_eq!(tenant.replace(&[A, B]).await, Changed::Yes);
    assert_eq!(tenant.replace(&[B, A]).await, Changed::No, "they are the same");
    assert_eq!(tenant.replace(&[A, A]).await, Changed::Yes);
    tenant.has(&[A]).await;
}

async fn an_empty_list_is_not_an_unknown_tenant(store: &Arc<dyn OriginRegistry>) {
    let tenant = Tenant::new(store);
    tenant.allow(A).await;
    tenant.disallow(A).await;
    tenant.has(&[]).await;
    let tenant = Tenant::new(store);
    assert_eq!(tenant.replace(&[]).await, Changed::Yes, "it is known now");
    tenant.has(&[]).await;
    assert_eq!(tenant.replace(&[]).await, Changed::No);
    tenant.allow(A).await;
    tenant.has(&[A]).await;
}

async fn tenants_are_bytes_of_any_length_and_apart(store: &Arc<dyn OriginRegistry>) {
    let Tenant { key, .. } = Tenant::new(store);
    let with = |suffix: &[u8]| Key::from([key.as_bytes(), suffix].concat().as_slice());
    let suffixes: [&[u8]; 6] = [b":", b"\0", b"\xff", b"{x}", b"\r\n", &[b'l'; 10_000]];
    let tenants: Vec<_> = suffixes.iter().map(|s| Tenant::named(store, with(s))).collect();
    for (n, tenant) in tenants.iter().enumerate() {
        tenant.allow(&format!("https://{n}.example")).await;
    }
    for (n, tenant) in tenants.iter().enumerate() {
        tenant.has(&[&format!("https://{n}.example")]).await;
        tenant.remove().await;
    }
}

async fn a_list_is_replaced_as_a_whole(store: &Arc<dyn OriginRegistry>) {
    let tenant = Tenant::new(store);
    tenant.allow("https://old.example").await;
    tenant.replace(&[A, B]).await;
    tenant.has(&[B, A]).await;
}

async fn no_tenant_has_more_than_there_may_be(store: &Arc<dyn OriginRegistry>) {
    let tenant = Tenant::new(store);
    let mut origins: Vec<_> =
        (0..MOST_ORIGINS).map(|n| pattern(&format!("https://{n}.example"))).collect();
    assert_eq!(tenant.replace_with(&origins).await, Changed::Yes, "there is room for so many");
    assert_eq!(tenant.allow("https://0.example").await, Changed::No, "it is there");
    assert_eq!(tenant.allow("https://more.example").await, Changed::Full);
    origins.push(pattern("https://more.example"));
    assert_eq!(tenant.replace_with(&origins).await, Changed::Full);
    assert_eq!(tenant.origins().await.map(|all| all.len()), Some(MOST_ORIGINS), "all are kept");
    assert_eq!(tenant.disallow("https://0.example").await, Changed::Yes);
    assert_eq!(tenant.allow("https://more.example").await, Changed::Yes, "there is room again");
}

async fn of_the_same_change_made_many_times_one_counts(store: &Arc<dyn OriginRegistry>) {
    let tenant = Tenant::new(store);
    let mut tasks = JoinSet::new();
    for _ in 0..MANY {
        let tenant = tenant.clone();
        tasks.spawn(async move { tenant.allow(A).await });
    }
    let made = tasks.join_all().await;
    let made = made.into_iter().filter(|changed| *changed == Changed::Yes).count();
    assert_eq!(made, 1, "one of {MANY} was the first");
}

async fn readers_find_the_old_list_or_the_new(store: &Arc<dyn OriginRegistry>) {
    let tenant = Tenant::new(store);
    let (old, new) = (["https://1.example", "https://2.example"], ["https://3.example"]);
    tenant.replace(&old).await;
    let mut tasks = JoinSet::new();
    for n in 0..MANY {
        let tenant = tenant.clone();
        tasks.spawn(async move {
            match n % 2 {
                0 => drop(tenant.replace(&new).await),
                _ => drop(tenant.replace(&old).await),
            }
            tenant.origins().await.unwrap_or_default()
        });
    }
    for found in tasks.join_all().await {
        assert!(found == old || found == new, "a mixture was found: {found:?}");
    }
}
