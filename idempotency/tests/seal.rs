//! Sealing at rest, through the layer.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.
#![cfg(all(feature = "memory", feature = "seal"))]

#[path = "support/app.rs"]
mod app;

use std::time::Duration;

use app::{Incoming, app, body, counting, post, send, send_key, single};
use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::Full;
use stonework_idempotency::store::{Claim, Claimed, IdempotencyStore, MemoryStore, State};
use stonework_idempotency::{
    Abandoned, Fingerprint, Idempotency, Keyring, Lookup, Rejection, Token,
};

const OLD: [u8; 32] = [1; 32];
const NEW: [u8; 32] = [2; 32];

#[tokio::test]
async fn the_store_never_sees_the_answer_and_a_replay_gives_it() {
    let store = MemoryStore::new();
    let layer = single().store(store.clone()).seal(Keyring::new(1, &OLD)).build().unwrap();
    let app = app(&layer, |_| async {
        let response = Response::builder().status(201).header("location", "/secret-path");
        response.body(Full::<Bytes>::from("secret-body")).unwrap()
    });
    assert_eq!(send_key(&app, "k").await.text(), "secret-body");
    let lookup = Lookup::new(None, None, b"k");
    let other = Fingerprint::from_bytes([0; 32]);
    let hour = Duration::from_secs(3600);
    let claim = Claim::new(&lookup, Token::random(), other, hour, hour);
    let Claimed::Taken(record) = store.claim(claim).await.unwrap() else { panic!("no record") };
    let State::Completed(answer) = record.state else { panic!("not completed") };
    for sealed in [answer.head, answer.body.unwrap()] {
        assert!(!sealed.windows(6).any(|window| window == b"secret"));
    }
    let retry = send_key(&app, "k").await;
    assert!(retry.is_replay());
    assert_eq!((retry.text(), retry.header("location")), ("secret-body", Some("/secret-path")));
}

#[tokio::test]
async fn keys_rotate_and_a_lost_key_fails_closed() {
    let store = MemoryStore::new();
    let (_, handler) = counting();
    let with = |keyring| {
        app(&single().store(store.clone()).seal(keyring).build().unwrap(), handler.clone())
    };
    assert_eq!(send_key(&with(Keyring::new(1, &OLD)), "k").await.text(), "run 1");
    let rotated = with(Keyring::new(2, &NEW).also_opening(1, &OLD));
    assert_eq!(send_key(&rotated, "k").await.text(), "run 1");
    let lost = send_key(&with(Keyring::new(2, &NEW)), "k").await;
    assert_eq!(lost.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(lost.rejection(), Rejection::StoreUnavailable);
    let other = send(&rotated, body(post("k"), "another request")).await;
    assert_eq!(other.rejection(), Rejection::Mismatch, "told without opening anything");
}

#[tokio::test]
async fn checkpoints_are_sealed_too() {
    let handler = |request: Incoming| async move {
        let idempotency = request.extensions().get::<Idempotency>().unwrap().clone();
        if idempotency.attempt() == 1 {
            idempotency.save("secret step").await.unwrap();
            panic!("midway");
        }
        Response::new(Full::from(idempotency.checkpoint().unwrap().clone()))
    };
    let store = MemoryStore::new();
    let with = |key: &[u8; 32]| {
        let layer = single().store(store.clone()).on_abandoned(Abandoned::Resume);
        app(&layer.seal(Keyring::new(1, key)).build().unwrap(), handler)
    };
    assert_eq!(send_key(&with(&OLD), "k").await.rejection(), Rejection::Interrupted);
    let unreadable = send_key(&with(&NEW), "k").await;
    assert_eq!(unreadable.rejection(), Rejection::StoreUnavailable, "it does not run blindly");
    tokio::time::sleep(Duration::ZERO).await;
    let mut resumed = send_key(&with(&OLD), "k").await;
    while resumed.status == StatusCode::CONFLICT {
        // The claim that could not be read is being given back.
        tokio::task::yield_now().await;
        resumed = send_key(&with(&OLD), "k").await;
    }
    assert_eq!(resumed.text(), "secret step");
}
