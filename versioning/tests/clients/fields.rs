//! What a version's life looks like to parsers that know nothing of this crate: http_sfv, Python's reader of
//! dates and requests.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::header::LINK;
use axum::response::{AppendHeaders, IntoResponse};
use axum::routing::get;
use serde_json::{Value, json};
use stonework_versioning::{Clock, Major, Moment, Query, VersionLayer, VersionLayerBuilder};
use tower::ServiceBuilder;

use crate::python::Script;
use crate::sockets::axum_server;

#[derive(Debug)]
struct At(Moment);

impl Clock for At {
    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }

    fn unix(&self) -> Duration {
        Duration::from_secs(self.0.as_unix())
    }
}

fn builder() -> VersionLayerBuilder<Major> {
    VersionLayer::builder::<Major>()
        .read(Query::named("version"))
        .clock(Arc::new(At("2026-02-01".parse().unwrap())))
}

/// A handler that has links of its own, on two lines, one with what separates links.
async fn linked() -> impl IntoResponse {
    let next = r#"</linked?page=2>; rel="next", <https://example.com/schema>; rel="describedby"; title="a, b""#;
    AppendHeaders([(LINK, next), (LINK, r#"</>; rel="index""#)])
}

async fn server(builder: VersionLayerBuilder<Major>) -> SocketAddr {
    let routes = Router::new().route("/orders", get("orders")).route("/linked", get(linked));
    let stack = ServiceBuilder::new().layer(builder.build().unwrap()).service(routes);
    axum_server(Router::new().fallback_service(stack)).await
}

async fn ask(server: SocketAddr, paths: &[String]) -> Vec<Value> {
    let urls = paths.iter().map(|path| format!("http://{server}{path}"));
    let answers = Script::start("version_fields.py", urls).hear_all().await;
    assert_eq!(answers.len(), paths.len());
    answers
}

async fn ask_one(server: SocketAddr, path: &str) -> Value {
    ask(server, &[path.to_owned()]).await.remove(0)
}

/// Of each version: when it is deprecated and when it ends, as it was said and in Unix time.
const LIVES: [[(&str, u64); 2]; 5] = [
    // The dates of the standards' own examples; the second is over.
    [("2023-06-30T23:59:59Z", 1_688_169_599), ("2024-06-30T23:59:59Z", 1_719_791_999)],
    [("1970-01-01", 0), ("9999-12-31T23:59:59Z", 253_402_300_799)],
    [("2024-02-29", 1_709_164_800), ("2038-01-19T03:14:08Z", 2_147_483_648)],
    // Not yet.
    [("2027-01-01", 1_798_761_600), ("2100-03-01", 4_107_542_400)],
    [("2026-02-01", 1_769_904_000), ("2026-02-09T08:07:06Z", 1_770_624_426)],
];

#[tokio::test]
async fn dates_are_the_moments_that_were_meant() {
    let numbered = || (1..).zip(LIVES);
    let builder = numbered().fold(builder(), |builder, (number, [deprecated, sunset])| {
        builder.version(&format!("{number}"), |v| v.deprecated_at(deprecated.0).sunset_at(sunset.0))
    });
    let paths = numbered().map(|(number, _)| format!("/orders?version={number}"));
    let answers = ask(server(builder).await, &paths.collect::<Vec<_>>()).await;
    for (answer, (number, [deprecated, sunset])) in answers.iter().zip(numbered()) {
        let status = if number == 1 { 410 } else { 200 };
        let deprecation =
            json!({"type": "datetime", "unix": deprecated.1 as f64, "parameters": {}});
        let sunset = json!({"unix": sunset.1 as f64, "is_as_python_writes_it": true});
        assert_eq!(answer["status"], status, "{answer}");
        assert_eq!(answer["deprecation"], deprecation, "{answer}");
        assert_eq!(answer["sunset"], sunset, "{answer}");
    }
}

/// Version 1 with everything, version 2 with a part, version 3 with nothing.
fn with_links() -> VersionLayerBuilder<Major> {
    builder()
        .version("1", |v| {
            v.deprecated_at("2025-01-01")
                .sunset_at("2026-01-01")
                .deprecation_link("https://example.com/changes?from=1,to=2")
                .sunset_link("/sunsets/v1")
                .successor("/orders?version=3")
        })
        .version("2", |v| v.deprecated_at("2026-01-01").successor("https://api.example.com/v3"))
        .version("3", |v| v)
}

/// Targets may be relative, to the URL that was asked for (RFC 8288, section 3.2).
fn links(server: SocketAddr, version: u8) -> Vec<(&'static str, String)> {
    match version {
        1 => vec![
            ("deprecation", "https://example.com/changes?from=1,to=2".to_owned()),
            ("sunset", format!("http://{server}/sunsets/v1")),
            ("successor-version", format!("http://{server}/orders?version=3")),
        ],
        2 => vec![("successor-version", "https://api.example.com/v3".to_owned())],
        _ => vec![],
    }
}

fn own_links(server: SocketAddr) -> Vec<(&'static str, String)> {
    vec![
        ("next", format!("http://{server}/linked?page=2")),
        ("describedby", "https://example.com/schema".to_owned()),
        ("index", format!("http://{server}/")),
    ]
}

#[tokio::test]
async fn links_lead_where_they_should() {
    let server = server(with_links()).await;
    for (version, status) in [(1, 410), (2, 200), (3, 200)] {
        let answer = ask_one(server, &format!("/orders?version={version}")).await;
        assert_eq!(answer["status"], status);
        assert_eq!(answer["links"], json!(links(server, version)));
    }
}

#[tokio::test]
async fn links_stand_beside_those_of_the_handler() {
    let server = server(with_links().dry_run(true)).await;
    for version in [1, 2, 3] {
        let answer = ask_one(server, &format!("/linked?version={version}")).await;
        let all = [own_links(server), links(server, version)].concat();
        assert_eq!((&answer["status"], &answer["links"]), (&json!(200), &json!(all)));
        let by_relation = answer["by_relation"].as_object().unwrap();
        assert_eq!(by_relation.len(), all.len(), "each relation once: {by_relation:?}");
        assert_eq!(by_relation["next"], "/linked?page=2");
    }
}

/// Also where the service has nothing to say, and where there is nothing to be told.
#[tokio::test]
async fn an_error_tells_of_its_version_and_a_version_without_an_end_tells_nothing() {
    let server = server(with_links()).await;
    let missing = ask_one(server, "/missing?version=2").await;
    assert_eq!((&missing["status"], &missing["sunset"]), (&json!(404), &Value::Null));
    assert_eq!(missing["deprecation"]["unix"], 1_767_225_600.0);
    assert_eq!(missing["links"], json!(links(server, 2)));
    for path in ["/orders?version=3", "/orders", "/orders?version=9"] {
        let answer = ask_one(server, path).await;
        assert_eq!((&answer["deprecation"], &answer["sunset"]), (&Value::Null, &Value::Null));
        assert_eq!(answer["links"], json!([]), "{path}");
    }
}
