use std::convert::Infallible;
use std::io;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::IntoResponse;
use http::Request;
use http::header::AUTHORIZATION;
use stonework_core::{Key, RequestHead};
use stonework_cors::CorsLayer;
use stonework_idempotency::IdempotencyLayer;
use stonework_idempotency::store::MemoryStore;
use stonework_ratelimit::{Policy, RateLimitLayer};
use stonework_versioning::{Header, Major, MigrationLayer, VersionLayer};
use tokio::net::TcpListener;
use tower::make::Shared;
use tower::{ServiceBuilder, ServiceExt};
use tower_service::Service;

use super::{Name, app};
use crate::cors;

/// More than is ever asked for.
const PLENTY: u32 = 1_000_000_000;

/// Answers who connects, below the layers of this name, in the order in which a stack is documented.
pub(super) async fn serve(name: Name, listener: TcpListener) -> io::Result<()> {
    let builder = ServiceBuilder::new();
    match name {
        Name::Bare => axum::serve(listener, app::bare()).await,
        Name::Cors => answer(listener, builder.layer(cors()).service(app::bare())).await,
        Name::Limits => {
            let builder = builder.layer(cors()).layer(limits());
            answer(listener, builder.service(app::bare())).await
        }
        Name::Keys => {
            let builder = builder.layer(cors()).layer(limits()).layer(keys());
            answer(listener, builder.service(app::bare())).await
        }
        Name::Versions | Name::All | Name::Fallback => {
            let (versions, migrations) = versions();
            let builder = builder.layer(cors()).layer(limits()).layer(keys());
            let builder = builder.layer(versions).layer(migrations);
            match name {
                Name::Versions => answer(listener, builder.service(app::bare())).await,
                Name::All => answer(listener, builder.service(app::layered())).await,
                _ => {
                    let stack = builder.service(app::layered());
                    axum::serve(listener, Router::new().fallback_service(stack)).await
                }
            }
        }
    }
}

/// axum serves what answers with its own body.
async fn answer<S>(listener: TcpListener, service: S) -> io::Result<()>
where
    S: Service<Request<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Response: IntoResponse,
    S::Future: Send,
{
    let service = service.map_response(IntoResponse::into_response);
    axum::serve(listener, Shared::new(service)).await
}

fn account(head: &RequestHead<'_>) -> Option<Key> {
    head.headers.get(AUTHORIZATION).map(|token| Key::from(token.as_bytes()))
}

fn cors() -> CorsLayer {
    cors::ours(100)
}

fn limits() -> RateLimitLayer {
    let policy = Policy::new("requests").rate(PLENTY).per(Duration::from_secs(1)).key(account);
    RateLimitLayer::builder().policy(policy).build().expect("the configuration is valid")
}

/// With room for all keys that one server ever sees.
fn keys() -> IdempotencyLayer {
    let store = MemoryStore::builder().max_keys(8_000_000).max_bytes(1 << 40);
    let store = store.scope_share_percent(100).build().expect("the limits are valid");
    let builder = IdempotencyLayer::builder().scope(account).store(store).scope_share_percent(100);
    builder.build().expect("the configuration is valid")
}

/// Two versions, of which the router knows the second.
fn versions() -> (VersionLayer, MigrationLayer) {
    let versions = VersionLayer::builder::<Major>()
        .version("1", |life| life.deprecated_at("2026-01-01").sunset_at("2099-12-31"))
        .version("2", |life| life)
        .read(Header::named("api-version"))
        .build()
        .expect("the configuration is valid");
    let migrations = versions.migrations().gate("2", |gate| {
        gate.describe("`amount` is an object of `value` and `currency`.")
            .at("/transfers")
            .at("/transfers/{id}")
            .request(|body| body.move_to("/amount", "/amount/value"))
            .response(|body| body.move_to("/amount/value", "/amount"))
    });
    let migrations = migrations.build().expect("the configuration is valid");
    (versions, migrations)
}
