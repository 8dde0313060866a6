//! Checks that a store keeps the contract of [`PinStore`](crate::store::PinStore) or of
//! [`UsageStore`](crate::store::UsageStore). Feature `testing`, with `accounts`.
//!
//! ```
//! use stonework_versioning::store::MemoryStore;
//! use stonework_versioning::testing::{pin_conformance, usage_conformance};
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let store = MemoryStore::new();
//! pin_conformance(store.clone()).await;
//! usage_conformance(store).await;
//! # });
//! # Ok::<(), std::io::Error>(())
//! ```

mod pins;
mod usage;

use std::hash::{BuildHasher, RandomState};
use std::pin::Pin;
use std::task::{Context, Waker};

pub use pins::pin_conformance;
use stonework_core::{Key, StoreError, StoreFuture};
pub use usage::usage_conformance;

/// How many at once.
const MANY: usize = 50;

/// The longest name of an account that every store has to keep, in bytes.
const LONGEST: usize = 256;

/// A name that nobody has used before.
fn new_name() -> String {
    // Each state has other keys than those before it, and those of other processes.
    let number = RandomState::new().hash_one("a name");
    format!("conformance-{number:016x}")
}

/// Accounts that begin alike and are as different as bytes can be.
fn odd_accounts() -> Vec<Key> {
    let name = new_name();
    let with = |suffix: &[u8]| Key::from([name.as_bytes(), suffix].concat().as_slice());
    let fill = [b'l'; LONGEST];
    let suffixes: [&[u8]; 15] = [
        b"",
        b" ",
        b"a",
        b"A",
        b"aa",
        b":",
        b"\0",
        b"\0\0",
        b"\xfe",
        b"\xff",
        b"\xff\xff",
        b"{x}",
        b"\r\n",
        &fill[name.len() + 1..],
        &fill[name.len()..],
    ];
    suffixes.map(with).into()
}

/// Makes a step several times, each with its reply thrown away: before it is waited for, while it is,
/// and after. Only what is not undone later can be lost so: what is given up may still be made.
async fn lose<T>(step: impl Fn() -> StoreFuture<Result<T, StoreError>>) {
    drop(step());
    let mut given_up = step();
    let _ = Future::poll(Pin::new(&mut given_up), &mut Context::from_waker(Waker::noop()));
    drop(given_up);
    let _ = step().await.expect("the store answers");
}
