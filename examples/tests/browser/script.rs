//! A story that `run.py` tells in Chromium, and what it asks to be done to the service meanwhile.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::Command;

use crate::support::{Service, program, until};

/// A story, told before a service with these variables.
pub(crate) async fn tell(story: &str, variables: &[(&str, &str)]) {
    let mut services =
        Services { variables, service: Some(Service::with(variables)), port: 0, elsewhere: None };
    services.port = services.service.as_ref().expect("it was started").address().port();
    let url = format!("http://127.0.0.1:{}/", services.port);
    let mut script = python(story, &url).spawn().unwrap_or_else(|error| {
        panic!("Python cannot be started: {error}; run ./test.sh browser");
    });
    let mut stdin = script.stdin.take().expect("its input");
    let mut orders = BufReader::new(script.stdout.take().expect("its output")).lines();
    while let Some(order) = orders.next_line().await.expect("read its output") {
        let order: Value = serde_json::from_str(&order).unwrap_or_else(|_| panic!("{order}"));
        let done = services.obey(&order).await;
        stdin.write_all(format!("{done}\n").as_bytes()).await.expect("write to it");
    }
    let status = script.wait().await.expect("wait for it");
    assert!(status.success(), "{story}: see above");
}

fn python(story: &str, url: &str) -> Command {
    let python = std::env::var_os("STONEWORK_PYTHON").unwrap_or_else(|| "python3".into());
    let mut command = Command::new(python);
    command
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/browser/run.py"))
        .args([story, url])
        .env("PYTHONPATH", concat!(env!("CARGO_MANIFEST_DIR"), "/../cors/tests/browser"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        // A proxy of the environment would get in between.
        .env("NO_PROXY", "*")
        .env("no_proxy", "*")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    command
}

struct Services<'v> {
    variables: &'v [(&'v str, &'v str)],
    port: u16,
    service: Option<Service>,
    /// Another process, on a port of its own.
    elsewhere: Option<Service>,
}

impl Services<'_> {
    async fn obey(&mut self, order: &Value) -> Value {
        match order.as_str().expect("an order") {
            "terminate" => {
                let service = self.service.take().expect("it runs");
                service.terminate();
                let (code, _, errors) = service.ended().await;
                assert_eq!(code, Some(0), "{errors}");
            }
            // It is killed when dropped.
            "kill" => drop(self.service.take().expect("it runs")),
            "start" => {
                // Somebody else may have its port for a while.
                until("it has its port again", async || {
                    let started = Service::try_at(&mut program(self.variables), self.port);
                    self.service = started.inspect_err(|said| eprintln!("{said}")).ok();
                    self.service.is_some()
                })
                .await;
            }
            "elsewhere" => {
                let service = self.elsewhere.insert(Service::with(self.variables));
                return json!(format!("http://{}/", service.address()));
            }
            other => panic!("{other:?} is no order"),
        }
        Value::Null
    }
}
