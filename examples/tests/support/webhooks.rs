//! Webhooks as others send them.

use std::time::Duration;

use axum::http::HeaderMap;
use serde_json::Value;
use stonework_core::{Clock, RequestHead, SystemClock};
use stonework_webhook_sign::keys::KeySet;
use stonework_webhook_sign::scheme::{Outgoing, SignScheme};
use stonework_webhook_sign::sign;

use super::{Request, Service};

pub(crate) fn now() -> Duration {
    SystemClock::new().unix()
}

/// A request as its sender sends it, at this time.
pub(crate) fn signed(
    scheme: &dyn SignScheme,
    secret: &str,
    id: &str,
    body: &str,
    at: Duration,
) -> Request {
    signed_to(&format!("/webhooks/{}", scheme.name()), scheme, secret, id, body, at)
}

/// The same, to another address.
pub(crate) fn signed_to(
    path: &str,
    scheme: &dyn SignScheme,
    secret: &str,
    id: &str,
    body: &str,
    at: Duration,
) -> Request {
    let request = axum::http::Request::post(path).body(()).expect("a request");
    let keys = KeySet::new([scheme.key(secret).expect("a secret")]).expect("a key");
    let message = Outgoing::new(RequestHead::of(&request), body.as_bytes(), id, at);
    let mut headers = HeaderMap::new();
    sign(scheme, &keys, &message, &mut headers).expect("it can be signed");
    let request = Request::new("POST", path).header("content-type", "application/json").body(body);
    headers.iter().fold(request, |request, (name, value)| {
        request.header(name.as_str(), value.to_str().expect("text"))
    })
}

/// How many events were counted.
pub(crate) async fn received(service: &Service) -> Value {
    let reply = service.ask(&Request::get("/webhooks/received")).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json
}
