use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::gate_error::GateError;
use super::plan::{Failed, Plan, Way};

/// Migrates what a stream is made of, one document at a time. In the extensions of requests whose responses
/// have to pass a gate.
///
/// A stream has no end, so the layer cannot read it; who makes it takes this and gives each document to it
/// before it is framed. A stream that is sent without it is refused: it would have the wrong shape.
///
/// ```
/// use stonework_versioning::{EventMigration, GateError};
///
/// fn data(migration: Option<&EventMigration>, newest: &str) -> Result<String, GateError> {
///     match migration {
///         Some(migration) => Ok(migration.events().migrate(newest)?.into_owned()),
///         None => Ok(newest.to_owned()),
///     }
/// }
/// ```
#[derive(Clone)]
pub struct EventMigration {
    pub(super) plan: Arc<Plan>,
}

impl EventMigration {
    /// Takes it upon itself to migrate what is sent.
    pub fn events(&self) -> Events {
        self.plan.events_taken.store(true, Ordering::Release);
        Events { plan: Arc::clone(&self.plan) }
    }
}

/// Migrates documents of a stream: made by [`EventMigration::events`].
#[derive(Clone)]
pub struct Events {
    plan: Arc<Plan>,
}

impl Events {
    /// The document in the version of who reads the stream.
    ///
    /// # Errors
    ///
    /// When it is no JSON, or a gate says no.
    pub fn migrate<'t>(&self, json: &'t str) -> Result<Cow<'t, str>, GateError> {
        match self.plan.migrate(Way::Response, json.as_bytes()) {
            Ok(Cow::Borrowed(_)) => Ok(Cow::Borrowed(json)),
            // JSON is written as UTF-8.
            Ok(Cow::Owned(text)) => String::from_utf8(text)
                .map(Cow::Owned)
                .map_err(|_| GateError::new("the document is not UTF-8")),
            Err(Failed::NotJson(error) | Failed::Gate(_, error)) => Err(error),
        }
    }
}

impl fmt::Debug for EventMigration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventMigration").field("gates", &self.plan).finish()
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("gates", &self.plan).finish()
    }
}
