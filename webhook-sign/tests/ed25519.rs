//! Signatures of public keys, through the layers.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "support/app.rs"]
mod app;

use std::time::Duration;

use app::{Counter, Hand, NOW, STANDARD_SECRET, count, send};
use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::Full;
use stonework_webhook_sign::keys::{KeySet, WebhookKey};
use stonework_webhook_sign::scheme::{self, Outgoing, Scheme, SignScheme};
use stonework_webhook_sign::store::MemoryStore;
use stonework_webhook_sign::{
    HandshakeLayer, Refusal, Rejection, RequestHead, Sender, VerifyLayer, sign, verify,
};
use tower::Layer;

/// A key pair of which nobody else has the secret.
const SECRET: &str =
    "whsk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8DoQe/884Qvh1w3RjnS8CZZ+TWMJulDV8d3IZkElUxuA==";
const PUBLIC: &str = "whpk_A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=";
const PUBLIC_HEX: &str = "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8";

fn secret() -> WebhookKey {
    scheme::STANDARD.key(SECRET).unwrap()
}

fn signed(
    scheme: &dyn SignScheme,
    keys: impl IntoIterator<Item = WebhookKey>,
    body: &'static str,
) -> Request<Full<Bytes>> {
    let keys = KeySet::new(keys).unwrap();
    let mut request = Request::post("/hooks").body(Full::from(body)).unwrap();
    let mut headers = HeaderMap::new();
    let now = Duration::from_secs(NOW);
    let message = Outgoing::new(RequestHead::of(&request), body.as_bytes(), "msg_1", now);
    sign(scheme, &keys, &message, &mut headers).unwrap();
    *request.headers_mut() = headers;
    request
}

#[tokio::test]
async fn v1a_is_taken_from_who_has_the_secret_key() {
    let counter = Counter::default();
    let layer = VerifyLayer::builder()
        .sender(Sender::new(scheme::STANDARD).secret(PUBLIC))
        .store(MemoryStore::new())
        .clock(Hand::default().clock())
        .build()
        .unwrap();
    let service = layer.layer(count(&counter));
    let request = || signed(&scheme::STANDARD, [secret()], "{}");
    assert!(request().headers()["webhook-signature"].to_str().unwrap().starts_with("v1a,"));
    assert_eq!(send(&service, request()).await.text(), "handled");
    assert_eq!(send(&service, request()).await.rejection(), Rejection::Duplicate);
    let mut forged = request();
    *forged.body_mut() = Full::from("[]");
    let mismatch = Rejection::Unauthenticated(Refusal::Mismatch);
    assert_eq!(send(&service, forged).await.rejection(), mismatch);
    assert_eq!(counter.get(), 1);
}

/// A sender that goes over from one kind to the other signs by both.
#[tokio::test]
async fn both_kinds_stand_side_by_side() {
    let hmac = || scheme::STANDARD.key(STANDARD_SECRET).unwrap();
    let request = || signed(&scheme::STANDARD, [secret(), hmac().named("hmac")], "{}");
    let text = request().headers()["webhook-signature"].to_str().unwrap().to_owned();
    assert!(text.contains("v1a,") && text.contains(" v1,"), "{text}");
    for receiver in [PUBLIC, STANDARD_SECRET] {
        let sender = Sender::new(scheme::STANDARD).secret(receiver);
        let layer = VerifyLayer::builder().sender(sender).clock(Hand::default().clock());
        let service = layer.build().unwrap().layer(count(&Counter::default()));
        assert_eq!(send(&service, request()).await.status, 200);
    }
}

#[tokio::test]
async fn discord_pings_and_is_answered() {
    let counter = Counter::default();
    let layer = VerifyLayer::builder()
        .sender(Sender::new(scheme::DISCORD).secret(PUBLIC_HEX))
        .clock(Hand::default().clock())
        .build()
        .unwrap();
    let handshake = HandshakeLayer::builder().discord().build().unwrap();
    let service = layer.layer(handshake.layer(count(&counter)));
    let ping = signed(&scheme::DISCORD, [secret()], r#"{"type":1,"id":"1"}"#);
    assert_eq!(send(&service, ping).await.text(), r#"{"type":1}"#);
    assert_eq!(counter.get(), 0);
    let command = signed(&scheme::DISCORD, [secret()], r#"{"type":2,"id":"2"}"#);
    assert_eq!(send(&service, command).await.text(), "handled");
    // Discord sends pings that are signed wrongly, to see that they are refused.
    let mut wrong = signed(&scheme::DISCORD, [secret()], r#"{"type":1,"id":"1"}"#);
    *wrong.body_mut() = Full::from(r#"{"type":1,"id":"3"}"#);
    assert_eq!(send(&service, wrong).await.status, 401);
}

/// Each pair of a key and a signature is a pass over the body, so there are few.
#[test]
fn signatures_of_public_keys_are_bounded() {
    let key = |n: u8| WebhookKey::ed25519_secret(&[n; 32]).unwrap();
    let keys = KeySet::new((1..=4).map(key)).unwrap();
    let mut request = signed(&scheme::STANDARD, [key(4)], "{}");
    let genuine = request.headers()["webhook-signature"].to_str().unwrap().to_owned();
    let mut check = |junk: usize| {
        let mut signatures = vec![format!("v1a,{}==", "A".repeat(86)); junk];
        signatures.push(genuine.clone());
        request.headers_mut().insert("webhook-signature", signatures.join(" ").parse().unwrap());
        let (head, now) = (RequestHead::of(&request), Duration::from_secs(NOW));
        verify(&scheme::STANDARD, &keys, &head, b"{}", now, None).map(|v| v.key_id().to_owned())
    };
    assert_eq!(check(0), Ok("4".into()));
    assert_eq!(check(3), Ok("4".into()));
    assert_eq!(check(4), Err(Refusal::TooManySignatures));
}

/// Whoever sends a signature of the other kind learns nothing of what kind a receiver's keys are.
#[tokio::test]
async fn a_signature_of_another_kind_is_refused_after_the_body() {
    use std::sync::atomic::{AtomicBool, Ordering};
    for receiver in [PUBLIC, STANDARD_SECRET] {
        let sender = Sender::new(scheme::STANDARD).secret(receiver);
        let layer = VerifyLayer::builder().sender(sender).clock(Hand::default().clock());
        let service = layer.build().unwrap().layer(count(&Counter::default()));
        let signer = match receiver {
            PUBLIC => scheme::STANDARD.key(STANDARD_SECRET).unwrap(),
            _ => secret(),
        };
        let read = std::sync::Arc::new(AtomicBool::new(false));
        let seen = std::sync::Arc::clone(&read);
        let request = signed(&scheme::STANDARD, [signer], "{}").map(|_| {
            http_body_util::StreamBody::new(tokio_stream::iter(std::iter::once_with(move || {
                seen.store(true, Ordering::SeqCst);
                let data = Bytes::from_static(b"{}");
                Ok::<_, std::convert::Infallible>(http_body::Frame::data(data))
            })))
        });
        let answer = send(&service, request).await;
        let refused = Rejection::Unauthenticated(Refusal::NoKnownSignature);
        assert_eq!(answer.rejection(), refused);
        assert!(read.load(Ordering::SeqCst));
    }
}

#[test]
fn a_key_of_another_kind_is_told_when_the_layer_is_built() {
    for (scheme, secret) in [
        (scheme::DISCORD, "no hexadecimal digits"),
        (scheme::DISCORD, "00"),
        (scheme::STANDARD, "whpk_AAAA"),
    ] {
        let layer = VerifyLayer::builder().sender(Sender::new(scheme).secret(secret)).build();
        assert!(layer.is_err(), "{secret}");
    }
    // Also a key that was made elsewhere.
    let hmac = WebhookKey::hmac(b"a secret of more than sixteen bytes").unwrap();
    for (scheme, key) in [(scheme::DISCORD, hmac), (scheme::GITHUB, secret())] {
        let layer = VerifyLayer::builder().sender(Sender::new(scheme).key(key)).build();
        assert!(layer.unwrap_err().to_string().contains("of a kind that the scheme does not use"));
    }
}
