//! Receivers that are built on the official libraries verify every attempt.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "support/post.rs"]
mod post;
#[path = "support/receiver.rs"]
mod receiver;

use std::process::Stdio;

use post::{ep, loopback, post_to, soon};
use receiver::SECRET;
use serde_json::Value;
use stonework_webhook_delivery::store::MemoryOutbox;
use stonework_webhook_delivery::{Endpoint, Event, Signer, scheme};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// A script of `examples/clients` that receives. Killed when dropped.
struct Script {
    lines: Lines<BufReader<ChildStdout>>,
    _child: Child,
}

impl Script {
    fn start(name: &str, failures: usize) -> Self {
        let python = || std::env::var_os("STONEWORK_PYTHON").unwrap_or_else(|| "python3".into());
        let program = if name.ends_with(".mjs") { "node".into() } else { python() };
        let mut child = Command::new(&program)
            .arg(format!("{}/../../examples/clients/{name}", env!("CARGO_MANIFEST_DIR")))
            .args([SECRET, &failures.to_string()])
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| {
                panic!("{} cannot be started: {error}; run ./test.sh clients", program.display())
            });
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { lines, _child: child }
    }

    async fn hear(&mut self) -> Value {
        let line = self.lines.next_line().await.unwrap().expect("it goes on; see above");
        serde_json::from_str(&line).unwrap()
    }
}

async fn verifies_every_attempt(name: &str) {
    let mut script = Script::start(name, 2);
    let url = format!("http://127.0.0.1:{}/webhooks", script.hear().await["port"]);
    let mut post = post_to(&url, MemoryOutbox::new(), soon(), |b| b.guard(loopback()));
    // Another secret signs first, as while one is changed.
    let other = "whsec_b3RoZXIgc2VjcmV0IG9mIDI0IGJ5dGVz";
    let signer = Signer::new(scheme::STANDARD).secret(other).secret(SECRET);
    post.endpoints.insert(ep("a"), Endpoint::builder(&url).signer(signer).build().unwrap());
    let _workers = post.delivery.start();
    post.send("msg_1").await;
    for _ in 0..3 {
        let attempt = script.hear().await;
        assert_eq!(attempt["verified"], true, "{attempt}");
        assert_eq!(attempt["id"], "msg_1");
        assert_eq!(attempt["body"], r#"{"message":"msg_1"}"#);
    }
    let Event::Delivered { tries: 3, .. } = post.delivered().await else { panic!("delivered") };
}

#[tokio::test]
async fn the_library_for_python_verifies_every_attempt() {
    verifies_every_attempt("standard_receiver.py").await;
}

#[tokio::test]
async fn the_library_for_node_verifies_every_attempt() {
    verifies_every_attempt("standard_receiver.mjs").await;
}
