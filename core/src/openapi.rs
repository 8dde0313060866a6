//! What an OpenAPI document says of the layers, over the `utoipa` crate, major version 6.
//!
//! Each layer's crate has a module of this name, with a function `describe(&layer, &mut operation)`. It adds to an
//! operation what the layer adds to it: parameters, headers, and what it says no with. The words are those of the code
//! that answers, so they do not drift apart.
//!
//! Describe from the inside out, as a response passes through the layers: a header is added to those responses that are
//! there.
//!
//! ```
//! use http::{Method, StatusCode};
//! use stonework_core::{Problem, openapi};
//! use utoipa::openapi::{InfoBuilder, OpenApiBuilder, PathItem, PathsBuilder};
//! use utoipa::openapi::path::{HttpMethod, OperationBuilder};
//!
//! let tea = PathItem::new(HttpMethod::Post, OperationBuilder::new());
//! let mut document = OpenApiBuilder::new()
//!     .info(InfoBuilder::new().title("Tea").version("1").build())
//!     .paths(PathsBuilder::new().path("/tea", tea))
//!     .build();
//!
//! let empty = Problem::new("urn:example:out-of-tea", "Out of tea", StatusCode::CONFLICT);
//! for (method, _path, operation) in openapi::operations(&mut document) {
//!     if method == Method::POST {
//!         openapi::add_problem(operation, &empty);
//!     }
//! }
//! let post = document.paths.paths["/tea"].post.as_ref();
//! assert!(post.is_some_and(|post| post.responses.responses.contains_key("409")));
//! ```

mod problem;
mod share;

use http::Method;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, Paths};
use utoipa::openapi::{
    Header, HeaderBuilder, ObjectBuilder, OpenApi, PathItem, RefOr, Required, Response, Schema,
    Type,
};
use utoipa::{PartialSchema, ToSchema};

use crate::Problem;

pub use problem::add_problem;
pub use share::share;

/// Every operation of the document, with its method and its path.
///
/// The document gets the schema of a [`Problem`], which is what [`add_problem`] refers to.
pub fn operations(document: &mut OpenApi) -> impl Iterator<Item = (Method, &str, &mut Operation)> {
    let schemas = &mut document.components.get_or_insert_default().schemas;
    schemas.entry(Problem::name().into()).or_insert_with(Problem::schema);
    all(&mut document.paths)
}

fn all(paths: &mut Paths) -> impl Iterator<Item = (Method, &str, &mut Operation)> {
    paths.paths.iter_mut().flat_map(|(path, item)| {
        methods(item).into_iter().filter_map(move |(method, operation)| {
            operation.as_mut().map(|operation| (method, path.as_str(), operation))
        })
    })
}

fn methods(item: &mut PathItem) -> [(Method, &mut Option<Operation>); 8] {
    [
        (Method::GET, &mut item.get),
        (Method::PUT, &mut item.put),
        (Method::POST, &mut item.post),
        (Method::DELETE, &mut item.delete),
        (Method::OPTIONS, &mut item.options),
        (Method::HEAD, &mut item.head),
        (Method::PATCH, &mut item.patch),
        (Method::TRACE, &mut item.trace),
    ]
}

/// The schema of a text.
pub fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

/// The schema of a whole number.
pub fn whole_number() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Integer)
}

/// A header of responses.
pub fn header(description: impl Into<String>, schema: impl Into<RefOr<Schema>>) -> HeaderBuilder {
    HeaderBuilder::new().description(Some(description)).schema(Some(schema))
}

/// A parameter that may be left out, with this schema.
pub fn optional(
    place: ParameterIn,
    name: &str,
    description: impl Into<String>,
    schema: impl Into<RefOr<Schema>>,
) -> ParameterBuilder {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(schema))
}

/// Adds a parameter, unless there is one of this name: who described the handler knows better.
pub fn add_parameter(operation: &mut Operation, parameter: impl Into<Parameter>) {
    let parameter = parameter.into();
    let is_there = |known: &RefOr<Parameter>| match known {
        RefOr::T(known) => is_same(known, &parameter),
        RefOr::Ref(_) => false,
    };
    let parameters = operation.parameters.get_or_insert_default();
    if !parameters.iter().any(is_there) {
        parameters.push(RefOr::T(parameter));
    }
}

/// Names of headers are the same in any case (RFC 9110, section 5.1).
fn is_same(one: &Parameter, other: &Parameter) -> bool {
    one.parameter_in == other.parameter_in
        && match one.parameter_in {
            ParameterIn::Header => one.name.eq_ignore_ascii_case(&other.name),
            _ => one.name == other.name,
        }
}

/// Adds a header to each response that is there and has none of this name. Responses by reference stay as they are.
pub fn add_header(operation: &mut Operation, name: &str, header: &Header) {
    for response in operation.responses.responses.values_mut() {
        if let RefOr::T(response) = response {
            add_header_to(response, name, header);
        }
    }
}

/// Adds a header to one response, unless it has one of this name.
pub fn add_header_to(response: &mut Response, name: &str, header: &Header) {
    if !response.headers.keys().any(|known| known.eq_ignore_ascii_case(name)) {
        response.headers.insert(name.to_owned(), RefOr::T(header.clone()));
    }
}

/// The response of an operation with this status, such as `200`; made if there is none. `None` if it stands elsewhere,
/// and the operation refers to it.
pub fn response<'o>(
    operation: &'o mut Operation,
    status: &str,
    description: &str,
) -> Option<&'o mut Response> {
    let responses = &mut operation.responses.responses;
    let made = || RefOr::T(Response::new(description));
    match responses.entry(status.to_owned()).or_insert_with(made) {
        RefOr::T(response) => Some(response),
        RefOr::Ref(_) => None,
    }
}

#[cfg(test)]
mod tests;
