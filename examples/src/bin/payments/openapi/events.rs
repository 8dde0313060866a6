//! Transfers as they are made, in three ways.

use stonework_core::openapi::{add_parameter, add_problem, optional, whole_number};
use stonework_sse::{Event, openapi};
use utoipa::openapi::Ref;
use utoipa::openapi::path::{HttpMethod, Operation, ParameterIn};

use super::shape::Shape;
use super::{Layers, Route, operation};
use crate::events::{LONGEST_WAIT, TRANSFER};
use crate::problem::{self, Refusal};

const TAG: &str = "events";

pub(super) fn routes(shape: Shape, layers: &Layers<'_>) -> Vec<Route> {
    let mut routes = vec![
        (HttpMethod::Get, "/events", stream(shape)),
        (HttpMethod::Get, "/events/poll", poll(shape, layers)),
        (HttpMethod::Get, "/events/ws", socket(layers)),
    ];
    for (_, _, operation) in &mut routes {
        openapi::describe(layers.events, operation);
    }
    routes
}

fn stream(shape: Shape) -> Operation {
    let description =
        "The account's transfers as they are made. Browsers read it with `EventSource`.";
    let mut operation = operation(TAG, "stream_events", "Streams events", description).build();
    let data = shape.example_of_transfer().to_string();
    if let Ok(event) = Event::new(data).event_type(TRANSFER) {
        openapi::describe_stream(&mut operation, &event);
    }
    operation
}

fn poll(shape: Shape, layers: &Layers<'_>) -> Operation {
    let description =
        "The same as JSON: what came after the cursor, at once or as soon as something does.";
    let mut operation = operation(TAG, "poll_events", "Polls events", description).build();
    let data = Ref::from_schema_name(shape.transfer());
    openapi::describe_poll(layers.events, &mut operation, data);
    let longest = usize::try_from(LONGEST_WAIT).unwrap_or(usize::MAX);
    let schema =
        whole_number().minimum(Some(0)).maximum(Some(longest)).default(Some(LONGEST_WAIT.into()));
    let description =
        "How many seconds to wait for an event. Without a cursor nothing is waited for.";
    add_parameter(&mut operation, optional(ParameterIn::Query, "wait", description, schema));
    add_problem(&mut operation, &Refusal::Wait(LONGEST_WAIT).problem());
    operation
}

fn socket(layers: &Layers<'_>) -> Operation {
    let description = "The same over a WebSocket.";
    let mut operation =
        operation(TAG, "open_events", "Opens a WebSocket of events", description).build();
    openapi::describe_socket(layers.events, &mut operation);
    for problem in problem::of_web_sockets() {
        add_problem(&mut operation, &problem);
    }
    operation
}
