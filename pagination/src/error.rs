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

/// Why a handler cannot give a page. In axum it is a response, in the form of the layer's contract.
#[derive(Debug)]
pub struct PageError {
    rejection: Rejection,
    /// Nothing without a layer.
    context: Option<Arc<Context>>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl PageError {
    pub(crate) fn new(rejection: Rejection, context: &Arc<Context>) -> Self {
        Self { rejection, context: Some(Arc::clone(context)), source: None }
    }

    /// The program lacks something, and no client can do anything about it.
    pub(crate) fn misused(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { rejection: Rejection::Misused, context: None, source: Some(source.into()) }
    }

    pub(crate) fn no_layer() -> Self {
        Self::misused("there is no PageLayer around")
    }

    /// No cursor could be made.
    pub(crate) fn unmade(error: CursorError, context: &Arc<Context>) -> Self {
        let rejection = match error.kind() {
            CursorErrorKind::Unavailable => Rejection::Unavailable,
            _ => Rejection::Misused,
        };
        Self { source: Some(Box::new(error)), ..Self::new(rejection, context) }
    }

    /// Why.
    pub const fn rejection(&self) -> Rejection {
        self.rejection
    }

    /// The same as a problem (RFC 9457), whatever the contract.
    pub fn problem(&self) -> Problem {
        self.told(Refusal::problem)
    }

    /// The answer, in the form of the layer's contract.
    pub fn to_response(&self) -> Response<Bytes> {
        self.told(refuse)
    }

    fn told<T>(&self, tell: impl FnOnce(&Refusal, &Profile, &str) -> T) -> T {
        match &self.context {
            Some(context) => {
                let refusal = context.refusal(self.rejection, context.asked.direction);
                tell(&refusal, &context.profile, &context.problem_base)
            }
            None => tell(&self.rejection.into(), &Profile::plain(), PROBLEM_BASE),
        }
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

impl fmt::Display for PageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.rejection.title())
    }
}

impl Error for PageError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
