//! What the files of `examples/proto` make, as `tests/grpc_generated.rs` writes it and compares it. So nobody needs
//! `protoc`.

// Whoever shares it uses the client or the server.
#![allow(dead_code, missing_docs, rust_2018_idioms, unnameable_types, unreachable_pub)]
#![allow(clippy::all, clippy::pedantic, clippy::restriction)]

pub(crate) mod v1 {
    include!("stonework.payments.v1.rs");
}

pub(crate) mod v2 {
    include!("stonework.payments.v2.rs");
}
