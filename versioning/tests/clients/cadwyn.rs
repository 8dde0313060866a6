//! The same service in Cadwyn and here: whatever is sent, in whichever version, the answers are equal.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Bytes;
use axum::response::IntoResponse;
use axum::routing::post;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseResult, TestRunner};
use serde_json::{Map, Value, json};
use stonework_versioning::{
    DateVersion, Document, Edits, Gate, GateError, Header, Select, VersionLayer,
};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;

use crate::python::Script;
use crate::sockets::axum_server;

const OLDEST: &str = "2024-01-01";
const MIDDLE: &str = "2025-06-01";
const NEWEST: &str = "2026-03-10";

/// Edits of an order that stands there.
type OrderEdits = fn(Edits, &str) -> Edits;

fn price_up(edits: Edits, order: &str) -> Edits {
    edits
        .move_to(&format!("{order}/lines/*/amount"), &format!("{order}/lines/*/price/value"))
        .default(&format!("{order}/lines/*/price/currency"), "EUR")
}

fn price_down(edits: Edits, order: &str) -> Edits {
    edits
        .move_to(&format!("{order}/lines/*/price/value"), &format!("{order}/lines/*/amount"))
        .remove(&format!("{order}/lines/*/price"))
}

fn customer_up(edits: Edits, order: &str) -> Edits {
    edits
        .move_to(&format!("{order}/customer_name"), &format!("{order}/customer/name"))
        .rename(&format!("{order}/status"), "state")
        .with(in_each(order, tags_up))
}

fn customer_down(edits: Edits, order: &str) -> Edits {
    edits
        .move_to(&format!("{order}/customer/name"), &format!("{order}/customer_name"))
        .remove(&format!("{order}/customer"))
        .rename(&format!("{order}/state"), "status")
        .with(in_each(order, tags_down))
}

fn in_each(
    order: &str,
    edit: fn(&mut Document<'_>) -> Result<(), GateError>,
) -> impl Fn(&mut Document<'_>) -> Result<(), GateError> + use<> {
    let order = order.to_owned();
    move |document| document.each(&order, edit)
}

fn tags_up(order: &mut Document<'_>) -> Result<(), GateError> {
    let Some(tags) = order.get::<String>("/tags")? else { return Ok(()) };
    let tags: Vec<_> = tags.split(',').filter(|tag| !tag.is_empty()).collect();
    order.set("/tags", &tags)
}

fn tags_down(order: &mut Document<'_>) -> Result<(), GateError> {
    let Some(tags) = order.get::<Vec<String>>("/tags")? else { return Ok(()) };
    order.set("/tags", &tags.join(","))
}

fn change(what: &str, up: OrderEdits, down: OrderEdits) -> [impl FnOnce(Gate) -> Gate + use<>; 2] {
    [("/orders", ""), ("/batches", "/*")].map(|(route, order)| {
        let what = what.to_owned();
        move |gate: Gate| {
            let gate = gate.describe(what).at(route);
            gate.request(|body| up(body, order)).response(|body| down(body, order))
        }
    })
}

fn app() -> Router {
    let versions = VersionLayer::builder::<DateVersion>()
        .version(OLDEST, |v| v)
        .version(MIDDLE, |v| v)
        .version(NEWEST, |v| v)
        .read(Header::named("x-api-version"))
        .echo("x-api-version")
        .select(Select::Waterfall)
        .build()
        .unwrap();
    let [price, price_of_each] =
        change("The price of a line has a currency.", price_up, price_down);
    let [customer, customer_of_each] =
        change("A customer is an object, and tags are a list.", customer_up, customer_down);
    let migrations = versions
        .migrations()
        .gate(NEWEST, price)
        .gate(NEWEST, price_of_each)
        .gate(MIDDLE, customer)
        .gate(MIDDLE, customer_of_each)
        .gate(MIDDLE, |gate| {
            gate.describe("An error has a code.")
                .at("/orders")
                .error(|body| body.move_to("/detail/message", "/detail"))
        })
        // Requests alone, so that it can be seen what a handler sees.
        .gate(NEWEST, |gate| gate.describe("As above.").at("/seen").request(|b| price_up(b, "")))
        .gate(MIDDLE, |gate| gate.describe("As above.").at("/seen").request(|b| customer_up(b, "")))
        .build()
        .unwrap();
    let routes = Router::new()
        .route("/orders", post(create))
        .route("/batches", post(echo))
        .route("/seen", post(echo));
    versions.around(routes.layer(migrations))
}

const JSON: [(http::HeaderName, &str); 1] = [(header::CONTENT_TYPE, "application/json")];

/// Knows the newest version alone, and does not touch what it does not know.
async fn create(body: Bytes) -> impl IntoResponse {
    let mut order = Document::parse(&body).unwrap();
    if let Some(why) = order.get::<String>("/refuse").unwrap() {
        let error = json!({"detail": {"code": "refused", "message": why}});
        return (StatusCode::UNPROCESSABLE_ENTITY, JSON, error.to_string().into_bytes());
    }
    order.default("/state", "open").unwrap();
    (StatusCode::CREATED, JSON, order.to_bytes())
}

async fn echo(body: Bytes) -> impl IntoResponse {
    (JSON, body)
}

/// A client that keeps its connection.
struct Client(SendRequest<Full<Bytes>>);

#[derive(Debug, PartialEq)]
struct Answer {
    status: u16,
    version: String,
    body: String,
}

impl Client {
    async fn connect(address: SocketAddr) -> Self {
        let io = TokioIo::new(TcpStream::connect(address).await.unwrap());
        let (sender, connection) = handshake(io).await.unwrap();
        tokio::spawn(connection);
        Self(sender)
    }

    async fn send(&mut self, version: &str, path: &str, body: &str) -> Answer {
        let request = Request::post(path)
            .header(header::HOST, "localhost")
            .header(header::CONTENT_TYPE, "application/json")
            .header("x-api-version", version)
            .body(Full::new(Bytes::from(body.to_owned())))
            .unwrap();
        self.0.ready().await.unwrap();
        let response = self.0.send_request(request).await.unwrap();
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let version = head.headers.get("x-api-version").map(|version| version.to_str().unwrap());
        Answer {
            status: head.status.as_u16(),
            version: version.unwrap_or_default().to_owned(),
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }
}

/// Both services, and a client of each.
struct Both {
    runtime: Runtime,
    ours: Client,
    theirs: Client,
    /// Ends with it.
    _cadwyn: Script,
}

impl Both {
    fn start() -> Self {
        let runtime = Runtime::new().unwrap();
        let (ours, theirs, cadwyn) = runtime.block_on(async {
            let mut cadwyn = Script::start("cadwyn_orders.py", [""; 0]);
            let port: u16 = cadwyn.hear().await.unwrap();
            let theirs = Client::connect(([127, 0, 0, 1], port).into()).await;
            (Client::connect(axum_server(app()).await).await, theirs, cadwyn)
        });
        Self { runtime, ours, theirs, _cadwyn: cadwyn }
    }

    /// What we answer, and what they do.
    fn send(&mut self, version: &str, path: &str, body: &str) -> [Answer; 2] {
        let Self { runtime, ours, theirs, .. } = self;
        runtime.block_on(async {
            [ours.send(version, path, body).await, theirs.send(version, path, body).await]
        })
    }

    /// The order of members differs, and nothing else.
    fn agree(&mut self, version: &str, path: &str, body: &Value) -> Result<Value, TestCaseError> {
        let [ours, theirs] = self.send(version, path, &body.to_string());
        prop_assert_eq!((ours.status, &ours.version), (theirs.status, &theirs.version));
        let [ours, theirs] = [ours, theirs]
            .map(|answer| serde_json::from_str::<Value>(&answer.body).expect("what is JSON"));
        prop_assert_eq!(&ours, &theirs);
        Ok(ours)
    }
}

fn check<S: Strategy>(of: &S, holds: impl Fn(&mut Both, S::Value) -> TestCaseResult) {
    let both = std::cell::RefCell::new(Both::start());
    let config = Config { failure_persistence: None, ..Config::with_cases(100) };
    let outcome = TestRunner::new(config).run(of, |value| holds(&mut both.borrow_mut(), value));
    outcome.unwrap();
}

/// As clients of a version write it.
fn order(version: &'static str) -> impl Strategy<Value = Value> {
    let tags = prop::collection::vec("[a-z]{1,5}", 0..4);
    let lines = prop::collection::vec(line(version), 0..4);
    let extra = prop_oneof![
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        Just(Value::Null),
        Just(json!({"a": [1, {"b": null}], "lines": 7})),
    ];
    (
        prop::option::of(any::<String>()),
        prop::option::of(any::<String>()),
        prop::option::of(tags),
        prop::option::of(lines),
        prop::option::of(extra),
    )
        .prop_map(move |(name, state, tags, lines, extra)| {
            let is_oldest = version == OLDEST;
            let name = name.map(|name| match is_oldest {
                true => ("customer_name", json!(name)),
                false => ("customer", json!({ "name": name })),
            });
            let state =
                state.map(|state| (if is_oldest { "status" } else { "state" }, json!(state)));
            let tags = tags
                .map(|tags| ("tags", if is_oldest { json!(tags.join(",")) } else { json!(tags) }));
            let lines = lines.map(|lines| ("lines", json!(lines)));
            let all = [name, state, tags, lines, extra.map(|extra| ("extra", extra))];
            object(all.into_iter().flatten())
        })
}

fn line(version: &'static str) -> impl Strategy<Value = Value> {
    let currency = prop::option::of("[A-Z]{3}");
    let amount = prop::option::of((any::<i64>(), currency));
    (any::<Option<String>>(), amount).prop_map(move |(sku, amount)| {
        let amount = amount.map(|(value, currency)| match version {
            OLDEST | MIDDLE => ("amount", json!(value)),
            _ => ("price", json!({"value": value, "currency": currency.unwrap_or("EUR".into())})),
        });
        object(sku.map(|sku| ("sku", json!(sku))).into_iter().chain(amount))
    })
}

fn object(members: impl Iterator<Item = (&'static str, Value)>) -> Value {
    Value::Object(members.map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
}

fn versioned() -> impl Strategy<Value = (&'static str, Vec<Value>)> {
    prop::sample::select(vec![OLDEST, MIDDLE, NEWEST])
        .prop_flat_map(|version| (Just(version), prop::collection::vec(order(version), 1..4)))
}

/// Nor is an answer of another shape than the request: a client sees what it sent.
#[test]
fn orders_come_back_in_the_version_of_who_sent_them() {
    check(&versioned(), |both, (version, orders)| {
        for order in &orders {
            let mut answer = both.agree(version, "/orders", order)?;
            let state = if version == OLDEST { "status" } else { "state" };
            if order.get(state).is_none() {
                prop_assert_eq!(answer.as_object_mut().unwrap().remove(state), Some(json!("open")));
            }
            prop_assert_eq!(&answer, order);
        }
        Ok(())
    });
}

#[test]
fn handlers_see_the_newest_shape_whoever_sent_it() {
    check(&versioned(), |both, (version, orders)| {
        for order in &orders {
            let seen = both.agree(version, "/seen", order)?;
            prop_assert!(["customer_name", "status"].iter().all(|old| seen.get(*old).is_none()));
        }
        Ok(())
    });
}

#[test]
fn items_of_a_list_are_migrated_each() {
    check(&versioned(), |both, (version, orders)| {
        let orders = Value::Array(orders);
        prop_assert_eq!(both.agree(version, "/batches", &orders)?, orders);
        Ok(())
    });
}

#[test]
fn errors_have_the_shape_of_the_version_too() {
    let refused = (prop::sample::select(vec![OLDEST, MIDDLE, NEWEST]), any::<String>());
    check(&refused, |both, (version, why)| {
        let answer = both.agree(version, "/orders", &json!({ "refuse": why }))?;
        let newer = json!({"detail": {"code": "refused", "message": why}});
        let expected = if version == OLDEST { json!({ "detail": why }) } else { newer };
        prop_assert_eq!(answer, expected);
        Ok(())
    });
}

/// What a machine has no number for stays as it is.
#[test]
fn numbers_of_any_size_come_back() {
    let mut both = Both::start();
    let body =
        r#"{"extra":123456789012345678901234567890,"lines":[{"amount":-98765432109876543210}]}"#;
    for answer in both.send(OLDEST, "/orders", body) {
        assert!(answer.body.contains(r#""extra":123456789012345678901234567890"#), "{answer:?}");
        assert!(answer.body.contains(r#"{"amount":-98765432109876543210}"#), "{answer:?}");
    }
}

/// A day on which there was no new version is that of the one before. What lies beyond is refused here, and
/// neither guessed nor missing.
#[test]
fn other_days_get_the_version_before() {
    let mut both = Both::start();
    for (asked, served) in [
        ("2024-01-02", OLDEST),
        ("2025-05-31", OLDEST),
        ("2025-06-02", MIDDLE),
        ("2026-03-09", MIDDLE),
    ] {
        let answers = both.send(asked, "/orders", "{}");
        for answer in answers {
            assert_eq!((answer.status, &*answer.version), (201, served), "{asked}");
        }
    }
    for (asked, theirs) in [("2023-12-31", 404), ("2026-03-11", 201), ("latest", 422)] {
        let statuses = both.send(asked, "/orders", "{}").map(|answer| answer.status);
        assert_eq!(statuses, [400, theirs], "{asked}");
    }
}
