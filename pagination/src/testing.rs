//! Checks that a store keeps the contract of [`CursorStore`]. Feature `testing`, with `stored`.
//!
//! ```
//! use stonework_pagination::store::MemoryStore;
//! use stonework_pagination::testing::cursor_conformance;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
//! cursor_conformance(MemoryStore::new(), async |by| tokio::time::sleep(by).await).await;
//! # });
//! # Ok::<(), std::io::Error>(())
//! ```

use std::hash::{BuildHasher, RandomState};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use bytes::Bytes;
use stonework_core::{Key, StoreError, StoreFuture};

use crate::store::{CursorStore, Get, Put, Revoke};

/// Longer than any run of this.
const HOUR: Duration = Duration::from_secs(3_600);

/// Short enough to be waited for.
const SHORT: Duration = Duration::from_millis(50);

/// How long to wait until `time` has surely passed, however the store rounds.
fn past(time: Duration) -> Duration {
    time + Duration::from_millis(50)
}

/// Runs every clause of [`CursorStore`] upon `store`.
///
/// `elapse` lets time pass: it returns when the clock of the store has moved by at least the time given, which is
/// 100 ms in all. Where time can be turned it turns it; where it is real it sleeps.
///
/// Owners and handles are new ones in each run; the store needs room for 100 cursors.
///
/// # Panics
///
/// When the store breaks a clause. The message says what was expected.
pub async fn cursor_conformance<S: CursorStore>(store: S, elapse: impl AsyncFn(Duration)) {
    let store: Arc<dyn CursorStore> = Arc::new(store);
    what_is_put_is_there(&store).await;
    values_are_bytes(&store).await;
    a_cursor_is_its_owners(&store).await;
    owners_are_bytes_and_apart(&store).await;
    what_is_revoked_is_gone_and_what_comes_after_is_not(&store).await;
    what_is_sent_again_is_done_once(&store).await;
    what_has_expired_is_gone(&store, elapse).await;
}

struct Owner {
    store: Arc<dyn CursorStore>,
    key: Key,
}

impl Owner {
    fn new(store: &Arc<dyn CursorStore>) -> Self {
        Self::named(store, new_name().as_bytes())
    }

    fn named(store: &Arc<dyn CursorStore>, name: &[u8]) -> Self {
        Self { store: Arc::clone(store), key: Key::from(name) }
    }

    async fn put(&self, handle: [u8; 16], value: &[u8]) {
        self.put_for(HOUR, handle, value).await;
    }

    async fn put_for(&self, time: Duration, handle: [u8; 16], value: &[u8]) {
        let put = Put::new(handle, &self.key, Bytes::copy_from_slice(value), time);
        self.store.put(put).await.expect("the store answers");
    }

    async fn get(&self, handle: [u8; 16]) -> Option<Bytes> {
        self.store.get(Get::new(handle, &self.key)).await.expect("the store answers")
    }

    async fn has(&self, handle: [u8; 16], value: &[u8]) {
        assert_eq!(self.get(handle).await.as_deref(), Some(value), "it is there as it was put");
    }

    async fn has_none(&self, handle: [u8; 16]) {
        assert_eq!(self.get(handle).await, None, "it is not there");
    }

    async fn revoke(&self) {
        let revoke = Revoke::new(&self.key, HOUR);
        self.store.revoke(revoke).await.expect("the store answers");
    }
}

/// A name that nobody has used before.
fn new_name() -> String {
    // Each state has other keys than those before it, and those of other processes.
    format!("conformance-{:016x}", RandomState::new().hash_one("a name"))
}

fn handle() -> [u8; 16] {
    uuid::Uuid::new_v4().into_bytes()
}

async fn what_is_put_is_there(store: &Arc<dyn CursorStore>) {
    let (owner, one, two) = (Owner::new(store), handle(), handle());
    owner.has_none(one).await;
    owner.put(one, b"one").await;
    owner.put(two, b"two").await;
    owner.has(one, b"one").await;
    owner.has(two, b"two").await;
    // More than once: a client may ask again.
    owner.has(one, b"one").await;
}

async fn values_are_bytes(store: &Arc<dyn CursorStore>) {
    let owner = Owner::new(store);
    let long = [b'l'; 10_000];
    for value in [&b""[..], b":", b"0:", b"\0\r\n\xff{}", &long] {
        let handle = handle();
        owner.put(handle, value).await;
        owner.has(handle, value).await;
    }
}

async fn a_cursor_is_its_owners(store: &Arc<dyn CursorStore>) {
    let (one, other, handle) = (Owner::new(store), Owner::new(store), handle());
    one.put(handle, b"one").await;
    other.has_none(handle).await;
    other.put(handle, b"other").await;
    one.has(handle, b"one").await;
    other.has(handle, b"other").await;
}

async fn owners_are_bytes_and_apart(store: &Arc<dyn CursorStore>) {
    let (name, handle) = (new_name(), handle());
    let suffixes: [&[u8]; 8] = [b"", b" ", b":", b"{x}", b"}", b"\0", b"\xff\xfe", &[b'l'; 300]];
    let with = |suffix: &[u8]| Owner::named(store, &[name.as_bytes(), suffix].concat());
    let owners = suffixes.map(with);
    for (owner, suffix) in owners.iter().zip(suffixes) {
        owner.put(handle, suffix).await;
    }
    owners[0].revoke().await;
    owners[0].has_none(handle).await;
    for (owner, suffix) in owners.iter().zip(suffixes).skip(1) {
        owner.has(handle, suffix).await;
    }
}

async fn what_is_revoked_is_gone_and_what_comes_after_is_not(store: &Arc<dyn CursorStore>) {
    let (owner, before, after) = (Owner::new(store), handle(), handle());
    // Nothing is there to be revoked, which is no error.
    owner.revoke().await;
    for _ in 0..3 {
        owner.put(before, b"before").await;
        owner.has(before, b"before").await;
        owner.revoke().await;
        owner.has_none(before).await;
        owner.has_none(after).await;
        owner.put(after, b"after").await;
        owner.has(after, b"after").await;
    }
}

async fn what_is_sent_again_is_done_once(store: &Arc<dyn CursorStore>) {
    let (owner, handle) = (Owner::new(store), handle());
    let put = || {
        let value = Bytes::from_static(b"once");
        owner.store.put(Put::new(handle, &owner.key, value, HOUR))
    };
    lose(put).await;
    owner.has(handle, b"once").await;
    lose(|| owner.store.get(Get::new(handle, &owner.key))).await;
    owner.has(handle, b"once").await;
    lose(|| owner.store.revoke(Revoke::new(&owner.key, HOUR))).await;
    owner.has_none(handle).await;
}

/// Those that are kept for longer are not, whichever of them came last.
async fn what_has_expired_is_gone(store: &Arc<dyn CursorStore>, elapse: impl AsyncFn(Duration)) {
    let (owner, before, short, after) = (Owner::new(store), handle(), handle(), handle());
    owner.put(before, b"before").await;
    owner.put_for(SHORT, short, b"short").await;
    owner.put(after, b"after").await;
    let other = Owner::new(store);
    other.put_for(SHORT, short, b"short").await;
    elapse(past(SHORT)).await;
    owner.has_none(short).await;
    other.has_none(short).await;
    owner.has(before, b"before").await;
    owner.has(after, b"after").await;
    // Where all is gone there is room for something new.
    other.put(after, b"after").await;
    other.has(after, b"after").await;
}

/// Makes a step several times, each with its reply thrown away: before it is waited for, while it is, and
/// after.
async fn lose<T>(step: impl Fn() -> StoreFuture<Result<T, StoreError>>) {
    drop(step());
    let mut given_up = step();
    let _ = Future::poll(Pin::new(&mut given_up), &mut Context::from_waker(Waker::noop()));
    drop(given_up);
    let _ = step().await.expect("the store answers");
}
