//! What others tell the payments service, and who may.

mod support;

use std::time::Duration;

use serde_json::json;
use stonework_webhook_sign::scheme::{self, SignScheme};
use support::webhooks::{now, received, signed};
use support::{Reply, Request, Service, refuses_to_start};

const STRIPE: &str = "whsec_a_secret_that_is_taken_as_it_is";
const GITHUB: &str = "It's a Secret to Everybody";
const STANDARD: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

const UNAUTHENTICATED: &str = "urn:stonework:webhook-sign:unauthenticated";
const UNKNOWN_ROUTE: &str = "urn:stonework:payments:unknown-route";
const WRONG_METHOD: &str = "urn:stonework:payments:wrong-method";

fn service() -> Service {
    Service::with(&[
        ("STRIPE_WEBHOOK_SECRET", STRIPE),
        ("GITHUB_WEBHOOK_SECRET", GITHUB),
        ("STANDARD_WEBHOOK_SECRET", STANDARD),
    ])
}

#[tokio::test]
async fn each_event_is_counted_once_however_often_it_is_delivered() {
    let service = service();
    assert_eq!(received(&service).await, json!({}));
    let earlier = now() - Duration::from_secs(60);
    for at in [earlier, now()] {
        for (scheme, secret) in [
            (&scheme::STRIPE as &dyn SignScheme, STRIPE),
            (&scheme::GITHUB, GITHUB),
            (&scheme::STANDARD, STANDARD),
        ] {
            for event in ["evt_1", "evt_2"] {
                let body = json!({"id": event, "type": "transfer.completed"}).to_string();
                let reply = service.ask(&signed(scheme, secret, event, &body, at)).await;
                assert!(matches!(reply.status, 200 | 204), "{}: {reply:?}", scheme.name());
            }
        }
    }
    assert_eq!(received(&service).await, json!({"github": 2, "standard": 2, "stripe": 2}));
}

#[tokio::test]
async fn what_is_not_signed_is_not_counted_and_nobody_is_told_why() {
    let service = service();
    let body = r#"{"id":"evt_1"}"#;
    let forged = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let long_ago = now() - Duration::from_secs(3_600);
    let answers: Vec<Reply> = {
        let mut answers = Vec::new();
        for request in [
            Request::new("POST", "/webhooks/standard").body(body),
            signed(&scheme::STANDARD, forged, "evt_1", body, now()),
            signed(&scheme::STANDARD, STANDARD, "evt_1", body, long_ago),
            signed(&scheme::STANDARD, STANDARD, "evt_1", body, now()).body(r#"{"id":"evt_2"}"#),
        ] {
            answers.push(service.ask(&request).await);
        }
        answers
    };
    for answer in &answers {
        answer.assert_problem(401, UNAUTHENTICATED);
        assert_eq!(answer.body, answers[0].body);
    }
    assert_eq!(received(&service).await, json!({}));
}

#[tokio::test]
async fn there_is_a_route_only_for_those_whose_secret_is_known() {
    let service = Service::with(&[("GITHUB_WEBHOOK_SECRET", GITHUB)]);
    for path in ["/webhooks/stripe", "/webhooks/standard", "/webhooks/github/x", "/webhooks/"] {
        service.ask(&Request::new("POST", path)).await.assert_problem(404, UNKNOWN_ROUTE);
    }
    service.ask(&Request::get("/webhooks/github")).await.assert_problem(405, WRONG_METHOD);
    let body = r#"{"zen":"Keep it logically awesome."}"#;
    let request = signed(&scheme::GITHUB, GITHUB, "", body, now());
    assert_eq!(service.ask(&request).await.status, 204);
    assert_eq!(received(&service).await, json!({"github": 1}));
}

#[test]
fn a_secret_that_is_none_is_told_by_its_variable_and_not_shown() {
    for (variable, secret) in
        [("STANDARD_WEBHOOK_SECRET", "whsec_not base64"), ("STANDARD_WEBHOOK_SECRET", "whsec_")]
    {
        let (code, error) = refuses_to_start(&[(variable, secret)]);
        assert_eq!(code, Some(2), "{error}");
        assert!(error.contains(variable) && !error.contains("base64"), "{error}");
    }
}
