//! CORS for any tower service: the Fetch standard's protocol, checked when it is built, and explained
//! when it says no.
//!
//! A browser keeps a page from reading what another origin answers, unless that origin allows it.
//! This layer says so: it answers the browser's questions (preflights), and writes the few headers
//! that let a page read a response. What could not work, or would let anybody in, is an error when
//! the layer is built. It works in axum, hyper and tonic.
//!
//! # The shortest program
//!
//! ```
//! use axum::{Router, routing::get};
//! use stonework_cors::CorsLayer;
//! use tower::ServiceBuilder;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let cors = CorsLayer::builder()
//!     .origins(["https://app.example.com", "https://*.preview.example.com"])
//!     .methods(["PUT", "DELETE"])
//!     .include(["authorization", "content-type"])
//!     .build()?;
//!
//! let app: Router = Router::new()
//!     .route("/", get(|| async { "hello" }))
//!     .layer(ServiceBuilder::new().layer(cors));
//! # Ok(())
//! # }
//! ```
//!
//! A page of `https://pr-7.preview.example.com` that wants to `PUT` makes its browser ask first:
//!
//! ```text
//! OPTIONS / HTTP/1.1
//! origin: https://pr-7.preview.example.com
//! access-control-request-method: PUT
//! access-control-request-headers: content-type
//!
//! HTTP/1.1 204 No Content
//! access-control-allow-origin: https://pr-7.preview.example.com
//! access-control-allow-methods: PUT,DELETE
//! access-control-allow-headers: authorization,content-type
//! vary: origin,access-control-request-method,access-control-request-headers
//! ```
//!
//! A page of any other origin gets 403, with no word of what would be allowed.
//!
//! # With cookies, the siblings' headers, and reasons
//!
//! ```
//! use std::time::Duration;
//!
//! use stonework_cors::{CorsLayer, bundle};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # mod stonework_idempotency { pub const REQUEST_HEADERS: &[&str] = &["idempotency-key"]; }
//! # mod stonework_ratelimit { pub const RESPONSE_HEADERS: &[&str] = &["retry-after"]; }
//! let cors = CorsLayer::builder()
//!     .origins(["https://app.example.com", "http://localhost:*"])
//!     .methods(["PUT", "PATCH", "DELETE"])
//!     .include(["authorization", "content-type"])
//!     .include(stonework_idempotency::REQUEST_HEADERS)
//!     .include(bundle::GRPC_WEB_REQUEST_HEADERS)
//!     .expose(stonework_ratelimit::RESPONSE_HEADERS)
//!     .expose(bundle::GRPC_WEB_RESPONSE_HEADERS)
//!     .credentials(true)
//!     .max_age(Duration::from_secs(7200))
//!     .debug(cfg!(debug_assertions))
//!     .build()?;
//!
//! // For metrics.
//! for (reason, count) in cors.denials() {
//!     println!("cors_denied{{reason=\"{reason}\"}} {count}");
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Whatever is wrong is told at once, each with the value, the reason and what to do:
//!
//! ```
//! # use stonework_cors::CorsLayer;
//! let errors = CorsLayer::builder()
//!     .origins(["https://app.example.com/", "http://app.example.com", "https://*.github.io"])
//!     .methods(["put"])
//!     .credentials(true)
//!     .build()
//!     .unwrap_err();
//! assert_eq!(errors.as_slice().len(), 4);
//! for error in &errors {
//!     println!("{error}");
//! }
//! ```
//!
//! # More than one policy
//!
//! [`policies`](CorsLayerBuilder::policies) finds the policy of each request: by a closure,
//! [by host](ByHost), [by path](ByPath), through a [`Handle`] that can be changed while the service
//! runs, or for each tenant from a store (`TenantPolicies`, feature `tenants`).
//!
//! # What a page sees
//!
//! | case | answer |
//! |---|---|
//! | `OPTIONS` with `Origin` and `Access-Control-Request-Method` | answered here: 204, or 403 without a body or a header |
//! | any other `OPTIONS` | the service's |
//! | any request of an allowed origin | the service's, and the page may read it |
//! | any request of another origin | the service's, and the browser keeps it from the page |
//! | the same, with [`reject_actual`](CorsLayerBuilder::reject_actual) | 403 problem `origin-not-allowed`; in gRPC `PERMISSION_DENIED` |
//! | a request without `Origin` | the service's |
//! | no policy can be found out | as for an origin that is not allowed; the preflight gets 503 |
//!
//! Why something was denied is told by [`explain`], by [`Reason`]s that are
//! [counted](CorsLayer::denials), by `tracing` events, by a [`Decision`] in the response's
//! [extensions](CorsLayerBuilder::extensions), and, in [`debug`](CorsLayerBuilder::debug) mode, by the
//! browser's own console.
//!
//! # What it promises
//!
//! - **One answer.** A response has at most one `Access-Control-Allow-Origin`, and it is this layer's:
//!   one from inside is replaced, or removed if the page is denied. (A response that no page asked for,
//!   without `Origin`, keeps what the service says.)
//! - **No more than was said.** A name allows its scheme and its port and no other. `*` is never
//!   combined with credentials. `authorization` is allowed only by its name.
//! - **Caches are told.** `Vary: Origin` is on every response of the service that depends on the origin,
//!   with or without one, allowed or denied; and not where `*` answers all alike. What the service says
//!   in `Vary` stays. (A denied preflight has no header at all: no cache keeps a 403 unasked.)
//! - **No allocation of its own** on a request that is not a preflight, two on a preflight that is
//!   allowed, none on one that is denied, for one origin or 100,000. A response whose map of headers is
//!   full makes it grow. The work is bounded whatever is sent: an `Access-Control-Request-Headers` of a
//!   megabyte is not read to its end.
//! - **Bodies are not touched.** Trailers, upgrades and streams pass.
//!
//! # What it cannot promise
//!
//! The [guide] has the whole of it. In short: CORS lets pages read, and does not keep anybody from
//! sending. Programs that are no browsers do not care. An error that a service returns as `Err`, in
//! place of a response, gets no headers: put this layer around whatever makes a response of it.
//!
//! While a store of tenants is away, pages of tenants that are not known are denied, and a browser may
//! keep that answer for as long as the response's own `Cache-Control` says. A
//! [resolver](PolicyResolver) of yours is waited for as long as it takes.
//!
//! # Where to put it
//!
//! Around all that can say no: outside of rate limits, authentication and idempotency, inside of trace
//! and timeout. Otherwise a page cannot read a 429, and a preflight, which carries no token, gets a
//! 401. The [guide] says more.
//!
//! # Security
//!
//! - An origin that is allowed with credentials can do what its user can. Every page of it, and every
//!   script in these, is trusted.
//! - With credentials, `*` and `null` are errors, and so are `http` origins and patterns below public
//!   suffixes. The last two can be allowed, by methods that are named `danger_…`.
//! - What an attacker sends is told only in debug mode and in logs, escaped and cut off.
//! - The Public Suffix List is that of the day when the `psl` crate was published. A suffix that is
//!   younger is not known: `cargo update -p psl`. Nor are names above one, such as
//!   `https://*.amazonaws.com`, below which some names are anybody's: name the domains that are yours.
//! - Neither the 403 of a preflight nor its extensions say more than that; a refusal by
//!   [`reject_actual`](CorsLayerBuilder::reject_actual) has the [`Reason`], the [`Problem`] and
//!   [`NotExecuted`] in its extensions.
//!
//! # Features
//!
//! | feature | |
//! |---|---|
//! | `serde` | `CorsConfig`: the same words from a configuration file |
//! | `tenants` | origins per tenant, asked of a store and cached by `moka` |
//! | `redis-1` | `store::redis1::RedisStore`, over the `redis` crate 1.x; Redis 7.0 or later, or Valkey |
//! | `axum-0-8` | `CorsLayer::around`: the layer around a whole router |
//! | `idna` | the ASCII form of an international host name, in the error about it |
//! | `tracing` | an event for every denial |
//! | `testing` | the conformance suite for stores of your own |
//!
//! Without any it needs no runtime.
//!
//! For other concerns: who may ask how often is `stonework-ratelimit`; what a retry gets is
//! `stonework-idempotency`.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod act;
mod asked;
#[cfg(feature = "axum-0-8")]
mod axum08;
mod beside;
pub mod bundle;
#[cfg(feature = "serde")]
mod config;
mod decide;
mod decision;
mod denial;
mod explain;
mod future;
#[cfg(feature = "testing")]
#[doc(hidden)]
pub mod fuzz;
pub mod guide;
mod layer;
mod names;
mod origin;
mod policy;
mod preflight;
mod reject;
mod resolve;
mod service;
mod shared;
mod stamp;
#[cfg(feature = "tenants")]
#[cfg_attr(docsrs, doc(cfg(feature = "tenants")))]
pub mod store;
#[cfg(all(feature = "testing", feature = "tenants"))]
#[cfg_attr(docsrs, doc(cfg(all(feature = "testing", feature = "tenants"))))]
pub mod testing;
mod token;
mod trace;
mod warning;

#[cfg(feature = "serde")]
#[cfg_attr(docsrs, doc(cfg(feature = "serde")))]
pub use config::CorsConfig;
pub use decision::{Decision, Denial, Reason};
pub use explain::{Report, explain};
pub use future::ResponseFuture;
pub use layer::CorsLayer;
pub use origin::{OriginError, OriginErrorKind, OriginPattern, OriginSet};
pub use policy::{Builder, CorsLayerBuilder, Policy, PolicyBuilder};
pub use resolve::{ByHost, ByPath, Handle, PolicyResolver};
#[cfg(feature = "tenants")]
#[cfg_attr(docsrs, doc(cfg(feature = "tenants")))]
pub use resolve::{TenantPolicies, TenantPoliciesBuilder};
pub use service::CorsService;
#[doc(no_inline)]
pub use stonework_core::{
    ConfigError, ConfigErrors, Key, NotExecuted, Problem, RequestHead, StoneBody, StoreError,
    StoreFuture,
};
pub use warning::Warning;

/// The request headers that this crate reads, for CORS to allow. None: a browser sets them, and no page
/// can.
pub const REQUEST_HEADERS: &[&str] = &[];

/// The response headers that this crate writes, for CORS to expose. None: they are for the browser.
pub const RESPONSE_HEADERS: &[&str] = &[];
