//! The log over Redis: under the suite, by what is there, and under hubs whose server goes away.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "redis/faults.rs"]
mod faults;
#[path = "redis/listening.rs"]
mod listening;
#[path = "redis/nodes.rs"]
mod nodes;
#[path = "redis/proxy.rs"]
mod proxy;
#[path = "../../idempotency/tests/support/redis.rs"]
#[allow(dead_code)]
mod redis_server;
#[path = "redis/store.rs"]
mod store;
