use std::borrow::Cow;
use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};
use utoipa::openapi::path::{HttpMethod, OperationBuilder, PathsBuilder};
use utoipa::openapi::{OpenApiBuilder, PathItem, Ref};

use super::*;
use crate::Retry;

fn document(paths: &[&str]) -> OpenApi {
    let get = || PathItem::new(HttpMethod::Get, OperationBuilder::new());
    let paths = paths.iter().fold(PathsBuilder::new(), |paths, path| paths.path(*path, get()));
    OpenApiBuilder::new().paths(paths).build()
}

fn problem(slug: &str) -> Problem {
    Problem::new(format!("urn:example:{slug}"), slug.to_owned(), StatusCode::CONFLICT)
}

fn json(operation: Operation) -> Value {
    serde_json::to_value(operation).unwrap()
}

#[test]
fn problems_of_one_status_are_one_response() {
    let mut operation = Operation::new();
    let list = vec![Cow::Borrowed("a")];
    add_problem(&mut operation, &problem("one").member("list", list).member("flag", true));
    add_problem(&mut operation, &problem("two").detail("why").member("left", 3_u64));
    add_problem(&mut operation, &problem("one").detail("another"));
    let said = json(operation);
    let content = &said["responses"]["409"]["content"]["application/problem+json"];
    let own = json!({
        "type": "object",
        "properties": {
            "type": { "type": "string", "enum": ["urn:example:one", "urn:example:two"] },
            "list": { "type": "array", "items": { "type": "string" } },
            "flag": { "type": "boolean" },
            "left": { "type": "integer" },
        },
    });
    assert_eq!(
        content["schema"]["allOf"],
        json!([{ "$ref": "#/components/schemas/Problem" }, own])
    );
    let example = &content["examples"]["urn:example:one"];
    assert_eq!(example["value"]["status"], 409);
    assert_eq!(example["value"].get("detail"), None, "the first is the example");
    assert_eq!(content["examples"].as_object().unwrap().len(), 2);
    assert_eq!(said["responses"]["409"].get("headers"), None);
}

#[test]
fn who_may_come_again_is_told_when() {
    let mut operation = Operation::new();
    add_problem(&mut operation, &problem("never").retry(Retry::Never));
    assert_eq!(json(operation.clone())["responses"]["409"].get("headers"), None);
    add_problem(&mut operation, &problem("soon").retry(Retry::After(Duration::from_secs(1))));
    let header = json(operation)["responses"]["409"]["headers"]["retry-after"].clone();
    assert_eq!(header["schema"], json!({ "type": "integer", "minimum": 1 }));
}

#[test]
fn what_was_said_otherwise_stays() {
    let mut operation = Operation::new();
    operation.responses.responses.insert("409".into(), RefOr::Ref(Ref::new("#/somewhere")));
    add_problem(&mut operation, &problem("one"));
    add_header(&mut operation, "x", &header("", text()).build());
    assert_eq!(json(operation)["responses"]["409"], json!({ "$ref": "#/somewhere" }));

    let mut operation = Operation::new();
    response(&mut operation, "409", "My own words");
    add_problem(&mut operation, &problem("one"));
    add_header(&mut operation, "X-Own", &header("first", text()).build());
    add_header(&mut operation, "x-own", &header("second", text()).build());
    let said = json(operation)["responses"]["409"].clone();
    assert_eq!(said["description"], "My own words");
    assert_eq!(said["headers"].as_object().unwrap().keys().collect::<Vec<_>>(), ["X-Own"]);
}

#[test]
fn parameters_are_there_once_by_name_and_place() {
    let mut operation = Operation::new();
    let add = |operation: &mut Operation, place, name| {
        add_parameter(operation, optional(place, name, "", text()));
    };
    add(&mut operation, ParameterIn::Header, "X-Key");
    add(&mut operation, ParameterIn::Header, "x-key");
    add(&mut operation, ParameterIn::Query, "x-key");
    add(&mut operation, ParameterIn::Query, "X-KEY");
    let said = json(operation);
    let parameters = said["parameters"].as_array().unwrap();
    let names: Vec<_> = parameters.iter().map(|one| [&one["in"], &one["name"]]).collect();
    assert_eq!(names, [["header", "X-Key"], ["query", "x-key"], ["query", "X-KEY"]]);
}

#[test]
fn a_document_knows_what_a_problem_is() {
    let mut document = document(&["/a", "/b"]);
    let found: Vec<_> =
        operations(&mut document).map(|(method, path, _)| (method, path.to_owned())).collect();
    assert_eq!(found, [(Method::GET, "/a".to_owned()), (Method::GET, "/b".to_owned())]);
    let said = serde_json::to_value(&document).unwrap();
    let schema = &said["components"]["schemas"]["Problem"];
    assert_eq!(schema["required"], json!(["type", "title", "status"]));
    let written: Value = serde_json::from_str(&problem("one").to_json()).unwrap();
    for name in written.as_object().unwrap().keys() {
        assert!(schema["properties"][name].is_object(), "{name}");
    }
}

#[test]
fn what_is_said_often_is_said_once() {
    let mut document = document(&["/a", "/b", "/c"]);
    for (_, path, operation) in operations(&mut document) {
        add_problem(operation, &problem("one").member("for", path.to_owned()));
        let description = if path == "/c" { "another" } else { "one" };
        add_header(operation, "x-a:b", &header(description, text()).build());
        add_parameter(operation, optional(ParameterIn::Query, "p", "", text()));
    }
    share(&mut document);
    share(&mut document); // again, it finds nothing more
    let said = serde_json::to_value(&document).unwrap();
    let components = &said["components"];
    let get = |path: &str| &said["paths"][path]["get"];
    for (path, header) in [("/a", "x-a.b"), ("/b", "x-a.b"), ("/c", "x-a.b-2")] {
        assert_eq!(get(path)["parameters"], json!([{ "$ref": "#/components/parameters/p" }]));
        let there = &get(path)["responses"]["409"]["headers"]["x-a:b"];
        assert_eq!(*there, json!({ "$ref": format!("#/components/headers/{header}") }));
    }
    assert_eq!(components["headers"]["x-a.b-2"]["description"], "another");
    assert_eq!(components["headers"].as_object().unwrap().len(), 2);
    let examples = components["examples"].as_object().unwrap();
    assert_eq!(examples["urn.example.one-3"]["value"]["for"], "/c");
    assert_eq!(examples.len(), 3);
}
