//! zeep calls the example of SOAP as its WSDL says, and reads every refusal as a fault.

use std::process::Command;

use serde::Deserialize;
use serde_json::{Value, json};

use super::python::Script;
use crate::support::Service;

/// What the script says of a call.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Said {
    result: Value,
    fault: Fault,
    status: u16,
    headers: Headers,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Fault {
    code: String,
    subcodes: Vec<String>,
    message: String,
    detail: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Headers {
    content_type: String,
    retry_after: Option<String>,
    idempotent_replayed: Option<String>,
}

fn start(rate: &str) -> Service {
    let mut command = Command::new(env!("CARGO_BIN_EXE_soap"));
    command.env("RATE_LIMIT", rate);
    Service::of(command)
}

fn url(service: &Service, path: &str) -> String {
    format!("http://{}{path}", service.address())
}

async fn call(service: &Service, calls: &[Value]) -> Vec<Said> {
    let calls = calls.iter().map(Value::to_string);
    let arguments = std::iter::once(url(service, "/v1/soap?wsdl")).chain(calls);
    let all: Vec<Said> = Script::start("zeep_calls.py", arguments).hear_all().await;
    for said in &all {
        assert_eq!(said.headers.content_type, "application/soap+xml; charset=utf-8", "{said:?}");
    }
    all
}

fn transfer(amount: u32, id: &str) -> Value {
    json!({"operation": "Transfer", "parts": {"to": "bob & co", "amount": amount}, "id": id})
}

#[track_caller]
fn assert_fault(said: &Said, status: u16, code: &str, subcode: &str) {
    assert_eq!((said.status, &*said.fault.code), (status, code), "{said:?}");
    assert_eq!(said.fault.subcodes, [format!("{{urn:stonework:fault}}{subcode}")], "{said:?}");
    assert!(!said.fault.message.is_empty() && said.fault.detail.len() == 2, "{said:?}");
}

#[tokio::test]
async fn it_calls_and_a_message_that_is_sent_again_happens_once() {
    let service = start("100/s");
    let balance = json!({"operation": "GetBalance", "id": "urn:a"});
    let calls = [
        balance.clone(),
        transfer(100, "urn:uuid:1"),
        transfer(100, "urn:uuid:1"),
        transfer(101, "urn:uuid:1"),
        transfer(5_000, "urn:uuid:2"),
        // The next three have the ids of others, of another account, and none.
        balance.clone(),
        json!({"operation": "GetBalance", "account": "bob", "id": "urn:uuid:1"}),
        json!({"operation": "GetBalance"}),
    ];
    let said = call(&service, &calls).await;
    let [first, made, again, other, poor, rest @ ..] = &said[..] else { panic!("{said:?}") };
    assert_eq!((first.status, &first.result), (200, &json!(1000)));
    assert_eq!(
        (made.status, &made.result["to"], &made.result["balance"]),
        (200, &json!("bob & co"), &json!(900))
    );
    assert_eq!((again.status, &again.result), (200, &made.result));
    assert_eq!(again.headers.idempotent_replayed.as_deref(), Some("true"));
    assert_fault(other, 400, "env:Sender", "key-reused");
    assert_fault(poor, 400, "env:Sender", "insufficient-funds");
    let rest: Vec<_> = rest.iter().map(|said| (said.status, said.result.clone())).collect();
    assert_eq!(rest, [(200, json!(900)), (200, json!(1000)), (200, json!(900))]);
}

#[tokio::test]
async fn it_reads_every_refusal_as_a_fault() {
    let service = start("100/s");
    let calls = [
        json!({"operation": "GetBalance", "account": "not.an.account"}),
        json!({"operation": "GetBalance", "address": url(&service, "/v9/soap")}),
        json!({"operation": "GetBalance", "address": url(&service, "/v1/other")}),
        json!({"operation": "Transfer", "parts": {"to": "x".repeat(65), "amount": 1}}),
        json!({"operation": "Transfer", "parts": {"to": "x".repeat(20_000), "amount": 1}}),
        transfer(1, &"x".repeat(256)),
    ];
    let said = call(&service, &calls).await;
    for (said, (status, subcode)) in said.iter().zip([
        (401, "unauthenticated"),
        (404, "version-unsupported"),
        (404, "unknown-route"),
        (400, "invalid-operation"),
        (400, "body-too-large"),
        (400, "key-malformed"),
    ]) {
        assert_fault(said, status, "env:Sender", subcode);
    }
    assert_eq!(said.len(), calls.len());
}

#[tokio::test]
async fn it_hears_when_it_has_sent_too_many() {
    // The WSDL is asked for by nobody in particular.
    let service = start("2/h");
    let balance = json!({"operation": "GetBalance"});
    let said = call(&service, &[balance.clone(), balance.clone(), balance]).await;
    assert_eq!((said[0].status, said[1].status), (200, 200), "{said:?}");
    assert_fault(&said[2], 500, "env:Receiver", "quota-exceeded");
    let seconds: u32 = said[2].headers.retry_after.as_deref().unwrap().parse().unwrap();
    assert!((1..=1_800).contains(&seconds));
}
