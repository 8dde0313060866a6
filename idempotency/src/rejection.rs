use std::borrow::Cow;
use std::time::Duration;

use http::StatusCode;
use stonework_core::{GrpcCode, Problem, Retry};

use crate::key::KeyError;

/// Why the layer answered by itself. Also an extension of the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rejection {
    /// The key is required and missing. 400.
    KeyMissing,
    /// The key cannot be read. 400.
    KeyMalformed(KeyError),
    /// The request carries credentials, but the scope closure knows no owner for them. 403.
    ScopeMissing,
    /// The request body is larger than the cap. 413.
    BodyTooLarge,
    /// The request body did not arrive in time. 408.
    BodyTimedOut,
    /// The request body broke off. 400.
    BodyIncomplete,
    /// The key was used for another request. 422.
    Mismatch,
    /// The first request with this key is still running. 409 with `Retry-After`.
    InFlight,
    /// An earlier run was interrupted, and nobody knows how far it got. 409, and no
    /// `Retry-After`: trying again changes nothing.
    OutcomeUnknown,
    /// The run was completed, but its answer cannot be given again. gRPC only; over HTTP the
    /// status and the headers are replayed.
    AnswerNotKept,
    /// The store did not answer. 503 with `Retry-After`.
    StoreUnavailable,
    /// The store has no room for another key. 503 with `Retry-After`.
    StoreFull,
    /// Too many keyed requests are running, over all or for this scope. 503 with `Retry-After`.
    TooManyInFlight,
    /// The handler panicked, or the run was dropped. 500.
    Interrupted,
}

/// What all type URIs begin with, unless `problem_base` says otherwise.
pub(crate) const PROBLEM_BASE: &str = "urn:stonework:idempotency:";

const SOON: Retry = Retry::After(Duration::from_secs(1));

impl Rejection {
    /// Did the handler run, as far as the layer knows?
    pub const fn executed(self) -> bool {
        matches!(self, Self::Interrupted)
    }

    /// The last part of the problem's type URI; stable.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::KeyMissing => "key-missing",
            Self::KeyMalformed(_) => "key-malformed",
            Self::ScopeMissing => "scope-missing",
            Self::BodyTooLarge => "body-too-large",
            Self::BodyTimedOut => "body-timed-out",
            Self::BodyIncomplete => "body-incomplete",
            Self::Mismatch => "key-reused",
            Self::InFlight => "in-flight",
            Self::OutcomeUnknown => "outcome-unknown",
            Self::AnswerNotKept => "answer-not-kept",
            Self::StoreUnavailable => "store-unavailable",
            Self::StoreFull => "store-full",
            Self::TooManyInFlight => "too-many-in-flight",
            Self::Interrupted => "interrupted",
        }
    }

    pub(crate) fn problem(self, base: &str) -> Problem {
        let (status, title) = self.status_and_title();
        let mut problem =
            Problem::new(format!("{base}{}", self.slug()), title, status).retry(self.retry());
        if let Some(detail) = self.detail() {
            problem = problem.detail(detail);
        }
        match self {
            Self::OutcomeUnknown | Self::AnswerNotKept => problem.grpc_code(GrpcCode::Unknown),
            _ => problem,
        }
    }

    const fn status_and_title(self) -> (StatusCode, &'static str) {
        match self {
            Self::KeyMissing => (StatusCode::BAD_REQUEST, "Idempotency key is missing"),
            Self::KeyMalformed(_) => (StatusCode::BAD_REQUEST, "Idempotency key is malformed"),
            Self::ScopeMissing => (StatusCode::FORBIDDEN, "Idempotency key has no owner"),
            Self::BodyTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "Request body is too large"),
            Self::BodyTimedOut => (StatusCode::REQUEST_TIMEOUT, "Request body came too late"),
            Self::BodyIncomplete => (StatusCode::BAD_REQUEST, "Request body is incomplete"),
            Self::Mismatch => {
                (StatusCode::UNPROCESSABLE_ENTITY, "Idempotency key was used for another request")
            }
            Self::InFlight => (StatusCode::CONFLICT, "Request with this key is still running"),
            Self::OutcomeUnknown => (StatusCode::CONFLICT, "Outcome of this key is unknown"),
            Self::AnswerNotKept => (StatusCode::CONFLICT, "Answer to this key was not kept"),
            Self::StoreUnavailable => {
                (StatusCode::SERVICE_UNAVAILABLE, "Idempotency keys cannot be checked now")
            }
            Self::StoreFull => (StatusCode::SERVICE_UNAVAILABLE, "No room for another key"),
            Self::TooManyInFlight => {
                (StatusCode::SERVICE_UNAVAILABLE, "Too many requests with keys are running")
            }
            Self::Interrupted => (StatusCode::INTERNAL_SERVER_ERROR, "Request was interrupted"),
        }
    }

    fn detail(self) -> Option<Cow<'static, str>> {
        Some(match self {
            Self::KeyMissing => "Send an Idempotency-Key that is unique to this operation.".into(),
            Self::KeyMalformed(error) => error.to_string().into(),
            Self::ScopeMissing => {
                "The request carries credentials that belong to no known account.".into()
            }
            Self::Mismatch => {
                "Send the first request again as it was, or take a new key for this one.".into()
            }
            Self::OutcomeUnknown => {
                "An earlier attempt was interrupted. Look up what it did before you take a new key."
                    .into()
            }
            Self::AnswerNotKept => "The operation was completed.".into(),
            Self::Interrupted => "The operation may or may not have taken effect.".into(),
            _ => return None,
        })
    }

    const fn retry(self) -> Retry {
        match self {
            Self::InFlight | Self::StoreUnavailable | Self::StoreFull | Self::TooManyInFlight => {
                SOON
            }
            Self::OutcomeUnknown | Self::AnswerNotKept => Retry::Never,
            _ => Retry::Unsaid,
        }
    }
}
