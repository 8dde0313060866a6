use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use stonework_versioning::store::{Change, Changed, Lookup, Pin, PinStore, Pinned, Unpinned};
use stonework_versioning::{StoreError, StoreFuture};
use tokio::task::yield_now;

use super::Name;

/// What is wrong with a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    Overwrites,
    TellsWhatWasAskedFor,
    LooksBeforeItPins,
    MovesFromAnywhere,
    LooksBeforeItMoves,
    KnowsNoRepeats,
    CallsRepeatsNotPinned,
    PinsByMoving,
    SaysYesAndMovesNothing,
    UnpinsNothing,
    UnpinsAll,
    LooksBeforeItUnpins,
    AlwaysUnpinned,
    NumbersVersions,
    IgnoresCase,
    ForgetsWhenRead,
}

pub(crate) const FAULTS: [Fault; 16] = [
    Fault::Overwrites,
    Fault::TellsWhatWasAskedFor,
    Fault::LooksBeforeItPins,
    Fault::MovesFromAnywhere,
    Fault::LooksBeforeItMoves,
    Fault::KnowsNoRepeats,
    Fault::CallsRepeatsNotPinned,
    Fault::PinsByMoving,
    Fault::SaysYesAndMovesNothing,
    Fault::UnpinsNothing,
    Fault::UnpinsAll,
    Fault::LooksBeforeItUnpins,
    Fault::AlwaysUnpinned,
    Fault::NumbersVersions,
    Fault::IgnoresCase,
    Fault::ForgetsWhenRead,
];

#[derive(Clone)]
pub(crate) struct Broken {
    name: Name,
    fault: Fault,
    pins: Arc<Mutex<HashMap<Vec<u8>, String>>>,
}

impl Broken {
    pub(crate) fn new(name: Name, fault: Fault) -> Self {
        Self { name, fault, pins: Arc::default() }
    }

    fn has(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn pins(&self) -> MutexGuard<'_, HashMap<Vec<u8>, String>> {
        self.pins.lock().unwrap()
    }

    fn text(&self, version: &str) -> String {
        match version.parse::<u32>() {
            Ok(number) if self.has(Fault::NumbersVersions) => number.to_string(),
            _ => version.to_owned(),
        }
    }

    fn alike(&self, one: &str, two: &str) -> bool {
        one == two || self.has(Fault::IgnoresCase) && one.eq_ignore_ascii_case(two)
    }

    async fn pause_if(&self, fault: Fault) {
        if self.has(fault) {
            yield_now().await;
        }
    }

    async fn pin(&self, account: Vec<u8>, version: String) -> Pinned {
        let found = self.pins().get(&account).cloned();
        self.pause_if(Fault::LooksBeforeItPins).await;
        match found {
            Some(_) if self.has(Fault::TellsWhatWasAskedFor) => Pinned::To(version),
            Some(found) if !self.has(Fault::Overwrites) => Pinned::To(found),
            _ => {
                self.pins().insert(account, version.clone());
                Pinned::To(version)
            }
        }
    }

    async fn change(&self, account: Vec<u8>, from: String, to: String) -> Changed {
        let found = self.pins().get(&account).cloned();
        self.pause_if(Fault::LooksBeforeItMoves).await;
        let Some(found) = found else {
            if self.has(Fault::PinsByMoving) {
                self.pins().insert(account, to);
            }
            return Changed::NotPinned;
        };
        if self.alike(&found, &from) || self.has(Fault::MovesFromAnywhere) {
            if !self.has(Fault::SaysYesAndMovesNothing) {
                self.pins().insert(account, to);
            }
            return Changed::Yes;
        }
        match self.fault {
            Fault::KnowsNoRepeats => Changed::PinnedTo(found),
            Fault::CallsRepeatsNotPinned if found == to => Changed::NotPinned,
            _ if found == to => Changed::Yes,
            _ => Changed::PinnedTo(found),
        }
    }

    async fn take_off(&self, account: Vec<u8>) -> Unpinned {
        let found = self.pins().contains_key(&account);
        self.pause_if(Fault::LooksBeforeItUnpins).await;
        match self.fault {
            Fault::UnpinsNothing => {}
            Fault::UnpinsAll => self.pins().retain(|other, _| !other.starts_with(&account)),
            _ => drop(self.pins().remove(&account)),
        }
        if found || self.has(Fault::AlwaysUnpinned) { Unpinned::Yes } else { Unpinned::NotPinned }
    }
}

impl PinStore for Broken {
    fn get(&self, lookup: Lookup<'_>) -> StoreFuture<Result<Option<String>, StoreError>> {
        let account = self.name.of(lookup.account);
        StoreFuture::ready(Ok(match self.fault {
            Fault::ForgetsWhenRead => self.pins().remove(&account),
            _ => self.pins().get(&account).cloned(),
        }))
    }

    fn pin_if_absent(&self, pin: Pin<'_>) -> StoreFuture<Result<Pinned, StoreError>> {
        let (store, account) = (self.clone(), self.name.of(pin.account));
        let version = self.text(pin.version);
        StoreFuture::new(async move { Ok(store.pin(account, version).await) })
    }

    fn compare_and_set(&self, change: Change<'_>) -> StoreFuture<Result<Changed, StoreError>> {
        let (store, account) = (self.clone(), self.name.of(change.account));
        let (from, to) = (self.text(change.from), self.text(change.to));
        StoreFuture::new(async move { Ok(store.change(account, from, to).await) })
    }

    fn unpin(&self, lookup: Lookup<'_>) -> StoreFuture<Result<Unpinned, StoreError>> {
        let (store, account) = (self.clone(), self.name.of(lookup.account));
        StoreFuture::new(async move { Ok(store.take_off(account).await) })
    }
}
