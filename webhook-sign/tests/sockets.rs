//! What went wrong in other people's crates, sent to a real hyper server.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "support/app.rs"]
mod app;
#[path = "support/server.rs"]
mod server;

use std::time::Duration;

use app::{Counter, Hand, NOW, STANDARD_SECRET, count, signed_at, standard_sender};
use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use server::{Server, head};
use stonework_webhook_sign::{VerifyLayer, VerifyLayerBuilder, scheme};

fn standard() -> VerifyLayerBuilder {
    VerifyLayer::builder().sender(standard_sender()).clock(Hand::default().clock())
}

fn signed(body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    signed_at(&scheme::STANDARD, STANDARD_SECRET, "msg_1", NOW, body)
}

async fn start(layer: VerifyLayerBuilder) -> (Server, Counter) {
    let counter = Counter::default();
    let server = Server::start(&layer.build().unwrap(), count(&counter)).await;
    (server, counter)
}

/// A server that has survived what came before it.
async fn is_well(server: &Server, counter: &Counter) {
    let before = counter.get();
    let mut client = server.connect().await;
    client.write(head(&signed("{}"), "content-length: 2\r\nconnection: close\r\n") + "{}").await;
    assert_eq!(client.status().await, 200);
    assert_eq!(counter.get(), before + 1);
    drop(client);
    server.idle().await;
}

/// tower-github-webhook 0.2 reserves that much and aborts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_giant_content_length_costs_nothing() {
    let (server, counter) = start(standard()).await;
    let giant = "content-length: 9000000000000000000\r\n";
    let mut unsigned = server.connect().await;
    unsigned.write(format!("POST / HTTP/1.1\r\nhost: x\r\n{giant}\r\n")).await;
    assert_eq!(unsigned.status().await, 401);
    let mut claims = server.connect().await;
    claims.write(head(&signed("{}"), giant)).await;
    assert_eq!(claims.status().await, 413);
    drop((unsigned, claims));
    is_well(&server, &counter).await;
}

/// One that is just not over the cap is waited for, and nothing is reserved for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_length_that_never_comes_is_not_waited_for_for_ever() {
    let layer = standard().max_body(1 << 40).read_timeout(Duration::from_millis(50));
    let (server, counter) = start(layer).await;
    let mut client = server.connect().await;
    client.write(head(&signed("{}"), "content-length: 1099511627776\r\n") + "{}").await;
    assert_eq!(client.status().await, 408);
    drop(client);
    is_well(&server, &counter).await;
}

/// tower-github-webhook 0.2 never leaves its loop over a chunked body.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chunked_body_is_read_as_it_comes() {
    let (server, counter) = start(standard()).await;
    let chunked = "transfer-encoding: chunked\r\n";
    let mut client = server.connect().await;
    client.write(head(&signed("{\"a\": 1}"), chunked)).await;
    for chunk in ["2\r\n{\"\r\n", "1\r\na\r\n", "5\r\n\": 1}\r\n", "0\r\n\r\n"] {
        client.write(chunk).await;
    }
    assert_eq!(client.status().await, 200);
    let mut nonsense = server.connect().await;
    nonsense
        .write(format!("POST / HTTP/1.1\r\nhost: x\r\nwebhook-signature: a=00\r\n{chunked}\r\n"))
        .await;
    assert_eq!(nonsense.status().await, 401);
    drop((client, nonsense));
    is_well(&server, &counter).await;
}

/// The same crate burns a core when a client leaves in the middle.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_leaves_mid_body_is_forgotten() {
    let (server, counter) = start(standard()).await;
    for length in ["content-length: 100\r\n", "transfer-encoding: chunked\r\n"] {
        let mut client = server.connect().await;
        client.write(head(&signed("{}"), length) + "2\r\n{\"").await;
        drop(client);
        server.idle().await;
    }
    assert_eq!(counter.get(), 0);
    is_well(&server, &counter).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_drips_is_answered() {
    let (server, counter) = start(standard().read_timeout(Duration::from_millis(50))).await;
    let mut client = server.connect().await;
    client.write(head(&signed("{}"), "content-length: 2\r\n") + "{").await;
    assert_eq!(client.status().await, 408);
    drop(client);
    is_well(&server, &counter).await;
}

/// axum-standardwebhooks 1.0 panics over 2 MB.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_megabytes_are_refused_or_taken_as_configured() {
    let body = vec![b' '; 3_000_000];
    let length = "content-length: 3000000\r\n";
    let (server, counter) = start(standard()).await;
    let mut announced = server.connect().await;
    announced.write(head(&signed(body.clone()), length)).await;
    assert_eq!(announced.status().await, 413);
    let mut chunked = server.connect().await;
    chunked.write(head(&signed(body.clone()), "transfer-encoding: chunked\r\n")).await;
    chunked.write("2DC6C0\r\n").await;
    chunked.write(&body[..1_200_000]).await;
    assert_eq!(chunked.status().await, 413);
    assert_eq!(counter.get(), 0);
    let (server, counter) = start(standard().max_body(4_000_000)).await;
    let mut client = server.connect().await;
    client.write(head(&signed(body.clone()), length)).await;
    client.write(&body).await;
    assert_eq!(client.status().await, 200);
    assert_eq!(counter.get(), 1);
}

/// webhook-verify 0.1 computes a MAC over the body for each. Here they are counted before the body is asked for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_hundred_signatures_are_refused_unread() {
    let (server, counter) = start(standard()).await;
    let mut request = signed("{}");
    let junk = format!("v1,{}=", "A".repeat(43));
    let signatures = vec![junk; 300].join(" ");
    request.headers_mut().insert("webhook-signature", signatures.parse().unwrap());
    let mut client = server.connect().await;
    client.write(head(&request, "content-length: 1048576\r\nexpect: 100-continue\r\n")).await;
    let answer = client.read_head().await;
    assert!(answer.starts_with("HTTP/1.1 401"), "and not 100: {answer}");
    drop(client);
    is_well(&server, &counter).await;
}

/// Nobody is told to go on whose headers are wrong already.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_is_not_told_to_continue() {
    let (server, counter) = start(standard()).await;
    let expects = "content-length: 2\r\nexpect: 100-continue\r\n";
    let stale = signed_at(&scheme::STANDARD, STANDARD_SECRET, "m", NOW - 301, "{}");
    let mut client = server.connect().await;
    client.write(head(&stale, expects)).await;
    assert!(client.read_head().await.starts_with("HTTP/1.1 401"));
    let mut client = server.connect().await;
    client.write(head(&signed("{}"), expects)).await;
    assert!(client.read_head().await.starts_with("HTTP/1.1 100"));
    client.write("{}").await;
    assert_eq!(client.status().await, 200);
    drop(client);
    is_well(&server, &counter).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_that_are_there_twice_are_refused() {
    let (server, counter) = start(standard()).await;
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        let request = signed("{}");
        let value = request.headers()[name].to_str().unwrap();
        // The same value twice: which one counts makes no difference, and still it is not what was signed.
        let more = format!("{name}: {value}\r\ncontent-length: 2\r\n");
        let mut client = server.connect().await;
        client.write(head(&request, &more) + "{}").await;
        assert_eq!(client.status().await, 401, "{name}");
    }
    assert_eq!(counter.get(), 0);
}

/// The SDKs of Stripe and Slack take a timestamp of next year.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_timestamp_in_the_future_is_refused() {
    let (server, counter) = start(standard()).await;
    for ahead in [301, 115 * 24 * 60 * 60] {
        let request = signed_at(&scheme::STANDARD, STANDARD_SECRET, "m", NOW + ahead, "{}");
        let mut client = server.connect().await;
        client.write(head(&request, "content-length: 2\r\n") + "{}").await;
        assert_eq!(client.status().await, 401);
    }
    assert_eq!(counter.get(), 0);
}
