//! Pages that call the program `grpc` with Google's own client of gRPC-web.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::chromium::{Seen, run};
use crate::sites::origin;
use crate::support::Service;

const CLIENT: &str = include_str!("grpc_web.js");

/// The page may call by default, and a stranger's may not.
const PAGE: &str = "localhost";
const STRANGER: &str = "stranger.example.test";

fn service(variables: &[(&str, &str)]) -> Service {
    let mut command = Command::new(env!("CARGO_BIN_EXE_grpc"));
    for name in ["DATABASE_PATH", "RATE_LIMIT", "ALLOWED_ORIGINS"] {
        command.env_remove(name);
    }
    command.envs(variables.iter().copied());
    Service::of(command)
}

/// The client as it is published.
fn source() -> String {
    let modules = std::env::var_os("STONEWORK_NODE_MODULES");
    let modules = modules.expect("STONEWORK_NODE_MODULES is set; run ./test.sh browser");
    let path = Path::new(&modules).join("grpc-web/index.js");
    std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; run ./test.sh browser", path.display()))
}

/// Runs a script in a page of this host.
fn on(host: &str, service: &Service, script: &str) -> Seen {
    let api = format!("http://{}", service.address());
    let (api, source) = (json!(api), json!(source()));
    let script = format!("const api = {api}, source = {source};\n{CLIENT}\n{script}");
    run(&origin(host), &script)
}

fn in_page(service: &Service, script: &str) -> Value {
    let seen = on(PAGE, service, script);
    assert_eq!(seen.cors, [], "{seen:?}");
    seen.result
}

#[test]
fn a_page_pays_once_and_is_told_so() {
    for format in ["text", "binary"] {
        let service = service(&[]);
        let script = format!(
            "const pay = () => transfer('{format}', rent(100), {{'idempotency-key': 'k'}});
             return [await pay(), await pay()];"
        );
        let [first, retry] = &*in_page(&service, &script).as_array().unwrap().clone() else {
            panic!("two answers")
        };
        assert_eq!(first["receipt"]["left"], 900, "{first}");
        assert_eq!(retry["receipt"], first["receipt"], "{retry}");
        assert_eq!(first["metadata"]["idempotent-replayed"], Value::Null);
        assert_eq!(retry["metadata"]["idempotent-replayed"], "true", "{retry}");
        assert_eq!(retry["metadata"]["api-version"], "v2", "{retry}");
    }
}

#[test]
fn a_page_is_told_what_is_wrong_and_when_to_come_back() {
    let service = service(&[("RATE_LIMIT", "2/h")]);
    let script = "return [
        await transfer('text', rent(5000)),
        await transfer('binary', rent(0)),
        await transfer('binary', rent(1)),
    ]";
    let told = in_page(&service, script);
    // FAILED_PRECONDITION by the handler, INVALID_ARGUMENT, and RESOURCE_EXHAUSTED by a layer.
    for (at, code, message) in
        [(0, 9, "insufficient funds"), (1, 3, "amount: at least 1"), (2, 8, "Quota exceeded")]
    {
        assert_eq!(
            (&told[at]["code"], &told[at]["message"]),
            (&json!(code), &json!(message)),
            "{told}"
        );
        assert!(told[at]["metadata"]["grpc-status-details-bin"].is_string(), "{told}");
    }
    let pushback = told[2]["metadata"]["grpc-retry-pushback-ms"].as_str();
    let pushback: u32 = pushback.expect("when to come back").parse().expect("a number");
    assert!((1..=3_600_000).contains(&pushback), "{told}");
}

#[test]
fn the_deadline_of_a_page_is_that_of_its_call() {
    let service = service(&[]);
    let script = "return [
        await transfer('text', rent(1), {deadline: String(Date.now() + 60_000)}),
        await transfer('text', rent(1), {'grpc-timeout': '0m'}),
        await transfer('text', rent(1), {'grpc-timeout': 'soon'}),
    ]";
    let told = in_page(&service, script);
    assert_eq!(told[0]["receipt"]["left"], 999, "{told}");
    assert_eq!(told[1]["code"], 4, "DEADLINE_EXCEEDED: {told}");
    assert_eq!(told[2]["code"], 3, "INVALID_ARGUMENT: {told}");
}

#[test]
fn a_page_watches_what_is_made() {
    let service = service(&[]);
    let script = "
        let paid;
        const events = await watch(2, () => { paid = transfer('text', rent(100)); });
        return {events, receipt: (await paid).receipt};
    ";
    let told = in_page(&service, script);
    assert_eq!(told["events"], json!(["ready", told["receipt"]]), "{told}");
}

#[test]
fn a_page_of_a_stranger_is_not_let_in() {
    let service = service(&[]);
    let seen = on(STRANGER, &service, "return transfer('text', rent(100))");
    assert_eq!(seen.cors[0].0, "PreflightMissingAllowOriginHeader", "{seen:?}");
    assert!(seen.result["receipt"].is_null(), "{seen:?}");
    let own = in_page(&service, "return transfer('text', rent(1))");
    assert_eq!(own["receipt"]["left"], 999, "nothing of it has arrived: {own}");
}
