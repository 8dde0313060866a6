//! The operations on one key, on a real server.

use std::time::Duration;

use bytes::Bytes;
use redis::cmd;
use stonework_core::StoreErrorKind;
use stonework_idempotency::store::{
    Answer, Claim, Claimed, Complete, Completed, Held, IdempotencyStore, Record, Release, Renew,
    State,
};
use stonework_idempotency::{Fingerprint, Lookup, Token};

use super::redis::Server;

pub(crate) const DAY: Duration = Duration::from_secs(24 * 60 * 60);
pub(crate) const LEASE: Duration = Duration::from_secs(30);
pub(crate) const FINGERPRINT: Fingerprint = Fingerprint::from_bytes([7; 32]);

pub(crate) fn lookup(key: &str) -> Lookup {
    Lookup::new(None, None, key.as_bytes())
}

pub(crate) fn key(lookup: &Lookup) -> String {
    let hex: String = lookup.id().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("stonework:idempotency:{hex}")
}

pub(crate) fn answer() -> Answer {
    Answer::new(Bytes::from_static(b"head \r\n\0\xff"), Some(Bytes::from_static(b"body \0\xff")))
}

/// The operations on one key, as the layer would ask for them.
pub(crate) struct Run<'a, S> {
    pub(crate) store: &'a S,
    pub(crate) lookup: Lookup,
    pub(crate) token: Token,
}

impl<'a, S: IdempotencyStore> Run<'a, S> {
    pub(crate) fn new(store: &'a S, key: &str) -> Self {
        Self { store, lookup: lookup(key), token: Token::random() }
    }

    /// Somebody else who comes with the same key.
    pub(crate) fn other(&self) -> Self {
        Self { token: Token::random(), ..*self }
    }

    pub(crate) fn asks(&self) -> Claim<'_> {
        Claim::new(&self.lookup, self.token, FINGERPRINT, LEASE, DAY)
    }

    pub(crate) async fn try_claim(&self) -> Result<Claimed, StoreErrorKind> {
        self.store.claim(self.asks()).await.map_err(|error| error.kind())
    }

    pub(crate) async fn claim(&self) -> Claimed {
        self.try_claim().await.unwrap()
    }

    pub(crate) async fn take_over(&self, seen: Token) -> Claimed {
        self.store.claim(self.asks().taking_over(seen)).await.unwrap()
    }

    pub(crate) async fn renew(&self, lease: Duration) -> Held {
        self.store.renew(Renew::new(&self.lookup, self.token, lease)).await.unwrap()
    }

    pub(crate) async fn save(&self, checkpoint: &'static [u8]) -> Held {
        let renew = Renew::new(&self.lookup, self.token, LEASE);
        self.store.renew(renew.with_checkpoint(checkpoint.into())).await.unwrap()
    }

    pub(crate) fn completes(&self, answer: Answer) -> Complete<'_> {
        Complete::new(&self.lookup, self.token, 1, FINGERPRINT, answer, DAY)
    }

    pub(crate) async fn try_complete(&self) -> Result<Completed, StoreErrorKind> {
        self.store.complete(self.completes(answer())).await.map_err(|error| error.kind())
    }

    pub(crate) async fn complete(&self) -> Completed {
        self.try_complete().await.unwrap()
    }

    pub(crate) async fn release(&self) {
        self.store.release(Release::new(&self.lookup, self.token)).await.unwrap();
    }

    pub(crate) fn record(&self, attempt: u32, state: State) -> Record {
        Record::new(FINGERPRINT, self.token, attempt, state)
    }
}

pub(crate) fn owned(attempt: u32) -> Claimed {
    Claimed::Owned { attempt, checkpoint: None }
}

/// What is left of the lease of the pending record that was told.
pub(crate) fn lease_left(claimed: &Claimed, owner: Token) -> Duration {
    match claimed {
        Claimed::Taken(Record { token, state: State::Pending { lease_left }, .. })
            if *token == owner =>
        {
            *lease_left
        }
        other => panic!("not pending by {owner:?}: {other:?}"),
    }
}

pub(crate) async fn pttl(server: &Server, lookup: &Lookup) -> i64 {
    server.ask(cmd("PTTL").arg(key(lookup))).await
}

/// Lets a record of this retention grow old, without waiting: its age is what its TTL lacks.
pub(crate) async fn grow_old(server: &Server, lookup: &Lookup, retention: Duration, age: Duration) {
    let left = (retention - age).as_millis() as u64;
    let set: bool = server.ask(cmd("PEXPIRE").arg(key(lookup)).arg(left)).await;
    assert!(set, "there is a record");
}

#[track_caller]
pub(crate) fn assert_close(ttl: i64, retention: Duration) {
    let retention = retention.as_millis() as i64;
    assert!((retention - 20_000..=retention).contains(&ttl), "{ttl} of {retention}");
}

/// Makes every record of a server older, as if so much time had passed.
pub(crate) async fn turn(server: &Server, by: Duration) {
    let older = "for _, key in ipairs(redis.call('KEYS', '*')) do
        local left = redis.call('PTTL', key)
        if left >= 0 then redis.call('PEXPIRE', key, left - ARGV[1]) end
    end";
    server.ask::<()>(cmd("EVAL").arg(older).arg(0).arg(by.as_millis() as u64)).await;
}
