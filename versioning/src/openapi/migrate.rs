//! What migrations say no to.

use http::{Method, Request};
use stonework_core::RequestHead;
use stonework_core::openapi::add_problem;
use utoipa::openapi::path::Operation;

use crate::{Index, MigrationLayer, Rejection};

/// Adds to an operation in this version the problems of migrations, if its requests or responses have a gate to pass.
/// The path is the one without the version, such as `/transfers/{id}`. Features `migrate` and `utoipa-6`.
///
/// What has changed in its schemas is for you to describe: a gate knows what it edits, and not what there is.
pub fn describe_migrations(
    layer: &MigrationLayer,
    version: &str,
    method: &Method,
    path: &str,
    operation: &mut Operation,
) {
    let Some((requests, responses)) = edited(layer, version, method, path) else { return };
    let of_requests = [
        Rejection::BodyMalformed,
        Rejection::BodyIncomplete,
        Rejection::BodyTimedOut,
        Rejection::BodyTooLarge,
        Rejection::BodyEncoded,
        Rejection::BodyStream,
        Rejection::BodyRefused,
    ];
    let has_requests = requests && operation.request_body.is_some();
    let of_requests = of_requests.into_iter().filter(|_| has_requests);
    let failed = (has_requests || responses).then_some(Rejection::MigrationFailed);
    let not_migratable = responses.then_some(Rejection::NotMigratable);
    for rejection in of_requests.chain(failed).chain(not_migratable) {
        add_problem(operation, &rejection.bare_problem(layer.problem_base()));
    }
}

/// Are there edits of requests, and of responses? `None` if there is no such version, or path.
fn edited(
    layer: &MigrationLayer,
    version: &str,
    method: &Method,
    path: &str,
) -> Option<(bool, bool)> {
    let index: Index = layer.index(version)?;
    let request = Request::builder().method(method).uri(path).body(()).ok()?;
    let head = RequestHead::of(&request);
    Some(layer.edits(index, &head, path))
}
