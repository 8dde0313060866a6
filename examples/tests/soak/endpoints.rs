//! Endpoints that come and go, and receivers of all kinds.

use super::flood::{Flood, account, new, random};
use super::tally::FULL;
use super::tally::Kind::Endpoints;
use crate::support::Request;

const FORBIDDEN: &str = "422 payments:forbidden-url";
const INVALID: &str = "422 payments:invalid-endpoint";
const TOO_MANY: &str = "422 payments:too-many-endpoints";

fn register(account: &str, body: &str) -> Request {
    Request::new("POST", "/v1/webhook-endpoints")
        .account(account)
        .header("content-type", "application/json")
        .body(body)
}

fn to(url: &str) -> String {
    format!(r#"{{"url":"{url}"}}"#)
}

/// An account with some, which is told of its transfers there. They are deleted some seconds later, whatever is on its way.
pub(crate) async fn registered(flood: &Flood) {
    let (mut client, account) = (flood.client().await, account("told"));
    for _ in 0..1 + random(3) {
        let request = register(&account, &to(&flood.receivers.any()));
        flood.ask(Endpoints, &mut client, &request, &["201"]).await;
    }
    for _ in 0..2 {
        flood.pay(Endpoints, &mut client, &account).await;
    }
    for path in ["/v1/webhook-deliveries", "/v1/webhook-endpoints"] {
        flood.ask(Endpoints, &mut client, &Request::get(path).account(&account), &["200"]).await;
    }
}

/// What is not registered: too many, elsewhere, and what is none.
pub(crate) async fn refused(flood: &Flood) {
    let (mut client, account) = (flood.client().await, account("refused"));
    for host in ["10.0.0.1", "[fe80::1]", "169.254.169.254", "user@x.example"] {
        let request = register(&account, &to(&format!("https://{host}/{}", new())));
        flood.ask(Endpoints, &mut client, &request, &[FORBIDDEN]).await;
    }
    flood.ask(Endpoints, &mut client, &register(&account, "{}"), &[INVALID]).await;
    let keyed = register(&account, &to(&flood.receivers.any())).key(&new());
    flood.ask(Endpoints, &mut client, &keyed, &["201", FULL]).await;
    for _ in 0..17 {
        let request = register(&account, &to(&format!("https://{}.example/", new())));
        flood.ask(Endpoints, &mut client, &request, &["201", TOO_MANY]).await;
    }
}
