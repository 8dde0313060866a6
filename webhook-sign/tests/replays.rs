//! What whoever captured a request may try, to have its event handled a second time.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "support/app.rs"]
mod app;

use std::convert::Infallible;
use std::time::Duration;

use app::{Counter, Hand, NOW, count, send, signed_at};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, Request};
use http_body::Frame;
use http_body_util::{Full, StreamBody};
use stonework_webhook_sign::keys::KeySet;
use stonework_webhook_sign::scheme::{self, HmacScheme, Outgoing, Part, Scheme};
use stonework_webhook_sign::store::MemoryStore;
use stonework_webhook_sign::{
    Rejection, RequestHead, Sender, Unit, VerifyLayer, VerifyLayerBuilder, sign,
};
use tower::Layer;

const OLD: &str = "the secret of the year before this";
const NEW: &str = "the secret of this very year";

fn receiver(scheme: HmacScheme, hand: &Hand) -> VerifyLayerBuilder {
    let sender = Sender::new(scheme).secret(NEW).secret(OLD);
    VerifyLayer::builder().sender(sender).store(MemoryStore::new()).clock(hand.clock())
}

/// While a secret is changed, a message has a signature by each.
fn signed_twice(scheme: &HmacScheme, body: &'static str) -> Request<Full<Bytes>> {
    let keys = [OLD, NEW].map(|secret| scheme.key(secret).unwrap());
    let mut request = Request::post("/webhooks").body(Full::from(body)).unwrap();
    let mut headers = HeaderMap::new();
    let now = Duration::from_secs(NOW);
    let message = Outgoing::new(RequestHead::of(&request), body.as_bytes(), "unused", now);
    sign(scheme, &KeySet::new(keys).unwrap(), &message, &mut headers).unwrap();
    *request.headers_mut() = headers;
    request
}

#[tokio::test]
async fn a_signature_that_is_left_out_does_not_make_an_event_new() {
    let name = "x-convoy-signature";
    for left_out in [1, 2] {
        let counter = Counter::default();
        let layer = receiver(scheme::CONVOY_ADVANCED, &Hand::default()).build().unwrap();
        let service = layer.layer(count(&counter));
        let request = signed_twice(&scheme::CONVOY_ADVANCED, "{}");
        let signature = request.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(send(&service, request).await.status, 200);
        let mut parts: Vec<_> = signature.split(',').collect();
        parts.remove(left_out);
        let mut request = signed_twice(&scheme::CONVOY_ADVANCED, "{}");
        request.headers_mut().insert(name, parts.join(",").parse().unwrap());
        assert_eq!(send(&service, request).await.rejection(), Rejection::Duplicate);
        assert_eq!(counter.get(), 1);
        // Another message is another event.
        let request = signed_twice(&scheme::CONVOY_ADVANCED, "[]");
        assert_eq!(send(&service, request).await.status, 200);
        assert_eq!(counter.get(), 2);
    }
}

/// Whoever begins a replay while its timestamp is good may end it later, as slowly as the layer reads.
#[tokio::test(start_paused = true)]
async fn an_event_is_remembered_until_the_slowest_replay_of_it_has_come() {
    let (counter, hand) = (Counter::default(), Hand::default());
    let scheme = HmacScheme::new("acme", HeaderName::from_static("acme-signature"))
        .timestamp_header(HeaderName::from_static("acme-time"), Unit::Seconds)
        .signs([Part::Timestamp, Part::Text("."), Part::Body])
        .default_tolerance(Duration::from_secs(60));
    let layer = receiver(scheme.clone(), &hand).build().unwrap();
    // Made by a clock that is as far ahead as is allowed.
    let request = || signed_at(&scheme, NEW, "unused", NOW + 60, "{}");
    let now = layer.layer(count(&counter));
    assert_eq!(send(&now, request()).await.status, 200);
    let (seconds, wait) = (120, Duration::from_secs(9));
    hand.turn(seconds);
    tokio::time::advance(Duration::from_secs(seconds)).await;
    tokio::time::advance(Duration::from_millis(1)).await;
    let slow = layer.layer(count(&counter));
    let request = request().map(|_| {
        Box::pin(StreamBody::new(later(async move {
            tokio::time::sleep(wait).await;
            Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"{}")))
        })))
    });
    assert_eq!(send(&slow, request).await.rejection(), Rejection::Duplicate);
    assert_eq!(counter.get(), 1);
}

/// A stream of one item that is waited for.
fn later<T: Send + 'static>(
    item: impl Future<Output = T> + Send + 'static,
) -> impl tokio_stream::Stream<Item = T> {
    let (give, take) = tokio::sync::mpsc::channel(1);
    tokio::spawn(async move {
        drop(give.send(item.await).await);
    });
    tokio_stream::wrappers::ReceiverStream::new(take)
}
