//! What a store over Redis does when others are at the same key, or the same thing comes twice.

// A helper of a test may panic as the test may.
#![allow(clippy::unwrap_used)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::{Cmd, Pipeline, RedisFuture, Value, cmd};
use stonework_core::{StoreErrorKind, StoreFuture};
use stonework_idempotency::Token;
use stonework_idempotency::store::redis1::RedisStore;
use stonework_idempotency::store::{
    Claim, Claimed, Complete, Completed, Held, IdempotencyStore, Release, Renew, State,
};
use support::redis::{Counting, Server, Twice};
use support::run::{DAY, FINGERPRINT, LEASE, Run, answer, key, lease_left, lookup, owned, pttl};

#[tokio::test]
async fn scripts_survive_a_flush() {
    let server = Server::start().await;
    let store = RedisStore::new(server.connection().await);
    for round in ["first", "second"] {
        let flush = async || {
            server.ask::<()>(cmd("SCRIPT").arg("FLUSH").arg("SYNC")).await;
        };
        let run = Run::new(&store, round);
        let second = run.other();
        run.claim().await;
        flush().await;
        lease_left(&second.claim().await, run.token);
        flush().await;
        assert_eq!(run.renew(Duration::ZERO).await, Held::Held);
        flush().await;
        assert_eq!(second.take_over(run.token).await, owned(2));
        flush().await;
        assert_eq!(second.complete().await, Completed::Stored);
        flush().await;
        second.release().await;
        let replay = second.record(1, State::Completed(answer()));
        assert_eq!(run.claim().await, Claimed::Taken(replay));
    }
}

/// Every operation fails as incompatible, or leaves alone what is there.
async fn assert_left_alone(server: &Server, name: &str) {
    let dump: Vec<u8> = server.ask(cmd("DUMP").arg(key(&lookup(name)))).await;
    let store = RedisStore::new(server.connection().await);
    let token = Token::from_bytes([0x11; 16]);
    let run = Run { store: &store, lookup: lookup(name), token };
    let incompatible = StoreErrorKind::Incompatible;
    assert_eq!(run.try_claim().await.unwrap_err(), incompatible, "{name}");
    let claim = run.other();
    let taking_over = store.claim(claim.asks().taking_over(token)).await;
    assert_eq!(taking_over.unwrap_err().kind(), incompatible, "{name}");
    assert_eq!(run.try_complete().await.unwrap_err(), incompatible, "{name}");
    for renew in [
        Renew::new(&run.lookup, token, LEASE),
        Renew::new(&run.lookup, token, LEASE).with_checkpoint(Bytes::from_static(b"c")),
    ] {
        match store.renew(renew).await {
            // To a script an empty string and no string read alike.
            Ok(held) => assert_eq!((held, name), (Held::Lost, "no bytes")),
            Err(error) => assert_eq!(error.kind(), incompatible, "{name}"),
        }
    }
    if let Err(error) = store.release(Release::new(&run.lookup, token)).await {
        assert_eq!(error.kind(), incompatible, "{name}");
    }
    let now: Vec<u8> = server.ask(cmd("DUMP").arg(key(&run.lookup))).await;
    assert_eq!(now, dump, "{name} is untouched");
    assert_eq!(pttl(server, &run.lookup).await, -1, "{name} is untouched");
}

#[tokio::test]
async fn what_cannot_be_read_is_an_error_and_stays_untouched() {
    let server = Server::start().await;
    let head = |version: u8, state: u8| [&[version, state][..], &[0x11; 16], &[0; 52]].concat();
    for (name, value) in [
        ("a later version", [head(2, 0), vec![0]].concat()),
        ("a later state", [head(1, 2), vec![0]].concat()),
        ("nothing but a state", vec![1, 0]),
        ("half a head", head(1, 0)[..40].to_vec()),
        ("text", b"OK".to_vec()),
        ("no bytes", vec![]),
    ] {
        server.ask::<()>(cmd("SET").arg(key(&lookup(name))).arg(value)).await;
        assert_left_alone(&server, name).await;
    }
    for (name, command) in [("a list", "RPUSH"), ("a set", "SADD")] {
        server.ask::<()>(cmd(command).arg(key(&lookup(name))).arg("x")).await;
        assert_left_alone(&server, name).await;
    }
}

/// Many who come at once with the same key: the token and attempt of the one who owns it.
async fn one_of_many(
    store: &RedisStore<MultiplexedConnection>,
    seen: Option<Token>,
) -> (Token, u32) {
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let store = store.clone();
        tasks.spawn(async move {
            let run = Run::new(&store, "k");
            let mut claim = run.asks();
            claim.take_over = seen;
            (run.token, store.claim(claim).await.unwrap())
        });
    }
    let mut owners = Vec::new();
    for (token, claimed) in tasks.join_all().await {
        match claimed {
            Claimed::Owned { attempt, checkpoint: None } => owners.push((token, attempt)),
            Claimed::Taken(_) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(owners.len(), 1, "{owners:?}");
    owners[0]
}

#[tokio::test]
async fn of_many_one_claims_and_one_takes_over() {
    let server = Server::start().await;
    let store = RedisStore::new(server.connection().await);
    let (first, attempt) = one_of_many(&store, None).await;
    assert_eq!(attempt, 1);
    store.renew(Renew::new(&lookup("k"), first, Duration::ZERO)).await.unwrap();
    let (second, attempt) = one_of_many(&store, Some(first)).await;
    assert_eq!(attempt, 2);
    assert_ne!(first, second);
}

#[tokio::test]
async fn an_operation_that_is_sent_twice_has_the_effect_of_one() {
    let server = Server::start().await;
    let store = RedisStore::new(Twice(server.connection().await));
    let run = Run::new(&store, "k");
    let second = run.other();
    assert_eq!(run.claim().await, owned(1));
    assert_eq!(run.save(b"c").await, Held::Held);
    assert_eq!(run.renew(Duration::ZERO).await, Held::Held);
    let taken = second.take_over(run.token).await;
    let checkpoint = Some(Bytes::from_static(b"c"));
    assert_eq!(taken, Claimed::Owned { attempt: 2, checkpoint });
    assert_eq!(second.complete().await, Completed::Stored);
    let replay = second.record(1, State::Completed(answer()));
    assert_eq!(run.claim().await, Claimed::Taken(replay.clone()));
    assert_eq!(run.complete().await, Completed::Lost(replay));

    let run = Run::new(&store, "released");
    assert_eq!(run.claim().await, owned(1));
    run.release().await;
    assert_eq!(pttl(&server, &run.lookup).await, -2);
}

/// Calls a hook with its number before every command: what others do in between.
#[derive(Clone)]
struct Between<C> {
    inner: C,
    sent: Arc<AtomicUsize>,
    hook: Arc<dyn Fn(usize) -> StoreFuture<()> + Send + Sync>,
}

impl<C> Between<C> {
    fn new(inner: C, hook: impl Fn(usize) -> StoreFuture<()> + Send + Sync + 'static) -> Self {
        Self { inner, sent: Arc::default(), hook: Arc::new(hook) }
    }
}

impl<C: ConnectionLike + Send> ConnectionLike for Between<C> {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        Box::pin(async move {
            (self.hook)(self.sent.fetch_add(1, Ordering::Relaxed)).await;
            self.inner.req_packed_command(cmd).await
        })
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        self.inner.req_packed_commands(pipeline, offset, count)
    }

    fn get_db(&self) -> i64 {
        self.inner.get_db()
    }
}

/// A store that knows the scripts of a claim already, so that commands can be counted.
async fn warm(server: &Server) -> RedisStore<MultiplexedConnection> {
    let store = RedisStore::new(server.connection().await);
    let run = Run::new(&store, "warm");
    run.claim().await;
    run.other().claim().await;
    store
}

#[tokio::test]
async fn a_claim_tells_what_is_there_when_it_looks_for_the_second_time() {
    let server = Server::start().await;
    let store = warm(&server).await;
    let run = Run::new(&store, "k");
    run.claim().await;

    let (owner, lookup, token) = (store.clone(), run.lookup, run.token);
    let completes = Between::new(server.connection().await, move |sent| {
        if sent != 1 {
            return StoreFuture::ready(());
        }
        let complete = Complete::new(&lookup, token, 1, FINGERPRINT, answer(), DAY);
        let completed = owner.complete(complete);
        StoreFuture::new(async move { assert_eq!(completed.await.unwrap(), Completed::Stored) })
    });
    let late = RedisStore::new(completes);
    let claimed = Run::new(&late, "k").claim().await;
    assert_eq!(claimed, Claimed::Taken(run.record(1, State::Completed(answer()))));
}

#[tokio::test]
async fn a_claim_begins_anew_when_the_record_has_gone_in_between() {
    let server = Server::start().await;
    let store = warm(&server).await;
    let run = Run::new(&store, "k");
    run.claim().await;

    let (owner, lookup, token) = (store.clone(), run.lookup, run.token);
    let releases = Between::new(server.connection().await, move |sent| {
        if sent != 1 {
            return StoreFuture::ready(());
        }
        let released = owner.release(Release::new(&lookup, token));
        StoreFuture::new(async move { released.await.unwrap() })
    });
    let late = RedisStore::new(releases);
    assert_eq!(Run::new(&late, "k").claim().await, owned(1));
}

#[tokio::test]
async fn a_key_that_comes_and_goes_all_the_time_is_told_as_in_flight() {
    let server = Server::start().await;
    let store = warm(&server).await;
    let run = Run::new(&store, "k");

    // Claimed before every SET of the other, released before it can look again.
    let (owner, lookup, token) = (store.clone(), run.lookup, run.token);
    let flickers = Between::new(server.connection().await, move |sent| {
        let claim = Claim::new(&lookup, token, FINGERPRINT, LEASE, DAY);
        let release = Release::new(&lookup, token);
        let (claims, releases) = (owner.clone(), owner.clone());
        if sent % 2 == 0 {
            let claimed = claims.claim(claim);
            StoreFuture::new(async move { assert_eq!(claimed.await.unwrap(), owned(1)) })
        } else {
            let released = releases.release(release);
            StoreFuture::new(async move { released.await.unwrap() })
        }
    });
    let counting = Counting::new(flickers);
    let late = RedisStore::new(counting.clone());
    let claimed = Run::new(&late, "k").claim().await;
    assert!(lease_left(&claimed, run.token) > Duration::ZERO);
    assert_eq!(counting.take(), 6, "it does not try for ever");
}
