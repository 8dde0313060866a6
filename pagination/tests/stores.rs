//! Cursors that are kept, in memory.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use stonework_pagination::store::{CursorStore, Get, MemoryStore, Put, Revoke};
use stonework_pagination::testing::cursor_conformance;
use stonework_pagination::{
    Anchor, Binding, Clock, Column, CursorErrorKind, Cursors, Direction, Key, Kind, Sort,
    StoreError, StoreErrorKind, StoreFuture,
};
use tokio::task::LocalSet;

#[tokio::test]
async fn the_store_keeps_the_contract() {
    let clock = Arc::new(Hand::default());
    let turn = async |by: Duration| clock.turn(by);
    let store = MemoryStore::new().clock(clock.clone());
    cursor_conformance(store.clone(), turn).await;
    let shared: Arc<dyn CursorStore> = Arc::new(store);
    cursor_conformance(shared, turn).await;
}

/// What a store may do wrong.
#[derive(Clone, Copy, Debug)]
enum Defect {
    KeepsForEver,
    AsksNobodyWhoItIs,
    RevokesNothing,
    RevokesWhatComesLater,
    RevokesOneOnly,
    CutsValues,
}

#[derive(Clone)]
struct Broken {
    store: MemoryStore,
    defect: Defect,
    revoked: Arc<Mutex<Vec<Key>>>,
    last: Arc<Mutex<[u8; 16]>>,
}

impl Broken {
    fn owner(&self, owner: &Key) -> Key {
        match self.defect {
            Defect::AsksNobodyWhoItIs => Key::from("anybody"),
            _ => owner.clone(),
        }
    }
}

impl CursorStore for Broken {
    fn put(&self, put: Put<'_>) -> StoreFuture<Result<(), StoreError>> {
        *self.last.lock().unwrap() = put.handle;
        let value = match self.defect {
            Defect::CutsValues => put.value.slice(..put.value.len().min(1_000)),
            _ => put.value,
        };
        let time = match self.defect {
            Defect::KeepsForEver => Duration::from_secs(1_000_000),
            _ => put.expires_after,
        };
        self.store.put(Put::new(put.handle, &self.owner(put.owner), value, time))
    }

    fn get(&self, get: Get<'_>) -> StoreFuture<Result<Option<Bytes>, StoreError>> {
        if self.revoked.lock().unwrap().contains(get.owner) {
            return StoreFuture::ready(Ok(None));
        }
        self.store.get(Get::new(get.handle, &self.owner(get.owner)))
    }

    fn revoke(&self, revoke: Revoke<'_>) -> StoreFuture<Result<(), StoreError>> {
        match self.defect {
            Defect::RevokesNothing => StoreFuture::ready(Ok(())),
            Defect::RevokesWhatComesLater => {
                self.revoked.lock().unwrap().push(revoke.owner.clone());
                StoreFuture::ready(Ok(()))
            }
            Defect::RevokesOneOnly => {
                let last = *self.last.lock().unwrap();
                let gone = Put::new(last, revoke.owner, Bytes::new(), Duration::ZERO);
                self.store.put(gone)
            }
            _ => self.store.revoke(revoke),
        }
    }
}

#[tokio::test]
async fn a_store_that_breaks_the_contract_is_found_out() {
    for defect in [
        Defect::KeepsForEver,
        Defect::AsksNobodyWhoItIs,
        Defect::RevokesNothing,
        Defect::RevokesWhatComesLater,
        Defect::RevokesOneOnly,
        Defect::CutsValues,
    ] {
        let clock = Arc::new(Hand::default());
        let store = MemoryStore::new().clock(clock.clone());
        let broken = Broken { store, defect, revoked: Arc::default(), last: Arc::default() };
        let suite = async move { cursor_conformance(broken, async |by| clock.turn(by)).await };
        let set = LocalSet::new();
        let checked = set.spawn_local(suite);
        let error = set.run_until(checked).await.unwrap_err();
        assert!(error.is_panic(), "{defect:?}");
    }
}

/// Milliseconds.
#[derive(Debug, Default)]
struct Hand(AtomicU64);

impl Hand {
    fn turn(&self, by: Duration) {
        self.0.fetch_add(by.as_millis() as u64, Ordering::Relaxed);
    }
}

impl Clock for Hand {
    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::Relaxed))
    }

    fn unix(&self) -> Duration {
        self.monotonic()
    }
}

#[tokio::test]
async fn a_cursor_is_kept_for_as_long_as_was_said() {
    let clock = Arc::new(Hand::default());
    let store = MemoryStore::new().clock(clock.clone());
    let owner = Key::from("alice");
    let put = Put::new([1; 16], &owner, Bytes::from_static(b"a"), Duration::from_secs(10));
    store.put(put).await.unwrap();
    for (second, is_there) in [(9, true), (10, false), (9, false)] {
        clock.0.store(second * 1_000, Ordering::Relaxed);
        let found = store.get(Get::new([1; 16], &owner)).await.unwrap();
        assert_eq!(found.is_some(), is_there, "{second}");
    }
}

#[tokio::test]
async fn memory_has_a_bound() {
    let store = MemoryStore::new().max_bytes(100_000);
    let owner = Key::from("alice");
    for number in 0..10_000_u128 {
        let value = Bytes::from(vec![0; 100]);
        let handle = number.to_be_bytes();
        store.put(Put::new(handle, &owner, value, Duration::from_secs(60))).await.unwrap();
    }
    let mut there = 0;
    for number in 0..10_000_u128 {
        let found = store.get(Get::new(number.to_be_bytes(), &owner)).await.unwrap();
        there += u64::from(found.is_some());
    }
    // moka makes room a little later than it is needed.
    assert!(there * 300 < 400_000, "{there} are kept");
}

/// Clients that page through lists: each comes back with its last cursor, and is given another.
#[tokio::test]
async fn a_full_store_has_room_for_new_cursors() {
    let store = MemoryStore::new().max_bytes(100_000);
    let owner = Key::from("alice");
    let mut last = [0_u128; 100];
    for round in 0..20 {
        for (client, last) in (1..).zip(&mut last) {
            let found = store.get(Get::new(last.to_be_bytes(), &owner)).await.unwrap();
            assert!(found.is_some() || round == 0, "client {client} in round {round}");
            *last = round * 100 + client;
            let value = Bytes::from(vec![0; 100]);
            let put = Put::new(last.to_be_bytes(), &owner, value, Duration::from_secs(60));
            store.put(put).await.unwrap();
        }
    }
}

fn sort() -> Sort {
    Sort::new(vec![Column::new("name", Kind::Text), Column::new("id", Kind::Int).unique()]).unwrap()
}

fn place(name: &str) -> Anchor {
    Anchor::new(&sort(), Direction::Backward, vec![name.into(), 1_i64.into()]).unwrap()
}

fn of(owner: &str) -> Binding {
    Binding::new().part("path", b"/orders").owner(&Key::from(owner))
}

async fn read(
    cursors: &Cursors,
    binding: &Binding,
    token: &str,
) -> Result<Anchor, CursorErrorKind> {
    let verified = cursors.verify(binding, token).await.map_err(|error| error.kind())?;
    verified.anchor(&sort()).map_err(|error| error.kind())
}

#[tokio::test]
async fn a_token_is_a_name_whatever_it_stands_for() {
    let cursors = Cursors::stored(MemoryStore::new()).build().unwrap();
    let long = place(&"a".repeat(10_000));
    let encoder = cursors.encoder(&of("alice"), &sort());
    let token = encoder.encode(&long).await.unwrap();
    assert_eq!(token.len(), 23);
    assert_eq!(read(&cursors, &of("alice"), &token).await, Ok(long.clone()));
    let again = encoder.encode(&long).await.unwrap();
    assert_ne!(again, token, "nobody can tell what it stands for");

    for (binding, expected) in [
        (of("bob"), CursorErrorKind::Unknown),
        (Binding::new().part("path", b"/orders"), CursorErrorKind::Unknown),
        (of("alice").part("filter", b"open"), CursorErrorKind::Forged),
    ] {
        assert_eq!(read(&cursors, &binding, &token).await, Err(expected));
    }
    for wrong in ["", "x", &token[1..], &format!("{token}A"), "EwAAAAAAAAAAAAAAAAAAAAA"] {
        assert!(read(&cursors, &of("alice"), wrong).await.is_err(), "{wrong}");
    }
    let other = Sort::new(vec![Column::new("id", Kind::Int).unique()]).unwrap();
    let verified = cursors.verify(&of("alice"), &token).await.unwrap();
    assert_eq!(verified.anchor(&other).unwrap_err().kind(), CursorErrorKind::OtherSort);
}

/// Gives back what was put first.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<Row>>>);

type Row = ([u8; 16], Bytes);

impl CursorStore for Kept {
    fn put(&self, put: Put<'_>) -> StoreFuture<Result<(), StoreError>> {
        self.0.lock().unwrap().push((put.handle, put.value));
        StoreFuture::ready(Ok(()))
    }

    fn get(&self, _: Get<'_>) -> StoreFuture<Result<Option<Bytes>, StoreError>> {
        StoreFuture::ready(Ok(self.0.lock().unwrap().first().map(|(_, value)| value.clone())))
    }

    fn revoke(&self, _: Revoke<'_>) -> StoreFuture<Result<(), StoreError>> {
        StoreFuture::ready(Ok(()))
    }
}

/// What a store has to know after the next release, too.
#[tokio::test]
async fn what_is_kept_is_this() {
    let kept = Kept::default();
    let cursors = Cursors::stored(kept.clone()).epoch(7).build().unwrap();
    let token = cursors.encoder(&of("alice"), &sort()).encode(&place("a")).await.unwrap();
    let (handle, value) = kept.0.lock().unwrap()[0].clone();
    let bytes = data_encoding::BASE64URL_NOPAD.decode(token.as_bytes()).unwrap();
    assert_eq!(bytes, [&[0x13][..], &handle].concat());
    let golden = "0700000000000000fd46e9dc3a1851749f657252f9eaf30047fbcbb52adc9bd86579f39f259c703e699f1e016102";
    assert_eq!(data_encoding::HEXLOWER.encode(&value), golden);
    assert_eq!(read(&cursors, &of("alice"), &token).await, Ok(place("a")));
}

#[tokio::test]
async fn cursors_are_taken_back() {
    let store = MemoryStore::new();
    let cursors = Cursors::stored(store.clone()).build().unwrap();
    let make =
        async |owner| cursors.encoder(&of(owner), &sort()).encode(&place("a")).await.unwrap();
    let (alices, bobs) = (make("alice").await, make("bob").await);
    cursors.revoke(&Key::from("alice")).await.unwrap();
    assert_eq!(read(&cursors, &of("alice"), &alices).await, Err(CursorErrorKind::Unknown));
    assert_eq!(read(&cursors, &of("bob"), &bobs).await, Ok(place("a")));
    let later = make("alice").await;
    assert_eq!(read(&cursors, &of("alice"), &later).await, Ok(place("a")));
    // Nor does another epoch know them.
    let next = Cursors::stored(store).epoch(1).build().unwrap();
    assert_eq!(read(&next, &of("alice"), &later).await, Err(CursorErrorKind::Forged));
}

/// Says no while it is told to.
#[derive(Clone)]
struct Away {
    store: MemoryStore,
    is_away: Arc<AtomicBool>,
}

impl Away {
    fn or<T: Send + 'static>(
        &self,
        operation: impl FnOnce() -> StoreFuture<Result<T, StoreError>>,
    ) -> StoreFuture<Result<T, StoreError>> {
        match self.is_away.load(Ordering::Relaxed) {
            true => StoreFuture::ready(Err(StoreError::new(StoreErrorKind::Unavailable))),
            false => operation(),
        }
    }
}

impl CursorStore for Away {
    fn put(&self, put: Put<'_>) -> StoreFuture<Result<(), StoreError>> {
        self.or(|| self.store.put(put))
    }

    fn get(&self, get: Get<'_>) -> StoreFuture<Result<Option<Bytes>, StoreError>> {
        self.or(|| self.store.get(get))
    }

    fn revoke(&self, revoke: Revoke<'_>) -> StoreFuture<Result<(), StoreError>> {
        self.or(|| self.store.revoke(revoke))
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_away_is_nobodys_fault() {
    let away = Away { store: MemoryStore::new(), is_away: Arc::default() };
    let cursors = Cursors::stored(away.clone()).build().unwrap();
    let encoder = cursors.encoder(&of("alice"), &sort());
    let token = encoder.encode(&place("a")).await.unwrap();
    away.is_away.store(true, Ordering::Relaxed);
    assert_eq!(read(&cursors, &of("alice"), &token).await, Err(CursorErrorKind::Unavailable));
    let unmade = encoder.encode(&place("a")).await.unwrap_err();
    assert_eq!(unmade.kind(), CursorErrorKind::Unavailable);
    assert!(cursors.revoke(&Key::from("alice")).await.is_err());
    away.is_away.store(false, Ordering::Relaxed);
    // Longer than somebody waits before the next try.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(read(&cursors, &of("alice"), &token).await, Ok(place("a")));
}
