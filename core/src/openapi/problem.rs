//! A problem, as a document says it.

use std::borrow::Cow;

use http::header::RETRY_AFTER;
use serde_json::Value;
use utoipa::openapi::example::{Example, ExampleBuilder};
use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::{AdditionalProperties, AllOfBuilder, ArrayBuilder, Schema};
use utoipa::openapi::{Content, Object, Ref, RefOr, Response, Type};
use utoipa::{PartialSchema, ToSchema};

use super::{add_header_to, header, response, text, whole_number};
use crate::problem::{Member, Problem, Retry};

const MEDIA_TYPE: &str = "application/problem+json";

/// The schema of all problems (RFC 9457, section 3.1). Feature `utoipa-6`.
impl PartialSchema for Problem {
    fn schema() -> RefOr<Schema> {
        let text = |description: &str| text().description(Some(description));
        Object::builder()
            .schema_type(Type::Object)
            .description(Some(
                "Why there is no answer (RFC 9457). Some types have members of their own.",
            ))
            .property("type", text("A stable URI: what programs tell problems apart by."))
            .required("type")
            .property("title", text("The type in words, always the same."))
            .required("title")
            .property("status", whole_number().description(Some("The HTTP status once more.")))
            .required("status")
            .property("detail", text("What is the matter with this very request, in words."))
            .additional_properties(Some(AdditionalProperties::FreeForm(true)))
            .into()
    }
}

/// As the component `Problem`. Feature `utoipa-6`.
impl ToSchema for Problem {
    fn name() -> Cow<'static, str> {
        "Problem".into()
    }
}

/// Adds a problem to what an operation may answer: its type to those of its status, and as an example the document
/// itself. Of several problems of one type the first is the example.
///
/// It refers to the schema `Problem`, which [`operations`](super::operations) gives the document.
pub fn add_problem(operation: &mut Operation, problem: &Problem) {
    let status = problem.status();
    let description = status.canonical_reason().unwrap_or("A problem");
    let Some(response) = response(operation, status.as_str(), description) else { return };
    if let Retry::After(_) = problem.retry_said() {
        let description = "After so many seconds it may be worth trying again.";
        let header = header(description, whole_number().minimum(Some(1)));
        add_header_to(response, RETRY_AFTER.as_str(), &header.build());
    }
    let content = content(response);
    if let Some(own) = own(content) {
        add_type(own, problem.type_uri());
        for (name, member) in problem.members() {
            own.properties.entry(name.into()).or_insert_with(|| member.schema());
        }
    }
    let example = || RefOr::T(example(problem));
    content.examples.entry(problem.type_uri().to_owned()).or_insert_with(example);
}

/// What the response says of problems.
fn content(response: &mut Response) -> &mut Content {
    let made = || {
        let own = Object::with_type(Type::Object);
        let problem = AllOfBuilder::new().item(Ref::from_schema_name(Problem::name())).item(own);
        RefOr::T(Content::new(Some(problem)))
    };
    let content = response.content.entry(MEDIA_TYPE.to_owned()).or_insert_with(made);
    if let RefOr::Ref(_) = content {
        *content = made();
    }
    match content {
        RefOr::T(content) => content,
        RefOr::Ref(_) => unreachable!("it was made"),
    }
}

/// Which problems these are, beside that they are some. `None` if somebody else said what they are.
fn own(content: &mut Content) -> Option<&mut Object> {
    match &mut content.schema {
        Some(RefOr::T(Schema::AllOf(all))) => match all.items.last_mut() {
            Some(RefOr::T(Schema::Object(own))) => Some(own),
            _ => None,
        },
        _ => None,
    }
}

fn add_type(own: &mut Object, type_uri: &str) {
    let made = || RefOr::T(Object::with_type(Type::String).into());
    let known = own.properties.entry("type".to_owned()).or_insert_with(made);
    if let RefOr::T(Schema::Object(known)) = known {
        let types = known.enum_values.get_or_insert_default();
        if !types.iter().any(|known| known == type_uri) {
            types.push(type_uri.into());
        }
    }
}

fn example(problem: &Problem) -> Example {
    let document = serde_json::from_str(&problem.to_json()).unwrap_or(Value::Null);
    ExampleBuilder::new().summary(problem.title()).value(Some(document)).build()
}

impl Member {
    fn schema(&self) -> RefOr<Schema> {
        let of = Object::with_type;
        match self {
            Self::Text(_) => of(Type::String).into(),
            Self::Number(_) => whole_number().into(),
            Self::Flag(_) => of(Type::Boolean).into(),
            Self::List(_) => ArrayBuilder::new().items(of(Type::String)).into(),
        }
    }
}
