//! The store over Redis keeps the contract, in as few round trips as it says.

// A helper of a test may panic as the test may.
#![allow(clippy::unwrap_used)]

mod support;

use std::time::Duration;

use bytes::Bytes;
use redis::cmd;
use stonework_idempotency::store::redis1::RedisStore;
use stonework_idempotency::store::{Answer, Claimed, Completed, Held, IdempotencyStore, State};
use stonework_idempotency::testing::store_conformance;
use stonework_idempotency::{Fingerprint, Token};
use support::redis::{Cluster, Counting, Server, Twice, until};
use support::run::{
    DAY, FINGERPRINT, LEASE, Run, answer, assert_close, grow_old, key, lease_left, lookup, owned,
    pttl, turn,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_store_keeps_the_contract() {
    let server = Server::start().await;
    let store = RedisStore::new(server.connection().await);
    store_conformance(store, async |by| turn(&server, by).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_store_keeps_the_contract_in_real_time() {
    let server = Server::start().await;
    store_conformance(RedisStore::new(server.manager().await), tokio::time::sleep).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_store_keeps_the_contract_when_every_command_is_sent_twice() {
    let server = Server::start().await;
    let store = RedisStore::new(Twice(server.connection().await));
    store_conformance(store, async |by| turn(&server, by).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_store_keeps_the_contract_on_a_cluster() {
    let cluster = Cluster::start().await;
    let store = RedisStore::new(cluster.connection().await);
    let elapse = async |by| {
        for node in &cluster.nodes {
            turn(node, by).await;
        }
    };
    store_conformance(store, elapse).await;
}

#[tokio::test]
async fn round_trips_are_as_few_as_promised() {
    let server = Server::start().await;
    let connection = Counting::new(server.connection().await);
    let store = RedisStore::new(connection.clone());

    let cold = Run::new(&store, "cold");
    assert_eq!(cold.claim().await, owned(1));
    assert_eq!(connection.take(), 1, "a claim");
    assert_eq!(cold.complete().await, Completed::Stored);
    assert_eq!(connection.take(), 2, "a completion by a script that the server does not know");

    let run = Run::new(&store, "warm");
    assert_eq!(run.claim().await, owned(1));
    assert_eq!(run.complete().await, Completed::Stored);
    assert_eq!(connection.take(), 2, "a first run");
    let replay = run.other().claim().await;
    assert_eq!(replay, Claimed::Taken(run.record(1, State::Completed(answer()))));
    assert_eq!(connection.take(), 1, "a replay");

    let run = Run::new(&store, "in flight");
    run.claim().await;
    run.other().claim().await;
    connection.take();
    lease_left(&run.other().claim().await, run.token);
    assert_eq!(connection.take(), 2, "a claim of a key in flight");
    assert_eq!(run.claim().await, owned(1));
    assert_eq!(connection.take(), 1, "a claim that is sent again");
}

#[tokio::test]
async fn records_disappear_when_their_retention_has_passed() {
    let server = Server::start().await;
    let store = RedisStore::new(server.connection().await);
    let run = Run::new(&store, "k");
    run.claim().await;
    assert_close(pttl(&server, &run.lookup).await, DAY);

    grow_old(&server, &run.lookup, DAY, DAY / 2).await;
    assert_eq!(run.renew(LEASE).await, Held::Held);
    assert_close(pttl(&server, &run.lookup).await, DAY / 2);
    assert_eq!(run.save(b"c").await, Held::Held);
    assert_close(pttl(&server, &run.lookup).await, DAY / 2);

    let mut longer = run.completes(answer());
    longer.retention = DAY * 2;
    assert_eq!(store.complete(longer).await.unwrap(), Completed::Stored);
    assert_close(pttl(&server, &run.lookup).await, DAY * 2);

    let brief = Run::new(&store, "brief");
    let mut claim = brief.asks();
    claim.retention = Duration::ZERO;
    assert_eq!(store.claim(claim).await.unwrap(), owned(1));
    until("the record is gone", async || pttl(&server, &brief.lookup).await == -2).await;
    assert_eq!(brief.other().claim().await, owned(1));

    let endless = Run::new(&store, "endless");
    let mut claim = endless.asks();
    (claim.lease, claim.retention) = (Duration::MAX, Duration::MAX);
    assert_eq!(store.claim(claim).await.unwrap(), owned(1));
    assert_eq!(endless.renew(Duration::MAX).await, Held::Held);
    assert_close(pttl(&server, &endless.lookup).await, DAY * 365 * 100);
}

#[tokio::test]
async fn a_lease_is_measured_by_the_servers_clock() {
    let server = Server::start().await;
    let store = RedisStore::new(server.connection().await);
    let run = Run::new(&store, "k");
    run.claim().await;
    let second = run.other();

    grow_old(&server, &run.lookup, DAY, LEASE / 2).await;
    let left = lease_left(&second.claim().await, run.token);
    assert!(left > Duration::ZERO && left <= LEASE / 2, "{left:?}");
    let left = lease_left(&second.take_over(run.token).await, run.token);
    assert!(left > Duration::ZERO, "not taken over");

    run.renew(LEASE).await;
    let left = lease_left(&second.claim().await, run.token);
    assert!(left > LEASE / 2 && left <= LEASE, "counted from the renewal: {left:?}");

    grow_old(&server, &run.lookup, DAY, LEASE * 2).await;
    assert_eq!(lease_left(&second.claim().await, run.token), Duration::ZERO);
    assert_eq!(run.renew(LEASE).await, Held::Held, "a lapsed lease revokes nothing");
    assert!(lease_left(&second.claim().await, run.token) > Duration::ZERO);

    assert_eq!(run.renew(Duration::ZERO).await, Held::Held);
    assert_eq!(lease_left(&second.claim().await, run.token), Duration::ZERO, "given up");
    assert_eq!(second.take_over(run.token).await, owned(2));
}

#[tokio::test]
async fn a_takeover_goes_by_the_retention_that_was_recorded() {
    let server = Server::start().await;
    let store = RedisStore::new(server.connection().await);
    let run = Run::new(&store, "k");
    // As it was configured when the first run began: an hour.
    let hour = DAY / 24;
    let mut claim = run.asks();
    claim.retention = hour;
    store.claim(claim).await.unwrap();
    run.save(b"half done").await;

    // By the new retention, a day, the record would look 23 hours old.
    let second = run.other();
    lease_left(&second.take_over(run.token).await, run.token);
    grow_old(&server, &run.lookup, hour, LEASE * 2).await;
    let mut claim = second.asks().taking_over(run.token);
    claim.fingerprint = Fingerprint::from_bytes([8; 32]);
    let checkpoint = Some(Bytes::from_static(b"half done"));
    let taken = Claimed::Owned { attempt: 2, checkpoint };
    assert_eq!(store.claim(claim).await.unwrap(), taken);
    assert_close(pttl(&server, &run.lookup).await, DAY);
    assert_eq!(store.claim(claim).await.unwrap(), taken, "sent again");
    assert_eq!(second.claim().await, taken, "sent again without a word of the takeover");

    let third = run.other();
    let left = lease_left(&third.take_over(run.token).await, second.token);
    assert!(left > LEASE / 2, "the lease starts anew");
    grow_old(&server, &run.lookup, DAY, LEASE * 2).await;
    let left = lease_left(&third.claim().await, second.token);
    assert_eq!(left, Duration::ZERO, "by the retention of the takeover");
    assert_eq!(run.renew(LEASE).await, Held::Lost);
    let Completed::Lost(record) = run.complete().await else { panic!("lost") };
    assert_eq!((record.token, record.attempt), (second.token, 2));
    assert_eq!(record.fingerprint, FINGERPRINT, "left as it was");
    run.release().await;
    assert_eq!(second.complete().await, Completed::Stored);
    assert_eq!(run.renew(LEASE).await, Held::Lost);
    assert_eq!(second.renew(LEASE).await, Held::Lost, "completed");
    let replay = Claimed::Taken(second.record(1, State::Completed(answer())));
    assert_eq!(third.take_over(second.token).await, replay);
}

#[tokio::test]
async fn a_takeover_of_nothing_is_a_claim() {
    let server = Server::start().await;
    let store = RedisStore::new(server.connection().await);
    let run = Run::new(&store, "k");
    assert_eq!(run.take_over(Token::random()).await, owned(1));
    assert_close(pttl(&server, &run.lookup).await, DAY);
    assert_eq!(run.renew(Duration::ZERO).await, Held::Held);
    assert_eq!(run.take_over(run.token).await, owned(1), "from oneself");
    run.release().await;
    assert_eq!(run.other().claim().await, owned(1));
}

#[tokio::test]
async fn a_record_that_somebody_made_permanent_is_not_taken_from_its_owner() {
    let server = Server::start().await;
    let store = RedisStore::new(server.connection().await);
    let run = Run::new(&store, "k");
    run.claim().await;
    let _: bool = server.ask(cmd("PERSIST").arg(key(&run.lookup))).await;
    let second = run.other();
    assert_eq!(lease_left(&second.claim().await, run.token), LEASE);
    assert_eq!(lease_left(&second.take_over(run.token).await, run.token), LEASE);
    assert_eq!(run.save(b"c").await, Held::Held);
    assert_eq!(lease_left(&second.claim().await, run.token), LEASE);

    assert_eq!(run.renew(Duration::ZERO).await, Held::Held);
    let checkpoint = Some(Bytes::from_static(b"c"));
    assert_eq!(second.take_over(run.token).await, Claimed::Owned { attempt: 2, checkpoint });
    assert_close(pttl(&server, &run.lookup).await, DAY);
}

#[tokio::test]
async fn an_answer_is_kept_without_a_record_and_only_once() {
    let server = Server::start().await;
    let store = RedisStore::new(server.connection().await);
    let run = Run::new(&store, "k");
    assert_eq!(run.complete().await, Completed::Stored, "the record was lost");
    let later = run.completes(Answer::new(Bytes::from_static(b"other"), None));
    assert_eq!(store.complete(later).await.unwrap(), Completed::Stored);
    let replay = Claimed::Taken(run.record(1, State::Completed(answer())));
    assert_eq!(run.other().claim().await, replay, "the first answer stays");
    assert_eq!(run.claim().await, replay, "even for who completed it");
}

#[tokio::test]
async fn large_answers_come_back_whole() {
    let server = Server::start().await;
    let store = RedisStore::new(server.connection().await);
    let body: Vec<u8> = (0..3_000_000_u32).map(|n| n.wrapping_mul(2_654_435_761) as u8).collect();
    for body in [None, Some(Bytes::new()), Some(body.into())] {
        let run = Run::new(&store, &format!("{:?}", body.as_ref().map(Bytes::len)));
        let answer = Answer::new(Bytes::from_static(b"h"), body);
        run.claim().await;
        store.complete(run.completes(answer.clone())).await.unwrap();
        let replay = run.other().claim().await;
        assert_eq!(replay, Claimed::Taken(run.record(1, State::Completed(answer))));
    }
}

#[tokio::test]
async fn prefixes_keep_services_apart() {
    let server = Server::start().await;
    let store = RedisStore::new(server.connection().await);
    let other = store.clone().key_prefix("other:");
    assert_eq!(Run::new(&store, "k").claim().await, owned(1));
    assert_eq!(Run::new(&other, "k").claim().await, owned(1));
    let keys: Vec<String> = server.ask(cmd("KEYS").arg("other:*")).await;
    assert_eq!(keys, [key(&lookup("k")).replace("stonework:idempotency:", "other:")]);
    assert!(!format!("{store:?}").is_empty());
}
