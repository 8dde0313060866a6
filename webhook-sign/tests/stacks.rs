//! The layers in an axum router and in a tonic server, over real sockets.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "support/app.rs"]
mod app;

use std::future::{Ready, ready};
use std::net::SocketAddr;
use std::task::{Context, Poll};

use app::{Counter, NOW, SECRET, STANDARD_SECRET, signed_at};
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::routing::post;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use prost::Message;
use stonework_webhook_sign::scheme::{self, PublicUrl, SignScheme, Twilio};
use stonework_webhook_sign::store::MemoryStore;
use stonework_webhook_sign::{
    CloudEvents, HandshakeLayer, MessageId, Sender, SignLayer, Signer, StoneBody, Verified,
    VerifiedJson, VerifyLayer,
};
use tokio::net::TcpListener;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;
use tonic_prost::ProstCodec;
use tower::{ServiceBuilder, ServiceExt};

#[derive(serde::Deserialize)]
struct Event {
    n: u64,
}

async fn handle(
    State(counter): State<Counter>,
    verified: Verified,
    VerifiedJson(event): VerifiedJson<Event>,
) -> String {
    counter.add();
    format!("{} {} {}", verified.scheme(), verified.id().unwrap_or("none"), event.n)
}

fn now() -> u64 {
    let now = stonework_core::SystemClock::new();
    stonework_core::Clock::unix(&now).as_secs()
}

fn standard() -> VerifyLayer {
    VerifyLayer::builder()
        .sender(Sender::new(scheme::STANDARD).secret(STANDARD_SECRET))
        .sender(Sender::new(scheme::GITHUB).secret(SECRET))
        .store(MemoryStore::new())
        .build()
        .unwrap()
}

fn signed(scheme: &dyn SignScheme, secret: &str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    signed_at(scheme, secret, "msg_1", now(), body)
}

async fn ask(app: &Router, request: Request<Full<Bytes>>) -> (u16, String) {
    let response = app.clone().oneshot(request.map(Body::new)).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

fn app(counter: &Counter) -> Router {
    Router::new().route("/webhooks", post(handle)).with_state(counter.clone())
}

#[tokio::test]
async fn a_router_takes_the_layer_by_itself_and_in_a_stack() {
    let counter = Counter::default();
    let alone = app(&counter).layer(standard());
    let route = app(&counter).route_layer(standard());
    let stack = app(&counter).layer(
        ServiceBuilder::new()
            .layer(standard())
            .layer(HandshakeLayer::builder().slack().build().unwrap()),
    );
    for app in [alone, route, stack] {
        let request = signed(&scheme::STANDARD, STANDARD_SECRET, r#"{"n":7}"#);
        assert_eq!(ask(&app, request).await, (200, "standard msg_1 7".into()));
        let request = signed(&scheme::GITHUB, SECRET, r#"{"n":8}"#);
        assert_eq!(ask(&app, request).await, (200, "github none 8".into()));
        let unsigned = Request::post("/webhooks").body(Full::from(r#"{"n":9}"#)).unwrap();
        assert_eq!(ask(&app, unsigned).await.0, 401);
    }
    assert_eq!(counter.get(), 6);
}

#[tokio::test]
async fn a_handler_that_wants_a_verified_request_is_not_reached_without_the_layer() {
    async fn json(VerifiedJson(event): VerifiedJson<Event>) -> String {
        event.n.to_string()
    }
    let counter = Counter::default();
    let bare = app(&counter).route("/json", post(json).with_state(counter.clone()));
    for path in ["/webhooks", "/json"] {
        let mut request = signed(&scheme::STANDARD, STANDARD_SECRET, r#"{"n":7}"#);
        *request.uri_mut() = path.parse().unwrap();
        let (status, body) = ask(&bare, request).await;
        assert_eq!(status, 500);
        assert!(body.contains("not-verified"), "{body}");
    }
    assert_eq!(counter.get(), 0);
}

/// The event is released, so that it is delivered again when the handler can read it.
#[tokio::test]
async fn a_body_that_is_no_such_json_is_422_and_no_event_is_lost() {
    let counter = Counter::default();
    let app = app(&counter).layer(standard());
    let request = || signed(&scheme::STANDARD, STANDARD_SECRET, r#"{"m":7}"#);
    for _ in 0..2 {
        let (status, body) = ask(&app, request()).await;
        assert_eq!(status, 422);
        assert!(body.contains("unreadable"), "{body}");
    }
}

/// axum's own limit is 2 MB, and other crates' extractors panic there.
#[tokio::test]
async fn a_large_body_is_as_large_as_the_layer_allows() {
    let layer = VerifyLayer::builder()
        .sender(Sender::new(scheme::GITHUB).secret(SECRET))
        .max_body(4_000_000)
        .build()
        .unwrap();
    let app = app(&Counter::default()).layer(layer);
    let body = format!("{{\"n\":1{}}}", " ".repeat(3_000_000));
    assert_eq!(ask(&app, signed(&scheme::GITHUB, SECRET, body)).await.0, 200);
}

#[tokio::test]
async fn a_url_is_signed_as_the_client_sent_it_through_nested_routers() {
    let twilio = Twilio::new(PublicUrl::origin("https://example.com"));
    let layer = VerifyLayer::builder()
        .sender(Sender::new(twilio.clone()).secret(SECRET))
        .danger_accept_replays()
        .build()
        .unwrap();
    let inner = Router::new().route("/sms", post(|| async { "taken" })).layer(layer);
    let app = Router::new().nest("/v1", Router::new().nest("/twilio", inner));
    let form = "Body=hello&From=%2B1415";
    let mut request = Request::post("/v1/twilio/sms?x=1")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Full::from(form))
        .unwrap();
    let keys = stonework_webhook_sign::keys::KeySet::new([
        stonework_webhook_sign::keys::WebhookKey::hmac(SECRET.as_bytes()).unwrap(),
    ]);
    let mut headers = request.headers().clone();
    let head = stonework_webhook_sign::RequestHead::of(&request);
    let now = std::time::Duration::from_secs(NOW);
    let message = scheme::Outgoing::new(head, form.as_bytes(), "unused", now);
    stonework_webhook_sign::sign(&twilio, &keys.unwrap(), &message, &mut headers).unwrap();
    *request.headers_mut() = headers;
    assert_eq!(ask(&app, request.clone()).await, (200, "taken".into()));
    *request.uri_mut() = "/v1/twilio/sms?x=2".parse().unwrap();
    assert_eq!(ask(&app, request).await.0, 401);
}

#[tokio::test]
async fn challenges_are_answered_when_they_are_signed() {
    let layer = VerifyLayer::builder()
        .sender(Sender::new(scheme::SLACK).secret(SECRET))
        .sender(Sender::new(scheme::ZOOM).secret(SECRET))
        .sender(Sender::new(scheme::GITHUB).secret(SECRET))
        .store(MemoryStore::new())
        .build()
        .unwrap();
    let handshake = HandshakeLayer::builder().slack().zoom(SECRET).discord().build().unwrap();
    let line = HandshakeLayer::builder().zoom(format!("{SECRET}\n")).build();
    assert!(line.unwrap_err().to_string().contains("white space"));
    let counter = Counter::default();
    let app = app(&counter).layer(ServiceBuilder::new().layer(layer).layer(handshake));
    let challenge = r#"{"type":"url_verification","challenge":"abc","n":1}"#;
    let answer = ask(&app, signed(&scheme::SLACK, SECRET, challenge)).await;
    assert_eq!(answer, (200, "abc".into()));
    let token = r#"{"event":"endpoint.url_validation","payload":{"plainToken":"t"}}"#;
    let (status, body) = ask(&app, signed(&scheme::ZOOM, SECRET, token)).await;
    assert_eq!(status, 200);
    assert!(body.starts_with(r#"{"plainToken":"t","encryptedToken":""#), "{body}");
    assert_eq!(counter.get(), 0);
    // Another sender's body may look as it likes, and so may an unsigned one.
    assert_eq!(ask(&app, signed(&scheme::GITHUB, SECRET, challenge)).await.1, "github none 1");
    let unsigned = Request::post("/webhooks").body(Full::from(challenge)).unwrap();
    assert_eq!(ask(&app, unsigned).await.0, 401);
    assert_eq!(ask(&app, signed(&scheme::SLACK, SECRET, r#"{"n":2}"#)).await.0, 200);
    assert_eq!(counter.get(), 2);
    // An event may be longer than any challenge.
    let long = format!(r#"{{"n":3,"text":"{}"}}"#, "x".repeat(20_000));
    assert_eq!(ask(&app, signed(&scheme::SLACK, SECRET, long)).await.0, 200);
    assert_eq!(counter.get(), 3);
}

#[tokio::test]
async fn cloud_events_are_granted_outside_of_verification() {
    let events = CloudEvents::new().origin("emitter.example.com").rate(60);
    let handshake = HandshakeLayer::builder().cloud_events(events).build().unwrap();
    let app =
        app(&Counter::default()).layer(ServiceBuilder::new().layer(handshake).layer(standard()));
    let request = Request::options("/webhooks")
        .header("webhook-request-origin", "emitter.example.com")
        .body(Body::empty())
        .unwrap();
    let response = app.oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["webhook-allowed-origin"], "emitter.example.com");
    assert_eq!(response.headers()["webhook-allowed-rate"], "60");
    assert!(HandshakeLayer::builder().zoom("").build().is_err());
    assert!(HandshakeLayer::builder().cloud_events(CloudEvents::new()).build().is_err());
}

/// As a library's user does it: an axum server, and hyper-util's client.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_axum_server_is_told_by_a_hyper_client() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let counter = Counter::default();
    let layer = VerifyLayer::builder()
        .sender(Sender::new(scheme::STANDARD).secret(STANDARD_SECRET).networks(["127.0.0.0/8"]))
        .peer(|head| {
            let peer = head.extensions.get::<axum::extract::ConnectInfo<SocketAddr>>()?;
            Some(peer.0.ip())
        })
        .danger_accept_replays()
        .build()
        .unwrap();
    let app = app(&counter).layer(layer).into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, app).await });
    let signing = SignLayer::builder()
        .signer(Signer::new(scheme::STANDARD).secret(STANDARD_SECRET))
        .build()
        .unwrap();
    let client = Client::builder(TokioExecutor::new()).build_http::<StoneBody<Full<Bytes>>>();
    let client = ServiceBuilder::new().layer(signing).service(client);
    let request = Request::post(format!("http://{address}/webhooks"));
    let response = client.oneshot(request.body(Full::from(r#"{"n":1}"#)).unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(counter.get(), 1);
}

#[derive(Clone, PartialEq, Message)]
struct Note {
    #[prost(string, tag = "1")]
    text: String,
}

/// A unary method that says who called.
#[derive(Clone)]
struct Hooks(Counter);

impl tonic::server::NamedService for Hooks {
    const NAME: &'static str = "hooks.Hooks";
}

impl tonic::server::UnaryService<Note> for Hooks {
    type Response = Note;
    type Future = Ready<Result<tonic::Response<Note>, tonic::Status>>;

    fn call(&mut self, request: tonic::Request<Note>) -> Self::Future {
        self.0.add();
        let verified = request.extensions().get::<Verified>().unwrap();
        let text = format!("{} {}", verified.scheme(), request.get_ref().text);
        ready(Ok(tonic::Response::new(Note { text })))
    }
}

impl tower::Service<Request<tonic::body::Body>> for Hooks {
    type Response = Response<tonic::body::Body>;
    type Error = std::convert::Infallible;
    type Future = std::pin::Pin<
        Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send + 'static>,
    >;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<tonic::body::Body>) -> Self::Future {
        let hooks = self.clone();
        Box::pin(async move {
            let mut grpc = tonic::server::Grpc::new(ProstCodec::<Note, Note>::default());
            Ok(grpc.unary(hooks, request).await)
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tonic_server_is_called_by_a_tonic_channel() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let counter = Counter::default();
    let server = tonic::transport::Server::builder()
        .layer(standard())
        .add_service(Hooks(counter.clone()))
        .serve_with_incoming(tokio_stream::wrappers::TcpListenerStream::new(listener));
    tokio::spawn(server);
    let channel =
        Channel::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap();
    let call = async |secret: &str, id: &'static str| {
        let signing = SignLayer::builder()
            .signer(Signer::new(scheme::STANDARD).secret(secret))
            .id(move |_| Some(MessageId::new(id)))
            .build()
            .unwrap();
        let signed = ServiceBuilder::new()
            .layer(signing)
            .map_request(|request: Request<StoneBody<tonic::body::Body>>| {
                request.map(tonic::body::Body::new)
            })
            .service(channel.clone());
        let mut client = Grpc::new(signed);
        client.ready().await.unwrap();
        let note = tonic::Request::new(Note { text: "hello".into() });
        let path = PathAndQuery::from_static("/hooks.Hooks/Deliver");
        client.unary::<Note, Note, _>(note, path, ProstCodec::default()).await
    };
    let reply = call(STANDARD_SECRET, "msg_1").await.unwrap();
    assert_eq!(reply.get_ref().text, "standard hello");
    let again = call(STANDARD_SECRET, "msg_1").await.unwrap_err();
    assert_eq!(again.code(), tonic::Code::AlreadyExists);
    let forged = call("whsec_c29tZSBvdGhlciBzZWNyZXQ", "msg_2").await.unwrap_err();
    assert_eq!(forged.code(), tonic::Code::Unauthenticated);
    assert_eq!(counter.get(), 1);
}
