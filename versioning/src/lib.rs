//! API versions for any tower service: read from the path, a header, the query, a media type or a gRPC
//! package; with a life cycle that clients are told of; and migrations, so that handlers know only the
//! newest shape.
//!
//! An API that has users cannot change, and one that does not change cannot grow. This layer finds out
//! which version a request wants, and refuses what is unclear instead of guessing. It lets one handler
//! serve old and new clients. It tells clients in standard headers what becomes of their version, and
//! owners who still uses it. It works in axum, hyper and tonic.
//!
//! # The shortest program
//!
//! ```
//! use axum::{Router, routing::get};
//! use stonework_versioning::{ApiVersion, Major, PathSegment, VersionLayer};
//!
//! # #[cfg(feature = "axum-0-8")]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let versions = VersionLayer::builder::<Major>()
//!     .version("1", |v| v.deprecated_at("2026-01-01").sunset_at("2036-01-01").successor("/v2"))
//!     .version("2", |v| v)
//!     .read(PathSegment::first().strip(true))
//!     .build()?;
//!
//! async fn orders(version: ApiVersion) -> String {
//!     format!("orders, in the shape of {}\n", version.resolved())
//! }
//!
//! // `/v1/orders` and `/v2/orders`. Feature `axum-0-8`; without axum it is `versions.layer(service)`.
//! let app = versions.around(Router::new().route("/orders", get(orders)));
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "axum-0-8"))]
//! # fn main() {}
//! ```
//!
//! A client of the first version is served, and told:
//!
//! ```text
//! GET /v1/orders HTTP/1.1
//!
//! HTTP/1.1 200 OK
//! content-type: text/plain; charset=utf-8
//! api-version: v1
//! deprecation: @1767225600
//! sunset: Tue, 01 Jan 2036 00:00:00 GMT
//! link: </v2>; rel="successor-version"
//! api-supported-versions: v2
//! api-deprecated-versions: v1
//!
//! orders, in the shape of v1
//! ```
//!
//! `/v3/orders` is a 404 that lists what there is, and `/orders` a 400: what a client does not say is not
//! guessed, unless you [say what it is](VersionLayerBuilder::unspecified).
//!
//! # Handlers that know only the newest shape
//!
//! Feature `migrate`. A version says what it changed, as a [`Gate`]: how the body of an older request becomes
//! one of this version, and how the response becomes an older one. Gates of several versions add up.
//!
//! ```
//! # #[cfg(all(feature = "migrate", feature = "axum-0-8"))]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use axum::{Json, Router, routing::post};
//! use serde_json::Value;
//! use stonework_versioning::{DateVersion, Header, Select, VersionLayer};
//!
//! let versions = VersionLayer::builder::<DateVersion>()
//!     .version("2025-09-30", |v| v.deprecated_at("2026-06-01"))
//!     .version("2026-03-10", |v| v)
//!     .read(Header::named("acme-version"))
//!     // `2026-01-15` is served as `2025-09-30`: the newest that is not younger.
//!     .select(Select::Waterfall)
//!     .unspecified("2025-09-30")
//!     .neutral(|request| request.uri.path() == "/healthz")
//!     .build()?;
//!
//! let migrations = versions
//!     .migrations()
//!     .gate("2026-03-10", |gate| {
//!         gate.describe("`amount` is an object of `value` and `currency`.")
//!             .at("/transfers")
//!             .request(|body| {
//!                 body.move_to("/amount", "/amount/value").default("/amount/currency", "USD")
//!             })
//!             .response(|body| body.move_to("/amount/value", "/amount"))
//!     })
//!     .build()?;
//! println!("{}", migrations.changelog());
//!
//! // Only ever sees `{"amount": {"value": 5, "currency": "USD"}}`.
//! async fn transfer(body: Json<Value>) -> Json<Value> {
//!     body
//! }
//!
//! let app = Router::new().route("/transfers", post(transfer)).layer(migrations);
//! let app = versions.around(app);
//! # Ok(())
//! # }
//! # #[cfg(not(all(feature = "migrate", feature = "axum-0-8")))]
//! # fn main() {}
//! ```
//!
//! What is not changed stays as it was, byte for byte: numbers of any size, the order of members, escapes.
//! A request that has no gate to pass is not parsed. What a body cannot say, such as an email that was sent
//! in the old version only, is a branch: `Some(version.index()) < versions.index("2026-03-10")`.
//!
//! # A service for each version
//!
//! A [`VersionRouter`] has one for each, or one for several:
//!
//! ```
//! use axum::{Router, routing::get};
//! use stonework_versioning::{Header, Major, PathSegment, Query, VersionLayer};
//! use tower::Layer;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let versions = VersionLayer::builder::<Major>()
//!     .version("1", |v| {
//!         v.deprecated_at("2026-06-01")
//!             .deprecation_link("https://example.com/moving-to-v2")
//!             .brownout("2026-10-05T14:00:00Z", "2026-10-05T15:00:00Z")
//!     })
//!     .version("2", |v| v)
//!     .version("3", |v| v)
//!     .read(PathSegment::after("/api").strip(true))
//!     .read(Header::named("api-version"))
//!     .read(Query::named("version"))
//!     .build()?;
//!
//! let old: Router = Router::new().route("/api/orders", get(|| async { "a list" }));
//! let new: Router = Router::new().route("/api/orders", get(|| async { "pages" }));
//! let router = versions.router().at("1", old).from("2", new).build()?;
//! let service = versions.layer(router);
//! # let _ = service;
//! # Ok(())
//! # }
//! ```
//!
//! # Accounts
//!
//! Feature `accounts`. [`Pins`] give each account the version that it began with, as Stripe does: its first
//! request pins it, a request that names another gets that one, and you move it when it is ready.
//! [`LastSeen`] remembers who uses what. Both are kept in memory, in Redis, or where you want.
//! How often each version is used is [counted](VersionLayer::usage) without any of it.
//!
//! # What a client sees
//!
//! | case | HTTP | gRPC | type |
//! |---|---|---|---|
//! | no version, and none is said for that | 400 | `INVALID_ARGUMENT` | `version-unspecified` |
//! | what stands there is no version: `01`, `+1`, `2016-02-30` | 400 | `INVALID_ARGUMENT` | `version-malformed` |
//! | two places ask for two versions | 400 | `INVALID_ARGUMENT` | `version-ambiguous` |
//! | a version that is none of yours | 400; 404 in a path, 406 in `Accept`, 415 in `Content-Type` | `UNIMPLEMENTED` | `version-unsupported` |
//! | a brownout | 410; 503 by choice | `FAILED_PRECONDITION`; `UNAVAILABLE` | `brownout` |
//! | after the sunset | 410 | `FAILED_PRECONDITION` | `version-sunset` |
//! | the account is pinned to what is gone | 410 | `FAILED_PRECONDITION` | `pin-sunset` |
//! | the store of pins does not answer | 503 | `UNAVAILABLE` | `pin-unknown` |
//! | a body that no gate can take | 400, 408, 413, 415, 422 | | `body-…` |
//! | a gate fails, or a response cannot pass one | 500 | `INTERNAL` | `migration-failed`, `not-migratable` |
//!
//! All are problem+json (RFC 9457), with the list `supported` where it helps. A response of the service
//! tells its version (`api-version`), which there are, and what becomes of it: `Deprecation` (RFC 9745),
//! `Sunset` (RFC 8594), `Link`. `Vary` names every header that was read.
//!
//! # What it promises
//!
//! - **Nothing is guessed.** All readers are asked, and what they find has to be one version. `1`, `v1` and
//!   a second `1` are equal; `1` and `2` are an error, whichever comes first. A path segment is one whole
//!   segment at its place, and is not decoded.
//! - **A version is told in its own words.** What a client sent is compared, and never echoed.
//! - **The life of a version is a matter of the clock**, so all processes switch at the same moment, and
//!   without a restart. A sunset before its deprecation does not build; nor does a brownout before a version
//!   has been deprecated for a day.
//! - **Gates are passed by all or by none.** A gate whose edits fail or panic is a 500, and no half of a body is
//!   sent. Digests, lengths and `ETag` are those of what is sent, or are left out.
//! - **One pin.** Of many first requests at once one pins the account, and all get that version.
//! - **Little is paid**: a neutral path allocates nothing; a version three times, for the extension; one that
//!   is taken out of the path and has a service of its own five times; and headers what the response's map
//!   grows by. No body is touched without a gate. Trailers, upgrades and streams pass.
//!
//! # What it cannot promise
//!
//! - That a gate is right. It is your code; `up ∘ down` is a property worth a test.
//! - That an error which the service returns as `Err` in place of a response has headers.
//! - A stream, a compressed response, a part of one (206), or one over
//!   [`max_response_body`](MigrationLayerBuilder::max_response_body) cannot be migrated. Where a gate applies
//!   they are refused with 500, since they would have the wrong shape; the handler has run then, so have a
//!   test for each route. Events can be migrated one by one, by who makes them ([`EventMigration`]).
//! - While a service is deployed, its older processes do not know the newest version, and an account that a newer
//!   one has pinned to it gets 410 from them. Say [`Pins::first`] until all are new.
//! - A preview is a version as any other: it is the newest if it is last, and what a waterfall leads to. Say
//!   `first`, or leave previews out, where that is not wanted.
//! - A pin that is moved is noticed by other processes within `keep_for`, 10 s. Redis that loses its data
//!   loses the pins: accounts are pinned anew, to the newest. Keep it as you keep accounts.
//!
//! # Where to put it
//!
//! Inside of CORS, rate limits, authentication and idempotency; around the router. Idempotency keeps what
//! was sent and answered, so put the version's headers into its fingerprint. Whatever signs or digests a
//! body, or compresses it, goes outside of the migrations.
//!
//! # Security
//!
//! - A version is read before a handler runs, and bounded: a header is scanned once, nothing is decoded but
//!   names and values of the query. Without migrations and pins, nothing of a request is kept.
//! - Bodies are read only where a gate applies, up to a cap (2 MiB) and within a time (30 s). While one is
//!   migrated it takes up more, at worst a hundred times its text; see `max_request_body`. Two members of one
//!   name are refused where a gate looks for that name: what two parsers read differently, one of them checks
//!   and the other uses.
//! - What went wrong in a gate is in logs and extensions, and not in the response, unless the gate
//!   [refuses](GateError::refuse) in words of its own.
//! - The rules of an old version are those of its gates: a check that is new has to hold there too. Checks
//!   belong into the handler, which sees only the newest shape.
//! - Responses that depend on a pin say `Vary: authorization`, so that no cache gives one account what is
//!   another's. Say [what tells yours](Pins::varies_by), if that is another header.
//!
//! # Features
//!
//! | feature | |
//! |---|---|
//! | `axum-0-8` | [`VersionLayer::around`], the extractor [`ApiVersion`], and axum's own `OriginalUri` |
//! | `migrate` | [`Gate`], [`MigrationLayer`], [`Document`]; brings `serde_json` |
//! | `accounts` | [`Pins`], [`LastSeen`], and their stores; brings `moka` and `tokio` |
//! | `redis-1` | `store::redis1::RedisStore`, over the `redis` crate 1.x; Redis 7.0 or later, or Valkey |
//! | `tracing` | an event for every refusal |
//! | `utoipa-6` | `openapi` describes where a version is said, what is told of it, and the problems in an OpenAPI document |
//! | `testing` | the conformance suites for stores of your own |
//!
//! Without any it needs no runtime.
//!
//! For other concerns: what a retry gets is `stonework-idempotency`; which pages may read the headers above
//! is `stonework-cors`, with [`REQUEST_HEADERS`] and [`RESPONSE_HEADERS`].
#![cfg_attr(docsrs, feature(doc_cfg))]
// Links to what a feature brings lead nowhere without it.
#![cfg_attr(
    not(all(feature = "accounts", feature = "axum-0-8", feature = "migrate")),
    allow(rustdoc::broken_intra_doc_links)
)]

#[cfg(feature = "accounts")]
mod accounts;
mod api_version;
#[cfg(feature = "axum-0-8")]
mod axum08;
mod decide;
mod dispatch;
mod future;
#[cfg(feature = "testing")]
#[doc(hidden)]
pub mod fuzz;
#[cfg(feature = "accounts")]
mod last_seen;
mod layer;
mod life;
#[cfg(feature = "migrate")]
mod migrate;
mod moment;
#[cfg(feature = "utoipa-6")]
#[cfg_attr(docsrs, doc(cfg(feature = "utoipa-6")))]
pub mod openapi;
#[cfg(feature = "accounts")]
mod pins;
mod read;
mod rejection;
mod resolve;
mod router;
mod service;
mod shared;
#[cfg(feature = "accounts")]
#[cfg_attr(docsrs, doc(cfg(feature = "accounts")))]
pub mod store;
mod table;
#[cfg(all(feature = "testing", feature = "accounts"))]
#[cfg_attr(docsrs, doc(cfg(all(feature = "testing", feature = "accounts"))))]
pub mod testing;
mod told;
mod trace;
mod usage;
mod version;
mod versions;
mod warning;

pub use api_version::ApiVersion;
#[cfg(feature = "axum-0-8")]
#[cfg_attr(docsrs, doc(cfg(feature = "axum-0-8")))]
pub use axum08::NotVersioned;
pub use dispatch::Dispatched;
pub use future::ResponseFuture;
#[cfg(feature = "accounts")]
#[cfg_attr(docsrs, doc(cfg(feature = "accounts")))]
pub use last_seen::{LastSeen, VersionUsers};
pub use layer::{VersionLayer, VersionLayerBuilder};
pub use life::Stage;
#[cfg(feature = "migrate")]
#[cfg_attr(docsrs, doc(cfg(feature = "migrate")))]
pub use migrate::{
    Changelog, Document, Edits, EventMigration, Events, Gate, GateError, MigrationFuture,
    MigrationLayer, MigrationLayerBuilder, MigrationService,
};
pub use moment::{Moment, NoMoment};
#[cfg(feature = "accounts")]
#[cfg_attr(docsrs, doc(cfg(feature = "accounts")))]
pub use pins::{AccountPins, PinOutage, Pins};
pub use read::{GrpcPackage, Header, MediaType, PathSegment, Query, Reader, Source};
pub use rejection::Rejection;
pub use resolve::{Fault, Resolved};
pub use router::{VersionRouter, VersionRouterBuilder};
pub use service::VersionService;
#[doc(no_inline)]
pub use stonework_core::{
    Clock, ConfigError, ConfigErrors, Key, NotExecuted, OriginalUri, Problem, RequestHead,
    StoneBody, StoreError, StoreErrorKind, StoreFuture,
};
pub use usage::{Refusals, Usage};
pub use version::{Channel, DateVersion, Major, MajorMinor, Malformed, Status, Version};
pub use versions::{Found, Index, LifeBuilder, Select, Versions, VersionsBuilder};
pub use warning::Warning;

/// The request header that this crate reads unless another is named, for CORS to allow. One of another name
/// is yours to allow.
pub const REQUEST_HEADERS: &[&str] = &["api-version"];

/// The response headers that this crate writes, for CORS to expose. Put CORS around this layer: a page cannot
/// read a refusal without its headers.
pub const RESPONSE_HEADERS: &[&str] = &[
    "api-version",
    "deprecation",
    "sunset",
    "link",
    "api-supported-versions",
    "api-deprecated-versions",
    "retry-after",
];
