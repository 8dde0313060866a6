//! What happens to a key when things go wrong: clients that leave, handlers that panic, leases
//! that run out, stores that are away.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.
#![cfg(feature = "memory")]

#[path = "support/app.rs"]
mod app;
#[path = "support/faulty.rs"]
mod faulty;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use app::{App, Incoming, app, body, count, counting, post, send, send_key, single};
use bytes::Bytes;
use faulty::{Fault, Faulty};
use http::{Response, StatusCode};
use http_body_util::Full;
use stonework_idempotency::store::MemoryStore;
use stonework_idempotency::{
    Abandoned, Idempotency, IdempotencyLayer, InFlight, Outage, Rejection, SaveError,
};
use tokio::sync::Semaphore;
use tokio::time::advance;
use tower::ServiceExt;

const SECOND: Duration = Duration::from_secs(1);

/// A handler that waits at a gate after its effect.
#[derive(Clone)]
struct Gated {
    effects: Arc<AtomicUsize>,
    gate: Arc<Semaphore>,
}

impl Gated {
    fn new() -> Self {
        Self { effects: Arc::default(), gate: Arc::new(Semaphore::new(0)) }
    }

    fn app(&self, layer: &IdempotencyLayer) -> App {
        let this = self.clone();
        app(layer, move |_| {
            let this = this.clone();
            async move {
                let run = this.effects.fetch_add(1, Ordering::SeqCst) + 1;
                this.gate.acquire().await.unwrap().forget();
                Response::builder().status(201).body(Full::from(format!("run {run}"))).unwrap()
            }
        })
    }

    fn open(&self) {
        self.gate.add_permits(1);
    }

    fn effects(&self) -> usize {
        self.effects.load(Ordering::SeqCst)
    }

    /// Begins a request and waits until its effect has happened.
    async fn begin(&self, app: &App) -> tokio::task::JoinHandle<app::Answer> {
        let before = self.effects();
        let app = app.clone();
        let request = tokio::spawn(async move { send_key(&app, "k").await });
        while self.effects() == before {
            tokio::task::yield_now().await;
        }
        request
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_cancels_nothing_and_a_retry_gets_the_answer() {
    let gated = Gated::new();
    let layer = single().build().unwrap();
    let app = gated.app(&layer);
    let client = gated.begin(&app).await;
    client.abort();
    assert!(client.await.unwrap_err().is_cancelled());
    assert_eq!(layer.tracker().in_flight(), 1, "the run goes on");
    let conflict = send_key(&app, "k").await;
    assert_eq!(
        (conflict.status, conflict.rejection()),
        (StatusCode::CONFLICT, Rejection::InFlight)
    );
    assert_eq!(conflict.header("retry-after"), Some("1"));
    gated.open();
    layer.tracker().drained().await;
    let retry = send_key(&app, "k").await;
    assert!(retry.is_replay());
    assert_eq!((retry.text(), gated.effects()), ("run 1", 1));
}

#[tokio::test(start_paused = true)]
async fn a_mismatch_is_told_before_in_flight() {
    let gated = Gated::new();
    let app = gated.app(&single().build().unwrap());
    let _running = gated.begin(&app).await;
    let other = send(&app, body(post("k"), "another request")).await;
    assert_eq!(other.rejection(), Rejection::Mismatch);
}

#[tokio::test(start_paused = true)]
async fn waiting_gives_the_answer_of_the_winner() {
    let gated = Gated::new();
    let layer = single().in_flight(InFlight::Wait { up_to: 60 * SECOND }).build().unwrap();
    let app = gated.app(&layer);
    let first = gated.begin(&app).await;
    let waiting: Vec<_> = (0..5)
        .map(|_| {
            let app = app.clone();
            tokio::spawn(async move { send_key(&app, "k").await })
        })
        .collect();
    advance(SECOND).await;
    gated.open();
    assert_eq!(first.await.unwrap().text(), "run 1");
    for answer in waiting {
        let answer = answer.await.unwrap();
        assert!(answer.is_replay());
        assert_eq!(answer.text(), "run 1");
    }
    assert_eq!(gated.effects(), 1);
}

#[tokio::test(start_paused = true)]
async fn waiting_ends_with_409_and_does_not_outlive_its_client() {
    let gated = Gated::new();
    let layer = single().in_flight(InFlight::Wait { up_to: 5 * SECOND }).build().unwrap();
    let app = gated.app(&layer);
    let _first = gated.begin(&app).await;
    assert_eq!(send_key(&app, "k").await.rejection(), Rejection::InFlight);
    let impatient = tokio::spawn({
        let app = app.clone();
        async move { send_key(&app, "k").await }
    });
    while layer.tracker().in_flight() < 2 {
        tokio::task::yield_now().await;
    }
    impatient.abort();
    while layer.tracker().in_flight() > 1 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn waiting_claims_again_when_the_winner_releases() {
    let runs = Arc::new(AtomicUsize::new(0));
    let gate = Arc::new(Semaphore::new(0));
    let layer = single().in_flight(InFlight::Wait { up_to: 60 * SECOND }).build().unwrap();
    let app = app(&layer, {
        let (runs, gate) = (Arc::clone(&runs), Arc::clone(&gate));
        move |request: Incoming| {
            let (runs, gate) = (Arc::clone(&runs), Arc::clone(&gate));
            async move {
                let run = runs.fetch_add(1, Ordering::SeqCst) + 1;
                if run == 1 {
                    gate.acquire().await.unwrap().forget();
                    request.extensions().get::<Idempotency>().unwrap().nothing_happened();
                }
                Response::new(Full::<Bytes>::from(format!("run {run}")))
            }
        }
    });
    let spawn = || {
        let app = app.clone();
        tokio::spawn(async move { send_key(&app, "k").await })
    };
    let first = spawn();
    while count(&runs) == 0 {
        tokio::task::yield_now().await;
    }
    let second = spawn();
    advance(SECOND).await;
    gate.add_permits(1);
    assert_eq!(first.await.unwrap().text(), "run 1");
    assert_eq!(second.await.unwrap().text(), "run 2");
}

/// A handler that panics on its first `panics` attempts, and tells its attempt and checkpoint.
fn fragile(panics: u32) -> impl Fn(Incoming) -> Fragile + Clone + Send + Sync + 'static {
    move |request: Incoming| {
        Box::pin(async move {
            let idempotency = request.extensions().get::<Idempotency>().unwrap().clone();
            let attempt = idempotency.attempt();
            if attempt <= panics {
                idempotency.save(format!("step {attempt}")).await.unwrap();
                panic!("attempt {attempt}");
            }
            let checkpoint = idempotency.checkpoint().cloned().unwrap_or_default();
            let checkpoint = String::from_utf8(checkpoint.to_vec()).unwrap();
            Response::new(Full::from(format!("attempt {attempt}, {checkpoint:?}")))
        })
    }
}

type Fragile = std::pin::Pin<Box<dyn Future<Output = Response<Full<Bytes>>> + Send>>;

#[tokio::test(start_paused = true)]
async fn a_panic_is_500_for_its_client_and_unknown_for_the_next() {
    let app = app(&single().build().unwrap(), fragile(1));
    let first = send_key(&app, "k").await;
    assert_eq!(first.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(first.rejection(), Rejection::Interrupted);
    for _ in 0..2 {
        let retry = send_key(&app, "k").await;
        assert_eq!(retry.status, StatusCode::CONFLICT);
        assert_eq!(retry.rejection(), Rejection::OutcomeUnknown);
        assert_eq!(retry.header("retry-after"), None);
    }
    advance(Duration::from_secs(23 * 3600)).await;
    assert_eq!(send_key(&app, "k").await.rejection(), Rejection::OutcomeUnknown);
}

#[tokio::test(start_paused = true)]
async fn an_abandoned_key_is_run_again_when_asked() {
    let rerun = app(&single().on_abandoned(Abandoned::Rerun).build().unwrap(), fragile(2));
    let resume = app(&single().on_abandoned(Abandoned::Resume).build().unwrap(), fragile(2));
    for (app, expected) in [(rerun, r#"attempt 3, """#), (resume, r#"attempt 3, "step 2""#)] {
        for _ in 0..2 {
            assert_eq!(send_key(&app, "k").await.rejection(), Rejection::Interrupted);
        }
        assert_eq!(send_key(&app, "k").await.text(), expected);
        let retry = send_key(&app, "k").await;
        assert!(retry.is_replay());
        assert_eq!(retry.text(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_later_attempt_cannot_say_that_nothing_happened() {
    let handler = |request: Incoming| async move {
        let idempotency = request.extensions().get::<Idempotency>().unwrap();
        assert!(idempotency.attempt() > 1, "the first attempt is interrupted");
        idempotency.nothing_happened();
        Response::new(Full::<Bytes>::from(format!("attempt {}", idempotency.attempt())))
    };
    let app = app(&single().on_abandoned(Abandoned::Rerun).build().unwrap(), handler);
    assert_eq!(send_key(&app, "k").await.rejection(), Rejection::Interrupted);
    assert_eq!(send_key(&app, "k").await.text(), "attempt 2");
    assert_eq!(send_key(&app, "k").await.text(), "attempt 3", "attempts never go back to 1");
}

#[tokio::test(start_paused = true)]
async fn an_error_of_the_inner_service_stays_its_own_and_interrupts_the_key() {
    use tower::{Layer, service_fn};
    let layer = single().build().unwrap();
    let service = layer
        .layer(service_fn(async |_: Incoming| Err::<Response<Full<Bytes>>, _>("the inner error")));
    let request = || body(post("k"), "{}");
    assert_eq!(service.clone().oneshot(request()).await.unwrap_err(), "the inner error");
    let retry = service.oneshot(request()).await.unwrap();
    assert_eq!(retry.extensions().get(), Some(&Rejection::OutcomeUnknown));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_breaks_off_interrupts_the_key() {
    use http_body_util::StreamBody;
    let handler = |_| async {
        let frames = [Ok(http_body::Frame::data(Bytes::from_static(b"half"))), Err("broken")];
        Response::new(StreamBody::new(tokio_stream::iter(frames)))
    };
    let app = app(&single().build().unwrap(), handler);
    assert_eq!(send_key(&app, "k").await.rejection(), Rejection::Interrupted);
    assert_eq!(send_key(&app, "k").await.rejection(), Rejection::OutcomeUnknown);
}

#[tokio::test(start_paused = true)]
async fn a_long_run_keeps_its_lease_until_max_run() {
    let gated = Gated::new();
    let layer = single().lease(30 * SECOND).max_run(600 * SECOND).build().unwrap();
    let app = gated.app(&layer);
    let first = gated.begin(&app).await;
    for _ in 0..59 {
        tokio::time::sleep(10 * SECOND).await;
        assert_eq!(send_key(&app, "k").await.rejection(), Rejection::InFlight);
    }
    tokio::time::sleep(60 * SECOND).await;
    assert_eq!(send_key(&app, "k").await.rejection(), Rejection::OutcomeUnknown);
    gated.open();
    assert_eq!(first.await.unwrap().text(), "run 1");
    assert!(send_key(&app, "k").await.is_replay(), "a late completion counts");
    assert_eq!(gated.effects(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_was_taken_over_learns_it_and_gives_the_answer_of_the_winner() {
    let store = Faulty::default();
    let gate = Arc::new(Semaphore::new(0));
    let told = Arc::new(AtomicUsize::new(0));
    let layer = single().store(store.clone()).on_abandoned(Abandoned::Rerun).build().unwrap();
    let handler = {
        let (gate, told) = (Arc::clone(&gate), Arc::clone(&told));
        move |request: Incoming| {
            let (gate, told) = (Arc::clone(&gate), Arc::clone(&told));
            async move {
                let idempotency = request.extensions().get::<Idempotency>().unwrap().clone();
                let attempt = idempotency.attempt();
                if attempt == 1 {
                    idempotency.ownership_lost().await;
                    assert!(!idempotency.is_owner());
                    told.fetch_add(1, Ordering::SeqCst);
                    gate.acquire().await.unwrap().forget();
                    assert!(matches!(idempotency.save("x").await, Err(SaveError::Lost)));
                }
                Response::new(Full::<Bytes>::from(format!("attempt {attempt}")))
            }
        }
    };
    // Two processes, of which one is cut off for a while.
    let other = single().store(store.store.clone()).on_abandoned(Abandoned::Rerun).build().unwrap();
    let (app, other) = (app(&layer, handler.clone()), app(&other, handler));
    let first = tokio::spawn({
        let app = app.clone();
        async move { send_key(&app, "k").await }
    });
    while store.asked() == 0 {
        tokio::task::yield_now().await;
    }
    store.set(Fault::Refuses);
    while count(&told) == 0 {
        tokio::time::sleep(SECOND).await;
    }
    assert_eq!(send_key(&other, "k").await.text(), "attempt 2");
    store.set(Fault::None);
    tokio::time::sleep(SECOND).await;
    gate.add_permits(1);
    let late = first.await.unwrap();
    assert!(late.is_replay());
    assert_eq!(late.text(), "attempt 2", "all answers of a key are equal");
}

#[tokio::test(start_paused = true)]
async fn an_unknown_claim_is_503_at_once_and_taken_back_so_that_the_key_runs_once() {
    for fault in [Fault::LosesReplies, Fault::Silent] {
        let store = Faulty::default();
        let (runs, handler) = counting();
        let layer = single().store(store.clone()).build().unwrap();
        let app = app(&layer, handler);
        store.set(fault);
        let answer = send_key(&app, "k").await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answer.rejection(), Rejection::StoreUnavailable);
        assert_eq!(answer.header("retry-after"), Some("1"));
        store.set(Fault::None);
        layer.tracker().drained().await;
        assert_eq!(send_key(&app, "k").await.text(), "run 1", "{fault:?}");
        assert!(send_key(&app, "k").await.is_replay());
        assert_eq!(count(&runs), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_takeover_is_given_up_and_stays_abandoned() {
    let store = Faulty::default();
    let layer = single().store(store.clone()).on_abandoned(Abandoned::Rerun).build().unwrap();
    let app = app(&layer, fragile(1));
    assert_eq!(send_key(&app, "k").await.rejection(), Rejection::Interrupted);
    // The first claim learns that the key is abandoned; the takeover's reply is lost.
    let lost = Arc::new(LoseTakeovers { store: store.clone() });
    let losing = single().store(lost).on_abandoned(Abandoned::Rerun).build().unwrap();
    let cut_off = app::app(&losing, fragile(1));
    assert_eq!(send_key(&cut_off, "k").await.rejection(), Rejection::StoreUnavailable);
    losing.tracker().drained().await;
    assert_eq!(send_key(&app, "k").await.text(), r#"attempt 3, """#, "attempts go on counting");
}

/// Takeovers take effect and are never answered.
struct LoseTakeovers {
    store: Faulty,
}

impl stonework_idempotency::store::IdempotencyStore for LoseTakeovers {
    fn claim(
        &self,
        claim: stonework_idempotency::store::Claim<'_>,
    ) -> stonework_core::StoreFuture<
        Result<stonework_idempotency::store::Claimed, stonework_core::StoreError>,
    > {
        let takes_over = claim.take_over.is_some();
        let claimed = self.store.claim(claim);
        if !takes_over {
            return claimed;
        }
        stonework_core::StoreFuture::new(async move {
            drop(claimed.await);
            std::future::pending().await
        })
    }

    fn renew(
        &self,
        renew: stonework_idempotency::store::Renew<'_>,
    ) -> stonework_core::StoreFuture<
        Result<stonework_idempotency::store::Held, stonework_core::StoreError>,
    > {
        self.store.renew(renew)
    }

    fn complete(
        &self,
        complete: stonework_idempotency::store::Complete<'_>,
    ) -> stonework_core::StoreFuture<
        Result<stonework_idempotency::store::Completed, stonework_core::StoreError>,
    > {
        self.store.complete(complete)
    }

    fn release(
        &self,
        release: stonework_idempotency::store::Release<'_>,
    ) -> stonework_core::StoreFuture<Result<(), stonework_core::StoreError>> {
        self.store.release(release)
    }

    fn watch(
        &self,
        watch: stonework_idempotency::store::Watch<'_>,
    ) -> stonework_core::StoreFuture<()> {
        self.store.watch(watch)
    }
}

#[tokio::test(start_paused = true)]
async fn during_an_outage_one_request_probes_and_the_others_are_refused_unasked() {
    let store = Faulty::default();
    let (runs, handler) = counting();
    let layer = single().store(store.clone()).build().unwrap();
    let app = app(&layer, handler);
    store.set(Fault::Refuses);
    for n in 0..10 {
        let answer = send_key(&app, &format!("k{n}")).await;
        assert_eq!(answer.rejection(), Rejection::StoreUnavailable);
    }
    assert!(store.asked() < 10, "the breaker spared the store");
    store.set(Fault::None);
    tokio::time::sleep(SECOND).await;
    assert_eq!(send_key(&app, "k0").await.text(), "run 1");
    assert_eq!(count(&runs), 1);
}

#[tokio::test(start_paused = true)]
async fn an_outage_can_be_run_through_without_protection() {
    let store = Faulty::default();
    let (runs, handler) = counting();
    let layer = single().store(store.clone()).on_outage(Outage::Open).build().unwrap();
    let app = app(&layer, handler);
    store.set(Fault::Refuses);
    assert_eq!(send_key(&app, "k").await.text(), "run 1");
    assert_eq!(send_key(&app, "k").await.text(), "run 2");
    store.set(Fault::None);
    layer.tracker().drained().await;
    let retry = send_key(&app, "k").await;
    assert!(retry.is_replay(), "an answer is recorded when the store is back");
    assert_eq!(count(&runs), 2);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_cannot_be_recorded_is_sent_and_recorded_later() {
    let store = Faulty::default();
    let gated = Gated::new();
    let layer = single().store(store.clone()).build().unwrap();
    let app = gated.app(&layer);
    let first = gated.begin(&app).await;
    store.set(Fault::Silent);
    gated.open();
    assert_eq!(first.await.unwrap().text(), "run 1", "the effect has happened: tell it");
    store.set(Fault::None);
    layer.tracker().drained().await;
    let retry = send_key(&app, "k").await;
    assert!(retry.is_replay());
    assert_eq!((retry.text(), gated.effects()), ("run 1", 1));
}

#[tokio::test(start_paused = true)]
async fn runs_are_limited_over_all_and_per_scope() {
    use stonework_core::Key;
    #[derive(Clone)]
    struct Account(&'static str);
    let gated = Gated::new();
    let layer = IdempotencyLayer::builder()
        .scope(|head| head.extensions.get::<Account>().map(|account| Key::from(account.0)))
        .max_in_flight(20)
        .build()
        .unwrap();
    let app = gated.app(&layer);
    let begin = |account: &'static str, key: String| {
        let app = app.clone();
        let request = body(post(&key).extension(Account(account)), "");
        tokio::spawn(async move { send(&app, request).await })
    };
    let running: Vec<_> = (0..2).map(|n| begin("alice", n.to_string())).collect();
    while gated.effects() < 2 {
        tokio::task::yield_now().await;
    }
    let third = begin("alice", "2".to_owned()).await.unwrap();
    assert_eq!(third.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(third.rejection(), Rejection::TooManyInFlight);
    assert_eq!(third.header("retry-after"), Some("1"));
    let other = begin("bob", "0".to_owned());
    while gated.effects() < 3 {
        tokio::task::yield_now().await;
    }
    gated.gate.add_permits(3);
    for answer in running.into_iter().chain([other]) {
        assert_eq!(answer.await.unwrap().status, StatusCode::CREATED);
    }
    layer.tracker().drained().await;
    assert_eq!(gated.effects(), 3);
}

#[tokio::test]
async fn a_full_store_refuses_new_keys_and_knows_the_old_ones() {
    let store = MemoryStore::builder().max_keys(1).build().unwrap();
    let (_, handler) = counting();
    let app = app(&single().store(store).build().unwrap(), handler);
    assert_eq!(send_key(&app, "a").await.text(), "run 1");
    let answer = send_key(&app, "b").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.rejection(), Rejection::StoreFull);
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert!(send_key(&app, "a").await.is_replay());
}

#[tokio::test(start_paused = true)]
async fn a_checkpoint_has_a_limit() {
    let app = app(&single().build().unwrap(), |request: Incoming| async move {
        let idempotency = request.extensions().get::<Idempotency>().unwrap();
        let large = vec![0; stonework_idempotency::MAX_CHECKPOINT + 1];
        assert!(matches!(idempotency.save(large).await, Err(SaveError::TooLarge)));
        let fits = vec![0; stonework_idempotency::MAX_CHECKPOINT];
        idempotency.save(fits).await.unwrap();
        Response::new(Full::<Bytes>::default())
    });
    assert_eq!(send_key(&app, "k").await.status, StatusCode::OK);
}

#[tokio::test]
async fn derived_keys_are_the_same_for_all_attempts() {
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let layer = single().on_abandoned(Abandoned::Rerun).build().unwrap();
    let app = app(&layer, {
        let seen = Arc::clone(&seen);
        move |request: Incoming| {
            let idempotency = request.extensions().get::<Idempotency>().unwrap().clone();
            seen.lock().unwrap().push(idempotency.derive("charge"));
            async move {
                assert!(idempotency.attempt() > 1, "the first attempt is interrupted");
                Response::new(Full::<Bytes>::default())
            }
        }
    });
    send_key(&app, "k").await;
    send_key(&app, "k").await;
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0], seen[1]);
}

#[tokio::test]
async fn task_locals_travel_with_spawn_with() {
    tokio::task_local! { static LOCALE: &'static str; }
    let layer = single().spawn_with(|run| {
        tokio::spawn(LOCALE.scope(LOCALE.get(), run));
    });
    let app = app(&layer.build().unwrap(), |_| async {
        Response::new(Full::<Bytes>::from(LOCALE.get()))
    });
    let answer = LOCALE.scope("de", send_key(&app, "k")).await;
    assert_eq!(answer.text(), "de");
}

#[tokio::test]
async fn a_run_that_is_dropped_is_500() {
    let (_, handler) = counting();
    let app = app(&single().spawn_with(drop).build().unwrap(), handler);
    assert_eq!(send_key(&app, "k").await.rejection(), Rejection::Interrupted);
}

#[tokio::test]
async fn the_service_that_was_polled_is_the_one_that_is_called() {
    use std::task::{Context, Poll};
    use tower::{Layer, Service};

    /// Panics when called without having been polled ready itself.
    struct Strict {
        ready: bool,
    }
    impl Clone for Strict {
        fn clone(&self) -> Self {
            Self { ready: false }
        }
    }
    impl Service<Incoming> for Strict {
        type Response = Response<Full<Bytes>>;
        type Error = std::convert::Infallible;
        type Future = std::future::Ready<Result<Self::Response, Self::Error>>;
        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
            self.ready = true;
            Poll::Ready(Ok(()))
        }
        fn call(&mut self, _: Incoming) -> Self::Future {
            assert!(std::mem::take(&mut self.ready), "called unready");
            std::future::ready(Ok(Response::new(Full::default())))
        }
    }
    let mut service = single().build().unwrap().layer(Strict { ready: false });
    for request in [body(post("a"), ""), body(post("b"), ""), body(http::Request::get("/"), "")] {
        let response = service.ready().await.unwrap().call(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
    }
}
