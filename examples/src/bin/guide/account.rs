//! Who is asking. In your service this is somewhere already: a token, a session, a certificate.

use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::Response;
use stonework_core::{Key, RequestHead};

#[derive(Clone, Debug)]
pub(crate) struct Account(pub(crate) String);

/// Notes who is asking, and never says no.
pub(crate) async fn identify(mut request: Request) -> Request {
    let value = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    if let Some(token) = value.and_then(|value| value.strip_prefix("Bearer ")) {
        let account = Account(token.to_owned());
        request.extensions_mut().insert(account);
    }
    request
}

/// Turns strangers away.
pub(crate) async fn require(request: Request, next: Next) -> Result<Response, StatusCode> {
    match request.extensions().get::<Account>() {
        Some(_) => Ok(next.run(request).await),
        None => Err(StatusCode::UNAUTHORIZED),
    }
}

/// Who is asking, for the layers.
pub(crate) fn account(head: &RequestHead<'_>) -> Option<Key> {
    head.extensions.get::<Account>().map(|account| Key::from(account.0.as_str()))
}
