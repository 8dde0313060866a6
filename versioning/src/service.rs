use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::uri::PathAndQuery;
use http::{Request, Response, Uri};
use stonework_core::{OriginalUri, RequestHead, StoneBody};
use tower_service::Service;

use crate::PathSegment;
use crate::decide::{Verdict, decide};
use crate::future::ResponseFuture;
use crate::shared::Shared;

/// The service that [`VersionLayer`](crate::VersionLayer) puts around another one.
pub struct VersionService<S> {
    inner: S,
    shared: Arc<Shared>,
}

impl<S> VersionService<S> {
    pub(crate) const fn new(inner: S, shared: Arc<Shared>) -> Self {
        Self { inner, shared }
    }
}

impl<S: Clone> Clone for VersionService<S> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), shared: Arc::clone(&self.shared) }
    }
}

impl<S: fmt::Debug> fmt::Debug for VersionService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VersionService")
            .field("inner", &self.inner)
            .field("shared", &self.shared)
            .finish()
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for VersionService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
{
    type Response = Response<StoneBody<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        match decide(&self.shared, &RequestHead::of(&request)) {
            Verdict::Neutral => ResponseFuture::pass(self.inner.call(request)),
            Verdict::Reject(response) => ResponseFuture::answer(response),
            Verdict::Serve(version, now) => {
                if let Some(path) = &self.shared.strip {
                    strip(&self.shared, path, &mut request);
                }
                let index = version.index;
                request.extensions_mut().insert(version);
                let shared = Arc::clone(&self.shared);
                ResponseFuture::go(self.inner.call(request), shared, index, now)
            }
        }
    }
}

/// Takes the version out of the path, if there is one, and leaves the URI as it was sent in the extensions.
fn strip<B>(shared: &Shared, path: &PathSegment, request: &mut Request<B>) {
    let segment = path.split(request.uri().path()).map(|(segment, _)| segment);
    if !segment.is_some_and(|segment| shared.table.is_version(segment)) {
        return;
    }
    let Some(stripped) = stripped(path, request.uri()) else { return };
    let original = std::mem::replace(request.uri_mut(), stripped);
    if request.extensions().get::<OriginalUri>().is_none() {
        request.extensions_mut().insert(OriginalUri(original));
    }
}

fn stripped(path: &PathSegment, uri: &Uri) -> Option<Uri> {
    let mut rest = path.stripped(uri.path())?;
    if let Some(query) = uri.query() {
        rest.push('?');
        rest.push_str(query);
    }
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(rest).ok()?);
    Uri::from_parts(parts).ok()
}
