//! Runs Stripe's SDK for Python.

use serde::Deserialize;

use super::super::python::Script;
use super::provider::Charge;

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
        Script::start("stripe_charges.py", &self.arguments).hear_all().await
    }
}
