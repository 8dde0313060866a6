//! What an OpenAPI document says of streams, over the `utoipa` crate, major version 6. Feature `utoipa-6`.
//!
//! ```
//! use stonework_sse::{Event, SseLayer, openapi};
//! use utoipa::openapi::path::Operation;
//!
//! /// Describes a stream of transfers, and what the layer around it does.
//! fn describe(events: &SseLayer, stream: &mut Operation) {
//!     openapi::describe_stream(stream, &Event::new(r#"{"amount":100}"#));
//!     openapi::describe(events, stream);
//! }
//! ```

#[cfg(feature = "poll")]
use http::header::{ETAG, IF_NONE_MATCH, RETRY_AFTER};
#[cfg(feature = "poll")]
use stonework_core::openapi::{add_header_to, header};
use stonework_core::openapi::{add_parameter, add_problem, optional, response, text, whole_number};
#[cfg(feature = "poll")]
use utoipa::openapi::Schema;
use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::{Content, Object, ObjectBuilder, RefOr, Type};

use crate::last_event_id::LAST_EVENT_ID;
use crate::rejection::{PROBLEM_BASE, RETRY};
use crate::{Event, Position, Rejection, SseLayer};

/// A place as polls and WebSockets read it. One that is empty is none.
#[cfg(any(feature = "poll", feature = "ws"))]
const CURSOR: &str = r"^([0-9a-f]{8}\.(0|[1-9][0-9]{0,18})\.[0-9a-f]{8})?$";

/// What a cursor looks like.
const POSITION: Position = Position::new(0xc0de, 42, 0x00c0_ffee);

/// Adds to the operation of a stream, a poll or a WebSocket where a client says that it was, and the problems that the
/// layer answers with, as it is configured. Who asks for `text/event-stream` is not given these but told in a stream when
/// to come back.
///
/// Call it after what describes the handler.
pub fn describe(layer: &SseLayer, operation: &mut Operation) {
    let shared = &layer.shared;
    // To a stream anything is a place: one that it does not know is told of as a gap.
    add_cursors(layer, operation, &text().build());
    let all = [
        (shared.key.is_some(), Rejection::TooManyOfKey),
        (true, Rejection::TooMany),
        (shared.drain.is_some(), Rejection::Draining),
    ];
    for (_, rejection) in all.into_iter().filter(|(is_met, _)| *is_met) {
        add_problem(operation, &rejection.problem(&shared.problem_base, shared.retry));
    }
}

fn add_cursors(layer: &SseLayer, operation: &mut Operation, schema: &Object) {
    let parameters = layer.shared.parameters.iter().map(|name| (ParameterIn::Query, &**name));
    let id = LAST_EVENT_ID;
    let header = [(ParameterIn::Header, id.as_str())];
    for (place, name) in header.into_iter().chain(parameters) {
        let description =
            "The id of the last event that was read, to go on after it; left out, to begin now.";
        let parameter = optional(place, name, description, schema.clone());
        add_parameter(operation, parameter.example(Some(POSITION.to_string().into())));
    }
}

/// Adds the answer of a handler that gives an event stream, with an event like this one as an example.
pub fn describe_stream(operation: &mut Operation, event: &Event<'_>) {
    let description = "An event stream, which does not end by itself";
    let Some(found) = response(operation, "200", description) else { return };
    let content = Content::builder().schema(Some(streamed())).example(Some(example(event)));
    found.content.insert("text/event-stream".to_owned(), RefOr::T(content.build()));
    add_problem(operation, &Rejection::Unavailable.problem(PROBLEM_BASE, RETRY));
}

/// An event, by the fields of its block. OpenAPI 3.1 has no word for a stream; tools take this for one of its events.
fn streamed() -> ObjectBuilder {
    let lines = "One event of the stream. One of the type `gap` says that events are missing after the last one, \
                 and `retry` alone when to come back.";
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some(lines))
        .property("id", text().description(Some("What to come back with.")))
        .property("event", text().description(Some("Its type.")))
        .property("data", text())
        .property("retry", whole_number().description(Some("In milliseconds.")))
}

fn example(event: &Event<'_>) -> serde_json::Value {
    serde_json::json!({ "id": POSITION.to_string(), "event": event.name(), "data": event.data() })
}

/// Adds the parameters and answers of a [`Poll`](crate::Poll) inside of this layer, with the schema of the data of events.
#[cfg(feature = "poll")]
#[cfg_attr(docsrs, doc(cfg(feature = "poll")))]
pub fn describe_poll(layer: &SseLayer, operation: &mut Operation, data: impl Into<RefOr<Schema>>) {
    let tag = optional(
        ParameterIn::Header,
        IF_NONE_MATCH.as_str(),
        "The `etag` of the last answer.",
        text(),
    );
    add_parameter(operation, tag);
    for (status, description) in [
        ("200", "What came after the cursor, or the cursor of now"),
        ("204", "Nothing has come in time; ask again"),
        ("304", "Nothing has come in time, and `if-none-match` has the cursor"),
    ] {
        let Some(found) = response(operation, status, description) else { continue };
        let cursor = "The cursor to ask with next.";
        add_header_to(found, LAST_EVENT_ID.as_str(), &header(cursor, text()).build());
        add_header_to(found, ETAG.as_str(), &header("The same in quotes.", text()).build());
        let pause = header(
            "After so many seconds to ask again, if not at once.",
            whole_number().minimum(Some(1)),
        );
        add_header_to(found, RETRY_AFTER.as_str(), &pause.build());
    }
    if let Some(found) = response(operation, "200", "") {
        let content = Content::new(Some(polled(data.into())));
        found.content.insert("application/json".to_owned(), RefOr::T(content));
    }
    describe_asked(layer, operation);
}

/// Adds the answers of an [`EventSocket`](crate::EventSocket) inside of this layer.
#[cfg(feature = "ws")]
#[cfg_attr(docsrs, doc(cfg(feature = "ws")))]
pub fn describe_socket(layer: &SseLayer, operation: &mut Operation) {
    let description = "A WebSocket, with a message of JSON for each event: `id`, `type` and `data`";
    response(operation, "101", description);
    describe_asked(layer, operation);
}

/// What polls and WebSockets refuse.
#[cfg(any(feature = "poll", feature = "ws"))]
fn describe_asked(layer: &SseLayer, operation: &mut Operation) {
    add_cursors(layer, operation, &text().pattern(Some(CURSOR)).build());
    for rejection in [Rejection::Cursor, Rejection::Unavailable] {
        add_problem(operation, &rejection.problem(PROBLEM_BASE, RETRY));
    }
}

/// An item of `item.rs`, in a page of `poll.rs`.
#[cfg(feature = "poll")]
fn polled(data: RefOr<Schema>) -> ObjectBuilder {
    use utoipa::openapi::schema::{AnyOfBuilder, ArrayBuilder};

    use crate::hub::GAP;

    let object = || ObjectBuilder::new().schema_type(Type::Object);
    let id = || text().description(Some("What to go on after.")).examples([POSITION.to_string()]);
    let reason = object().property("reason", text()).required("reason");
    let data = AnyOfBuilder::new().item(data).item(reason);
    let kind =
        text().description(Some(format!("What has happened; `{GAP}` if events are missing.")));
    let item = object()
        .property("id", id())
        .required("id")
        .property("type", kind)
        .required("type")
        .property("data", data)
        .required("data");
    object()
        .property("events", ArrayBuilder::new().items(item))
        .required("events")
        .property("cursor", id())
        .required("cursor")
}

#[cfg(test)]
mod tests;
