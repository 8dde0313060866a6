//! Client libraries of other people, as they come, read whole lists over real sockets. They decide by themselves
//! when a list ends, and where the next page is.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "support/memory.rs"]
mod memory;
#[path = "../../examples/tests/clients/python.rs"]
#[allow(dead_code)] // Other tests need more of it.
mod python;

mod clients {
    mod azure;
    mod crawl;
    mod github;
    mod google;
    mod links;
    mod relay;
    mod server;
    mod stripe;
}
