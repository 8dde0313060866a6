//! Transfers: made, found, listed.

use stonework_core::openapi::{
    add_header_to, add_parameter, add_problem, header, optional, response, text, whole_number,
};
use utoipa::openapi::path::{HttpMethod, Operation, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::{Content, KnownFormat, Ref, Required, SchemaFormat};

use super::shape::Shape;
use super::{Layers, Route, content, json, needs_the_ledger, operation};
use crate::demo;
use crate::problem::{self, Refusal};

const TAG: &str = "transfers";

pub(super) fn routes(shape: Shape, layers: &Layers<'_>) -> Vec<Route> {
    vec![
        (HttpMethod::Get, "/transfers", list(shape, layers)),
        (HttpMethod::Post, "/transfers", make(shape, layers.demo)),
        (HttpMethod::Get, "/transfers/{id}", find(shape)),
    ]
}

fn make(shape: Shape, demo: bool) -> Operation {
    let description = "Charges the account that asks. `to` is a label; nobody is credited. Send an idempotency key, \
                       and send the same request again until you hear something.";
    let order = Content::builder()
        .schema(Some(Ref::from_schema_name(shape.order())))
        .example(Some(shape.example_of_order()));
    let body = RequestBodyBuilder::new()
        .content("application/json", order.build())
        .required(Some(Required::True));
    let mut operation = operation(TAG, "make_transfer", "Makes a transfer", description)
        .request_body(Some(body.build()))
        .build();
    made(&mut operation, shape);
    let own = [Refusal::InsufficientFunds { balance: 900 }, Refusal::Ledger];
    let problems = own.map(|refusal| refusal.problem()).into_iter().chain(problem::of_orders());
    let problems =
        problems.chain((shape == Shape::Newest).then(|| Refusal::OtherCurrency.problem()));
    problems.for_each(|problem| add_problem(&mut operation, &problem));
    if demo {
        order_failures(&mut operation);
    }
    operation
}

fn made(operation: &mut Operation, shape: Shape) {
    let Some(made) = response(operation, "201", "It was made") else { return };
    let transfer = Content::builder()
        .schema(Some(Ref::from_schema_name(shape.transfer())))
        .example(Some(shape.example_of_transfer()));
    made.content.insert("application/json".to_owned(), transfer.build().into());
    add_header_to(made, "location", &header("Where the transfer is found.", text()).build());
}

/// The headers of `demo.rs`.
fn order_failures(operation: &mut Operation) {
    let place = ParameterIn::Header;
    let delay = whole_number().minimum(Some(0)).maximum(Some(60_000));
    let description = "Makes the handler slow by so many milliseconds, once the money has moved.";
    add_parameter(operation, optional(place.clone(), demo::DELAY, description, delay));
    let crash = text().enum_values(Some(["before", "after"]));
    let description = "Makes the handler panic, before or after the money has moved.";
    add_parameter(operation, optional(place, demo::CRASH, description, crash));
    add_problem(operation, &Refusal::DemoHeader("x-demo-crash is `before` or `after`.").problem());
}

fn find(shape: Shape) -> Operation {
    let id = ParameterBuilder::new()
        .name("id")
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some("The id that it was made under."))
        .schema(Some(text().format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)))))
        .example(Some(shape.example_of_transfer()["id"].clone()));
    let description = "One of the account's own transfers.";
    let mut operation =
        operation(TAG, "find_transfer", "Finds a transfer", description).parameter(id).build();
    json(&mut operation, "200", "The transfer", shape.transfer());
    kept(&mut operation);
    add_problem(&mut operation, &Refusal::UnknownTransfer.problem());
    needs_the_ledger(&mut operation);
    operation
}

/// The headers of `kept.rs`.
fn kept(operation: &mut Operation) {
    let description = "Tags of what the client has, from `etag`.";
    let asked = optional(ParameterIn::Header, "if-none-match", description, text());
    add_parameter(operation, asked);
    for (status, description) in [("200", "The transfer"), ("304", "The client has it")] {
        let Some(response) = response(operation, status, description) else { continue };
        let tag = header("What this is known by, in this version.", text()).build();
        add_header_to(response, "etag", &tag);
        let keep = header("Who may keep it, and for how long.", text()).build();
        add_header_to(response, "cache-control", &keep);
    }
}

fn list(shape: Shape, layers: &Layers<'_>) -> Operation {
    let description = "The account's transfers. Follow `link` to the pages around; a cursor is good for one account, one \
                       version and one order.";
    let mut operation = operation(TAG, "list_transfers", "Lists transfers", description).build();
    let page =
        stonework_pagination::openapi::page(layers.pages, Ref::from_schema_name(shape.transfer()));
    content(&mut operation, "200", "A page of transfers", "application/json", page);
    let orders = ["newest", "oldest", "largest", "reference"];
    let schema = text().enum_values(Some(orders)).default(Some("newest".into()));
    let description = "In which order. Those without a `reference` come last in that.";
    add_parameter(&mut operation, optional(ParameterIn::Query, "sort", description, schema));
    add_problem(&mut operation, &Refusal::UnknownSort.problem());
    needs_the_ledger(&mut operation);
    stonework_pagination::openapi::describe(layers.pages, &mut operation);
    operation
}
