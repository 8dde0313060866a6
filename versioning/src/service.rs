use std::sync::Arc;
use std::task::{Context, Poll};
use std::{fmt, mem};

use http::uri::PathAndQuery;
use http::{Extensions, Request, Response, Uri};
use stonework_core::{OriginalUri, RequestHead, StoneBody};
use tower_service::Service;

use crate::PathSegment;
use crate::decide::{Deciding, Verdict, decide};
use crate::future::{Parked, ResponseFuture};
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
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone,
{
    type Response = Response<StoneBody<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, ReqBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        match decide(&self.shared, &RequestHead::of(&request)) {
            Deciding::Now(verdict) => carry_out(verdict, &self.shared, &mut self.inner, request),
            Deciding::Later(answer) => ResponseFuture::wait(answer, self.park(request)),
        }
    }
}

impl<S: Clone> VersionService<S> {
    fn park<ReqBody>(&mut self, request: Request<ReqBody>) -> Box<Parked<S, ReqBody>> {
        // The one that was polled ready is the one to be called.
        let clone = self.inner.clone();
        let service = mem::replace(&mut self.inner, clone);
        Box::new(Parked { service, request, shared: Arc::clone(&self.shared) })
    }
}

/// Calls the service, or does not.
pub(crate) fn carry_out<S, ReqBody, ResBody>(
    verdict: Verdict,
    shared: &Arc<Shared>,
    service: &mut S,
    mut request: Request<ReqBody>,
) -> ResponseFuture<S, ReqBody>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
{
    match verdict {
        Verdict::Neutral => ResponseFuture::pass(service.call(request)),
        Verdict::Reject(response) => ResponseFuture::answer(response),
        Verdict::Serve(mut version, now) => {
            let mut stripped =
                |path: &&PathSegment| path.strips() && strip(shared, path, &mut request);
            version.stripped_after =
                shared.paths.iter().find(&mut stripped).map(|path| Arc::clone(path.prefix()));
            let index = version.index;
            request.extensions_mut().insert(version);
            ResponseFuture::go(service.call(request), Arc::clone(shared), index, now)
        }
    }
}

/// Takes the version out of the path, if there is one, and leaves the URI as it was sent.
fn strip<B>(shared: &Shared, path: &PathSegment, request: &mut Request<B>) -> bool {
    let segment = path.split(request.uri().path()).map(|(segment, _)| segment);
    if !segment.is_some_and(|segment| shared.table.is_version(segment)) {
        return false;
    }
    let Some(stripped) = stripped(path, request.uri()) else { return false };
    let original = std::mem::replace(request.uri_mut(), stripped);
    leave(original, request.extensions_mut());
    true
}

/// For [`OriginalUri::of`].
#[cfg(not(feature = "axum-0-8"))]
fn leave(original: Uri, extensions: &mut Extensions) {
    if extensions.get::<OriginalUri>().is_none() {
        extensions.insert(OriginalUri(original));
    }
}

/// For axum's extractor, whose routers leave what they see only if there is none; and for
/// [`OriginalUri::of`], which looks there too. Once, since each extension is an allocation.
#[cfg(feature = "axum-0-8")]
fn leave(original: Uri, extensions: &mut Extensions) {
    if extensions.get::<axum::extract::OriginalUri>().is_none() {
        let sent = extensions.get().map(|OriginalUri(sent)| sent.clone());
        extensions.insert(axum::extract::OriginalUri(sent.unwrap_or(original)));
    }
}

fn stripped(path: &PathSegment, uri: &Uri) -> Option<Uri> {
    let rest = PathAndQuery::try_from(path.stripped(uri.path(), uri.query())?).ok()?;
    if uri.authority().is_none() {
        return Some(Uri::from(rest));
    }
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(rest);
    Uri::from_parts(parts).ok()
}
