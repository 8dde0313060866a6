//! @octokit/webhooks-methods, GitHub's.

use stonework_webhook_sign::{Signer, scheme};

use super::receives::{Ours, hex_case, none};
use super::sdk::{Sdk, now};
use super::sends::{Both, Flipped, Message};
use crate::app::NOW;

const SECRET: &str = "It's a Secret to Everybody";
const OTHER: &str = "another secret of some length";
const BODY: &str = r#"{"action":"opened","by":"Zoë"}"#;
const HEADER: &str = "x-hub-signature-256";

const fn sdk(arguments: &'static [&'static str]) -> Sdk {
    Sdk { script: "octokit_webhooks.mjs", arguments }
}

const GITHUB: Sdk = sdk(&["--secret", SECRET]);

fn signer() -> Signer {
    Signer::new(scheme::GITHUB).secret(SECRET)
}

#[tokio::test]
async fn octokit_signs_and_nothing_else_is_taken() {
    let ours = Ours::start(scheme::GITHUB, &[SECRET], NOW).await;
    let (status, genuine) = GITHUB.signs(ours.server.address, "/webhooks", &["--body", BODY]).await;
    assert_eq!(status, 200);
    ours.knows_the_body(&genuine, none).await;
    assert_eq!(ours.refusals(), ["mismatch"]);
    ours.knows_the_header(&genuine, HEADER, hex_case).await;
}

#[tokio::test]
async fn octokit_verifies_what_we_sign_and_nothing_else() {
    let octokit = GITHUB.verifier().await;
    let (is_taken, genuine) = Message::json(BODY).send(signer(), &octokit).await;
    assert!(is_taken);
    assert_eq!(Flipped::body(&genuine, &octokit).await.none_is_taken(), ["refused"]);
    assert_eq!(Flipped::header(&genuine, HEADER, &octokit).await.none_is_taken(), ["refused"]);
}

/// The header has room for one signature, by the first key. Receivers on both sides can try several.
#[tokio::test]
async fn octokit_takes_the_first_of_two_keys_and_either_side_can_fall_back() {
    let other = sdk(&["--secret", OTHER]);
    let two = || signer().secret(OTHER);
    let mut taken = Vec::new();
    for receiver in [GITHUB, other, sdk(&["--secret", OTHER, "--fallback", SECRET])] {
        taken.push(Message::json(BODY).send(two(), &receiver.verifier().await).await.0);
    }
    assert_eq!(taken, [true, false, true]);
    let ours = Ours::start(scheme::GITHUB, &[OTHER, SECRET], NOW).await;
    let url = format!("http://{}/webhooks", ours.server.address);
    for signing in [GITHUB, other] {
        assert_eq!(signing.asks(&url, &["--body", BODY]).await, [200]);
    }
}

#[tokio::test]
async fn where_octokit_differs() {
    let ours = Ours::start(scheme::GITHUB, &[SECRET], now()).await;
    let both = Both { sdk: GITHUB.verifier().await, ours };
    let (_, genuine) = Message::json(BODY).send(signer(), &both.sdk).await;
    both.take(&genuine).await;
    // Upper case is ours to forgive.
    let upper = genuine.text(HEADER)["sha256=".len()..].to_uppercase();
    both.only_we_take(&genuine.with(HEADER, format!("sha256={upper}")), "refused").await;
    // A body that is empty counts as one that is missing, and so does a header.
    let (is_taken, empty) = Message::json("").send(signer(), &both.sdk).await;
    assert!(!is_taken);
    both.only_we_take(&empty, "TypeError").await;
    both.neither_takes(&genuine.without(HEADER), "TypeError").await;
    // Two headers are one with a comma to Node.js, which fits nothing.
    both.neither_takes(&genuine.and(HEADER, genuine.text(HEADER)), "refused").await;
}

/// It takes a string, so its callers decode; then what is no UTF-8 is U+FFFD, whatever it was.
#[tokio::test]
async fn octokit_verifies_text_and_not_bytes() {
    let ours = Ours::start(scheme::GITHUB, &[SECRET], now()).await;
    let both = Both { sdk: GITHUB.verifier().await, ours };
    let (_, binary) = Message::json(&b"\xff"[..]).send(signer(), &both.sdk).await;
    both.only_we_take(&binary, "refused").await;
    let (_, replaced) = Message::json("\u{fffd}").send(signer(), &both.sdk).await;
    both.take(&replaced).await;
    both.only_the_sdk_takes(&replaced.with_body(b"\xff")).await;
    both.only_the_sdk_takes(&replaced.with_body(b"\x80")).await;
}
