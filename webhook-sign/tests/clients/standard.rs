//! standardwebhooks, the reference library for Python.

use stonework_webhook_sign::{Signer, scheme};

use super::receives::{Ours, knows_the_time, none};
use super::sdk::{Sdk, now};
use super::sends::{Both, Flipped, Message, either_key_is_taken};
use crate::app::{NOW, STANDARD_SECRET as SECRET};

const OTHER: &str = "whsec_c29tZSBvdGhlciBzZWNyZXQgb2YgbW9yZSB0aGFuIDE2";
const THIRD: &str = "whsec_YSB0aGlyZCBzZWNyZXQgb2YgbW9yZSB0aGFuIDE2";
/// A key of Ed25519.
const PAIR: &str =
    "whsk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8DoQe/884Qvh1w3RjnS8CZZ+TWMJulDV8d3IZkElUxuA==";
const BODY: &str = r#"{"type":"user.created","by":"Zoë"}"#;
const HEADERS: [&str; 3] = ["webhook-id", "webhook-timestamp", "webhook-signature"];
const ERROR: &str = "WebhookVerificationError";

const fn sdk(arguments: &'static [&'static str]) -> Sdk {
    Sdk { script: "standard_webhooks.py", arguments }
}

const STANDARD: Sdk = sdk(&["--secret", SECRET]);

fn signer() -> Signer {
    Signer::new(scheme::STANDARD).secret(SECRET)
}

#[tokio::test]
async fn standardwebhooks_signs_and_nothing_else_is_taken() {
    let ours = Ours::start(scheme::STANDARD, &[SECRET], NOW).await;
    let now = NOW.to_string();
    let arguments = ["--body", BODY, "--at", &now];
    let (status, genuine) = STANDARD.signs(ours.server.address, "/webhooks", &arguments).await;
    assert_eq!(status, 200);
    ours.knows_the_body(&genuine, none).await;
    assert_eq!(ours.refusals(), ["mismatch"]);
    for header in HEADERS {
        ours.knows_the_header(&genuine, header, none).await;
    }
    knows_the_time(&STANDARD, scheme::STANDARD, SECRET, BODY).await;
}

#[tokio::test]
async fn standardwebhooks_verifies_what_we_sign_and_nothing_else() {
    let standard = STANDARD.verifier().await;
    let (is_taken, genuine) = Message::json(BODY).send(signer(), &standard).await;
    assert!(is_taken);
    // A flip can leave bytes that are no UTF-8, and that is not told as a signature that does not fit.
    let raised = Flipped::body(&genuine, &standard).await.none_is_taken();
    assert_eq!(raised, ["UnicodeDecodeError", ERROR]);
    for header in ["webhook-id", "webhook-timestamp"] {
        let raised = Flipped::header(&genuine, header, &standard).await.none_is_taken();
        assert_eq!(raised, [ERROR]);
    }
    // The last digit before the `=` has two bits that belong to no byte, and it does not look at those.
    let flipped = Flipped::header(&genuine, "webhook-signature", &standard).await;
    let last = genuine.header("webhook-signature").len() - 2;
    assert!(flipped.taken.iter().all(|flip| flip.at == last), "{:?}", flipped.taken);
    assert_eq!(flipped.raised, ["Error", "ValueError", ERROR]);
    for time in [now() - 600, now() + 600] {
        let untimely = Message { now: time, ..Message::json(BODY) };
        assert!(!untimely.send(signer(), &standard).await.0);
    }
}

#[tokio::test]
async fn standardwebhooks_takes_either_of_two_keys() {
    let receivers = [STANDARD, sdk(&["--secret", OTHER]), sdk(&["--secret", THIRD])];
    let signer = || signer().secret(OTHER);
    either_key_is_taken(signer, receivers, &Message::json(BODY)).await;
}

/// It knows no `v1a`, and passes over it.
#[tokio::test]
async fn standardwebhooks_takes_what_is_signed_by_a_key_pair_too() {
    let standard = STANDARD.verifier().await;
    let pair = || Signer::new(scheme::STANDARD).secret(PAIR);
    let (is_taken, both) = Message::json(BODY).send(pair().secret(SECRET), &standard).await;
    assert!(is_taken);
    let signatures = both.text("webhook-signature").split(' ');
    assert_eq!(signatures.map(|one| &one[..3]).collect::<Vec<_>>(), ["v1a", "v1,"]);
    assert!(!Message::json(BODY).send(pair(), &standard).await.0);
}

#[tokio::test]
async fn where_standardwebhooks_differs() {
    let ours = Ours::start(scheme::STANDARD, &[SECRET], now()).await;
    let both = Both { sdk: STANDARD.verifier().await, ours };
    // A time that can be written with one digit less.
    let message = Message { now: now() / 10 * 10, ..Message::json(BODY) };
    let (_, genuine) = message.send(signer(), &both.sdk).await;
    both.take(&genuine).await;
    let (time, value) = (genuine.text("webhook-timestamp"), genuine.text("webhook-signature"));
    let at = |time: String| genuine.with("webhook-timestamp", time);
    let with = |value: String| genuine.with("webhook-signature", value);

    // The time is whatever `float` reads, and what is compared is that number, rounded down.
    both.only_the_sdk_takes(&at(format!("{time}.9"))).await;
    both.only_the_sdk_takes(&at(format!("+{time}"))).await;
    both.only_the_sdk_takes(&at(format!("{}e1", &time[..9]))).await;
    // Base64 is what is left without the characters that are none, and the last digit has more than one way.
    both.only_the_sdk_takes(&with(value.replace("v1,", "v1,!{}"))).await;
    both.only_the_sdk_takes(&with(format!("{value}=junk"))).await;
    // Any number of signatures.
    both.only_the_sdk_takes(&with(format!("{}{value}", "v2,what ".repeat(16)))).await;
    // One that it cannot read is no refusal but an error, though a good one follows; two spaces have one in between.
    both.neither_takes(&with(format!("junk {value}")), "ValueError").await;
    both.neither_takes(&with(format!("v1,A {value}")), "Error").await;
    both.only_we_take(&with(format!("v2,what  {value}")), "ValueError").await;
    // Its receivers have a map of headers, with the last of two.
    both.only_the_sdk_takes(&with("v1,".to_owned()).and("webhook-signature", value)).await;
    both.neither_takes(&genuine.without("webhook-id"), ERROR).await;
}

/// An id with a dot takes bytes of the body over into the headers, under the same signature.
#[tokio::test]
async fn standardwebhooks_lets_an_id_run_into_the_time() {
    let ours = Ours::start(scheme::STANDARD, &[SECRET], now()).await;
    let both = Both { sdk: STANDARD.verifier().await, ours };
    let now = now();
    let message = Message { now, ..Message::json(format!("{now}.{{}}")) };
    let (is_taken, genuine) = message.send(signer(), &both.sdk).await;
    assert!(is_taken);
    let moved = genuine.with("webhook-id", format!("msg_1.{now}")).with_body("{}");
    both.only_the_sdk_takes(&moved).await;
}

#[tokio::test]
async fn standardwebhooks_verifies_nothing_but_text() {
    let ours = Ours::start(scheme::STANDARD, &[SECRET], now()).await;
    let both = Both { sdk: STANDARD.verifier().await, ours };
    let (is_taken, signed) = Message::json(&b"\xff"[..]).send(signer(), &both.sdk).await;
    assert!(!is_taken);
    both.only_we_take(&signed, "UnicodeDecodeError").await;
    let (is_taken, empty) = Message::json("").send(signer(), &both.sdk).await;
    assert!(is_taken);
    both.take(&empty).await;
}
