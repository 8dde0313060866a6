//! slack_sdk.

use stonework_webhook_sign::{Signer, scheme};

use super::receives::{Ours, hex_case, knows_the_time, none};
use super::sdk::{Sdk, now};
use super::sends::{Both, Flipped, Message};
use crate::app::NOW;

const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
const OTHER: &str = "another secret of some length";
const BODY: &str = r#"{"type":"event_callback","event_id":"Ev1","by":"Zoë"}"#;
const TIME: &str = "x-slack-request-timestamp";
const SIGNATURE: &str = "x-slack-signature";

const fn sdk(arguments: &'static [&'static str]) -> Sdk {
    Sdk { script: "slack_webhooks.py", arguments }
}

const SLACK: Sdk = sdk(&["--secret", SECRET]);

fn signer() -> Signer {
    Signer::new(scheme::SLACK).secret(SECRET)
}

#[tokio::test]
async fn slack_signs_and_nothing_else_is_taken() {
    let ours = Ours::start(scheme::SLACK, &[SECRET], NOW).await;
    let now = NOW.to_string();
    let arguments = ["--body", BODY, "--at", &now];
    let (status, genuine) = SLACK.signs(ours.server.address, "/webhooks", &arguments).await;
    assert_eq!(status, 200);
    ours.knows_the_body(&genuine, none).await;
    assert_eq!(ours.refusals(), ["mismatch"]);
    ours.knows_the_header(&genuine, TIME, none).await;
    ours.knows_the_header(&genuine, SIGNATURE, hex_case).await;
    knows_the_time(&SLACK, scheme::SLACK, SECRET, BODY).await;
}

#[tokio::test]
async fn slack_verifies_what_we_sign_and_nothing_else() {
    let slack = SLACK.verifier().await;
    let (is_taken, genuine) = Message::json(BODY).send(signer(), &slack).await;
    assert!(is_taken);
    // What it cannot read it does not refuse: bytes that are no UTF-8, a time that is none, a signature that is not ASCII.
    let raised = Flipped::body(&genuine, &slack).await.none_is_taken();
    assert_eq!(raised, ["UnicodeDecodeError", "refused"]);
    let raised = Flipped::header(&genuine, TIME, &slack).await.none_is_taken();
    assert_eq!(raised, ["ValueError", "refused"]);
    let raised = Flipped::header(&genuine, SIGNATURE, &slack).await.none_is_taken();
    assert_eq!(raised, ["TypeError", "refused"]);
    for time in [now() - 600, now() + 600] {
        let untimely = Message { now: time, ..Message::json(BODY) };
        assert!(!untimely.send(signer(), &slack).await.0);
    }
}

/// Its header has room for one signature. A sender cannot change its secret without a gap; a receiver that tries two can.
#[tokio::test]
async fn slack_takes_the_first_of_two_keys_and_we_take_either() {
    let slack = SLACK.verifier().await;
    let two = || signer().secret(OTHER);
    assert!(Message::json(BODY).send(two(), &slack).await.0);
    let other = sdk(&["--secret", OTHER]);
    assert!(!Message::json(BODY).send(two(), &other.verifier().await).await.0);
    let ours = Ours::start(scheme::SLACK, &[OTHER, SECRET], NOW).await;
    let url = format!("http://{}/webhooks", ours.server.address);
    let now = NOW.to_string();
    for signing in [SLACK, other] {
        assert_eq!(signing.asks(&url, &["--body", BODY, "--at", &now]).await, [200]);
    }
}

#[tokio::test]
async fn where_slack_differs() {
    let ours = Ours::start(scheme::SLACK, &[SECRET], now()).await;
    let both = Both { sdk: SLACK.verifier().await, ours };
    let (_, genuine) = Message::json(BODY).send(signer(), &both.sdk).await;
    both.take(&genuine).await;
    let value = genuine.text(SIGNATURE);
    // Upper case is ours to forgive.
    let upper = format!("v0={}", value["v0=".len()..].to_uppercase());
    both.only_we_take(&genuine.with(SIGNATURE, upper), "refused").await;
    // Its receivers have a map of headers, with the last of two.
    both.only_the_sdk_takes(&genuine.with(SIGNATURE, "v0=").and(SIGNATURE, value)).await;
    // The time is signed as it is written, so another text of it is another message.
    let time = genuine.text(TIME);
    both.neither_takes(&genuine.with(TIME, format!("+{time}")), "refused").await;
    both.neither_takes(&genuine.without(TIME), "refused").await;
    let (_, binary) = Message::json(&b"\xff"[..]).send(signer(), &both.sdk).await;
    both.only_we_take(&binary, "UnicodeDecodeError").await;
    let (_, empty) = Message::json("").send(signer(), &both.sdk).await;
    both.take(&empty).await;
}
