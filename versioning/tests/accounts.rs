//! Pins of accounts, and who uses which version.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

use std::convert::Infallible;
use std::future::{pending, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use http::{Request, Response};
use http_body_util::{BodyExt, Empty};
use stonework_versioning::store::{
    Change, Changed, Lookup, MemoryStore, Pin, PinStore, Pinned, Seen, Unpinned, UsageStore, User,
    Users,
};
use stonework_versioning::{
    ApiVersion, Clock, DateVersion, Header, Key, LastSeen, Moment, PinOutage, Pins, Rejection,
    Source, StoreError, StoreErrorKind, StoreFuture, VersionLayer, VersionLayerBuilder,
};
use tokio::task::JoinSet;
use tower::{Layer, ServiceExt, service_fn};

const OLD: &str = "2025-01-01";
const NEW: &str = "2026-01-01";

/// The old version is gone from the middle of 2026 on.
fn builder() -> VersionLayerBuilder<DateVersion> {
    VersionLayer::builder::<DateVersion>()
        .version(OLD, |v| v.deprecated_at("2026-01-01").sunset_at("2026-07-01"))
        .version(NEW, |v| v)
        .read(Header::named("acme-version"))
        .account(|head| head.headers.get("x-account").map(|id| Key::from(id.as_bytes())))
        .clock(Arc::new(At::new("2026-02-01")))
}

/// A clock that stands still where it is put.
#[derive(Debug)]
struct At(AtomicU64);

impl At {
    fn new(moment: &str) -> Self {
        Self(AtomicU64::new(moment.parse::<Moment>().unwrap().as_unix()))
    }
}

impl Clock for At {
    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }

    fn unix(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::SeqCst))
    }
}

struct Told {
    status: u16,
    version: Option<ApiVersion>,
    rejection: Option<Rejection>,
    vary: String,
    body: String,
    retry_after: Option<String>,
}

impl Told {
    fn resolved(&self) -> &str {
        self.version.as_ref().map_or("", ApiVersion::resolved)
    }
}

async fn ask(layer: &VersionLayer, headers: &[(&str, &str)]) -> Told {
    let inner = service_fn(|request: Request<()>| {
        let mut response = Response::new(Empty::<bytes::Bytes>::new());
        let version = request.extensions().get::<ApiVersion>().cloned();
        response.extensions_mut().insert(version.unwrap());
        ready(Ok::<_, Infallible>(response))
    });
    let request = headers.iter().fold(Request::get("/"), |request, (k, v)| request.header(*k, *v));
    let response = layer.layer(inner).oneshot(request.body(()).unwrap()).await.unwrap();
    let (mut parts, body) = response.into_parts();
    let header = |name: &str| parts.headers.get(name).map(|v| v.to_str().unwrap().to_owned());
    let (vary, retry_after) = (header("vary").unwrap_or_default(), header("retry-after"));
    let body = body.collect().await.unwrap().to_bytes();
    Told {
        status: parts.status.as_u16(),
        version: parts.extensions.remove(),
        rejection: parts.extensions.remove(),
        vary,
        body: String::from_utf8(body.to_vec()).unwrap(),
        retry_after,
    }
}

const ACME: &[(&str, &str)] = &[("x-account", "acme")];

fn acme() -> Key {
    Key::from("acme")
}

/// A store that counts what it is asked, and may be away, or silent.
#[derive(Clone, Default)]
struct Watched {
    store: MemoryStore,
    asked: Arc<AtomicUsize>,
    away: Arc<AtomicBool>,
    silent: Arc<AtomicBool>,
}

impl Watched {
    fn with<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&MemoryStore) -> StoreFuture<Result<T, StoreError>>,
    ) -> StoreFuture<Result<T, StoreError>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.silent.load(Ordering::SeqCst) {
            return StoreFuture::new(pending());
        }
        if self.away.load(Ordering::SeqCst) {
            return StoreFuture::ready(Err(StoreError::new(StoreErrorKind::Unavailable)));
        }
        let answer = operation(&self.store);
        // As over a network: not at once.
        StoreFuture::new(async move {
            tokio::task::yield_now().await;
            answer.await
        })
    }

    fn asked(&self) -> usize {
        self.asked.swap(0, Ordering::SeqCst)
    }
}

impl PinStore for Watched {
    fn get(&self, lookup: Lookup<'_>) -> StoreFuture<Result<Option<String>, StoreError>> {
        self.with(|store| store.get(lookup))
    }

    fn pin_if_absent(&self, pin: Pin<'_>) -> StoreFuture<Result<Pinned, StoreError>> {
        self.with(|store| store.pin_if_absent(pin))
    }

    fn compare_and_set(&self, change: Change<'_>) -> StoreFuture<Result<Changed, StoreError>> {
        self.with(|store| store.compare_and_set(change))
    }

    fn unpin(&self, lookup: Lookup<'_>) -> StoreFuture<Result<Unpinned, StoreError>> {
        self.with(|store| store.unpin(lookup))
    }
}

impl UsageStore for Watched {
    fn seen(&self, seen: Seen<'_>) -> StoreFuture<Result<(), StoreError>> {
        self.with(|store| store.seen(seen))
    }

    fn users(&self, users: Users<'_>) -> StoreFuture<Result<Vec<User>, StoreError>> {
        self.with(|store| store.users(users))
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_request_pins_and_a_header_overrides_one_call() {
    let store = Watched::default();
    let layer = builder().pins(Pins::new(store.clone()).first(OLD)).build().unwrap();
    let named = ask(&layer, &[("x-account", "acme"), ("acme-version", NEW)]).await;
    assert_eq!((named.resolved(), store.asked()), (NEW, 0), "it asks for one, and pins nothing");
    let first = ask(&layer, ACME).await;
    let version = first.version.unwrap();
    assert_eq!((version.resolved(), version.is_pinned(), version.source()), (OLD, true, None));
    assert_eq!(version.requested(), None);
    assert_eq!(first.vary, "acme-version,authorization");

    // Now that there is a newer one for whoever comes new, the account stays where it is.
    let later = builder().pins(Pins::new(store.clone())).build().unwrap();
    assert_eq!(ask(&later, ACME).await.resolved(), OLD);
    assert_eq!(ask(&later, &[("x-account", "other")]).await.resolved(), NEW);
    let named = ask(&later, &[("x-account", "acme"), ("acme-version", NEW)]).await.version;
    assert_eq!(
        (named.as_ref().unwrap().is_pinned(), named.unwrap().source()),
        (false, Some(Source::Header))
    );
    assert_eq!(ask(&later, ACME).await.resolved(), OLD);
}

#[tokio::test(start_paused = true)]
async fn who_is_nobody_has_no_pin() {
    let pins = || Pins::new(MemoryStore::new());
    let layer = builder().pins(pins()).build().unwrap();
    assert_eq!(ask(&layer, &[]).await.rejection, Some(Rejection::Unspecified));
    let layer = builder().pins(pins()).unspecified(OLD).build().unwrap();
    let told = ask(&layer, &[]).await.version.unwrap();
    assert_eq!((told.resolved(), told.is_pinned()), (OLD, false));
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_kept_and_a_move_is_noticed_in_time() {
    let store = Watched::default();
    let layers = [(); 2].map(|()| {
        let pins = Pins::new(store.clone()).first(OLD).keep_for(Duration::from_secs(10));
        builder().pins(pins).build().unwrap()
    });
    for _ in 0..3 {
        for layer in &layers {
            assert_eq!(ask(layer, ACME).await.resolved(), OLD);
        }
    }
    assert_eq!(store.asked(), 2, "each process asked once");
    let pins = layers[0].account_pins().unwrap();
    assert_eq!(pins.change(&acme(), NEW, OLD).await.unwrap(), Changed::Yes, "it was made before");
    assert_eq!(pins.change(&acme(), OLD, NEW).await.unwrap(), Changed::Yes);
    assert_eq!(pins.get(&acme()).await.unwrap().as_deref(), Some(NEW));
    assert_eq!(ask(&layers[0], ACME).await.resolved(), NEW);
    assert_eq!(ask(&layers[1], ACME).await.resolved(), OLD);
    tokio::time::advance(Duration::from_secs(10)).await;
    assert_eq!(ask(&layers[1], ACME).await.resolved(), NEW);
    let unknown = pins.change(&acme(), NEW, "2027-01-01").await.unwrap_err();
    assert_eq!(unknown.kind(), StoreErrorKind::Refused);
    assert_eq!(pins.unpin(&acme()).await.unwrap(), Unpinned::Yes);
    assert_eq!(ask(&layers[0], ACME).await.resolved(), OLD, "pinned anew");
}

#[tokio::test(start_paused = true)]
async fn of_fifty_first_requests_at_once_the_store_is_asked_once() {
    let store = Watched::default();
    let layer = builder().pins(Pins::new(store.clone())).build().unwrap();
    let mut asking = JoinSet::new();
    for _ in 0..50 {
        let layer = layer.clone();
        asking.spawn(async move { ask(&layer, ACME).await.resolved().to_owned() });
    }
    assert!(asking.join_all().await.iter().all(|version| version == NEW));
    assert_eq!(store.asked(), 1);
}

/// Fifty processes, of two deployments that pin to different versions.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_fifty_first_requests_in_many_processes_one_pins() {
    let store = MemoryStore::new();
    let mut asking = JoinSet::new();
    for number in 0..50 {
        let pins = Pins::new(store.clone()).first(if number % 2 == 0 { OLD } else { NEW });
        let layer = builder().pins(pins).build().unwrap();
        asking.spawn(async move { ask(&layer, ACME).await.resolved().to_owned() });
    }
    let told = asking.join_all().await;
    assert!(told.iter().all(|version| *version == told[0] && !version.is_empty()), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn a_pin_to_a_version_that_is_gone_is_told_and_nobody_is_moved() {
    let store = MemoryStore::new();
    store.pin_if_absent(Pin::new(&acme(), OLD)).await.unwrap();
    let gone = builder().clock(Arc::new(At::new("2026-07-01")));
    let layer = gone.pins(Pins::new(store.clone())).build().unwrap();
    let told = ask(&layer, ACME).await;
    assert_eq!((told.status, told.rejection), (410, Some(Rejection::PinSunset)));
    assert!(told.body.contains("move the account") && told.body.contains(NEW), "{}", told.body);
    assert_eq!(ask(&layer, &[("x-account", "acme"), ("acme-version", NEW)]).await.status, 200);
    let dry = builder().clock(Arc::new(At::new("2026-07-01"))).dry_run(true);
    let layer = dry.pins(Pins::new(store.clone())).build().unwrap();
    assert_eq!(ask(&layer, ACME).await.resolved(), OLD);

    // A version that is not even in the list any more.
    store.pin_if_absent(Pin::new(&Key::from("ancient"), "2019-01-01")).await.unwrap();
    let layer = builder().pins(Pins::new(store)).build().unwrap();
    let told = ask(&layer, &[("x-account", "ancient")]).await;
    assert_eq!((told.status, told.rejection), (410, Some(Rejection::PinSunset)));
}

#[tokio::test(start_paused = true)]
async fn while_the_store_is_away_what_is_known_is_used_and_nothing_is_guessed() {
    let store = Watched::default();
    let layer = builder().pins(Pins::new(store.clone()).first(OLD)).build().unwrap();
    assert_eq!(ask(&layer, ACME).await.resolved(), OLD);
    store.away.store(true, Ordering::SeqCst);
    let other = ask(&layer, &[("x-account", "other")]).await;
    assert_eq!((other.status, other.rejection), (503, Some(Rejection::PinUnknown)));
    assert_eq!(other.retry_after.as_deref(), Some("1"));
    tokio::time::advance(Duration::from_secs(60)).await;
    assert_eq!(ask(&layer, ACME).await.resolved(), OLD, "it is old, and still good");
    tokio::time::advance(Duration::from_secs(3600)).await;
    assert_eq!(ask(&layer, ACME).await.status, 503, "too old");
    store.away.store(false, Ordering::SeqCst);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(ask(&layer, ACME).await.resolved(), OLD);
    assert_eq!(ask(&layer, &[("x-account", "other")]).await.resolved(), OLD);

    let store = Watched::default();
    store.silent.store(true, Ordering::SeqCst);
    let pins = Pins::new(store).on_outage(PinOutage::Serve(OLD.to_owned()));
    let layer = builder().pins(pins).build().unwrap();
    let told = ask(&layer, ACME).await.version.unwrap();
    assert_eq!((told.resolved(), told.is_pinned()), (OLD, false));
}

#[tokio::test(start_paused = true)]
async fn a_store_without_room_serves_no_guess() {
    let layer = builder().pins(Pins::new(MemoryStore::with_room_for(1))).build().unwrap();
    assert_eq!(ask(&layer, ACME).await.resolved(), NEW);
    assert_eq!(ask(&layer, &[("x-account", "other")]).await.rejection, Some(Rejection::PinUnknown));
}

#[tokio::test(start_paused = true)]
async fn who_uses_a_version_is_remembered_beside_the_requests() {
    let store = Watched::default();
    let layer = builder().last_seen(LastSeen::new(store.clone())).build().unwrap();
    for account in ["acme", "other", "acme"] {
        let headers = [("x-account", account), ("acme-version", OLD)];
        assert_eq!(ask(&layer, &headers).await.resolved(), OLD);
    }
    ask(&layer, &[("acme-version", OLD)]).await;
    settle().await;
    assert_eq!(store.asked(), 2, "once for each account");
    let users = layer.users().unwrap();
    let mut accounts: Vec<_> = users.of(OLD, 10).await.unwrap();
    accounts.sort_by_key(|user| user.account.as_bytes().to_vec());
    let at = "2026-02-01".parse::<Moment>().unwrap();
    assert_eq!(accounts, [User::new(acme(), at), User::new(Key::from("other"), at)]);
    assert_eq!(users.of(NEW, 10).await.unwrap(), []);
    assert_eq!(users.of("2019-01-01", 10).await.unwrap(), []);

    store.away.store(true, Ordering::SeqCst);
    let new = [("x-account", "acme"), ("acme-version", NEW)];
    assert_eq!(ask(&layer, &new).await.status, 200, "nobody waits for it");
    settle().await;
    assert_eq!(users.dropped(), 1);
    store.away.store(false, Ordering::SeqCst);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(ask(&layer, &new).await.status, 200);
    settle().await;
    assert_eq!(users.of(NEW, 10).await.unwrap().len(), 1, "it is tried again");
}

/// Lets what was spawned run as far as it can.
async fn settle() {
    for _ in 0..16 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_account_is_written_down_again_after_a_while() {
    let (store, clock) = (Watched::default(), Arc::new(At::new("2026-02-01")));
    let last_seen = LastSeen::new(store.clone()).every(Duration::from_secs(60));
    let layer = builder().clock(clock.clone()).last_seen(last_seen).build().unwrap();
    for (seconds, asked) in [(0, 1), (59, 0), (1, 1), (60, 1)] {
        clock.0.fetch_add(seconds, Ordering::SeqCst);
        ask(&layer, &[("x-account", "acme"), ("acme-version", NEW)]).await;
        settle().await;
        assert_eq!(store.asked(), asked, "{seconds}");
    }
}

#[tokio::test(start_paused = true)]
async fn requests_are_counted_by_how_they_came_to_their_version() {
    let layer = builder().pins(Pins::new(MemoryStore::new())).unspecified(OLD).build().unwrap();
    for headers in [
        &[("acme-version", OLD)][..],
        &[("acme-version", OLD)],
        ACME,
        &[],
        &[("acme-version", "x")],
        &[("acme-version", "2030-01-01")],
        &[("acme-version", "2030-01-01")],
    ] {
        ask(&layer, headers).await;
    }
    let rows: Vec<_> =
        layer.usage().into_iter().map(|u| (u.version, u.source, u.is_pinned, u.requests)).collect();
    assert_eq!(
        rows,
        [
            (OLD.to_owned(), Some(Source::Header), false, 2),
            (OLD.to_owned(), None, false, 1),
            (NEW.to_owned(), None, true, 1),
        ]
    );
    let refused: Vec<_> = layer.refusals().into_iter().map(|r| (r.reason, r.requests)).collect();
    assert_eq!(refused, [("version-malformed", 1), ("version-unsupported", 2)]);
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let pins = Pins::new(MemoryStore::new())
        .first("2019-01-01")
        .on_outage(PinOutage::Serve("x".to_owned()))
        .varies_by("a b")
        .keep_for(Duration::ZERO);
    let errors = VersionLayer::builder::<DateVersion>()
        .version(OLD, |v| v)
        .read(Header::named("acme-version"))
        .pins(pins)
        .build()
        .unwrap_err();
    assert_eq!(errors.as_slice().len(), 5, "{errors}");
}

/// A store whose answers to requests take a while.
#[derive(Clone)]
struct Slow {
    store: MemoryStore,
    answers: Arc<tokio::sync::Semaphore>,
}

impl PinStore for Slow {
    fn get(&self, lookup: Lookup<'_>) -> StoreFuture<Result<Option<String>, StoreError>> {
        self.store.get(lookup)
    }

    fn pin_if_absent(&self, pin: Pin<'_>) -> StoreFuture<Result<Pinned, StoreError>> {
        let (answer, answers) = (self.store.pin_if_absent(pin), Arc::clone(&self.answers));
        StoreFuture::new(async move {
            let answer = answer.await;
            answers.acquire().await.unwrap().forget();
            answer
        })
    }

    fn compare_and_set(&self, change: Change<'_>) -> StoreFuture<Result<Changed, StoreError>> {
        self.store.compare_and_set(change)
    }

    fn unpin(&self, lookup: Lookup<'_>) -> StoreFuture<Result<Unpinned, StoreError>> {
        self.store.unpin(lookup)
    }
}

/// What was asked before the change is not kept after it.
#[tokio::test(start_paused = true)]
async fn a_move_is_not_forgotten_for_a_look_that_began_before() {
    let answers = Arc::new(tokio::sync::Semaphore::new(0));
    let slow = Slow { store: MemoryStore::new(), answers: Arc::clone(&answers) };
    let layer = builder().pins(Pins::new(slow).first(OLD)).build().unwrap();
    let (asking, moving) = (layer.clone(), layer.account_pins().unwrap());
    let first = tokio::spawn(async move { ask(&asking, &[("x-account", "a")]).await });
    tokio::task::yield_now().await;
    let moved = tokio::spawn(async move { moving.change(&Key::from("a"), OLD, NEW).await });
    tokio::task::yield_now().await;
    answers.add_permits(1);
    assert_eq!(first.await.unwrap().resolved(), OLD);
    assert_eq!(moved.await.unwrap().unwrap(), Changed::Yes);
    // It would wait, were it asked for again.
    assert_eq!(ask(&layer, &[("x-account", "a")]).await.resolved(), NEW);
}
