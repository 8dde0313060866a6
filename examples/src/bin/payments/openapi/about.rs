//! What tells of the service itself.

use stonework_core::openapi::text;
use utoipa::openapi::path::{HttpMethod, Operation};
use utoipa::openapi::tag::{Tag, TagBuilder};
use utoipa::openapi::{ObjectBuilder, Type};

use super::{Route, content, operation};

pub(super) fn tags() -> Vec<Tag> {
    let tag = |name: &str, description: &str| {
        TagBuilder::new().name(name).description(Some(description)).build()
    };
    vec![
        tag("transfers", "Money that is moved, once for each key."),
        tag("account", "How an account stands."),
        tag("events", "Transfers as they are made."),
        tag("webhooks", "What accounts are told, and what others tell."),
        tag("about", "The service itself."),
    ]
}

pub(super) fn routes() -> Vec<Route> {
    let document = ObjectBuilder::new().schema_type(Type::Object);
    let mut description =
        about("openapi", "Describes the service", "This document, by OpenAPI 3.1.");
    content(&mut description, "200", "The document", "application/json", document.into());
    let mut page = about("docs", "Shows this document", "The same for people, in a browser.");
    content(&mut page, "200", "A page", "text/html", text().into());
    vec![(HttpMethod::Get, "/openapi.json", description), (HttpMethod::Get, "/docs", page)]
}

fn about(name: &str, summary: &str, description: &str) -> Operation {
    let mut operation = operation("about", name, summary, description).build();
    operation.security = Some(Vec::new());
    operation
}
