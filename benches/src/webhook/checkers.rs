//! Whatever says whether a webhook is genuine.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use data_encoding::BASE64;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, Request, Response};
use http_body_util::{Empty, Full};
use ring::hmac as ring_hmac;
use sha2::Sha256;
use stonework_core::{Clock, RequestHead, StoneBody, SystemClock};
use stonework_webhook_sign::keys::KeySet;
use stonework_webhook_sign::scheme::{self, Scheme};
use stonework_webhook_sign::{Sender, VerifyLayer, VerifyService, verify};
use tower_layer::Layer;
use tower_service::Service;

use super::SECRET;

/// Does this body belong to these headers?
pub(super) trait Checker: Send + 'static {
    fn is_genuine(&mut self, headers: &HeaderMap, body: &Bytes) -> bool;
}

fn secret() -> Vec<u8> {
    BASE64.decode(&SECRET.as_bytes()["whsec_".len()..]).expect("it is base64")
}

/// Looks at nothing.
pub(super) struct Nothing;

impl Checker for Nothing {
    fn is_genuine(&mut self, headers: &HeaderMap, _: &Bytes) -> bool {
        !headers.is_empty()
    }
}

/// The MAC of the body alone, with its key set: neither headers, nor a time, nor base64.
pub(super) struct Bare {
    mac: Hmac<Sha256>,
    of: Option<(Bytes, [u8; 32])>,
}

impl Bare {
    pub(super) fn new() -> Self {
        let mac = Hmac::new_from_slice(&secret()).expect("any length will do");
        Self { mac, of: None }
    }

    fn mac(&self, body: &[u8]) -> Hmac<Sha256> {
        self.mac.clone().chain_update(body)
    }
}

impl Checker for Bare {
    fn is_genuine(&mut self, _: &HeaderMap, body: &Bytes) -> bool {
        let known = self.of.as_ref().filter(|(of, _)| of.as_ptr() == body.as_ptr());
        let tag =
            known.map_or_else(|| self.mac(body).finalize().into_bytes().into(), |(_, tag)| *tag);
        let is_genuine = self.mac(body).verify_slice(&tag).is_ok();
        self.of = Some((body.clone(), tag));
        is_genuine
    }
}

/// The same by ring.
pub(super) struct Ring {
    key: ring_hmac::Key,
    of: Option<(Bytes, ring_hmac::Tag)>,
}

impl Ring {
    pub(super) fn new() -> Self {
        Self { key: ring_hmac::Key::new(ring_hmac::HMAC_SHA256, &secret()), of: None }
    }
}

impl Checker for Ring {
    fn is_genuine(&mut self, _: &HeaderMap, body: &Bytes) -> bool {
        let known = self.of.as_ref().filter(|(of, _)| of.as_ptr() == body.as_ptr());
        let tag = known.map_or_else(|| ring_hmac::sign(&self.key, body), |(_, tag)| *tag);
        let is_genuine = ring_hmac::verify(&self.key, body, tag.as_ref()).is_ok();
        self.of = Some((body.clone(), tag));
        is_genuine
    }
}

/// Ours, without a service.
pub(super) struct Ours {
    keys: KeySet,
    clock: SystemClock,
    request: Request<()>,
}

impl Ours {
    pub(super) fn new() -> Self {
        let key = scheme::STANDARD.key(SECRET).expect("it is a secret");
        let keys = KeySet::new([key]).expect("it is one");
        Self { keys, clock: SystemClock::new(), request: Request::new(()) }
    }
}

impl Checker for Ours {
    fn is_genuine(&mut self, headers: &HeaderMap, body: &Bytes) -> bool {
        let mut head = RequestHead::of(&self.request);
        head.headers = headers;
        verify(&scheme::STANDARD, &self.keys, &head, body, self.clock.unix(), None).is_ok()
    }
}

/// Ours, with all that a layer does, and no store. Each request has headers of its own, which are made here too.
pub(super) struct Layered(VerifyService<Inner>);

/// Answers 200.
#[derive(Clone)]
pub(super) struct Inner;

impl Service<Request<StoneBody<Full<Bytes>>>> for Inner {
    type Response = Response<Empty<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<StoneBody<Full<Bytes>>>) -> Self::Future {
        ready(Ok(Response::new(Empty::new())))
    }
}

impl Layered {
    pub(super) fn new() -> Self {
        let sender = Sender::new(scheme::STANDARD).secret(SECRET);
        let layer = VerifyLayer::builder().sender(sender).build();
        Self(layer.expect("its secret is one").layer(Inner))
    }
}

impl Checker for Layered {
    fn is_genuine(&mut self, headers: &HeaderMap, body: &Bytes) -> bool {
        let mut request = Request::new(Full::new(body.clone()));
        *request.headers_mut() = headers.clone();
        let mut response = pin!(self.0.call(request));
        match response.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(response)) => response.status().is_success(),
            Poll::Pending => false,
        }
    }
}

impl Checker for standardwebhooks::Webhook {
    fn is_genuine(&mut self, headers: &HeaderMap, body: &Bytes) -> bool {
        self.verify(body, headers).is_ok()
    }
}

pub(super) fn standardwebhooks() -> standardwebhooks::Webhook {
    standardwebhooks::Webhook::new(SECRET).expect("it is a secret")
}

/// `webhook-verify`, without its layer.
pub(super) struct WebhookVerify(webhook_verify::Secret);

impl WebhookVerify {
    pub(super) fn new() -> Self {
        Self(webhook_verify::Secret::new(SECRET))
    }
}

impl Checker for WebhookVerify {
    fn is_genuine(&mut self, headers: &HeaderMap, body: &Bytes) -> bool {
        let provider = webhook_verify::Provider::StandardWebhooks;
        let options = webhook_verify::VerifyOptions::default();
        webhook_verify::verify(provider, headers, body, &self.0, options).is_ok()
    }
}
