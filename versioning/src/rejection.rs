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
            Self::Brownout | Self::Sunset => StatusCode::GONE,
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
            Self::Unspecified | Self::Unsupported(_) | Self::Sunset => None,
        }
    }

    const fn grpc_code(self) -> GrpcCode {
        match self {
            Self::Unsupported(_) => GrpcCode::Unimplemented,
            Self::Unspecified | Self::Malformed(_) | Self::Ambiguous(..) => {
                GrpcCode::InvalidArgument
            }
            Self::Brownout => GrpcCode::Unavailable,
            Self::Sunset => GrpcCode::FailedPrecondition,
        }
    }

    /// With the versions that can be asked for, and how long a brownout lasts.
    pub(crate) fn problem(
        self,
        base: &str,
        supported: impl Iterator<Item = String>,
        lasts: Option<Duration>,
    ) -> Problem {
        let problem = Problem::new(format!("{base}{}", self.slug()), self.title(), self.status())
            .grpc_code(self.grpc_code())
            .retry(lasts.map_or(Retry::Unsaid, Retry::After))
            .member("supported", Member::List(supported.map(Cow::Owned).collect()));
        match self.detail() {
            Some(detail) => problem.detail(detail),
            None => problem,
        }
    }
}
