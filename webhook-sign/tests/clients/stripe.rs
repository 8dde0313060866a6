//! stripe-python.

use stonework_webhook_sign::{Signer, scheme};

use super::receives::{Ours, hex_case, knows_the_time, none};
use super::sdk::{Sdk, now};
use super::sends::{Both, Flipped, Message, either_key_is_taken};
use crate::app::NOW;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OTHER: &str = "whsec_c29tZSBvdGhlciBzZWNyZXQgb2YgbW9yZQ";
const BODY: &str = r#"{"id":"evt_1","object":"event","by":"Zoë"}"#;
const HEADER: &str = "stripe-signature";

const fn sdk(arguments: &'static [&'static str]) -> Sdk {
    Sdk { script: "stripe_webhooks.py", arguments }
}

const STRIPE: Sdk = sdk(&["--secret", SECRET]);

fn signer() -> Signer {
    Signer::new(scheme::STRIPE).secret(SECRET)
}

#[tokio::test]
async fn stripe_signs_and_nothing_else_is_taken() {
    let ours = Ours::start(scheme::STRIPE, &[SECRET], NOW).await;
    let now = NOW.to_string();
    let arguments = ["--body", BODY, "--at", &now];
    let (status, genuine) = STRIPE.signs(ours.server.address, "/webhooks", &arguments).await;
    assert_eq!(status, 200);
    ours.knows_the_body(&genuine, none).await;
    assert_eq!(ours.refusals(), ["mismatch"]);
    ours.knows_the_header(&genuine, HEADER, hex_case).await;
    knows_the_time(&STRIPE, scheme::STRIPE, SECRET, BODY).await;
}

#[tokio::test]
async fn stripe_verifies_what_we_sign_and_nothing_else() {
    let stripe = STRIPE.verifier().await;
    let (is_taken, genuine) = Message::json(BODY).send(signer(), &stripe).await;
    assert!(is_taken);
    // A flip can leave bytes that are no UTF-8, and that is not told as a signature that does not fit.
    let raised = Flipped::body(&genuine, &stripe).await.none_is_taken();
    assert_eq!(raised, ["SignatureVerificationError", "UnicodeDecodeError"]);
    // So is a signature that is not ASCII.
    let raised = Flipped::header(&genuine, HEADER, &stripe).await.none_is_taken();
    assert_eq!(raised, ["SignatureVerificationError", "TypeError"]);
    let stale = Message { now: now() - 600, ..Message::json(BODY) };
    assert!(!stale.send(signer(), &stripe).await.0);
}

#[tokio::test]
async fn stripe_takes_either_of_two_keys() {
    let receivers = [STRIPE, sdk(&["--secret", OTHER]), sdk(&["--secret", "whsec_another"])];
    let signer = || signer().secret(OTHER);
    either_key_is_taken(signer, receivers, &Message::json(BODY)).await;
}

#[tokio::test]
async fn where_stripe_differs() {
    let ours = Ours::start(scheme::STRIPE, &[SECRET], now()).await;
    let both = Both { sdk: STRIPE.verifier().await, ours };
    let (_, genuine) = Message::json(BODY).send(signer(), &both.sdk).await;
    both.take(&genuine).await;
    let value = genuine.text(HEADER);
    let (time, signature) = value.split_once(',').unwrap();
    let with = |value: String| genuine.with(HEADER, value);

    // A time that is yet to come, however far: `verify_header` compares with `time.time() - tolerance` alone.
    let tomorrow = Message { now: now() + 86_400, ..Message::json(BODY) };
    let (is_taken, tomorrow) = tomorrow.send(signer(), &both.sdk).await;
    assert!(is_taken);
    both.only_the_sdk_takes(&tomorrow).await;
    // The first time counts for it, and the time is whatever `int` reads.
    both.only_the_sdk_takes(&with(format!("{time},t=1,{signature}"))).await;
    both.neither_takes(&with(format!("t=1,{time},{signature}")), "SignatureVerificationError")
        .await;
    both.only_the_sdk_takes(&with(value.replace("t=", "t= +"))).await;
    // What it does not know it passes over, and what stands behind a second `=`.
    both.only_the_sdk_takes(&with(format!("{value},junk"))).await;
    both.only_the_sdk_takes(&with(format!("{value}=junk"))).await;
    both.take(&with(format!("{value},v0=junk"))).await;
    // It looks at any number of signatures, and at those that can be none.
    both.only_the_sdk_takes(&with(format!("{time}{},{signature}", ",v1=junk".repeat(16)))).await;
    // White space and upper case are ours to forgive.
    let error = "SignatureVerificationError";
    both.only_we_take(&with(value.replace(',', ", ")), error).await;
    let upper = signature.replace("v1=", "").to_uppercase();
    both.only_we_take(&with(format!("{time},v1={upper}")), error).await;
    // Python's server gives the first of two headers, and we do not guess.
    both.only_the_sdk_takes(&genuine.and(HEADER, "t=1,v1=00")).await;
    both.neither_takes(&genuine.without(HEADER), error).await;
}

/// It takes events alone, and a signature over anything else is an error of another kind.
#[tokio::test]
async fn stripe_verifies_nothing_but_events() {
    let ours = Ours::start(scheme::STRIPE, &[SECRET], now()).await;
    let both = Both { sdk: STRIPE.verifier().await, ours };
    for (body, raised) in [
        (&b"\xff"[..], "UnicodeDecodeError"),
        (b"", "JSONDecodeError"),
        (b"no JSON", "JSONDecodeError"),
        (br#"{"object":"v2.core.event"}"#, "ValueError"),
    ] {
        let (is_taken, signed) = Message::json(body).send(signer(), &both.sdk).await;
        assert!(!is_taken);
        both.only_we_take(&signed, raised).await;
    }
}
