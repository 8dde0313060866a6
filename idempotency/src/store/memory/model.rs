//! The store beside a naive one: a map, no shards, no limits, nothing purged.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;

use super::tests::HandClock;
use super::*;
use crate::lookup::{Fingerprint, Lookup, Token};
use crate::store::{Answer, Record, State};

#[derive(Clone, Debug)]
enum Operation {
    Claim { key: u8, token: u8, print: u8, lease: u8, retention: u8, observed: Option<u8> },
    Renew { key: u8, token: u8, lease: u8, checkpoint: Option<u8> },
    Complete { key: u8, token: u8, print: u8, body: Option<u8>, retention: u8 },
    Release { key: u8, token: u8 },
    Advance(u8),
}

fn operation() -> impl Strategy<Value = Operation> {
    let (key, token, print) = (0..3_u8, 0..3_u8, 0..2_u8);
    let (lease, retention, byte) = (0..6_u8, 0..24_u8, 0..4_u8);
    prop_oneof![
        4 => (key.clone(), token.clone(), print.clone(), lease.clone(), retention.clone(),
            proptest::option::of(token.clone()))
            .prop_map(|(key, token, print, lease, retention, observed)| {
                Operation::Claim { key, token, print, lease, retention, observed }
            }),
        2 => (key.clone(), token.clone(), lease, proptest::option::of(byte.clone())).prop_map(
            |(key, token, lease, checkpoint)| Operation::Renew { key, token, lease, checkpoint }
        ),
        2 => (key.clone(), token.clone(), print, proptest::option::of(byte), retention).prop_map(
            |(key, token, print, body, retention)| {
                Operation::Complete { key, token, print, body, retention }
            }
        ),
        1 => (key, token).prop_map(|(key, token)| Operation::Release { key, token }),
        3 => (0..8_u8).prop_map(Operation::Advance),
    ]
}

#[derive(Clone, Debug, PartialEq)]
enum Outcome {
    Claimed(Claimed),
    Held(Held),
    Completed(Completed),
    Refused,
    Nothing,
}

const fn ms(n: u8) -> Duration {
    Duration::from_millis(n as u64)
}

fn token(n: u8) -> Token {
    Token::from_bytes([n; 16])
}

fn print(n: u8) -> Fingerprint {
    Fingerprint::from_bytes([n; 32])
}

fn answer(body: Option<u8>) -> Answer {
    let body = body.map(|n| Bytes::from(vec![n; usize::from(n)]));
    Answer::new(Bytes::from_static(b"head"), body)
}

#[derive(Debug)]
struct Naive {
    now: Duration,
    records: HashMap<u8, Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    token: u8,
    print: u8,
    attempt: u32,
    until: Duration,
    lease_end: Duration,
    checkpoint: Option<u8>,
    answer: Option<Answer>,
}

impl Entry {
    fn record(&self, now: Duration) -> Record {
        let state = match &self.answer {
            Some(answer) => State::Completed(answer.clone()),
            None => State::Pending { lease_left: self.lease_end.saturating_sub(now) },
        };
        Record::new(print(self.print), token(self.token), self.attempt, state)
    }

    fn pending_of(&self, token: u8) -> bool {
        self.answer.is_none() && self.token == token
    }
}

fn bytes(checkpoint: Option<u8>) -> Option<Bytes> {
    checkpoint.map(|n| Bytes::from(vec![n]))
}

impl Naive {
    fn apply(&mut self, operation: &Operation) -> Outcome {
        let now = self.now;
        self.records.retain(|_, entry| now < entry.until);
        match *operation {
            Operation::Claim { key, token, print, lease, retention, observed } => {
                let entry = self.records.entry(key).or_insert(Entry {
                    token,
                    print,
                    attempt: 1,
                    until: now + ms(retention),
                    lease_end: now + ms(lease),
                    checkpoint: None,
                    answer: None,
                });
                let lapsed = entry.answer.is_none() && entry.lease_end <= now;
                if token != entry.token && lapsed && observed == Some(entry.token) {
                    entry.token = token;
                    entry.attempt += 1;
                    entry.lease_end = now + ms(lease);
                    entry.until = now + ms(retention);
                }
                Outcome::Claimed(match entry.pending_of(token) {
                    true => Claimed::Owned {
                        attempt: entry.attempt,
                        checkpoint: bytes(entry.checkpoint),
                    },
                    false => Claimed::Taken(entry.record(now)),
                })
            }
            Operation::Renew { key, token, lease, checkpoint } => {
                let entry = self.records.get_mut(&key).filter(|entry| entry.pending_of(token));
                Outcome::Held(match entry {
                    None => Held::Lost,
                    Some(entry) => {
                        entry.lease_end = now + ms(lease);
                        entry.checkpoint = checkpoint.or(entry.checkpoint);
                        Held::Held
                    }
                })
            }
            Operation::Complete { key, token, print, body, retention } => {
                let entry = self.records.entry(key).or_insert(Entry {
                    token,
                    print,
                    attempt: 7,
                    until: now,
                    lease_end: now,
                    checkpoint: None,
                    answer: None,
                });
                Outcome::Completed(if entry.pending_of(token) {
                    entry.answer = Some(answer(body));
                    entry.until = now + ms(retention);
                    Completed::Stored
                } else if entry.token == token {
                    Completed::Stored
                } else {
                    Completed::Lost(entry.record(now))
                })
            }
            Operation::Release { key, token } => {
                if self.records.get(&key).is_some_and(|entry| entry.pending_of(token)) {
                    self.records.remove(&key);
                }
                Outcome::Nothing
            }
            Operation::Advance(by) => {
                self.now += ms(by);
                Outcome::Nothing
            }
        }
    }
}

fn now<T>(future: StoreFuture<T>) -> T {
    future.try_ready().expect("a store in memory answers at once")
}

fn apply(store: &MemoryStore, clock: &HandClock, operation: &Operation) -> Outcome {
    let lookup = |key: u8| Lookup::new(None, None, &[key]);
    match *operation {
        Operation::Claim { key, token: owner, print: on, lease, retention, observed } => {
            let lookup = lookup(key);
            let claim = Claim::new(&lookup, token(owner), print(on), ms(lease), ms(retention));
            let claim = Claim { take_over: observed.map(token), ..claim };
            Outcome::Claimed(now(store.claim(claim)).unwrap())
        }
        Operation::Renew { key, token: owner, lease, checkpoint } => {
            let lookup = lookup(key);
            let renew = Renew::new(&lookup, token(owner), ms(lease));
            let renew = Renew { checkpoint: bytes(checkpoint), ..renew };
            now(store.renew(renew)).map_or(Outcome::Refused, Outcome::Held)
        }
        Operation::Complete { key, token: owner, print: on, body, retention } => {
            let lookup = lookup(key);
            let answer = answer(body);
            let complete =
                Complete::new(&lookup, token(owner), 7, print(on), answer, ms(retention));
            now(store.complete(complete)).map_or(Outcome::Refused, Outcome::Completed)
        }
        Operation::Release { key, token: owner } => {
            now(store.release(Release::new(&lookup(key), token(owner)))).unwrap();
            Outcome::Nothing
        }
        Operation::Advance(by) => {
            clock.advance(ms(by));
            Outcome::Nothing
        }
    }
}

proptest! {
    #[test]
    fn the_store_does_what_a_naive_one_does(
        operations in proptest::collection::vec(operation(), 1..120),
    ) {
        let clock = Arc::new(HandClock::default());
        let store = MemoryStore::builder().clock(Arc::clone(&clock) as _).build().unwrap();
        let mut naive = Naive { now: Duration::ZERO, records: HashMap::new() };
        for operation in &operations {
            let (expected, seen) = (naive.apply(operation), apply(&store, &clock, operation));
            prop_assert_eq!(seen, expected, "{:?}", operation);
        }
        store.0.audit();
    }

    #[test]
    fn a_store_with_little_room_keeps_its_books(
        operations in proptest::collection::vec(operation(), 1..120),
    ) {
        let clock = Arc::new(HandClock::default());
        let (heads, most) = (3 * 4, 2 * ledger::RESERVED + 10);
        let builder = MemoryStore::builder().max_bytes(most);
        let store = builder.clock(Arc::clone(&clock) as _).build().unwrap();
        for operation in &operations {
            let before = store.stats().refused;
            let outcome = apply(&store, &clock, operation);
            let refused = matches!(outcome, Outcome::Refused | Outcome::Claimed(Claimed::Full));
            prop_assert_eq!(store.stats().refused, before + u64::from(refused));
            prop_assert!(store.stats().bytes <= most + heads);
            store.0.audit();
        }
    }
}
