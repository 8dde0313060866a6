//! Where nothing is ever sent.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "support/post.rs"]
mod post;
#[path = "support/receiver.rs"]
mod receiver;

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::Uri;
use post::{loopback, post_to, soon};
use receiver::{Receiver, Reply};
use stonework_webhook_delivery::client::HttpClient;
use stonework_webhook_delivery::egress::{
    ConnectError, EgressGuard, Forbidden, GuardedConnector, Resolver,
};
use stonework_webhook_delivery::store::{MemoryOutbox, State};
use stonework_webhook_delivery::{DeadReason, Event, Fault, StoreFuture};
use tower::{Service, ServiceExt};

/// Says another thing each time it is asked, and the last one from then on.
#[derive(Clone)]
struct Rebinding {
    answers: Arc<Vec<Vec<IpAddr>>>,
    asked: Arc<AtomicUsize>,
}

impl Rebinding {
    fn new(answers: &[&[&str]]) -> Self {
        let addresses = |all: &&[&str]| all.iter().map(|ip| ip.parse().unwrap()).collect();
        Self { answers: Arc::new(answers.iter().map(addresses).collect()), asked: Arc::default() }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Resolver for Rebinding {
    fn resolve(&self, _: &str) -> StoreFuture<std::io::Result<Vec<IpAddr>>> {
        let nth = self.asked.fetch_add(1, Ordering::SeqCst).min(self.answers.len() - 1);
        StoreFuture::ready(Ok(self.answers[nth].clone()))
    }
}

/// A guard that allows nothing but what a public service is.
fn guard(port: u16) -> EgressGuard {
    EgressGuard::builder().danger_allow_http().ports([port]).build().unwrap()
}

async fn connect(guard: EgressGuard, resolver: &Rebinding, url: &str) -> Result<(), ConnectError> {
    let mut connector = GuardedConnector::new(guard).resolver(resolver.clone());
    connector.ready().await.unwrap();
    connector.call(url.parse::<Uri>().unwrap()).await.map(drop)
}

#[tokio::test]
async fn no_spelling_of_the_loopback_is_connected_to() {
    let receiver = Receiver::start(|_, _| Reply::Status(200)).await;
    let port = receiver.address.port();
    for host in [
        "127.0.0.1",
        "127.1.2.3",
        "0.0.0.0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::127.0.0.1]",
        "[64:ff9b:1::127.0.0.1]",
        "[2002:7f00:1::1]",
        "[2001:0:7f00:1::]",
        "localhost",
        "localhost.",
        "LOCALHOST",
        // These are names, of which the C library makes an address.
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
    ] {
        let url = format!("http://{host}:{port}/");
        let Ok(url) = url.parse::<Uri>() else { continue };
        let connected = GuardedConnector::new(guard(port)).oneshot(url).await;
        // Whatever the machine makes of it, it is not connected to.
        match connected.map(drop) {
            Err(ConnectError::Forbidden(Forbidden::Address(_)) | ConnectError::NotFound(_)) => {}
            other => panic!("{host}: {other:?}"),
        }
    }
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn a_name_that_leads_inside_is_not_connected_to() {
    let receiver = Receiver::start(|_, _| Reply::Status(200)).await;
    let port = receiver.address.port();
    let url = format!("http://hooks.example.com:{port}/");
    for address in
        ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fd00::1", "::ffff:127.0.0.1"]
    {
        let resolver = Rebinding::new(&[&[address]]);
        let error = connect(guard(port), &resolver, &url).await.unwrap_err();
        assert!(matches!(error, ConnectError::Forbidden(Forbidden::Address(_))), "{address}");
    }
    let nothing = connect(guard(port), &Rebinding::new(&[&[]]), &url).await;
    assert!(matches!(nothing, Err(ConnectError::NoAddress)));
    assert_eq!(receiver.connections(), 0);
}

/// Of several addresses those that are allowed are used, and no other.
#[tokio::test]
async fn among_several_addresses_the_forbidden_ones_are_left_out() {
    let receiver = Receiver::start(|_, _| Reply::Status(200)).await;
    let port = receiver.address.port();
    let url = format!("http://hooks.example.com:{port}/");
    let allowing = EgressGuard::builder().danger_allow_http().ports([port]).allow("127.0.0.1");
    let resolver = Rebinding::new(&[&["10.0.0.1", "127.0.0.2", "127.0.0.1"]]);
    connect(allowing.build().unwrap(), &resolver, &url).await.unwrap();
}

/// The name is looked up once for each connection, and that answer is vetted: there is nothing between the look-up and the
/// connection that could be told otherwise.
#[tokio::test]
async fn a_name_that_is_bound_anew_leads_nowhere() {
    let receiver = Receiver::start(|_, _| Reply::Status(200)).await;
    let port = receiver.address.port();
    let url = format!("http://rebind.example.com:{port}/");
    guard(port).check_url(&url.parse().unwrap()).unwrap();
    // What a look-up at registration would have been told is public; from then on it is not.
    let resolver = Rebinding::new(&[&["93.184.216.34"], &["127.0.0.1"]]);
    resolver.resolve("rebind.example.com").await.unwrap();
    let client = HttpClient::builder().guard(guard(port)).resolver(resolver.clone());
    let client = client.build().unwrap();
    let mut post = post_to(&url, MemoryOutbox::new(), soon(), |b| b.http_client(client));
    let _workers = post.delivery.start();
    post.send("msg_1").await;
    for _ in 0..3 {
        let Event::Failed { fault, status: None, .. } = post.event().await else {
            panic!("failed")
        };
        assert_eq!(fault, Some(Fault::Forbidden));
    }
    post.event_of(|event| matches!(event, Event::Dead { .. })).await;
    assert_eq!(resolver.asked(), 1 + 4, "once for each attempt");
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn a_url_that_is_forbidden_by_itself_is_given_up_at_once() {
    let receiver = Receiver::start(|_, _| Reply::Status(200)).await;
    let inside = receiver.url();
    for url in [inside.as_str(), "http://example.com/", "https://example.com:22/"] {
        let mut post = post_to(url, MemoryOutbox::new(), soon(), |builder| builder);
        let _workers = post.delivery.start();
        post.send("msg_1").await;
        let event = post.event().await;
        let Event::Dead { reason: DeadReason::Forbidden, tries: 1, .. } = event else {
            panic!("{url}: {event:?}")
        };
        let entry = post.entry().await;
        assert_eq!(entry.state, State::Dead(DeadReason::Forbidden));
        assert_eq!(entry.attempts[0].fault, Some(Fault::Forbidden));
    }
    assert_eq!(receiver.connections(), 0);
}

/// An exception for the loopback is none for anything else, nor for plain http elsewhere.
#[tokio::test]
async fn the_exception_for_the_loopback_is_no_other() {
    let receiver = Receiver::start(|_, _| Reply::Status(200)).await;
    let port = receiver.address.port();
    let there = Rebinding::new(&[&["127.0.0.1"]]);
    connect(loopback(), &there, &format!("http://localhost:{port}/")).await.unwrap();
    let inside = Rebinding::new(&[&["10.0.0.1"]]);
    let error = connect(loopback(), &inside, "http://localhost/").await.unwrap_err();
    assert!(matches!(error, ConnectError::Forbidden(Forbidden::Scheme)));
    let error = connect(loopback(), &inside, "https://example.com/").await.unwrap_err();
    assert!(matches!(error, ConnectError::Forbidden(Forbidden::Address(_))));
}
