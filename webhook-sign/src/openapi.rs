//! What an OpenAPI document says of webhooks, over the `utoipa` crate, major version 6. Feature `utoipa-6`.
//!
//! Those that are taken have a path, and those that are sent stand under `webhooks` (OpenAPI 3.1, section 4.8.1).
//!
//! ```
//! use stonework_webhook_sign::{VerifyLayer, openapi, scheme};
//! use utoipa::openapi::path::Operation;
//!
//! /// Describes a route that takes webhooks, and another that your customers have.
//! fn describe(webhooks: &VerifyLayer, taken: &mut Operation, sent: &mut Operation) {
//!     openapi::describe(webhooks, taken);
//!     openapi::describe_signed(&scheme::STANDARD, sent);
//! }
//! ```

use http::HeaderName;
use stonework_core::openapi::{add_parameter, add_problem, optional, response, text};
use utoipa::openapi::Required;
use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn};

use crate::policy::Outage;
use crate::scheme::SignScheme;
use crate::shared::Shared;
use crate::{Refusal, Rejection, VerifyLayer};

/// Adds to an operation that takes webhooks the headers of each sender's signature, and the problems that the layer answers
/// with, as it is configured. Problems that are rendered by a closure are for you to describe.
///
/// No header is said to be required: what lacks one is not authenticated, and is answered as such.
pub fn describe(layer: &VerifyLayer, operation: &mut Operation) {
    let shared = &*layer.shared;
    for sender in &shared.senders {
        for name in sender.scheme.headers().iter().flatten() {
            add_parameter(operation, signature(name, sender.scheme.name()));
        }
    }
    if shared.policy.render.is_some() {
        return;
    }
    for rejection in rejections(shared) {
        match rejection {
            // Without a document, since the sender has no reason to read one.
            Rejection::Duplicate => {
                response(
                    operation,
                    "200",
                    "The event was handled before, and nothing was done this time",
                );
            }
            _ => add_problem(operation, &shared.problem(rejection)),
        }
    }
}

/// Adds to an operation of a webhook that is sent the headers by which this scheme signs it.
pub fn describe_signed(scheme: &impl SignScheme, operation: &mut Operation) {
    for name in scheme.headers().first().into_iter().flatten() {
        add_parameter(operation, signature(name, scheme.name()).required(Required::True));
    }
}

fn signature(name: &HeaderName, scheme: &str) -> ParameterBuilder {
    let description = format!("Signs the request, or is signed with it. The scheme is `{scheme}`.");
    optional(ParameterIn::Header, name.as_str(), description, text())
}

fn rejections(shared: &Shared) -> impl Iterator<Item = Rejection> {
    let remembers = shared.replay.is_some();
    let all = [
        (true, Rejection::Unauthenticated(Refusal::NotSigned)),
        (true, Rejection::BodyIncomplete),
        (true, Rejection::BodyTimedOut),
        (true, Rejection::BodyTooLarge),
        (remembers, Rejection::Duplicate),
        (remembers, Rejection::InFlight),
        (true, Rejection::KeysUnavailable),
        (remembers && shared.policy.on_outage == Outage::Closed, Rejection::StoreUnavailable),
        (remembers, Rejection::StoreFull),
    ];
    all.into_iter().filter_map(|(is_met, rejection)| is_met.then_some(rejection))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::store::MemoryStore;
    use crate::{Sender, VerifyLayerBuilder, scheme};

    fn stripe() -> VerifyLayerBuilder {
        VerifyLayer::builder()
            .sender(Sender::new(scheme::STRIPE).secret("whsec_a_secret_of_stripe"))
    }

    fn described(layer: VerifyLayerBuilder) -> Value {
        let mut operation = Operation::new();
        describe(&layer.build().unwrap(), &mut operation);
        serde_json::to_value(operation).unwrap()
    }

    fn types(said: &Value, status: &str) -> Value {
        let content = &said["responses"][status]["content"]["application/problem+json"];
        content["schema"]["allOf"][1]["properties"]["type"]["enum"].clone()
    }

    #[test]
    fn what_is_said_is_what_was_configured() {
        let said = described(stripe());
        assert_eq!(said["parameters"][0]["name"], "stripe-signature");
        assert_eq!(said["parameters"][0]["required"], false);
        assert_eq!(types(&said, "401"), json!(["urn:stonework:webhook-sign:unauthenticated"]));
        assert!(said["responses"].get("409").is_none(), "nothing is remembered");
        assert!(said["responses"].get("200").is_none());

        let said = described(stripe().store(MemoryStore::new()));
        assert_eq!(types(&said, "409"), json!(["urn:stonework:webhook-sign:in-flight"]));
        assert_eq!(said["responses"]["200"].get("content"), None);
        let full = "urn:stonework:webhook-sign:store-full";
        assert!(types(&said, "503").as_array().unwrap().contains(&json!(full)));
    }

    #[test]
    fn what_is_sent_has_the_headers_that_are_written() {
        let mut operation = Operation::new();
        describe_signed(&scheme::STANDARD, &mut operation);
        let said = serde_json::to_value(operation).unwrap();
        let parameters = said["parameters"].as_array().unwrap();
        let names: Vec<_> = parameters.iter().map(|parameter| &parameter["name"]).collect();
        assert_eq!(names, ["webhook-signature", "webhook-id", "webhook-timestamp"]);
        assert!(parameters.iter().all(|parameter| parameter["required"] == true));
    }

    #[test]
    fn all_headers_of_the_schemes_are_told_as_read() {
        for scheme in
            [scheme::STANDARD, scheme::STRIPE, scheme::GITHUB, scheme::SLACK, scheme::SHOPIFY]
        {
            for name in crate::scheme::Scheme::headers(&scheme).iter().flatten() {
                assert!(crate::REQUEST_HEADERS.contains(&name.as_str()), "{name}");
            }
        }
    }
}
