//! Who is asking.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use stonework_core::{Key, RequestHead};

const LONGEST: usize = 64;

/// The account that a request is made for. Here the bearer token is the account; a real service looks up whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Account(Arc<str>);

impl Account {
    /// The account that these headers name, if they name exactly one.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return None;
        };
        let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        let known = scheme.eq_ignore_ascii_case("bearer")
            && (1..=LONGEST).contains(&token.len())
            && token.bytes().all(fits);
        known.then(|| Self(token.into()))
    }

    pub(crate) fn name(&self) -> &str {
        &self.0
    }

    pub(crate) fn key(&self) -> Key {
        Key::from(self.name())
    }
}

/// Notes who is asking, and never says no: rate limits inside of it count strangers too.
pub(crate) async fn identify(mut request: Request) -> Request {
    if let Some(account) = Account::of(request.headers()) {
        request.extensions_mut().insert(account);
    }
    request
}

/// The owner of idempotency keys, and of what is charged.
pub(crate) fn owner(head: &RequestHead<'_>) -> Option<Key> {
    head.extensions.get::<Account>().map(Account::key)
}
