//! The layer in a tonic server, with tonic's own client, over real sockets.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.
#![cfg(all(feature = "memory", feature = "axum-0-8", feature = "tonic-0-14"))]

mod support;

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use stonework_ratelimit::{
    ClientIp, Concurrency, Decision, Policy, RateLimitLayer, RateLimitLayerBuilder,
};
use support::app::{ok, send, with};
use support::limits::{MILLI, SECOND, over, policy, quota, still};
use support::sockets::listen;
use tokio_stream::StreamExt;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::metadata::MetadataValue;
use tonic::server::NamedService;
use tonic::{Code, Status, Streaming};
use tonic_prost::ProstCodec;
use tonic_types::StatusExt;

#[derive(Clone, PartialEq, prost::Message)]
struct Number {
    #[prost(uint64, tag = "1")]
    value: u64,
}

type Reply<T> = Pin<Box<dyn Future<Output = Result<tonic::Response<T>, Status>> + Send>>;

/// What a generated server would be. `Left` tells the tokens that are left; `Double` doubles a
/// stream of numbers, one by one.
#[derive(Clone, Copy)]
struct Numbers;

impl NamedService for Numbers {
    const NAME: &'static str = "test.Numbers";
}

impl tonic::server::UnaryService<Number> for Numbers {
    type Response = Number;
    type Future = Reply<Number>;

    fn call(&mut self, request: tonic::Request<Number>) -> Self::Future {
        let decision = request.extensions().get::<Decision>();
        let left = decision.map_or(0, |decision| decision.standings()[0].remaining());
        Box::pin(async move { Ok(tonic::Response::new(Number { value: left.into() })) })
    }
}

impl tonic::server::StreamingService<Number> for Numbers {
    type Response = Number;
    type ResponseStream = Pin<Box<dyn tokio_stream::Stream<Item = Result<Number, Status>> + Send>>;
    type Future = Reply<Self::ResponseStream>;

    fn call(&mut self, request: tonic::Request<Streaming<Number>>) -> Self::Future {
        let doubled = request.into_inner().map(|number| Ok(Number { value: 2 * number?.value }));
        Box::pin(async move { Ok(tonic::Response::new(Box::pin(doubled) as Self::ResponseStream)) })
    }
}

impl<B> tower::Service<Request<B>> for Numbers
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>> + Send,
{
    type Response = Response<tonic::body::Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        Box::pin(async move {
            let mut server = tonic::server::Grpc::new(ProstCodec::<Number, Number>::default());
            Ok(if request.uri().path() == "/test.Numbers/Double" {
                server.streaming(Self, request).await
            } else {
                server.unary(Self, request).await
            })
        })
    }
}

struct Client(tonic::client::Grpc<tonic::transport::Channel>);

impl Client {
    /// A client of a server of its own, under this layer.
    async fn of(builder: RateLimitLayerBuilder) -> Self {
        let (listener, address) = listen().await;
        let layer = builder.build().unwrap();
        let server = tonic::transport::Server::builder().layer(layer).add_service(Numbers);
        let incoming = tonic::transport::server::TcpIncoming::from(listener);
        tokio::spawn(async move { server.serve_with_incoming(incoming).await.unwrap() });
        let endpoint = tonic::transport::Endpoint::new(format!("http://{address}")).unwrap();
        Self(tonic::client::Grpc::new(endpoint.connect().await.unwrap()))
    }

    async fn left(&mut self, key: Option<&'static str>) -> Result<u64, Status> {
        let mut request = tonic::Request::new(Number { value: 1 });
        if let Some(key) = key {
            request.metadata_mut().insert("x-key", MetadataValue::from_static(key));
        }
        self.0.ready().await.unwrap();
        let path = PathAndQuery::from_static("/test.Numbers/Left");
        let codec = ProstCodec::<Number, Number>::default();
        let response = self.0.unary(request, path, codec).await?;
        Ok(response.get_ref().value)
    }
}

fn pushback(status: &Status) -> Option<&str> {
    status.metadata().get("grpc-retry-pushback-ms").map(|value| value.to_str().unwrap())
}

#[tokio::test]
async fn a_denial_tells_clients_when_to_retry_and_why() {
    let (_, store) = still();
    let odd = policy("calls").rate(3).burst(2);
    let mut client = Client::of(over(&store).policy(odd)).await;
    assert_eq!(client.left(Some("k")).await.unwrap(), 1);
    assert_eq!(client.left(Some("k")).await.unwrap(), 0);
    let status = client.left(Some("k")).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::ResourceExhausted, "Quota exceeded"));
    assert_eq!(pushback(&status), Some("334"), "rounded up");
    let details = status.get_error_details();
    let delay = details.retry_info().unwrap().retry_delay;
    assert_eq!(delay, Some(Duration::from_nanos(333_333_334)));
    let violations = &details.quota_failure().unwrap().violations;
    assert_eq!(violations.iter().map(|v| v.subject.as_str()).collect::<Vec<_>>(), ["calls"]);
    assert_eq!(status.metadata().get("ratelimit").unwrap(), r#""calls";r=0;t=1"#);
    assert!(client.left(Some("other")).await.is_ok(), "the connection goes on");
}

#[tokio::test]
async fn the_address_is_what_tonic_knows() {
    let (_, store) = still();
    let by_address = Policy::new("ip").rate(1).per(SECOND).burst(2).key_ip(ClientIp::peer());
    let mut client = Client::of(over(&store).policy(by_address)).await;
    assert_eq!(client.left(None).await.unwrap(), 1);
    assert_eq!(client.left(None).await.unwrap(), 0);
    assert_eq!(client.left(None).await.unwrap_err().code(), Code::ResourceExhausted);
    assert_eq!(store.stats().keys, 1);
}

#[tokio::test]
async fn other_rejections_are_statuses_too() {
    let (_, store) = still();
    let huge = policy("huge").only(|head| head.headers["x-key"] == "huge").cost_with(|_| 6);
    let mut client = Client::of(over(&store).policy(policy("a")).policy(huge)).await;
    let status = client.left(Some("huge")).await.unwrap_err();
    assert_eq!((status.code(), pushback(&status)), (Code::InvalidArgument, Some("-1")));
    let mut client = Client::of(over(&store).policy(policy("a"))).await;
    let status = client.left(None).await.unwrap_err();
    assert_eq!((status.code(), pushback(&status)), (Code::InvalidArgument, None));
}

#[tokio::test]
async fn streams_pass_frame_by_frame_and_hold_their_place_until_they_end() {
    let (_, store) = still();
    let gate = Concurrency::new("streams").at_most(1).key_global();
    let mut client = Client::of(over(&store).concurrency(gate)).await;
    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
    let numbers = tokio_stream::wrappers::UnboundedReceiverStream::new(receiver);
    client.0.ready().await.unwrap();
    let path = PathAndQuery::from_static("/test.Numbers/Double");
    let request = tonic::Request::new(numbers);
    let response = client.0.streaming(request, path, ProstCodec::default()).await.unwrap();
    let mut doubled: Streaming<Number> = response.into_inner();
    for value in 1..=3 {
        // Each is answered before the next one is sent.
        sender.send(Number { value }).unwrap();
        assert_eq!(doubled.message().await.unwrap().unwrap().value, 2 * value);
    }
    let status = client.left(None).await.unwrap_err();
    assert_eq!((status.code(), pushback(&status)), (Code::ResourceExhausted, Some("1000")));
    drop(sender);
    assert_eq!(doubled.message().await.unwrap(), None);
    // The end reaches the client when the server has sent it, and may be about to let go.
    while client.left(None).await.is_err() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_stream_that_is_denied_is_told_so() {
    let (_, store) = still();
    let mut client = Client::of(over(&store).policy(policy("a").burst(1).key_global())).await;
    assert!(client.left(None).await.is_ok());
    client.0.ready().await.unwrap();
    let path = PathAndQuery::from_static("/test.Numbers/Double");
    let request = tonic::Request::new(tokio_stream::iter([Number { value: 1 }]));
    let codec = ProstCodec::<Number, Number>::default();
    let status = client.0.streaming(request, path, codec).await.unwrap_err();
    assert_eq!((status.code(), pushback(&status)), (Code::ResourceExhausted, Some("1000")));
}

#[tokio::test]
async fn refusals_are_trailers_only_in_the_callers_protocol() {
    let (_, store) = still();
    let app = ok(over(&store).policy(policy("a").burst(1)));
    let call = |content_type: &str| {
        with(Request::post("/").header("x-key", "k").header("content-type", content_type))
    };
    assert!(send(&app, call("application/grpc")).await.is_ok());
    for (sent, answered) in [
        ("application/grpc+proto", "application/grpc"),
        ("application/grpc-web+proto", "application/grpc-web+proto"),
        ("application/grpc-web-text", "application/grpc-web-text"),
    ] {
        let answer = send(&app, call(sent)).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), Some(answered));
        assert_eq!(answer.header("grpc-status"), Some("8"));
        assert_eq!(answer.header("grpc-message"), Some("Quota exceeded"));
        assert_eq!(answer.header("grpc-retry-pushback-ms"), Some("1000"));
        assert!(answer.body.is_empty() && answer.trailers.is_none());
        assert!(answer.header("grpc-status-details-bin").is_some());
    }
    let plain = send(&app, call("application/json")).await;
    assert_eq!(plain.header("content-type"), Some("application/problem+json"));
}

#[tokio::test]
async fn a_pushback_is_never_zero_and_never_too_early() {
    let (clock, store) = still();
    let app = ok(over(&store).policy(policy("a").burst(1)));
    let call = || {
        let call = Request::post("/").header("x-key", "k");
        with(call.header("content-type", "application/grpc"))
    };
    send(&app, call()).await;
    clock.advance(quota().per() - MILLI - MILLI / 2);
    assert_eq!(send(&app, call()).await.header("grpc-retry-pushback-ms"), Some("2"));
    clock.advance(MILLI + MILLI / 2 - Duration::from_nanos(1));
    assert_eq!(send(&app, call()).await.header("grpc-retry-pushback-ms"), Some("1"));
    clock.advance(Duration::from_nanos(1));
    assert_eq!(send(&app, call()).await.header("grpc-status"), None);
}

#[test]
fn a_layer_fits_a_server_that_is_generated() {
    let layer = RateLimitLayer::builder().policy(policy("a")).build().unwrap();
    let server = tonic::transport::Server::builder().layer(layer.clone()).layer(layer);
    drop(server.clone().add_service(Numbers));
}
