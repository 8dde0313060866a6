//! azure-core, under the client libraries of Azure, reads a collection page by page. The Azure API guidelines
//! have a version in the query of every call, and links to the next page that carry it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::http::header::HOST;
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use stonework_versioning::{
    ApiVersion, DateVersion, Problem, Query, Rejection, Select, VersionLayer, VersionLayerBuilder,
};
use tower::ServiceBuilder;

use crate::python::Script;
use crate::sockets::axum_server;

const VERSIONS: [&str; 3] = ["2024-05-01", "2025-11-15", "2026-01-01-preview"];

fn builder() -> VersionLayerBuilder<DateVersion> {
    let builder = VersionLayer::builder::<DateVersion>().read(Query::named("api-version"));
    VERSIONS.iter().fold(builder, |builder, version| builder.version(version, |v| v))
}

/// The query of every request that came through.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<String>>>);

impl Seen {
    /// All values of this name that came since the last time, in one list per request.
    fn take(&self, name: &str) -> Vec<Vec<String>> {
        let queries = std::mem::take(&mut *self.0.lock().unwrap());
        queries.iter().map(|query| values(query, name)).collect()
    }
}

fn values(query: &str, name: &str) -> Vec<String> {
    let pairs = form_urlencoded::parse(query.as_bytes());
    pairs.filter(|(known, _)| known == name).map(|(_, value)| value.into_owned()).collect()
}

/// Opaque for the client, and full of what has a meaning in a query.
fn token(page: u32) -> String {
    format!("{page}/&api-version=2001-01-01 +%é")
}

fn page_of(query: &str) -> u32 {
    let tokens = values(query, "$skiptoken");
    let page = (1..=4).find(|page| tokens == [token(*page)]);
    page.unwrap_or_else(|| {
        assert!(tokens.is_empty(), "{tokens:?}");
        0
    })
}

/// The path of the page after this one. There are four, of two items each.
fn after(page: u32) -> Option<String> {
    let next = Some(page + 1).filter(|next| *next < 4)?;
    let mut query = form_urlencoded::Serializer::new(String::new());
    Some(format!("/orders?{}", query.append_pair("$skiptoken", &token(next)).finish()))
}

fn items(page: u32, version: &str) -> Value {
    json!([2 * page, 2 * page + 1].map(|id| json!({"id": id, "version": version})))
}

async fn orders(
    State(seen): State<Seen>,
    version: ApiVersion,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Json<Value> {
    let query = query.unwrap_or_default();
    let page = page_of(&query);
    seen.0.lock().unwrap().push(query);
    let host = headers[HOST].to_str().unwrap();
    let next = after(page).map(|path| format!("http://{host}{}", version.path(&path)));
    Json(json!({"value": items(page, version.resolved()), "nextLink": next}))
}

/// A handler that makes its links by itself.
async fn careless(headers: HeaderMap) -> Json<Value> {
    let next = format!("http://{}{}", headers[HOST].to_str().unwrap(), after(0).unwrap());
    Json(json!({"value": [], "nextLink": next}))
}

fn router(versions: VersionLayerBuilder<DateVersion>, seen: &Seen) -> Router {
    let routes = Router::new()
        .route("/orders", get(orders))
        .route("/careless", get(careless))
        .with_state(seen.clone());
    let stack = ServiceBuilder::new().layer(versions.build().unwrap()).service(routes);
    Router::new().fallback_service(stack)
}

async fn ask(server: SocketAddr, path: &str, versions: &[&str]) -> Vec<Value> {
    let versions = versions.iter().map(|version| format!("--version={version}"));
    let arguments = [format!("http://{server}"), path.to_owned()].into_iter().chain(versions);
    Script::start("azure_pages.py", arguments).hear_all().await
}

#[tokio::test]
async fn every_page_comes_in_the_version_of_the_first() {
    let seen = Seen::default();
    let server = axum_server(router(builder(), &seen)).await;
    let pages = |version| (0..4).map(|page| items(page, version)).collect::<Value>();
    let expected = VERSIONS.map(|version| json!({ "pages": pages(version) }));
    assert_eq!(ask(server, "/orders", &VERSIONS).await, expected);
    let once_in_each = VERSIONS.map(|version| [[version]; 4]).concat();
    assert_eq!(seen.take("api-version"), once_in_each);
}

/// What was asked for goes on to be asked for: the link may lead to a service with more versions.
#[tokio::test]
async fn under_a_waterfall_the_links_ask_for_what_the_client_asked_for() {
    let seen = Seen::default();
    let server = axum_server(router(builder().select(Select::Waterfall), &seen)).await;
    let pages: Value = (0..4).map(|page| items(page, "2024-05-01")).collect();
    assert_eq!(ask(server, "/orders", &["2025-01-01"]).await, [json!({ "pages": pages })]);
    assert_eq!(seen.take("api-version"), vec![["2025-01-01"]; 4]);
}

/// What the tests above would see without the helper.
#[tokio::test]
async fn a_link_without_a_version_fails_at_the_second_page() {
    let server = axum_server(router(builder(), &Seen::default())).await;
    let [answer]: [Value; 1] = ask(server, "/careless", &["2025-11-15"]).await.try_into().unwrap();
    assert_eq!(answer["pages"], json!([[]]));
    let kind = &answer["failure"]["body"]["type"];
    assert_eq!(*kind, "urn:stonework:versioning:version-unspecified");
    let at = answer["failure"]["at"].as_str().unwrap();
    assert_eq!(at, format!("http://{server}{}", after(0).unwrap()));
}

#[tokio::test]
async fn a_missing_an_unknown_and_a_malformed_version_are_problems_that_can_be_read() {
    let seen = Seen::default();
    let server = axum_server(router(builder(), &seen)).await;
    let asked = [
        ("", "version-unspecified", "API version is not specified"),
        ("2025-01-01", "version-unsupported", "API version is not supported"),
        ("2025-11-15-preview", "version-unsupported", "API version is not supported"),
        ("2025-02-29", "version-malformed", "API version is malformed"),
        ("2025-11-15,2024-05-01", "version-malformed", "API version is malformed"),
    ];
    let answers = ask(server, "/orders", &asked.map(|(version, ..)| version)).await;
    assert_eq!(answers.len(), asked.len());
    for (answer, (version, kind, title)) in answers.iter().zip(asked) {
        let failure = &answer["failure"];
        assert_eq!(
            (&failure["error"], &failure["status"]),
            (&json!("HttpResponseError"), &json!(400))
        );
        let body = &failure["body"];
        assert_eq!(body["type"], format!("urn:stonework:versioning:{kind}"), "{version}");
        assert_eq!((&body["status"], &body["title"]), (&json!(400), &json!(title)));
        assert_eq!(body["supported"], json!(VERSIONS));
        let message = failure["message"].as_str().unwrap();
        assert!(message.contains(title) && message.contains("2026-01-01-preview"), "{message}");
        assert_eq!(answer["pages"], json!([]));
    }
    assert_eq!(seen.take("api-version"), [[""; 0]; 0], "nothing reached the handler");
}

/// What an API of Azure's does with the problem.
async fn in_azures_words(response: Response) -> Response {
    let extensions = response.extensions();
    let (Some(rejection), Some(problem)) =
        (extensions.get::<Rejection>(), extensions.get::<Problem>())
    else {
        return response;
    };
    let code = match rejection {
        Rejection::Unspecified => "MissingApiVersionParameter",
        _ => "UnsupportedApiVersionValue",
    };
    let body: Value = serde_json::from_str(&problem.to_json()).unwrap();
    let message = format!("{}: {}", problem.message(), body["supported"]);
    let error = json!({"error": {"code": code, "message": message}});
    (problem.status(), [("x-ms-error-code", code)], Json(error)).into_response()
}

#[tokio::test]
async fn a_problem_in_azures_words_is_an_error_with_a_code() {
    let router = router(builder(), &Seen::default()).layer(map_response(in_azures_words));
    let server = axum_server(router).await;
    let answers = ask(server, "/orders", &["", "2025-01-01"]).await;
    let codes = ["MissingApiVersionParameter", "UnsupportedApiVersionValue"];
    assert_eq!(answers.len(), codes.len());
    for (answer, code) in answers.iter().zip(codes) {
        assert_eq!(answer["failure"]["code"], code);
        let message = answer["failure"]["message"].as_str().unwrap();
        assert!(message.contains(code) && message.contains("2025-11-15"), "{message}");
    }
}
