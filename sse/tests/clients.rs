//! Client libraries of other people, as they come, against streams over real sockets. What they make of a stream is
//! what it means.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "support/journey.rs"]
mod journey;
#[path = "support/proxy.rs"]
mod proxy;
#[path = "../../examples/tests/clients/python.rs"]
#[allow(dead_code)] // Other tests need more of it.
mod python;
#[path = "../../idempotency/tests/support/redis.rs"]
#[allow(dead_code)] // Other tests need more of it.
mod redis_server;
#[path = "support/server.rs"]
#[allow(dead_code)] // Other tests need more of it.
mod server;

mod clients {
    mod eventsource;
    mod httpx;
    mod parser;
    mod reads;
    mod sseclient;
}
