//! Who is asking.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::Response;
use stonework_core::{Key, RequestHead};

use crate::problem::Refusal;

const LONGEST: usize = 64;

/// The account that a request is made for.
///
/// Here the bearer token is the account. A real service looks up whose token it is: tokens are
/// renewed between retries, and accounts are not.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Account(Arc<str>);

impl Account {
    /// The account that these headers name, if they name exactly one.
    fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return None;
        };
        let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
        let known = scheme.eq_ignore_ascii_case("bearer") && is_token(token);
        known.then(|| Self(token.into()))
    }

    pub(crate) fn name(&self) -> &str {
        &self.0
    }

    #[cfg(test)]
    pub(crate) fn named(name: &str) -> Self {
        Self(name.into())
    }
}

fn is_token(token: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    (1..=LONGEST).contains(&token.len()) && token.bytes().all(fits)
}

/// Notes who is asking, and never says no: rate limits inside of it count strangers too.
pub(crate) async fn identify(mut request: Request) -> Request {
    if let Some(account) = Account::of(request.headers()) {
        request.extensions_mut().insert(account);
    }
    request
}

/// Turns strangers away, before the body of their request is read or their key is looked up.
pub(crate) async fn require(request: Request, next: Next) -> Result<Response, Refusal> {
    if request.extensions().get::<Account>().is_none() {
        return Err(Refusal::Unauthenticated);
    }
    Ok(next.run(request).await)
}

/// The owner of idempotency keys.
pub(crate) fn scope(head: &RequestHead<'_>) -> Option<Key> {
    head.extensions.get::<Account>().map(|account| Key::from(account.name()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn of(values: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        }
        Account::of(&headers).map(|account| account.0.to_string())
    }

    #[test]
    fn one_well_formed_bearer_token_is_an_account() {
        assert_eq!(of(&["Bearer al-i_ce9"]).as_deref(), Some("al-i_ce9"));
        assert_eq!(of(&["bearer a"]).as_deref(), Some("a"));
        let longest = "a".repeat(LONGEST);
        assert_eq!(of(&[&format!("Bearer {longest}")]), Some(longest));
    }

    #[test]
    fn all_else_is_a_stranger() {
        let long = format!("Bearer {}", "a".repeat(LONGEST + 1));
        for value in [
            "",
            "Bearer",
            "Bearer ",
            "Bearer  a",
            "Bearer a b",
            "Bearer a.b",
            "Bearer é",
            "Basic a",
            "alice",
            &long,
        ] {
            assert_eq!(of(&[value]), None, "{value:?}");
        }
        assert_eq!(of(&[]), None);
        assert_eq!(of(&["Bearer a", "Bearer b"]), None);
    }
}
