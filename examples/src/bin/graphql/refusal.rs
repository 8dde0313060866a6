//! Everything that this service says no to before GraphQL is asked: as an error of GraphQL.
//!
//! ```json
//! {"errors":[{"message":"Quota exceeded","extensions":{"code":"QUOTA_EXCEEDED","problem":{"type":"…","status":429}}}]}
//! ```
//!
//! The layers' refusals take the same form, by [`answer`].

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use stonework_core::{CollectErrorKind, NotExecuted, Problem, Protocol, RequestHead};

use crate::media::Media;
use crate::price::TooDeep;

/// All but the last two are said before a request is understood.
#[derive(Debug)]
pub(crate) enum Refusal {
    Unauthenticated,
    UnknownRoute,
    WrongMethod,
    NotAcceptable,
    ContentType,
    BodyTooLarge,
    BodyTimedOut,
    BodyIncomplete,
    /// With what is the matter.
    Malformed(String),
    /// So many at most.
    LongBatch(usize),
    TooDeep,
    TooComplex {
        points: u32,
        most: u32,
    },
}

impl Refusal {
    fn problem(&self) -> Problem {
        let bad = StatusCode::BAD_REQUEST;
        match self {
            Self::Unauthenticated => {
                let detail = "Send `Authorization: Bearer ACCOUNT`, where ACCOUNT has 1 to 64 \
                              letters, digits, `_` and `-`.";
                new("unauthenticated", "No account", StatusCode::UNAUTHORIZED).detail(detail)
            }
            Self::UnknownRoute => new("unknown-route", "No such route", StatusCode::NOT_FOUND),
            Self::WrongMethod => {
                new("wrong-method", "Wrong method", StatusCode::METHOD_NOT_ALLOWED)
            }
            Self::NotAcceptable => {
                new("not-acceptable", "Answers are JSON", StatusCode::NOT_ACCEPTABLE)
                    .detail("Accept application/graphql-response+json or application/json.")
            }
            Self::ContentType => {
                let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
                new("wrong-content-type", "Body must be application/json", status)
            }
            Self::BodyTooLarge => {
                new("body-too-large", "Body is too large", StatusCode::PAYLOAD_TOO_LARGE)
            }
            Self::BodyTimedOut => {
                new("body-timed-out", "Body came too late", StatusCode::REQUEST_TIMEOUT)
            }
            Self::BodyIncomplete => new("body-incomplete", "Body is incomplete", bad),
            Self::Malformed(reason) => {
                new("malformed-request", "Not a request of GraphQL", bad).detail(reason.clone())
            }
            Self::LongBatch(most) => new("batch-too-long", "Too many queries at once", bad)
                .detail(format!("Send {most} at most.")),
            Self::TooDeep => new("too-deep", "Query is nested too deep", bad),
            Self::TooComplex { points, most } => {
                new("too-complex", "Query asks for too much at once", bad)
                    .detail(format!(
                        "It costs {points} points; send one that costs {most} at most."
                    ))
                    .member("points", u64::from(*points))
            }
        }
    }

    const fn is_understood(&self) -> bool {
        matches!(self, Self::TooDeep | Self::TooComplex { .. })
    }

    pub(crate) fn respond(&self, head: &RequestHead<'_>) -> Response {
        self.finish(answer(&self.problem(), head, self.is_understood()).map(Body::from))
    }

    fn finish(&self, mut response: Response) -> Response {
        response.extensions_mut().insert(NotExecuted);
        if matches!(self, Self::Unauthenticated) {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// Where nothing is known of the request, in the newer form.
impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        self.finish(render(&self.problem(), Media::Response, false).map(Body::from))
    }
}

fn new(slug: &'static str, title: &'static str, status: StatusCode) -> Problem {
    Problem::new(format!("urn:stonework:graphql:{slug}"), title, status)
}

/// A problem as an error of GraphQL, in the form that is accepted.
pub(crate) fn answer(
    problem: &Problem,
    head: &RequestHead<'_>,
    understood: bool,
) -> axum::http::Response<Bytes> {
    let media = Media::accepted(head.headers).unwrap_or(Media::Response);
    render(problem, media, understood)
}

fn render(problem: &Problem, media: Media, understood: bool) -> axum::http::Response<Bytes> {
    // As it would be, with `Retry-After`.
    let mut response = problem.to_response(&Protocol::Http);
    response.headers_mut().insert(CONTENT_TYPE, media.content_type());
    if understood {
        *response.status_mut() = media.status(problem.status());
    }
    let error = json!({ "message": problem.message(), "extensions": extensions(problem) });
    response.map(|_| json!({ "errors": [error] }).to_string().into())
}

/// What an error says of a problem: a code to match on, and the whole of it.
pub(crate) fn extensions(problem: &Problem) -> Value {
    let whole: Value = serde_json::from_str(&problem.to_json()).unwrap_or_default();
    json!({ "code": code(problem), "problem": whole })
}

/// The last part of its type, as codes are written in GraphQL.
fn code(problem: &Problem) -> String {
    let slug = problem.type_uri().rsplit([':', '#']).next().unwrap_or_default();
    slug.replace('-', "_").to_ascii_uppercase()
}

impl<E> From<CollectErrorKind<E>> for Refusal {
    fn from(kind: CollectErrorKind<E>) -> Self {
        match kind {
            CollectErrorKind::TooLarge => Self::BodyTooLarge,
            CollectErrorKind::TimedOut => Self::BodyTimedOut,
            _ => Self::BodyIncomplete,
        }
    }
}

impl From<TooDeep> for Refusal {
    fn from(_: TooDeep) -> Self {
        Self::TooDeep
    }
}
