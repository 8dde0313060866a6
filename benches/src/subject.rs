use std::convert::Infallible;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;

use axum::body::Body;
use http::header::COOKIE;
use http::{HeaderValue, Request, Response, StatusCode};
use stonework_core::Key;
use stonework_idempotency::store::MemoryStore;
use stonework_idempotency::{IdempotencyLayer, IdempotencyLayerBuilder};
use tower_layer::Layer;
use tower_service::Service;

use crate::inner::Inner;
use crate::limit::Limit;
use crate::peer;
use crate::scenario::{Kind, Scenario};

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)]
pub enum Name {
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
    pub const ALL: [Self; 8] = [
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
    pub const fn word(self) -> &'static str {
        match self {
            Self::Floor => "floor",
            Self::Limit => "limit",
            Self::LimitFingerprint => "limit-fingerprint",
            Self::Stonework => "stonework",
            Self::StoneworkScope => "stonework-scope",
            Self::Sessions => "sessions",
            Self::PeerKey => "peer-key",
            Self::PeerHash => "peer-hash",
        }
    }

    /// The subject of this word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.word() == word)
    }

    /// Does it have a row in this scenario? Without a key some rows would repeat others, and the
    /// peer by hash takes every request for a keyed one.
    pub fn does(self, scenario: Scenario) -> bool {
        let needs_key =
            matches!(self, Self::LimitFingerprint | Self::StoneworkScope | Self::PeerHash);
        !needs_key || scenario.kind != Kind::Bypass
    }

    /// Requests that one store serves. The store of the peer becomes slower as it grows, and
    /// copies the bodies; it shall not suffer from the length of our runs.
    pub(crate) const fn lifetime(self) -> usize {
        match self {
            Self::Sessions | Self::PeerKey | Self::PeerHash => 256,
            _ => 4096,
        }
    }

    fn replayed_header(self) -> &'static str {
        match self {
            Self::PeerKey | Self::PeerHash => "idempotency-replayed",
            _ => "idempotent-replayed",
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Floor => "bare service",
            Self::Limit => "limit: one locked hash table",
            Self::LimitFingerprint => "limit, with a fingerprint",
            Self::Stonework => "**stonework-idempotency**",
            Self::StoneworkScope => "**stonework-idempotency**, scoped",
            Self::Sessions => "cookies and ruts sessions alone",
            Self::PeerKey => "axum-idempotent 0.6, by key",
            Self::PeerHash => "axum-idempotent 0.6, by request hash",
        })
    }
}

/// How many responses of a batch were replays.
pub(crate) type Replays = usize;

/// A service with its store, ready to serve batches.
pub struct Subject {
    service: Box<dyn Serve>,
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject").finish_non_exhaustive()
    }
}

impl Subject {
    /// With a new store.
    pub fn new(name: Name, scenario: Scenario) -> Self {
        let inner = Inner::new(scenario.response);
        match name {
            Name::Floor => Self::of(name, inner),
            Name::Limit => Self::of(name, Limit::new(inner, false)),
            Name::LimitFingerprint => Self::of(name, Limit::new(inner, true)),
            Name::Stonework => Self::of(name, layer(single_tenant()).layer(inner)),
            Name::StoneworkScope => Self::of(name, layer(scoped()).layer(inner)),
            Name::Sessions => Self::of(name, peer::sessions(inner)),
            Name::PeerKey => Self::of(name, peer::by_key(inner)),
            Name::PeerHash => Self::of(name, peer::by_hash(inner)),
        }
    }

    /// Any service.
    pub(crate) fn of<S, B>(name: Name, service: S) -> Self
    where
        S: Service<Request<Body>, Response = Response<B>, Error = Infallible>,
        S: Clone + Send + Sync + 'static,
        S::Future: Send + 'static,
        B: Send + 'static,
    {
        Self { service: Box::new(Server { service, replayed: name.replayed_header() }) }
    }

    /// Serves requests one after the other and drops each response.
    pub(crate) fn serve(&self, requests: Vec<Request<Body>>) -> Serving<()> {
        self.service.serve(requests)
    }

    /// Serves requests and looks at each response.
    ///
    /// # Panics
    ///
    /// If a response is not a 200.
    pub(crate) fn check(&self, requests: Vec<Request<Body>>) -> Serving<Replays> {
        self.service.check(requests)
    }
}

pub(crate) type Serving<T> = Pin<Box<dyn Future<Output = T> + Send>>;

trait Serve {
    fn serve(&self, requests: Vec<Request<Body>>) -> Serving<()>;
    fn check(&self, requests: Vec<Request<Body>>) -> Serving<Replays>;
}

struct Server<S> {
    service: S,
    replayed: &'static str,
}

impl<S, B> Serve for Server<S>
where
    S: Service<Request<Body>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
    B: Send + 'static,
{
    fn serve(&self, requests: Vec<Request<Body>>) -> Serving<()> {
        let mut service = self.service.clone();
        Box::pin(async move {
            for request in requests {
                drop(once(&mut service, request).await);
            }
        })
    }

    fn check(&self, requests: Vec<Request<Body>>) -> Serving<Replays> {
        let (mut service, replayed) = (self.service.clone(), self.replayed);
        Box::pin(async move {
            let mut replays = 0;
            for request in requests {
                let response = once(&mut service, request).await;
                assert_eq!(response.status(), StatusCode::OK);
                replays += usize::from(response.headers().contains_key(replayed));
            }
            replays
        })
    }
}

async fn once<S, B>(service: &mut S, request: Request<Body>) -> Response<B>
where
    S: Service<Request<Body>, Response = Response<B>, Error = Infallible>,
{
    let Ok(()) = poll_fn(|cx| service.poll_ready(cx)).await;
    let Ok(response) = service.call(request).await;
    response
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
