use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::{Drain, SseLayerBuilder};

fn described(describe: impl FnOnce(&mut Operation)) -> Value {
    let mut operation = Operation::new();
    describe(&mut operation);
    serde_json::to_value(operation).unwrap()
}

fn of_layer(layer: SseLayerBuilder) -> Value {
    let layer = layer.build().unwrap();
    described(|operation| describe(&layer, operation))
}

fn types(said: &Value, status: &str) -> Value {
    let content = &said["responses"][status]["content"]["application/problem+json"];
    content["schema"]["allOf"][1]["properties"]["type"]["enum"].clone()
}

#[test]
fn what_is_said_is_what_was_configured() {
    let said = of_layer(SseLayer::builder());
    let names: Vec<_> =
        said["parameters"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["last-event-id", "last_event_id"]);
    assert_eq!(types(&said, "503"), json!(["urn:stonework:sse:too-many-streams"]));
    assert!(said["responses"].get("429").is_none(), "nobody is counted alone");

    let layer = SseLayer::builder().cursor_parameters(["after"]).drain(&Drain::new());
    let layer = layer
        .max_streams_of(7, |_| None)
        .problem_base("urn:example:")
        .retry(Duration::from_secs(9));
    let said = of_layer(layer);
    assert_eq!(said["parameters"][1]["name"], "after");
    assert_eq!(types(&said, "429"), json!(["urn:example:too-many-streams-of-one"]));
    assert_eq!(
        types(&said, "503"),
        json!(["urn:example:too-many-streams", "urn:example:draining"])
    );
    assert!(said["responses"]["503"]["headers"]["retry-after"].is_object());
}

#[test]
fn an_event_of_a_stream_is_shown() {
    let event = Event::new("one\ntwo").event_type("note").unwrap();
    let said = described(|operation| describe_stream(operation, &event));
    let content = &said["responses"]["200"]["content"]["text/event-stream"];
    let example = json!({ "id": "0000c0de.42.00c0ffee", "event": "note", "data": "one\ntwo" });
    assert_eq!(content["example"], example);
    assert!(jsonschema::is_valid(&content["schema"], &example));
    assert_eq!(types(&said, "503"), json!(["urn:stonework:sse:log-unavailable"]));
}

#[cfg(feature = "poll")]
#[tokio::test]
async fn what_is_polled_is_as_it_is_described() {
    use stonework_core::RequestHead;

    use crate::{DataFormat, Hub, LastEventId, Poll, Publish, Subscribe};

    let layer = SseLayer::builder().build().unwrap();
    let said = described(|operation| {
        describe_poll(&layer, operation, text());
        describe(&layer, operation);
    });
    assert_eq!(said["parameters"][1]["schema"]["pattern"], CURSOR, "the layer takes more");
    let schema = &said["responses"]["200"]["content"]["application/json"]["schema"];
    let schema = jsonschema::validator_for(schema).unwrap();
    let hub = Hub::in_memory();
    for number in 0..2_000 {
        hub.publish(Publish::to("log", Event::new(format!("\"{number}\"")))).await.unwrap();
    }
    let request = http::Request::new(());
    let head = RequestHead::of(&request);
    for after in [None, Some("0000c0de.42.00c0ffee")] {
        let events = Subscribe::to("log").after(after.map(LastEventId::new));
        let poll = Poll::new().data(DataFormat::Json);
        let answer = poll.answer(&hub, &head, events).await.unwrap();
        let page: Value = serde_json::from_slice(answer.body()).unwrap();
        assert!(schema.is_valid(&page), "{page}");
        assert_eq!(
            page["events"][0]["type"],
            if after.is_some() { json!("gap") } else { Value::Null }
        );
        for name in answer
            .headers()
            .keys()
            .filter(|name| !matches!(name.as_str(), "content-type" | "cache-control"))
        {
            assert!(said["responses"]["200"]["headers"][name.as_str()].is_object(), "{name}");
        }
    }
    assert!(!schema.is_valid(&json!({ "events": [{ "id": "x" }], "cursor": "x" })));
}

#[cfg(feature = "ws")]
#[test]
fn a_websocket_refuses_what_is_no_cursor() {
    let layer = SseLayer::builder().build().unwrap();
    let said = described(|operation| describe_socket(&layer, operation));
    assert!(said["responses"]["101"].is_object());
    assert_eq!(types(&said, "400"), json!(["urn:stonework:sse:cursor-invalid"]));
}
