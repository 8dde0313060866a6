//! Who is asking.

use std::sync::Arc;

use stonework_core::{Key, RequestHead};
use stonework_ratelimit::ClientIp;
use tonic::body::Body;
use tonic::codegen::http::Request;
use tonic::codegen::http::header::AUTHORIZATION;
use tonic::{Request as Call, Status};

const LONGEST: usize = 64;

/// The account that a call is made for.
///
/// Here the bearer token is the account. A real service looks up whose token it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Account(Arc<str>);

impl Account {
    fn of(request: &Request<Body>) -> Option<Self> {
        let mut values = request.headers().get_all(AUTHORIZATION).iter();
        let (Some(value), None) = (values.next(), values.next()) else { return None };
        let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        let is_token = (1..=LONGEST).contains(&token.len()) && token.bytes().all(fits);
        (scheme.eq_ignore_ascii_case("bearer") && is_token).then(|| Self(token.into()))
    }

    pub(crate) fn name(&self) -> &str {
        &self.0
    }
}

/// Notes who is asking, and never says no: rate limits inside of it count strangers too.
pub(crate) fn identify(mut request: Request<Body>) -> Request<Body> {
    if let Some(account) = Account::of(&request) {
        request.extensions_mut().insert(account);
    }
    request
}

/// Turns strangers away.
pub(crate) fn require(call: Call<()>) -> Result<Call<()>, Status> {
    match call.extensions().get::<Account>() {
        Some(_) => Ok(call),
        None => Err(Status::unauthenticated(
            "send `authorization: Bearer ACCOUNT`, of 1 to 64 letters, digits, `_` and `-`",
        )),
    }
}

/// The owner of idempotency keys.
pub(crate) fn scope(head: &RequestHead<'_>) -> Option<Key> {
    head.extensions.get::<Account>().map(|account| Key::from(account.name()))
}

/// Whom a call counts for: the account, or the address of those who have none.
pub(crate) fn client(head: &RequestHead<'_>) -> Option<Key> {
    match head.extensions.get::<Account>() {
        Some(account) => Some(key(b'a', account.name().as_bytes())),
        None => ClientIp::peer().key(head).map(|address| key(b'i', address.as_bytes())),
    }
}

/// Keys of another kind are other keys, whatever an account calls itself.
fn key(kind: u8, of: &[u8]) -> Key {
    Key::copy_from_slice(&[&[kind], of].concat())
}
