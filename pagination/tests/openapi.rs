//! What is described is what is answered, in each contract.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "support/memory.rs"]
mod memory;
#[path = "support/site.rs"]
#[allow(dead_code)] // Other tests need more of it.
mod site;

use http::StatusCode;
use serde_json::{Value, json};
use site::{Site, plain};
use stonework_pagination::{OverMax, PageLayer, PageLayerBuilder, Profile, openapi};
use utoipa::openapi::path::Operation;
use utoipa::openapi::{ObjectBuilder, Type};

fn described(layer: &PageLayer) -> Value {
    let mut operation = Operation::new();
    openapi::describe(layer, &mut operation);
    serde_json::to_value(operation).unwrap()
}

fn of(layer: PageLayerBuilder) -> Value {
    described(&layer.build().unwrap())
}

/// An item of the site, and nothing else.
fn item() -> ObjectBuilder {
    let id = ObjectBuilder::new().schema_type(Type::Integer);
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .property("id", id)
        .required("id")
        .additional_properties(Some(utoipa::openapi::schema::AdditionalProperties::FreeForm(false)))
}

fn names(said: &Value) -> Vec<&str> {
    let parameters = said["parameters"].as_array().unwrap();
    parameters.iter().map(|parameter| parameter["name"].as_str().unwrap()).collect()
}

fn contracts() -> Vec<(PageLayerBuilder, &'static [&'static str])> {
    let with = |profile: Profile| plain().profile(profile);
    vec![
        (plain(), &["limit", "cursor"]),
        (with(Profile::github()), &["per_page", "after", "before"]),
        (with(Profile::aip("orders")), &["page_size", "page_token"]),
        (with(Profile::scim()), &["count", "cursor"]),
        (with(Profile::json_api()), &["page[size]", "page[after]", "page[before]"]),
        (with(Profile::relay()), &["first", "last", "after", "before"]),
        (with(Profile::zalando()), &["limit", "cursor"]),
        (with(Profile::azure()).base("https://api.example.com"), &["maxpagesize", "skiptoken"]),
    ]
}

#[tokio::test]
async fn pages_and_refusals_are_as_they_are_described() {
    for (contract, expected) in contracts() {
        let site = Site::new(contract);
        let said = described(&site.layer);
        assert_eq!(names(&said), expected);
        let page = serde_json::to_value(openapi::page(&site.layer, item())).unwrap();
        let page = jsonschema::validator_for(&page).unwrap();
        let [limit, cursor] = [expected[0], expected[expected.len() - 1]];

        for path in [format!("/orders?{limit}=3"), "/orders".to_owned()] {
            let answer = site.get(&path).await;
            assert_eq!(answer.status, StatusCode::OK);
            assert!(page.is_valid(&answer.json()), "{path}: {}", answer.body);
            let links = said["responses"]["200"]["headers"]["link"].is_object();
            // Of a page that is all there is, none is told.
            assert!(links || answer.header("link").is_empty(), "{path}");
            assert!(!links || !path.contains('=') || !answer.header("link").is_empty(), "{path}");
        }
        assert!(!page.is_valid(&json!({})), "{expected:?}");

        for path in [format!("/orders?{cursor}=x"), format!("/orders?{limit}=x")] {
            let answer = site.get(&path).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}");
            let content = &said["responses"]["400"]["content"][answer.header("content-type")];
            assert!(content.is_object(), "{path}: {}", answer.body);
            let mut examples = content["examples"].as_object().unwrap().values();
            let same = |example: &Value| shape(&example["value"]) == shape(&answer.json());
            assert!(examples.any(same), "{path}: {}\n{content}", answer.body);
        }
    }
}

/// The names of its members.
fn shape(value: &Value) -> Vec<String> {
    let mut names: Vec<_> = value.as_object().unwrap().keys().cloned().collect();
    if let Some(error) = value.get("error") {
        names.extend(shape(error));
    }
    names
}

#[test]
fn limits_are_those_of_the_contract() {
    let said = of(plain());
    let schema = &said["parameters"][0]["schema"];
    assert_eq!(*schema, json!({ "type": "integer", "default": 20, "minimum": 1, "maximum": 100 }));
    let said = of(plain().profile(Profile::plain().limits(5, 7).over_max(OverMax::Clamp)));
    let schema = &said["parameters"][0]["schema"];
    assert_eq!(schema["default"], 5);
    assert_eq!(schema.get("maximum"), None, "more is as many");
    assert_eq!(schema["description"], "More than 7 are as many.");
}

#[test]
fn pages_with_numbers_have_no_cursors() {
    let said = of(PageLayer::builder().profile(Profile::numbered()));
    assert_eq!(names(&said), ["limit", "page"]);
    assert_eq!(said["parameters"][1]["schema"], json!({ "type": "integer", "minimum": 1 }));
    let content = &said["responses"]["400"]["content"]["application/problem+json"];
    let types = &content["schema"]["allOf"][1]["properties"]["type"]["enum"];
    let expected = ["limit-invalid", "page-invalid", "parameter-repeated"];
    assert_eq!(*types, json!(expected.map(|slug| format!("urn:stonework:pagination:{slug}"))));
}

#[test]
fn ids_of_objects_are_said_to_be_some() {
    let said = of(PageLayer::builder().profile(Profile::stripe()));
    assert_eq!(names(&said), ["limit", "starting_after", "ending_before"]);
    assert!(
        said["parameters"][1]["description"].as_str().unwrap().starts_with("The id of an item")
    );
}
