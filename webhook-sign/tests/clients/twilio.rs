//! twilio-python.

use bytes::Bytes;
use proptest::strategy::{Strategy, ValueTree};
use proptest::string::string_regex;
use proptest::test_runner::TestRunner;
use sha2::{Digest, Sha256};
use stonework_webhook_sign::Signer;
use stonework_webhook_sign::scheme::{PublicUrl, Scheme, Twilio};

use super::receives::{Ours, none};
use super::sdk::{Sdk, now};
use super::sends::{Both, Flipped, Message};
use super::wire::{Flip, Wire, flips};
use crate::app::NOW;

const SECRET: &str = "an auth token of some length";
const OTHER: &str = "another auth token of some length";
const PUBLIC: &str = "https://hooks.example.com";
const FORM: &str = "application/x-www-form-urlencoded";
/// Names and values more than once, in no order, and all that is escaped.
const CALL: &str =
    "To=%2B1415&From=Zo%C3%AB&Digits=2&Digits=1&Digits=2&Body=a+b%26c%3Dd&Empty=&Bare&~=*";
const JSON: &str = r#"{"MessageSid":"SM1","by":"Zoë"}"#;
const SIGNATURE: &str = "x-twilio-signature";
const SETTINGS: &str = "x-twilio-webhooks-signature-settings";

const fn sdk(arguments: &'static [&'static str]) -> Sdk {
    Sdk { script: "twilio_webhooks.py", arguments }
}

const TWILIO: Sdk = sdk(&["--secret", SECRET, "--public", PUBLIC]);

fn twilio() -> Twilio {
    Twilio::new(PublicUrl::origin(PUBLIC))
}

fn signer() -> Signer {
    Signer::new(twilio()).secret(SECRET)
}

fn call() -> Message {
    Message { path: "/sms?a=1".to_owned(), kind: FORM, ..Message::json(CALL) }
}

fn json(body: impl Into<Bytes>) -> Message {
    let body = body.into();
    let digest = data_encoding::HEXLOWER.encode(&Sha256::digest(&body));
    Message { path: format!("/sms?bodySHA256={digest}"), ..Message::json(body) }
}

/// What is signed of a form is what it says, and it can be escaped in upper case and lower case.
fn escape_case(form: &[u8], flip: Flip) -> bool {
    let is_escaped = form[..flip.at].iter().rev().take(2).any(|&byte| byte == b'%');
    is_escaped && flip.is_case()
}

#[tokio::test]
async fn twilio_signs_forms_and_nothing_else_is_taken() {
    for (algorithm, scheme) in [(None, twilio()), (Some("HMAC_SHA256"), twilio().require_sha256())]
    {
        let ours = Ours::start(scheme, &[SECRET], NOW).await;
        let mut arguments = vec!["--body", CALL, "--type", FORM];
        arguments.extend(algorithm.iter().flat_map(|algorithm| ["--algorithm", algorithm]));
        let (status, genuine) = TWILIO.signs(ours.server.address, "/sms?a=1", &arguments).await;
        assert_eq!(status, 200, "{algorithm:?}");
        ours.knows_the_body(&genuine, escape_case).await;
        assert_eq!(ours.refusals(), ["mismatch"]);
        ours.knows_the_header(&genuine, SIGNATURE, none).await;
        ours.knows_the_path(&genuine).await;
        assert!(!ours.takes(&genuine.at("/sms")).await);
        // Without a kind the body is no form, and nothing covers it.
        assert!(!ours.takes(&genuine.with("content-type", "text/plain")).await);
        assert!(!ours.takes(&genuine.without("content-type")).await);
        if algorithm.is_some() {
            knows_the_settings(&ours, &genuine).await;
        }
    }
}

/// They are not signed: with another algorithm the signature does not fit, and the name of the key is a hint.
async fn knows_the_settings(ours: &Ours, genuine: &Wire) {
    let value = genuine.header(SETTINGS);
    assert_eq!(value, b"key=1,algorithm=HMAC_SHA256");
    for flip in flips(value).filter(|flip| !flip.is_control()) {
        let is_taken = ours.takes(&genuine.with(SETTINGS, flip.of(value))).await;
        assert_eq!(is_taken, flip.at < "key=1".len(), "{flip:?}");
    }
    assert!(!ours.takes(&genuine.without(SETTINGS)).await);
    assert!(!ours.takes(&genuine.and(SETTINGS, value)).await);
}

#[tokio::test]
async fn twilio_signs_other_bodies_by_their_digest_and_nothing_else_is_taken() {
    for (algorithm, scheme) in [(None, twilio()), (Some("HMAC_SHA256"), twilio().require_sha256())]
    {
        let ours = Ours::start(scheme, &[SECRET], NOW).await;
        let mut arguments = vec!["--body", JSON];
        arguments.extend(algorithm.iter().flat_map(|algorithm| ["--algorithm", algorithm]));
        let path = "/sms?a=1&bodySHA256=";
        let (status, genuine) = TWILIO.signs(ours.server.address, path, &arguments).await;
        assert_eq!(status, 200, "{algorithm:?}");
        ours.knows_the_body(&genuine, none).await;
        assert_eq!(ours.refusals(), ["wrong-digest"]);
        ours.knows_the_header(&genuine, SIGNATURE, none).await;
        ours.knows_the_path(&genuine).await;
        let (path, digest) = genuine.path().split_at(path.len());
        assert!(!ours.takes(&genuine.at(format!("{path}{}", digest.to_uppercase()))).await);
        assert!(!ours.takes(&genuine.at("/sms?a=1")).await);
        let other = data_encoding::HEXLOWER.encode(&Sha256::digest("{}"));
        assert!(!ours.takes(&genuine.at(format!("{path}{other}")).with_body("{}")).await);
    }
}

#[tokio::test]
async fn twilio_verifies_forms_that_we_sign_and_nothing_else() {
    let verifier = TWILIO.verifier().await;
    for signer in [signer(), Signer::new(twilio().require_sha256()).secret(SECRET)] {
        let (is_taken, genuine) = call().send(signer, &verifier).await;
        assert!(is_taken);
        let flipped = Flipped::body(&genuine, &verifier).await;
        assert!(flipped.taken.iter().all(|&flip| escape_case(&genuine.body, flip)));
        assert!(!flipped.taken.is_empty());
        // The SDK takes text; it is for its callers to decode.
        assert_eq!(flipped.raised, ["UnicodeDecodeError", "refused"]);
        let raised = Flipped::header(&genuine, SIGNATURE, &verifier).await.none_is_taken();
        assert_eq!(raised, ["refused"]);
        assert_eq!(verifier.takes(&genuine.at("/sms?a=2")).await, Err("refused".to_owned()));
    }
}

#[tokio::test]
async fn twilio_verifies_other_bodies_that_we_sign_and_nothing_else() {
    let verifier = TWILIO.verifier().await;
    for signer in [signer(), Signer::new(twilio().require_sha256()).secret(SECRET)] {
        let (is_taken, genuine) = json(JSON).send(signer, &verifier).await;
        assert!(is_taken);
        let raised = Flipped::body(&genuine, &verifier).await.none_is_taken();
        assert_eq!(raised, ["UnicodeDecodeError", "refused"]);
    }
}

/// Its header has room for one signature. A sender cannot change its secret without a gap; a receiver that tries two can.
#[tokio::test]
async fn twilio_takes_the_first_of_two_keys_and_we_take_either() {
    let other = sdk(&["--secret", OTHER, "--public", PUBLIC]);
    let two = || signer().secret(OTHER);
    assert!(call().send(two(), &TWILIO.verifier().await).await.0);
    assert!(!call().send(two(), &other.verifier().await).await.0);
    let ours = Ours::start(twilio(), &[OTHER, SECRET], NOW).await;
    let url = format!("http://{}/sms", ours.server.address);
    for signing in [TWILIO, other] {
        assert_eq!(signing.asks(&url, &["--body", CALL, "--type", FORM]).await, [200]);
    }
}

/// The URL is tried with its port and without, by both.
#[tokio::test]
async fn twilio_signs_with_a_port_or_without() {
    const PORTED: &str = "https://hooks.example.com:443";
    const NAMED: &str = "https://user:password@hooks.example.com";
    let ported = sdk(&["--secret", SECRET, "--public", PORTED]);
    let named = sdk(&["--secret", SECRET, "--public", NAMED]);
    for (theirs, ours) in [(TWILIO, PORTED), (ported, PUBLIC), (ported, PORTED), (named, NAMED)] {
        let scheme = || Twilio::new(PublicUrl::origin(ours));
        let ours = Ours::start(scheme(), &[SECRET], NOW).await;
        let arguments = ["--body", CALL, "--type", FORM];
        assert_eq!(theirs.signs(ours.server.address, "/sms", &arguments).await.0, 200);
        let signer = Signer::new(scheme()).secret(SECRET);
        assert!(call().send(signer, &theirs.verifier().await).await.0);
    }
}

#[tokio::test]
async fn where_twilio_differs() {
    let both = both(twilio()).await;
    let sha256 = || Signer::new(twilio().require_sha256()).secret(SECRET);
    let (_, genuine) = call().send(sha256(), &both.sdk).await;
    both.take(&genuine).await;
    let with = |settings: &str| genuine.with(SETTINGS, settings);

    // The name of the algorithm may be in lower case, and have spaces around; of two the first counts.
    both.take(&with("key=1, algorithm=HMAC_SHA256")).await;
    both.only_the_sdk_takes(&with("algorithm=hmac_sha256")).await;
    both.only_the_sdk_takes(&with("algorithm = HMAC_SHA256")).await;
    both.only_the_sdk_takes(&with("algorithm=HMAC_SHA256,algorithm=HMAC_SHA1")).await;
    both.neither_takes(&with("algorithm=HMAC_SHA1,algorithm=HMAC_SHA256"), "refused").await;
    // One that neither knows is refused by both.
    both.neither_takes(&with("algorithm=HMAC_SHA512"), "refused").await;

    // A query that is empty is none to it, on whichever side of the wire.
    let bare = Message { path: "/sms?".to_owned(), ..call() };
    let (is_taken, bare) = bare.send(signer(), &both.sdk).await;
    assert!(!is_taken);
    both.only_we_take(&bare, "refused").await;

    // Of two digests the first counts for it.
    let path = format!("{}&bodySHA256=00", json(JSON).path);
    let (status, twice) = TWILIO.signs(both.ours.server.address, &path, &["--body", JSON]).await;
    assert_eq!(status, 401);
    both.only_the_sdk_takes(&twice).await;
    // A body that nothing covers is an error.
    let uncovered = Message { path: "/sms".to_owned(), ..call() }.send(signer(), &both.sdk).await.1;
    let uncovered = uncovered.with("content-type", "application/json").with_body("{}");
    both.neither_takes(&uncovered, "TypeError").await;
    let (_, binary) = json(&b"\xff"[..]).send(signer(), &both.sdk).await;
    both.only_we_take(&binary, "UnicodeDecodeError").await;
}

async fn both(scheme: impl Scheme) -> Both {
    Both { sdk: TWILIO.verifier().await, ours: Ours::start(scheme, &[SECRET], now()).await }
}

/// Python reads forms by rules of its own: the same parameters, in the same order.
#[tokio::test]
async fn twilio_reads_any_form_as_we_do() {
    let both = both(twilio()).await;
    let forms =
        "(a|b|A|=|&|\\+|;|~|%20|%3D|%26|%C3%AB|%F0%9F%98%80|%ff|%C3|%E2%82|%zz|%4|%|\u{eb}){0,24}";
    let forms = string_regex(forms).unwrap();
    let mut runner = TestRunner::deterministic();
    for _ in 0..500 {
        let body = forms.new_tree(&mut runner).unwrap().current();
        let (is_taken, signed) =
            Message { body: body.clone().into(), ..call() }.send(signer(), &both.sdk).await;
        assert!(is_taken, "{body}");
        both.take(&signed).await;
    }
}

/// Nothing stands between a parameter and its neighbours, for either.
#[tokio::test]
async fn parameters_of_twilio_run_into_each_other() {
    let both = both(twilio()).await;
    let message = Message { body: Bytes::from_static(b"Body=ab&From=1"), ..call() };
    let (_, genuine) = message.send(signer(), &both.sdk).await;
    both.take(&genuine).await;
    both.take(&genuine.with_body("Bodya=b&From=1")).await;
    both.take(&genuine.with_body("Body=abFrom1")).await;
    both.take(&genuine.with_body("From=1&Body=ab&From=1")).await;
    both.neither_takes(&genuine.with_body("Body=ab&From=2"), "refused").await;
}
