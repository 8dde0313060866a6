use std::borrow::Cow;
use std::fmt;

/// Why a gate could not migrate a body.
///
/// ```
/// use stonework_versioning::GateError;
///
/// // The client is answered 422, and told this.
/// let refused = GateError::refuse("version 1 has no currency but USD");
/// // The client is answered 500, and told nothing of it.
/// let failed = GateError::new("the ledger has no account for it");
/// # let _ = (refused, failed);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateError {
    reason: Cow<'static, str>,
    is_refusal: bool,
}

impl GateError {
    /// The body cannot be migrated, and nobody outside has to know why. 500.
    pub fn new(reason: impl Into<Cow<'static, str>>) -> Self {
        Self { reason: reason.into(), is_refusal: false }
    }

    /// The body of a request means nothing in the newer shape. 422, with this as the detail. In a response
    /// it is as [`new`](Self::new) is.
    pub fn refuse(detail: impl Into<Cow<'static, str>>) -> Self {
        Self { reason: detail.into(), is_refusal: true }
    }

    /// Is the client to be told?
    pub const fn is_refusal(&self) -> bool {
        self.is_refusal
    }

    /// Why.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl fmt::Display for GateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for GateError {}
