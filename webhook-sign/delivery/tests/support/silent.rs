//! A client without a network that never answers.
#![allow(dead_code, unreachable_pub)] // Each test target uses a part of this.

use std::convert::Infallible;
use std::future::{Pending, pending};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Empty;
use stonework_webhook_delivery::{StoneBody, WebhookBody};

/// Clones count together.
#[derive(Clone, Default)]
pub struct Silent(Arc<AtomicUsize>);

impl Silent {
    /// How often it was asked to send.
    pub fn asked(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl tower::Service<Request<StoneBody<WebhookBody>>> for Silent {
    type Response = Response<Empty<Bytes>>;
    type Error = Infallible;
    type Future = Pending<Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<StoneBody<WebhookBody>>) -> Self::Future {
        self.0.fetch_add(1, Ordering::SeqCst);
        pending()
    }
}
