//! Policies of tenants: what is asked of the store, what is kept, and what holds while it is away.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

mod support;

use std::convert::Infallible;
use std::future::ready;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Method, Request, Response};
use stonework_core::{Clock, TokioClock};
use stonework_cors::store::{
    Changed, Edit, Lookup, MemoryStore, OriginRegistry, OriginStore, TenantOrigins,
};
use stonework_cors::testing::registry_conformance;
use stonework_cors::{
    CorsLayer, CorsService, Key, Policy, RequestHead, StoreError, StoreFuture, TenantPolicies,
    TenantPoliciesBuilder,
};
use support::call::{Body, with};
use tokio::sync::Semaphore;
use tokio::time::advance;
use tower::util::ServiceFn;
use tower::{Layer, ServiceExt, service_fn};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn in_memory() {
    registry_conformance(MemoryStore::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn in_memory_on_many_threads_behind_a_pointer() {
    let store: Arc<dyn OriginRegistry> = Arc::new(MemoryStore::with_room_for(100));
    registry_conformance(store).await;
}

#[tokio::test]
async fn a_store_that_is_full_takes_no_new_tenant() {
    let store = MemoryStore::with_room_for(1);
    let origin = "https://a.example".parse().unwrap();
    let allow = |tenant: &str| {
        let tenant = Key::from(tenant);
        store.allow(Edit::new(&tenant, &origin))
    };
    assert_eq!(allow("a").await.unwrap(), Changed::Yes);
    assert_eq!(allow("b").await.unwrap(), Changed::Full);
    assert_eq!(allow("a").await.unwrap(), Changed::No);
    let found = store.origins(Lookup::new(&Key::from("b"))).await.unwrap();
    assert_eq!(found, TenantOrigins::Unknown);
}

/// A store that counts, fails, and keeps waiting.
#[derive(Clone, Default)]
struct Watched(Arc<State>);

#[derive(Default)]
struct State {
    asked: AtomicUsize,
    answer: Mutex<Option<TenantOrigins>>,
    gate: Mutex<Option<Arc<Semaphore>>>,
}

impl Watched {
    fn new(origins: &[&str]) -> Self {
        let watched = Self::default();
        watched.has(origins);
        watched
    }

    fn has(&self, origins: &[&str]) {
        let origins = origins.iter().map(ToString::to_string).collect();
        *self.0.answer.lock().unwrap() = Some(TenantOrigins::Listed(origins));
    }

    fn knows_nobody(&self) {
        *self.0.answer.lock().unwrap() = Some(TenantOrigins::Unknown);
    }

    fn fails(&self) {
        *self.0.answer.lock().unwrap() = None;
    }

    /// Answers only as often as permits are added.
    fn waits(&self) -> Arc<Semaphore> {
        let gate = Arc::new(Semaphore::new(0));
        *self.0.gate.lock().unwrap() = Some(Arc::clone(&gate));
        gate
    }

    /// How often it was asked since the last call.
    fn asked(&self) -> usize {
        self.0.asked.swap(0, Ordering::SeqCst)
    }
}

impl OriginStore for Watched {
    fn origins(&self, _: Lookup<'_>) -> StoreFuture<Result<TenantOrigins, StoreError>> {
        self.0.asked.fetch_add(1, Ordering::SeqCst);
        let (state, gate) = (Arc::clone(&self.0), self.0.gate.lock().unwrap().clone());
        StoreFuture::new(async move {
            if let Some(gate) = gate {
                gate.acquire().await.unwrap().forget();
            }
            let answer = state.answer.lock().unwrap().clone();
            answer.ok_or(StoreError::new(stonework_core::StoreErrorKind::Unavailable))
        })
    }
}

/// The tenant is the first segment of the path.
fn tenant(head: &RequestHead<'_>) -> Option<Key> {
    let segment = head.uri.path().split('/').nth(1)?;
    (!segment.is_empty()).then(|| Key::from(segment))
}

fn builder(store: impl OriginStore) -> TenantPoliciesBuilder {
    let base =
        Policy::builder().origins(["https://ours.example"]).methods(["PUT"]).credentials(true);
    TenantPolicies::builder(base.build().unwrap(), store, tenant)
}

type Answer = std::future::Ready<Result<Response<Body>, Infallible>>;
type Service = CorsService<ServiceFn<fn(Request<Body>) -> Answer>>;

fn service(tenants: TenantPolicies) -> Service {
    let answer: fn(Request<Body>) -> Answer = |_| ready(Ok(Response::new(Body::new())));
    CorsLayer::builder().policies(tenants).build().unwrap().layer(service_fn(answer))
}

async fn allows(service: &Service, path: &str, origin: &str) -> bool {
    let mut request = with(Method::GET, &[("origin", origin)]);
    *request.uri_mut() = path.parse().unwrap();
    let response = service.clone().oneshot(request).await.unwrap();
    response.headers().contains_key("access-control-allow-origin")
}

async fn preflight(service: &Service, path: &str, origin: &str) -> u16 {
    let lines = [("origin", origin), ("access-control-request-method", "PUT")];
    let mut request = with(Method::OPTIONS, &lines);
    *request.uri_mut() = path.parse().unwrap();
    service.clone().oneshot(request).await.unwrap().status().as_u16()
}

const ACME: &str = "https://app.acme.example";

#[tokio::test]
async fn an_origin_of_one_tenant_is_never_allowed_for_another() {
    let store = MemoryStore::new();
    for (tenant, origin) in [("acme", ACME), ("duff", "https://*.duff.example")] {
        let origin = origin.parse().unwrap();
        store.allow(Edit::new(&Key::from(tenant), &origin)).await.unwrap();
    }
    let service = service(builder(store).build().unwrap());
    for (path, origin, allowed) in [
        ("/acme/x", ACME, true),
        ("/duff/x", "https://app.duff.example", true),
        ("/acme/x", "https://app.duff.example", false),
        ("/duff/x", ACME, false),
        ("/acme/x", "https://ours.example", true),
        ("/other/x", ACME, false),
        ("/other/x", "https://ours.example", false),
        ("/", ACME, false),
    ] {
        assert_eq!(allows(&service, path, origin).await, allowed, "{path} {origin}");
        let status = if allowed { 204 } else { 403 };
        assert_eq!(preflight(&service, path, origin).await, status, "{path} {origin}");
    }
}

#[tokio::test]
async fn what_a_tenant_may_not_name_allows_nothing_and_the_rest_holds() {
    let store =
        Watched::new(&["*", "null", "http://insecure.example", "https://*.co.uk", "x y", ACME]);
    let service = service(builder(store).build().unwrap());
    assert!(allows(&service, "/acme", ACME).await);
    for origin in ["https://evil.example", "null", "http://insecure.example", "https://evil.co.uk"]
    {
        assert!(!allows(&service, "/acme", origin).await, "{origin}");
    }
}

#[tokio::test(start_paused = true)]
async fn of_many_at_once_one_asks() {
    let store = Watched::new(&[ACME]);
    let gate = store.waits();
    let service = service(builder(store.clone()).build().unwrap());
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let service = service.clone();
        tasks.spawn(async move { allows(&service, "/acme", ACME).await });
    }
    while store.0.asked.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    gate.add_permits(50);
    assert!(tasks.join_all().await.into_iter().all(|allowed| allowed));
    assert_eq!(store.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_kept_for_as_long_as_was_said() {
    let store = Watched::new(&[ACME]);
    let service = service(builder(store.clone()).keep_for(60 * SECOND).build().unwrap());
    assert!(allows(&service, "/acme", ACME).await);
    store.has(&[]);
    advance(59 * SECOND).await;
    assert!(allows(&service, "/acme", ACME).await, "it is kept");
    assert_eq!(store.asked(), 1);
    advance(2 * SECOND).await;
    assert!(!allows(&service, "/acme", ACME).await, "it is asked for again");
    assert_eq!(store.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn that_there_is_no_such_tenant_is_kept_for_a_shorter_time() {
    let store = Watched::default();
    store.knows_nobody();
    let service = service(builder(store.clone()).keep_unknown_for(10 * SECOND).build().unwrap());
    for _ in 0..3 {
        assert!(!allows(&service, "/acme", ACME).await);
    }
    assert_eq!(store.asked(), 1);
    store.has(&[ACME]);
    advance(11 * SECOND).await;
    assert!(allows(&service, "/acme", ACME).await);
}

#[tokio::test(start_paused = true)]
async fn while_the_store_is_away_old_answers_hold_and_new_tenants_are_denied() {
    let store = Watched::new(&[ACME]);
    let tenants = builder(store.clone()).keep_for(60 * SECOND).stale_for(600 * SECOND);
    let service = service(tenants.build().unwrap());
    assert!(allows(&service, "/acme", ACME).await);
    store.fails();
    advance(61 * SECOND).await;
    assert!(allows(&service, "/acme", ACME).await, "the old answer");
    assert!(!allows(&service, "/duff", ACME).await, "nothing is known");
    assert!(!allows(&service, "/duff", "https://ours.example").await, "not even what all allow");
    assert_eq!(preflight(&service, "/duff", ACME).await, 503);
    advance(601 * SECOND).await;
    assert!(!allows(&service, "/acme", ACME).await, "it is too old");
    store.has(&[ACME]);
    advance(SECOND).await;
    assert!(allows(&service, "/acme", ACME).await, "the store is back");
    assert!(allows(&service, "/duff", ACME).await);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_away_is_not_asked_for_each_request() {
    let store = Watched::default();
    let service = service(builder(store.clone()).build().unwrap());
    for _ in 0..100 {
        allows(&service, "/acme", ACME).await;
        advance(Duration::from_millis(10)).await;
    }
    let asked = store.asked();
    assert!((1..=5).contains(&asked), "{asked} times in a second");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_silent_is_waited_for_no_longer_than_was_said() {
    let store = Watched::new(&[ACME]);
    let _never = store.waits();
    let service = service(builder(store).store_timeout(SECOND).build().unwrap());
    let clock = TokioClock::new();
    assert_eq!(preflight(&service, "/acme", ACME).await, 503);
    assert_eq!(clock.monotonic(), SECOND, "of a clock that stands still otherwise");
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_while_asking_leaves_nobody_waiting() {
    let store = Watched::new(&[ACME]);
    let gate = store.waits();
    let service = service(builder(store.clone()).build().unwrap());
    let ask = |service: Service| tokio::spawn(async move { allows(&service, "/acme", ACME).await });
    let first = ask(service.clone());
    while store.0.asked.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    let second = ask(service);
    tokio::task::yield_now().await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    gate.add_permits(2);
    assert!(second.await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn what_is_forgotten_is_asked_for_again() {
    let store = Watched::new(&[ACME]);
    let tenants = builder(store.clone()).build().unwrap();
    let service = service(tenants.clone());
    assert!(allows(&service, "/acme", ACME).await);
    store.has(&[]);
    tenants.forget(&Key::from("acme")).await;
    assert!(!allows(&service, "/acme", ACME).await);
}

/// An answer that was asked for before the change is not kept after it.
#[tokio::test(start_paused = true)]
async fn what_is_forgotten_while_it_is_asked_for_is_asked_for_again() {
    let store = Watched::new(&[ACME]);
    let gate = store.waits();
    let tenants = builder(store.clone()).build().unwrap();
    let service = service(tenants.clone());
    let asking = tokio::spawn({
        let service = service.clone();
        async move { allows(&service, "/acme", ACME).await }
    });
    while store.0.asked.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    tenants.forget(&Key::from("acme")).await;
    gate.add_permits(1);
    while store.0.asked.load(Ordering::SeqCst) == 1 {
        tokio::task::yield_now().await;
    }
    store.has(&[]);
    gate.add_permits(1);
    assert!(!asking.await.unwrap(), "it was asked for again");
    assert!(!allows(&service, "/acme", ACME).await);
    assert_eq!(store.asked(), 2);
}

#[tokio::test]
async fn a_closure_is_a_store() {
    let store = |tenant: Key| async move {
        match tenant.as_bytes() {
            b"acme" => Ok(TenantOrigins::Listed(vec![ACME.to_owned()])),
            b"broken" => Err(std::io::Error::other("broken")),
            _ => Ok(TenantOrigins::Unknown),
        }
    };
    let service = service(builder(store).build().unwrap());
    assert!(allows(&service, "/acme", ACME).await);
    assert_eq!(preflight(&service, "/broken", ACME).await, 503);
    assert_eq!(preflight(&service, "/other", ACME).await, 403);
}

/// Who makes tenants up costs a read each, and drives out nobody who is asked for often.
#[tokio::test]
async fn tenants_that_are_made_up_do_not_drive_out_those_that_are() {
    let asked_for_acme = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&asked_for_acme);
    let store = move |tenant: Key| {
        let known = tenant.as_bytes() == b"acme";
        counting.fetch_add(usize::from(known), Ordering::SeqCst);
        let origins = TenantOrigins::Listed(vec![ACME.to_owned()]);
        ready(Ok::<_, Infallible>(if known { origins } else { TenantOrigins::Unknown }))
    };
    let service = service(builder(store).max_tenants(100).build().unwrap());
    for n in 0..5_000 {
        assert!(allows(&service, "/acme", ACME).await);
        assert!(!allows(&service, &format!("/made-up-{n}"), ACME).await);
    }
    let asked = asked_for_acme.load(Ordering::SeqCst);
    assert!(asked < 50, "asked for {asked} times");
}

/// An error of one tenant is no outage for the others.
#[tokio::test(start_paused = true)]
async fn a_tenant_that_is_broken_keeps_no_other_from_being_asked_for() {
    let store = |tenant: Key| {
        ready(match tenant.as_bytes() {
            b"broken" => Err(std::io::Error::other("a bad row")),
            _ => Ok(TenantOrigins::Listed(vec![ACME.to_owned()])),
        })
    };
    let service = service(builder(store).build().unwrap());
    for n in 0..20 {
        assert!(!allows(&service, "/broken", ACME).await);
        assert!(allows(&service, &format!("/{n}"), ACME).await, "{n}");
        advance(SECOND).await;
    }
}

/// To forget one tenant takes nothing from another.
#[tokio::test(start_paused = true)]
async fn what_another_is_forgotten_for_stays() {
    let store = Watched::new(&[ACME]);
    let tenants = builder(store.clone()).keep_for(60 * SECOND).build().unwrap();
    let service = service(tenants.clone());
    assert!(allows(&service, "/acme", ACME).await);
    store.fails();
    advance(61 * SECOND).await;
    let gate = store.waits();
    let asking = tokio::spawn({
        let service = service.clone();
        async move { allows(&service, "/acme", ACME).await }
    });
    store.asked();
    while store.0.asked.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    tenants.forget(&Key::from("duff")).await;
    gate.add_permits(100);
    assert!(asking.await.unwrap(), "the old answer");
    assert!(allows(&service, "/acme", ACME).await, "it is still good");
    tenants.forget(&Key::from("acme")).await;
    assert!(!allows(&service, "/acme", ACME).await, "and is gone when it is forgotten itself");
}

/// However a load and a forget meet, who asks afterwards gets what is then.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_holds_for_whoever_asks_after_it_was_forgotten() {
    let store = MemoryStore::new();
    let tenants = builder(store.clone()).build().unwrap();
    let service = service(tenants.clone());
    let (tenant, origin) = (Key::from("acme"), ACME.parse().unwrap());
    for _ in 0..300 {
        store.allow(Edit::new(&tenant, &origin)).await.unwrap();
        tenants.forget(&tenant).await;
        let mut readers = tokio::task::JoinSet::new();
        for _ in 0..3 {
            let service = service.clone();
            readers.spawn(async move { allows(&service, "/acme", ACME).await });
        }
        tokio::task::yield_now().await;
        store.disallow(Edit::new(&tenant, &origin)).await.unwrap();
        tenants.forget(&tenant).await;
        assert!(!allows(&service, "/acme", ACME).await, "it was disallowed and forgotten");
        readers.join_all().await;
        assert!(!allows(&service, "/acme", ACME).await, "nor did a late answer bring it back");
    }
}

#[tokio::test]
async fn names_of_tenants_are_short() {
    let store = Watched::new(&[ACME]);
    let service = service(builder(store.clone()).build().unwrap());
    assert!(allows(&service, &format!("/{}", "a".repeat(256)), ACME).await);
    assert!(!allows(&service, &format!("/{}", "a".repeat(257)), ACME).await);
    assert_eq!(store.asked(), 1);
}

#[test]
fn a_base_for_everybody_is_an_error() {
    let base = Policy::builder().origins(["*"]).build().unwrap();
    let (_, errors) = base.with_origins(["nonsense", "*", ACME]);
    assert_eq!(errors.len(), 2, "they are checked all the same");
    assert!(TenantPolicies::builder(base, MemoryStore::new(), tenant).build().is_err());
}

#[test]
fn settings_that_cannot_work_are_all_told() {
    let builder = builder(MemoryStore::new())
        .keep_for(Duration::ZERO)
        .keep_unknown_for(Duration::MAX)
        .stale_for(Duration::MAX)
        .store_timeout(Duration::ZERO)
        .max_tenants(0);
    let errors = builder.build().unwrap_err();
    let settings: Vec<_> = errors.iter().map(|error| error.setting).collect();
    assert_eq!(
        settings,
        ["keep_for", "keep_unknown_for", "stale_for", "store_timeout", "max_tenants"]
    );
}
