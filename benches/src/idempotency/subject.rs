use http::HeaderValue;
use http::header::COOKIE;
use stonework_core::Key;
use stonework_idempotency::store::MemoryStore;
use stonework_idempotency::{IdempotencyLayer, IdempotencyLayerBuilder};
use tower_layer::Layer;

use super::limit::Limit;
use super::peer;
use super::scenario::{Case, Kind};
use crate::inner::Inner;
use crate::layered::Server;
use crate::suite::{FLOOR, OURS};

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    /// The bare service.
    Floor,
    /// One locked hash table, by key alone.
    Limit,
    /// The same, which also hashes and compares the request.
    LimitFingerprint,
    /// Our layer for a single tenant.
    Stonework,
    /// Our layer with a scope: who owns the key.
    StoneworkScope,
    /// What the peer needs to work at all.
    Sessions,
    /// The peer by key.
    PeerKey,
    /// The peer by a hash over the request.
    PeerHash,
}

impl Name {
    /// All subjects, the floor first.
    pub(super) const ALL: [Self; 8] = [
        Self::Floor,
        Self::Limit,
        Self::LimitFingerprint,
        Self::Stonework,
        Self::StoneworkScope,
        Self::Sessions,
        Self::PeerKey,
        Self::PeerHash,
    ];

    /// The word for it on a command line.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Floor => FLOOR,
            Self::Limit => "limit",
            Self::LimitFingerprint => "limit-fingerprint",
            Self::Stonework => OURS,
            Self::StoneworkScope => "stonework-scope",
            Self::Sessions => "sessions",
            Self::PeerKey => "peer-key",
            Self::PeerHash => "peer-hash",
        }
    }

    /// The words for it in a table.
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Floor => "bare service",
            Self::Limit => "limit: one locked hash table",
            Self::LimitFingerprint => "limit, with a fingerprint",
            Self::Stonework => "**stonework-idempotency**",
            Self::StoneworkScope => "**stonework-idempotency**, scoped",
            Self::Sessions => "cookies and ruts sessions alone",
            Self::PeerKey => "axum-idempotent 0.6, by key",
            Self::PeerHash => "axum-idempotent 0.6, by request hash",
        }
    }

    /// With a new store.
    pub(super) fn server(self, case: Case) -> Server {
        let inner = Inner::new(case.response);
        match self {
            Self::Floor => Server::new(inner),
            Self::Limit => Server::new(Limit::new(inner, false)),
            Self::LimitFingerprint => Server::new(Limit::new(inner, true)),
            Self::Stonework => Server::new(layer(single_tenant()).layer(inner)),
            Self::StoneworkScope => Server::new(layer(scoped()).layer(inner)),
            Self::Sessions => Server::new(peer::sessions(inner)),
            Self::PeerKey => Server::new(peer::by_key(inner)),
            Self::PeerHash => Server::new(peer::by_hash(inner)),
        }
    }

    /// Does it answer a key that it knows?
    pub(super) const fn protects(self) -> bool {
        !matches!(self, Self::Floor | Self::Sessions)
    }

    /// Does it have a row in this scenario? Without a key some rows would repeat others, and the
    /// peer by hash takes every request for a keyed one.
    pub(super) fn does(self, case: Case) -> bool {
        let needs_key =
            matches!(self, Self::LimitFingerprint | Self::StoneworkScope | Self::PeerHash);
        !needs_key || case.kind != Kind::Bypass
    }

    /// Requests that one store serves. The store of the peer becomes slower as it grows, and
    /// copies the bodies; it shall not suffer from the length of our runs.
    pub(super) const fn lifetime(self) -> usize {
        match self {
            Self::Sessions | Self::PeerKey | Self::PeerHash => 256,
            _ => 4096,
        }
    }

    pub(super) const fn replayed_header(self) -> &'static str {
        match self {
            Self::PeerKey | Self::PeerHash => "idempotency-replayed",
            _ => "idempotent-replayed",
        }
    }
}

fn layer(builder: IdempotencyLayerBuilder) -> IdempotencyLayer {
    builder.build().expect("the configuration is valid")
}

/// With room for all that one store serves, so that no body is given up. The bodies are shared
/// and take no memory.
fn store() -> MemoryStore {
    MemoryStore::builder().max_bytes(1 << 40).build().expect("the limits are valid")
}

fn single_tenant() -> IdempotencyLayerBuilder {
    IdempotencyLayer::builder().single_tenant().store(store())
}

fn scoped() -> IdempotencyLayerBuilder {
    IdempotencyLayer::builder()
        .scope(|head| head.headers.get(COOKIE).map(HeaderValue::as_bytes).map(Key::from))
        .store(store())
}
