//! Webhooks, signed and verified, for any tower service: axum, hyper or tonic.
//!
//! A webhook is a request from somebody whom you cannot see, to an address that anybody can find. What tells the genuine
//! one is a signature over its very bytes. Every provider writes it in its own way, and most services check it by hand, in
//! the handler: over a body that a framework has already read, without a limit, against one secret, and as often as it is
//! sent again.
//!
//! [`VerifyLayer`] lets only those requests through that one of its senders signed, and each event once. [`SignLayer`]
//! signs what a client sends. The schemes are in [`scheme`]: [Standard Webhooks](scheme::STANDARD) and Svix,
//! [Stripe](scheme::STRIPE), [GitHub](scheme::GITHUB), [Slack](scheme::SLACK), [Zoom](scheme::ZOOM),
//! [Shopify](scheme::SHOPIFY), [Square](scheme::square), [Twilio](scheme::Twilio), [Linear](scheme::LINEAR),
//! [Paddle](scheme::PADDLE), [Razorpay](scheme::RAZORPAY), [Dropbox](scheme::DROPBOX), [Hook0](scheme::HOOK0),
//! [Convoy](scheme::CONVOY), [Discord](scheme::DISCORD), HTTP Message Signatures (RFC 9421), and
//! [your own](scheme::HmacScheme).
//!
//! This is the wrong crate for clients of your API that retry (`stonework-idempotency`), and for keeping and retrying what
//! could not be delivered: it signs one attempt.
//!
//! # The shortest program
//!
#![cfg_attr(feature = "axum-0-8", doc = "```")]
#![cfg_attr(not(feature = "axum-0-8"), doc = "```ignore")]
//! use axum::{Router, routing::post};
//! use stonework_webhook_sign::{Sender, Verified, VerifyLayer, scheme};
//!
//! async fn paid(verified: Verified, body: String) {
//!     println!("{:?} says {body}", verified.id());
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let secret = "whsec_test_secret_of_some_length";
//! let webhooks = VerifyLayer::builder()
//!     .sender(Sender::new(scheme::STRIPE).secret(secret))
//!     .build()?;
//!
//! let app: Router = Router::new().route("/webhooks/stripe", post(paid)).layer(webhooks);
//! # Ok(())
//! # }
//! ```
//!
//! What is not signed gets a 401 and does not reach the handler. `verified` cannot be had without the layer.
//!
//! # Several senders, keys that change, and each event once
//!
//! ```
//! # #[cfg(all(feature = "redis-1", feature = "axum-0-8"))]
//! # mod example {
//! use std::net::SocketAddr;
//! use std::time::{Duration, SystemTime};
//!
//! use axum::extract::ConnectInfo;
//! use axum::{Router, routing::post};
//! use stonework_webhook_sign::keys::{KeySet, RotatingKeys};
//! use stonework_webhook_sign::scheme::{self, Scheme};
//! use stonework_webhook_sign::store::redis1::RedisStore;
//! use stonework_webhook_sign::{HandshakeLayer, Sender, VerifiedJson, VerifyLayer};
//! use tower::ServiceBuilder;
//!
//! #[derive(serde::Deserialize)]
//! struct Event {
//!     r#type: String,
//! }
//!
//! async fn handle(VerifiedJson(event): VerifiedJson<Event>) {
//!     println!("{}", event.r#type);
//! }
//!
//! fn app(
//!     connection: redis::aio::ConnectionManager,
//!     [new, old, github, slack]: [&str; 4],
//! ) -> Result<(Router, RotatingKeys), Box<dyn std::error::Error>> {
//!     // The old secret is good for one more day; another set can be swapped in while the service runs.
//!     let tomorrow = SystemTime::now() + Duration::from_secs(24 * 60 * 60);
//!     let keys = RotatingKeys::new(KeySet::new([
//!         scheme::STANDARD.key(new)?.named("2026"),
//!         scheme::STANDARD.key(old)?.named("2025").until(tomorrow),
//!     ])?);
//!     let webhooks = VerifyLayer::builder()
//!         .sender(Sender::new(scheme::STANDARD).keys(keys.clone()))
//!         .sender(Sender::new(scheme::GITHUB).secret(github).networks(["192.30.252.0/22"]))
//!         .sender(Sender::new(scheme::SLACK).secret(slack))
//!         .peer(|head| Some(head.extensions.get::<ConnectInfo<SocketAddr>>()?.0.ip()))
//!         .store(RedisStore::new(connection))
//!         .max_body(256 * 1024)
//!         .on_reject(|rejection, head| eprintln!("{}: {}", head.uri, rejection.reason()))
//!         .deny_warnings()
//!         .build()?;
//!     let challenges = HandshakeLayer::builder().slack().build()?;
//!     let app = Router::new()
//!         .route("/webhooks", post(handle))
//!         .layer(ServiceBuilder::new().layer(webhooks).layer(challenges));
//!     Ok((app, keys))
//! }
//! # }
//! ```
//!
//! # Sending
//!
//! ```
//! use bytes::Bytes;
//! use http_body_util::Full;
//! use hyper_util::client::legacy::Client;
//! use hyper_util::rt::TokioExecutor;
//! use stonework_webhook_sign::{MessageId, SignLayer, Signer, StoneBody, scheme};
//! use tower::{ServiceBuilder, ServiceExt};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//! # let [new, old, hub] = ["whsec_bmV3", "whsec_b2xk", "hub"];
//! let signing = SignLayer::builder()
//!     // Receivers that still have the old secret find its signature beside the new one's.
//!     .signer(Signer::new(scheme::STANDARD).secret(new).secret(old))
//!     .signer(Signer::new(scheme::GITHUB).secret(hub))
//!     .build()?;
//!
//! let client = Client::builder(TokioExecutor::new()).build_http::<StoneBody<Full<Bytes>>>();
//! let client = ServiceBuilder::new().layer(signing).service(client);
//!
//! let mut request = http::Request::post("http://example.com/webhooks").body(Full::from("{}"))?;
//! // One message, one id, however often it is tried.
//! request.extensions_mut().insert(MessageId::random());
//! let response = client.oneshot(request).await?;
//! # drop(response);
//! # Ok(())
//! # }
//! ```
//!
//! Receivers that use an SDK take less than the signature covers: bodies have to be UTF-8 for those of Stripe, Standard
//! Webhooks, Svix, Slack, Twilio and GitHub, events for Stripe's, and not empty for GitHub's. The headers of GitHub, Slack and
//! Twilio have room for one signature, the first key's. Who has the other secret alone does not take it.
//!
//! The layer belongs inside of what retries, so that each attempt has a time of its own, and inside of what changes the
//! body. A body that is a stream is collected first, up to a cap. Clients that have a kind of request or body of their own
//! are handed it by `map_request`:
//!
//! ```
//! use bytes::Bytes;
//! use http::Request;
//! use http_body_util::Full;
//! use stonework_webhook_sign::{SignLayer, StoneBody};
//! use tonic::transport::Channel;
//! use tower::{Service, ServiceBuilder};
//!
//! fn reqwests(signing: SignLayer) -> impl Service<Request<Full<Bytes>>> {
//!     ServiceBuilder::new()
//!         .layer(signing)
//!         .map_request(|request: Request<StoneBody<Full<Bytes>>>| {
//!             let request = request.map(reqwest::Body::wrap);
//!             reqwest::Request::try_from(request).expect("an absolute URL")
//!         })
//!         .service(reqwest::Client::new())
//! }
//!
//! fn tonics(signing: SignLayer, channel: Channel) -> impl Service<Request<tonic::body::Body>> {
//!     ServiceBuilder::new()
//!         .layer(signing)
//!         .map_request(|request: Request<StoneBody<tonic::body::Body>>| {
//!             request.map(tonic::body::Body::new)
//!         })
//!         .service(channel)
//! }
//! ```
//!
//! [`sign`] and [`verify`] are the same without tower.
//!
//! # Bare hyper, and tonic
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::{BodyExt, Full};
//! use hyper::body::Incoming;
//! use stonework_webhook_sign::{Sender, StoneBody, VerifyLayer, scheme};
//! use tower::{Layer, service_fn};
//!
//! async fn handle(request: Request<StoneBody<Incoming>>) -> hyper::Result<Response<Full<Bytes>>> {
//!     let body = request.into_body().collect().await?.to_bytes();
//!     Ok(Response::new(Full::new(body)))
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let secret = "a secret of more than sixteen bytes";
//! let webhooks =
//!     VerifyLayer::builder().sender(Sender::new(scheme::GITHUB).secret(secret)).build()?;
//! let service = webhooks.layer(service_fn(handle));
//! // For each connection: `serve_connection(io, TowerToHyperService::new(service.clone()))`
//! # hyper_util::service::TowerToHyperService::new(service);
//! // Or, over tonic:
//! let server = tonic::transport::Server::builder().layer(webhooks);
//! # Ok(())
//! # }
//! ```
//!
//! # The receiver's guide
//!
//! 1. **Find the scheme** in the table below, and take the secret as the provider shows it. `whsec_…` is one secret to
//!    Stripe and another to Standard Webhooks; the scheme knows.
//! 2. **Put the layer on the routes of webhooks**, and nothing before it that reads or changes the body: decompression
//!    goes inside. Requests of your own clients do not belong there.
//! 3. **Name a [`store`](VerifyLayerBuilder::store).** Without one, whoever captures a request can send it again: while its
//!    timestamp is good, or for ever where no time is signed. Where several endpoints get the same events, give each a
//!    [`namespace`](VerifyLayerBuilder::namespace).
//! 4. **Answer soon**, with 2xx when the event is safe with you, and with 5xx when it shall come again. Senders wait 5 to
//!    30 s. If the work takes longer, write the event down and answer.
//! 5. **Change secrets without a gap**: add the new one beside the old, change it at the provider, and take the old one
//!    away a day later. Both are tried.
//! 6. **Look at [`warnings`](VerifyLayer::warnings)** when the service starts, or [deny](VerifyLayerBuilder::deny_warnings)
//!    them; and at what [`on_reject`](VerifyLayerBuilder::on_reject) tells, since senders are told nothing.
//!
//! | scheme | what is signed | time | each event once by |
//! |---|---|---|---|
//! | Standard Webhooks, Svix | id, time, body | ± 5 min | its id |
//! | Stripe | time, body | ± 5 min | `id` in the body |
//! | GitHub, Shopify, Razorpay, Convoy (simple) | body | none | the signature |
//! | Dropbox | body | none | nothing: [two events look alike](scheme::DROPBOX) |
//! | Slack | time, body | ± 5 min | `event_id` in the body, or the signature |
//! | Zoom, Hook0, Convoy (advanced) | time, body (Hook0: headers too) | ± 5 min | the signature, so retries count as new |
//! | Square | URL, body | none | `event_id` in the body |
//! | Twilio | URL, form (URL and digest of other bodies) | none | the signature |
//! | Linear | body, with the time in it | ± 1 min | the signature, so retries that change the time count as new |
//! | Paddle | time, body | ± 5 s | `event_id` in the body |
//! | Discord (feature `ed25519`) | time, body | ± 5 min | `id` in the body |
//! | RFC 9421 (feature `httpsig`) | what the policy asks for | ± 5 min | the signature |
//!
//! [`event_id`](Sender::event_id) says it for other bodies.
//!
//! # What a sender sees
//!
//! | case | HTTP | gRPC |
//! |---|---|---|
//! | handled | the handler's answer | the same |
//! | handled before | 200, no body | `ALREADY_EXISTS` |
//! | being handled | 409 (or 503), `Retry-After` | `ABORTED`, pushback |
//! | not authenticated, for whatever reason | 401, always the same | `UNAUTHENTICATED` |
//! | body too large, too late, or broken off | 413, 408, 400 | `RESOURCE_EXHAUSTED`, `DEADLINE_EXCEEDED`, `INVALID_ARGUMENT` |
//! | store or keys away, or store full | 503, `Retry-After` | `UNAVAILABLE`, pushback |
//!
//! Errors are `application/problem+json` with a stable `type`. The [`Rejection`] is in the response's extensions, in the
//! hook and in a `tracing` event.
//!
//! # What it promises
//!
//! - The handler gets the bytes that were signed, all of them, and nothing before the last one was verified. A body that
//!   came as one frame is not copied.
//! - What can be told from the headers is told before a byte of the body is asked for: shape, duplicates, at most
//!   [16 signatures](MAX_SIGNATURES), the timestamp on both sides, the announced length.
//! - A body has a cap and a deadline; memory grows with what arrives. Frames are hashed as they come, once for each valid
//!   key, of which there are at most [four](keys::MAX_KEYS), however many signatures were sent. Signatures are compared in
//!   constant time, all of them.
//! - With a store, an event is claimed before its handler runs, committed when it answered 2xx, and released when it did
//!   not, panicked, or its client left. Of deliveries that race, one runs. If the process dies, the
//!   [lease](VerifyLayerBuilder::lease) ends, and the event is handled when it is delivered again: **at least once, and
//!   once if nothing fails**.
//! - While the store is away, events are refused, unless [you say otherwise](Outage).
//!
//! # What it cannot promise
//!
//! | what may happen | what to do about it |
//! |---|---|
//! | The process dies between the effect and the commit. The event is handled again. | Make the effect safe to repeat, or write [`Verified::id`] into your database in the same transaction. |
//! | A handler takes longer than its lease. Its event is given to the next delivery, and the two overlap. | A lease that is longer than any handler; [`Verified::fence`] for the resource that must tell them apart. |
//! | A scheme signs a time and no id (Zoom, Hook0, Convoy): its retries look like new events. | [`event_id`](Sender::event_id), if the body has one. |
//! | Two events are the same bytes (Dropbox, some of Twilio's). The second counts as a duplicate. | [`Sender::danger_accept_replays`] |
//! | A scheme signs no time: a request that was captured is kept out for [`dedupe_for`](VerifyLayerBuilder::dedupe_for), and no longer. | A longer time, or what the body says of its age. |
//! | Events come in another order than they happened. | Look the object up, as providers advise. |
//! | A handler fails after its headers were sent: while its body is a stream, or over gRPC with the status in the trailers. The event counts as handled. | Answer unary calls by status before the first message, as tonic does. |
//! | The store loses what it acknowledged, or evicts. The event is handled again. | `RedisStore::preflight`; `maxmemory-policy noeviction`. |
//! | A secret was stolen. Signatures are genuine. | [`networks`](Sender::networks), and a new secret. |
//!
//! # Security
//!
//! - Secrets of HMAC are turned into its states when they are read, and not kept; those of Ed25519 are kept. None is logged or
//!   shown by `Debug`, and all are wiped when dropped. An empty secret is an error, and one of fewer than 16 bytes a warning.
//! - The store sees a SHA-256 of the id or the signature, and neither of them.
//! - Only what a scheme signs is signed: other headers, the method, the URL with its query, and trailers, which reach the
//!   handler as they came, are whoever's. So a captured request can be sent to another endpoint with the same secret.
//! - Ids and names of events that are not signed, such as `X-GitHub-Delivery`, are not used: they can be made up. Nor are
//!   `Host` and `X-Forwarded-Host` for schemes that sign the URL; that is [configured](scheme::PublicUrl).
//! - A tenant that is not there is answered like one whose secret is wrong, after the work of one key: one that has several
//!   at the moment takes longer, which large bodies make measurable. Tenants keep their ids
//!   apart: [`KeySet::owned_by`](keys::KeySet::owned_by).
//! - Twilio and Discord leave their parts unseparated, and Hook0 separates them by what they may contain; the schemes say
//!   what that means.
//! - Limit connections and requests further out: each request that has the shape of a signed one costs a read of its body
//!   and up to four passes over it; with keys of Ed25519 up to 16.
//!
//! # Beside others
//!
//! Read from, and where something goes wrong tried with, the published versions: `standardwebhooks` 1.0, `webhook-verify`
//! 0.1, `tower-github-webhook` 0.2, `axum-standardwebhooks` 1.0.
//!
//! | | this crate | `standardwebhooks` | `webhook-verify` | `tower-github-webhook` | `axum-standardwebhooks` |
//! |---|---|---|---|---|---|
//! | for | servers and clients | functions | functions, tower, actix | servers | an extractor |
//! | a tower layer for `Router::layer` of axum 0.8 | yes | – | no: its errors are boxed | not tried | – |
//! | cap of the body | yes, and a deadline | – | no | no: a giant `Content-Length` aborts the process | axum's, over which it panics |
//! | a body in chunks, or one that breaks off | yes | – | not tried | burns a core without an answer | not tried |
//! | hashed once for many signatures | yes | yes | no: 300 cost 464 times as much as one | one | yes |
//! | several keys | yes, with windows | no | in a function | no | no |
//! | each event once | yes | no | no | no | no |
//! | `v1a` (Ed25519) | yes | no | no | – | no |
//! | bodies that are not UTF-8 | yes | no | yes | yes | no |
//! | empty secret | refused | taken | taken | taken | taken |
//! | providers | the above | one | 13 | one | one |
//!
//! Where a peer is better: `webhook-verify` has PayPal (RSA) and SendGrid (ECDSA), works without `std`, and has an adapter
//! for actix.
//!
//! # Features
//!
//! | feature | |
//! |---|---|
//! | `ed25519` | Discord; `v1a` of Standard Webhooks; Ed25519 in RFC 9421 |
//! | `httpsig` | `scheme::HttpSignature`: RFC 9421 with RFC 9530 |
//! | `tenants` | `keys::TenantKeys`: keys per tenant, cached by moka |
//! | `redis-1` | `store::redis1::RedisStore`, over the `redis` crate 1.x; Redis 7.0 or later, or Valkey |
//! | `axum-0-8` | [`Verified`] and `VerifiedJson` as extractors; signed URLs see through nested routers |
//! | `tracing` | an event for every rejection, and for what goes wrong with a store |
//! | `utoipa-6` | `openapi` describes webhooks, those that are taken and those that are sent, in an OpenAPI document |
//! | `testing` | the conformance suite for replay stores of your own |
#![cfg_attr(docsrs, feature(doc_cfg))]

mod algorithm;
#[cfg(feature = "axum-0-8")]
mod axum08;
mod check;
mod claims;
#[cfg(feature = "ed25519")]
mod ed25519;
mod future;
#[cfg(feature = "testing")]
#[doc(hidden)]
pub mod fuzz;
mod handshake;
mod header;
mod json;
pub mod keys;
mod layer;
mod mac;
mod names;
#[cfg(feature = "utoipa-6")]
#[cfg_attr(docsrs, doc(cfg(feature = "utoipa-6")))]
pub mod openapi;
mod policy;
mod reading;
mod refusal;
mod rejection;
mod replay;
mod reply;
pub mod scheme;
mod sender;
mod service;
mod settle;
mod shared;
mod sign;
mod signing;
mod steps;
pub mod store;
mod tag;
#[cfg(feature = "testing")]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
pub mod testing;
mod timestamp;
mod trace;
#[cfg(test)]
mod vector;
mod verified;
mod warning;

pub use algorithm::Algorithm;
#[cfg(feature = "axum-0-8")]
#[cfg_attr(docsrs, doc(cfg(feature = "axum-0-8")))]
pub use axum08::{NotVerified, VerifiedJson};
pub use claims::{BodyRole, Claims, MAX_ID, MAX_SIGNATURES};
pub use future::ResponseFuture;
pub use handshake::{
    CloudEvents, HandshakeFuture, HandshakeLayer, HandshakeLayerBuilder, HandshakeService,
};
pub use layer::{VerifyLayer, VerifyLayerBuilder};
pub use names::{REQUEST_HEADERS, RESPONSE_HEADERS};
pub use policy::{InFlight, Outage};
pub use refusal::{Field, Refusal};
pub use rejection::Rejection;
pub use scheme::Encoding;
pub use sender::Sender;
pub use service::VerifyService;
pub use sign::{
    MessageId, SignError, SignErrorKind, SignFuture, SignLayer, SignLayerBuilder, SignService,
    Signer,
};
pub use signing::{SignFault, sign};
#[doc(no_inline)]
pub use stonework_core::{
    ConfigError, ConfigErrors, Key, NotExecuted, Problem, RequestHead, StoneBody, StoreError,
    StoreErrorKind, StoreFuture,
};
pub use tag::Tag;
pub use timestamp::Unit;
pub use verified::{Verified, verify};
pub use warning::Warning;
