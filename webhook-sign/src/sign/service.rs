use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::Request;
use http_body::Body;
use stonework_core::StoneBody;
use tower_service::Service;

use super::error::SignError;
use super::future::SignFuture;
use super::layer::Shared;

/// The service that [`SignLayer`](super::SignLayer) puts around a client.
pub struct SignService<S> {
    inner: S,
    shared: Arc<Shared>,
}

impl<S> SignService<S> {
    pub(super) const fn new(inner: S, shared: Arc<Shared>) -> Self {
        Self { inner, shared }
    }
}

impl<S: Clone> Clone for SignService<S> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), shared: Arc::clone(&self.shared) }
    }
}

impl<S: fmt::Debug> fmt::Debug for SignService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignService")
            .field("inner", &self.inner)
            .field("shared", &self.shared)
            .finish()
    }
}

impl<S, B> Service<Request<B>> for SignService<S>
where
    S: Service<Request<StoneBody<B>>> + Clone,
    B: Body,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Response = S::Response;
    type Error = SignError<S::Error>;
    type Future = SignFuture<S, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx).map_err(SignError::Inner)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The one that was polled ready is the one that is called.
        let clone = self.inner.clone();
        let service = std::mem::replace(&mut self.inner, clone);
        SignFuture::new(service, Arc::clone(&self.shared), request)
    }
}
