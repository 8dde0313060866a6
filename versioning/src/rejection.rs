use std::borrow::Cow;
use std::time::Duration;

use http::StatusCode;
use stonework_core::{GrpcCode, Member, Problem, Retry};

use crate::{Fault, Source};

/// Why the layer answered by itself. Also an extension of the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rejection {
    /// The request does not say which version it wants. 400.
    Unspecified,
    /// What stands there is no version. 400.
    Malformed(Source),
    /// Two places ask for two versions. 400.
    Ambiguous(Source, Source),
    /// It is a version, and none of these. 404 in a path, 406 in `Accept`, 415 in `Content-Type`, else 400.
    Unsupported(Source),
    /// The version is switched off for a while, so that those who still use it notice. 410, or 503.
    Brownout,
    /// The version works no more. 410.
    Sunset,
    /// The account is pinned to a version that works no more, and the request names no other. 410.
    PinSunset,
    /// The store of pins does not answer, so nobody knows which version this account gets. 503.
    PinUnknown,
    /// The body of a request cannot be migrated: it is no JSON. 400.
    BodyMalformed,
    /// The same: it is larger than it may be. 413.
    BodyTooLarge,
    /// The same: it did not arrive in time. 408.
    BodyTimedOut,
    /// The same: it broke off. 400.
    BodyIncomplete,
    /// The same: it is compressed. 415.
    BodyEncoded,
    /// The same: it is a stream, of which no gate takes the parts. 415.
    BodyStream,
    /// The same: a gate says that it means nothing in the newer shape. 422.
    BodyRefused,
    /// A gate failed. In a response the handler has run. 500.
    MigrationFailed,
    /// A response cannot be migrated: it is compressed, a part, a stream, too large or too slow, and would
    /// have the wrong shape. The handler has run. 500.
    NotMigratable,
}

/// What all type URIs begin with, unless `problem_base` says otherwise.
pub(crate) const PROBLEM_BASE: &str = "urn:stonework:versioning:";

impl From<Fault> for Rejection {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Malformed { source } => Self::Malformed(source),
            Fault::Unsupported { source } => Self::Unsupported(source),
            Fault::Ambiguous { first, second } => Self::Ambiguous(first, second),
        }
    }
}

impl Rejection {
    /// The last part of the problem's type URI; stable.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Unspecified => "version-unspecified",
            Self::Malformed(_) => "version-malformed",
            Self::Ambiguous(..) => "version-ambiguous",
            Self::Unsupported(_) => "version-unsupported",
            Self::Brownout => "brownout",
            Self::Sunset => "version-sunset",
            Self::PinSunset => "pin-sunset",
            Self::PinUnknown => "pin-unknown",
            Self::BodyMalformed => "body-malformed",
            Self::BodyTooLarge => "body-too-large",
            Self::BodyTimedOut => "body-timed-out",
            Self::BodyIncomplete => "body-incomplete",
            Self::BodyEncoded => "body-encoded",
            Self::BodyStream => "body-stream",
            Self::BodyRefused => "body-refused",
            Self::MigrationFailed => "migration-failed",
            Self::NotMigratable => "not-migratable",
        }
    }

    /// The HTTP status.
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Unsupported(Source::Path) => StatusCode::NOT_FOUND,
            Self::Unsupported(Source::Accept) => StatusCode::NOT_ACCEPTABLE,
            Self::Unsupported(Source::ContentType) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Unspecified | Self::Malformed(_) | Self::Ambiguous(..) | Self::Unsupported(_) => {
                StatusCode::BAD_REQUEST
            }
            Self::Brownout | Self::Sunset | Self::PinSunset => StatusCode::GONE,
            Self::PinUnknown => StatusCode::SERVICE_UNAVAILABLE,
            Self::BodyMalformed | Self::BodyIncomplete => StatusCode::BAD_REQUEST,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyTimedOut => StatusCode::REQUEST_TIMEOUT,
            Self::BodyEncoded | Self::BodyStream => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::BodyRefused => StatusCode::UNPROCESSABLE_ENTITY,
            Self::MigrationFailed | Self::NotMigratable => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Unspecified => "API version is not specified",
            Self::Malformed(_) => "API version is malformed",
            Self::Ambiguous(..) => "API version is ambiguous",
            Self::Unsupported(_) => "API version is not supported",
            Self::Brownout => "API version is switched off for a while (a brownout)",
            Self::Sunset => "API version is no longer available",
            Self::PinSunset => "The API version of this account is no longer available",
            Self::PinUnknown => "The API version of this account is not known at the moment",
            Self::BodyMalformed => "Body is malformed",
            Self::BodyTooLarge => "Body is too large",
            Self::BodyTimedOut => "Body did not arrive in time",
            Self::BodyIncomplete => "Body broke off",
            Self::BodyEncoded => "Body is compressed",
            Self::BodyStream => "Body is a stream",
            Self::BodyRefused => "Body means nothing in a newer API version",
            Self::MigrationFailed => "Could not migrate between API versions",
            Self::NotMigratable => "Response cannot be given in this API version",
        }
    }

    fn detail(self) -> Option<Cow<'static, str>> {
        match self {
            Self::Malformed(source) => {
                Some(format!("What stands in {source} is no version.").into())
            }
            Self::Ambiguous(first, second) if first == second => {
                Some(format!("There are different versions in {first}.").into())
            }
            Self::Ambiguous(first, second) => {
                Some(format!("There is one version in {first} and another in {second}.").into())
            }
            Self::Brownout => Some(
                "This is on purpose and will pass. The version is deprecated: move to a newer one \
                 before it is gone for good."
                    .into(),
            ),
            Self::PinSunset => Some(
                "Name a newer version in the request to try it, then move the account to it."
                    .into(),
            ),
            Self::BodyEncoded => {
                Some("Send it without Content-Encoding, or in the newest version.".into())
            }
            Self::BodyStream => {
                Some("Send it in the newest version, which needs no migration.".into())
            }
            _ => None,
        }
    }

    /// What is gone is `FAILED_PRECONDITION`: nothing that a client retries by itself.
    fn grpc_code(self, status: StatusCode) -> GrpcCode {
        match (self, status) {
            (Self::Unsupported(_), _) => GrpcCode::Unimplemented,
            (_, StatusCode::GONE) => GrpcCode::FailedPrecondition,
            (_, status) => GrpcCode::of(status),
        }
    }

    /// Is it about which version is to be served, so that it helps to know which there are?
    const fn is_of_version(self) -> bool {
        matches!(
            self,
            Self::Unspecified
                | Self::Malformed(_)
                | Self::Ambiguous(..)
                | Self::Unsupported(_)
                | Self::Brownout
                | Self::Sunset
                | Self::PinSunset
        )
    }

    /// What is the matter, and no more.
    #[cfg(feature = "migrate")]
    pub(crate) fn bare_problem(self, base: &str) -> Problem {
        self.with_status(base, self.status())
    }

    fn with_status(self, base: &str, status: StatusCode) -> Problem {
        let problem = Problem::new(format!("{base}{}", self.slug()), self.title(), status)
            .grpc_code(self.grpc_code(status));
        match self.detail() {
            Some(detail) => problem.detail(detail),
            None => problem,
        }
    }

    /// With the versions that can be asked for, and when to come again.
    pub(crate) fn problem(
        self,
        base: &str,
        status: StatusCode,
        supported: impl Iterator<Item = String>,
        lasts: Option<Duration>,
    ) -> Problem {
        let retry = lasts.map_or(Retry::Unsaid, Retry::After);
        let problem = self.with_status(base, status).retry(retry);
        if !self.is_of_version() {
            return problem;
        }
        problem.member("supported", Member::List(supported.map(Cow::Owned).collect()))
    }
}
