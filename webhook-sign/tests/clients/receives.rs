//! An SDK signs, and what it signed is all that is taken.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use stonework_webhook_sign::scheme::Scheme;
use stonework_webhook_sign::{Rejection, Sender, VerifyLayer};

use super::sdk::{At, Sdk};
use super::wire::{Flip, Wire, flips};
use crate::app::{Counter, NOW, count};
use crate::server::Server;

/// A server behind the layer.
pub(crate) struct Ours {
    pub(crate) server: Server,
    pub(crate) counter: Counter,
    refusals: Arc<Mutex<BTreeSet<&'static str>>>,
}

impl Ours {
    pub(crate) async fn start(scheme: impl Scheme, secrets: &[&str], now: u64) -> Self {
        let sender = secrets.iter().fold(Sender::new(scheme), Sender::secret);
        let refusals = Arc::<Mutex<BTreeSet<_>>>::default();
        let told = Arc::clone(&refusals);
        let layer = VerifyLayer::builder()
            .sender(sender)
            .clock(At::clock(now))
            .danger_accept_replays()
            .on_reject(move |rejection, _| {
                let Rejection::Unauthenticated(refusal) = rejection else {
                    panic!("{rejection:?}")
                };
                told.lock().unwrap().insert(refusal.slug());
            })
            .build()
            .unwrap();
        let counter = Counter::default();
        let server = Server::start(&layer, count(&counter)).await;
        Self { server, counter, refusals }
    }

    /// Why it refused what it refused since it was asked last.
    pub(crate) fn refusals(&self) -> Vec<&'static str> {
        std::mem::take(&mut *self.refusals.lock().unwrap()).into_iter().collect()
    }

    pub(crate) async fn takes(&self, request: &Wire) -> bool {
        let before = self.counter.get();
        let answer = request.send(self.server.address).await;
        let is_taken = answer.status == 200;
        assert!(is_taken || matches!(answer.status, 401), "{answer:?} to {request:?}");
        assert_eq!(self.counter.get() - before, usize::from(is_taken));
        is_taken
    }

    /// Flips every bit of the body. None is taken but those that mean the same.
    pub(crate) async fn knows_the_body(
        &self,
        genuine: &Wire,
        means_the_same: fn(&[u8], Flip) -> bool,
    ) {
        assert!(self.takes(genuine).await, "as it was");
        for flip in flips(&genuine.body) {
            let flipped = genuine.with_body(flip.of(&genuine.body));
            let is_same = means_the_same(&genuine.body, flip);
            assert_eq!(self.takes(&flipped).await, is_same, "{flip:?}");
        }
    }

    /// The same of a header.
    pub(crate) async fn knows_the_header(
        &self,
        genuine: &Wire,
        name: &str,
        means_the_same: fn(&[u8], Flip) -> bool,
    ) {
        assert!(self.takes(genuine).await, "as it was");
        let value = genuine.header(name);
        for flip in flips(value) {
            let flipped = genuine.with(name, flip.of(value));
            if flip.is_control() {
                // By hyper.
                assert_eq!(flipped.send(self.server.address).await.status, 400, "{name} {flip:?}");
                continue;
            }
            let is_same = means_the_same(value, flip);
            assert_eq!(self.takes(&flipped).await, is_same, "{name} {flip:?}");
        }
        assert!(!self.takes(&genuine.without(name)).await, "without {name}");
        assert!(!self.takes(&genuine.and(name, value)).await, "{name} twice");
    }

    /// The same of the path. What HTTP does not allow there hyper refuses.
    pub(crate) async fn knows_the_path(&self, genuine: &Wire) {
        assert!(self.takes(genuine).await, "as it was");
        for flip in flips(genuine.path().as_bytes()) {
            let path = flip.of(genuine.path().as_bytes());
            let status = genuine.at(&path).send(self.server.address).await.status;
            assert!(matches!(status, 400 | 401), "{flip:?}: {status}");
        }
    }
}

/// No flip leaves the meaning.
pub(crate) fn none(_: &[u8], _: Flip) -> bool {
    false
}

/// The last 64 are hexadecimal digits, which may be in either case.
pub(crate) fn hex_case(value: &[u8], flip: Flip) -> bool {
    let digits = value.len() - 64;
    flip.at >= digits && flip.is_case()
}

/// Times on the edge of the tolerance of five minutes are taken, and those beyond are not.
pub(crate) async fn knows_the_time(sdk: &Sdk, scheme: impl Scheme, secret: &str, body: &str) {
    let ours = Ours::start(scheme, &[secret], NOW).await;
    let times = [NOW - 301, NOW - 300, NOW, NOW + 300, NOW + 301, NOW + 115 * 24 * 60 * 60];
    let times = times.map(|time| time.to_string());
    let mut arguments = vec!["--body", body];
    for time in &times {
        arguments.extend(["--at", time]);
    }
    let url = format!("http://{}/webhooks", ours.server.address);
    assert_eq!(sdk.asks(&url, &arguments).await, [401, 200, 200, 200, 401, 401]);
    assert_eq!(ours.refusals(), ["too-new", "too-old"]);
    assert_eq!(ours.counter.get(), 3);
}
