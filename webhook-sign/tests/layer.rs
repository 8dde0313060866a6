//! The contract of the layer that verifies, on bare tower.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "support/app.rs"]
mod app;
#[path = "support/slow.rs"]
mod slow;

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use app::{
    Counter, Hand, NOW, STANDARD_SECRET, answer, count, github_request, github_sender, hang, send,
    signed_at, standard_request, standard_sender,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use slow::{Op, Slow};
use stonework_webhook_sign::keys::{KeySet, RotatingKeys};
use stonework_webhook_sign::scheme::{self, Scheme};
use stonework_webhook_sign::store::{MemoryStore, StoreErrorKind};
use stonework_webhook_sign::{
    InFlight, Key, Outage, Refusal, Rejection, Sender, StoneBody, Verified, VerifyLayer,
    VerifyLayerBuilder, Warning,
};
use tower::{Layer, ServiceExt, service_fn};

fn standard() -> VerifyLayerBuilder {
    VerifyLayer::builder().sender(standard_sender()).clock(Hand::default().clock())
}

fn replaying() -> VerifyLayerBuilder {
    standard().store(MemoryStore::new())
}

fn refused(refusal: Refusal) -> Rejection {
    Rejection::Unauthenticated(refusal)
}

#[tokio::test]
async fn a_signed_request_reaches_the_handler_with_what_is_known_of_it() {
    let seen = Arc::new(Mutex::new(None));
    let handler = {
        let seen = Arc::clone(&seen);
        service_fn(move |request: Request<StoneBody<Full<Bytes>>>| {
            let seen = Arc::clone(&seen);
            async move {
                let verified = request.extensions().get::<Verified>().cloned();
                let body = request.into_body().collect().await.unwrap().to_bytes();
                *seen.lock().unwrap() = Some((verified.unwrap(), body));
                Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("handled")))
            }
        })
    };
    let service = standard().build().unwrap().layer(handler);
    let response = send(&service, standard_request("msg_1", "{\"a\": 1}")).await;
    assert_eq!((response.status, response.text()), (200, "handled"));
    let (verified, body) = seen.lock().unwrap().take().unwrap();
    assert_eq!(body, "{\"a\": 1}", "byte for byte");
    assert_eq!(verified.scheme(), "standard");
    assert_eq!(verified.id(), Some("msg_1"));
    assert_eq!(verified.timestamp(), Some(Duration::from_secs(NOW)));
    assert_eq!(verified.key_id(), "1");
    assert_eq!(verified.fence(), None, "there is no store");
}

#[tokio::test]
async fn every_refusal_looks_the_same() {
    let counter = Counter::default();
    let service = standard().build().unwrap().layer(count(&counter));
    let signed = || standard_request("msg_1", "{}");
    let with = |name: &'static str, value: &'static str| {
        let mut request = signed();
        request.headers_mut().insert(name, HeaderValue::from_static(value));
        request
    };
    let mut unsigned = signed();
    unsigned.headers_mut().clear();
    let mut other_body = signed();
    *other_body.body_mut() = Full::from("{ }");
    let strange = signed_at(&scheme::STANDARD, "whsec_c29tZSBvdGhlciBzZWNyZXQ", "m", NOW, "{}");
    let old = signed_at(&scheme::STANDARD, STANDARD_SECRET, "m", NOW - 301, "{}");
    let new = signed_at(&scheme::STANDARD, STANDARD_SECRET, "m", NOW + 301, "{}");
    let mut answers = Vec::new();
    for (request, refusal) in [
        (unsigned, Refusal::NotSigned),
        (other_body, Refusal::Mismatch),
        (strange, Refusal::Mismatch),
        (with("webhook-id", "msg_2"), Refusal::Mismatch),
        (old, Refusal::TooOld),
        (new, Refusal::TooNew),
        (
            with("webhook-signature", "nonsense"),
            Refusal::Malformed(stonework_webhook_sign::Field::Signature),
        ),
        (with("webhook-signature", "v2,x"), Refusal::NoKnownSignature),
    ] {
        let answer = send(&service, request).await;
        assert_eq!(answer.rejection(), refused(refusal));
        assert_eq!(answer.status, 401);
        answers.push((answer.headers, answer.body));
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "nothing tells them apart");
    assert_eq!(counter.get(), 0);
}

#[tokio::test]
async fn a_hook_is_told_what_the_sender_is_not() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let hook = {
        let told = Arc::clone(&told);
        move |rejection: Rejection, head: &stonework_webhook_sign::RequestHead<'_>| {
            told.lock().unwrap().push((rejection.reason(), head.uri.path().to_owned()));
        }
    };
    let service = standard().on_reject(hook).build().unwrap().layer(count(&Counter::default()));
    let mut request = standard_request("msg_1", "{}");
    *request.body_mut() = Full::from("x");
    send(&service, request).await;
    assert_eq!(*told.lock().unwrap(), [("mismatch", "/webhooks".to_owned())]);
}

#[tokio::test]
async fn a_rejection_can_be_rendered() {
    let service = standard()
        .render(|rejection, _, _| Response::new(Bytes::from(rejection.slug())))
        .build()
        .unwrap()
        .layer(count(&Counter::default()));
    let answer = send(&service, Request::post("/").body(Full::<Bytes>::default()).unwrap()).await;
    assert_eq!(answer.text(), "unauthenticated");
}

#[tokio::test]
async fn over_grpc_a_refusal_is_a_status() {
    let service = standard().build().unwrap().layer(count(&Counter::default()));
    let request = Request::post("/hooks.Hooks/Deliver").header("content-type", "application/grpc");
    let answer = send(&service, request.body(Full::<Bytes>::default()).unwrap()).await;
    assert_eq!((answer.status, answer.header("grpc-status")), (200, Some("16")));
}

#[tokio::test]
async fn an_event_is_handled_once() {
    let counter = Counter::default();
    let service = replaying().build().unwrap().layer(count(&counter));
    let first = send(&service, standard_request("msg_1", "{}")).await;
    assert_eq!((first.status, first.text()), (200, "handled"));
    // A retry has another time and another signature, and the same id.
    let later = signed_at(&scheme::STANDARD, STANDARD_SECRET, "msg_1", NOW + 5, "{}");
    let again = send(&service, later).await;
    assert_eq!((again.status, again.text()), (200, ""));
    assert_eq!(again.rejection(), Rejection::Duplicate);
    assert_eq!(counter.get(), 1);
    send(&service, standard_request("msg_2", "{}")).await;
    assert_eq!(counter.get(), 2);
}

#[tokio::test]
async fn an_event_whose_handler_fails_is_handled_again() {
    let counter = Counter::default();
    for status in [500, 503, 400, 301] {
        let status = StatusCode::from_u16(status).unwrap();
        let store = MemoryStore::new();
        let layer = standard().store(store.clone()).build().unwrap();
        let fails = layer.layer(answer(&counter, move || status));
        assert_eq!(send(&fails, standard_request("msg_1", "{}")).await.status, status.as_u16());
        let works = layer.layer(count(&counter));
        assert_eq!(send(&works, standard_request("msg_1", "{}")).await.text(), "handled");
        assert_eq!(store.len(), 1);
    }
    assert_eq!(counter.get(), 8);
}

#[tokio::test]
async fn an_event_whose_service_fails_is_handled_again() {
    let layer = replaying().build().unwrap();
    let fails = layer.layer(service_fn(|_: Request<StoneBody<Full<Bytes>>>| async {
        Err::<Response<Full<Bytes>>, _>("broken")
    }));
    let error = fails.oneshot(standard_request("msg_1", "{}")).await.unwrap_err();
    assert_eq!(error, "broken", "the service's own error");
    let counter = Counter::default();
    send(&layer.layer(count(&counter)), standard_request("msg_1", "{}")).await;
    assert_eq!(counter.get(), 1);
}

#[tokio::test]
async fn an_event_whose_handler_panics_is_handled_again() {
    let layer = replaying().build().unwrap();
    async fn panics(_: Request<StoneBody<Full<Bytes>>>) -> app::Handled {
        panic!("on purpose")
    }
    let panics = layer.layer(service_fn(panics));
    let run = tokio::spawn(async move { send(&panics, standard_request("msg_1", "{}")).await });
    assert!(run.await.unwrap_err().is_panic());
    let counter = Counter::default();
    send(&layer.layer(count(&counter)), standard_request("msg_1", "{}")).await;
    assert_eq!(counter.get(), 1);
}

#[tokio::test]
async fn an_event_whose_client_leaves_is_handled_again() {
    let layer = replaying().build().unwrap();
    let (entered, mut entries) = tokio::sync::mpsc::unbounded_channel();
    let hangs = layer.layer(hang(entered));
    let gone = tokio::spawn(async move { send(&hangs, standard_request("msg_1", "{}")).await });
    entries.recv().await.unwrap();
    let counter = Counter::default();
    let service = layer.layer(count(&counter));
    let meanwhile = send(&service, standard_request("msg_1", "{}")).await;
    assert_eq!(meanwhile.rejection(), Rejection::InFlight);
    assert_eq!((meanwhile.status, meanwhile.header("retry-after")), (409, Some("1")));
    gone.abort();
    assert!(gone.await.unwrap_err().is_cancelled());
    assert_eq!(send(&service, standard_request("msg_1", "{}")).await.text(), "handled");
    assert_eq!(counter.get(), 1);
}

/// The process died between claim and commit: nobody releases, and the lease ends it.
#[tokio::test(start_paused = true)]
async fn an_event_whose_handler_crashed_is_handled_when_the_lease_has_run_out() {
    let slow = Slow::default();
    let layer = standard().store(slow.clone()).lease(Duration::from_secs(30)).build().unwrap();
    let (entered, mut entries) = tokio::sync::mpsc::unbounded_channel();
    let hangs = layer.layer(hang(entered));
    let crashed = tokio::spawn(async move { send(&hangs, standard_request("msg_1", "{}")).await });
    entries.recv().await.unwrap();
    // The store is not reached any more by the one that crashes.
    slow.fail(Op::Release, Some(StoreErrorKind::Refused));
    crashed.abort();
    drop(crashed.await);
    let counter = Counter::default();
    let service = layer.layer(count(&counter));
    assert_eq!(send(&service, standard_request("msg_1", "{}")).await.status, 409);
    tokio::time::advance(Duration::from_secs(30)).await;
    assert_eq!(send(&service, standard_request("msg_1", "{}")).await.text(), "handled");
    assert_eq!(counter.get(), 1);
}

#[tokio::test]
async fn in_flight_can_be_503() {
    let layer = replaying().in_flight(InFlight::Unavailable).build().unwrap();
    let (entered, mut entries) = tokio::sync::mpsc::unbounded_channel();
    let hangs = layer.layer(hang(entered));
    let running = tokio::spawn(async move { send(&hangs, standard_request("msg_1", "{}")).await });
    entries.recv().await.unwrap();
    let service = layer.layer(count(&Counter::default()));
    let answer = send(&service, standard_request("msg_1", "{}")).await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
    running.abort();
}

#[tokio::test]
async fn success_can_be_told_otherwise() {
    let counter = Counter::default();
    let layer = replaying().success_when(|head| head.status == 400).build().unwrap();
    let service = layer.layer(answer(&counter, || StatusCode::BAD_REQUEST));
    send(&service, standard_request("msg_1", "{}")).await;
    assert_eq!(send(&service, standard_request("msg_1", "{}")).await.status, 200);
    assert_eq!(counter.get(), 1);
}

#[tokio::test]
async fn a_grpc_status_in_the_headers_is_a_failure() {
    let layer = replaying().build().unwrap();
    let counter = Counter::default();
    let counting = counter.clone();
    let service = layer.layer(service_fn(move |_: Request<StoneBody<Full<Bytes>>>| {
        counting.add();
        let response = Response::builder().header("grpc-status", "13");
        std::future::ready(response.body(Full::<Bytes>::default()))
    }));
    for _ in 0..2 {
        send(&service, standard_request("msg_1", "{}")).await;
    }
    assert_eq!(counter.get(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_away_is_closed_by_default_and_open_by_choice() {
    let slow = Slow::default();
    slow.fail(Op::Claim, Some(StoreErrorKind::Unavailable));
    let counter = Counter::default();
    let closed = standard().store(slow.clone()).build().unwrap().layer(count(&counter));
    let answer = send(&closed, standard_request("msg_1", "{}")).await;
    assert_eq!(answer.rejection(), Rejection::StoreUnavailable);
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
    assert_eq!(counter.get(), 0);
    let open = standard().store(slow.clone()).on_outage(Outage::Open).build().unwrap();
    assert!(open.warnings().contains(&Warning::OutageOpen));
    assert_eq!(
        send(&open.layer(count(&counter)), standard_request("msg_2", "{}")).await.status,
        200
    );
    assert_eq!(counter.get(), 1);
}

/// What is handled without a store leaves nothing behind that waits for it.
#[tokio::test(start_paused = true)]
async fn an_outage_that_is_open_leaves_no_tasks() {
    let slow = Slow::default();
    for op in [Op::Claim, Op::Commit, Op::Release] {
        slow.fail(op, Some(StoreErrorKind::Unavailable));
    }
    let counter = Counter::default();
    let layer = standard().store(slow.clone()).on_outage(Outage::Open).build().unwrap();
    let service = layer.layer(count(&counter));
    for _ in 0..100 {
        assert_eq!(send(&service, standard_request("msg_1", "{}")).await.status, 200);
    }
    assert_eq!(counter.get(), 100);
    assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_is_given_up() {
    let slow = Slow::default();
    slow.delay(Op::Claim, Duration::from_secs(3_600));
    let layer = standard().store(slow.clone()).store_timeout(Duration::from_millis(300));
    let counter = Counter::default();
    let service = layer.build().unwrap().layer(count(&counter));
    assert_eq!(send(&service, standard_request("msg_1", "{}")).await.status, 503);
    // The claim came through; it is taken back, so that the next delivery is handled.
    slow.delay(Op::Claim, Duration::ZERO);
    slow.until(Op::Release, 1).await;
    assert_eq!(send(&service, standard_request("msg_1", "{}")).await.status, 200);
    assert_eq!(counter.get(), 1);
}

/// The handler has said yes, and the sender must hear it; the store is told when it is back.
#[tokio::test(start_paused = true)]
async fn a_commit_that_fails_is_tried_again_behind_the_answer() {
    let slow = Slow::default();
    slow.fail(Op::Commit, Some(StoreErrorKind::Unavailable));
    let counter = Counter::default();
    let layer = standard().store(slow.clone()).build().unwrap();
    let service = layer.layer(count(&counter));
    assert_eq!(send(&service, standard_request("msg_1", "{}")).await.text(), "handled");
    // Once for the answer, once when the run was dropped, and then again and again.
    slow.until(Op::Commit, 5).await;
    slow.fail(Op::Commit, None);
    slow.until_done(Op::Commit).await;
    let answer = send(&service, standard_request("msg_1", "{}")).await;
    assert_eq!(answer.rejection(), Rejection::Duplicate);
    assert_eq!(counter.get(), 1);
}

/// The client leaves while the claim is on its way, of which nobody knows whether it came through.
#[tokio::test(start_paused = true)]
async fn a_claim_that_nobody_waits_for_is_taken_back() {
    let slow = Slow::default();
    slow.delay(Op::Claim, Duration::from_millis(200));
    let counter = Counter::default();
    let layer = standard().store(slow.clone()).build().unwrap();
    let service = layer.layer(count(&counter));
    let gone = {
        let service = service.clone();
        tokio::spawn(async move { send(&service, standard_request("msg_1", "{}")).await })
    };
    slow.until(Op::Claim, 1).await;
    gone.abort();
    drop(gone.await);
    slow.until(Op::Release, 1).await;
    slow.delay(Op::Claim, Duration::ZERO);
    assert_eq!(send(&service, standard_request("msg_1", "{}")).await.text(), "handled");
    assert_eq!(counter.get(), 1);
}

/// The client leaves while the commit is on its way.
#[tokio::test(start_paused = true)]
async fn a_commit_that_nobody_waits_for_is_made() {
    let slow = Slow::default();
    slow.delay(Op::Commit, Duration::from_millis(200));
    let counter = Counter::default();
    let layer = standard().store(slow.clone()).build().unwrap();
    let service = layer.layer(count(&counter));
    let gone = {
        let service = service.clone();
        tokio::spawn(async move { send(&service, standard_request("msg_1", "{}")).await })
    };
    slow.until(Op::Commit, 1).await;
    gone.abort();
    drop(gone.await);
    slow.until_done(Op::Commit).await;
    let answer = send(&service, standard_request("msg_1", "{}")).await;
    assert_eq!(answer.rejection(), Rejection::Duplicate);
}

#[tokio::test]
async fn a_full_store_is_told_by_name() {
    let store = MemoryStore::builder().max_events(1).build().unwrap();
    let counter = Counter::default();
    let service = standard().store(store).build().unwrap().layer(count(&counter));
    send(&service, standard_request("msg_1", "{}")).await;
    let answer = send(&service, standard_request("msg_2", "{}")).await;
    assert_eq!(answer.rejection(), Rejection::StoreFull);
    assert_eq!(answer.status, 503);
    assert_eq!(send(&service, standard_request("msg_1", "{}")).await.status, 200);
    assert_eq!(counter.get(), 1);
}

#[tokio::test]
async fn a_namespace_keeps_endpoints_apart() {
    let (store, counter) = (MemoryStore::new(), Counter::default());
    for namespace in ["billing", "ledger"] {
        let layer = standard().store(store.clone()).namespace(namespace).build().unwrap();
        send(&layer.layer(count(&counter)), standard_request("msg_1", "{}")).await;
    }
    assert_eq!(counter.get(), 2);
}

#[tokio::test]
async fn tenants_keep_their_ids_to_themselves() {
    let (store, counter) = (MemoryStore::new(), Counter::default());
    for tenant in ["acme", "evil"] {
        let key = scheme::STANDARD.key(STANDARD_SECRET).unwrap();
        let keys = KeySet::new([key]).unwrap().owned_by(Key::from(tenant));
        let sender = Sender::new(scheme::STANDARD).keys(keys);
        let layer = VerifyLayer::builder().sender(sender).clock(Hand::default().clock());
        let service = layer.store(store.clone()).build().unwrap().layer(count(&counter));
        send(&service, standard_request("msg_1", "{}")).await;
    }
    assert_eq!(counter.get(), 2);
}

#[tokio::test]
async fn several_senders_share_an_endpoint() {
    let counter = Counter::default();
    let layer = standard().sender(github_sender()).build().unwrap();
    let service = layer.layer(count(&counter));
    assert_eq!(send(&service, standard_request("msg_1", "{}")).await.status, 200);
    assert_eq!(send(&service, github_request("{}")).await.status, 200);
    // Whoever claims to be one of them has to be that one.
    let mut both = github_request("{}");
    let signature = HeaderValue::from_static("v1,x");
    both.headers_mut().insert("webhook-signature", signature);
    assert_eq!(send(&service, both).await.status, 401);
    assert_eq!(counter.get(), 2);
}

#[tokio::test]
async fn keys_are_swapped_while_the_service_runs() {
    let key = |secret: &str| scheme::STANDARD.key(secret).unwrap();
    let new_secret = "whsec_bmV3IHNlY3JldCBvZiBtb3JlIHRoYW4gMTYgYnl0ZXM";
    let keys = RotatingKeys::new(KeySet::new([key(STANDARD_SECRET)]).unwrap());
    let sender = Sender::new(scheme::STANDARD).keys(keys.clone());
    let layer = VerifyLayer::builder().sender(sender).clock(Hand::default().clock());
    let service = layer.build().unwrap().layer(count(&Counter::default()));
    let old = || signed_at(&scheme::STANDARD, STANDARD_SECRET, "m", NOW, "{}");
    let new = || signed_at(&scheme::STANDARD, new_secret, "m", NOW, "{}");
    assert_eq!(send(&service, new()).await.status, 401);
    keys.replace(KeySet::new([key(new_secret), key(STANDARD_SECRET)]).unwrap());
    assert_eq!(send(&service, new()).await.status, 200);
    assert_eq!(send(&service, old()).await.status, 200);
    keys.replace(KeySet::new([key(new_secret)]).unwrap());
    assert_eq!(send(&service, old()).await.status, 401);
}

#[tokio::test]
async fn a_key_is_good_in_its_window() {
    let at = |seconds| std::time::UNIX_EPOCH + Duration::from_secs(seconds);
    let key = scheme::STANDARD.key(STANDARD_SECRET).unwrap().named("old").until(at(NOW + 10));
    let hand = Hand::default();
    let layer = VerifyLayer::builder().sender(Sender::new(scheme::STANDARD).key(key));
    let service = layer.clock(hand.clock()).build().unwrap().layer(count(&Counter::default()));
    assert_eq!(send(&service, standard_request("m", "{}")).await.status, 200);
    hand.turn(10);
    let answer = send(&service, standard_request("m", "{}")).await;
    assert_eq!(answer.rejection(), refused(Refusal::UnknownKey));
}

#[tokio::test]
async fn only_the_senders_networks_are_let_in() {
    use std::net::IpAddr;
    let sender = standard_sender().networks(["192.0.2.0/24", "2001:db8::/32", "203.0.113.7"]);
    let layer = VerifyLayer::builder()
        .sender(sender)
        .peer(|head| head.extensions.get::<IpAddr>().copied())
        .clock(Hand::default().clock());
    let service = layer.build().unwrap().layer(count(&Counter::default()));
    let from = async |peer: Option<&str>| {
        let mut request = standard_request("m", "{}");
        if let Some(peer) = peer {
            request.extensions_mut().insert::<IpAddr>(peer.parse().unwrap());
        }
        send(&service, request).await
    };
    for peer in ["192.0.2.7", "::ffff:192.0.2.7", "2001:db8::1", "203.0.113.7"] {
        assert_eq!(from(Some(peer)).await.status, 200, "{peer}");
    }
    for peer in [Some("192.0.3.7"), Some("203.0.113.8"), Some("2001:db9::1"), None] {
        assert_eq!(from(peer).await.rejection(), refused(Refusal::Network), "{peer:?}");
    }
}

#[tokio::test]
async fn trailers_reach_the_handler() {
    let handler = service_fn(|request: Request<StoneBody<_>>| async move {
        let body = request.into_body().collect().await.unwrap();
        let trailers: Option<HeaderMap> = body.trailers().cloned();
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(
            trailers.unwrap()["checksum"].to_str().unwrap().to_owned(),
        )))
    });
    let service = standard().build().unwrap().layer(handler);
    let (head, body) = standard_request("m", "{}").into_parts();
    let trailers = HeaderMap::from_iter([("checksum".parse().unwrap(), "x".parse().unwrap())]);
    let body = body.with_trailers(async move { Some(Ok(trailers)) });
    assert_eq!(send(&service, Request::from_parts(head, body)).await.text(), "x");
}

#[test]
fn everything_that_is_wrong_is_told_at_once_and_no_secret_with_it() {
    let error = VerifyLayer::builder()
        .sender(Sender::new(scheme::STANDARD).secret("whsec_***hunter2***"))
        .sender(Sender::new(scheme::GITHUB).secret(""))
        .sender(Sender::new(scheme::GITHUB).secret("x").tolerance(Duration::from_secs(5)))
        .sender(Sender::new(scheme::STRIPE))
        .sender(github_sender().networks(["nonsense"]))
        .sender(Sender::new(scheme::square("/relative")).secret("a secret of enough bytes"))
        .max_body(0)
        .lease(Duration::ZERO)
        .deny_warnings()
        .build()
        .unwrap_err();
    let text = error.to_string();
    for part in [
        "secret(standard): is not Base64",
        "secret(github): is empty",
        "is for a scheme that signs no time",
        "secret(stripe): has no key",
        "needs the address of the peer",
        "networks(\"nonsense\"): is no network",
        "no absolute URL",
        "max_body(0)",
        "lease(0ns)",
        "secret(github, key 1): has fewer than 16 bytes",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    assert!(!text.contains("hunter2"), "{text}");
    assert!(VerifyLayer::builder().build().unwrap_err().to_string().contains("lets nobody in"));
}

#[test]
fn what_may_surprise_is_a_warning() {
    let none = VerifyLayer::builder().sender(standard_sender()).sender(github_sender());
    let layer = none.build().unwrap();
    assert_eq!(layer.warnings(), [Warning::NoReplayStoreNorTime("github"), Warning::NoReplayStore]);
    assert!(standard().danger_accept_replays().build().unwrap().warnings().is_empty());
    assert!(replaying().build().unwrap().warnings().is_empty());
    let short = replaying().dedupe_for(Duration::from_secs(300)).build().unwrap();
    assert_eq!(short.warnings(), [Warning::ShortDedupe(Duration::from_secs(300))]);
    assert!(replaying().danger_accept_replays().build().is_err());
}

/// Neither the service inside nor a closure has to be more than it is.
#[test]
fn clones_and_debug_ask_for_little() {
    let layer = standard().build().unwrap();
    let service = layer.clone().layer(count::<Full<Bytes>>(&Counter::default()));
    drop(service.clone());
    let text = format!("{layer:?} {:?}", standard());
    assert!(text.contains("standard") && !text.contains("whsec"), "{text}");
}
