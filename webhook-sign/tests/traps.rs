//! Each way in which the verification of webhooks is known to go wrong, as a case.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "support/app.rs"]
mod app;

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use app::{
    Counter, Hand, NOW, SECRET, STANDARD_SECRET, count, github_request, github_sender, send,
    signed_at, standard_request, standard_sender,
};
use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderValue, Request, Uri};
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use stonework_webhook_sign::keys::{KeyError, KeySet, WebhookKey};
use stonework_webhook_sign::scheme::{self, Scheme};
use stonework_webhook_sign::store::MemoryStore;
use stonework_webhook_sign::{
    Field, Refusal, Rejection, RequestHead, Sender, VerifyLayer, VerifyLayerBuilder, verify,
};
use tower::Layer;

fn standard() -> VerifyLayerBuilder {
    VerifyLayer::builder().sender(standard_sender()).clock(Hand::default().clock())
}

/// A body that says whether it was asked for, and announces what it likes.
struct Watched {
    data: Option<Bytes>,
    announces: u64,
    polled: Arc<AtomicBool>,
}

impl Body for Watched {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.polled.store(true, Ordering::SeqCst);
        Poll::Ready(self.data.take().map(|data| Ok(Frame::data(data))))
    }

    fn size_hint(&self) -> SizeHint {
        let mut hint = SizeHint::new();
        hint.set_lower(self.announces);
        hint
    }
}

fn watched(request: Request<Full<Bytes>>, announces: u64) -> (Request<Watched>, Arc<AtomicBool>) {
    let polled = Arc::new(AtomicBool::new(false));
    let body = Watched { data: Some("{}".into()), announces, polled: Arc::clone(&polled) };
    (request.map(|_| body), polled)
}

/// 1. Headers are looked at first: a body is not asked for that will not be taken.
#[tokio::test]
async fn trap_1_nothing_is_read_of_what_the_headers_condemn() {
    let service = standard().build().unwrap().layer(count(&Counter::default()));
    let stale = signed_at(&scheme::STANDARD, STANDARD_SECRET, "m", NOW - 301, "{}");
    let mut malformed = standard_request("m", "{}");
    malformed.headers_mut().insert("webhook-signature", HeaderValue::from_static("?"));
    let unsigned = Request::post("/").body(Full::default()).unwrap();
    for request in [stale, malformed, unsigned] {
        let (request, polled) = watched(request, 0);
        assert_eq!(send(&service, request).await.status, 401);
        assert!(!polled.load(Ordering::SeqCst));
    }
    let (request, polled) = watched(standard_request("m", "{}"), 0);
    assert_eq!(send(&service, request).await.status, 200);
    assert!(polled.load(Ordering::SeqCst));
}

/// 2. What a body announces is believed only where it is too much.
#[tokio::test]
async fn trap_2_lengths_are_counted_and_not_believed() {
    let service = standard().build().unwrap().layer(count(&Counter::default()));
    let (request, polled) = watched(standard_request("m", "{}"), u64::MAX);
    assert_eq!(send(&service, request).await.rejection(), Rejection::BodyTooLarge);
    assert!(!polled.load(Ordering::SeqCst));
    let mut announced = standard_request("m", "{}");
    announced.headers_mut().insert("content-length", HeaderValue::from_static("1048577"));
    let (request, polled) = watched(announced, 0);
    assert_eq!(send(&service, request).await.rejection(), Rejection::BodyTooLarge);
    assert!(!polled.load(Ordering::SeqCst));
    let nonsense = ["99999999999999999999999", "-1", "x"];
    for length in nonsense {
        let mut request = standard_request("m", "{}");
        request.headers_mut().insert("content-length", HeaderValue::from_static(length));
        let (request, _) = watched(request, 0);
        assert_eq!(send(&service, request).await.status, 200, "{length}: the body is counted");
    }
}

/// A key that is asked for as often as a MAC is begun with it cannot be had from outside; the number of keys and of
/// signatures can.
#[test]
fn trap_3_signatures_and_keys_are_bounded() {
    let key = || scheme::STANDARD.key(STANDARD_SECRET).unwrap();
    let four = KeySet::new(vec![key(); 4]).unwrap();
    assert_eq!(KeySet::new(vec![key(); 5]).unwrap_err(), KeyError::TooMany);
    let mut request = standard_request("m", "{}");
    let genuine = request.headers()["webhook-signature"].to_str().unwrap().to_owned();
    let junk = format!("v1,{}=", "A".repeat(43));
    let mut check = |signatures: Vec<&str>| {
        let value = signatures.join(" ").parse().unwrap();
        request.headers_mut().insert("webhook-signature", value);
        let now = Duration::from_secs(NOW);
        verify(&scheme::STANDARD, &four, &RequestHead::of(&request), b"{}", now, None).map(drop)
    };
    // The genuine one counts wherever it stands.
    for at in 0..16 {
        let mut signatures = vec![&junk[..]; 16];
        signatures[at] = &genuine;
        assert_eq!(check(signatures), Ok(()));
    }
    assert_eq!(check(vec![&junk; 16]), Err(Refusal::Mismatch));
    let mut many = vec![&junk[..]; 16];
    many.push(&genuine);
    assert_eq!(check(many), Err(Refusal::TooManySignatures));
    let mut unknown = vec!["v9,x"; 16];
    unknown.push(&genuine);
    assert_eq!(check(unknown), Err(Refusal::TooManySignatures));
}

/// 4. Which of two headers counts is a guess.
#[tokio::test]
async fn trap_4_headers_that_are_there_twice_are_refused() {
    let service = standard().build().unwrap().layer(count(&Counter::default()));
    for (name, field) in [
        ("webhook-id", Field::Id),
        ("webhook-timestamp", Field::Timestamp),
        ("webhook-signature", Field::Signature),
    ] {
        for value in ["other", "genuine"] {
            let mut request = standard_request("m", "{}");
            let value = match value {
                "genuine" => request.headers()[name].clone(),
                other => HeaderValue::from_static(other),
            };
            request.headers_mut().append(name, value);
            let refused = Rejection::Unauthenticated(Refusal::Repeated(field));
            assert_eq!(send(&service, request).await.rejection(), refused, "{name}");
        }
    }
}

/// 5. A timestamp is its digits, and good on both sides.
#[tokio::test]
async fn trap_5_timestamps_are_digits_and_bounded_on_both_sides() {
    let hand = Hand::default();
    let layer = VerifyLayer::builder().sender(standard_sender()).clock(hand.clock());
    let service = layer.build().unwrap().layer(count(&Counter::default()));
    for text in ["+1800000000", " 1800000000", "1800000000.0", "1.8e9", "-1", "", "0x6b49d200"] {
        let mut request = standard_request("m", "{}");
        request.headers_mut().insert("webhook-timestamp", HeaderValue::from_static(text));
        let answer = send(&service, request).await;
        // A leading space is no part of a header's value once it has come over HTTP; here it has not.
        let malformed = Refusal::Malformed(Field::Timestamp);
        assert_eq!(answer.rejection(), Rejection::Unauthenticated(malformed), "{text:?}");
    }
    for (at, status) in [(NOW - 301, 401), (NOW - 300, 200), (NOW + 300, 200), (NOW + 301, 401)] {
        let request = signed_at(&scheme::STANDARD, STANDARD_SECRET, "m", at, "{}");
        assert_eq!(send(&service, request).await.status, status, "{at}");
    }
    hand.turn(301);
    assert_eq!(send(&service, standard_request("m", "{}")).await.status, 401);
}

/// 6. `a.1.2` could be the id `a` and the time `1`, or the id `a.1` and the time `2`.
#[tokio::test]
async fn trap_6_fields_cannot_run_into_each_other() {
    let service = standard().build().unwrap().layer(count(&Counter::default()));
    let mut request = standard_request("m", "{}");
    request.headers_mut().insert("webhook-id", HeaderValue::from_static("m.1800000000"));
    let malformed = Rejection::Unauthenticated(Refusal::Malformed(Field::Id));
    assert_eq!(send(&service, request).await.rejection(), malformed);
}

/// 7. What is not signed says nothing: neither a delivery id nor the spelling of a signature makes an event a new one.
#[tokio::test]
async fn trap_7_unsigned_ids_do_not_make_an_event_new() {
    let counter = Counter::default();
    let layer = VerifyLayer::builder().sender(github_sender()).store(MemoryStore::new());
    let service = layer.build().unwrap().layer(count(&counter));
    for (delivery, event) in [("1", "push"), ("2", "push"), ("3", "ping")] {
        let mut request = github_request("{}");
        request.headers_mut().insert("x-github-delivery", HeaderValue::from_static(delivery));
        request.headers_mut().insert("x-github-event", HeaderValue::from_static(event));
        assert_eq!(send(&service, request).await.status, 200);
    }
    let mut loud = github_request("{}");
    let signature = loud.headers()["x-hub-signature-256"].to_str().unwrap().to_owned();
    let signature = format!("sha256={}", signature["sha256=".len()..].to_ascii_uppercase());
    loud.headers_mut().insert("x-hub-signature-256", signature.parse().unwrap());
    assert_eq!(send(&service, loud).await.rejection(), Rejection::Duplicate);
    assert_eq!(counter.get(), 1);
}

/// 8. Retries come for days, long after their first attempt's timestamp is stale.
#[tokio::test(start_paused = true)]
async fn trap_8_an_event_is_remembered_for_as_long_as_the_sender_tries() {
    let (counter, hand) = (Counter::default(), Hand::default());
    let layer = VerifyLayer::builder()
        .sender(standard_sender())
        .store(MemoryStore::new())
        .clock(hand.clock());
    let service = layer.build().unwrap().layer(count(&counter));
    let mut now = NOW;
    // The schedule of Standard Webhooks.
    for wait in [0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400] {
        now += wait;
        hand.turn(wait);
        tokio::time::advance(Duration::from_secs(wait)).await;
        let retry = signed_at(&scheme::STANDARD, STANDARD_SECRET, "msg_1", now, "{}");
        assert_eq!(send(&service, retry).await.status, 200);
    }
    assert_eq!(counter.get(), 1);
}

/// 9. An event counts as handled when it was, and not when it came.
#[tokio::test]
async fn trap_9_an_event_is_marked_after_its_handler_said_yes() {
    let counter = Counter::default();
    let layer = standard().store(MemoryStore::new()).build().unwrap();
    let failing = layer.layer(app::answer(&counter, || http::StatusCode::INTERNAL_SERVER_ERROR));
    assert_eq!(send(&failing, standard_request("m", "{}")).await.status, 500);
    assert_eq!(send(&layer.layer(count(&counter)), standard_request("m", "{}")).await.status, 200);
    assert_eq!(counter.get(), 2);
}

/// 10. An empty secret is one that everybody knows, and a secret in another format is another secret.
#[test]
fn trap_10_empty_secrets_are_refused_and_formats_told_apart() {
    assert_eq!(WebhookKey::hmac(b"").unwrap_err(), KeyError::Empty);
    let text = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let empty = VerifyLayer::builder().sender(Sender::new(scheme::STRIPE).secret("")).build();
    assert!(empty.unwrap_err().to_string().contains("is empty"));
    let verbatim = signed_at(&scheme::STRIPE, text, "m", NOW, "{}");
    let keys = KeySet::new([scheme::STRIPE.key(text).unwrap()]).unwrap();
    let decoded = KeySet::new([scheme::STANDARD.key(text).unwrap()]).unwrap();
    let check = |keys| {
        let now = Duration::from_secs(NOW);
        verify(&scheme::STRIPE, keys, &RequestHead::of(&verbatim), b"{}", now, None).map(drop)
    };
    assert_eq!(check(&keys), Ok(()));
    assert_eq!(check(&decoded), Err(Refusal::Mismatch));
}

/// 11. Who is not there answers as one who does not know the secret: the same reply, after the same body.
#[tokio::test]
async fn trap_11_an_unknown_tenant_looks_like_a_wrong_signature() {
    struct Nobody;
    impl stonework_webhook_sign::keys::KeyProvider for Nobody {
        fn keys(
            &self,
            _: stonework_webhook_sign::keys::Wanted<'_>,
        ) -> stonework_webhook_sign::StoreFuture<
            Result<Option<KeySet>, stonework_webhook_sign::StoreError>,
        > {
            stonework_webhook_sign::StoreFuture::ready(Ok(None))
        }
    }
    let nobody = VerifyLayer::builder().sender(Sender::new(scheme::STANDARD).keys(Nobody));
    let nobody = nobody.clock(Hand::default().clock()).build().unwrap();
    let (request, polled) = watched(standard_request("m", "{}"), 0);
    let unknown = send(&nobody.layer(count(&Counter::default())), request).await;
    assert!(polled.load(Ordering::SeqCst));
    assert_eq!(unknown.rejection(), Rejection::Unauthenticated(Refusal::UnknownKey));
    let mut wrong = standard_request("m", "{}");
    *wrong.body_mut() = Full::from("x");
    let wrong = send(&standard().build().unwrap().layer(count(&Counter::default())), wrong).await;
    assert_eq!((unknown.status, &unknown.headers), (wrong.status, &wrong.headers));
    assert_eq!(unknown.body, wrong.body);
}

/// 12. What is verified are the bytes that came, and they reach the handler uncopied where they came at once.
#[tokio::test]
async fn trap_12_the_handler_gets_the_very_bytes() {
    let mut sent = BytesMut::with_capacity(64);
    sent.put_slice(b"{\"a\":\xff\x00 1.0e0}");
    let sent = sent.freeze();
    let request = signed_at(&scheme::STANDARD, STANDARD_SECRET, "m", NOW, sent.clone());
    let address = sent.as_ptr() as usize;
    let is_same = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&is_same);
    let handler = tower::service_fn(
        move |request: Request<stonework_webhook_sign::StoneBody<Full<Bytes>>>| {
            let seen = Arc::clone(&seen);
            async move {
                use http_body_util::BodyExt;
                let body = request.into_body().collect().await.unwrap().to_bytes();
                seen.store(body.as_ptr() as usize == address, Ordering::SeqCst);
                Ok::<_, std::convert::Infallible>(http::Response::new(Full::<Bytes>::default()))
            }
        },
    );
    assert_eq!(send(&standard().build().unwrap().layer(handler), request).await.status, 200);
    assert!(is_same.load(Ordering::SeqCst));
}

/// 13. Nothing of a body reaches the handler before all of it was verified.
#[tokio::test]
async fn trap_13_no_byte_is_handed_on_before_the_last_one_was_verified() {
    struct Frames(Vec<Bytes>, Arc<AtomicUsize>);
    impl Body for Frames {
        type Data = Bytes;
        type Error = std::convert::Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
            // Every other poll waits, as a network does.
            if self.1.fetch_add(1, Ordering::SeqCst).is_multiple_of(2) {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Poll::Ready(self.0.pop().map(|data| Ok(Frame::data(data))))
        }
    }
    let counter = Counter::default();
    let service = standard().build().unwrap().layer(count(&counter));
    // Complete JSON in the first frame, and a space that was not signed in the last.
    let frames = vec![Bytes::from_static(b" "), Bytes::from_static(b"{}")];
    let forged = standard_request("m", "{}").map(|_| Frames(frames, Arc::default()));
    assert_eq!(send(&service, forged).await.status, 401);
    assert_eq!(counter.get(), 0);
    let frames = vec![Bytes::from_static(b"}"), Bytes::new(), Bytes::from_static(b"{")];
    let genuine = standard_request("m", "{}").map(|_| Frames(frames, Arc::default()));
    assert_eq!(send(&service, genuine).await.status, 200);
    assert_eq!(counter.get(), 1);
}

/// 14. The URL that was signed is the one that was configured, whatever the request says of itself.
#[tokio::test]
async fn trap_14_host_headers_are_not_believed() {
    let sender = Sender::new(scheme::square("https://example.com/webhook")).secret("asdf1234");
    let service =
        VerifyLayer::builder().sender(sender).build().unwrap().layer(count(&Counter::default()));
    let request = |host: &'static str| {
        Request::post(Uri::from_static("/another/path"))
            .header("host", host)
            .header("x-forwarded-host", host)
            .header("x-square-hmacsha256-signature", "2kRE5qRU2tR+tBGlDwMEw2avJ7QM4ikPYD/PJ3bd9Og=")
            .body(Full::<Bytes>::from(r#"{"hello":"world"}"#))
            .unwrap()
    };
    assert_eq!(send(&service, request("proxy.internal")).await.status, 200);
    assert_eq!(send(&service, request("evil.example")).await.status, 200);
    let elsewhere = Sender::new(scheme::square("https://evil.example/webhook")).secret("asdf1234");
    let service =
        VerifyLayer::builder().sender(elsewhere).build().unwrap().layer(count(&Counter::default()));
    assert_eq!(send(&service, request("example.com")).await.status, 401);
}

/// Secrets do not come out of what is printed.
#[test]
fn secrets_are_not_shown() {
    let key = scheme::GITHUB.key(SECRET).unwrap();
    let set = KeySet::new([key.clone()]).unwrap();
    let sender = github_sender();
    let layer = VerifyLayer::builder().sender(github_sender()).build().unwrap();
    let text = format!("{key:?} {set:?} {sender:?} {layer:?}");
    assert!(!text.contains(SECRET), "{text}");
}
