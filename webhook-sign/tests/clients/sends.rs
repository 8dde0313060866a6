//! We sign, and an SDK takes that and nothing else.

use std::collections::BTreeSet;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use stonework_webhook_sign::{MessageId, SignLayer, Signer, StoneBody};
use tower::{ServiceBuilder, ServiceExt};

use super::receives::Ours;
use super::sdk::{At, Receiver, Sdk, now};
use super::wire::{Flip, Relay, Wire, flips};

/// What is sent, and how.
pub(crate) struct Message {
    pub(crate) path: String,
    pub(crate) kind: &'static str,
    pub(crate) body: Bytes,
    /// When it is signed.
    pub(crate) now: u64,
}

impl Message {
    pub(crate) fn json(body: impl Into<Bytes>) -> Self {
        Self {
            path: "/webhooks".to_owned(),
            kind: "application/json",
            body: body.into(),
            now: now(),
        }
    }

    /// As a library's user sends it. Gives what was signed, and whether it was taken.
    pub(crate) async fn send(&self, signer: Signer, to: &Receiver) -> (bool, Wire) {
        let relay = Relay::to(to.address).await;
        let layer = SignLayer::builder().signer(signer).clock(At::clock(self.now)).build();
        let client = Client::builder(TokioExecutor::new()).build_http::<StoneBody<Full<Bytes>>>();
        let client = ServiceBuilder::new().layer(layer.unwrap()).service(client);
        let request = Request::post(format!("http://{}{}", relay.address, self.path))
            .header("content-type", self.kind)
            .extension(MessageId::new("msg_1"))
            .body(Full::new(self.body.clone()))
            .unwrap();
        let response = client.oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        assert!(matches!(status, 204 | 401), "{status}");
        (status == 204, relay.request())
    }
}

/// What an SDK makes of every flipped bit.
pub(crate) struct Flipped {
    /// It took them all the same.
    pub(crate) taken: Vec<Flip>,
    /// What it raised at the others.
    pub(crate) raised: Vec<String>,
}

impl Flipped {
    async fn send(all: impl Iterator<Item = (Flip, Wire)>, to: &Receiver) -> Self {
        let (mut taken, mut raised) = (Vec::new(), BTreeSet::new());
        for (flip, request) in all {
            match to.takes(&request).await {
                Ok(()) => taken.push(flip),
                Err(name) => drop(raised.insert(name)),
            }
        }
        Self { taken, raised: raised.into_iter().collect() }
    }

    pub(crate) async fn body(genuine: &Wire, to: &Receiver) -> Self {
        let body = &genuine.body;
        let all = flips(body).map(|flip| (flip, genuine.with_body(flip.of(body))));
        Self::send(all, to).await
    }

    /// But for bytes that no header can have.
    pub(crate) async fn header(genuine: &Wire, name: &str, to: &Receiver) -> Self {
        let value = genuine.header(name);
        let all = flips(value).filter(|flip| !flip.is_control());
        Self::send(all.map(|flip| (flip, genuine.with(name, flip.of(value)))), to).await
    }

    /// None was taken. Gives what was raised.
    pub(crate) fn none_is_taken(self) -> Vec<String> {
        assert!(self.taken.is_empty(), "{:?}", self.taken);
        self.raised
    }
}

/// Two keys sign. The receivers of both take it, and that of a third does not.
pub(crate) async fn either_key_is_taken(
    signer: impl Fn() -> Signer,
    receivers: [Sdk; 3],
    message: &Message,
) {
    let mut taken = Vec::new();
    for sdk in &receivers {
        taken.push(message.send(signer(), &sdk.verifier().await).await.0);
    }
    assert_eq!(taken, [true, true, false]);
}

/// The very same bytes, for the SDK and for us.
pub(crate) struct Both {
    pub(crate) sdk: Receiver,
    pub(crate) ours: Ours,
}

impl Both {
    /// What the SDK makes of it, and whether we take it.
    pub(crate) async fn make_of(&self, request: &Wire) -> (Result<(), String>, bool) {
        (self.sdk.takes(request).await, self.ours.takes(request).await)
    }

    pub(crate) async fn take(&self, request: &Wire) {
        assert_eq!(self.make_of(request).await, (Ok(()), true), "{request:?}");
    }

    pub(crate) async fn only_the_sdk_takes(&self, request: &Wire) {
        assert_eq!(self.make_of(request).await, (Ok(()), false), "{request:?}");
    }

    pub(crate) async fn only_we_take(&self, request: &Wire, raised: &str) {
        assert_eq!(self.make_of(request).await, (Err(raised.to_owned()), true), "{request:?}");
    }

    /// Neither does, and the SDK says so by this.
    pub(crate) async fn neither_takes(&self, request: &Wire, raised: &str) {
        assert_eq!(self.make_of(request).await, (Err(raised.to_owned()), false), "{request:?}");
    }
}
