//! The store over Redis: under the suite, by its round trips, and on servers that go away.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "../../idempotency/tests/support/redis.rs"]
#[allow(dead_code)]
mod redis_server;
mod support;

use std::convert::Infallible;
use std::future::ready;
use std::time::Duration;

use http::{Method, Request, Response};
use redis::cmd;
use redis_server::{Cluster, Counting, Server, Twice, until};
use stonework_core::StoreErrorKind;
use stonework_cors::store::redis1::{RedisStore, Warning};
use stonework_cors::store::{
    Changed, Edit, Lookup, OriginRegistry, OriginStore, Replace, TenantOrigins,
};
use stonework_cors::testing::registry_conformance;
use stonework_cors::{CorsLayer, Key, OriginPattern, Policy, RequestHead, TenantPolicies};
use support::call::{Body, with};
use tower::{Layer, ServiceExt, service_fn};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_server() {
    let server = Server::start().await;
    registry_conformance(RedisStore::new(server.connection().await)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_of_three() {
    let cluster = Cluster::start().await;
    registry_conformance(RedisStore::new(cluster.connection().await)).await;
}

fn acme() -> Key {
    Key::from("acme")
}

fn origin() -> OriginPattern {
    "https://app.acme.example".parse().unwrap()
}

fn listed(origins: &[&str]) -> TenantOrigins {
    TenantOrigins::Listed(origins.iter().map(ToString::to_string).collect())
}

#[tokio::test]
async fn each_operation_is_one_round_trip() {
    let server = Server::start().await;
    let counting = Counting::new(server.connection().await);
    let store = RedisStore::new(counting.clone());
    let (tenant, origin) = (acme(), origin());
    let edit = Edit::new(&tenant, &origin);
    // The first call sends the script in full.
    for round in 0..2 {
        let expected = if round == 0 { [1, 2, 2, 2, 1] } else { [1; 5] };
        let lookup = Lookup::new(&tenant);
        let mut trips = Vec::new();
        store.origins(lookup).await.unwrap();
        trips.push(counting.take());
        store.allow(edit).await.unwrap();
        trips.push(counting.take());
        store.disallow(edit).await.unwrap();
        trips.push(counting.take());
        store.replace(Replace::new(&tenant, std::slice::from_ref(&origin))).await.unwrap();
        trips.push(counting.take());
        store.remove(lookup).await.unwrap();
        trips.push(counting.take());
        assert_eq!(trips, expected);
    }
}

#[tokio::test]
async fn a_change_that_is_sent_twice_is_made_once() {
    let server = Server::start().await;
    let store = RedisStore::new(Twice(server.connection().await));
    let (tenant, origin) = (acme(), origin());
    let edit = Edit::new(&tenant, &origin);
    store.allow(edit).await.unwrap();
    let found = store.origins(Lookup::new(&tenant)).await.unwrap();
    assert_eq!(found, listed(&["https://app.acme.example"]));
    store.disallow(edit).await.unwrap();
    assert_eq!(store.origins(Lookup::new(&tenant)).await.unwrap(), listed(&[]));
}

#[tokio::test]
async fn scripts_that_are_flushed_are_sent_again() {
    let server = Server::start().await;
    let store = RedisStore::new(server.connection().await);
    let (tenant, origin) = (acme(), origin());
    assert_eq!(store.allow(Edit::new(&tenant, &origin)).await.unwrap(), Changed::Yes);
    server.ask::<()>(cmd("SCRIPT").arg("FLUSH")).await;
    assert_eq!(store.disallow(Edit::new(&tenant, &origin)).await.unwrap(), Changed::Yes);
}

#[tokio::test]
async fn a_set_that_was_made_by_hand_is_read_and_kept() {
    let server = Server::start().await;
    let store = RedisStore::new(server.connection().await).key_prefix("hand:");
    let mut add = cmd("SADD");
    server.ask::<()>(add.arg("hand:acme").arg("https://app.acme.example")).await;
    let (tenant, origin) = (acme(), origin());
    let found = store.origins(Lookup::new(&tenant)).await.unwrap();
    assert_eq!(found, listed(&["https://app.acme.example"]));
    store.disallow(Edit::new(&tenant, &origin)).await.unwrap();
    let found = store.origins(Lookup::new(&tenant)).await.unwrap();
    assert_eq!(found, listed(&[]), "the tenant is known still");
    let mut add = cmd("SADD");
    server.ask::<()>(add.arg("hand:odd").arg(&b"\xff"[..])).await;
    let odd = store.origins(Lookup::new(&Key::from("odd"))).await.unwrap();
    assert!(matches!(odd, TenantOrigins::Listed(texts) if texts.len() == 1), "told, and no origin");
}

#[tokio::test]
async fn what_is_no_set_is_an_error() {
    let server = Server::start().await;
    let store = RedisStore::new(server.connection().await);
    server.ask::<()>(cmd("SET").arg("stonework:cors:acme").arg("x")).await;
    let tenant = acme();
    let error = store.origins(Lookup::new(&tenant)).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Incompatible);
}

#[tokio::test]
async fn a_server_that_may_evict_is_warned_of() {
    let server = Server::start().await;
    let store = RedisStore::new(server.connection().await);
    assert_eq!(store.preflight().await, []);
    server.config_set("maxmemory", "100mb").await;
    server.config_set("maxmemory-policy", "allkeys-lru").await;
    assert!(matches!(store.preflight().await.as_slice(), [Warning::CanEvict { .. }]));
}

/// The layer over a store whose server is hung, killed and back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_of_known_tenants_are_served_while_the_server_is_away() {
    let mut server = Server::durable().await;
    let store = RedisStore::new(server.manager().await);
    let (tenant, origin) = (acme(), origin());
    store.allow(Edit::new(&tenant, &origin)).await.unwrap();
    let base = Policy::builder().build().unwrap();
    let by_path = |head: &RequestHead<'_>| Some(Key::from(&head.uri.path()[1..]));
    let tenants = TenantPolicies::builder(base, store, by_path)
        .keep_for(Duration::from_millis(1))
        .build()
        .unwrap();
    let inner =
        service_fn(|_: Request<Body>| ready(Ok::<_, Infallible>(Response::new(Body::new()))));
    let service = CorsLayer::builder().policies(tenants).build().unwrap().layer(inner);
    let allows = async |path: &str| {
        let mut request = with(Method::GET, &[("origin", "https://app.acme.example")]);
        *request.uri_mut() = path.parse().unwrap();
        let response = service.clone().oneshot(request).await.unwrap();
        response.headers().contains_key("access-control-allow-origin")
    };
    until("it is known", async || allows("/acme").await).await;
    assert!(!allows("/other").await);

    server.pause().await;
    assert!(allows("/acme").await, "the old answer");
    assert!(!allows("/new").await);
    server.resume();
    until("it is asked again", async || !allows("/other").await && allows("/acme").await).await;

    server.kill();
    assert!(allows("/acme").await, "the old answer");
    assert!(!allows("/newer").await);
    server.restart().await;
    let more = Key::from("newest");
    let again = RedisStore::new(server.connection().await);
    again.allow(Edit::new(&more, &origin)).await.unwrap();
    until("a new tenant is known", async || allows("/newest").await).await;
}
