//! Webhooks that arrive at least once, from a durable outbox, to safe addresses only.
//!
//! Somebody registers a URL, and wants to be told. Between your database and that URL lies all that can go wrong: the
//! receiver is down for a night, answers after a minute, answers without an end, says 429, or is gone for good. Your process
//! ends in the midst of it. And the URL was written by a stranger, to be followed from inside of your network: it may lead to
//! `169.254.169.254`, at once or after the next look-up of its name.
//!
//! [`Delivery`] keeps messages in an [outbox](store), in memory or in Redis, and its [workers](Delivery::start) send them: as
//! often as a [`Policy`] says, signed anew each time, to addresses that an [`EgressGuard`](egress::EgressGuard) has vetted
//! when they were connected to. What could not be delivered is a dead letter, which can be listed and replayed.
//!
//! This is the wrong crate for receiving webhooks, or for signing requests that you send yourself: that is
//! `stonework-webhook-sign`, which this one builds on. The guard's connector is of use by itself, under any client of
//! hyper-util that follows URLs of strangers.
//!
//! # The shortest program
//!
#![cfg_attr(feature = "client", doc = "```no_run")]
#![cfg_attr(not(feature = "client"), doc = "```ignore")]
//! use std::time::Duration;
//! use stonework_webhook_delivery::store::MemoryOutbox;
//! use stonework_webhook_delivery::{
//!     Delivery, Endpoint, EndpointId, MemoryEndpoints, Message, Secret, Signer, scheme,
//! };
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let secret = Secret::random()?; // shown to the receiver, once
//! let endpoints = MemoryEndpoints::new();
//! let customer = EndpointId::new("ep_customer_7")?;
//! let endpoint = Endpoint::builder("https://example.com/webhooks")
//!     .signer(Signer::new(scheme::STANDARD).secret(secret.reveal()))
//!     .build()?;
//! endpoints.insert(customer.clone(), endpoint);
//!
//! let delivery = Delivery::builder().endpoints(endpoints).outbox(MemoryOutbox::new()).build()?;
//! let workers = delivery.start();
//!
//! let paid = Message::new(r#"{"type":"invoice.paid","data":{"id":"in_7"}}"#).id("evt_in_7_paid");
//! delivery.enqueue(&customer, paid).await?;
//!
//! // When the process is told to end:
//! workers.drain(Duration::from_secs(20)).await;
//! # Ok(())
//! # }
//! ```
//!
//! # Many processes, your own data, and another schedule
//!
#![cfg_attr(all(feature = "client", feature = "redis-1"), doc = "```")]
#![cfg_attr(not(all(feature = "client", feature = "redis-1")), doc = "```ignore")]
//! use std::time::Duration;
//! use http::HeaderValue;
//! use stonework_webhook_delivery::egress::EgressGuard;
//! use stonework_webhook_delivery::store::redis1::RedisOutbox;
//! use stonework_webhook_delivery::{
//!     Delivery, Endpoint, EndpointId, Endpoints, Event, Policy, Schedule, Signer, StoreError,
//!     StoreErrorKind, StoreFuture, scheme,
//! };
//! # #[derive(Clone)] struct Database;
//! # struct Row { url: String, secrets: Vec<String> }
//! # impl Database { async fn webhook_endpoint(&self, _: &str) -> Result<Option<Row>, std::io::Error> { Ok(None) } }
//!
//! impl Endpoints for Database {
//!     fn find(&self, id: &EndpointId) -> StoreFuture<Result<Option<Endpoint>, StoreError>> {
//!         let (database, id) = (self.clone(), id.clone());
//!         StoreFuture::new(async move {
//!             let row = database.webhook_endpoint(id.as_str()).await;
//!             let away = |error| StoreError::new(StoreErrorKind::Unavailable).with_source(error);
//!             let Some(row) = row.map_err(away)? else { return Ok(None) };
//!             // While a secret is changed, both sign.
//!             let signer = row.secrets.iter().fold(Signer::new(scheme::STANDARD), Signer::secret);
//!             let bad = |error| StoreError::new(StoreErrorKind::Incompatible).with_source(error);
//!             Endpoint::builder(&row.url).signer(signer).build().map(Some).map_err(bad)
//!         })
//!     }
//! }
//!
//! fn delivery(
//!     database: Database,
//!     connection: redis::aio::ConnectionManager,
//! ) -> Result<Delivery, Box<dyn std::error::Error>> {
//!     let hours = |hours: u64| Duration::from_secs(hours * 60 * 60);
//!     Ok(Delivery::builder()
//!         .endpoints(database)
//!         .outbox(RedisOutbox::new(connection).key_prefix("payments:webhooks"))
//!         .guard(EgressGuard::builder().allow("10.20.0.0/16").build()?)
//!         .policy(
//!             Policy::standard()
//!                 .schedule(Schedule::new([hours(1), hours(6), hours(24)]))
//!                 .disable_after(hours(72)),
//!         )
//!         .concurrency(256)
//!         .per_endpoint(8)
//!         .user_agent(HeaderValue::from_static("Payments-Webhooks/1"))
//!         .on_event(|event| {
//!             if let Event::Disabled { endpoint, reason, .. } = event {
//!                 eprintln!("{endpoint} is disabled ({reason}); write to its owner");
//!             }
//!         })
//!         .deny_warnings()
//!         .build()?)
//! }
//! ```
//!
//! A client of your own takes the place of the default one by [`client`](DeliveryBuilder::client): any tower service from
//! `http::Request<StoneBody<WebhookBody>>` to `http::Response<_>`. For reqwest, `map_request` makes its own of it.
//!
//! # The sender's guide
//!
//! 1. **Name what has happened, and not the attempt.** Give each message the [id](Message::id) of its event. Enqueued again,
//!    after a crash or by another process, it is told once; and receivers know a repeat by it.
//! 2. **Enqueue when it has happened.** An outbox that is not in your database cannot share its transaction. Write the event
//!    beside what it tells of, enqueue it after the commit, and have something enqueue again what is left: the id makes
//!    that safe.
//! 3. **Check URLs when they are registered**, by [`check_url`](egress::EgressGuard::check_url) of the guard that the client
//!    has, so that whoever writes one is told at once. Nothing rests on that: what is connected to is vetted each time.
//! 4. **Make secrets by [`Secret::random`]**, show each once, and sign with the old one and the new one while it is changed.
//! 5. **Say little.** A body is sent to a URL that may have changed its owner: ids and types, which the receiver then looks
//!    up, tell nothing to whom they do not concern. Standard Webhooks advises 20 kB at most.
//! 6. **Do not use an order** unless receivers cannot do without. One message that fails holds up all that come after it,
//!    until it is a dead letter: three days by the standard schedule.
//! 7. **Tell owners** of [`Event::Disabled`] and [`Event::Dead`], let them see their attempts by [`Delivery::list`], and
//!    replay their dead letters by [`Delivery::replay`]. Attempts tell a status and no body: an answer may be an internal
//!    page that somebody wants to read through you.
//! 8. **[Purge](Delivery::purge) an endpoint that its owner deletes**, once nothing more is enqueued for it: its messages, its
//!    dead letters and all that is known of it are removed. Of an endpoint that is only disabled everything is kept.
//! 9. **End by [`Workers::drain`]**, with a deadline longer than an attempt may take.
//! 10. **Look at [`warnings`](Delivery::warnings)** and, over Redis, at `preflight` when the service starts.
//!
//! | answer | what follows |
//! |---|---|
//! | 2xx | delivered, whatever the body says or how it ends |
//! | 410 | a dead letter, and the endpoint is disabled |
//! | `webhook-delivery: disable` | the endpoint is disabled; a dead letter unless 2xx |
//! | `webhook-delivery: abort-message` | a dead letter unless 2xx |
//! | 429 | tried again; the endpoint is left alone for a while, and has taken nothing |
//! | 502, 504 | the same, and a failure |
//! | 3xx, 4xx, 5xx, nothing in time, a broken connection | a failure; tried again |
//! | an address that the guard refuses when it is connected to | a failure; tried again, since names change |
//! | a URL that the guard refuses by itself | a dead letter |
//! | none, since `find` says that what it knows cannot be used | tried again; no failure |
//! | none, since the worker is told to end | tried again at once; no failure |
//!
//! It is tried again when the schedule says, made longer by some jitter, or when `Retry-After` says (seconds or a date, 24 h
//! at most), whichever is later. Failures in a row make an endpoint [rest](Breaker), and then be tried by one message at a
//! time. An endpoint that has taken nothing for [five days](Policy::disable_after), whether it failed or said 429, is disabled.
//! Both are judged by the outbox when an attempt is settled, as the endpoint is [then](store::EndpointState::felt).
//!
//! Attempts that are broken off by [`Workers::drain`], or die with their workers, are made again: five of them for each message
//! beyond the schedule, and those after that in it. So a message that always takes its worker down ends too.
//!
//! | | attempts | over | one may take |
//! |---|---|---|---|
//! | [`Policy::standard`] | 10 | 76 h | 15 s |
//! | [`Policy::svix`] | 8 | 28 h | 15 s |
//! | [`Policy::brief`] | 4 | 7 s | 5 s |
//!
//! # What it promises
//!
//! - What [`enqueue`](Delivery::enqueue) has returned `Ok` for is in the outbox. It is delivered **at least once**, or becomes
//!   a dead letter; nothing is dropped in between. There is one record for each event and endpoint.
//! - All attempts of a message have the same id. Each has a timestamp and signatures of its own.
//! - A message is one worker's at a time, by a lease that is renewed while it is sent. If the worker dies, another takes the
//!   message over when the lease ends. One that has lost its lease can change nothing any more.
//! - An attempt has one deadline, from the look-up of the name to the end of the answer's body, of which no more is read than
//!   [`max_answer`](DeliveryBuilder::max_answer). Redirects are not followed; proxies are not read from the environment.
//! - Endpoints do not wait for each other: claims go round between those that have something due, and one that is slow or down
//!   has no more than [`per_endpoint`](DeliveryBuilder::per_endpoint) attempts under way, in all processes together.
//! - Nothing grows without bound: outboxes refuse what they have no room for, and attempts, pauses, hints and answers have caps.
//!
//! # What it cannot promise
//!
//! | what may happen | what to do about it |
//! |---|---|
//! | A message arrives twice: the answer was lost, the attempt timed out at the sender and not at the receiver, a worker died or lost its lease. | Receivers keep ids for as long as the schedule lasts: `stonework-webhook-sign` with a store does. |
//! | Messages arrive in another order than they were enqueued. | [`Message::order`], or receivers that look the object up. |
//! | Your process dies between the commit of what happened and `enqueue`. | Enqueue again from your own table (2. above). |
//! | A message is enqueued again after its record was forgotten, and is sent again. | A longer [`keep_delivered`](DeliveryBuilder::keep_delivered). |
//! | Redis fails over and lacks the last writes: messages are lost, or sent again. | `WAIT`, a synchronous store of your own, or your own table. |
//! | A receiver that answers slowly and always in time keeps its share of workers busy. | `per_endpoint` well below `concurrency`, times the number of such. |
//! | [`Event`]s are told by a process that may die before it tells. | Look at the [list](Delivery::list). |
//!
//! # Security
//!
//! - The guard refuses private, loopback, link-local, carrier-grade, multicast, benchmark, documentation and reserved
//!   addresses, the metadata services of clouds among them; all of IPv6 outside of `2000::/3`, and IPv4 in the clothes of IPv6
//!   (mapped, compatible, NAT64, 6to4, Teredo); other schemes than https, other ports than 443 and 8443, and URLs with a name
//!   or password in them. It judges the address that is connected to, of the one look-up that is made, so that a name that is
//!   bound anew leads nowhere. Exceptions are [named](egress::EgressGuardBuilder), and the wide ones are called `danger`.
//! - It does not know which public addresses are your own: [`deny`](egress::EgressGuardBuilder::deny) them. The same goes for
//!   a translator's prefix of your network's own (NAT64, RFC 6052): such an address is public by its looks, and leads to
//!   whatever IPv4 address its last bytes say. It does not stand before a client that you bring.
//! - Headers of an endpoint cannot take the place of `host`, `content-length`, `webhook-…` or any that signs.
//! - Neither secrets nor bodies nor URLs are shown by `Debug`, told by errors or traced. Ids of messages and endpoints are.
//!   What a client of your own says of its errors is traced at `DEBUG`; reqwest's name the whole URL, unless `without_url`.
//! - Bodies stand in the outbox in the clear; secrets do not stand there at all.
//! - Names are looked up on the threads that tokio keeps for what blocks. A resolver of your own can be given to the client.
//!
//! # Beside others
//!
//! Read from the sources of what is published or served: Svix's server reads an answer to its end, outside of its deadline, and
//! clamps `Retry-After`; it has one queue for all endpoints. Hook0 pins the vetted address, with a client for each attempt.
//! `webhooksmith` 0.2 lets mapped, NAT64 and 6to4 addresses pass, and knows neither rotation, 410, nor `Retry-After`.
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `client` (default) | [`client::HttpClient`] over hyper-util and rustls, [`egress::GuardedConnector`] |
//! | `redis-1` | [`store::redis1`], the outbox over the `redis` crate 1.x |
//! | `tracing` | an event for each attempt and each change of an endpoint |
//! | `testing` | [`testing`], the suite that any outbox must pass |
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(test)]
mod allocations;
mod attempt;
mod body;
mod breaker;
mod builder;
#[cfg(feature = "client")]
#[cfg_attr(docsrs, doc(cfg(feature = "client")))]
pub mod client;
mod delivery;
pub mod egress;
mod endpoint;
mod endpoints;
mod error;
mod event;
#[cfg(feature = "testing")]
#[doc(hidden)]
pub mod fuzz;
mod health;
mod id;
mod judge;
mod message;
mod names;
mod policy;
mod reason;
mod retry_after;
mod schedule;
mod secret;
mod shared;
pub mod store;
#[cfg(feature = "testing")]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
pub mod testing;
mod trace;
mod transport;
mod warning;
mod worker;

pub use attempt::{Attempt, MAX_ATTEMPTS};
pub use body::WebhookBody;
pub use breaker::Breaker;
pub use builder::DeliveryBuilder;
pub use delivery::Delivery;
pub use endpoint::{Endpoint, EndpointBuilder};
pub use endpoints::{Endpoints, MemoryEndpoints};
pub use error::EnqueueError;
pub use event::Event;
pub use health::Patience;
pub use id::{DeliveryId, EndpointId, IdError, OrderKey};
pub use message::Message;
pub use names::{REQUEST_HEADERS, RESPONSE_HEADERS};
pub use policy::Policy;
pub use reason::{DeadReason, DisableReason, Fault};
pub use schedule::Schedule;
pub use secret::Secret;
#[doc(no_inline)]
pub use stonework_core::{
    Clock, ConfigError, ConfigErrors, StoreError, StoreErrorKind, StoreFuture,
};
#[doc(no_inline)]
pub use stonework_webhook_sign::{MessageId, Signer, StoneBody, keys, scheme};
pub use warning::Warning;
pub use worker::{Drained, Workers};
