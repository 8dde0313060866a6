//! grpcio, as it comes, before the program `grpc`.

use std::process::Command;

use prost::Message;
use serde_json::{Value, json};

use super::python::Script;
use crate::support::Service;

const PROTOCOL: &str = "stonework/payments/v2/payments.proto";

/// What the script hears of a service of its own, with this limit.
async fn hear(what: &str, rate: &str) -> Vec<Value> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_grpc"));
    for name in ["DATABASE_PATH", "ALLOWED_ORIGINS"] {
        command.env_remove(name);
    }
    command.env("RATE_LIMIT", rate);
    let service = Service::of(command);
    let protocol = concat!(env!("CARGO_MANIFEST_DIR"), "/proto");
    let described = protox::compile([PROTOCOL], [protocol]).unwrap().encode_to_vec();
    let file = format!("{}/grpc-{what}.binpb", env!("CARGO_TARGET_TMPDIR"));
    std::fs::write(&file, described).unwrap();
    let target = service.address().to_string();
    Script::start("grpc_payments.py", [&*target, &*file, what]).hear_all().await
}

#[tokio::test]
async fn each_kind_of_call_is_served() {
    let heard = hear("kinds", "1000/s").await;
    let [ready, first, retry, watched, imported, quoted] = &*heard else { panic!("{heard:?}") };
    assert_eq!(ready, &json!({"watched": "ready"}));
    assert_eq!(
        (&first["code"], &first["balance"], &first["replayed"]),
        (&json!("OK"), &json!(900), &json!(false))
    );
    assert_eq!((&retry["id"], &retry["replayed"]), (&first["id"], &json!(true)));
    assert_eq!(watched["watched"], first["id"]);
    assert_eq!(imported, &json!({"imported": 3, "balance": 840}));
    assert_eq!(quoted, &json!({"quoted": [[true, 839], [false, 840]]}));
}

#[tokio::test]
async fn refusals_are_read_with_their_details() {
    let heard = hear("refusals", "1000/s").await;
    let [poor, again, made, reused, unknown, ambiguous] = &*heard else { panic!("{heard:?}") };
    assert_eq!(poor["code"], "FAILED_PRECONDITION");
    assert_eq!(
        (&poor["reason"], &poor["facts"]),
        (&json!("INSUFFICIENT_FUNDS"), &json!({"balance": "1000"}))
    );
    assert_eq!(again, poor, "replayed, whatever it is");
    assert_eq!(made["code"], "OK");
    assert_eq!(
        (&reused["code"], &reused["reason"]),
        (&json!("FAILED_PRECONDITION"), &json!("KEY_REUSED"))
    );
    assert_eq!(reused["domain"], "urn:stonework:idempotency");
    assert_eq!(
        (&unknown["code"], &unknown["reason"]),
        (&json!("UNIMPLEMENTED"), &json!("VERSION_UNSUPPORTED"))
    );
    assert_eq!(unknown["facts"]["supported"], "v1,v2");
    assert_eq!(
        (&ambiguous["code"], &ambiguous["reason"]),
        (&json!("INVALID_ARGUMENT"), &json!("VERSION_AMBIGUOUS"))
    );
}

#[tokio::test]
async fn its_retry_policy_waits_as_long_as_it_is_told() {
    let heard = hear("limits", "1/s").await;
    let [denied, served] = &*heard else { panic!("{heard:?}") };
    assert_eq!(
        (&denied["code"], &denied["message"]),
        (&json!("RESOURCE_EXHAUSTED"), &json!("Quota exceeded"))
    );
    let wait = denied["retry"].as_f64().unwrap();
    assert!(wait > 0.0 && wait <= 1.0, "{denied}");
    assert_eq!(served["code"], "OK", "{served}");
}
