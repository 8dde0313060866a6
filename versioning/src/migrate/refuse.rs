//! What is answered in place of what cannot be migrated.

use bytes::Bytes;
use http::Response;
use stonework_core::{CollectErrorKind, NotExecuted, Protocol};

use super::gate_error::GateError;
use super::plan::{Failed, Plan, Way};
use crate::Rejection;

pub(super) struct Refusal {
    rejection: Rejection,
    /// What the client is told besides.
    detail: Option<String>,
    /// What it is not told.
    error: Option<GateError>,
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        Self { rejection, detail: None, error: None }
    }
}

impl Refusal {
    /// Of a response, for a reason that its author can do something about.
    pub(super) fn not_migratable(why: &str) -> Self {
        let detail = Some(why.to_owned());
        Self { rejection: Rejection::NotMigratable, detail, error: None }
    }

    pub(super) fn failed(way: Way, failed: Failed) -> Self {
        let is_request = way == Way::Request;
        let (rejection, detail, error) = match failed {
            Failed::NotJson(error) if is_request => {
                (Rejection::BodyMalformed, Some(error.reason().to_owned()), Some(error))
            }
            Failed::Gate(_, error) if is_request && error.is_refusal() => {
                (Rejection::BodyRefused, Some(error.reason().to_owned()), Some(error))
            }
            Failed::NotJson(error) => (Rejection::MigrationFailed, None, Some(error)),
            Failed::Gate(gate, error) => {
                let detail = format!("This change of a newer version could not be passed: {gate}");
                (Rejection::MigrationFailed, Some(detail), Some(error))
            }
        };
        Self { rejection, detail, error }
    }

    pub(super) fn unread_request<E>(kind: &CollectErrorKind<E>) -> Self {
        Self::from(match kind {
            CollectErrorKind::TooLarge => Rejection::BodyTooLarge,
            CollectErrorKind::TimedOut => Rejection::BodyTimedOut,
            _ => Rejection::BodyIncomplete,
        })
    }

    pub(super) fn unread_response<E>(kind: &CollectErrorKind<E>) -> Self {
        Self::not_migratable(match kind {
            CollectErrorKind::TooLarge => "It is larger than what is migrated.",
            CollectErrorKind::TimedOut => "It did not end in time.",
            _ => "It broke off.",
        })
    }

    /// The answer. Nothing has run if it is about a request.
    pub(super) fn answer(self, plan: &Plan, protocol: &Protocol, way: Way) -> Response<Bytes> {
        let Self { rejection, detail, error } = self;
        if rejection.status().is_server_error() {
            crate::trace::troubled!(rejection, error);
        } else {
            crate::trace::refused!(rejection, error);
        }
        let problem = rejection.bare_problem(&plan.settings.problem_base);
        let problem = match detail {
            Some(detail) => problem.detail(detail),
            None => problem,
        };
        let mut response = problem.to_response(protocol);
        let extensions = response.extensions_mut();
        if way == Way::Request {
            extensions.insert(NotExecuted);
        }
        extensions.insert(rejection);
        extensions.insert(problem);
        if let Some(error) = error {
            extensions.insert(error);
        }
        response
    }
}
