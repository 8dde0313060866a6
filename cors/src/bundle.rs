//! Names of headers that protocols need, to
//! [`include`](crate::Builder::include) and [`expose`](crate::Builder::expose).
//!
//! The other Stonework crates each have their `REQUEST_HEADERS` and `RESPONSE_HEADERS`, which are
//! slices of names too.

/// The request headers of gRPC-web clients. Metadata of your own comes to it, and `authorization`.
pub const GRPC_WEB_REQUEST_HEADERS: &[&str] =
    &["content-type", "grpc-timeout", "x-grpc-web", "x-user-agent"];

/// The response headers that gRPC-web clients read when a call fails before its first message.
pub const GRPC_WEB_RESPONSE_HEADERS: &[&str] =
    &["grpc-message", "grpc-retry-pushback-ms", "grpc-status", "grpc-status-details-bin"];

/// The request headers of clients of the Connect protocol. Metadata of your own comes to it, and
/// `authorization`.
pub const CONNECT_REQUEST_HEADERS: &[&str] = &[
    "connect-accept-encoding",
    "connect-content-encoding",
    "connect-protocol-version",
    "connect-timeout-ms",
    "content-type",
    "x-user-agent",
];

/// The response headers of the Connect protocol. Metadata of your own comes to it.
pub const CONNECT_RESPONSE_HEADERS: &[&str] =
    &["connect-accept-encoding", "connect-content-encoding", "content-encoding"];
