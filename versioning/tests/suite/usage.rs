use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use stonework_versioning::store::{Seen, UsageStore, User, Users};
use stonework_versioning::{Key, Moment, StoreError, StoreFuture};
use tokio::task::yield_now;

use super::Name;

/// What is wrong with a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    Lowers,
    NeverRaises,
    KeepsAll,
    RemembersNothing,
    LooksBeforeItRaises,
    LosesOthers,
    FirstSeenFirst,
    InOrderOfArrival,
    InOrderOfDigits,
    IgnoresMost,
    TellsAllForNone,
    LimitsToTen,
    KnowsNoVersions,
    IgnoresCase,
    TrimsVersions,
    CountsIn32Bits,
    CountsMinutes,
}

pub(crate) const FAULTS: [Fault; 17] = [
    Fault::Lowers,
    Fault::NeverRaises,
    Fault::KeepsAll,
    Fault::RemembersNothing,
    Fault::LooksBeforeItRaises,
    Fault::LosesOthers,
    Fault::FirstSeenFirst,
    Fault::InOrderOfArrival,
    Fault::InOrderOfDigits,
    Fault::IgnoresMost,
    Fault::TellsAllForNone,
    Fault::LimitsToTen,
    Fault::KnowsNoVersions,
    Fault::IgnoresCase,
    Fault::TrimsVersions,
    Fault::CountsIn32Bits,
    Fault::CountsMinutes,
];

type Known = Vec<(Vec<u8>, u64)>;

#[derive(Clone)]
pub(crate) struct Broken {
    name: Name,
    fault: Fault,
    versions: Arc<Mutex<HashMap<String, Known>>>,
}

impl Broken {
    pub(crate) fn new(name: Name, fault: Fault) -> Self {
        Self { name, fault, versions: Arc::default() }
    }

    fn version(&self, version: &str) -> String {
        match self.fault {
            Fault::KnowsNoVersions => String::new(),
            Fault::IgnoresCase => version.to_lowercase(),
            Fault::TrimsVersions => version.trim().to_owned(),
            _ => version.to_owned(),
        }
    }

    fn at(&self, at: Moment) -> u64 {
        match self.fault {
            Fault::CountsIn32Bits => u64::from(at.as_unix() as u32),
            Fault::CountsMinutes if at.as_unix() > 1_000_000 => at.as_unix() / 60 * 60,
            _ => at.as_unix(),
        }
    }

    fn known(&self, version: &str) -> Known {
        self.versions.lock().unwrap().get(version).cloned().unwrap_or_default()
    }

    fn keep(&self, version: &str, known: Known) {
        self.versions.lock().unwrap().insert(version.to_owned(), known);
    }

    async fn see(&self, version: &str, account: Vec<u8>, at: u64) {
        let position = |known: &Known| known.iter().position(|(name, _)| *name == account);
        let mut known = self.known(version);
        let mut found = position(&known);
        match self.fault {
            Fault::LosesOthers => yield_now().await,
            Fault::LooksBeforeItRaises => {
                let later = found.is_some_and(|found| known[found].1 >= at);
                yield_now().await;
                if later {
                    return;
                }
                known = self.known(version);
                found = position(&known);
                known.retain(|(name, _)| *name != account);
                found.take();
            }
            _ => {}
        }
        match found {
            None => known.push((account, at)),
            Some(_) if self.fault == Fault::KeepsAll => known.push((account, at)),
            Some(_) if self.fault == Fault::NeverRaises => {}
            Some(found) if self.fault == Fault::Lowers => known[found].1 = at,
            Some(found) => known[found].1 = known[found].1.max(at),
        }
        self.keep(version, known);
    }

    fn list(&self, version: &str, most: usize) -> Known {
        let mut known = self.known(version);
        match self.fault {
            Fault::InOrderOfArrival => {}
            Fault::FirstSeenFirst => known.sort_by_key(|(_, at)| *at),
            Fault::InOrderOfDigits => known.sort_by_key(|(_, at)| Reverse(at.to_string())),
            _ => known.sort_by_key(|(_, at)| Reverse(*at)),
        }
        match self.fault {
            Fault::IgnoresMost => {}
            Fault::TellsAllForNone if most == 0 => {}
            Fault::LimitsToTen => known.truncate(most.min(10)),
            _ => known.truncate(most),
        }
        known
    }
}

impl UsageStore for Broken {
    fn seen(&self, seen: Seen<'_>) -> StoreFuture<Result<(), StoreError>> {
        let store = self.clone();
        let (version, account) = (self.version(seen.version), self.name.of(seen.account));
        let at = self.at(seen.at);
        StoreFuture::new(async move {
            if store.fault != Fault::RemembersNothing {
                store.see(&version, account, at).await;
            }
            Ok(())
        })
    }

    fn users(&self, users: Users<'_>) -> StoreFuture<Result<Vec<User>, StoreError>> {
        let known = self.list(&self.version(users.version), users.most);
        let user = |(name, at): (Vec<u8>, u64)| User::new(Key::from(&name[..]), Moment::unix(at));
        StoreFuture::ready(Ok(known.into_iter().map(user).collect()))
    }
}
