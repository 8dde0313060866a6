//! A program around an SDK, which signs or verifies.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::wire::{Answer, Relay, Wire};
use crate::python::Script;

#[derive(Clone, Copy)]
pub(crate) struct Sdk {
    pub(crate) script: &'static str,
    /// For signing and verifying alike.
    pub(crate) arguments: &'static [&'static str],
}

impl Sdk {
    fn start(&self, more: &[&str]) -> Script {
        Script::start(self.script, self.arguments.iter().chain(more))
    }

    /// What the server answered to what the SDK signed: one for each time.
    pub(crate) async fn asks(&self, url: &str, arguments: &[&str]) -> Vec<u64> {
        let script = self.start(&[&["sign", url], arguments].concat());
        let answers: Vec<Value> = script.hear_all().await;
        answers.iter().map(|answer| answer["status"].as_u64().unwrap()).collect()
    }

    /// The same for one request, and the request.
    pub(crate) async fn signs(
        &self,
        server: SocketAddr,
        path: &str,
        arguments: &[&str],
    ) -> (u64, Wire) {
        let relay = Relay::to(server).await;
        let url = format!("http://{}{path}", relay.address);
        let answers = self.asks(&url, arguments).await;
        let [status] = answers[..] else { panic!("{answers:?}") };
        (status, relay.request())
    }

    /// A server that asks the SDK what it makes of a request.
    pub(crate) async fn verifier(&self) -> Receiver {
        let mut script = self.start(&["verify"]);
        let port = script.hear::<Value>().await.expect("a port")["port"].as_u64().unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], u16::try_from(port).unwrap()));
        Receiver { address, _script: script }
    }
}

pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    _script: Script,
}

impl Receiver {
    /// `Err` with what was raised, or `refused`.
    pub(crate) async fn takes(&self, request: &Wire) -> Result<(), String> {
        match request.send(self.address).await {
            Answer { status: 204, .. } => Ok(()),
            Answer { status: 401, text } => Err(text),
            // That of a server that does not understand HTTP like this.
            Answer { status: 400, .. } => Err("not HTTP".to_owned()),
            answer => panic!("{answer:?} to {request:?}"),
        }
    }
}

/// A clock that stands still.
#[derive(Debug)]
pub(crate) struct At(pub(crate) u64);

impl At {
    pub(crate) fn clock(seconds: u64) -> Arc<dyn stonework_core::Clock> {
        Arc::new(Self(seconds))
    }
}

impl stonework_core::Clock for At {
    fn monotonic(&self) -> Duration {
        self.unix()
    }

    fn unix(&self) -> Duration {
        Duration::from_secs(self.0)
    }
}

/// The time of SDKs, which have no other clock.
pub(crate) fn now() -> u64 {
    stonework_core::Clock::unix(&stonework_core::SystemClock::new()).as_secs()
}
