//! Idempotency keys for any tower service: one effect and one recorded answer per key.
//!
//! A client that sends `POST /transfers` and hears nothing cannot know whether the money moved. If
//! it sends the request again, it may pay twice; if it does not, it may never pay. With an
//! `Idempotency-Key` it can send the same request until it hears something: the first one runs,
//! and all others get the answer of the first.
//!
//! The layer follows the IETF's [draft] and Stripe's practice, and works in axum, hyper and tonic.
//! It needs a tokio runtime.
//!
//! [draft]: https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
//!
//! # The shortest program
//!
//! ```
//! use axum::{Router, routing::post};
//! use stonework_idempotency::IdempotencyLayer;
//! use tower::ServiceBuilder;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let idempotency = IdempotencyLayer::builder().single_tenant().build()?;
//!
//! let app: Router = Router::new()
//!     .route("/transfers", post(|| async { "moved" }))
//!     .layer(ServiceBuilder::new().layer(idempotency));
//! # Ok(())
//! # }
//! ```
//!
//! Every POST and PATCH that carries a key is protected now; requests without a key pass as before.
//! Records are in the memory of this process.
//!
//! # With accounts, Redis and a shutdown
//!
//! ```
//! # #[cfg(all(feature = "redis-1", feature = "axum-0-8"))]
//! # mod example {
//! use axum::{Router, routing::post};
//! use std::time::Duration;
//! use stonework_idempotency::store::redis1::RedisStore;
//! use stonework_idempotency::{
//!     Idempotency, IdempotencyLayer, InFlight, Key, RequestHead, Tracker,
//! };
//! use tower::ServiceBuilder;
//!
//! /// Left in the extensions by the layer that knows who is asking.
//! #[derive(Clone)]
//! struct Account(u64);
//!
//! async fn transfer(idempotency: Idempotency) -> String {
//!     // The same for every attempt of this key: the card network will not charge twice either.
//!     let charge = idempotency.derive("charge");
//!     format!("charged as {charge}")
//! }
//!
//! fn app(
//!     connection: redis::aio::ConnectionManager,
//! ) -> Result<(Router, Tracker), Box<dyn std::error::Error>> {
//!     let account =
//!         |head: &RequestHead<'_>| head.extensions.get::<Account>().map(|a| Key::from(a.0));
//!     let idempotency = IdempotencyLayer::builder()
//!         .scope(account)
//!         .required(true)
//!         .in_flight(InFlight::Wait { up_to: Duration::from_secs(5) })
//!         .store(RedisStore::new(connection))
//!         .build()?;
//!     let tracker = idempotency.tracker();
//!     let app = Router::new()
//!         .route("/transfers", post(transfer))
//!         .layer(ServiceBuilder::new().layer(idempotency));
//!     // Runs go on when clients leave: after the server has stopped, wait for
//!     // `tracker.drained()`.
//!     Ok((app, tracker))
//! }
//! # }
//! ```
//!
//! # Bare hyper, and tonic
//!
//! The inner service is handed a [`StoneBody`] around the body that the
//! server reads, and answers with whatever body it likes.
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::{BodyExt, Full};
//! use hyper::body::Incoming;
//! use stonework_idempotency::{IdempotencyLayer, StoneBody};
//! use tower::{Layer, service_fn};
//!
//! async fn transfer(request: Request<StoneBody<Incoming>>) -> hyper::Result<Response<Full<Bytes>>> {
//!     let body = request.into_body().collect().await?.to_bytes();
//!     Ok(Response::new(Full::new(body)))
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let idempotency = IdempotencyLayer::builder().single_tenant().build()?;
//! let service = idempotency.layer(service_fn(transfer));
//! // For each connection: `serve_connection(io, TowerToHyperService::new(service.clone()))`
//! # hyper_util::service::TowerToHyperService::new(service);
//! # Ok(())
//! # }
//! ```
//!
//! Headers do not tell a unary gRPC call from a stream, so the methods to protect are named. The
//! key is metadata, and rejections are gRPC statuses:
//!
//! ```
//! use stonework_idempotency::IdempotencyLayer;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let idempotency = IdempotencyLayer::builder()
//!     .single_tenant()
//!     .grpc_unary(["/pay.Payments/Charge"])
//!     .build()?;
//! let server = tonic::transport::Server::builder().layer(idempotency);
//! # Ok(())
//! # }
//! ```
//!
//! # What a client sees
//!
//! | case | HTTP | gRPC |
//! |---|---|---|
//! | the key was answered before | the recorded answer, `Idempotent-Replayed: true` | the same |
//! | key missing where required, or malformed | 400 | `INVALID_ARGUMENT` |
//! | the key was used for another request | 422 | `FAILED_PRECONDITION` |
//! | the first request is still running | 409, `Retry-After` | `ABORTED`, pushback |
//! | an earlier attempt was interrupted | 409 `outcome-unknown`, no `Retry-After` | `UNKNOWN`, negative pushback |
//! | the handler panicked | 500 | `INTERNAL` |
//! | store away or full, or too many runs | 503, `Retry-After` | `UNAVAILABLE`, pushback |
//! | body too large, or too late | 413, 408 | `RESOURCE_EXHAUSTED`, `DEADLINE_EXCEEDED` |
//!
//! `"k"` (a structured-field string) and `k` (as Stripe's SDKs send it) are the same key, of 1 to
//! 255 characters. A request is the same if its method, path and query, content type and body are;
//! [`fingerprint_with`](IdempotencyLayerBuilder::fingerprint_with) adds to that. Errors are
//! `application/problem+json` with a stable `type`; the [`Rejection`] is in the response's
//! extensions, and in a `tracing` event.
//!
//! # What it promises
//!
//! **At most one live execution and one recorded answer per key**, under the default
//! [`Abandoned::Reject`], while the store keeps its state:
//!
//! - Requests that race for one key are decided by one atomic step of the store.
//! - Once the body has been read, a task of its own owns claim, run and record. A client that
//!   leaves, or a stream that is reset, cancels nothing; its retry gets the answer.
//! - The answer is recorded before its first byte is sent, whatever its status.
//! - A run that dies leaves its record behind. *Interrupted* is not *never happened*: a retry is
//!   told that the outcome is unknown, and runs again only if [you say so](Abandoned).
//! - A claim whose reply was lost is taken back, or ends as unknown; it is never run twice.
//! - While the store is away, requests with keys are refused, unless [you say otherwise](Outage).
//!
//! # What it cannot promise
//!
//! | what may happen | what to do about it |
//! |---|---|
//! | The process dies between the effect and the record. Nobody can know whether the effect happened; the key says `outcome-unknown`. | Pass [`derive`](Idempotency::derive)d keys to the services that you call, or write the key into your database in the transaction of the effect. Then a person or [`Abandoned::Resume`] can find out. |
//! | The store loses what it acknowledged: a Redis failover, a restart without a log, an eviction. The key looks new, and a retry runs again. | `appendfsync always`, `maxmemory-policy noeviction`, `RedisStore::preflight`. Where it must never happen, dedup in the database of the effect. |
//! | A claim hangs in a dead connection, and reaches the store after it was taken back. Nothing ran, and the key says `outcome-unknown`. | The client takes a new key once it has looked. |
//! | The store is away when the answer is to be recorded. The client gets its answer all the same, and the record is tried for as long as `max_run`; if the process ends before, the key says `outcome-unknown`. | Wait for [`Tracker::drained`] at shutdown. |
//! | The answer is a stream, is larger than the cap, or takes longer than `buffer_for`: its body is not kept, and a retry gets status and headers. | Let the retry find the resource: `Location` is replayed. |
//! | A retry comes after the retention (24 h). It runs again. | Publish the retention. |
//! | Timeouts and concurrency limits *outside* this layer bound how long a client waits, and not the work. A handler that hangs is never stopped. | [`max_in_flight`](IdempotencyLayerBuilder::max_in_flight) bounds how much runs at once. To stop a run, put a timeout *inside* the layer. |
//! | The inner service returns an error instead of a response, as tower's `LoadShed` and `Timeout` do: its key is interrupted. | Turn such errors into responses inside the layer, with [`NotExecuted`] where nothing ran. |
//!
//! # Where to put it
//!
//! Outermost first: trace, timeout, CORS, compression, identification, rate limit, rejection of the
//! unauthenticated, **idempotency**, versioning, handler. Compression goes outside, since the
//! recorded bytes are for every client that retries. Whatever refuses requests further in should
//! mark its responses with [`NotExecuted`], or refusals are recorded.
//!
//! # Security
//!
//! - Without a scope, one client reads another's answer by guessing a key.
//!   [`scope`](IdempotencyLayerBuilder::scope) is therefore mandatory, or
//!   [`single_tenant`](IdempotencyLayerBuilder::single_tenant) by name. Scope by account and not by
//!   token: tokens are renewed between retries.
//! - Credentials that yield no scope are refused, not shared. Requests without credentials and
//!   without a scope share one: reject them further out, or let them see only what all may see.
//! - The fingerprint has the path and the query, not the host. Where one process serves several
//!   hosts, put the host into the scope.
//! - Inside a nested axum router, turn `axum-0-8` on: without it `/a/pay` and `/b/pay` are both
//!   `/pay` to the layer.
//! - Stores see a SHA-256 of scope and key, and one of the request, and never the key. Neither is
//!   salted: who can read the store can test guesses. Stores do see answers; the feature `seal`
//!   encrypts them.
//! - Keys, bodies, runs and records are bounded, each scope by its share: a flood refuses itself.
//!   Bodies that are still being read are not counted; limit connections further out.
//! - `Set-Cookie`, dates, trace ids and rate-limit headers are not replayed.
//!
//! # Features
//!
//! | feature | |
//! |---|---|
//! | `memory` (default) | [`MemoryStore`](store::MemoryStore), the default store |
//! | `redis-1` | `store::redis1::RedisStore`, over the `redis` crate 1.x; Redis 7.0 or later, or Valkey |
//! | `axum-0-8` | [`Idempotency`] as an extractor; fingerprints see through nested routers |
//! | `seal` | `IdempotencyLayerBuilder::seal` encrypts answers and checkpoints at rest |
//! | `tracing` | an event for every decision; the caller's span around the run |
//! | `utoipa-6` | `openapi` describes the key, the mark of replays and the problems in an OpenAPI document |
//! | `testing` | the conformance suite for stores of your own |
#![cfg_attr(docsrs, feature(doc_cfg))]

mod admit;
mod answer;
#[cfg(feature = "axum-0-8")]
mod axum08;
mod fingerprint;
mod future;
#[cfg(feature = "testing")]
#[doc(hidden)]
pub mod fuzz;
mod handle;
mod judge;
mod key;
mod layer;
mod lookup;
#[cfg(feature = "utoipa-6")]
#[cfg_attr(docsrs, doc(cfg(feature = "utoipa-6")))]
pub mod openapi;
mod policy;
mod rejection;
mod reply;
mod run;
mod runs;
#[cfg(feature = "seal")]
mod seal;
mod service;
mod shared;
pub mod store;
#[cfg(feature = "testing")]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
pub mod testing;
mod trace;
mod vault;
mod warning;

#[cfg(feature = "axum-0-8")]
#[cfg_attr(docsrs, doc(cfg(feature = "axum-0-8")))]
pub use axum08::NotProtected;
pub use fingerprint::FingerprintInput;
pub use future::ResponseFuture;
pub use handle::{Idempotency, MAX_CHECKPOINT, SaveError};
pub use key::KeyError;
pub use layer::{IdempotencyLayer, IdempotencyLayerBuilder};
pub use lookup::{Fingerprint, Lookup, ScopeId, Token};
pub use policy::{Abandoned, InFlight, Outage, RunFuture};
pub use rejection::Rejection;
pub use runs::Tracker;
#[cfg(feature = "seal")]
#[cfg_attr(docsrs, doc(cfg(feature = "seal")))]
pub use seal::Keyring;
pub use service::IdempotencyService;
#[doc(no_inline)]
pub use stonework_core::{
    ConfigError, ConfigErrors, Key, NotExecuted, Problem, RequestHead, StoneBody,
};
pub use warning::Warning;

/// The request headers that this crate reads, for CORS to allow.
pub const REQUEST_HEADERS: &[&str] = &["idempotency-key"];

/// The response headers that this crate writes, for CORS to expose.
pub const RESPONSE_HEADERS: &[&str] = &["idempotent-replayed", "retry-after"];
