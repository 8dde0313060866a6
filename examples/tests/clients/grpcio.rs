//! grpcio retries when `grpc-retry-pushback-ms` says so, and not at all when it says that.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use stonework_ratelimit::{ClientIp, Policy, RateLimitLayer, RateLimitLayerBuilder};
use tokio::net::TcpListener;
use tonic::Status;
use tonic::codegen::http::{HeaderMap, Request, Response};
use tonic::codegen::{Body, Service, StdError};
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::transport::Server as Tonic;
use tonic::transport::server::TcpIncoming;
use tonic_prost::ProstCodec;
use tower::ServiceBuilder;

use super::hand::Hand;
use super::python::Script;

const METHOD: &str = "/echo.Echo/Say";

/// What a generated server would be: a method that takes an empty message and gives one.
#[derive(Clone, Debug)]
struct Echo;

impl NamedService for Echo {
    const NAME: &'static str = "echo.Echo";
}

impl UnaryService<()> for Echo {
    type Response = ();
    type Future = Ready<Result<tonic::Response<()>, Status>>;

    fn call(&mut self, _: tonic::Request<()>) -> Self::Future {
        ready(Ok(tonic::Response::new(())))
    }
}

impl<B> Service<Request<B>> for Echo
where
    B: Body + Send + 'static,
    B::Error: Into<StdError> + Send,
{
    type Response = Response<tonic::body::Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        Box::pin(async {
            Ok(Grpc::new(ProstCodec::<(), ()>::default()).unary(Self, request).await)
        })
    }
}

/// An attempt, as it came and as it was answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Attempt {
    /// How many there were before it, by its own account.
    previous: Option<String>,
    pushback: Option<String>,
}

fn attempt(previous: Option<&str>, pushback: Option<&str>) -> Attempt {
    Attempt { previous: previous.map(str::to_owned), pushback: pushback.map(str::to_owned) }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).map(|value| value.to_str().unwrap().to_owned())
}

/// A server whose clock goes on by each pushback, as soon as the client is told of it.
struct Server {
    target: String,
    attempts: Arc<Mutex<Vec<Attempt>>>,
}

impl Server {
    async fn start(policies: impl IntoIterator<Item = Policy>) -> Self {
        let hand = Hand::default();
        let builder = RateLimitLayer::builder().store(hand.store());
        let limits = policies.into_iter().fold(builder, RateLimitLayerBuilder::policy);
        let attempts: Arc<Mutex<Vec<Attempt>>> = Arc::default();
        let (came, went) = (Arc::clone(&attempts), Arc::clone(&attempts));
        let stack = ServiceBuilder::new()
            .map_request(move |request: Request<_>| {
                let previous = text(request.headers(), "grpc-previous-rpc-attempts");
                came.lock().unwrap().push(Attempt { previous, pushback: None });
                request
            })
            .map_response(move |response: Response<_>| {
                let pushback = text(response.headers(), "grpc-retry-pushback-ms");
                let wait = pushback.as_ref().and_then(|wait| wait.parse().ok());
                hand.turn(Duration::from_millis(wait.unwrap_or(0)));
                went.lock().unwrap().last_mut().unwrap().pushback = pushback;
                response
            })
            .layer(limits.build().unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let target = listener.local_addr().unwrap().to_string();
        let server = Tonic::builder().layer(stack).add_service(Echo);
        tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
        Self { target, attempts }
    }

    /// The outcomes of so many calls with these options of the script.
    async fn call(&self, count: usize, options: &[&str]) -> Vec<Outcome> {
        let calls = format!("--calls={count}");
        let arguments = [&*self.target, METHOD, &calls].into_iter().chain(options.iter().copied());
        let outcomes = Script::start("grpc_calls.py", arguments).hear_all().await;
        assert_eq!(outcomes.len(), count);
        outcomes
    }

    fn attempts(&self) -> Vec<Attempt> {
        self.attempts.lock().unwrap().clone()
    }
}

/// What a call gave to its caller.
#[derive(Debug, Deserialize)]
struct Outcome {
    code: String,
    message: String,
    details: Value,
}

/// One at once, and another every 50 ms.
fn quick(name: &str) -> Policy {
    Policy::new(name).rate(20).per(Duration::from_secs(1)).burst(1).key_ip(ClientIp::peer())
}

#[tokio::test]
async fn it_comes_back_when_it_is_told_and_is_served() {
    let server = Server::start([quick("quick")]).await;
    // By itself it would wait for longer than it may take.
    let options = ["--retry-on=RESOURCE_EXHAUSTED", "--backoff=3600s"];
    let outcomes = server.call(3, &options).await;
    assert!(outcomes.iter().all(|outcome| outcome.code == "OK"), "{outcomes:?}");
    let (denied, retried) = (attempt(None, Some("50")), attempt(Some("1"), None));
    let expected = [attempt(None, None), denied.clone(), retried.clone(), denied, retried];
    assert_eq!(server.attempts(), expected);
}

/// Costs more than there ever is. It would be retried for its code.
#[tokio::test]
async fn it_does_not_come_back_when_it_is_told_not_to() {
    let server = Server::start([quick("quick").cost_with(|_| 2)]).await;
    let options = ["--retry-on=INVALID_ARGUMENT", "--backoff=0.01s"];
    let outcomes = server.call(1, &options).await;
    assert_eq!(outcomes[0].code, "INVALID_ARGUMENT", "{outcomes:?}");
    assert_eq!(server.attempts(), [attempt(None, Some("-1"))]);
}

/// What the test above would see if the client took no notice.
#[tokio::test]
async fn it_comes_back_by_itself_when_it_is_told_nothing() {
    let server = Server::start([quick("quick").key_header("x-client")]).await;
    let options = ["--retry-on=INVALID_ARGUMENT", "--backoff=0.01s"];
    let outcomes = server.call(1, &options).await;
    assert_eq!(outcomes[0].code, "INVALID_ARGUMENT", "{outcomes:?}");
    let previous = [None, Some("1"), Some("2"), Some("3"), Some("4")];
    assert_eq!(server.attempts(), previous.map(|previous| attempt(previous, None)));
}

#[tokio::test]
async fn it_reads_when_and_why_in_the_details() {
    let slow = Policy::new("a \"slow\" one").rate(1).per(Duration::from_millis(1_500));
    let wide = Policy::new("wide").rate(100).per(Duration::from_secs(1)).key_global();
    let server = Server::start([quick("quick"), slow.key_global(), wide]).await;
    let outcomes = server.call(2, &[]).await;
    assert_eq!(outcomes[0].code, "OK", "{outcomes:?}");
    assert_eq!(outcomes[1].code, "RESOURCE_EXHAUSTED", "{outcomes:?}");
    assert_eq!(outcomes[1].message, "Quota exceeded");
    let used_up = "The quota is used up.";
    let quota = json!([["quick", used_up], ["a \"slow\" one", used_up]]);
    assert_eq!(outcomes[1].details, json!([{ "retry": [1, 500_000_000] }, { "quota": quota }]),);
    assert_eq!(server.attempts(), [attempt(None, None), attempt(None, Some("1500"))]);
}
