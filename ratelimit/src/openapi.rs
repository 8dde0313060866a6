//! What an OpenAPI document says of the layer, over the `utoipa` crate, major version 6. Feature `utoipa-6`.
//!
//! ```
//! use stonework_core::openapi::operations;
//! use stonework_ratelimit::{RateLimitLayer, openapi};
//! use utoipa::openapi::OpenApi;
//!
//! /// Adds to a document, however it was made, what the layer adds to the service.
//! fn describe(limits: &RateLimitLayer, document: &mut OpenApi) {
//!     for (_method, _path, operation) in operations(document) {
//!         openapi::describe(limits, operation);
//!     }
//! }
//! ```

use std::time::Duration;

use http::HeaderName;
use stonework_core::Retry;
use stonework_core::openapi::{add_header, add_problem, header, text, whole_number};
use utoipa::openapi::Header;
use utoipa::openapi::path::Operation;

use crate::RateLimitLayer;
use crate::concurrency::Gate;
use crate::headers::{RATELIMIT, RATELIMIT_POLICY, Renderer, x_ratelimit};
use crate::outage::Outage;
use crate::policy::Limit;
use crate::rejection::Rejection;
use crate::shared::Shared;

/// Adds to an operation the problems that the layer answers with, as it is configured, and to all its responses the
/// headers that tell of the limits. Problems that are rendered by a closure are for you to describe.
///
/// Call it after what describes layers and handlers inside, whose responses get the headers too.
pub fn describe(layer: &RateLimitLayer, operation: &mut Operation) {
    let shared = &layer.shared;
    if shared.render.is_none() {
        for rejection in rejections(shared) {
            let problem = rejection.problem(&shared.problem_base, violated(shared, rejection));
            add_problem(
                operation,
                &match rejection {
                    // How long is known only when it happens.
                    Rejection::QuotaExceeded => problem.retry(Retry::After(Duration::from_secs(1))),
                    _ => problem,
                },
            );
        }
    }
    for (name, header) in headers(&shared.policies.renderer) {
        add_header(operation, name.as_str(), &header);
    }
}

fn rejections(shared: &Shared) -> impl Iterator<Item = Rejection> {
    let gates = || shared.gates.iter();
    let limits = || shared.limits.iter();
    let denies = limits().any(|limit| !limit.shadow);
    let all = [
        (denies, Rejection::QuotaExceeded),
        (gates().any(|gate| !gate.is_shadow()), Rejection::TooManyAtOnce),
        (limits().any(Limit::may_cost_too_much), Rejection::CostTooHigh),
        (unknown(shared).any(|is_address| !is_address), Rejection::KeyMissing),
        (unknown(shared).any(|is_address| is_address), Rejection::AddressUnknown),
        (denies && shared.on_outage == Outage::Closed, Rejection::StoreUnavailable),
        (denies, Rejection::StoreFull),
    ];
    all.into_iter().filter_map(|(is_met, rejection)| is_met.then_some(rejection))
}

/// Of each policy that refuses whom it does not know: does it count addresses?
fn unknown(shared: &Shared) -> impl Iterator<Item = bool> {
    let limits = shared.limits.iter().map(|limit| limit.who.refuses_unknown(limit.missing));
    limits.chain(shared.gates.iter().map(Gate::refuses_unknown)).flatten()
}

fn violated(shared: &Shared, rejection: Rejection) -> Vec<std::borrow::Cow<'static, str>> {
    let names: Vec<_> = match rejection {
        Rejection::QuotaExceeded => {
            shared.limits.iter().filter(|limit| !limit.shadow).map(|limit| &limit.name).collect()
        }
        Rejection::TooManyAtOnce => {
            shared.gates.iter().filter(|gate| !gate.is_shadow()).map(Gate::name).collect()
        }
        _ => Vec::new(),
    };
    // One of them is mostly enough to say no.
    names.into_iter().take(1).map(|name| String::from(&**name).into()).collect()
}

fn headers(renderer: &Renderer) -> Vec<(HeaderName, Header)> {
    match renderer {
        Renderer::Draft10(dialect) => vec![
            (
                RATELIMIT,
                list(
                    "How the client stands, for each policy: `r` requests are left for `t` seconds.",
                    None,
                ),
            ),
            (
                RATELIMIT_POLICY,
                list("The policies: `q` requests in `w` seconds.", dialect.example()),
            ),
        ],
        Renderer::Draft7(dialect) => vec![
            (
                RATELIMIT,
                list("How the client stands: `limit`, `remaining`, and `reset` in seconds.", None),
            ),
            (
                RATELIMIT_POLICY,
                list("The policy: so many requests in `w` seconds.", dialect.example()),
            ),
        ],
        Renderer::XRateLimit(_) => x_ratelimit::NAMES.into_iter().map(x).collect(),
        Renderer::None => Vec::new(),
    }
}

/// Structured fields (RFC 9651), of which a document knows no more than that they are texts.
fn list(description: &str, example: Option<String>) -> Header {
    header(description, text()).example(example.map(Into::into)).build()
}

fn x(name: HeaderName) -> (HeaderName, Header) {
    let (description, schema) = match name.as_str() {
        "x-ratelimit-limit" => ("So many requests may be made at once.", whole_number()),
        "x-ratelimit-remaining" => ("So many of them are left.", whole_number()),
        "x-ratelimit-used" => ("So many of them were made.", whole_number()),
        "x-ratelimit-reset" => {
            ("When none are used any more, in seconds since 1970.", whole_number())
        }
        _ => ("The name of the policy.", text()),
    };
    (name, header(description, schema).build())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use stonework_core::openapi::response;

    use super::*;
    use crate::{Headers, Policy, RateLimitLayerBuilder};

    const MINUTE: Duration = Duration::from_secs(60);

    fn described(layer: RateLimitLayerBuilder) -> Value {
        let mut operation = Operation::new();
        response(&mut operation, "200", "It is so");
        describe(&layer.build().unwrap(), &mut operation);
        serde_json::to_value(operation).unwrap()
    }

    fn types(said: &Value, status: &str) -> Value {
        let content = &said["responses"][status]["content"]["application/problem+json"];
        content["schema"]["allOf"][1]["properties"]["type"]["enum"].clone()
    }

    fn burst() -> Policy {
        Policy::new("burst").rate(100).per(MINUTE)
    }

    #[test]
    fn what_is_said_is_what_was_configured() {
        let said = described(RateLimitLayer::builder().policy(burst().key_global()));
        let quota_exceeded = "https://iana.org/assignments/http-problem-types#quota-exceeded";
        assert_eq!(types(&said, "429"), json!([quota_exceeded]));
        let refused = &said["responses"]["429"];
        assert!(refused["headers"]["retry-after"].is_object(), "{refused}");
        let content = &refused["content"]["application/problem+json"];
        let example = &content["examples"][quota_exceeded]["value"];
        assert_eq!(example["violated-policies"], json!(["burst"]));
        assert!(said["responses"].get("400").is_none(), "everybody is known");
        for status in ["200", "429", "503"] {
            let headers = &said["responses"][status]["headers"];
            assert!(headers["ratelimit"].is_object(), "{status}");
            assert_eq!(headers["ratelimit-policy"]["example"], r#""burst";q=100;w=60"#, "{status}");
        }
    }

    #[test]
    fn each_dialect_has_its_headers() {
        for (dialect, expected, example) in [
            (Headers::Draft7, vec!["ratelimit", "ratelimit-policy"], json!("100;w=60")),
            (
                Headers::XRateLimit,
                vec![
                    "x-ratelimit-limit",
                    "x-ratelimit-remaining",
                    "x-ratelimit-reset",
                    "x-ratelimit-resource",
                    "x-ratelimit-used",
                ],
                Value::Null,
            ),
            (Headers::None, vec![], Value::Null),
        ] {
            let layer = RateLimitLayer::builder().policy(burst().key_global()).headers(dialect);
            let headers = described(layer)["responses"]["200"]["headers"].clone();
            let names: Vec<_> =
                headers.as_object().into_iter().flatten().map(|(name, _)| name).collect();
            assert_eq!(names, expected, "{dialect:?}");
            assert_eq!(headers["ratelimit-policy"]["example"], example, "{dialect:?}");
        }
    }

    #[test]
    fn who_is_not_known_is_told_so_where_it_is_refused() {
        let by_header = burst().key_header("x-account").cost_with(|_| 2);
        let said = described(RateLimitLayer::builder().policy(by_header));
        let base = "urn:stonework:ratelimit:";
        let expected = ["cost-too-high", "key-missing"].map(|slug| format!("{base}{slug}"));
        assert_eq!(types(&said, "400"), json!(expected));
        let skipped = burst().key_header("x-account").on_missing_key(crate::MissingKey::Skip);
        let said = described(RateLimitLayer::builder().policy(skipped));
        assert!(said["responses"].get("400").is_none());
    }

    #[test]
    fn policies_in_shadow_refuse_nobody() {
        let shadow = burst().key_global().shadow(true);
        let layer = RateLimitLayer::builder().policy(shadow).on_outage(Outage::Closed);
        let said = described(layer);
        assert_eq!(said["responses"].as_object().unwrap().len(), 1);
    }
}
