//! Who is asking.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use stonework_core::{Key, RequestHead};

use crate::problem::Refusal;

const LONGEST: usize = 64;

/// The account that a request is made for.
///
/// Here the bearer token is the account. A real service looks up whose token it is: tokens are
/// renewed between retries, and accounts are not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Account(Arc<str>);

impl Account {
    /// The account that these headers name, if they name exactly one.
    fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return None;
        };
        let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
        Self::named(token).filter(|_| scheme.eq_ignore_ascii_case("bearer"))
    }

    /// The one of this name, if it can be one.
    pub(crate) fn named(name: &str) -> Option<Self> {
        is_token(name).then(|| Self(name.into()))
    }

    pub(crate) fn name(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Account {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        Self::named(&name).ok_or("it is no name of an account")
    }
}

impl From<Account> for String {
    fn from(account: Account) -> Self {
        account.name().to_owned()
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

/// The owner of idempotency keys, streams and cursors.
pub(crate) fn scope(head: &RequestHead<'_>) -> Option<Key> {
    head.extensions.get::<Account>().map(|account| Key::from(account.name()))
}
