//! What goes out signed, as receivers see it.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "support/app.rs"]
mod app;
#[path = "support/server.rs"]
mod server;

use std::convert::Infallible;
use std::error::Error;
use std::future::{Ready, ready};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use app::{Counter, Hand, NOW, SECRET, STANDARD_SECRET, count, github_sender};
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use server::Server;
use stonework_webhook_sign::keys::{KeySet, RotatingKeys, WebhookKey};
use stonework_webhook_sign::scheme::{self, Scheme};
use stonework_webhook_sign::store::MemoryStore;
use stonework_webhook_sign::{
    Field, MessageId, Refusal, RequestHead, Sender, SignError, SignErrorKind, SignFault, SignLayer,
    SignLayerBuilder, Signer, StoneBody, VerifyLayer, verify,
};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

fn standard() -> SignLayerBuilder {
    SignLayer::builder()
        .signer(Signer::new(scheme::STANDARD).secret(STANDARD_SECRET))
        .clock(Hand::default().clock())
}

type Seen = Arc<Mutex<Vec<(HeaderMap, Bytes)>>>;

/// A client that sends nothing and remembers everything.
fn remember<B>(
    seen: &Seen,
) -> impl Service<
    Request<StoneBody<B>>,
    Response = Response<()>,
    Error = Infallible,
    Future: Send + 'static,
> + Clone
+ use<B>
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: std::fmt::Debug,
{
    let seen = Arc::clone(seen);
    service_fn(move |request: Request<StoneBody<B>>| {
        let seen = Arc::clone(&seen);
        async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            seen.lock().unwrap().push((head.headers, body));
            Ok(Response::new(()))
        }
    })
}

fn post(body: &'static str) -> Request<Full<Bytes>> {
    Request::post("https://example.com/hooks").body(Full::from(body)).unwrap()
}

async fn sent(layer: &SignLayer, request: Request<Full<Bytes>>) -> HeaderMap {
    let seen = Seen::default();
    layer.layer(remember(&seen)).oneshot(request).await.unwrap();
    seen.lock().unwrap().pop().unwrap().0
}

#[tokio::test]
async fn a_request_is_signed_and_otherwise_as_it_was() {
    let seen = Seen::default();
    let service = standard().build().unwrap().layer(remember(&seen));
    let mut request = post("{}");
    request.headers_mut().insert("content-type", "application/json".parse().unwrap());
    request.extensions_mut().insert(MessageId::new("msg_1"));
    service.oneshot(request).await.unwrap();
    let (headers, body) = seen.lock().unwrap().pop().unwrap();
    assert_eq!(body, "{}");
    assert_eq!(headers.len(), 4);
    assert_eq!(headers["webhook-id"], "msg_1");
    assert_eq!(headers["webhook-timestamp"], NOW.to_string());
    let mut request = Request::post("/").body(()).unwrap();
    *request.headers_mut() = headers;
    let keys = KeySet::new([scheme::STANDARD.key(STANDARD_SECRET).unwrap()]).unwrap();
    let now = Duration::from_secs(NOW);
    verify(&scheme::STANDARD, &keys, &RequestHead::of(&request), b"{}", now, None).unwrap();
}

#[tokio::test]
async fn headers_of_the_scheme_are_the_layers_own() {
    let mut request = post("{}");
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        request.headers_mut().append(name, "forged".parse().unwrap());
        request.headers_mut().append(name, "forged again".parse().unwrap());
    }
    let headers = sent(&standard().build().unwrap(), request).await;
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        let values: Vec<_> = headers.get_all(name).iter().collect();
        assert_eq!(values.len(), 1, "{name}");
        assert!(!values[0].to_str().unwrap().contains("forged"));
    }
}

#[tokio::test]
async fn each_attempt_has_its_time_and_all_have_one_id() {
    let (seen, hand) = (Seen::default(), Hand::default());
    let signer = Signer::new(scheme::STANDARD).secret(STANDARD_SECRET);
    let layer = SignLayer::builder().signer(signer).clock(hand.clock()).build().unwrap();
    let mut service = layer.layer(remember(&seen));
    let mut request = post("{}");
    request.extensions_mut().insert(MessageId::random());
    for _ in 0..3 {
        service.ready().await.unwrap().call(request.clone()).await.unwrap();
        hand.turn(5);
    }
    let seen = seen.lock().unwrap();
    let all = |name| seen.iter().map(|(headers, _)| headers[name].clone()).collect::<Vec<_>>();
    assert!(all("webhook-id").windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(all("webhook-timestamp"), ["1800000000", "1800000005", "1800000010"]);
    assert!(all("webhook-signature").windows(2).all(|pair| pair[0] != pair[1]));
}

#[tokio::test]
async fn without_an_id_each_message_gets_one() {
    let layer = standard().build().unwrap();
    let first = sent(&layer, post("{}")).await;
    let second = sent(&layer, post("{}")).await;
    assert_ne!(first["webhook-id"], second["webhook-id"]);
    let named = standard()
        .id(|head| head.headers.get("x-event").map(|id| MessageId::new(id.to_str().unwrap())));
    let mut request = post("{}");
    request.headers_mut().insert("x-event", "evt_7".parse().unwrap());
    assert_eq!(sent(&named.build().unwrap(), request).await["webhook-id"], "evt_7");
}

#[tokio::test]
async fn several_schemes_and_keys_sign_at_once() {
    let other = "whsec_bmV3IHNlY3JldCBvZiBtb3JlIHRoYW4gMTYgYnl0ZXM";
    let layer = SignLayer::builder()
        .signer(Signer::new(scheme::STANDARD).secret(other).secret(STANDARD_SECRET))
        .signer(Signer::new(scheme::GITHUB).secret(SECRET))
        .signer(Signer::new(scheme::STRIPE).secret("one of two secrets").secret(SECRET))
        .clock(Hand::default().clock())
        .build()
        .unwrap();
    let headers = sent(&layer, post("{}")).await;
    assert_eq!(headers["webhook-signature"].to_str().unwrap().matches("v1,").count(), 2);
    assert_eq!(headers["stripe-signature"].to_str().unwrap().matches(",v1=").count(), 2);
    let mut request = Request::post("/").body(()).unwrap();
    *request.headers_mut() = headers;
    let check = |scheme: &dyn Scheme, secret: &str| {
        let keys = KeySet::new([scheme.key(secret).unwrap()]).unwrap();
        let now = Duration::from_secs(NOW);
        verify(scheme, &keys, &RequestHead::of(&request), b"{}", now, None).unwrap();
    };
    check(&scheme::STANDARD, STANDARD_SECRET);
    check(&scheme::STANDARD, other);
    check(&scheme::GITHUB, SECRET);
    check(&scheme::STRIPE, SECRET);
}

#[tokio::test]
async fn keys_outside_of_their_window_do_not_sign() {
    let at = |seconds| std::time::UNIX_EPOCH + Duration::from_secs(seconds);
    let old = scheme::STANDARD.key(STANDARD_SECRET).unwrap().until(at(NOW));
    let layer = SignLayer::builder()
        .signer(Signer::new(scheme::STANDARD).key(old))
        .clock(Hand::default().clock())
        .build()
        .unwrap();
    let error = layer.layer(remember(&Seen::default())).oneshot(post("{}")).await.unwrap_err();
    let kind = error.into_inner().unwrap_err();
    assert!(matches!(kind, SignErrorKind::Fault("standard", SignFault::NoKey)), "{kind:?}");
}

#[tokio::test]
async fn an_id_that_cannot_be_signed_is_an_error() {
    let mut request = post("{}");
    request.extensions_mut().insert(MessageId::new("has.a.dot"));
    let layer = standard().build().unwrap();
    let error = layer.layer(remember(&Seen::default())).oneshot(request).await.unwrap_err();
    let SignError::NotSigned(SignErrorKind::Fault(name, fault)) = &error else {
        panic!("{error:?}")
    };
    assert_eq!(*fault, SignFault::Message(Refusal::Malformed(Field::Id)));
    assert_eq!(*name, "standard");
    assert!(error.source().unwrap().to_string().contains("cannot be signed"));
}

#[tokio::test]
async fn a_stream_is_collected_up_to_the_cap() {
    let stream = |frames: Vec<Result<&'static str, &'static str>>| {
        let frames = frames.into_iter().map(|frame| {
            frame.map(|data| http_body::Frame::data(Bytes::from_static(data.as_bytes())))
        });
        let body = StreamBody::new(tokio_stream::iter(frames));
        Request::post("/").body(body).unwrap()
    };
    let seen = Seen::default();
    let layer = standard().max_body(4).build().unwrap();
    let service = layer.layer(remember(&seen));
    service.clone().oneshot(stream(vec![Ok("ab"), Ok("cd")])).await.unwrap();
    assert_eq!(seen.lock().unwrap().pop().unwrap().1, "abcd");
    let large = service.clone().oneshot(stream(vec![Ok("ab"), Ok("cde")])).await.unwrap_err();
    assert!(matches!(large, SignError::NotSigned(SignErrorKind::BodyTooLarge)));
    let broken = service.oneshot(stream(vec![Ok("ab"), Err("broken")])).await.unwrap_err();
    assert_eq!(broken.source().unwrap().to_string(), "broken");
    assert!(seen.lock().unwrap().is_empty(), "nothing was sent");
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_hangs_is_given_up() {
    let body =
        StreamBody::new(tokio_stream::pending::<Result<http_body::Frame<Bytes>, Infallible>>());
    let service = standard().build().unwrap().layer(remember(&Seen::default()));
    let error = service.oneshot(Request::post("/").body(body).unwrap()).await.unwrap_err();
    assert!(matches!(error, SignError::NotSigned(SignErrorKind::BodyTimedOut)));
}

#[tokio::test]
async fn an_error_of_the_client_is_the_clients() {
    let fails = service_fn(|_: Request<StoneBody<Full<Bytes>>>| -> Ready<Result<(), _>> {
        ready(Err(std::io::Error::other("refused")))
    });
    let error = standard().build().unwrap().layer(fails).oneshot(post("{}")).await.unwrap_err();
    assert_eq!(error.to_string(), "refused");
    assert_eq!(error.into_inner().unwrap().to_string(), "refused");
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let error = SignLayer::builder()
        .signer(Signer::new(scheme::STANDARD).secret("whsec_***"))
        .signer(Signer::new(scheme::GITHUB))
        .signer(Signer::new(scheme::GITHUB).secret("x").keys(rotating()))
        .read_timeout(Duration::ZERO)
        .build()
        .unwrap_err();
    let text = error.to_string();
    for part in ["is not Base64", "has no key", "another place", "read_timeout(0ns)"] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    assert!(SignLayer::builder().build().unwrap_err().to_string().contains("signs nothing"));
    // A public key checks and cannot sign.
    #[cfg(feature = "ed25519")]
    {
        let public = "whpk_A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=";
        let signer = Signer::new(scheme::STANDARD).secret(public);
        assert!(SignLayer::builder().signer(signer).build().is_err());
    }
}

fn rotating() -> RotatingKeys {
    RotatingKeys::new(KeySet::new([WebhookKey::hmac(SECRET.as_bytes()).unwrap()]).unwrap())
}

/// hyper-util's client to a hyper server, and what a retry of a client that heard nothing does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_delivers_to_a_server_once_however_often_it_tries() {
    let counter = Counter::default();
    let receiving = VerifyLayer::builder()
        .sender(Sender::new(scheme::STANDARD).secret(STANDARD_SECRET))
        .sender(github_sender())
        .store(MemoryStore::new())
        .build()
        .unwrap();
    let server = Server::start(&receiving, count(&counter)).await;
    let signing = SignLayer::builder()
        .signer(Signer::new(scheme::STANDARD).secret(STANDARD_SECRET))
        .build()
        .unwrap();
    let client = Client::builder(TokioExecutor::new()).build_http::<StoneBody<Full<Bytes>>>();
    let mut client = ServiceBuilder::new().layer(signing).service(client);
    let mut request = Request::post(format!("http://{}/hooks", server.address))
        .body(Full::<Bytes>::from("{\"n\": 1}"))
        .unwrap();
    request.extensions_mut().insert(MessageId::new("msg_once"));
    for _ in 0..3 {
        let response = client.ready().await.unwrap().call(request.clone()).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
    }
    assert_eq!(counter.get(), 1);
    let mut other = request.clone();
    other.extensions_mut().insert(MessageId::new("msg_twice"));
    client.ready().await.unwrap().call(other).await.unwrap();
    assert_eq!(counter.get(), 2);
}

/// reqwest's client is a tower service of its own kind of request.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reqwest_delivers_signed_requests() {
    let counter = Counter::default();
    let receiving = VerifyLayer::builder()
        .sender(Sender::new(scheme::STANDARD).secret(STANDARD_SECRET))
        .danger_accept_replays()
        .build()
        .unwrap();
    let server = Server::start(&receiving, count(&counter)).await;
    let signing = SignLayer::builder()
        .signer(Signer::new(scheme::STANDARD).secret(STANDARD_SECRET))
        .build()
        .unwrap();
    let client = ServiceBuilder::new()
        .layer(signing)
        .map_request(|request: Request<StoneBody<Full<Bytes>>>| {
            let request = request.map(reqwest::Body::wrap);
            reqwest::Request::try_from(request).expect("an absolute URL")
        })
        .service(reqwest::Client::new());
    let request = Request::post(format!("http://{}/hooks", server.address));
    let request = request.body(Full::<Bytes>::from("{}")).unwrap();
    let response = client.oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(counter.get(), 1);
}
