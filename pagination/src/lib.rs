//! Cursor pagination for any tower service: cursors that cannot be forged, keyset SQL that stays fast, and
//! links that clients follow.
//!
//! `OFFSET 900000` reads 900,000 rows to throw them away, and a row that is inserted meanwhile moves every
//! page. A cursor says after which row a page begins, so that a database goes there by an index, and nothing
//! that comes or goes moves a page. This crate has the three parts that are easy to get wrong: the cursor, the
//! SQL, and what clients are told. It works in axum, hyper, tonic and async-graphql.
//!
//! # The shortest program
//!
//! ```
//! # #[cfg(all(feature = "axum-0-8", feature = "sqlx-0-9"))]
//! # mod example {
//! use axum::extract::State;
//! use axum::{Router, routing::get};
//! use sqlx::SqlitePool;
//! use stonework_pagination::{
//!     Cursors, Dialect, Keys, Page, PageError, PageLayer, Paged, keyset,
//! };
//!
//! keyset! {
//!     /// Newest first.
//!     struct Newest {
//!         created_at: i64 => desc,
//!         id: i64 => desc unique,
//!     }
//! }
//!
//! #[derive(serde::Serialize, sqlx::FromRow)]
//! struct Order {
//!     id: i64,
//!     created_at: i64,
//! }
//!
//! async fn list(
//!     page: Page<Newest>,
//!     State(db): State<SqlitePool>,
//! ) -> Result<Paged<Order>, PageError> {
//!     let statement = page.seek().render(Dialect::Sqlite, "SELECT id, created_at FROM orders")?;
//!     let (sql, arguments) = statement.for_sqlx::<sqlx::Sqlite>().map_err(PageError::internal)?;
//!     let rows = sqlx::query_as_with(sql, arguments).fetch_all(&db).await;
//!     let rows = rows.map_err(PageError::internal)?;
//!     page.finish(rows, |order: &Order| Newest { created_at: order.created_at, id: order.id }).await
//! }
//!
//! # fn app(db: SqlitePool, secret: &[u8]) -> Result<Router, Box<dyn std::error::Error>> {
//! let cursors = Cursors::signed(Keys::new(1, secret)).build()?;
//! let pages = PageLayer::builder().cursors(cursors).build()?;
//! let app = Router::new().route("/orders", get(list).layer(pages)).with_state(db);
//! # Ok(app)
//! # }
//! # }
//! ```
//!
//! A client asks, and follows the link:
//!
//! ```text
//! GET /orders?limit=2 HTTP/1.1
//!
//! HTTP/1.1 200 OK
//! content-type: application/json
//! link: </orders?limit=2&cursor=EQKY3aKAiZHiiNKjBgGIAAAAAHAAgAAAAAAAACrQZZCi4O_B2fDAryVpI3LM>; rel="next"
//!
//! {"data":[{"id":7,"created_at":3},{"id":6,"created_at":3}],"has_more":true}
//! ```
//!
//! # What the order is made of
//!
//! [`keyset!`] is the only place that says how a list is sorted. What sorts the rows, what comes after one, and
//! what a cursor carries follow from it. An order that could lose rows does not compile: the last column has to
//! be unique, and a column that has nulls has to say where they come.
//!
//! [`Seek::render`] makes a statement of it, as plain data: a text, and values that are bound. Which shape it
//! has depends on the database and the order ([`Shape`]). None of them reads rows that the page does not have.
//!
//! # Cursors
//!
//! | | clients can | |
//! |---|---|---|
//! | [`Cursors::signed`] | read it | HMAC-SHA-256, 128 bits; 60 characters for a time and a UUID |
//! | [`Cursors::encrypted`] | not even that | AES-SIV (RFC 5297); feature `encrypted` |
//! | [`Cursors::stored`] | learn nothing of it | a name of 23 characters; can be [taken back](Cursors::revoke); feature `stored` |
//! | [`Cursors::danger_plain`] | make any | for lists that everybody may read from anywhere |
//!
//! A cursor is good for one list: its path, its filters, its order, and whatever you [bind](PageLayerBuilder::bind)
//! it to, such as the account and the version of the API. Whatever is wrong with one, the client gets the same
//! 400, and never the first page. Keys are [rotated](Keys), cursors may [expire](CursorsBuilder::expires_after),
//! and an [epoch](CursorsBuilder::epoch) ends all of them.
//!
//! # Contracts
//!
//! [`Profile`] has the words of eight well-known APIs: which parameters there are, what is too much, how an end is
//! told, and what an error looks like. Clients that were written for these page through your lists: Stripe's SDK,
//! PyGithub, azure-core, and google-api-core once the [parameters](Profile::aip) have its names.
//!
//! [`Profile::numbered`] has pages by number, with all that they cost, up to a depth. How many items there are in
//! all is told by [`Paged::total`]: counted, counted [up to](Select::count_up_to) a number, or
//! [guessed](Select::estimate).
//!
//! Without a layer, in gRPC (`tonic-0-14`) and GraphQL (`async-graphql-7`), [`AnyPage::from_parameters`] reads
//! the same parameters.
//!
//! # What it promises
//!
//! - **Each row once.** A row that is there all the time is on one page, whatever comes and goes meanwhile.
//! - **As fast at the end as at the beginning**, with an index for the order. MySQL and MariaDB have an exception
//!   for [nulls](Dialect::MySql).
//! - **Nothing is spliced.** Values are bound; names are those of your program.
//! - **A limit is a number in its range**, and a parameter is there once. Else it is a 400 that names the range;
//!   in contracts that say so, who wants more gets the most there may be.
//! - **Links are yours.** A `Host` that a client makes up gets into none.
//!
//! # What it cannot promise
//!
//! - A row whose sort value changes while a client pages can be seen twice, or not at all. Sort by what stays.
//! - Rows that become visible late, with a value that lies before what was read, are not seen: a sequence is not
//!   the order of commits.
//! - What lies behind a page was there when its cursor was made; `prev` may lead to an empty page.
//! - A collation that changes sorts otherwise than it did. Raise the epoch.
//! - A cursor has the values of a row, and 512 characters at most. Where a text that somebody else writes sorts a
//!   list, one of more than some 300 bytes makes the page that ends with it a 500, for all who read it. Keep such
//!   cursors in a store, or bound the text.
//! - Any parameter that is not about pages is a filter, of which cursors are a part: `utm_source` too.
//!
//! # Security
//!
//! - A cursor grants nothing. Check who is asking on every page, and select only what is theirs.
//! - A signed cursor tells the values that it carries, and URLs stand in logs. Encrypt it where that matters.
//! - It is looked at before it is read: its length, its MAC in constant time, and only then what it says.
//!
//! # Features
//!
//! | feature | |
//! |---|---|
//! | `axum-0-8` | the extractors [`Page`] and [`AnyPage`]; [`Paged`] and [`PageError`] are responses |
//! | `sqlx-0-9` | [`Statement::for_sqlx`] |
//! | `tonic-0-14` | [`Binding::message`]; a [`PageError`] is a `Status` |
//! | `async-graphql-7` | [`Paged::into_connection`] |
//! | `encrypted` | [`Cursors::encrypted`] |
//! | `stored` | [`Cursors::stored`] and [`store::MemoryStore`]; brings `moka` and `tokio` |
//! | `redis-1` | `store::redis1::RedisStore`, over the `redis` crate 1.x; Redis 7.0 or later, or Valkey |
//! | `tracing` | an event for every refusal |
//! | `utoipa-6` | `openapi` describes parameters, pages, `Link` and refusals in an OpenAPI document |
//! | `testing` | the conformance suite for stores of your own |
//!
//! Without any it needs no runtime.
#![cfg_attr(docsrs, feature(doc_cfg))]
// Links to what a feature brings lead nowhere without it.
#![cfg_attr(
    not(all(
        feature = "async-graphql-7",
        feature = "encrypted",
        feature = "sqlx-0-9",
        feature = "stored",
        feature = "tonic-0-14"
    )),
    allow(rustdoc::broken_intra_doc_links)
)]

mod anchor;
mod answer;
mod asked;
#[cfg(feature = "axum-0-8")]
mod axum08;
mod binding;
mod check;
mod column;
mod context;
mod cursor_error;
mod cursors;
mod encoder;
mod error;
mod filters;
mod future;
#[cfg(feature = "testing")]
#[doc(hidden)]
pub mod fuzz;
#[cfg(feature = "async-graphql-7")]
mod graphql7;
mod keys;
mod keyset;
mod layer;
mod link;
#[cfg(feature = "utoipa-6")]
#[cfg_attr(docsrs, doc(cfg(feature = "utoipa-6")))]
pub mod openapi;
mod page;
mod paged;
mod payload;
mod profile;
mod rejection;
mod seek;
mod service;
mod shared;
mod sort;
#[cfg(feature = "sqlx-0-9")]
mod sqlx09;
#[cfg(feature = "stored")]
#[cfg_attr(docsrs, doc(cfg(feature = "stored")))]
pub mod store;
#[cfg(all(feature = "testing", feature = "stored"))]
#[cfg_attr(docsrs, doc(cfg(all(feature = "testing", feature = "stored"))))]
pub mod testing;
mod token;
#[cfg(feature = "tonic-0-14")]
mod tonic014;
mod total;
mod trace;
mod value;
mod warning;
mod window;

pub use anchor::{Anchor, Direction};
pub use binding::Binding;
pub use column::{Column, Nulls};
pub use cursor_error::{CursorError, CursorErrorKind};
pub use cursors::{Cursors, CursorsBuilder, Verified};
pub use encoder::Encoder;
pub use error::PageError;
pub use future::ResponseFuture;
#[cfg(feature = "async-graphql-7")]
#[cfg_attr(docsrs, doc(cfg(feature = "async-graphql-7")))]
pub use graphql7::EdgeCursor;
pub use keys::Keys;
pub use keyset::{Keyset, Place};
pub use layer::{PageLayer, PageLayerBuilder};
pub use page::{AnyPage, Page};
pub use paged::{Around, Paged};
pub use profile::{OverMax, Profile};
pub use rejection::Rejection;
pub use seek::{Dialect, Seek, SeekError, SeekErrorKind, Select, Shape, Statement};
pub use service::PageService;
pub use sort::Sort;
#[doc(hidden)]
pub use sort::assert_sorted;
#[doc(no_inline)]
pub use stonework_core::{
    Clock, ConfigError, ConfigErrors, Key, NotExecuted, OriginalUri, Problem, RequestHead,
    StoneBody, StoreError, StoreErrorKind, StoreFuture,
};
pub use total::Total;
pub use value::{Float, KeyField, Kind, NotANumber, Value};
pub use warning::Warning;

/// The request headers that this crate reads, for CORS to allow. None: pages are asked for in the query.
pub const REQUEST_HEADERS: &[&str] = &[];

/// The response headers that this crate writes, for CORS to expose.
pub const RESPONSE_HEADERS: &[&str] = &["link"];
