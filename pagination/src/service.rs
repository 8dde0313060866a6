use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::{fmt, mem};

use http::{Request, Response};
use stonework_core::{RequestHead, StoneBody};
use tower_service::Service;

use crate::AnyPage;
use crate::check::{Checked, check};
use crate::future::{Parked, ResponseFuture};
use crate::shared::Shared;

/// The service that [`PageLayer`](crate::PageLayer) puts around another one.
pub struct PageService<S> {
    inner: S,
    shared: Arc<Shared>,
}

impl<S> PageService<S> {
    pub(crate) const fn new(inner: S, shared: Arc<Shared>) -> Self {
        Self { inner, shared }
    }
}

impl<S: Clone> Clone for PageService<S> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), shared: Arc::clone(&self.shared) }
    }
}

impl<S: fmt::Debug> fmt::Debug for PageService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PageService")
            .field("inner", &self.inner)
            .field("profile", &self.shared.profile)
            .finish()
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for PageService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone,
{
    type Response = Response<StoneBody<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, ReqBody>;

    fn poll_ready(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let head = RequestHead::of(&request);
        if !Shared::concerns(&head) {
            return ResponseFuture::pass(self.inner.call(request));
        }
        let context = match self.shared.ask(&head) {
            Ok(context) => context,
            Err(refusal) => return ResponseFuture::answer(self.shared.refuse(&refusal)),
        };
        match check(context).try_ready() {
            Ok(checked) => carry_out(checked, &self.shared, &mut self.inner, request),
            Err(checking) => ResponseFuture::wait(checking, self.park(request)),
        }
    }
}

impl<S: Clone> PageService<S> {
    fn park<ReqBody>(&mut self, request: Request<ReqBody>) -> Box<Parked<S, ReqBody>> {
        // The one that was polled ready is the one to be called.
        let clone = self.inner.clone();
        let service = mem::replace(&mut self.inner, clone);
        Box::new(Parked { service, request, shared: Arc::clone(&self.shared) })
    }
}

/// Calls the service, or does not.
pub(crate) fn carry_out<S, ReqBody, ResBody>(
    checked: Checked,
    shared: &Arc<Shared>,
    service: &mut S,
    mut request: Request<ReqBody>,
) -> ResponseFuture<S, ReqBody>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
{
    match checked {
        Ok(context) => {
            let context = Arc::new(context);
            request.extensions_mut().insert(AnyPage { context: Arc::clone(&context) });
            ResponseFuture::go(service.call(request), context)
        }
        Err(refusal) => ResponseFuture::answer(shared.refuse(&refusal)),
    }
}
