//! The shortest programs, one for each crate, as processes: what each is asked, and what its crate says of it.

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use axum::http::HeaderMap;
use axum::routing::post;
use stonework_webhook_sign::scheme;
use support::stream::listen;
use support::webhooks::{now, signed};
use support::{Request, Service, in_time};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// The folder of each crate, and whether its documentation begins with the same program.
const PROGRAMS: [(&str, bool); 8] = [
    ("cors", true),
    ("idempotency", true),
    // Theirs have what this one has to do without.
    ("pagination", false),
    ("ratelimit", true),
    ("sse", false),
    ("versioning", true),
    ("webhook-sign", true),
    ("webhook-sign/delivery", false),
];

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name)
}

/// The name of a program, and its text.
fn program(crate_folder: &str) -> (String, String) {
    let name = crate_folder.replace("sign/", "");
    let path = folder("examples/src/bin/axum-minimal").join(format!("{name}.rs"));
    (name, read(&path))
}

/// What the documentation of a crate shows first, without the lines that it hides.
fn shown(crate_folder: &str) -> Vec<String> {
    let text = read(&folder(crate_folder).join("src/lib.rs"));
    let lines = text.lines().skip_while(|line| *line != "//! # The shortest program").skip(1);
    let lines = lines.skip_while(|line| !line.contains("```"));
    let code =
        lines.skip_while(|line| line.contains("```")).take_while(|line| !line.contains("```"));
    let code = code.map(|line| line.trim_start_matches("//!").trim().to_owned());
    code.filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

/// Without what a formatter may change.
fn squeeze(text: &str) -> String {
    text.split_whitespace().collect()
}

#[test]
fn each_is_short_and_named_in_the_readme_of_its_crate() {
    for (crate_folder, _) in PROGRAMS {
        let (name, text) = program(crate_folder);
        assert!(text.lines().count() < 40, "{name} has {} lines", text.lines().count());
        let readme = read(&folder(crate_folder).join("README.md"));
        for named in
            [format!("cargo run --bin axum-minimal-{name}"), format!("axum-minimal/{name}.rs")]
        {
            assert!(readme.contains(&named), "{crate_folder}/README.md does not say {named}");
        }
    }
}

#[test]
fn each_is_what_the_documentation_of_its_crate_begins_with() {
    for (crate_folder, _) in PROGRAMS.iter().filter(|(_, same)| *same) {
        let (name, text) = program(crate_folder);
        let shown = shown(crate_folder);
        assert!(shown.len() > 5, "{crate_folder} shows {shown:?}");
        let squeezed = squeeze(&text);
        for line in &shown {
            assert!(squeezed.contains(&squeeze(line)), "{name} does not say {line}");
        }
    }
}

fn start(program: &str, variables: &[(&str, &str)]) -> Service {
    let mut command = Command::new(program);
    command.envs(variables.iter().copied());
    Service::of(command)
}

#[tokio::test]
async fn idempotency_gives_a_retry_the_same_answer() {
    let service = start(env!("CARGO_BIN_EXE_axum-minimal-idempotency"), &[]);
    for replayed in [false, true] {
        let reply = service.ask(&Request::new("POST", "/transfers").key("rent-may")).await;
        assert_eq!((&*reply.body, reply.is_replay()), ("moved", replayed), "{reply:?}");
    }
}

#[tokio::test]
async fn ratelimit_says_no_after_a_burst() {
    let service = start(env!("CARGO_BIN_EXE_axum-minimal-ratelimit"), &[]);
    let mut refused = None;
    // A bucket that is slow to be emptied is filled meanwhile: 100 a minute.
    for _ in 0..200 {
        let reply = service.ask(&Request::get("/")).await;
        if reply.status != 200 {
            refused = Some(reply);
            break;
        }
    }
    refused.expect("an end to it").assert_problem(429, support::QUOTA_EXCEEDED);
}

#[tokio::test]
async fn cors_lets_a_page_read() {
    let service = start(env!("CARGO_BIN_EXE_axum-minimal-cors"), &[]);
    for (origin, allowed) in [
        ("https://app.example.com", Some("https://app.example.com")),
        ("https://pr-7.preview.example.com", Some("https://pr-7.preview.example.com")),
        ("https://app.example.org", None),
    ] {
        let reply = service.ask(&Request::get("/").header("origin", origin)).await;
        assert_eq!(reply.header("access-control-allow-origin"), allowed, "{reply:?}");
    }
}

#[tokio::test]
async fn versioning_serves_two_versions_and_tells_of_the_end_of_one() {
    let service = start(env!("CARGO_BIN_EXE_axum-minimal-versioning"), &[]);
    for (path, body, sunset) in [
        ("/v1/orders", "orders, in the shape of v1\n", Some("Tue, 01 Jan 2036 00:00:00 GMT")),
        ("/v2/orders", "orders, in the shape of v2\n", None),
    ] {
        let reply = service.ask(&Request::get(path)).await;
        assert_eq!((&*reply.body, reply.header("sunset")), (body, sunset), "{reply:?}");
    }
    assert_eq!(service.ask(&Request::get("/v3/orders")).await.status, 404);
}

#[tokio::test]
async fn pagination_leads_to_the_next_page() {
    let service = start(env!("CARGO_BIN_EXE_axum-minimal-pagination"), &[]);
    let (mut path, mut pages) = (Some("/orders?limit=2".to_owned()), Vec::new());
    while let Some(asked) = path {
        let reply = service.ask(&Request::get(&asked)).await;
        pages.push(reply.json["data"].clone());
        let links = reply.header("link").unwrap_or_default().split(", ");
        let next = links.filter_map(|link| link.strip_suffix(r#">; rel="next""#)).next();
        path = next.map(|link| link.trim_start_matches('<').to_owned());
    }
    assert_eq!(
        pages,
        [serde_json::json!([5, 4]), serde_json::json!([3, 2]), serde_json::json!([1])]
    );
}

#[tokio::test]
async fn sse_tells_who_listens() {
    let service = start(env!("CARGO_BIN_EXE_axum-minimal-sse"), &[]);
    let mut stream = service.listen(&listen("/events", "nobody")).await;
    // Where it begins, so that what is told from here on is heard.
    stream.told().await;
    let reply = service.ask(&Request::new("POST", "/").body("It rains")).await;
    assert_eq!(reply.body, "told\n", "{reply:?}");
    assert_eq!(stream.told().await.rest, "data: It rains\n\n");
}

#[tokio::test]
async fn webhook_sign_lets_in_what_is_signed() {
    let variables = [("STRIPE_WEBHOOK_SECRET", SECRET)];
    let service = start(env!("CARGO_BIN_EXE_axum-minimal-webhook-sign"), &variables);
    let body = r#"{"id":"evt_1"}"#;
    let genuine = signed(&scheme::STRIPE, SECRET, "evt_1", body, now());
    assert_eq!(service.ask(&genuine).await.status, 200);
    let forged = signed(&scheme::STRIPE, "whsec_of_somebody_else", "evt_1", body, now());
    assert_eq!(service.ask(&forged).await.status, 401);
}

#[tokio::test]
async fn webhook_delivery_delivers() {
    let (sender, mut received) = mpsc::unbounded_channel();
    let receive = async move |headers: HeaderMap, body: String| {
        let _ = sender.send((headers, body));
    };
    let receiver = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/", receiver.local_addr().expect("its address"));
    let app: axum::Router = axum::Router::new().route("/", post(receive));
    tokio::spawn(async move { axum::serve(receiver, app).await });
    let variables = [("RECEIVER", &*url), ("SECRET", SECRET)];
    let service = start(env!("CARGO_BIN_EXE_axum-minimal-webhook-delivery"), &variables);
    let reply = service.ask(&Request::new("POST", "/")).await;
    assert_eq!(reply.body, "told\n", "{reply:?}");
    let (headers, body) = in_time("a webhook", received.recv()).await.expect("a receiver");
    assert_eq!(
        (&headers["webhook-id"], &*body),
        (&"evt_7".parse().expect("a value"), r#"{"type":"invoice.paid","data":{"id":"in_7"}}"#)
    );
    assert!(headers["webhook-signature"].as_bytes().starts_with(b"v1,"), "{headers:?}");
}
