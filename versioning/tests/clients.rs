//! Client libraries of other people, as they come, against the layers over real sockets. What they make of an
//! answer is what it means.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "../../examples/tests/clients/python.rs"]
#[allow(dead_code)] // Other tests need more of it.
mod python;
#[path = "../../cors/tests/support/sockets.rs"]
#[allow(dead_code)] // Other tests need more of it.
mod sockets;

mod clients {
    mod azure;
    mod cadwyn;
    mod fields;
    mod stripe;
}
