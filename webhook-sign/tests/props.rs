//! What is signed is verified, however it arrives, and nothing near it is.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "support/app.rs"]
mod app;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use app::{Counter, Hand, NOW, count, send};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request};
use http_body::Frame;
use http_body_util::StreamBody;
use proptest::prelude::*;
use proptest::sample::Index;
use stonework_webhook_sign::keys::KeySet;
use stonework_webhook_sign::scheme::{
    self, HmacScheme, Hook0, Outgoing, Part, PublicUrl, Scheme, SignScheme, Twilio,
};
use stonework_webhook_sign::{
    Algorithm, Encoding, RequestHead, Sender, Unit, VerifyLayer, sign, verify,
};
use tower::Layer;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NOW_TIME: Duration = Duration::from_secs(NOW);

type Make = fn() -> Arc<dyn SignScheme>;

/// Each scheme, as a sender and as a receiver.
fn schemes() -> Vec<(&'static str, Make)> {
    fn custom() -> HmacScheme {
        HmacScheme::new("custom", "x-sig".parse().unwrap())
            .prefix("v9:")
            .encoding(Encoding::Base64)
            .algorithm(Algorithm::HmacSha512)
            .id_header("x-id".parse().unwrap())
            .timestamp_header("x-time".parse().unwrap(), Unit::Millis)
            .signs([Part::Body, Part::Text("|"), Part::Id, Part::Text("|"), Part::Timestamp])
    }
    vec![
        ("standard", || Arc::new(scheme::STANDARD)),
        ("stripe", || Arc::new(scheme::STRIPE)),
        ("github", || Arc::new(scheme::GITHUB)),
        ("slack", || Arc::new(scheme::SLACK)),
        ("zoom", || Arc::new(scheme::ZOOM)),
        ("shopify", || Arc::new(scheme::SHOPIFY)),
        ("square", || Arc::new(scheme::square("https://example.com/hooks"))),
        ("twilio", || Arc::new(Twilio::new(PublicUrl::exact("https://example.com/hooks")))),
        ("twilio sha256", || {
            Arc::new(Twilio::new(PublicUrl::origin("https://example.com")).require_sha256())
        }),
        ("paddle", || Arc::new(scheme::PADDLE)),
        ("razorpay", || Arc::new(scheme::RAZORPAY)),
        ("dropbox", || Arc::new(scheme::DROPBOX)),
        ("hook0", || Arc::new(scheme::HOOK0)),
        ("hook0 with headers", || {
            let names = ["content-type", "x-event"].map(|name| name.parse().unwrap());
            Arc::new(Hook0::default().covering(names))
        }),
        ("convoy", || Arc::new(scheme::CONVOY)),
        ("convoy advanced", || Arc::new(scheme::CONVOY_ADVANCED)),
        ("custom", || Arc::new(custom())),
        #[cfg(feature = "httpsig")]
        ("http signature", || {
            Arc::new(scheme::HttpSignature::new(PublicUrl::origin("https://example.com")))
        }),
    ]
}

fn secret(scheme: &dyn SignScheme) -> &'static str {
    match scheme.name() {
        "http-signature" => &SECRET["whsec_".len()..],
        _ => SECRET,
    }
}

fn keys(scheme: &dyn SignScheme) -> KeySet {
    KeySet::new([scheme.key(secret(scheme)).unwrap()]).unwrap()
}

/// A form for Twilio, whose other bodies are covered by the URL.
fn body_for(scheme: &dyn SignScheme, body: &[u8]) -> Vec<u8> {
    match scheme.name() {
        "twilio" => {
            let hex: String = body.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("Body={hex}&From=1").into_bytes()
        }
        _ => body.to_vec(),
    }
}

fn signed(scheme: &dyn SignScheme, body: &[u8]) -> Request<()> {
    let mut request = Request::post("/hooks").body(()).unwrap();
    let mut headers = HeaderMap::new();
    let kind = match scheme.name() {
        "twilio" => "application/x-www-form-urlencoded",
        _ => "application/json",
    };
    headers.insert("content-type", HeaderValue::from_static(kind));
    headers.insert("x-event", HeaderValue::from_static("a.b"));
    let message = Outgoing::new(RequestHead::of(&request), body, "msg_1", NOW_TIME);
    sign(scheme, &keys(scheme), &message, &mut headers).unwrap();
    *request.headers_mut() = headers;
    request
}

fn check(scheme: &dyn SignScheme, request: &Request<()>, body: &[u8]) -> bool {
    let head = RequestHead::of(request);
    verify(scheme, &keys(scheme), &head, body, NOW_TIME, None).is_ok()
}

/// Cuts a body into frames, some of which may be empty.
fn frames(body: &[u8], cuts: &[Index]) -> Vec<Bytes> {
    let mut at: Vec<_> = cuts.iter().map(|cut| cut.index(body.len() + 1)).collect();
    at.extend([0, body.len()]);
    at.sort_unstable();
    at.windows(2).map(|pair| Bytes::copy_from_slice(&body[pair[0]..pair[1]])).collect()
}

/// Through the layer, frame by frame.
fn layer_takes(make: Make, request: Request<()>, frames: Vec<Bytes>) -> bool {
    let scheme = make();
    let text = secret(&*scheme);
    let layer = VerifyLayer::builder()
        .sender(Sender::new(scheme).secret(text))
        .clock(Hand::default().clock())
        .build()
        .unwrap();
    let frames = frames.into_iter().map(|data| Ok::<_, Infallible>(Frame::data(data)));
    let body = StreamBody::new(tokio_stream::iter(frames));
    let service = layer.layer(count(&Counter::default()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(send(&service, request.map(|()| body))).status == 200
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn what_is_signed_is_verified_however_it_is_cut(
        body in prop::collection::vec(any::<u8>(), 0..300),
        cuts in prop::collection::vec(any::<Index>(), 0..6),
    ) {
        for (name, make) in schemes() {
            let scheme = make();
            let body = body_for(&*scheme, &body);
            let request = signed(&*scheme, &body);
            prop_assert!(check(&*scheme, &request, &body), "{name}");
            prop_assert!(layer_takes(make, request, frames(&body, &cuts)), "{name} in frames");
        }
    }

    #[test]
    fn any_bit_of_the_body_counts(
        body in prop::collection::vec(any::<u8>(), 1..100),
        at in any::<Index>(),
        bit in 0..8_u8,
    ) {
        for (name, make) in schemes() {
            let scheme = make();
            let body = body_for(&*scheme, &body);
            let request = signed(&*scheme, &body);
            let mut changed = body.clone();
            changed[at.index(body.len())] ^= 1 << bit;
            // A form may be written in more than one way: `a=1` and `A=1` are others, `%41` and `A` are not.
            prop_assert!(!check(&*scheme, &request, &changed), "{name}: {changed:?}");
            let mut longer = body.clone();
            longer.push(bit);
            prop_assert!(!check(&*scheme, &request, &longer), "{name}, and one byte more");
            prop_assert!(!check(&*scheme, &request, &body[1..]), "{name}, and one byte less");
        }
    }

    #[test]
    fn any_bit_of_a_header_counts(
        body in prop::collection::vec(any::<u8>(), 0..50),
        which in any::<Index>(),
        at in any::<Index>(),
        bit in 0..8_u8,
    ) {
        for (name, make) in schemes() {
            let scheme = make();
            let body = body_for(&*scheme, &body);
            let mut request = signed(&*scheme, &body);
            // What is not signed does not count, and a content type decides only how Twilio reads a body.
            let idle = ["content-type", "x-event", "x-twilio-webhooks-signature-settings"];
            let names = request.headers().keys().filter(|name| !idle.contains(&name.as_str()));
            let names: Vec<_> = names.cloned().collect();
            let header = &names[which.index(names.len())];
            let mut value = request.headers()[header].as_bytes().to_vec();
            let at = at.index(value.len());
            let before = value[at];
            value[at] ^= 1 << bit;
            if value[at].eq_ignore_ascii_case(&before) && before.is_ascii_hexdigit() {
                continue;
            }
            // Structured fields let the last digit of Base64 have bits that say nothing (RFC 9651, section 4.2.7).
            if header == "signature" && value.get(at + 1) == Some(&b'=') {
                continue;
            }
            let Ok(value) = HeaderValue::from_bytes(&value) else { continue };
            request.headers_mut().insert(header, value.clone());
            prop_assert!(!check(&*scheme, &request, &body), "{name}, {header}: {value:?}");
        }
    }

    #[test]
    fn another_secret_is_another_signature(body in prop::collection::vec(any::<u8>(), 0..50)) {
        for (name, make) in schemes() {
            let scheme = make();
            let body = body_for(&*scheme, &body);
            let request = signed(&*scheme, &body);
            let other = scheme.key("b3RoZXIgc2VjcmV0IG9mIGVub3VnaCBieXRlcw").unwrap();
            let keys = KeySet::new([other]).unwrap();
            let head = RequestHead::of(&request);
            prop_assert!(verify(&*scheme, &keys, &head, &body, NOW_TIME, None).is_err(), "{name}");
        }
    }
}
