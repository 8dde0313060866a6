//! `axum-idempotent` 0.6, which keeps responses in the sessions of `ruts`, which need cookies.

use std::sync::Arc;

use axum_idempotent::{IdempotentLayer, IdempotentOptions, IdempotentService};
use ruts::store::moka::MokaStore;
use ruts::{CookieOptions, SessionLayer, SessionService};
use tower_cookies::{CookieManager, CookieManagerLayer};
use tower_layer::Layer;

use crate::inner::Inner;

const HOUR: i64 = 60 * 60;

type WithSessions<S> = CookieManager<SessionService<S, MokaStore>>;

/// What the peer needs, without the peer.
pub(super) fn sessions<S>(inner: S) -> WithSessions<S> {
    let cookie = CookieOptions::build().name("session").max_age(24 * HOUR as u64).path("/");
    let store = Arc::new(MokaStore::builder().build());
    let sessions = SessionLayer::new(store).with_cookie_options(cookie);
    CookieManagerLayer::new().layer(sessions.layer(inner))
}

/// The peer as it is by default: the key is a hash over the request.
pub(super) fn by_hash(inner: Inner) -> WithSessions<IdempotentService<Inner, MokaStore>> {
    sessions(IdempotentLayer::new(IdempotentOptions::new(HOUR)).layer(inner))
}

/// The peer with a key that the client makes. The rest of the request is not looked at.
pub(super) fn by_key(inner: Inner) -> WithSessions<IdempotentService<Inner, MokaStore>> {
    let options = IdempotentOptions::new(HOUR).use_idempotency_key_header(None, false);
    sessions(IdempotentLayer::new(options).layer(inner))
}
