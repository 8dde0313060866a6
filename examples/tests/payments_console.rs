//! The console of the payments service, short of a browser: its files, and who is told what.

mod support;

use std::collections::BTreeSet;

use serde_json::json;
use stonework_webhook_sign::scheme::STANDARD;
use support::webhooks::{now, received, signed_to};
use support::{QUOTA_EXCEEDED, Reply, Request, Service};

const UNAUTHENTICATED: &str = "urn:stonework:webhook-sign:unauthenticated";
const RECEIVER: &str = "/console/receivers/6f6d1f6e-3f0c-4a53-9a3e-0c6a1c3f1d2b";
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// What only the console is told.
const ASKED: [&str; 5] = [
    "/console/about",
    "/console/webhook-secret",
    "/console/drip",
    "/console/explain?origin=null&method=GET",
    RECEIVER,
];

fn problem(slug: &str) -> String {
    format!("urn:stonework:payments:{slug}")
}

/// What the page itself sends.
fn own(method: &str, path: &str) -> Request {
    Request::new(method, path).host("127.0.0.1:3000").header("sec-fetch-site", "same-origin")
}

async fn get(service: &Service, path: &str) -> Reply {
    service.ask(&own("GET", path)).await
}

/// The addresses that a file of the page names.
fn named(text: &str) -> BTreeSet<String> {
    let absolute = text.split('"').filter(|word| word.starts_with("/console/"));
    let beside =
        text.split('"').filter_map(|word| Some(format!("/console/{}", word.strip_prefix("./")?)));
    absolute.map(str::to_owned).chain(beside).collect()
}

#[tokio::test]
async fn the_page_needs_nothing_but_its_own_files() {
    for variables in [&[][..], &[("DEMO", "0")]] {
        let service = Service::with(variables);
        let (mut to_see, mut seen) =
            (vec!["/".to_owned(), "/console/probe".to_owned()], BTreeSet::new());
        while let Some(path) = to_see.pop() {
            if !seen.insert(path.clone()) {
                continue;
            }
            let file = service.ask(&Request::get(&path)).await;
            assert_eq!(file.status, 200, "{path}");
            assert_guarded(&path, &file);
            if !path.ends_with(".svg") {
                let is_file = |name: &String| name.contains('.') || name == "/console/probe";
                to_see.extend(named(&file.body).into_iter().filter(is_file));
            }
        }
        assert!(seen.len() > 20, "{seen:?}");
    }
}

#[track_caller]
fn assert_guarded(path: &str, file: &Reply) {
    let kind = match path.rsplit_once('.').map(|(_, end)| end) {
        None => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some(_) => "text/javascript; charset=utf-8",
    };
    assert_eq!(file.header("content-type"), Some(kind), "{path}");
    assert_eq!(file.header("x-content-type-options"), Some("nosniff"), "{path}");
    assert_eq!(file.header("referrer-policy"), Some("no-referrer"), "{path}");
    assert_eq!(file.header("cache-control"), Some("no-cache"), "{path}");
    let policy = file.header("content-security-policy").expect("a policy");
    for rule in
        ["default-src 'none'", "script-src 'self';", "base-uri 'none'", "form-action 'none'"]
    {
        assert!(policy.contains(rule), "{path}: {policy}");
    }
    assert!(!policy.contains("unsafe"), "{path}: {policy}");
    let embedded = path == "/console/probe";
    assert_ne!(policy.contains("frame-ancestors 'none'"), embedded, "{path}: {policy}");
    // The policy would stop them, and somebody would wonder.
    for inline in
        ["<style", "style=", " onclick=", "javascript:", "innerHTML", "insertAdjacentHTML"]
    {
        assert!(!file.body.contains(inline), "{path} has {inline}");
    }
}

#[tokio::test]
async fn a_file_that_is_known_is_not_sent_again() {
    let service = Service::start();
    for path in ["/", "/console/main.js"] {
        let first = service.ask(&Request::get(path)).await;
        let tag = first.header("etag").expect("a tag").to_owned();
        let known = service.ask(&Request::get(path).header("if-none-match", &tag)).await;
        assert_eq!((known.status, &*known.body, known.header("etag")), (304, "", Some(&*tag)));
        assert!(known.header("content-security-policy").is_some());
        let other = service.ask(&Request::get(path).header("if-none-match", "\"other\"")).await;
        assert_eq!((other.status, other.body), (200, first.body));
    }
    let posted = service.ask(&Request::new("POST", "/")).await;
    posted.assert_problem(405, &problem("wrong-method"));
}

#[tokio::test]
async fn nothing_is_told_to_other_pages() {
    let service = Service::with(&[("ALLOWED_ORIGINS", "*")]);
    let local = |path: &str| Request::get(path).host("127.0.0.1:3000");
    for path in ASKED {
        for asked in [
            local(path).header("origin", "http://localhost:3000"),
            local(path).header("origin", "null"),
            local(path).header("sec-fetch-site", "cross-site"),
            local(path).header("sec-fetch-site", "same-site"),
            local(path).header("sec-fetch-site", "none"),
            // A name that somebody has given to this machine.
            Request::get(path).host("evil.example:3000").header("sec-fetch-site", "same-origin"),
            Request::new("OPTIONS", path)
                .host("127.0.0.1:3000")
                .header("origin", "http://localhost:3000")
                .header("access-control-request-method", "GET"),
        ] {
            let reply = service.ask(&asked).await;
            reply.assert_problem(403, &problem("not-the-console"));
            assert_private(&reply);
        }
        assert_private(&get(&service, path).await);
    }
}

#[track_caller]
fn assert_private(reply: &Reply) {
    let told = reply.headers().find(|(name, _)| name.starts_with("access-control-"));
    assert_eq!(told, None, "{reply:?}");
    assert_eq!(reply.header("cache-control"), Some("no-store"), "{reply:?}");
    assert_eq!(reply.header("cross-origin-resource-policy"), Some("same-origin"), "{reply:?}");
}

#[tokio::test]
async fn without_demo_there_is_a_page_and_no_more() {
    let service = Service::with(&[("DEMO", "0")]);
    for path in ASKED.into_iter().chain(["/console/", "/webhooks/console"]) {
        let method = if path.starts_with("/webhooks") { "POST" } else { "GET" };
        let reply = service.ask(&own(method, path)).await;
        if path == "/console/" {
            assert_ne!(reply.status, 200, "{reply:?}");
        } else {
            reply.assert_problem(404, &problem("unknown-route"));
        }
    }
    assert_eq!(service.ask(&Request::get("/")).await.status, 200);
}

#[tokio::test]
async fn what_the_policy_says_is_explained() {
    let service = Service::with(&[("ALLOWED_ORIGINS", "https://app.example.com")]);
    let explain = async |query: &str| get(&service, &format!("/console/explain?{query}")).await;
    let allowed = explain("origin=https://app.example.com&method=put&headers=authorization").await;
    assert_eq!(allowed.status, 200, "{allowed:?}");
    assert_eq!(allowed.json[0]["what"], "preflight");
    assert_eq!(
        (&allowed.json[0]["allowed"], &allowed.json[1]["allowed"]),
        (&json!(true), &json!(true))
    );

    let denied = explain("origin=http://app.example.com&method=GET").await;
    assert_eq!(denied.json[0]["reason"], "origin-not-allowed", "{denied:?}");
    assert_eq!(denied.json[0]["nearest"], "https://app.example.com");
    let denied = explain("origin=https://app.example.com&method=GET&headers=x-secret,accept").await;
    assert_eq!(denied.json[0]["reason"], "header-not-allowed", "{denied:?}");
    assert_eq!(denied.json[0]["culprit"], "x-secret");

    let many = vec!["x-a"; 33].join(",");
    for query in [
        "",
        "origin=null",
        "origin=null&method=A%20B",
        "origin=null&method=GET&headers=%C3%A9",
        "origin=a%00b&method=GET",
        &format!("origin=null&method=GET&headers={many}"),
    ] {
        explain(query).await.assert_problem(400, &problem("unclear-question"));
    }
}

#[tokio::test]
async fn the_small_bucket_is_each_accounts_own() {
    let service = Service::start();
    let drip = async |account| service.ask(&own("GET", "/console/drip").account(account)).await;
    let first = drip("alice").await;
    assert_eq!(first.status, 204, "{first:?}");
    assert_eq!(first.header("ratelimit-policy"), Some(r#""console";q=5;w=10"#));
    assert_eq!(first.header("ratelimit"), Some(r#""console";r=4;t=8"#));
    let mut limited = first;
    // Another token flows in every two seconds, however slow this machine is.
    for _ in 0..50 {
        if limited.status == 204 {
            limited = drip("alice").await;
        }
    }
    limited.assert_problem(429, QUOTA_EXCEEDED);
    assert_eq!(limited.json["violated-policies"], json!(["console"]));
    assert_eq!(drip("bob").await.status, 204);
    assert_eq!(service.account("alice").await, (1000, 0), "the service's own limit is another");
}

#[tokio::test]
async fn the_consoles_secret_signs_for_the_console_alone() {
    let service = Service::with(&[("STANDARD_WEBHOOK_SECRET", SECRET)]);
    let told = get(&service, "/console/webhook-secret").await;
    let secret = told.json["secret"].as_str().expect("a secret").to_owned();
    let other = get(&Service::start(), "/console/webhook-secret").await;
    assert_ne!(other.json["secret"], told.json["secret"], "each process has its own");

    let send = async |path: &str, secret: &str| {
        let body = r#"{"type":"invoice.paid"}"#;
        service.ask(&signed_to(path, &STANDARD, secret, "msg_1", body, now())).await
    };
    assert_eq!(send("/webhooks/console", &secret).await.status, 204);
    assert_eq!(send("/webhooks/console", &secret).await.status, 200, "it is known");
    send("/webhooks/standard", &secret).await.assert_problem(401, UNAUTHENTICATED);
    send("/webhooks/console", SECRET).await.assert_problem(401, UNAUTHENTICATED);
    assert_eq!(send("/webhooks/standard", SECRET).await.status, 204, "ids are each sender's own");
    assert_eq!(received(&service).await, json!({"console": 1, "standard": 1}));
}

#[tokio::test]
async fn a_receiver_fails_as_often_as_it_is_told_and_takes_what_is_signed() {
    let service = Service::start();
    let open =
        |body: &str| own("PUT", RECEIVER).header("content-type", "application/json").body(body);
    let opening = json!({"secret": SECRET, "failures": 2}).to_string();
    // As the service itself does it, which is no browser.
    let deliver = async |id: &str, secret: &str| {
        let request = signed_to(RECEIVER, &STANDARD, secret, id, "{}", now());
        service.ask(&request.host("127.0.0.1:3000")).await
    };
    deliver("msg_1", SECRET).await.assert_problem(401, UNAUTHENTICATED);
    get(&service, RECEIVER).await.assert_problem(404, &problem("unknown-receiver"));

    assert_eq!(service.ask(&open(&opening)).await.status, 204);
    for (id, status) in [
        ("msg_1", 503),
        ("msg_2", 503),
        ("msg_1", 503),
        ("msg_1", 204),
        ("msg_1", 200),
        ("msg_2", 503),
        ("msg_2", 204),
    ] {
        assert_eq!(deliver(id, SECRET).await.status, status, "{id}");
    }
    let forged = deliver("msg_3", "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").await;
    forged.assert_problem(401, UNAUTHENTICATED);
    let arrived = get(&service, RECEIVER).await.json;
    assert_eq!(arrived.as_array().expect("a list").len(), 6, "{arrived}");
    assert_eq!(arrived[5], json!({"id": "msg_2", "status": 204}));

    for body in [r#"{"secret":"whsec_no base64","failures":0}"#, "{}", "[", ""] {
        let reply = service.ask(&open(body)).await;
        reply.assert_problem(400, &problem("unclear-question"));
        assert!(!reply.body.contains("no base64"), "{reply:?}");
    }
    let no_id = own("PUT", "/console/receivers/mine").header("content-type", "application/json");
    service.ask(&no_id.body(&opening)).await.assert_problem(404, &problem("unknown-receiver"));
}

#[tokio::test]
async fn receivers_are_so_many_and_what_is_opened_again_is_new() {
    let service = Service::start();
    let path = |nth: usize| format!("/console/receivers/00000000-0000-4000-8000-{nth:012}");
    let open = async |nth: usize, more: &str| {
        let opening = format!("{}{more}", json!({"secret": SECRET, "failures": 0}));
        let put = own("PUT", &path(nth)).header("content-type", "application/json");
        service.ask(&put.body(&opening)).await
    };
    for nth in 0..64 {
        assert_eq!(open(nth, "").await.status, 204, "{nth}");
    }
    let webhook = signed_to(&path(5), &STANDARD, SECRET, "msg_1", "{}", now());
    assert_eq!(service.ask(&webhook.host("127.0.0.1:3000")).await.status, 204);
    assert_eq!(get(&service, &path(5)).await.json.as_array().map(Vec::len), Some(1));
    // In its own place, and in nobody else's.
    assert_eq!(open(5, "").await.status, 204);
    assert_eq!(get(&service, &path(5)).await.json, json!([]));
    assert_eq!(get(&service, &path(0)).await.status, 200);
    assert_eq!(open(64, "").await.status, 204);
    get(&service, &path(0)).await.assert_problem(404, &problem("unknown-receiver"));
    assert_eq!(get(&service, &path(1)).await.status, 200);
    let large = open(65, &" ".repeat(16 * 1024)).await;
    large.assert_problem(400, &problem("unclear-question"));
}
