use std::borrow::Cow;
use std::time::Duration;

use http::StatusCode;
use stonework_core::{Problem, Retry};

use crate::asked::Wrong;
use crate::profile::Profile;

/// Why no page can be given. Also an extension of the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rejection {
    /// The limit is no number, or out of range. 400.
    Limit,
    /// The number of a page is none, or lies beyond where pages end. 400.
    Page,
    /// The cursor is malformed, forged, expired, or that of another list. Which of it is nobody's business.
    /// 400.
    Cursor,
    /// A parameter is there more than once. 400.
    Repeated,
    /// Two parameters exclude each other. 400.
    Both,
    /// The store of cursors does not answer. 503.
    Unavailable,
    /// Something is wrong with the service: it sorts by values that it does not have, or finds no rows. 500.
    Misused,
}

/// What all type URIs begin with, unless `problem_base` says otherwise.
pub(crate) const PROBLEM_BASE: &str = "urn:stonework:pagination:";

/// A store that is away is asked again within that time.
const RETRY: Duration = Duration::from_secs(1);

/// A rejection, and what there is to say of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) rejection: Rejection,
    /// The parameter that it is about, if the client is to be told.
    pub(crate) parameter: Option<String>,
    /// The limit is a number, and too large.
    pub(crate) is_over: bool,
    /// The last page that there may be.
    pub(crate) last_page: u32,
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        Self { rejection, parameter: None, is_over: false, last_page: 0 }
    }
}

impl Wrong {
    /// Tells the program. What it gives is for the client.
    pub(crate) fn refuse(self) -> Refusal {
        let is_over = matches!(self, Wrong::LimitOver(_));
        let last_page = if let Wrong::Page(_, last) = &self { *last } else { 0 };
        let (rejection, parameter) = match self {
            Wrong::Page(name, _) => (Rejection::Page, Some(name)),
            Wrong::Repeated(name) => (Rejection::Repeated, Some(name)),
            Wrong::Limit(name) | Wrong::LimitOver(name) => (Rejection::Limit, Some(name)),
            Wrong::Cursor(name) => (Rejection::Cursor, Some(name)),
            Wrong::Both => (Rejection::Both, None),
        };
        crate::trace::refused!(rejection, None);
        Refusal { rejection, parameter, is_over, last_page }
    }
}

impl Rejection {
    /// The last part of the problem's type URI; stable.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Limit => "limit-invalid",
            Self::Page => "page-invalid",
            Self::Cursor => "cursor-invalid",
            Self::Repeated => "parameter-repeated",
            Self::Both => "parameters-exclude-each-other",
            Self::Unavailable => "cursors-unavailable",
            Self::Misused => "page-misused",
        }
    }

    /// The HTTP status.
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Limit | Self::Page | Self::Cursor | Self::Repeated | Self::Both => {
                StatusCode::BAD_REQUEST
            }
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Misused => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Limit => "Limit is invalid",
            Self::Page => "Page is invalid",
            Self::Cursor => "Cursor is invalid",
            Self::Repeated => "Parameter is repeated",
            Self::Both => "Parameters exclude each other",
            Self::Unavailable => "Cursors cannot be looked up at the moment",
            Self::Misused => "Page cannot be given",
        }
    }
}

impl Refusal {
    /// In words, for whoever sent it.
    pub(crate) fn detail(&self, profile: &Profile) -> Option<Cow<'static, str>> {
        let names = &profile.names;
        let parameter = self.parameter.as_deref().unwrap_or_default();
        Some(match self.rejection {
            Rejection::Limit => {
                let limits = &profile.limits;
                format!(
                    "`{parameter}` is a whole number from {} to {}.",
                    limits.least(),
                    limits.max
                )
                .into()
            }
            Rejection::Page => {
                let last = self.last_page;
                format!("`{parameter}` is a whole number from 1 to {last}. Narrow the list down.")
                    .into()
            }
            Rejection::Cursor => {
                "It cannot be used for this request. Begin again at the first page.".into()
            }
            Rejection::Repeated => format!("`{parameter}` is there more than once.").into(),
            Rejection::Both => match (&names.backward_limit, &names.before) {
                (Some(backward), _) => {
                    format!("Send `{}` or `{backward}`, and not both.", names.limit).into()
                }
                (None, Some(before)) => {
                    format!("Send `{}` or `{before}`, and not both.", names.after).into()
                }
                (None, None) => return None,
            },
            Rejection::Unavailable | Rejection::Misused => return None,
        })
    }

    pub(crate) fn problem(&self, profile: &Profile, base: &str) -> Problem {
        let rejection = self.rejection;
        let type_uri = format!("{base}{}", rejection.slug());
        let mut problem = Problem::new(type_uri, rejection.title(), rejection.status());
        if let Some(detail) = self.detail(profile) {
            problem = problem.detail(detail);
        }
        if let Some(parameter) = &self.parameter {
            problem = problem.member("parameter", parameter.clone());
        }
        match rejection {
            Rejection::Limit => problem
                .member("min", u64::from(profile.limits.least()))
                .member("max", u64::from(profile.limits.max)),
            Rejection::Page => {
                problem.member("min", 1_u64).member("max", u64::from(self.last_page))
            }
            Rejection::Unavailable => problem.retry(Retry::After(RETRY)),
            _ => problem,
        }
    }
}
