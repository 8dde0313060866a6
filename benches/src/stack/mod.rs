//! All layers before one axum router, beside the router alone, over sockets.

mod app;
mod layers;
mod server;
mod wrk;

pub use server::{Server, serve};
pub use wrk::{Answered, Ask};

/// What stands before the router, from the outside: each has what those before it have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Name {
    /// Nothing: the router alone.
    Bare,
    /// Another router, as all that follow need one to be served by axum.
    Around,
    /// CORS.
    Cors,
    /// Rate limits.
    Limits,
    /// Idempotency keys.
    Keys,
    /// Versions, and migrations between them.
    Versions,
    /// Pages and event streams: all layers.
    All,
}

impl Name {
    /// From the fewest layers to the most.
    pub const ALL: [Self; 7] =
        [Self::Bare, Self::Around, Self::Cors, Self::Limits, Self::Keys, Self::Versions, Self::All];

    /// The words for it in a table.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Bare => "the axum router alone",
            Self::Around => "… in `Router::fallback_service`",
            Self::Cors => "… with `CorsLayer`, of 100 origins",
            Self::Limits => "… and `RateLimitLayer`",
            Self::Keys => "… and `IdempotencyLayer`",
            Self::Versions => "… and `VersionLayer`, `MigrationLayer`",
            Self::All => "… and `PageLayer`, `SseLayer`: all layers",
        }
    }
}
