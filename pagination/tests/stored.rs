//! Cursors that are kept, behind the layer.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "support/memory.rs"]
mod memory;
#[path = "support/site.rs"]
#[allow(dead_code)] // Other tests need more of it.
mod site;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use site::{Account, Site};
use stonework_pagination::store::{CursorStore, Get, MemoryStore, Put, Revoke};
use stonework_pagination::{
    Cursors, CursorsBuilder, Key, PageLayer, PageLayerBuilder, Rejection, StoreError,
    StoreErrorKind, StoreFuture,
};

/// How a store behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    /// It answers when it is asked again.
    Slow,
    Away,
    Silent,
}

/// A store in a mood, which remembers for how long it was to keep what.
#[derive(Clone)]
struct Moody {
    store: MemoryStore,
    mood: Arc<Mutex<Mood>>,
    times: Arc<Mutex<Vec<Duration>>>,
}

impl Moody {
    fn new() -> Self {
        let mood = Arc::new(Mutex::new(Mood::Slow));
        Self { store: MemoryStore::new(), mood, times: Arc::default() }
    }

    fn is(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    fn answer<T: Send + 'static>(
        &self,
        answer: StoreFuture<Result<T, StoreError>>,
    ) -> StoreFuture<Result<T, StoreError>> {
        match *self.mood.lock().unwrap() {
            Mood::Away => StoreFuture::ready(Err(StoreError::new(StoreErrorKind::Unavailable))),
            Mood::Silent => StoreFuture::new(std::future::pending()),
            Mood::Slow => StoreFuture::new(async move {
                tokio::task::yield_now().await;
                answer.await
            }),
        }
    }
}

impl CursorStore for Moody {
    fn put(&self, put: Put<'_>) -> StoreFuture<Result<(), StoreError>> {
        self.times.lock().unwrap().push(put.expires_after);
        self.answer(self.store.put(put))
    }

    fn get(&self, get: Get<'_>) -> StoreFuture<Result<Option<Bytes>, StoreError>> {
        self.answer(self.store.get(get))
    }

    fn revoke(&self, revoke: Revoke<'_>) -> StoreFuture<Result<(), StoreError>> {
        self.times.lock().unwrap().push(revoke.expires_after);
        self.answer(self.store.revoke(revoke))
    }
}

fn layer(cursors: &Cursors) -> PageLayerBuilder {
    PageLayer::builder()
        .cursors(cursors.clone())
        .owner(|head| head.extensions.get::<Account>().map(|account| Key::from(account.0)))
}

#[tokio::test]
async fn a_request_goes_on_when_the_store_has_answered() {
    let cursors = Cursors::stored(Moody::new()).build().unwrap();
    let site = Site::new(layer(&cursors));
    let (mut target, mut ids) = (Some("/orders?limit=3".to_owned()), Vec::new());
    while let Some(page) = target {
        let answer = site.get(&page).await;
        ids.extend(answer.ids());
        target = answer.link("next");
    }
    assert_eq!((ids, site.runs()), (vec![7, 6, 5, 4, 3, 2, 1], 3));
}

#[tokio::test]
async fn what_is_revoked_is_a_cursor_as_any_that_is_of_no_use() {
    let cursors = Cursors::stored(Moody::new()).build().unwrap();
    let site = Site::new(layer(&cursors));
    let next = site.get("/orders?limit=3").await.link("next").unwrap();
    let bob = Site { account: "bob", ..Site::new(layer(&cursors)) };
    let foreign = bob.get(&next).await;
    cursors.revoke(&Key::from("alice")).await.unwrap();
    let revoked = site.get(&next).await;
    assert_eq!(revoked.rejection, Some(Rejection::Cursor));
    assert_eq!((foreign.body, foreign.headers), (revoked.body, revoked.headers));
    assert!(site.get("/orders?limit=3").await.link("next").is_some());
}

/// It is not the client's fault, and the same request is good a moment later.
#[tokio::test(start_paused = true)]
async fn a_store_that_does_not_answer_is_a_503() {
    for mood in [Mood::Away, Mood::Silent] {
        let store = Moody::new();
        let cursors = Cursors::stored(store.clone()).store_timeout(Duration::from_millis(100));
        let site = Site::new(layer(&cursors.build().unwrap()));
        let next = site.get("/orders?limit=3").await.link("next").unwrap();
        store.is(mood);
        // Time that is paused goes on to the next thing that is waited for.
        let answer = tokio::time::timeout(Duration::from_millis(101), site.get(&next)).await;
        let answer = answer.expect("no longer than it may take");
        assert_eq!((answer.status, site.runs()), (StatusCode::SERVICE_UNAVAILABLE, 1), "{mood:?}");
        assert!(answer.not_executed && answer.header("retry-after") == "1", "{mood:?}");
        assert_eq!(answer.json()["type"], "urn:stonework:pagination:cursors-unavailable");
        assert_eq!(answer.json().get("parameter"), None);
        // Nor is the first page told without its next.
        let first = site.get("/orders?limit=3").await;
        assert_eq!(first.status, StatusCode::SERVICE_UNAVAILABLE, "{mood:?}");
        store.is(Mood::Slow);
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(site.get(&next).await.ids(), [4, 3, 2], "{mood:?}");
    }
}

#[tokio::test]
async fn cursors_are_kept_for_as_long_as_was_said() {
    let (day, hour) = (Duration::from_secs(86_400), Duration::from_secs(3_600));
    for (expires_after, expected) in [(None, day), (Some(hour), hour)] {
        let store = Moody::new();
        let builder = Cursors::stored(store.clone());
        let builder = expires_after.into_iter().fold(builder, CursorsBuilder::expires_after);
        let cursors = builder.build().unwrap();
        Site::new(layer(&cursors)).get("/orders?limit=3").await;
        cursors.revoke(&Key::from("alice")).await.unwrap();
        assert_eq!(*store.times.lock().unwrap(), [expected; 2]);
    }
}
