//! Everything that this service says no to, each as a problem of RFC 9457.

use std::time::Duration;

use axum::extract::rejection::JsonRejection;
use axum::http::header::WWW_AUTHENTICATE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use stonework_core::{NotExecuted, Problem, Retry, StoreError};
use stonework_pagination::PageError;
use stonework_sse::SubscribeError;

use crate::job::State;
use crate::picture::LARGEST_SIDE;
use crate::submit::LARGEST_IMAGE;

#[derive(Debug)]
pub(crate) enum Refusal {
    Unauthenticated,
    UnknownRoute,
    WrongMethod,
    UnknownImage,
    NoResult(State),
    ContentType,
    Size,
    NotAnImage,
    TooManyPixels,
    BodyTooLarge,
    BodyTimedOut,
    BodyIncomplete,
    /// In milliseconds, and so many at most.
    Pause(u32),
    /// The key has made another job.
    OtherOrder,
    LineFull,
    TooManyImages,
    NoRoom,
    /// Too many images are being sent.
    Busy,
    Page(PageError),
    Events(SubscribeError),
    Registration(JsonRejection),
    EndpointUrl(String),
    TooManyEndpoints,
    Store,
    Interrupted,
}

impl Refusal {
    fn problem(&self) -> Problem {
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
            Self::UnknownImage => new("unknown-image", "No such image", StatusCode::NOT_FOUND),
            Self::NoResult(state) => no_result(state),
            Self::ContentType => {
                let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
                new("wrong-content-type", "Body must be image/png or image/jpeg", status)
            }
            Self::Size => new("invalid-size", "Invalid size", StatusCode::BAD_REQUEST).detail(
                format!("Send `width` and `height`, each a whole number from 1 to {LARGEST_SIDE}."),
            ),
            Self::NotAnImage => {
                let status = StatusCode::UNPROCESSABLE_ENTITY;
                new("not-an-image", "Body is no image of its content type", status)
            }
            Self::TooManyPixels => {
                let status = StatusCode::UNPROCESSABLE_ENTITY;
                new("too-many-pixels", "Image has too many pixels", status)
                    .detail("A side has 8192 at most, and all of it 16777216.")
            }
            Self::BodyTooLarge => {
                let status = StatusCode::PAYLOAD_TOO_LARGE;
                new("body-too-large", "Image is too large", status)
                    .detail(format!("It has {LARGEST_IMAGE} bytes at most."))
            }
            Self::BodyTimedOut => {
                new("body-timed-out", "Image came too late", StatusCode::REQUEST_TIMEOUT)
            }
            Self::BodyIncomplete => {
                new("body-incomplete", "Image is incomplete", StatusCode::BAD_REQUEST)
            }
            Self::Pause(most) => new("demo-header", "Unclear demo header", StatusCode::BAD_REQUEST)
                .detail(format!("x-demo-pause-ms is a number from 0 to {most}.")),
            Self::OtherOrder => {
                let status = StatusCode::UNPROCESSABLE_ENTITY;
                new("other-order", "Idempotency key has made another image", status)
                    .detail("Take a new key for this one.")
            }
            Self::LineFull => {
                new("line-full", "Too many images are in line", StatusCode::SERVICE_UNAVAILABLE)
                    .retry(after(5))
            }
            Self::TooManyImages => {
                let status = StatusCode::TOO_MANY_REQUESTS;
                new("too-many-images", "You have too many images", status)
                    .detail("They are forgotten some time after they were made.")
                    .retry(after(60))
            }
            Self::NoRoom => {
                new("no-room", "There is no room for it", StatusCode::SERVICE_UNAVAILABLE)
                    .retry(after(60))
            }
            Self::Busy => {
                let status = StatusCode::SERVICE_UNAVAILABLE;
                new("busy", "Too many images are being sent", status).retry(after(1))
            }
            Self::Page(error) => error.problem(),
            Self::Events(error) => error.problem(),
            Self::Registration(rejection) => {
                let title = "An endpoint has a `url`, a string";
                new("invalid-endpoint", title, rejection.status()).detail(rejection.body_text())
            }
            Self::EndpointUrl(reason) => {
                let status = StatusCode::UNPROCESSABLE_ENTITY;
                new("forbidden-url", "Nothing is sent there", status)
                    .detail(format!("Send a `url` that others can reach: {reason}."))
            }
            Self::TooManyEndpoints => {
                let status = StatusCode::UNPROCESSABLE_ENTITY;
                new("too-many-endpoints", "There are enough endpoints", status)
            }
            Self::Store => {
                let status = StatusCode::SERVICE_UNAVAILABLE;
                new("store-unavailable", "Jobs cannot be read or written now", status)
                    .retry(after(1))
            }
            Self::Interrupted => {
                let status = StatusCode::INTERNAL_SERVER_ERROR;
                new("interrupted", "Request was interrupted", status)
                    .detail("The operation may or may not have taken effect.")
            }
        }
    }

    /// Whoever is refused may send the same again under the same key. Even where a store did not say whether it has
    /// taken a job: under the same key it is the same job.
    const fn executed(&self) -> bool {
        matches!(self, Self::Interrupted)
    }
}

fn new(slug: &'static str, title: &'static str, status: StatusCode) -> Problem {
    Problem::new(format!("urn:stonework:jobs:{slug}"), title, status)
}

const fn after(seconds: u64) -> Retry {
    Retry::After(Duration::from_secs(seconds))
}

fn no_result(state: &State) -> Problem {
    let problem = new("no-result", "There is no result", StatusCode::NOT_FOUND);
    let problem = problem.member("image-status", state.name());
    if state.is_final() { problem } else { problem.retry(after(1)) }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        if let Self::Events(error) = self {
            // By more than its problem: the layer around streams tells browsers to come back instead.
            return error.into_response();
        }
        let mut response = self.problem().into_response();
        if !self.executed() {
            response.extensions_mut().insert(NotExecuted);
        }
        if matches!(self, Self::Unauthenticated) {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<PageError> for Refusal {
    fn from(error: PageError) -> Self {
        Self::Page(error)
    }
}

impl From<SubscribeError> for Refusal {
    fn from(error: SubscribeError) -> Self {
        eprintln!("jobs: {error}");
        Self::Events(error)
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        eprintln!("jobs: the store failed: {error}");
        Self::Store
    }
}
