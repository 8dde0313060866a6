//! Stripe's own SDK for Python names a version of Stripe's in every call.

use std::fmt;
use std::net::SocketAddr;

use axum::extract::RawQuery;
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use stonework_versioning::{
    DateVersion, Header, Malformed, MigrationLayer, Problem, Rejection, Select, Version,
    VersionLayer,
};
use tower::ServiceBuilder;

use crate::python::Script;
use crate::sockets::axum_server;

/// A kind of versions of our own: `2024-06-20`, and since then `2025-09-30.clover`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Release {
    day: DateVersion,
    codename: Option<String>,
}

impl Version for Release {
    fn parse(text: &[u8]) -> Result<Self, Malformed> {
        let (day, codename) = text.split_at_checked("2024-06-20".len()).ok_or(Malformed::new())?;
        let codename = match codename {
            [] => None,
            [b'.', name @ ..] if !name.is_empty() && name.iter().all(u8::is_ascii_lowercase) => {
                Some(String::from_utf8_lossy(name).into_owned())
            }
            _ => return Err(Malformed::new()),
        };
        Ok(Self { day: DateVersion::parse(day)?, codename })
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.day)?;
        self.codename.as_ref().map_or(Ok(()), |name| write!(f, ".{name}"))
    }
}

const FIRST: &str = "2024-06-20";
const CLOVER: &str = "2025-09-30.clover";

fn versions(newest: &str, select: Select) -> VersionLayer {
    VersionLayer::builder::<Release>()
        .version(FIRST, |v| v)
        .version(CLOVER, |v| v)
        .version(newest, |v| v)
        .read(Header::named("stripe-version"))
        .echo("stripe-version")
        .select(select)
        .build()
        .unwrap()
}

fn migrations(versions: &VersionLayer, newest: &str) -> MigrationLayer {
    versions
        .migrations()
        .gate(newest, |gate| {
            gate.describe("`source` is called `payment_method`.").response(|body| {
                body.rename("/payment_method", "source").rename("/data/*/payment_method", "source")
            })
        })
        .gate(CLOVER, |gate| {
            gate.describe("`receipt_email` stands in `billing_details`.").response(|body| {
                body.move_to("/billing_details/email", "/receipt_email")
                    .remove("/billing_details")
                    .move_to("/data/*/billing_details/email", "/data/*/receipt_email")
                    .remove("/data/*/billing_details")
            })
        })
        .build()
        .unwrap()
}

/// As the handlers know it, who know no other version than the newest.
fn charge(id: &str) -> Value {
    json!({
        "object": "charge",
        "id": id,
        "amount": 500,
        "payment_method": "card_1",
        "billing_details": {"email": "a@example.com"},
    })
}

/// As clients of a version are to see it.
fn seen(id: &str, version: &str) -> Value {
    let mut charge = charge(id);
    let members = charge.as_object_mut().unwrap();
    if matches!(version, FIRST | CLOVER) {
        let method = members.remove("payment_method").unwrap();
        members.insert("source".to_owned(), method);
    }
    if version == FIRST {
        let mut details = members.remove("billing_details").unwrap();
        members.insert("receipt_email".to_owned(), details["email"].take());
    }
    charge
}

/// The SDK goes on after the last one that it was given.
async fn list(RawQuery(query): RawQuery) -> Json<Value> {
    let is_second = query.is_some_and(|query| query.contains("starting_after=ch_2"));
    let page = if is_second { vec![charge("ch_3")] } else { vec![charge("ch_1"), charge("ch_2")] };
    Json(json!({"object": "list", "url": "/v1/charges", "has_more": !is_second, "data": page}))
}

/// The SDK sends forms.
async fn create(form: String) -> Json<Value> {
    assert_eq!(form, "amount=500&currency=eur&source=tok_visa");
    Json(charge("ch_1"))
}

fn app(versions: VersionLayer, newest: &str) -> Router {
    let router = Router::new()
        .route("/v1/charges", get(list).post(create))
        .route("/v1/charges/{id}", get(async || Json(charge("ch_1"))));
    let migrations = migrations(&versions, newest);
    let stack = ServiceBuilder::new().layer(versions).layer(migrations).service(router);
    Router::new().fallback_service(stack)
}

/// The version that the SDK was made for, which is newer than all others here.
async fn default_version() -> String {
    let said = Script::start("stripe_versions.py", ["--default"]).hear_all().await;
    let [version]: [String; 1] = said.try_into().unwrap();
    version
}

/// A server of three versions, and the newest of them.
async fn server(select: Select) -> (SocketAddr, String) {
    let newest = default_version().await;
    let app = app(versions(&newest, select), &newest);
    (axum_server(app).await, newest)
}

async fn ask(server: SocketAddr, options: &[&str], versions: &[&str]) -> Vec<Value> {
    let url = format!("http://{server}");
    let versions = versions.iter().map(|version| format!("--version={version}"));
    let options = options.iter().map(|option| (*option).to_owned());
    let arguments = [url].into_iter().chain(options).chain(versions);
    Script::start("stripe_versions.py", arguments).hear_all().await
}

fn found(what: &Value, version: &str) -> Value {
    json!({"found": what, "status": 200, "version": version})
}

#[tokio::test]
async fn it_names_the_version_that_it_was_made_for() {
    let (server, newest) = server(Select::Exact).await;
    assert_eq!(ask(server, &[], &[""]).await, [found(&charge("ch_1"), &newest)]);
}

#[tokio::test]
async fn its_objects_have_the_shape_of_the_version_that_the_client_or_the_call_names() {
    let (server, newest) = server(Select::Exact).await;
    let all = [FIRST, CLOVER, &newest];
    let expected = all.map(|version| found(&seen("ch_1", version), version));
    for options in [&[][..], &["--per-call"], &["--do=create"], &["--do=create", "--per-call"]] {
        assert_eq!(ask(server, options, &all).await, expected, "{options:?}");
    }
}

#[tokio::test]
async fn it_reads_page_by_page_in_one_version() {
    let (server, newest) = server(Select::Exact).await;
    let all = [FIRST, CLOVER, &newest];
    let pages = |version| json!(["ch_1", "ch_2", "ch_3"].map(|id| seen(id, version)));
    let expected = all.map(|version| found(&pages(version), version));
    for options in [&["--do=list"][..], &["--do=list", "--per-call"]] {
        assert_eq!(ask(server, options, &all).await, expected, "{options:?}");
    }
}

/// A service that did not change in a release has no version of that name.
#[tokio::test]
async fn a_version_between_two_falls_to_the_older_and_says_so() {
    let (server, newest) = server(Select::Waterfall).await;
    let versions = ["2024-06-21", "2025-01-27.acacia", "2025-10-29.clover", &newest];
    let expected = [FIRST, FIRST, CLOVER, &newest];
    let expected = expected.map(|version| found(&seen("ch_1", version), version));
    assert_eq!(ask(server, &[], &versions).await, expected);
    let beyond = ask(server, &[], &["2024-06-19", "2999-01-01.zenith"]).await;
    assert_eq!(beyond.len(), 2);
    for answer in beyond {
        assert_eq!((&answer["status"], &answer["error"]), (&json!(400), &json!("APIError")));
    }
}

/// It knows only errors of Stripe's, and shows any other as it came.
#[tokio::test]
async fn a_problem_that_it_does_not_know_is_shown_whole() {
    let (server, newest) = server(Select::Exact).await;
    let asked = [
        // That day had another name.
        ("2025-09-30.basil", "version-unsupported"),
        ("2025-09-30", "version-unsupported"),
        ("2025-10-29.clover", "version-unsupported"),
        ("2025-09-31.clover", "version-malformed"),
        ("2025-09-30.", "version-malformed"),
        ("2025-09-30.Clover", "version-malformed"),
        ("clover", "version-malformed"),
    ];
    let answers = ask(server, &[], &asked.map(|(version, _)| version)).await;
    assert_eq!(answers.len(), asked.len());
    for (answer, (version, slug)) in answers.iter().zip(asked) {
        let kind = format!("urn:stonework:versioning:{slug}");
        assert_eq!((&answer["error"], &answer["status"]), (&json!("APIError"), &json!(400)));
        assert_eq!(answer["body"]["type"], kind, "{version}");
        assert_eq!(answer["body"]["supported"], json!([FIRST, CLOVER, newest]));
        let message = answer["message"].as_str().unwrap();
        assert!(message.contains(&kind) && message.contains(CLOVER), "{message}");
    }
}

/// What an API like Stripe's does with the problem.
async fn in_stripes_words(response: Response) -> Response {
    let extensions = response.extensions();
    let (Some(rejection), Some(problem)) =
        (extensions.get::<Rejection>(), extensions.get::<Problem>())
    else {
        return response;
    };
    let error = json!({
        "type": "invalid_request_error",
        "code": rejection.slug(),
        "message": problem.message(),
        "param": "Stripe-Version",
    });
    (problem.status(), Json(json!({ "error": error }))).into_response()
}

#[tokio::test]
async fn a_problem_in_stripes_words_is_an_exception_of_the_sdk() {
    let newest = default_version().await;
    let app = app(versions(&newest, Select::Exact), &newest);
    let server = axum_server(app.layer(map_response(in_stripes_words))).await;
    let answers = ask(server, &["--per-call"], &["2025-09-30.basil", FIRST]).await;
    let [refused, served] = &answers[..] else { panic!("{answers:?}") };
    for (member, expected) in [
        ("error", json!("InvalidRequestError")),
        ("status", json!(400)),
        ("code", json!("version-unsupported")),
        ("param", json!("Stripe-Version")),
        ("message", json!("API version is not supported")),
    ] {
        assert_eq!(refused[member], expected, "{refused}");
    }
    assert_eq!(*served, found(&seen("ch_1", FIRST), FIRST));
}
