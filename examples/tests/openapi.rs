//! The document of the payments service is what the service does: asked over sockets, every answer is among those that
//! it describes, with its headers, its problem and its body.

mod support;

mod openapi {
    pub(crate) mod document;
}

use openapi::document::Document;
use serde_json::json;
use stonework_webhook_sign::scheme;
use support::webhooks::{now, signed};
use support::{RENT, Request, Service, until};

const MONEY: &str = r#"{"to":"bob","amount":{"value":100,"currency":"USD"},"reference":"rent"}"#;
const STANDARD: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

const V2_TRANSFERS: &str = "/v2/transfers";

fn get(path: &str) -> Request {
    Request::get(path).account("alice")
}

fn post(path: &str, body: &str) -> Request {
    Request::new("POST", path)
        .account("alice")
        .header("content-type", "application/json")
        .body(body)
}

#[tokio::test]
async fn anybody_may_read_it() {
    let service = Service::start();
    let reply = service.ask(&Request::get("/openapi.json")).await;
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")));
    assert_eq!(reply.json["openapi"], "3.1.0");
    serde_json::from_str::<utoipa::openapi::OpenApi>(&reply.body).expect("it is a document");
    let document = Document::new(reply.json);
    for reference in document.references() {
        assert!(document.leads_somewhere(&reference), "{reference}");
    }
    // Webhooks are described where their senders' secrets are known, and what may be ordered where that is on.
    assert!(document.operation("POST", "/webhooks/standard").is_none());
    assert!(document.parameters("POST", V2_TRANSFERS).contains(&"x-demo-crash".to_owned()));
    let service = Service::with(&[("DEMO", "0"), ("STANDARD_WEBHOOK_SECRET", STANDARD)]);
    let document = Document::of(&service).await;
    assert!(document.operation("POST", "/webhooks/standard").is_some());
    assert!(!document.parameters("POST", V2_TRANSFERS).contains(&"x-demo-crash".to_owned()));
}

#[tokio::test]
async fn every_operation_is_there() {
    let service = Service::with(&[("STANDARD_WEBHOOK_SECRET", STANDARD)]);
    let document = Document::of(&service).await;
    let operations = document.operations();
    assert!(operations.len() > 20, "{operations:?}");
    for (method, path) in operations {
        let path_of_one = path.replace("{id}", "0192f4c8-1e6a-7b3d-9c55-0a1b2c3d4e5f");
        let request = Request::new(&method, &path_of_one).account("alice");
        let head = if path.ends_with("/events") {
            service.listen(&request.connection("keep-alive")).await.head
        } else {
            service.ask(&request).await
        };
        document.assert_describes(&method, &path, &head);
        let wrong =
            ["unknown-route", "wrong-method"].map(|slug| format!("urn:stonework:payments:{slug}"));
        assert!(
            !wrong.iter().any(|wrong| head.json["type"] == **wrong),
            "{method} {path}: {head:?}"
        );
    }
}

#[tokio::test]
async fn transfers_are_answered_as_described() {
    let service = Service::start();
    let document = Document::of(&service).await;
    let long = format!(r#"{{"to":"{}"}}"#, "x".repeat(20_000));
    let euros = MONEY.replace("USD", "EUR");
    let dear = MONEY.replace("100", "100000");
    let v2 = |body: &str| post(V2_TRANSFERS, body);
    let v1 = |body: &str| post("/v1/transfers", body);
    for (request, status) in [
        (v2(MONEY), 201),
        (v2(MONEY).key("a"), 201),
        (v2(MONEY).key("a"), 201),
        (v2(MONEY).key(r#""quoted""#), 201),
        (v2(&dear), 402),
        (v2(&dear).key("b"), 402),
        (v2("{"), 400),
        (v2(RENT), 422),
        (v2(&euros), 422),
        (v2(&long), 413),
        (v2(&long).key("c"), 413),
        (v2(MONEY).key("a,b"), 400),
        (v2(r#"{"to":"carol"}"#).key("a"), 422),
        (v2(MONEY).header("api-version", "1"), 400),
        (v2(MONEY).header("api-version", "x"), 400),
        (v2(MONEY).header("x-demo-crash", "never"), 400),
        (v2(MONEY).header("x-demo-crash", "before"), 500),
        (v2(MONEY).header("x-demo-crash", "after").key("d"), 500),
        (v2(MONEY).header("x-demo-crash", "after").key("d"), 409),
        (Request::new("POST", V2_TRANSFERS).account("alice").body(MONEY), 415),
        (Request::new("POST", V2_TRANSFERS).body(MONEY), 401),
        (v1(RENT), 201),
        (v1(RENT).key("e"), 201),
        (v1(RENT).key("e"), 201),
        (v1("{"), 400),
        (v1(r#"{"to":"bob"}"#), 422),
        (v1(r#"{"to":"bob","amount":"much"}"#), 422),
        (v1(&long), 413),
        (v1(RENT).header("content-encoding", "gzip"), 415),
        (Request::new("POST", "/v1/transfers").account("alice").body(RENT), 415),
    ] {
        let reply = service.ask(&request).await;
        assert_eq!(reply.status, status, "{request:?} {reply:?}");
        let path = if String::from_utf8_lossy(&request.to_bytes()).contains("/v1/") {
            "/v1/transfers"
        } else {
            V2_TRANSFERS
        };
        document.assert_describes("POST", path, &reply);
    }
}

#[tokio::test]
async fn a_request_that_still_runs_is_answered_as_described() {
    let service = Service::start();
    let document = Document::of(&service).await;
    let slow = post(V2_TRANSFERS, MONEY).key("slow").header("x-demo-delay-ms", "60000");
    let _open = service.begin(&slow).await;
    service.until_transfers("alice", 1).await;
    let reply = service.ask(&slow).await;
    reply.assert_problem(409, "urn:stonework:idempotency:in-flight");
    document.assert_describes("POST", V2_TRANSFERS, &reply);
}

#[tokio::test]
async fn what_is_read_is_answered_as_described() {
    let service = Service::start();
    let document = Document::of(&service).await;
    for _ in 0..3 {
        let reply = service.ask(&post(V2_TRANSFERS, MONEY)).await;
        assert_eq!(reply.status, 201, "{reply:?}");
    }
    let id = service.ask(&get(V2_TRANSFERS)).await.json["data"][0]["id"].clone();
    let id = id.as_str().expect("an id");
    for version in ["v1", "v2"] {
        for (path, rest, status) in [
            ("transfers/{id}", format!("transfers/{id}"), 200),
            ("transfers/{id}", "transfers/x".to_owned(), 404),
            ("transfers", "transfers?limit=2".to_owned(), 200),
            ("transfers", "transfers?sort=largest".to_owned(), 200),
            ("transfers", "transfers?limit=0".to_owned(), 400),
            ("transfers", "transfers?limit=1&limit=1".to_owned(), 400),
            ("transfers", "transfers?cursor=x".to_owned(), 400),
            ("transfers", "transfers?sort=x".to_owned(), 400),
            ("account", "account".to_owned(), 200),
            ("account", "account?version=9".to_owned(), 400),
            ("webhook-endpoints", "webhook-endpoints".to_owned(), 200),
            ("webhook-deliveries", "webhook-deliveries".to_owned(), 200),
            ("events/poll", "events/poll".to_owned(), 200),
            ("events/poll", "events/poll?after=0000c0de.42.00c0ffee".to_owned(), 200),
            ("events/poll", "events/poll?after=x".to_owned(), 400),
            ("events/poll", "events/poll?wait=26".to_owned(), 400),
            ("events/ws", "events/ws".to_owned(), 400),
        ] {
            let reply = service.ask(&get(&format!("/{version}/{rest}"))).await;
            assert_eq!(reply.status, status, "{rest}: {reply:?}");
            document.assert_describes("GET", &format!("/{version}/{path}"), &reply);
        }
    }
}

#[tokio::test]
async fn events_are_answered_as_described() {
    let service = Service::start();
    let document = Document::of(&service).await;
    let poll = "/v2/events/poll";
    let now = service.ask(&get(poll)).await;
    let cursor = now.header("last-event-id").expect("a cursor");
    let nothing = get(&format!("{poll}?wait=0&after={cursor}"));
    for (request, status) in [
        (nothing.clone(), 204),
        (nothing.header("if-none-match", now.header("etag").expect("a tag")), 304),
    ] {
        let reply = service.ask(&request).await;
        assert_eq!(reply.status, status, "{reply:?}");
        document.assert_describes("GET", poll, &reply);
    }
    service.ask(&post(V2_TRANSFERS, MONEY)).await;
    for version in ["v1", "v2"] {
        let poll = format!("/{version}/events/poll");
        let reply = service.ask(&get(&format!("{poll}?after={cursor}"))).await;
        assert_eq!(reply.json["events"][0]["type"], "transfer", "{reply:?}");
        document.assert_describes("GET", &poll, &reply);
        let path = format!("/{version}/events");
        let (stream, _) = service.live(&path, "alice").await;
        document.assert_describes("GET", &path, &stream.head);
    }
}

#[tokio::test]
async fn webhooks_are_answered_as_described() {
    let service =
        Service::with(&[("STANDARD_WEBHOOK_SECRET", STANDARD), ("WEBHOOK_ALLOW_LOOPBACK", "1")]);
    let document = Document::of(&service).await;
    let path = "/webhooks/standard";
    let event = || signed(&scheme::STANDARD, STANDARD, "evt_1", "{}", now());
    for (request, status) in
        [(event(), 204), (event(), 200), (Request::new("POST", path).body("{}"), 401)]
    {
        let reply = service.ask(&request).await;
        assert_eq!(reply.status, status, "{reply:?}");
        document.assert_describes("POST", path, &reply);
    }
    let reply = service.ask(&Request::get("/webhooks/received")).await;
    assert_eq!(reply.json, json!({ "standard": 1 }));
    document.assert_describes("GET", "/webhooks/received", &reply);

    // Nobody listens there, so that a delivery has attempts with a fault.
    let endpoints = "/v2/webhook-endpoints";
    for (body, status) in [
        (r#"{"url":"http://127.0.0.1:9/hook"}"#, 201),
        (r#"{"url":"x"}"#, 422),
        (r#"{"url":7}"#, 422),
        ("{", 400),
    ] {
        let reply = service.ask(&post(endpoints, body)).await;
        assert_eq!(reply.status, status, "{reply:?}");
        document.assert_describes("POST", endpoints, &reply);
    }
    service.ask(&post(V2_TRANSFERS, MONEY)).await;
    let deliveries = "/v2/webhook-deliveries";
    until("an attempt was made", async || {
        let reply = service.ask(&get(deliveries)).await;
        document.assert_describes("GET", deliveries, &reply);
        reply.json["data"][0]["attempts"][0]["fault"].is_string()
    })
    .await;
}

#[tokio::test]
async fn a_limit_is_told_as_described() {
    let service = Service::with(&[("RATE_LIMIT", "1/h")]);
    // Nobody is who asks for the document.
    let document = Document::of(&service).await;
    for (path, account) in [("/v2/account", Some("alice")), ("/docs", None)] {
        let request =
            account.map_or_else(|| Request::get(path), |account| get(path).account(account));
        let mut reply = service.ask(&request).await;
        if reply.status != 429 {
            document.assert_describes("GET", path, &reply);
            reply = service.ask(&request).await;
        }
        reply.assert_limited();
        document.assert_describes("GET", path, &reply);
    }
}

#[tokio::test]
async fn the_page_that_shows_it_needs_nobody_else() {
    let service = Service::start();
    let page = service.ask(&Request::get("/docs")).await;
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(policy.starts_with("default-src 'none'; script-src 'self'"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    let attributes = page.body.split(['"', '\'']).filter(|text| text.starts_with("docs/"));
    let mut wanted: Vec<_> = attributes.map(str::to_owned).collect();
    let mut seen = 0;
    while let Some(file) = wanted.pop() {
        let reply = service.ask(&Request::get(&format!("/{file}"))).await;
        assert_eq!(reply.status, 200, "{file}: {reply:?}");
        assert!(!reply.body.contains("//cdn") && !reply.body.contains("https://"), "{file}");
        let imports = reply.body.split('\'').filter_map(|text| text.strip_prefix("./"));
        wanted.extend(imports.map(|name| format!("docs/{name}")));
        seen += 1;
        assert!(seen < 100, "they import each other");
    }
    assert!(seen >= 7, "{seen}");
}
