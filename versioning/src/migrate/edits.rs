use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use serde::Serialize;
use stonework_core::ConfigError;

use super::document::{Document, text_of};
use super::gate_error::GateError;
use super::pointer::{in_common, is_pointer};

type EditFn = dyn Fn(&mut Document<'_>) -> Result<(), GateError> + Send + Sync;

/// What a gate does to a body, in this order. See [`Document`] for places and what each edit means.
///
/// ```
/// use stonework_versioning::{Edits, GateError};
///
/// # fn edits(edits: Edits) -> Edits {
/// edits
///     .rename("/data/*/source", "card")
///     .move_to("/data/*/amount", "/data/*/amount/value")
///     .default("/data/*/amount/currency", "USD")
///     .remove("/debug")
///     .with(|document| match document.get::<u64>("/limit")? {
///         Some(limit) if limit > 100 => Err(GateError::refuse("`limit` is 100 at most.")),
///         _ => Ok(()),
///     })
/// # }
/// ```
#[derive(Clone, Default)]
#[must_use = "what is said is returned"]
pub struct Edits {
    edits: Vec<Edit>,
}

#[derive(Clone)]
enum Edit {
    Rename { at: String, name: String },
    Move { from: String, to: String },
    Remove { at: String },
    Default { at: String, text: Result<String, GateError> },
    With(Arc<EditFn>),
}

impl Edits {
    /// Gives a member another name: [`Document::rename`].
    pub fn rename(self, at: &str, name: &str) -> Self {
        self.and(Edit::Rename { at: at.to_owned(), name: name.to_owned() })
    }

    /// Moves a value to another place: [`Document::move_to`].
    pub fn move_to(self, from: &str, to: &str) -> Self {
        self.and(Edit::Move { from: from.to_owned(), to: to.to_owned() })
    }

    /// Takes a value out: [`Document::remove`].
    pub fn remove(self, at: &str) -> Self {
        self.and(Edit::Remove { at: at.to_owned() })
    }

    /// Puts a value where none is: [`Document::default`].
    pub fn default<T: Serialize + ?Sized>(self, at: &str, value: &T) -> Self {
        self.and(Edit::Default { at: at.to_owned(), text: text_of(at, value) })
    }

    /// Does anything else. A panic is an error.
    pub fn with(
        self,
        edit: impl Fn(&mut Document<'_>) -> Result<(), GateError> + Send + Sync + 'static,
    ) -> Self {
        self.and(Edit::With(Arc::new(edit)))
    }

    fn and(mut self, edit: Edit) -> Self {
        self.edits.push(edit);
        self
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.edits.is_empty()
    }

    pub(super) fn apply(&self, document: &mut Document<'_>) -> Result<(), GateError> {
        self.edits.iter().try_for_each(|edit| edit.apply(document))
    }

    /// What can never work.
    pub(super) fn check(&self, gate: &str, errors: &mut Vec<ConfigError>) {
        for (edit, reason) in self.edits.iter().filter_map(|edit| Some((edit, edit.fault()?))) {
            errors.push(ConfigError::shown("gate", format!("{edit} in {gate:?}"), reason));
        }
    }
}

impl Edit {
    fn apply(&self, document: &mut Document<'_>) -> Result<(), GateError> {
        match self {
            Self::Rename { at, name } => document.rename(at, name),
            Self::Move { from, to } => document.move_to(from, to),
            Self::Remove { at } => document.remove(at),
            Self::Default { at, text } => {
                document.default_text(at, text.as_ref().map_err(Clone::clone)?)
            }
            Self::With(edit) => catch_unwind(AssertUnwindSafe(|| edit(document)))
                .unwrap_or_else(|_| Err(GateError::new("the gate panicked"))),
        }
    }

    fn fault(&self) -> Option<&'static str> {
        const NO_POINTER: &str = "is no place; write it as a JSON Pointer such as /data/*/amount";
        match self {
            Self::Rename { at, .. } | Self::Remove { at } | Self::Default { at, .. }
                if !is_pointer(at) =>
            {
                Some(NO_POINTER)
            }
            Self::Rename { at, .. } | Self::Remove { at } | Self::Default { at, .. }
                if at.is_empty() =>
            {
                Some("is the whole body, which has no name; name a member of it")
            }
            Self::Move { from, to } if !is_pointer(from) || !is_pointer(to) => Some(NO_POINTER),
            Self::Move { from, to } if in_common(from, to).is_none() => {
                Some("leads out of an item; begin both places with the same steps through the `*`")
            }
            Self::Default { text: Err(_), .. } => {
                Some("has a value that cannot be written as JSON")
            }
            _ => None,
        }
    }
}

/// As a changelog tells it.
impl fmt::Display for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rename { at, name } => write!(f, "`{at}` becomes `{name}`"),
            Self::Move { from, to } => write!(f, "`{}` moves to `{}`", shown(from), shown(to)),
            Self::Remove { at } => write!(f, "`{at}` is left out"),
            Self::Default { at, text: Ok(text) } => {
                write!(f, "`{at}` is `{text}` if it is missing")
            }
            Self::Default { at, text: Err(error) } => write!(f, "`{at}`: {error}"),
            Self::With(_) => f.write_str("further changes in code"),
        }
    }
}

fn shown(at: &str) -> &str {
    if at.is_empty() { "the whole body" } else { at }
}

impl fmt::Display for Edits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, edit) in self.edits.iter().enumerate() {
            write!(f, "{}{edit}", if at > 0 { "; " } else { "" })?;
        }
        Ok(())
    }
}

impl fmt::Debug for Edits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.edits.iter().map(ToString::to_string)).finish()
    }
}
