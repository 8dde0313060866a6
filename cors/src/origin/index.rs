//! How a set is looked up, as fast with 100,000 origins as with one, and without allocating.

use std::borrow::Borrow;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::{Hash, Hasher};

use foldhash::fast::RandomState;
use http::HeaderValue;

use super::OriginPattern;
use super::read::Ports;
use super::serialized::{MAX_LEN, Serialized};

/// Up to so many are compared one by one, which costs less than a hash.
const FEW: usize = 8;

/// Whoever asks chooses what is looked up, and never what is stored, so a fast hash does, with a seed of
/// its own.
type Map<V> = HashMap<Box<[u8]>, V, RandomState>;

/// The origins without a wildcard, as values that can be sent back.
#[derive(Clone, Debug)]
pub(super) enum Exact {
    Few(Vec<HeaderValue>),
    Many(HashSet<Stored, RandomState>),
}

/// Hashed and compared by its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stored(HeaderValue);

impl Borrow<[u8]> for Stored {
    fn borrow(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl Hash for Stored {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.as_bytes().hash(state);
    }
}

impl Exact {
    pub(super) fn of(patterns: &[OriginPattern]) -> Self {
        let exact = patterns.iter().filter(|pattern| pattern.is_exact());
        let values: Vec<_> = exact.filter_map(|pattern| stored(pattern.as_str())).collect();
        if values.len() <= FEW {
            return Self::Few(values);
        }
        Self::Many(values.into_iter().map(Stored).collect())
    }

    pub(super) fn get(&self, origin: &[u8]) -> Option<&HeaderValue> {
        match self {
            Self::Few(values) => values.iter().find(|value| value.as_bytes() == origin),
            // Nobody makes us hash a megabyte.
            Self::Many(_) if origin.len() > MAX_LEN => None,
            Self::Many(values) => values.get(origin).map(|Stored(value)| value),
        }
    }
}

/// A value whose clones do not allocate: the first one does, which makes it a shared one.
fn stored(text: &str) -> Option<HeaderValue> {
    // Visible ASCII, as all patterns are, is always a value.
    let value = HeaderValue::from_str(text).ok()?;
    drop(value.clone());
    Some(value)
}

impl Default for Exact {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

/// The patterns with a wildcard, by scheme.
#[derive(Clone, Debug, Default)]
pub(super) struct Wild(Map<Hosts>);

#[derive(Clone, Debug, Default)]
struct Hosts {
    /// Of one host.
    one: Map<Allowed>,
    /// Of all hosts under one.
    under: Map<Allowed>,
    /// The longest key of `under`. What is longer need not be hashed.
    longest: usize,
}

#[derive(Clone, Debug, Default)]
struct Allowed {
    any: bool,
    ports: BTreeSet<Option<u16>>,
}

impl Wild {
    pub(super) fn of(patterns: &[OriginPattern]) -> Self {
        let mut wild = Self::default();
        for pattern in patterns.iter().filter(|pattern| !pattern.is_exact()) {
            wild.0.entry(pattern.scheme().as_bytes().into()).or_default().insert(pattern);
        }
        wild
    }

    pub(super) fn contains(&self, origin: &[u8]) -> bool {
        if self.0.is_empty() {
            return false;
        }
        Serialized::parse(origin).is_some_and(|origin| {
            let hosts = self.0.get(origin.scheme);
            hosts.is_some_and(|hosts| hosts.contains(origin.host, origin.port))
        })
    }
}

impl Hosts {
    fn insert(&mut self, pattern: &OriginPattern) {
        let base = pattern.base().as_bytes();
        let hosts = if pattern.has_subdomains() {
            self.longest = self.longest.max(base.len());
            &mut self.under
        } else {
            &mut self.one
        };
        hosts.entry(base.into()).or_default().insert(pattern.ports());
    }

    fn contains(&self, host: &[u8], port: Option<u16>) -> bool {
        let is_allowed = |allowed: &Allowed| allowed.contains(port);
        self.one.get(host).is_some_and(is_allowed)
            || self.above(host).any(|base| self.under.get(base).is_some_and(is_allowed))
    }

    /// What stands behind each dot of a host, the longest first.
    fn above<'a>(&self, host: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        let start = host.len().saturating_sub(self.longest + 1);
        let dots = (start..host.len()).filter(|&at| host[at] == b'.');
        dots.map(|dot| &host[dot + 1..])
    }
}

impl Allowed {
    fn insert(&mut self, ports: Ports) {
        match ports {
            Ports::Any => self.any = true,
            Ports::One(port) => {
                self.ports.insert(port);
            }
        }
    }

    fn contains(&self, port: Option<u16>) -> bool {
        self.any || self.ports.contains(&port)
    }
}
