//! The store over Redis under the suite that any store must pass: by itself, in a cluster, behind a
//! pointer, and with leases in front of it.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "../../idempotency/tests/support/redis.rs"]
#[allow(dead_code)]
mod redis_server;

use std::sync::Arc;
use std::time::Duration;

use redis_server::{Cluster, Server};
use stonework_ratelimit::store::redis1::RedisStore;
use stonework_ratelimit::store::{LeasedStore, RateLimitStore};
use stonework_ratelimit::testing::{
    buckets, corrections, lease_conformance, quotas, races, refills, repeats, store_conformance,
};

/// Longer than a test takes. A busy machine loses no lease.
const LONG: Duration = Duration::from_secs(600);

/// Real time passes: the server's.
async fn elapse(by: Duration) {
    tokio::time::sleep(by).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_server() {
    let server = Server::start().await;
    let store = RedisStore::new(server.connection().await);
    store_conformance(store.clone(), elapse).await;
    lease_conformance(store.clone(), elapse).await;
    races::several_buckets_are_one_step(&(Arc::new(store) as _)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_of_three() {
    let cluster = Cluster::start().await;
    let store = RedisStore::cluster(cluster.connection().await);
    store_conformance(store.clone(), elapse).await;
    lease_conformance(store, elapse).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_a_pointer() {
    let server = Server::start().await;
    let store: Arc<dyn RateLimitStore> = Arc::new(RedisStore::new(server.connection().await));
    store_conformance(store, elapse).await;
}

/// With buckets one at a time: what was leased for several and is not needed travels back, and until
/// it has arrived somebody may find too little. And without the clause of how long to wait: what a
/// lease has told is older by the way there. The whole suite is run in time that is turned.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leases_of_one_node() {
    let server = Server::start().await;
    let inner = RedisStore::new(server.connection().await);
    let leased = LeasedStore::builder(inner).nodes(1).timeout(LONG).idle(LONG).build().unwrap();
    let store: Arc<dyn RateLimitStore> = Arc::new(leased);
    buckets::the_burst_is_granted_and_then_nothing(&store).await;
    buckets::a_denial_charges_nothing(&store).await;
    buckets::keys_are_bytes_of_any_length(&store).await;
    quotas::a_larger_burst_applies_at_once(&store).await;
    quotas::a_smaller_burst_applies_at_once(&store).await;
    corrections::tokens_are_given_back(&store).await;
    corrections::an_id_counts_once(&store).await;
    corrections::a_reset_fills_the_bucket(&store).await;
    races::of_many_acquires_the_burst_is_granted(&store).await;
    refills::time_refills_a_bucket(&store, &elapse).await;
    repeats::no_more_than_the_burst_is_granted(&store).await;
}
