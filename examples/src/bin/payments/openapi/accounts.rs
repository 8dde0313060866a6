//! How an account stands, and where it is told of its transfers.

use stonework_core::openapi::add_problem;
use utoipa::openapi::path::{HttpMethod, Operation};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::ArrayBuilder;
use utoipa::openapi::{Content, ObjectBuilder, Ref, Required, Type};

use super::shape::Shape;
use super::{Route, content, json, needs_the_ledger, operation};
use crate::problem::{self, Refusal};

/// What is here is the same in both versions.
pub(super) fn routes(_: Shape) -> Vec<Route> {
    vec![
        (HttpMethod::Get, "/account", statement()),
        (HttpMethod::Get, "/webhook-endpoints", endpoints()),
        (HttpMethod::Post, "/webhook-endpoints", register()),
        (HttpMethod::Get, "/webhook-deliveries", deliveries()),
    ]
}

fn statement() -> Operation {
    let summary = "Says how the account stands";
    let description =
        "What is left of the 1000 that every account begins with, and how many transfers it made.";
    let mut operation = operation("account", "account", summary, description).build();
    json(&mut operation, "200", "The account", "Statement");
    needs_the_ledger(&mut operation);
    operation
}

fn endpoints() -> Operation {
    let description = "Where the account is told of its transfers, the oldest first. What signs is not told again.";
    let mut operation =
        operation("webhooks", "list_endpoints", "Lists webhook endpoints", description).build();
    list(&mut operation, "The endpoints", "Endpoint");
    needs_the_ledger(&mut operation);
    operation
}

fn register() -> Operation {
    let description = "From now on each transfer of the account is told there: see the webhook `transfer.completed`.";
    let body = RequestBodyBuilder::new()
        .content("application/json", Content::new(Some(Ref::from_schema_name("Registration"))))
        .required(Some(Required::True));
    let mut operation =
        operation("webhooks", "add_endpoint", "Adds a webhook endpoint", description)
            .request_body(Some(body.build()))
            .build();
    json(&mut operation, "201", "It was added, and signs with this `secret`", "Endpoint");
    let own = [
        Refusal::EndpointUrl("it is no URL".to_owned()),
        Refusal::TooManyEndpoints(crate::deliveries::MOST_ENDPOINTS),
        Refusal::Ledger,
    ];
    let own = own.map(|refusal| refusal.problem()).into_iter();
    own.chain(problem::of_registrations())
        .for_each(|problem| add_problem(&mut operation, &problem));
    operation
}

fn deliveries() -> Operation {
    let description =
        "What has become of what was told, with each attempt: the newest of each endpoint.";
    let mut operation =
        operation("webhooks", "list_deliveries", "Lists webhook deliveries", description).build();
    list(&mut operation, "The deliveries", "Delivery");
    add_problem(&mut operation, &Refusal::Outbox.problem());
    needs_the_ledger(&mut operation);
    operation
}

/// All of them, without pages.
fn list(operation: &mut Operation, description: &str, of: &str) {
    let items = ArrayBuilder::new().items(Ref::from_schema_name(of));
    let list =
        ObjectBuilder::new().schema_type(Type::Object).property("data", items).required("data");
    content(operation, "200", description, "application/json", list.into());
}
