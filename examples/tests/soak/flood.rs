use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use uuid::Uuid;

use super::client::Client;
use super::keys::Paid;
use super::known::Known;
use super::receivers::Receivers;
use super::tally::{Kind, Tally};
use crate::support::{Reply, Request};

/// What all workers share.
pub(crate) struct Flood {
    pub(crate) service: SocketAddr,
    pub(crate) receivers: Receivers,
    /// Orders under keys.
    pub(crate) paid: Known<Paid>,
    /// Cursors, with whose they are.
    pub(crate) cursors: Known<(String, String)>,
    /// Webhooks that were taken.
    pub(crate) taken: Known<Request>,
    tally: Tally,
    is_over: AtomicBool,
}

impl Flood {
    pub(crate) fn new(service: SocketAddr, receivers: Receivers) -> Self {
        Self {
            service,
            receivers,
            paid: Known::new(),
            cursors: Known::new(),
            taken: Known::new(),
            tally: Tally::default(),
            is_over: AtomicBool::new(false),
        }
    }

    pub(crate) const fn tally(&self) -> &Tally {
        &self.tally
    }

    pub(crate) fn is_over(&self) -> bool {
        self.is_over.load(Relaxed)
    }

    /// Nobody begins anew.
    pub(crate) fn end(&self) {
        self.is_over.store(true, Relaxed);
    }

    /// Somebody at an address that nobody has, most likely.
    pub(crate) async fn client(&self) -> Client {
        Client::new(self.service).await
    }

    /// Asks, and has the answer be one of these.
    pub(crate) async fn ask(
        &self,
        kind: Kind,
        client: &mut Client,
        request: &Request,
        allowed: &[&str],
    ) -> Reply {
        let reply = client.ask(request).await;
        self.tally.answered(kind, &reply, allowed);
        reply
    }

    /// A transfer of one dollar, without a key.
    pub(crate) async fn pay(&self, kind: Kind, client: &mut Client, account: &str) -> Reply {
        let request = Request::transfer(r#"{"to":"bob","amount":1}"#).account(account);
        let reply = self.ask(kind, client, &request, &["201"]).await;
        self.tally.count_made();
        reply
    }
}

/// An account that nobody has.
pub(crate) fn account(of: &str) -> String {
    format!("{of}-{}", new())
}

/// What nobody has said before.
pub(crate) fn new() -> String {
    Uuid::new_v4().simple().to_string()
}

pub(crate) fn random(below: usize) -> usize {
    (Uuid::new_v4().as_u128() % below as u128) as usize
}
