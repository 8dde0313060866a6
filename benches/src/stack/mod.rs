//! All layers before one axum router, beside the router alone, over sockets.

mod app;
mod layers;
mod server;
mod wrk;

pub use server::{Profiled, Server, serve};
pub use wrk::{Answered, Ask};

/// What stands before the router, from the outside: each has what those before it have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Name {
    /// Nothing: the router alone.
    Bare,
    /// CORS.
    Cors,
    /// Rate limits.
    Limits,
    /// Idempotency keys.
    Keys,
    /// Versions, and migrations between them.
    Versions,
    /// Pages and event streams, each at its route: all layers.
    All,
    /// All layers as the fallback of another router, which is how they become a router again.
    Fallback,
}

impl Name {
    /// From the fewest layers to the most.
    pub const ALL: [Self; 7] = [
        Self::Bare,
        Self::Cors,
        Self::Limits,
        Self::Keys,
        Self::Versions,
        Self::All,
        Self::Fallback,
    ];

    /// The words for it in a table.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Bare => "the axum router alone",
            Self::Cors => "… with `CorsLayer`, of 100 origins",
            Self::Limits => "… and `RateLimitLayer`",
            Self::Keys => "… and `IdempotencyLayer`",
            Self::Versions => "… and `VersionLayer`, `MigrationLayer`",
            Self::All => "… and `PageLayer`, `SseLayer` at their routes: all",
            Self::Fallback => "… in `Router::fallback_service`",
        }
    }
}
