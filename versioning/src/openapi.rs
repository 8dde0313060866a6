//! What an OpenAPI document says of versions, over the `utoipa` crate, major version 6. Feature `utoipa-6`.
//!
//! Where versions stand in paths, each path has one, and [`describe_version`] says what is told of it. Where they stand
//! in a header or the query, [`describe`] adds that parameter.
//!
//! ```
//! use stonework_core::openapi::operations;
//! use stonework_versioning::{VersionLayer, openapi};
//! use utoipa::openapi::OpenApi;
//!
//! /// Adds to a document, however it was made, what the layer adds to the service.
//! fn describe(versions: &VersionLayer, document: &mut OpenApi) {
//!     for (_method, path, operation) in operations(document) {
//!         match path.split('/').nth(1) {
//!             Some(version @ ("v1" | "v2")) => {
//!                 openapi::describe_version(versions, version, operation);
//!             }
//!             _ => openapi::describe(versions, operation),
//!         }
//!     }
//! }
//! ```

#[cfg(feature = "migrate")]
mod migrate;

use std::time::Duration;

use http::header::VARY;
use http::{HeaderMap, HeaderName, HeaderValue};
use stonework_core::Problem;
use stonework_core::openapi::{add_header, add_parameter, add_problem, header, optional, text};
use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::{Deprecated, Header as Described, Required};

use crate::decide::stamp;
use crate::shared::{Shared, Unspecified};
use crate::{Index, Reader, Rejection, Source, Stage, VersionLayer};

#[cfg(feature = "migrate")]
#[cfg_attr(docsrs, doc(cfg(feature = "migrate")))]
pub use migrate::describe_migrations;

/// Adds to an operation the headers and parameters in which a version is said, what responses tell of it, and the
/// problems that the layer answers with, as it is configured.
///
/// Call it after what describes layers and handlers inside, whose responses get the headers too.
pub fn describe(layer: &VersionLayer, operation: &mut Operation) {
    let shared = &*layer.shared;
    let readers = shared.table.readers();
    let is_required = is_required(shared) && readers.len() == 1;
    for (place, name) in readers.iter().filter_map(said_in) {
        let description = "Which version of the API is meant.";
        let schema =
            text().enum_values(Some(shared.names.iter().map(|name| String::from(&**name))));
        let parameter = optional(place, name, description, schema);
        let required = if is_required { Required::True } else { Required::False };
        add_parameter(operation, parameter.required(required));
    }
    let sources = readers.iter().filter(|reader| !matches!(reader, Reader::Path(_)));
    let sources: Vec<_> = sources.flat_map(sources_of).copied().collect();
    let rejections = [
        is_required.then_some(Rejection::Unspecified),
        is_pinned(shared).then_some(Rejection::PinSunset),
        (is_pinned(shared) && shared.pin_outage.is_none()).then_some(Rejection::PinUnknown),
    ];
    let rejections = rejections.into_iter().flatten().chain(unclear(&sources));
    add_problems(shared, operation, rejections.chain(lives(shared, all(shared))));
    add_headers(shared, operation, all(shared));
}

/// Adds to an operation whose path has this version, as a configuration writes it, what responses tell of it, and the
/// problems that the layer answers with, as it is configured. A version that is to be left at this moment makes the
/// operation deprecated. A version that there is none of is described as [`describe`] does.
///
/// Call it after what describes layers and handlers inside, whose responses get the headers too.
pub fn describe_version(layer: &VersionLayer, version: &str, operation: &mut Operation) {
    let shared = &*layer.shared;
    let Some(index) = layer.index(version) else { return describe(layer, operation) };
    if shared.table.stage(index, shared.now()) != Stage::Active {
        operation.deprecated = Some(Deprecated::True);
    }
    let others = shared.table.readers().iter().filter(|reader| !matches!(reader, Reader::Path(_)));
    let sources: Vec<_> = others.flat_map(sources_of).copied().collect();
    // What is said elsewhere must not be something else than what the path says.
    let ambiguous = sources.first().map(|source| Rejection::Ambiguous(Source::Path, *source));
    add_problems(
        shared,
        operation,
        unclear(&sources).chain(ambiguous).chain(lives(shared, [index])),
    );
    add_headers(shared, operation, [index]);
}

fn all(shared: &Shared) -> impl Iterator<Item = Index> + use<> {
    (0..shared.names.len()).map(Index::of)
}

fn is_required(shared: &Shared) -> bool {
    shared.unspecified == Unspecified::Reject && !is_pinned(shared)
}

#[cfg(feature = "accounts")]
fn is_pinned(shared: &Shared) -> bool {
    shared.accounts.pins.is_some()
}

#[cfg(not(feature = "accounts"))]
const fn is_pinned(_: &Shared) -> bool {
    false
}

fn said_in(reader: &Reader) -> Option<(ParameterIn, &str)> {
    match reader {
        Reader::Header(header) => Some((ParameterIn::Header, header.name()?.as_str())),
        Reader::Query(query) => Some((ParameterIn::Query, query.name())),
        // The first is a part of the path, the others of what the operation says of its bodies.
        Reader::Path(_) | Reader::MediaType(_) | Reader::GrpcPackage(_) => None,
    }
}

const fn sources_of(reader: &Reader) -> &'static [Source] {
    match reader {
        Reader::Path(_) => &[Source::Path],
        Reader::Header(_) => &[Source::Header],
        Reader::Query(_) => &[Source::Query],
        Reader::MediaType(_) => &[Source::Accept, Source::ContentType],
        Reader::GrpcPackage(_) => &[Source::GrpcPackage],
    }
}

/// What is said there may be no version, none of these, or two.
fn unclear(sources: &[Source]) -> impl Iterator<Item = Rejection> {
    let first = sources.first().copied();
    let ambiguous = first.zip(sources.last().copied()).map(|(a, b)| Rejection::Ambiguous(a, b));
    let malformed = first.map(Rejection::Malformed);
    malformed
        .into_iter()
        .chain(sources.iter().copied().map(Rejection::Unsupported))
        .chain(ambiguous)
}

/// What becomes of versions that are to be left.
fn lives(
    shared: &Shared,
    versions: impl IntoIterator<Item = Index>,
) -> impl Iterator<Item = Rejection> {
    let (mut brownout, mut sunset) = (false, false);
    for index in versions.into_iter().filter(|_| !shared.dry_run) {
        brownout |= shared.table.has_brownouts(index);
        sunset |= shared.told[index.get()].ends();
    }
    let brownout = brownout.then_some(Rejection::Brownout);
    brownout.into_iter().chain(sunset.then_some(Rejection::Sunset))
}

fn add_problems(
    shared: &Shared,
    operation: &mut Operation,
    rejections: impl Iterator<Item = Rejection>,
) {
    for rejection in rejections {
        add_problem(operation, &problem(shared, rejection));
    }
}

/// How long it lasts is known only when it happens.
fn problem(shared: &Shared, rejection: Rejection) -> Problem {
    let lasts = matches!(rejection, Rejection::Brownout | Rejection::PinUnknown);
    shared.problem(rejection, shared.now(), lasts.then_some(Duration::from_secs(1)))
}

/// Whatever is told at this moment, with what is told as an example.
fn add_headers(
    shared: &Shared,
    operation: &mut Operation,
    versions: impl IntoIterator<Item = Index>,
) {
    let mut told = HeaderMap::new();
    for index in versions {
        stamp(shared, Some(index), shared.now(), &mut told);
    }
    for (name, value) in &told {
        if *name != VARY {
            add_header(operation, name.as_str(), &described(name, value));
        }
    }
}

fn described(name: &HeaderName, value: &HeaderValue) -> Described {
    let description = match name.as_str() {
        "deprecation" => "Since when the version is to be left, in seconds since 1970 (RFC 9745).",
        "sunset" => "When the version works no more (RFC 8594).",
        "link" => "What to use instead of the version, and what to read about it (RFC 8288).",
        "api-supported-versions" => "Which versions there are.",
        "api-deprecated-versions" => "Which of the versions that work are to be left.",
        _ => "The version that this is an answer in.",
    };
    header(description, text()).example(value.to_str().ok().map(Into::into)).build()
}

#[cfg(test)]
mod tests;
