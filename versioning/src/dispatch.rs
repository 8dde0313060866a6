use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response};
use pin_project_lite::pin_project;
use stonework_core::StoneBody;
use tower_service::Service;

pin_project! {
    /// The future of [`VersionRouter`](crate::VersionRouter).
    ///
    /// Dropping it drops the request, and the clone of the service that it waits for.
    #[must_use = "futures do nothing unless polled"]
    pub struct Dispatched<S, ReqBody>
    where
        S: Service<Request<ReqBody>>,
    {
        #[pin]
        state: State<S, ReqBody>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, ReqBody>
    where
        S: Service<Request<ReqBody>>,
    {
        Waiting { service: S, request: Option<Request<ReqBody>> },
        Calling { #[pin] future: S::Future },
        Answered { response: Option<Response<Bytes>> },
    }
}

impl<S, ReqBody> Dispatched<S, ReqBody>
where
    S: Service<Request<ReqBody>>,
{
    pub(crate) const fn to(service: S, request: Request<ReqBody>) -> Self {
        Self { state: State::Waiting { service, request: Some(request) } }
    }

    pub(crate) const fn answer(response: Response<Bytes>) -> Self {
        Self { state: State::Answered { response: Some(response) } }
    }
}

impl<S, ReqBody, ResBody> Future for Dispatched<S, ReqBody>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
{
    type Output = Result<Response<StoneBody<ResBody>>, S::Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let future = match self.as_mut().project().state.project() {
                StateProj::Waiting { service, request } => {
                    ready!(service.poll_ready(cx))?;
                    let Some(request) = request.take() else { return Poll::Pending };
                    service.call(request)
                }
                StateProj::Calling { future } => {
                    return future.poll(cx).map_ok(|response| response.map(StoneBody::inner));
                }
                StateProj::Answered { response } => {
                    return response
                        .take()
                        .map_or(Poll::Pending, |r| Poll::Ready(Ok(r.map(StoneBody::full))));
                }
            };
            self.as_mut().project().state.set(State::Calling { future });
        }
    }
}

impl<S, ReqBody> fmt::Debug for Dispatched<S, ReqBody>
where
    S: Service<Request<ReqBody>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Waiting { .. } => "waiting",
            State::Calling { .. } => "calling",
            State::Answered { .. } => "answered",
        };
        f.debug_tuple("Dispatched").field(&state).finish()
    }
}
