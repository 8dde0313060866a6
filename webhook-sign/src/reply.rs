use http::request::Parts;
use http::{Response, StatusCode};
use stonework_core::{NotExecuted, Protocol, RequestHead, StoneBody};

use crate::rejection::Rejection;
use crate::shared::Shared;

/// Says no, and tells those who may know why.
pub(crate) fn reject<B>(
    shared: &Shared,
    head: &Parts,
    rejection: Rejection,
) -> Response<StoneBody<B>> {
    let policy = &shared.policy;
    let head = RequestHead::from(head);
    crate::trace::event!(
        INFO,
        kind = rejection.slug(),
        reason = rejection.reason(),
        "a webhook was rejected"
    );
    if let Some(hook) = &policy.on_reject {
        hook(rejection, &head);
    }
    let problem = shared.problem(rejection);
    let protocol = Protocol::of(head.headers);
    let mut response = match &policy.render {
        Some(render) => render(rejection, &problem, &head),
        // A sender reads the status and nothing else; a document would say that something is wrong.
        None if rejection == Rejection::Duplicate && !protocol.is_grpc() => {
            let mut response = Response::new(bytes::Bytes::new());
            *response.status_mut() = StatusCode::OK;
            response
        }
        None => problem.to_response(&protocol),
    };
    let extensions = response.extensions_mut();
    extensions.insert(problem);
    extensions.insert(rejection);
    extensions.insert(NotExecuted);
    response.map(StoneBody::full)
}
