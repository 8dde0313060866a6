//! The payments service as clients of its two versions meet it.

mod support;

use serde_json::json;
use support::{RENT, Reply, Request, Service};

const KEY_REUSED: &str = "urn:stonework:idempotency:key-reused";
const RENT_IN_DOLLARS: &str = r#"{"to":"bob","amount":{"value":100,"currency":"USD"}}"#;

fn versioning(slug: &str) -> String {
    format!("urn:stonework:versioning:{slug}")
}

fn order(path: &str, body: &str) -> Request {
    Request::new("POST", path)
        .account("alice")
        .header("content-type", "application/json")
        .body(body)
}

fn get(path: &str) -> Request {
    Request::get(path).account("alice")
}

fn version(reply: &Reply) -> &str {
    reply.header("api-version").unwrap_or_default()
}

fn id(reply: &Reply) -> &str {
    reply.json["id"].as_str().expect("an id")
}

#[tokio::test]
async fn both_versions_see_the_same_transfers_each_in_its_own_shape() {
    let service = Service::start();
    let first = service.ask(&order("/v1/transfers", RENT)).await;
    let second = service.ask(&order("/v2/transfers", RENT_IN_DOLLARS)).await;
    assert_eq!((first.status, second.status), (201, 201), "{first:?} {second:?}");
    assert_eq!((&first.json["amount"], &first.json["balance"]), (&json!(100), &json!(900)));
    let dollars = json!({"value": 100, "currency": "USD"});
    assert_eq!((&second.json["amount"], &second.json["balance"]), (&dollars, &json!(800)));
    assert_eq!(first.header("location"), Some(&*format!("/v1/transfers/{}", id(&first))));
    assert_eq!(second.header("location"), Some(&*format!("/v2/transfers/{}", id(&second))));

    for (made, v1, v2) in [(&first, json!(100), &dollars), (&second, json!(100), &dollars)] {
        let one = service.ask(&get(&format!("/v1/transfers/{}", id(made)))).await;
        assert_eq!((one.status, &one.json["amount"]), (200, &v1));
        let length = one.header("content-length").map(str::to_owned);
        assert_eq!(length, Some(one.body.len().to_string()));
        let two = service.ask(&get(&format!("/v2/transfers/{}", id(made)))).await;
        assert_eq!((two.status, &two.json["amount"]), (200, v2));
    }
    let statement = json!({"balance": 800, "transfers": 2});
    for path in ["/v1/account", "/v2/account"] {
        assert_eq!(service.ask(&get(path)).await.json, statement, "{path}");
    }
}

#[tokio::test]
async fn the_first_version_says_that_it_is_to_be_left() {
    let service = Service::start();
    let one = service.ask(&get("/v1/account")).await;
    assert_eq!(version(&one), "v1");
    assert_eq!(one.header("deprecation"), Some("@1788220800"));
    assert_eq!(one.header("sunset"), Some("Mon, 01 Sep 2036 00:00:00 GMT"));
    assert_eq!(one.header("link"), Some(r#"</v2>; rel="successor-version""#));
    let two = service.ask(&get("/v2/account")).await;
    assert_eq!(
        (version(&two), two.header("deprecation"), two.header("sunset")),
        ("v2", None, None)
    );
    for reply in [&one, &two] {
        assert_eq!(reply.header("api-supported-versions"), Some("v2"));
        assert_eq!(reply.header("api-deprecated-versions"), Some("v1"));
    }
}

#[tokio::test]
async fn a_version_is_named_in_the_path_the_header_or_the_query() {
    let service = Service::start();
    for (request, expected) in [
        (get("/account").header("api-version", "1"), "v1"),
        (get("/account").header("api-version", "v2"), "v2"),
        (get("/account?version=1"), "v1"),
        (get("/account?x=y&version=v2"), "v2"),
        (get("/v2/account?version=2").header("api-version", "2"), "v2"),
        (get("/account").header("api-version", "2, 2"), "v2"),
    ] {
        let reply = service.ask(&request).await;
        assert_eq!((reply.status, version(&reply)), (200, expected), "{request:?}");
    }
    let made = service.ask(&order("/transfers", RENT).header("api-version", "1")).await;
    let location = made.header("location").expect("a location");
    assert_eq!(location, format!("/transfers/{}", id(&made)), "a header is no part of a link");
    let made = service.ask(&order("/transfers?version=1", RENT)).await;
    let location = made.header("location").expect("a location");
    assert_eq!(location, format!("/transfers/{}?version=v1", id(&made)));
    assert_eq!(service.ask(&get(location)).await.json["amount"], 100);
}

#[tokio::test]
async fn who_names_none_gets_what_the_account_began_with() {
    let service = Service::start();
    let reply = service.ask(&get("/account")).await;
    assert_eq!((reply.status, version(&reply)), (200, "v2"));
    assert_eq!(reply.header("vary"), Some("api-version,authorization"));
}

#[tokio::test]
async fn what_names_no_version_of_ours_is_told() {
    let service = Service::start();
    for (request, status, slug) in [
        (get("/v9/account"), 404, "version-unsupported"),
        (get("/v9/nothing"), 404, "version-unsupported"),
        (get("/account").header("api-version", "9"), 400, "version-unsupported"),
        (get("/account").header("api-version", "01"), 400, "version-malformed"),
        (get("/account?version="), 400, "version-malformed"),
        (get("/v1/account?version=2"), 400, "version-ambiguous"),
        (get("/v1/account").header("api-version", "2"), 400, "version-ambiguous"),
        (get("/account").header("api-version", "1,2"), 400, "version-ambiguous"),
    ] {
        let reply = service.ask(&request).await;
        reply.assert_problem(status, &versioning(slug));
        assert_eq!(reply.json["supported"], json!(["v1", "v2"]));
    }
    // What is no version is a path without a route.
    for path in ["/v01/account", "/V1/account", "//v1/account", "/v1x/account", "/%761/account"] {
        let reply = service.ask(&get(path)).await;
        reply.assert_problem(404, "urn:stonework:payments:unknown-route");
    }
}

#[tokio::test]
async fn some_paths_have_no_version() {
    let service = Service::start();
    for path in ["/healthz", "/webhooks/bank"] {
        let reply = service.ask(&get(path).header("api-version", "9")).await;
        reply.assert_problem(404, "urn:stonework:payments:unknown-route");
        assert_eq!((version(&reply), reply.header("sunset")), ("", None), "{path}");
    }
    for path in ["/", "/?version=9", "/docs", "/openapi.json"] {
        let reply = service.ask(&get(path).header("api-version", "9")).await;
        assert_eq!((reply.status, version(&reply)), (200, ""), "{path}");
    }
}

#[tokio::test]
async fn an_amount_in_another_currency_is_refused_and_nothing_moves() {
    let service = Service::start();
    let euros = r#"{"to":"bob","amount":{"value":100,"currency":"EUR"}}"#;
    let reply = service.ask(&order("/v2/transfers", euros).key("k")).await;
    reply.assert_problem(422, "urn:stonework:payments:unsupported-currency");
    for body in [
        RENT,
        r#"{"to":"bob","amount":{"value":100}}"#,
        r#"{"to":"bob","amount":{"value":0,"currency":"USD"}}"#,
    ] {
        let reply = service.ask(&order("/v2/transfers", body)).await;
        reply.assert_problem(422, "urn:stonework:payments:invalid-transfer");
    }
    let reply = service.ask(&order("/v2/transfers", "{")).await;
    reply.assert_problem(400, "urn:stonework:payments:malformed-json");
    // The shape of the second version is none of the first.
    let reply = service.ask(&order("/v1/transfers", RENT_IN_DOLLARS)).await;
    reply.assert_problem(422, "urn:stonework:payments:invalid-transfer");
    assert_eq!(service.account("alice").await, (1000, 0));
    let mended = service.ask(&order("/v2/transfers", RENT_IN_DOLLARS).key("k")).await;
    assert_eq!(mended.status, 201, "the key was not used up");
}

#[tokio::test]
async fn a_key_belongs_to_one_version() {
    let service = Service::start();
    let made = service.ask(&order("/v1/transfers", RENT).key("a")).await;
    let again = service.ask(&order("/v1/transfers", RENT).key("a")).await;
    assert!(again.is_replay() && again.body == made.body, "{again:?}");
    assert_eq!(version(&again), "v1");
    let other = service.ask(&order("/v2/transfers", RENT_IN_DOLLARS).key("a")).await;
    other.assert_problem(422, KEY_REUSED);

    let header = |version: &str| order("/transfers", RENT).header("api-version", version).key("b");
    assert_eq!(service.ask(&header("1")).await.status, 201);
    assert!(service.ask(&header("1")).await.is_replay());
    service.ask(&header("2")).await.assert_problem(422, KEY_REUSED);
    assert_eq!(service.account("alice").await, (800, 2));
}

#[tokio::test]
async fn a_page_may_name_a_version_and_read_what_becomes_of_it() {
    let service = Service::start();
    let preflight = Request::new("OPTIONS", "/v1/account")
        .header("origin", "http://localhost:5173")
        .header("access-control-request-method", "GET")
        .header("access-control-request-headers", "api-version,authorization");
    assert_eq!(service.ask(&preflight).await.status, 204);
    let reply = service.ask(&get("/v1/account").header("origin", "http://localhost:5173")).await;
    let exposed = reply.header("access-control-expose-headers").expect("names");
    for name in ["api-version", "deprecation", "sunset", "link", "api-supported-versions"] {
        assert!(exposed.split(',').any(|known| known == name), "{name} in {exposed}");
    }
}
