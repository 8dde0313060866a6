//! Client libraries of other people, as they come, against the layers over real sockets. What they
//! make of an answer is what it means.

// A helper of a test may panic as the test may.
#![allow(clippy::unwrap_used)]

#[path = "../../sse/tests/support/proxy.rs"]
#[allow(dead_code)] // Other tests need more of it.
mod proxy;
mod support;

mod clients {
    mod events;
    #[cfg(feature = "grpc")]
    mod grpc_payments;
    mod grpcio;
    mod hand;
    mod http_sfv;
    mod openapi;
    mod python;
    mod relay;
    mod stripe;
    mod urllib3;
    mod zeep;
}
