//! svix, over the npm package standardwebhooks.

use stonework_webhook_sign::{Signer, scheme};

use super::receives::{Ours, knows_the_time, none};
use super::sdk::{Sdk, now};
use super::sends::{Both, Flipped, Message, either_key_is_taken};
use super::wire::Wire;
use crate::app::{NOW, STANDARD_SECRET as SECRET};

const OTHER: &str = "whsec_c29tZSBvdGhlciBzZWNyZXQgb2YgbW9yZSB0aGFuIDE2";
const THIRD: &str = "whsec_YSB0aGlyZCBzZWNyZXQgb2YgbW9yZSB0aGFuIDE2";
const BODY: &str = r#"{"type":"user.created","by":"Zoë"}"#;
const ERROR: &str = "WebhookVerificationError";

const fn sdk(arguments: &'static [&'static str]) -> Sdk {
    Sdk { script: "svix_webhooks.mjs", arguments }
}

const SVIX: Sdk = sdk(&["--secret", SECRET]);

fn signer() -> Signer {
    Signer::new(scheme::STANDARD).secret(SECRET)
}

/// By Svix' own names, which it sends to this day.
#[tokio::test]
async fn svix_signs_and_nothing_else_is_taken() {
    let ours = Ours::start(scheme::STANDARD, &[SECRET], NOW).await;
    let now = NOW.to_string();
    let arguments = ["--body", BODY, "--at", &now];
    let (status, genuine) = SVIX.signs(ours.server.address, "/webhooks", &arguments).await;
    assert_eq!(status, 200);
    ours.knows_the_body(&genuine, none).await;
    assert_eq!(ours.refusals(), ["mismatch"]);
    for header in ["svix-id", "svix-timestamp", "svix-signature"] {
        ours.knows_the_header(&genuine, header, none).await;
    }
    knows_the_time(&SVIX, scheme::STANDARD, SECRET, BODY).await;
}

/// By the standard's names, which it takes as well.
#[tokio::test]
async fn svix_verifies_what_we_sign_and_nothing_else() {
    let svix = SVIX.verifier().await;
    let (is_taken, genuine) = Message::json(BODY).send(signer(), &svix).await;
    assert!(is_taken);
    assert_eq!(Flipped::body(&genuine, &svix).await.none_is_taken(), [ERROR]);
    for header in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        assert_eq!(Flipped::header(&genuine, header, &svix).await.none_is_taken(), [ERROR]);
    }
    for time in [now() - 600, now() + 600] {
        let untimely = Message { now: time, ..Message::json(BODY) };
        assert!(!untimely.send(signer(), &svix).await.0);
    }
}

#[tokio::test]
async fn svix_takes_either_of_two_keys() {
    let receivers = [SVIX, sdk(&["--secret", OTHER]), sdk(&["--secret", THIRD])];
    let signer = || signer().secret(OTHER);
    either_key_is_taken(signer, receivers, &Message::json(BODY)).await;
}

#[tokio::test]
async fn where_svix_differs() {
    let ours = Ours::start(scheme::STANDARD, &[SECRET], now()).await;
    let both = Both { sdk: SVIX.verifier().await, ours };
    let (_, genuine) = Message::json(BODY).send(signer(), &both.sdk).await;
    both.take(&genuine).await;
    let (time, value) = (genuine.text("webhook-timestamp"), genuine.text("webhook-signature"));
    let with = |value: String| genuine.with("webhook-signature", value);

    // The time is whatever `parseInt` reads, and the rest is passed over.
    both.only_the_sdk_takes(&genuine.with("webhook-timestamp", format!("{time}junk"))).await;
    // So is what stands behind a second comma, and what it does not know.
    both.only_the_sdk_takes(&with(format!("{value},junk"))).await;
    both.only_the_sdk_takes(&with(format!("junk {value}"))).await;
    both.only_the_sdk_takes(&with(format!("v1,A {value}"))).await;
    both.only_the_sdk_takes(&with(format!("{}{value}", "v2,what ".repeat(16)))).await;
    both.take(&with(format!("v2,what  {value}"))).await;
    both.only_the_sdk_takes(&with(format!("v1 {value}"))).await;
    both.neither_takes(&genuine.without("webhook-id"), ERROR).await;
}

/// Where both are there, Svix' names count for it, each by itself; for us the standard's do, all three.
#[tokio::test]
async fn svix_prefers_its_own_names() {
    let ours = Ours::start(scheme::STANDARD, &[SECRET], now()).await;
    let both = Both { sdk: SVIX.verifier().await, ours };
    let (_, genuine) = Message::json(BODY).send(signer(), &both.sdk).await;
    let names = ["id", "timestamp", "signature"];
    let value = |name: &str| genuine.header(&format!("webhook-{name}")).to_vec();
    let doubled = names.iter().fold(genuine.clone(), |request: Wire, name| {
        request.and(&format!("svix-{name}"), value(name))
    });
    both.take(&doubled).await;
    both.only_we_take(&doubled.with("svix-signature", "v1,junk"), ERROR).await;
    both.only_the_sdk_takes(&doubled.with("webhook-signature", "v1,junk")).await;
    let mixed = genuine.without("webhook-id").and("svix-id", value("id"));
    both.only_the_sdk_takes(&mixed).await;
}

/// It decodes, and then what is no UTF-8 is U+FFFD, whatever it was.
#[tokio::test]
async fn svix_verifies_text_and_not_bytes() {
    let ours = Ours::start(scheme::STANDARD, &[SECRET], now()).await;
    let both = Both { sdk: SVIX.verifier().await, ours };
    let (_, binary) = Message::json(&b"\xff"[..]).send(signer(), &both.sdk).await;
    both.only_we_take(&binary, ERROR).await;
    let (_, replaced) = Message::json("\u{fffd}").send(signer(), &both.sdk).await;
    both.take(&replaced).await;
    both.only_the_sdk_takes(&replaced.with_body(b"\xff")).await;
    let (_, empty) = Message::json("").send(signer(), &both.sdk).await;
    both.take(&empty).await;
}

/// An id with a dot takes bytes of the body over into the headers, under the same signature.
#[tokio::test]
async fn svix_lets_an_id_run_into_the_time() {
    let ours = Ours::start(scheme::STANDARD, &[SECRET], now()).await;
    let both = Both { sdk: SVIX.verifier().await, ours };
    let now = now();
    let message = Message { now, ..Message::json(format!("{now}.{{}}")) };
    let (_, genuine) = message.send(signer(), &both.sdk).await;
    both.take(&genuine).await;
    let moved = genuine.with("webhook-id", format!("msg_1.{now}")).with_body("{}");
    both.only_the_sdk_takes(&moved).await;
}
