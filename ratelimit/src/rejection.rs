use std::borrow::Cow;
use std::time::Duration;

use http::StatusCode;
use stonework_core::{GrpcCode, Member, Problem, Retry};

/// Why the layer answered by itself. Also an extension of the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rejection {
    /// The quota of a policy is used up. 429 with `Retry-After`.
    QuotaExceeded,
    /// As many requests as a concurrency policy allows are under way. 429 with `Retry-After`.
    TooManyAtOnce,
    /// The request costs more than a full bucket holds. 400, and no `Retry-After`: trying again
    /// changes nothing.
    CostTooHigh,
    /// The request does not say whom to count it for. 400.
    KeyMissing,
    /// The service does not know the client's address, which it is to count by. 500.
    AddressUnknown,
    /// The store did not answer. 503 with `Retry-After`.
    StoreUnavailable,
    /// The store has no room for another client. 503 with `Retry-After`.
    StoreFull,
}

/// What all type URIs begin with, unless `problem_base` says otherwise.
pub(crate) const PROBLEM_BASE: &str = "urn:stonework:ratelimit:";

/// The problem types that the drafts of the RateLimit fields register (section 5).
const QUOTA_EXCEEDED: &str = "https://iana.org/assignments/http-problem-types#quota-exceeded";

const SOON: Retry = Retry::After(Duration::from_secs(1));

impl Rejection {
    /// The last part of the problem's type URI; stable.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::QuotaExceeded | Self::TooManyAtOnce => "quota-exceeded",
            Self::CostTooHigh => "cost-too-high",
            Self::KeyMissing => "key-missing",
            Self::AddressUnknown => "address-unknown",
            Self::StoreUnavailable => "store-unavailable",
            Self::StoreFull => "store-full",
        }
    }

    /// The HTTP status.
    pub const fn status(self) -> StatusCode {
        match self {
            Self::QuotaExceeded | Self::TooManyAtOnce => StatusCode::TOO_MANY_REQUESTS,
            Self::CostTooHigh | Self::KeyMissing => StatusCode::BAD_REQUEST,
            Self::AddressUnknown => StatusCode::INTERNAL_SERVER_ERROR,
            Self::StoreUnavailable | Self::StoreFull => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Without the part that is known only when it happens.
    pub(crate) fn problem(self, base: &str, violated: Vec<Cow<'static, str>>) -> Problem {
        let problem = Problem::new(self.type_uri(base), self.title(), self.status())
            .retry(self.retry())
            .grpc_code(self.grpc_code());
        let problem = match self.detail() {
            Some(detail) => problem.detail(detail),
            None => problem,
        };
        if violated.is_empty() {
            return problem;
        }
        problem.member("violated-policies", Member::List(violated))
    }

    fn type_uri(self, base: &str) -> Cow<'static, str> {
        match self {
            Self::QuotaExceeded | Self::TooManyAtOnce => QUOTA_EXCEEDED.into(),
            _ => format!("{base}{}", self.slug()).into(),
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::QuotaExceeded => "Quota exceeded",
            Self::TooManyAtOnce => "Too many requests at once",
            Self::CostTooHigh => "Request costs more than is ever allowed",
            Self::KeyMissing => "Request cannot be counted",
            Self::AddressUnknown => "Client's address is unknown",
            Self::StoreUnavailable => "Limits cannot be checked now",
            Self::StoreFull => "No room for another client",
        }
    }

    const fn detail(self) -> Option<&'static str> {
        match self {
            Self::CostTooHigh => Some("Ask for less at once; waiting does not help."),
            Self::KeyMissing => Some("The request does not say whom it is made for."),
            _ => None,
        }
    }

    const fn grpc_code(self) -> GrpcCode {
        match self {
            Self::QuotaExceeded | Self::TooManyAtOnce => GrpcCode::ResourceExhausted,
            Self::CostTooHigh | Self::KeyMissing => GrpcCode::InvalidArgument,
            Self::AddressUnknown => GrpcCode::Internal,
            Self::StoreUnavailable | Self::StoreFull => GrpcCode::Unavailable,
        }
    }

    const fn retry(self) -> Retry {
        match self {
            Self::TooManyAtOnce | Self::StoreUnavailable | Self::StoreFull => SOON,
            Self::CostTooHigh => Retry::Never,
            Self::QuotaExceeded | Self::KeyMissing | Self::AddressUnknown => Retry::Unsaid,
        }
    }
}
