use stonework_ratelimit::RateLimitLayerBuilder;
use tower_layer::Layer;

use super::limit::Limit;
use super::scenario::Case;
use super::{ours, peers};
use crate::inner::Inner;
use crate::layered::Server;
use crate::suite::{FLOOR, OURS};

/// Bytes of a response.
const RESPONSE: usize = 1024;

/// What is measured. `limitador` has no layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    /// The bare service.
    Floor,
    /// Locked hash tables, and one header.
    Limit,
    /// Our layer, which tells nobody.
    StoneworkSilent,
    /// Our layer, which tells clients.
    StoneworkHeaders,
    /// Our layer as it is by default: it also tells the service inside and the layers outside.
    Stonework,
    /// The peer, which tells nobody that is let in.
    Peer,
    /// The peer, which tells clients.
    PeerHeaders,
}

impl Name {
    /// All subjects, the floor first.
    pub(super) const ALL: [Self; 7] = [
        Self::Floor,
        Self::Limit,
        Self::StoneworkSilent,
        Self::StoneworkHeaders,
        Self::Stonework,
        Self::Peer,
        Self::PeerHeaders,
    ];

    /// The word for it on a command line.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Floor => FLOOR,
            Self::Limit => "limit",
            Self::StoneworkSilent => "stonework-silent",
            Self::StoneworkHeaders => "stonework-headers",
            Self::Stonework => OURS,
            Self::Peer => "peer",
            Self::PeerHeaders => "peer-headers",
        }
    }

    /// The words for it in a table.
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Floor => "bare service",
            Self::Limit => "limit: locked hash tables, one header",
            Self::StoneworkSilent => "**stonework-ratelimit**, no headers, no extensions",
            Self::StoneworkHeaders => "**stonework-ratelimit**, headers, no extensions",
            Self::Stonework => "**stonework-ratelimit**, headers and extensions",
            Self::Peer => "tower_governor 0.8",
            Self::PeerHeaders => "tower_governor 0.8, `use_headers`",
        }
    }

    /// With a new store.
    pub(super) fn server(self, case: Case) -> Server {
        let (inner, allowance) = (Inner::new(RESPONSE), case.allowance());
        let ours = |layer: fn(_) -> RateLimitLayerBuilder, inner| {
            let layer = layer(allowance).build().expect("the configuration is valid");
            Server::new(layer.layer(inner))
        };
        match self {
            Self::Floor => Server::new(inner),
            Self::Limit => Server::new(Limit::new(inner, allowance)),
            Self::StoneworkSilent => ours(ours::silent, inner),
            Self::StoneworkHeaders => ours(ours::headers_alone, inner),
            Self::Stonework => ours(ours::layer, inner),
            Self::Peer => Server::new(peers::plain(allowance).layer(inner)),
            Self::PeerHeaders => Server::new(peers::with_headers(allowance).layer(inner)),
        }
    }

    /// The header in which it says how many tokens are left to who is let in.
    pub(super) const fn header(self) -> Option<&'static str> {
        match self {
            Self::Limit | Self::PeerHeaders => Some("x-ratelimit-remaining"),
            Self::StoneworkHeaders | Self::Stonework => Some("ratelimit"),
            Self::Floor | Self::StoneworkSilent | Self::Peer => None,
        }
    }
}
