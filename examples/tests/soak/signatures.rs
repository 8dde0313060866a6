//! Webhooks of others: forged, late, changed, replayed, and some that are true.

use std::time::Duration;

use stonework_webhook_sign::scheme::{self, SignScheme};

use super::flood::{Flood, new, random};
use super::tally::Kind::Signatures;
use crate::support::Request;
use crate::support::webhooks::{now, signed};

pub(crate) const STRIPE: &str = "whsec_a_secret_that_is_taken_as_it_is";
pub(crate) const GITHUB: &str = "It's a Secret to Everybody";
pub(crate) const STANDARD: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NOBODYS: &str = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

const UNAUTHENTICATED: &str = "401 webhook-sign:unauthenticated";
const UNKNOWN: &str = "404 payments:unknown-route";
const FULL: &str = "503 webhook-sign:store-full";
/// Limits know a sender by its address, and one in a while has had it before.
const LIMITED: &str = "429 quota-exceeded";

fn sender() -> (Box<dyn SignScheme>, &'static str) {
    match random(3) {
        0 => (Box::new(scheme::STRIPE), STRIPE),
        1 => (Box::new(scheme::GITHUB), GITHUB),
        _ => (Box::new(scheme::STANDARD), STANDARD),
    }
}

fn body() -> String {
    format!(r#"{{"id":"evt_{}","type":"x"}}"#, new())
}

pub(crate) async fn forged(flood: &Flood) {
    let mut client = flood.client().await;
    for _ in 0..4 {
        let (scheme, secret) = sender();
        let (id, body) = (new(), body());
        let path = format!("/webhooks/{}", scheme.name());
        let wrong = if secret == STANDARD { NOBODYS } else { "wrong" };
        let signature = new().repeat(1 + random(100));
        for request in [
            signed(&*scheme, wrong, &id, &body, now()),
            signed(&*scheme, secret, &id, &body, now()).body(r#"{"id":"evt_other"}"#),
            signed(&scheme::STANDARD, STANDARD, &id, &body, now() - Duration::from_secs(3_600)),
            signed(&scheme::STANDARD, STANDARD, &id, &body, now() + Duration::from_secs(3_600)),
            Request::new("POST", &path).body(&body),
            Request::new("POST", &path)
                .header("stripe-signature", &format!("t=1,v1={signature}"))
                .header("x-hub-signature-256", &format!("sha256={signature}"))
                .header("webhook-signature", &format!("v1,{signature}"))
                .header("webhook-id", &id)
                .header("webhook-timestamp", "soon")
                .body(&body),
        ] {
            flood.ask(Signatures, &mut client, &request, &[UNAUTHENTICATED, LIMITED]).await;
        }
        let nobody = Request::new("POST", &format!("/webhooks/{id}")).body(&body);
        flood.ask(Signatures, &mut client, &nobody, &[UNKNOWN, LIMITED]).await;
    }
}

/// New ones, which are taken once; and old ones, until they are forgotten, too late, or new again for want of room.
pub(crate) async fn signed_ones(flood: &Flood) {
    let mut client = flood.client().await;
    for _ in 0..10 {
        let (scheme, secret) = sender();
        let request = signed(&*scheme, secret, &new(), &body(), now());
        let reply = flood.ask(Signatures, &mut client, &request, &["204", FULL, LIMITED]).await;
        if reply.status == 204 {
            flood.ask(Signatures, &mut client, &request, &["200", LIMITED]).await;
            flood.taken.put(request);
        }
        if let Some(old) = flood.taken.any() {
            let allowed = &["200", "204", FULL, UNAUTHENTICATED, LIMITED];
            flood.ask(Signatures, &mut client, &old, allowed).await;
        }
    }
}
