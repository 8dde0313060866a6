//! What other people's programs make of the document of the payments service: a linter, a generator of clients, and one
//! that makes up requests.

use std::path::PathBuf;
use std::process::Stdio;

use serde_json::Value;
use tokio::process::Command;

use super::python::Script;
use crate::support::{Request, Service};

fn clients(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("clients").join(name)
}

fn python() -> Command {
    let python = std::env::var_os("STONEWORK_PYTHON").unwrap_or_else(|| "python3".into());
    Command::new(python)
}

/// Runs it to its end, which must be well.
async fn assert_runs(command: &mut Command) {
    command.env("NO_PROXY", "*").env("no_proxy", "*").stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await;
    let output = output.unwrap_or_else(|error| panic!("{error}; run ./test.sh clients"));
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
    println!("{}", String::from_utf8_lossy(&said));
}

/// A service with every route that there is, and no failures to order.
fn service() -> Service {
    Service::with(&[
        ("DEMO", "0"),
        ("STRIPE_WEBHOOK_SECRET", "whsec_a_secret_that_is_taken_as_it_is"),
        ("GITHUB_WEBHOOK_SECRET", "It's a Secret to Everybody"),
        ("STANDARD_WEBHOOK_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
    ])
}

#[tokio::test]
async fn a_linter_has_nothing_to_say() {
    let modules = std::env::var_os("STONEWORK_NODE_MODULES").map(PathBuf::from);
    let modules = modules.expect("STONEWORK_NODE_MODULES: run ./test.sh clients");
    let reply = service().ask(&Request::get("/openapi.json")).await;
    let folder = std::env::temp_dir().join(format!("stonework-openapi-{}", uuid::Uuid::new_v4()));
    std::fs::create_dir(&folder).unwrap();
    let document = folder.join("openapi.json");
    std::fs::write(&document, reply.body).unwrap();
    let mut spectral = Command::new("node");
    spectral
        .arg(modules.join("@stoplight/spectral-cli/dist/index.js"))
        .args(["lint", "--fail-severity=hint", "--ruleset"])
        .args([&clients("spectral.yaml"), &document]);
    assert_runs(&mut spectral).await;
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_generated_client_charges_once_and_reads_pages_and_problems() {
    let service = service();
    let url = format!("http://{}", service.address());
    let said: Vec<Value> = Script::start("generated_payments.py", [url]).hear_all().await;
    let [first, second, third, again, found, page, refused] = &said[..] else {
        panic!("{said:?}");
    };
    assert_eq!([&first["balance"], &second["balance"], &third["balance"]], [900, 800, 700]);
    assert_eq!(again["again"], 201);
    assert_eq!((&again["id"], &again["replayed"]), (&third["id"], &"true".into()));
    assert_eq!(found["found"], third["id"]);
    assert_eq!(found["amount"], 100);
    assert_eq!(page["page"], serde_json::json!([third["id"], second["id"]]), "the newest first");
    assert_eq!(page["has_more"], true);
    assert_eq!(refused["refused"], 402);
    assert_eq!(refused["type"], "urn:stonework:payments:insufficient-funds");
    assert_eq!(refused["balance"], 700);
    assert_eq!(service.account("alice").await, (700, 3));
}

#[tokio::test]
async fn requests_that_are_made_up_are_answered_as_described() {
    let service = service();
    let mut schemathesis = python();
    schemathesis
        .args(["-m", "schemathesis.cli", "--config-file"])
        .arg(clients("schemathesis.toml"))
        .arg("run")
        .arg(format!("http://{}/openapi.json", service.address()));
    // It keeps what it has found in the folder that it runs in.
    let folder =
        std::env::temp_dir().join(format!("stonework-schemathesis-{}", uuid::Uuid::new_v4()));
    std::fs::create_dir(&folder).unwrap();
    assert_runs(schemathesis.current_dir(&folder)).await;
    std::fs::remove_dir_all(folder).unwrap();
    // It is still there, and knows nothing of accounts that nobody has.
    assert_eq!(service.account("alice").await, (1000, 0));
}
