use std::time::Duration;

use http::StatusCode;
use stonework_core::{GrpcCode, Problem, Retry};

use crate::Refusal;
use crate::policy::InFlight;

/// Why the layer answered by itself. Also an extension of the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rejection {
    /// The request is not signed as it must be. 401, the same whatever the [`Refusal`].
    Unauthenticated(Refusal),
    /// The body is larger than the cap. 413.
    BodyTooLarge,
    /// The body did not arrive in time. 408.
    BodyTimedOut,
    /// The body broke off. 400.
    BodyIncomplete,
    /// The event was handled before. 200 without a body, since the sender has no reason to come back.
    Duplicate,
    /// Another delivery of the event is being handled. 409 or 503, with `Retry-After`.
    InFlight,
    /// The keys could not be looked up. 503 with `Retry-After`.
    KeysUnavailable,
    /// The replay store did not answer. 503 with `Retry-After`.
    StoreUnavailable,
    /// The replay store has no room for another event. 503 with `Retry-After`.
    StoreFull,
}

/// What all type URIs begin with, unless `problem_base` says otherwise.
pub(crate) const PROBLEM_BASE: &str = "urn:stonework:webhook-sign:";

const SOON: Retry = Retry::After(Duration::from_secs(1));

impl Rejection {
    /// The last part of the problem's type URI; stable.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Unauthenticated(_) => "unauthenticated",
            Self::BodyTooLarge => "body-too-large",
            Self::BodyTimedOut => "body-timed-out",
            Self::BodyIncomplete => "body-incomplete",
            Self::Duplicate => "duplicate",
            Self::InFlight => "in-flight",
            Self::KeysUnavailable => "keys-unavailable",
            Self::StoreUnavailable => "store-unavailable",
            Self::StoreFull => "store-full",
        }
    }

    /// The reason in full, for logs and hooks: the refusal's [`slug`](Refusal::slug), or this one's.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Unauthenticated(refusal) => refusal.slug(),
            other => other.slug(),
        }
    }

    pub(crate) fn problem(self, base: &str, in_flight: InFlight) -> Problem {
        let (status, title) = self.status_and_title(in_flight);
        let problem = Problem::new(format!("{base}{}", self.slug()), title, status);
        match self {
            Self::Duplicate => problem.grpc_code(GrpcCode::AlreadyExists),
            Self::InFlight => problem.grpc_code(GrpcCode::Aborted).retry(SOON),
            Self::KeysUnavailable | Self::StoreUnavailable | Self::StoreFull => problem.retry(SOON),
            _ => problem,
        }
    }

    const fn status_and_title(self, in_flight: InFlight) -> (StatusCode, &'static str) {
        match self {
            Self::Unauthenticated(_) => (StatusCode::UNAUTHORIZED, "Webhook is not authenticated"),
            Self::BodyTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "Request body is too large"),
            Self::BodyTimedOut => (StatusCode::REQUEST_TIMEOUT, "Request body came too late"),
            Self::BodyIncomplete => (StatusCode::BAD_REQUEST, "Request body is incomplete"),
            Self::Duplicate => (StatusCode::OK, "Event was handled before"),
            Self::InFlight => (
                match in_flight {
                    InFlight::Conflict => StatusCode::CONFLICT,
                    InFlight::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
                },
                "Event is being handled",
            ),
            Self::KeysUnavailable => {
                (StatusCode::SERVICE_UNAVAILABLE, "Webhook cannot be checked now")
            }
            Self::StoreUnavailable | Self::StoreFull => {
                (StatusCode::SERVICE_UNAVAILABLE, "Event cannot be handled now")
            }
        }
    }
}
