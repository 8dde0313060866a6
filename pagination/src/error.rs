use std::error::Error;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use stonework_core::Problem;

use crate::answer::refuse;
use crate::context::Context;
use crate::profile::Profile;
use crate::rejection::{PROBLEM_BASE, Refusal};
use crate::{CursorError, CursorErrorKind, Direction, Rejection, SeekError};

/// Why a handler cannot give a page. In axum it is a response: in the form of the layer's contract if it is about
/// what the client asked, else a problem (RFC 9457).
#[derive(Debug)]
pub struct PageError {
    refusal: Refusal,
    profile: Arc<Profile>,
    problem_base: Arc<str>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl PageError {
    /// Of a cursor that is read this way, if it is about one.
    pub(crate) fn new(rejection: Rejection, direction: Direction, context: &Context) -> Self {
        let refusal = context.refusal(rejection, direction);
        let problem_base = Arc::clone(&context.problem_base);
        Self { problem_base, ..Self::refused(refusal, Arc::clone(&context.profile)) }
    }

    pub(crate) fn refused(refusal: Refusal, profile: Arc<Profile>) -> Self {
        Self { refusal, profile, problem_base: PROBLEM_BASE.into(), source: None }
    }

    /// The program lacks something, and no client can do anything about it.
    pub(crate) fn misused(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let (refusal, source) = (Rejection::Misused.into(), source.into());
        crate::trace::refused!(Rejection::Misused, Some(&*source));
        Self { source: Some(source), ..Self::refused(refusal, Arc::default()) }
    }

    pub(crate) fn no_layer() -> Self {
        Self::misused("there is no PageLayer around")
    }

    /// No cursor could be made.
    pub(crate) fn unmade(error: CursorError, context: &Context) -> Self {
        let rejection = match error.kind() {
            CursorErrorKind::Unavailable => Rejection::Unavailable,
            _ => Rejection::Misused,
        };
        crate::trace::refused!(rejection, Some(&error));
        Self {
            source: Some(Box::new(error)),
            ..Self::new(rejection, context.asked.direction, context)
        }
    }

    /// Whatever else keeps a handler from giving a page, such as an error of its database. 500; clients are not
    /// told what.
    pub fn internal(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::misused(error)
    }

    /// Why.
    pub const fn rejection(&self) -> Rejection {
        self.refusal.rejection
    }

    /// The same as a problem (RFC 9457), whatever the contract.
    pub fn problem(&self) -> Problem {
        self.refusal.problem(&self.profile, &self.problem_base)
    }

    /// The answer, in the form of the contract if it is about what the client asked.
    pub fn to_response(&self) -> Response<Bytes> {
        refuse(&self.refusal, &self.profile, &self.problem_base)
    }
}

impl Context {
    /// A refusal of a cursor names the parameter that it came in.
    pub(crate) fn refusal(&self, rejection: Rejection, direction: Direction) -> Refusal {
        let names = &self.profile.names;
        let is_cursor = rejection == Rejection::Cursor;
        let parameter = is_cursor.then(|| names.cursor(direction).to_owned());
        Refusal { parameter, ..Refusal::from(rejection) }
    }
}

impl From<SeekError> for PageError {
    fn from(error: SeekError) -> Self {
        Self::misused(error)
    }
}

impl Rejection {
    pub(crate) const fn of(kind: CursorErrorKind) -> Self {
        match kind {
            CursorErrorKind::Unavailable => Self::Unavailable,
            _ => Self::Cursor,
        }
    }
}

/// For whoever asked: it tells nothing that is nobody's business.
impl fmt::Display for PageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.rejection().title())?;
        match self.refusal.detail(&self.profile) {
            Some(detail) => write!(f, ": {detail}"),
            None => Ok(()),
        }
    }
}

impl Error for PageError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
