//! What an OpenAPI document says of the layer, over the `utoipa` crate, major version 6. Feature `utoipa-6`.
//!
//! ```
//! use http::Method;
//! use stonework_core::openapi::operations;
//! use stonework_idempotency::{IdempotencyLayer, openapi};
//! use utoipa::openapi::OpenApi;
//!
//! /// Adds to a document, however it was made, what the layer adds to the service.
//! fn describe(idempotency: &IdempotencyLayer, document: &mut OpenApi) {
//!     for (method, _path, operation) in operations(document) {
//!         if method == Method::POST || method == Method::PATCH {
//!             openapi::describe(idempotency, operation);
//!         }
//!     }
//! }
//! ```

use stonework_core::openapi::{add_header, add_parameter, add_problem, header, optional, text};
use utoipa::openapi::Required;
use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn};

use crate::IdempotencyLayer;
use crate::key::KeyError;
use crate::policy::{Abandoned, Outage, Policy};
use crate::rejection::Rejection;
use crate::reply::REPLAYED;

/// A key as `key.rs` reads it: a string of structured fields, or the same without quotes. Parameters, which mean nothing,
/// are left out.
const KEY: &str = r#"^("([ !#-\[\]-~]|\\["\\]){1,255}"|[!#-+\--:<-~]{1,255})$"#;

/// Adds the key to an operation that the layer protects, the mark of replays to its responses, and the problems that
/// the layer answers with, as it is configured. Those that are rendered by a closure are for you to describe.
pub fn describe(layer: &IdempotencyLayer, operation: &mut Operation) {
    let policy = &layer.shared.policy;
    add_parameter(operation, key(policy));
    let replayed = header(
        "That this answer was recorded earlier, and nothing was done this time.",
        text().enum_values(Some(["true"])),
    );
    add_header(operation, REPLAYED.as_str(), &replayed.build());
    if policy.render.is_none() {
        for rejection in rejections(policy) {
            add_problem(operation, &rejection.problem(&policy.problem_base));
        }
    }
}

fn key(policy: &Policy) -> ParameterBuilder {
    let hours = policy.retention.as_secs() / 3_600;
    let description = format!(
        "A text of your own choosing that is unique to this operation, such as a UUID: with or without quotes. Sent \
         again with the same request, it gets the same answer, and nothing is done twice. It is remembered for {hours} h."
    );
    let schema = text().pattern(Some(KEY));
    let parameter = optional(ParameterIn::Header, policy.header.as_str(), description, schema);
    let required = if policy.required { Required::True } else { Required::False };
    parameter.required(required).example(Some("7f1c0b1e-5d0c-4f5e-9a66-3f1d2f6a9c11".into()))
}

/// Those that a request over HTTP can meet.
fn rejections(policy: &Policy) -> impl Iterator<Item = Rejection> {
    let all = [
        (policy.required, Rejection::KeyMissing),
        (true, Rejection::KeyMalformed(KeyError::Malformed)),
        (true, Rejection::BodyIncomplete),
        (policy.scope.is_some(), Rejection::ScopeMissing),
        (true, Rejection::BodyTimedOut),
        (true, Rejection::InFlight),
        (policy.on_abandoned == Abandoned::Reject, Rejection::OutcomeUnknown),
        (true, Rejection::BodyTooLarge),
        (true, Rejection::Mismatch),
        (true, Rejection::Interrupted),
        (policy.on_outage == Outage::Closed, Rejection::StoreUnavailable),
        (true, Rejection::StoreFull),
        (true, Rejection::TooManyInFlight),
    ];
    all.into_iter().filter_map(|(is_met, rejection)| is_met.then_some(rejection))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{MAX_LEN, parse};

    fn described(layer: &IdempotencyLayer) -> serde_json::Value {
        let mut operation = Operation::new();
        stonework_core::openapi::response(&mut operation, "201", "Made");
        describe(layer, &mut operation);
        serde_json::to_value(operation).unwrap()
    }

    #[test]
    fn what_is_said_is_what_was_configured() {
        let layer = IdempotencyLayer::builder().single_tenant();
        let said = described(&layer.build().unwrap());
        assert_eq!(said["parameters"][0]["name"], "idempotency-key");
        assert_eq!(said["parameters"][0]["required"], false);
        assert!(said["responses"]["201"]["headers"]["idempotent-replayed"].is_object());
        assert!(said["responses"].get("403").is_none(), "there is one tenant");
        assert!(said["responses"]["409"]["headers"]["retry-after"].is_object());
        let types = |said: &serde_json::Value, status: &str| {
            let content = &said["responses"][status]["content"]["application/problem+json"];
            content["schema"]["allOf"][1]["properties"]["type"]["enum"].clone()
        };
        let conflicts =
            ["urn:stonework:idempotency:in-flight", "urn:stonework:idempotency:outcome-unknown"];
        assert_eq!(types(&said, "409"), serde_json::json!(conflicts));

        let layer = IdempotencyLayer::builder().scope(|_| None).header("x-key").required(true);
        let said = described(&layer.problem_base("urn:example:").build().unwrap());
        assert_eq!(said["parameters"][0]["name"], "x-key");
        assert_eq!(said["parameters"][0]["required"], true);
        assert_eq!(types(&said, "403"), serde_json::json!(["urn:example:scope-missing"]));
        assert_eq!(types(&said, "400")[0], "urn:example:key-missing");
    }

    #[test]
    fn problems_that_are_rendered_otherwise_are_not_described() {
        let layer = IdempotencyLayer::builder().single_tenant();
        let layer =
            layer.render(|_, problem, _| problem.to_response(&stonework_core::Protocol::Http));
        let said = described(&layer.build().unwrap());
        assert_eq!(said["responses"].as_object().unwrap().len(), 1);
        assert_eq!(said["parameters"][0]["name"], "idempotency-key");
    }

    fn is_read(text: &[u8]) -> bool {
        parse(text).is_ok()
    }

    #[test]
    fn the_pattern_of_keys_is_what_is_read() {
        let pattern = regex::bytes::Regex::new(KEY).unwrap();
        for byte in 0..=u8::MAX {
            for text in [vec![b'k', byte, b'k'], [&b"\"k"[..], &[byte], b"k\""].concat()] {
                // Space around is cut off, and a second string is none.
                assert_eq!(pattern.is_match(&text), is_read(&text), "{}", text.escape_ascii());
            }
        }
        let of = |length: usize| "k".repeat(length);
        for (text, expected) in [
            (of(MAX_LEN), true),
            (of(MAX_LEN + 1), false),
            (format!("\"{}\"", of(MAX_LEN)), true),
            (format!("\"{}\"", of(MAX_LEN + 1)), false),
            (r#""a\"b\\""#.to_owned(), true),
            (r#""a\b""#.to_owned(), false),
            (r#""a"#.to_owned(), false),
            (r#""""#.to_owned(), false),
            (String::new(), false),
        ] {
            assert_eq!(pattern.is_match(text.as_bytes()), expected, "{text}");
            assert_eq!(is_read(text.as_bytes()), expected, "{text}");
        }
    }
}
