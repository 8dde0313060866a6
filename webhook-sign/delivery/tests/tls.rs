//! The client over TLS.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "support/post.rs"]
mod post;
#[path = "support/receiver.rs"]
mod receiver;
#[path = "support/tls.rs"]
mod tls;

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use post::{loopback, post_to, soon};
use stonework_webhook_delivery::client::HttpClient;
use stonework_webhook_delivery::store::MemoryOutbox;
use stonework_webhook_delivery::{Event, Fault};
use tls::{acceptor, server};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

#[tokio::test]
async fn a_certificate_that_is_trusted_is_enough_and_http_2_is_spoken() {
    for (alpn, version) in
        [(&["h2", "http/1.1"][..], http::Version::HTTP_2), (&["http/1.1"], http::Version::HTTP_11)]
    {
        let (url, certificate, mut versions) = server(alpn).await;
        let client = HttpClient::builder().guard(loopback()).trust(certificate).build().unwrap();
        let mut post = post_to(&url, MemoryOutbox::new(), soon(), |b| b.http_client(client));
        let _workers = post.delivery.start();
        post.send("msg_1").await;
        assert!(matches!(post.event().await, Event::Delivered { tries: 1, .. }));
        assert_eq!(versions.recv().await, Some(version));
    }
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_is_a_failure() {
    let (url, _, mut versions) = server(&["http/1.1"]).await;
    let mut post = post_to(&url, MemoryOutbox::new(), soon(), |b| b.guard(loopback()));
    let _workers = post.delivery.start();
    post.send("msg_1").await;
    let Event::Failed { fault, .. } = post.event().await else { panic!("failed") };
    assert_eq!(fault, Some(Fault::Connect));
    assert!(versions.try_recv().is_err(), "nothing was sent");
}

#[test]
fn what_is_no_certificate_is_told() {
    let errors = HttpClient::builder().trust(*b"x").trust(*b"y").build().unwrap_err();
    assert_eq!(errors.as_slice().len(), 2, "{errors}");
}

/// A receiver answers over one connection and lets another hang before TLS is agreed on. The client does not need that one
/// any more, and does not keep it for as long as the receiver likes.
#[tokio::test]
async fn a_connection_that_hangs_is_not_kept() {
    let (acceptor, certificate) = acceptor(&["http/1.1"]);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
    let client = HttpClient::builder().guard(loopback()).trust(certificate);
    let client = client.connect_timeout(Duration::from_secs(3)).build().unwrap();
    let mut post = post_to(&url, MemoryOutbox::new(), soon(), |b| b.http_client(client));
    let _workers = post.delivery.start();
    let (answer, answered) = tokio::sync::watch::channel(false);
    post.send("msg_1").await;
    let stream = acceptor.accept(listener.accept().await.unwrap().0).await.unwrap();
    let service = service_fn(move |_: Request<Incoming>| {
        let mut answered = answered.clone();
        async move {
            answered.wait_for(|answered| *answered).await.unwrap();
            Ok::<_, std::io::Error>(Response::new(Empty::<Bytes>::new()))
        }
    });
    tokio::spawn(async move {
        let server = auto::Builder::new(TokioExecutor::new());
        drop(server.serve_connection(TokioIo::new(stream), service).await);
    });
    post.send("msg_2").await;
    let (mut hanging, _) = listener.accept().await.unwrap();
    answer.send_replace(true);
    for _ in 0..2 {
        assert!(matches!(post.event().await, Event::Delivered { tries: 1, .. }));
    }
    let mut hello = Vec::new();
    let closed = tokio::time::timeout(Duration::from_secs(60), hanging.read_to_end(&mut hello));
    drop(closed.await.expect("the connection is closed"));
}
