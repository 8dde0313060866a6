//! Rate limits for any tower service: exact token buckets, in memory, over Redis, and through leases.
//!
//! A client that asks too often, by mistake or on purpose, takes from all others what it takes from
//! the service. This layer counts requests for whom you say, grants what was agreed, and tells
//! everybody how they stand, in headers that clients understand. It works in axum, hyper and tonic.
//!
//! # The shortest program
//!
//! ```
//! use std::net::SocketAddr;
//! use std::time::Duration;
//!
//! use axum::{Router, routing::get};
//! use stonework_ratelimit::{ClientIp, Policy, RateLimitLayer};
//! use tower::ServiceBuilder;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let limit = RateLimitLayer::builder()
//!     .policy(
//!         Policy::new("burst")
//!             .rate(100)
//!             .per(Duration::from_secs(60))
//!             .burst(20)
//!             .key_ip(ClientIp::peer()),
//!     )
//!     .build()?;
//!
//! let app: Router = Router::new()
//!     .route("/", get(|| async { "hello" }))
//!     .layer(ServiceBuilder::new().layer(limit));
//!
//! // The address of the one who connects comes from axum (feature `axum-0-8`):
//! let app = app.into_make_service_with_connect_info::<SocketAddr>();
//! # Ok(())
//! # }
//! ```
//!
//! Each address may ask 20 times at once, and 100 times a minute in the long run. One request more
//! is answered:
//!
//! ```text
//! HTTP/1.1 429 Too Many Requests
//! content-type: application/problem+json
//! retry-after: 1
//! ratelimit-policy: "burst";q=100;w=60
//! ratelimit: "burst";r=0;t=1
//!
//! {"type":"https://iana.org/assignments/http-problem-types#quota-exceeded","title":"Quota exceeded","status":429,"violated-policies":["burst"]}
//! ```
//!
//! # With accounts, several limits and Redis
//!
//! ```
//! # #[cfg(all(feature = "redis-1", feature = "axum-0-8"))]
//! # mod example {
//! use std::time::Duration;
//!
//! use axum::{Router, routing::post};
//! use stonework_ratelimit::store::LeasedStore;
//! use stonework_ratelimit::store::redis1::RedisStore;
//! use stonework_ratelimit::{
//!     Charge, Concurrency, Key, Outage, Policy, RateLimitLayer, RequestHead,
//! };
//! use tower::ServiceBuilder;
//!
//! /// Left in the extensions by the layer that knows who is asking.
//! #[derive(Clone)]
//! struct Account(u64);
//!
//! fn account(head: &RequestHead<'_>) -> Option<Key> {
//!     head.extensions.get::<Account>().map(|account| Key::from(account.0))
//! }
//!
//! async fn search(charge: Charge) -> String {
//!     let rows = 1_700;
//!     // It was charged 1 to begin with. What it costs in all is known only now.
//!     charge.total(1 + rows / 100);
//!     format!("{rows} rows")
//! }
//!
//! fn app(
//!     connection: redis::aio::ConnectionManager,
//! ) -> Result<Router, Box<dyn std::error::Error>> {
//!     const SECOND: Duration = Duration::from_secs(1);
//!     const DAY: Duration = Duration::from_secs(24 * 60 * 60);
//!
//!     let redis = RedisStore::new(connection);
//!     let limit = RateLimitLayer::builder()
//!         .policy(Policy::new("burst").rate(100).per(SECOND).burst(200).key(account))
//!         .policy(Policy::new("daily").rate(100_000).per(DAY).key(account))
//!         .concurrency(Concurrency::new("at once").at_most(20).key(account))
//!         .store(LeasedStore::builder(redis).nodes(4).build()?)
//!         .on_outage(Outage::LocalFallback { nodes: 4 })
//!         .adjustable(true)
//!         .build()?;
//!
//!     Ok(Router::new()
//!         .route("/search", post(search))
//!         .layer(ServiceBuilder::new().layer(limit)))
//! }
//! # }
//! ```
//!
//! A request is granted by all of its policies or charged by none. `RedisStore` decides them in one
//! round trip; [`LeasedStore`](store::LeasedStore) in front of it spares most of those.
//!
//! # Bare hyper, and tonic
//!
//! ```
//! use std::convert::Infallible;
//! use std::time::Duration;
//!
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::Full;
//! use hyper::body::Incoming;
//! use stonework_ratelimit::{ClientIp, PeerAddr, Policy, RateLimitLayer};
//! use tower::{Layer, service_fn};
//!
//! async fn hello(_: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
//!     Ok(Response::new(Full::from("hello")))
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let policy = Policy::new("burst").rate(100).per(Duration::from_secs(60));
//! let limit = RateLimitLayer::builder().policy(policy.key_ip(ClientIp::peer())).build()?;
//!
//! // For each connection, whose address hyper does not know:
//! let peer = "203.0.113.9:4711".parse()?;
//! let service = limit.layer(service_fn(hello));
//! let service = service_fn(move |mut request: Request<Incoming>| {
//!     request.extensions_mut().insert(PeerAddr(peer));
//!     tower::ServiceExt::oneshot(service.clone(), request)
//! });
//! # hyper_util::service::TowerToHyperService::new(service);
//!
//! // tonic knows it, with the feature `tonic-0-14`. Refusals are gRPC statuses there.
//! let server = tonic::transport::Server::builder().layer(limit);
//! # Ok(())
//! # }
//! ```
//!
//! # What a client sees
//!
//! | case | HTTP | gRPC |
//! |---|---|---|
//! | a quota is used up | 429 `quota-exceeded`, `Retry-After` | `RESOURCE_EXHAUSTED`, pushback, `RetryInfo`, `QuotaFailure` |
//! | too many at once | 429 `quota-exceeded`, `Retry-After` | `RESOURCE_EXHAUSTED`, pushback |
//! | more than a full bucket holds | 400 `cost-too-high`, no `Retry-After` | `INVALID_ARGUMENT`, negative pushback |
//! | nobody to count it for | 400 `key-missing` | `INVALID_ARGUMENT` |
//! | the peer's address is not known | 500 `address-unknown` | `INTERNAL` |
//! | store away, and [`Outage::Closed`] | 503 `store-unavailable`, `Retry-After` | `UNAVAILABLE`, pushback |
//! | store full, and [`DenyNew`](store::Overflow::DenyNew) | 503 `store-full`, `Retry-After` | `UNAVAILABLE`, pushback |
//!
//! `Retry-After` is rounded up, and at least 1: who waits that long is not early. Errors are
//! `application/problem+json`; the [`Rejection`] is in the response's extensions, and in a `tracing`
//! event. How the client stands is told by [`Headers`], and to the handler by the [`Decision`] in
//! the extensions.
//!
//! # What it promises
//!
//! - **Exact.** In any interval of length Δ a bucket grants at most `burst + rate · Δ`, and whoever
//!   keeps to the rate is never denied. Three a second are three in every second: no part of a
//!   nanosecond is lost, for rates from one in 140 years to 4,294,967,295 a second.
//! - **All or none.** Of a request that one policy denies, no other keeps a charge.
//! - **Races are decided in one step**, by a lock in memory, by one script in Redis.
//! - **A denial is free**: it moves nothing, so that who is denied is not denied for longer. (On a
//!   cluster, with policies in several slots, it is given back.)
//! - **A correction counts once**, however often it is sent, and goes back to the bucket that paid:
//!   also when the client leaves, or the body is dropped.
//! - **Bounded.** A store in memory has [`max_keys`](store::MemoryStoreBuilder::max_keys) buckets of
//!   24 bytes, whatever the length of the keys. Redis' keys expire when their bucket is full.
//! - **An outage of the store is no outage of the service**: by default each process counts by
//!   itself until the store is back, and asks it at most once per fifth of a second.
//!
//! # What it cannot promise
//!
//! | what may happen | what to do about it |
//! |---|---|
//! | In memory, each process counts by itself. | A store that they share. |
//! | A Redis that fails over or loses its memory has forgotten charges, and grants them again. | Nothing, if it is a limit on load. Where each request is money, charge it in the database. |
//! | A reply of Redis is lost. The request may have been charged, and is counted again locally. | It errs towards charging. |
//! | `RedisStore::cluster` with several policies takes from one slot after the other and gives back when a later one denies. Meanwhile others may find too little. | Policies with a hash tag of their own, or one server for limits. |
//! | With leases, up to `nodes · L` more in an interval than the quota, as [`LeasedStore`](store::LeasedStore) proves. | `nodes` and `max_lease`. |
//! | A store in memory that is full forgets whom it denies, or denies whom it does not know. | [`Overflow`](store::Overflow) says which. |
//! | A handler's correction of a charge is sent once more when the store does not answer, and then given up. | It errs by the difference. |
//! | Time is the store's. A clock that jumps ahead fills buckets. | NTP that slews. |
//!
//! # Where to put it
//!
//! Outermost first: trace, timeout, CORS, compression, identification, **rate limit**, rejection of
//! the unauthenticated, idempotency, versioning, handler. CORS goes outside, or a browser cannot
//! read a 429. What refuses strangers goes inside, or guessing passwords is free. Replays of
//! idempotent requests are charged; [`refund_when`](RateLimitLayerBuilder::refund_when) can give
//! them back.
//!
//! # Security
//!
//! - **No header says who the client is**, unless you [trust](ClientIp::trust) who wrote it:
//!   `X-Forwarded-For` is read from the right, from proxies that you name, and never from the left.
//! - A key that a client can make up is as many buckets as it likes. Count strangers by address, and
//!   accounts after their token was checked.
//! - A request without a key is [refused](MissingKey), left out, or counted with others like it:
//!   never with those that have one, and never silently.
//! - IPv6 addresses count by their /64, which is what a client gets.
//! - Stores see hashes: in memory under a secret that is new in each process, so that nobody can make
//!   buckets collide; in Redis a SHA-256 of policy and key. It is not salted: who can read Redis can
//!   test guesses. Keys are never logged, and a [partition
//!   key](RateLimitLayerBuilder::partition_secret) is an HMAC.
//! - Whoever sends `OPTIONS` with the two headers of a CORS preflight is not counted, unless
//!   [`count_preflights`](RateLimitLayerBuilder::count_preflights) says so. A handler that does work
//!   for `OPTIONS` wants that.
//! - A denial costs about as much as a request that is granted, and does no I/O that is not needed.
//! - Policy names and quotas are shown to clients. Policies in [shadow](Policy::shadow) are not.
//!
//! # Features
//!
//! | feature | |
//! |---|---|
//! | `memory` (default) | [`MemoryStore`](store::MemoryStore), the default store, and [`Outage::LocalFallback`] |
//! | `redis-1` | `store::redis1::RedisStore`, over the `redis` crate 1.x; Redis 7.0 or later, or Valkey |
//! | `quotas` | a quota per client, from a provider of yours, cached |
//! | `axum-0-8` | [`Decision`] and [`Charge`] as extractors; the peer's address from axum |
//! | `tonic-0-14` | the peer's address from tonic |
//! | `tracing` | an event for every refusal |
//! | `utoipa-6` | `openapi` describes the headers and the problems in an OpenAPI document |
//! | `testing` | the conformance suite for stores of your own |
//!
//! Limits on how much runs in the whole process, whoever asks, are tower's `ConcurrencyLimit` and
//! `LoadShed`. Requests that must not happen twice are for `stonework-idempotency`.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod admit;
mod admitted;
#[cfg(feature = "axum-0-8")]
mod axum08;
mod body;
mod charge;
mod client_ip;
mod concurrency;
mod decide;
mod decision;
#[cfg(feature = "memory")]
mod fallback;
mod future;
#[cfg(feature = "testing")]
#[doc(hidden)]
pub mod fuzz;
// Without a store that counts, nobody does.
#[cfg_attr(not(any(feature = "memory", feature = "testing")), allow(dead_code))]
mod gcra;
mod grpc_details;
mod headers;
mod layer;
#[cfg(feature = "utoipa-6")]
#[cfg_attr(docsrs, doc(cfg(feature = "utoipa-6")))]
pub mod openapi;
mod outage;
mod partition;
mod policy;
mod quota;
#[cfg(feature = "quotas")]
mod quotas;
mod rejection;
mod reply;
mod service;
mod settlement;
mod shared;
mod span;
pub mod store;
mod sync;
#[cfg(feature = "testing")]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
pub mod testing;
mod trace;
mod verdict;
mod warning;
mod who;

#[cfg(feature = "axum-0-8")]
#[cfg_attr(docsrs, doc(cfg(feature = "axum-0-8")))]
pub use axum08::NotLimited;
pub use body::ResponseBody;
pub use charge::Charge;
pub use client_ip::{ClientIp, ForwardedBy, PeerAddr};
pub use concurrency::Concurrency;
pub use decision::{Basis, Decision, Standing};
pub use future::ResponseFuture;
pub use headers::{Headers, RESPONSE_HEADERS};
pub use layer::{RateLimitLayer, RateLimitLayerBuilder};
pub use outage::Outage;
pub use policy::Policy;
pub use quota::{Quota, QuotaError};
#[cfg(feature = "quotas")]
#[cfg_attr(docsrs, doc(cfg(feature = "quotas")))]
pub use quotas::{Allowance, QuotaProvider, Quotas};
pub use rejection::Rejection;
pub use service::RateLimitService;
pub use span::Span;
#[doc(no_inline)]
pub use stonework_core::{
    ConfigError, ConfigErrors, Key, NotExecuted, Problem, RequestHead, StoneBody,
};
pub use warning::Warning;
pub use who::MissingKey;

/// The request headers that this crate reads, for CORS to allow. None: those with addresses are
/// for proxies, and a header that keys are taken from is yours to allow.
pub const REQUEST_HEADERS: &[&str] = &[];
