use std::convert::Infallible;
use std::task::{Context, Poll};

use axum::body::Body;
use http::{HeaderName, HeaderValue, Method, Request, Response};
use tower_http::cors::{AllowHeaders, AllowMethods, ExposeHeaders};
use tower_layer::Layer;
use tower_service::Service;

use super::limit::Limit;
use super::origins;
use super::scenario::Case;
use crate::inner::Inner;
use crate::layered::Server;
use crate::suite::{FLOOR, OURS};

/// Bytes of a response.
pub(super) const RESPONSE: usize = 1024;

pub(super) const METHODS: &str = "PUT,DELETE";
pub(super) const HEADERS: &str = "authorization,content-type,idempotency-key";
pub(super) const EXPOSED: &str = "ratelimit,retry-after";

/// What is measured, with credentials and exposed headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    /// The bare service.
    Floor,
    /// A set of origins and some headers.
    Limit,
    /// Our layer.
    Stonework,
    /// The peer, with a list.
    Peer,
}

impl Name {
    /// All subjects, the floor first.
    pub(super) const ALL: [Self; 4] = [Self::Floor, Self::Limit, Self::Stonework, Self::Peer];

    /// The word for it on a command line.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Floor => FLOOR,
            Self::Limit => "limit",
            Self::Stonework => OURS,
            Self::Peer => "peer",
        }
    }

    /// The words for it in a table.
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Floor => "bare service",
            Self::Limit => "limit: a set, headers put straight in",
            Self::Stonework => "**stonework-cors**",
            Self::Peer => "tower-http 0.7",
        }
    }

    pub(super) fn server(self, case: Case) -> Server {
        let inner = Inner::new(RESPONSE);
        match self {
            Self::Floor => server(inner, case),
            Self::Limit => server(Limit::new(inner, origins(case.origins)), case),
            Self::Stonework => server(ours(case.origins).layer(inner), case),
            Self::Peer => server(peer(case.origins).layer(inner), case),
        }
    }
}

pub(crate) fn ours(many: usize) -> stonework_cors::CorsLayer {
    stonework_cors::CorsLayer::builder()
        .origins(origins(many))
        .methods(METHODS.split(','))
        .include(HEADERS.split(','))
        .expose(EXPOSED.split(','))
        .credentials(true)
        .build()
        .expect("the configuration is valid")
}

pub(super) fn peer(many: usize) -> tower_http::cors::CorsLayer {
    let value = |origin: String| HeaderValue::try_from(origin).expect("an origin is a value");
    let names = |names: &'static str| names.split(',').map(HeaderName::from_static);
    let method = |name: &str| Method::from_bytes(name.as_bytes()).expect("it is a method");
    tower_http::cors::CorsLayer::new()
        .allow_origin(origins(many).map(value).collect::<Vec<_>>())
        .allow_methods(AllowMethods::list(METHODS.split(',').map(method)))
        .allow_headers(AllowHeaders::list(names(HEADERS)))
        .expose_headers(ExposeHeaders::list(names(EXPOSED)))
        .allow_credentials(true)
}

fn server<S, B>(service: S, case: Case) -> Server
where
    S: Service<Request<Body>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
    B: http_body::Body<Data: Send, Error: Send> + Send + 'static,
{
    if case.cloned { Server::new(Cloned(service)) } else { Server::new(service) }
}

/// Clones the service for each request, once, as a router does at least.
#[derive(Clone)]
struct Cloned<S>(S);

impl<S, B> Service<Request<Body>> for Cloned<S>
where
    S: Service<Request<Body>, Response = Response<B>, Error = Infallible> + Clone,
{
    type Response = Response<B>;
    type Error = Infallible;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> S::Future {
        let clone = self.0.clone();
        std::mem::replace(&mut self.0, clone).call(request)
    }
}
