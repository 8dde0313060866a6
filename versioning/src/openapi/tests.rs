use std::sync::Arc;

use serde_json::{Value, json};
use stonework_core::Clock;
use stonework_core::openapi::response;

use super::*;
use crate::{Header, Major, Moment, PathSegment, Query, VersionLayerBuilder};

/// It is always the middle of 2026.
#[derive(Debug)]
struct Then;

impl Clock for Then {
    fn monotonic(&self) -> Duration {
        self.unix()
    }

    fn unix(&self) -> Duration {
        Duration::from_secs("2026-07-01".parse::<Moment>().unwrap().as_unix())
    }
}

fn versions() -> VersionLayerBuilder<Major> {
    VersionLayer::builder::<Major>()
        .version("1", |v| v.deprecated_at("2026-01-01").sunset_at("2027-01-01").successor("/v2"))
        .version("2", |v| v)
        .clock(Arc::new(Then))
}

fn described(describe: impl FnOnce(&mut Operation)) -> Value {
    let mut operation = Operation::new();
    response(&mut operation, "200", "It is so");
    describe(&mut operation);
    serde_json::to_value(operation).unwrap()
}

fn types(said: &Value, status: &str) -> Vec<String> {
    let content = &said["responses"][status]["content"]["application/problem+json"];
    let types = &content["schema"]["allOf"][1]["properties"]["type"]["enum"];
    let slug =
        |name: &Value| name.as_str()?.strip_prefix("urn:stonework:versioning:").map(str::to_owned);
    types.as_array().into_iter().flatten().filter_map(slug).collect()
}

#[test]
fn what_is_told_of_a_version_is_told_of_its_operations() {
    let layer = versions().read(PathSegment::first()).build().unwrap();
    let said = described(|operation| describe_version(&layer, "v1", operation));
    assert_eq!(said["deprecated"], true);
    assert_eq!(said.get("parameters"), None);
    for (name, example) in [
        ("api-version", "v1"),
        ("deprecation", "@1767225600"),
        ("sunset", "Fri, 01 Jan 2027 00:00:00 GMT"),
        ("link", r#"</v2>; rel="successor-version""#),
        ("api-supported-versions", "v2"),
        ("api-deprecated-versions", "v1"),
    ] {
        assert_eq!(said["responses"]["200"]["headers"][name]["example"], example, "{name}");
        assert_eq!(said["responses"]["410"]["headers"][name]["example"], example, "{name}");
    }
    assert_eq!(types(&said, "410"), ["version-sunset"]);
    assert!(said["responses"].get("400").is_none(), "a path says one version");

    let said = described(|operation| describe_version(&layer, "2", operation));
    assert_eq!(said.get("deprecated"), None);
    let headers = said["responses"]["200"]["headers"].as_object().unwrap();
    let expected = ["api-deprecated-versions", "api-supported-versions", "api-version"];
    assert_eq!(headers.keys().collect::<Vec<_>>(), expected);
    assert_eq!(said["responses"].as_object().unwrap().len(), 1);
}

#[test]
fn what_else_is_read_may_say_something_else() {
    let layer = versions().read(PathSegment::first()).read(Header::named("api-version"));
    let layer = layer.read(Query::named("version")).build().unwrap();
    let said = described(|operation| describe_version(&layer, "1", operation));
    let expected = ["version-malformed", "version-unsupported", "version-ambiguous"];
    assert_eq!(types(&said, "400"), expected);
}

#[test]
fn headers_and_queries_are_parameters() {
    let layer = versions().read(Header::named("x-version")).build().unwrap();
    let said = described(|operation| describe(&layer, operation));
    let expected = json!({
        "name": "x-version", "in": "header", "required": true,
        "description": "Which version of the API is meant.",
        "schema": { "type": "string", "enum": ["v1", "v2"] },
    });
    assert_eq!(said["parameters"], json!([expected]));
    assert_eq!(types(&said, "400")[0], "version-unspecified");
    let content = &said["responses"]["400"]["content"]["application/problem+json"];
    let example = &content["examples"]["urn:stonework:versioning:version-unspecified"]["value"];
    assert_eq!(example["supported"], json!(["v1", "v2"]));

    let layer = versions().read(Query::named("version")).unspecified("2").build().unwrap();
    let said = described(|operation| describe(&layer, operation));
    assert_eq!(said["parameters"][0]["in"], "query");
    assert_eq!(said["parameters"][0]["required"], false);
    assert!(!types(&said, "400").contains(&"version-unspecified".to_owned()));
    assert_eq!(types(&said, "410"), ["version-sunset"]);
}

#[cfg(feature = "accounts")]
#[test]
fn accounts_that_are_pinned_need_not_say_a_version() {
    let pins = crate::Pins::new(crate::store::MemoryStore::new());
    let layer = versions().read(Header::named("api-version")).pins(pins).account(|_| None);
    let layer = layer.build().unwrap();
    let said = described(|operation| describe(&layer, operation));
    assert_eq!(said["parameters"][0]["required"], false);
    assert_eq!(types(&said, "503"), ["pin-unknown"]);
    assert!(said["responses"]["503"]["headers"]["retry-after"].is_object());
    assert_eq!(types(&said, "410"), ["pin-sunset", "version-sunset"]);
}

#[cfg(feature = "migrate")]
#[test]
fn migrations_refuse_where_there_is_a_gate() {
    use http::Method;

    let layer = versions().read(PathSegment::first()).build().unwrap();
    let migrations = layer.migrations().gate("2", |gate| {
        gate.describe("`amount` is an object.")
            .at("/transfers/{id}")
            .request(|body| body.move_to("/amount", "/amount/value"))
    });
    let migrations = migrations.build().unwrap();
    let problems = |version: &str, path: &str, has_body: bool| {
        let said = described(|operation| {
            operation.request_body =
                has_body.then(|| utoipa::openapi::RefOr::T(Default::default()));
            describe_migrations(&migrations, version, &Method::POST, path, operation);
        });
        [types(&said, "422"), types(&said, "500")].concat()
    };
    assert_eq!(problems("1", "/transfers/{id}", true), ["body-refused", "migration-failed"]);
    assert!(problems("1", "/transfers/{id}", false).is_empty(), "there is nothing to be edited");
    assert!(problems("1", "/account", true).is_empty());
    assert!(problems("2", "/transfers/{id}", true).is_empty());
}
