//! Runs Stripe's SDK for Python, in a process of its own.

use std::process::{Output, Stdio};

use serde::Deserialize;
use tokio::process::Command;

use super::provider::Charge;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clients/stripe_charges.py");

/// The HTTP client under the SDK. They do not retry the same failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Http {
    /// What the SDK takes if it is not told otherwise.
    Requests,
    /// What it takes for asyncio.
    Httpx,
}

/// What a call of the SDK gave to its caller.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Outcome {
    pub(crate) charge: Option<Charge>,
    /// The name of the exception.
    pub(crate) error: Option<String>,
    pub(crate) code: Option<String>,
    pub(crate) status: Option<u16>,
    pub(crate) replayed: Option<String>,
}

/// A program that uses the SDK.
#[derive(Clone, Debug)]
pub(crate) struct Sdk {
    arguments: Vec<String>,
}

impl Sdk {
    /// Talks to this address. Retries a call up to eight times by itself.
    pub(crate) fn new(address: std::net::SocketAddr, http: Http) -> Self {
        let sdk = Self { arguments: vec![format!("http://{address}")] };
        let http = if http == Http::Requests { "requests" } else { "httpx" };
        sdk.with("--http", http).with("--api-key", "sk_test_alice_1").with("--retries", "8")
    }

    /// Sets an option of the script; a later one replaces an earlier one.
    pub(crate) fn with(mut self, option: &str, value: &str) -> Self {
        self.arguments.push(format!("{option}={value}"));
        self
    }

    /// The outcome of the only call.
    pub(crate) async fn charge(&self) -> Outcome {
        let mut outcomes = self.run().await;
        assert_eq!(outcomes.len(), 1);
        outcomes.remove(0)
    }

    pub(crate) async fn run(&self) -> Vec<Outcome> {
        let output = self.output().await;
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{SCRIPT} failed: {stderr}");
        let stdout = String::from_utf8(output.stdout).unwrap();
        println!("{stdout}");
        stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    async fn output(&self) -> Output {
        let python = std::env::var_os("STONEWORK_PYTHON").unwrap_or_else(|| "python3".into());
        let output = Command::new(&python)
            .arg(SCRIPT)
            .args(&self.arguments)
            // A proxy of the environment would get in between.
            .env("NO_PROXY", "*")
            .env("no_proxy", "*")
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await;
        output.unwrap_or_else(|error| {
            panic!("{} cannot be started: {error}; run ./test.sh clients", python.display())
        })
    }
}
