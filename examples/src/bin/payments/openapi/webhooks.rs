//! Webhooks: those that others send here, and those that are sent to accounts.

use stonework_core::openapi::{response, text, whole_number};
use stonework_webhook_sign::{openapi, scheme};
use utoipa::openapi::path::{HttpMethod, Operation, Paths};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::{Content, Object, ObjectBuilder, Ref, Required, Type};

use super::shape::Shape;
use super::{Layers, Route, content, item, needs_the_ledger, operation};
use crate::deliveries::COMPLETED;

const TAG: &str = "webhooks";

/// A route for each sender whose secret is known, and what they have sent.
pub(super) fn routes(layers: &Layers<'_>) -> Vec<Route> {
    let mut routes = vec![(HttpMethod::Get, "/webhooks/received", received())];
    for (name, layer) in layers.senders {
        let (path, mut operation) = match *name {
            "stripe" => ("/webhooks/stripe", taken("receive_stripe", "Stripe")),
            "github" => ("/webhooks/github", taken("receive_github", "GitHub")),
            _ => (
                "/webhooks/standard",
                taken("receive_standard", "whoever signs by Standard Webhooks"),
            ),
        };
        openapi::describe(layer, &mut operation);
        routes.push((HttpMethod::Post, path, operation));
    }
    routes
}

fn received() -> Operation {
    let description = "How many events were received, by the scheme that they were signed with.";
    let mut operation =
        operation(TAG, "received", "Counts webhooks that were received", description).build();
    let counts = ObjectBuilder::new()
        .schema_type(Type::Object)
        .additional_properties(Some(whole_number()))
        .examples([serde_json::json!({ "github": 1, "stripe": 2 })]);
    content(&mut operation, "200", "The numbers", "application/json", counts.into());
    needs_the_ledger(&mut operation);
    open(operation)
}

fn taken(name: &str, sender: &str) -> Operation {
    let summary = format!("Takes a webhook of {sender}");
    let description = "Counts an event that is signed, once however often it is sent.";
    let any = Content::new(Some(Object::with_type(Type::Object)));
    let body = RequestBodyBuilder::new()
        .description(Some("As the sender has it."))
        .content("application/json", any)
        .required(Some(Required::True));
    let mut operation =
        operation(TAG, name, &summary, description).request_body(Some(body.build())).build();
    response(&mut operation, "204", "It was counted");
    needs_the_ledger(&mut operation);
    open(operation)
}

/// No account is asked for.
fn open(mut operation: Operation) -> Operation {
    operation.security = Some(Vec::new());
    operation
}

/// What accounts are told at their endpoints, in the newest shape.
pub(super) fn sent() -> Paths {
    let description = "Sent to each endpoint of the account, signed with its secret: at once, and after 1, 2 and 4 \
                       seconds if it is not taken. It may come twice, under the same `webhook-id`.";
    let event = ObjectBuilder::new()
        .schema_type(Type::Object)
        .property("type", text().enum_values(Some([COMPLETED])))
        .required("type")
        .property("data", Ref::from_schema_name(Shape::Newest.transfer()))
        .required("data");
    let example =
        serde_json::json!({ "type": COMPLETED, "data": Shape::Newest.example_of_transfer() });
    let event = Content::builder().schema(Some(event)).example(Some(example));
    let body = RequestBodyBuilder::new()
        .content("application/json", event.build())
        .required(Some(Required::True));
    let mut operation = operation(TAG, "transfer_completed", "A transfer was made", description)
        .request_body(Some(body.build()))
        .build();
    openapi::describe_signed(&scheme::STANDARD, &mut operation);
    response(&mut operation, "2XX", "It was taken; what the response says besides is not read");
    let mut paths = Paths::new();
    paths.paths.insert(COMPLETED.to_owned(), item(HttpMethod::Post, open(operation)));
    paths
}
