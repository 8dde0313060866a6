//! What is no request, and what is too much of one.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::client::{connect, read};
use super::flood::{Flood, account, new, random};
use super::tally::Kind::Bytes;
use crate::support::{Reply, Request};

/// Long enough for an answer; what is half of a request gets none.
const SHORTLY: Duration = Duration::from_millis(500);

/// Reads the answer if there is one. The connection may be gone before all was said.
async fn refused(flood: &Flood, socket: TcpStream) {
    let mut socket = BufReader::new(socket);
    match timeout(SHORTLY, read(&mut socket)).await {
        Ok(Ok(answer)) => {
            flood.tally().refused(Bytes, &Reply::parse(&answer));
        }
        Ok(Err(_)) | Err(_) => flood.tally().count(Bytes),
    }
}

async fn said(flood: &Flood, bytes: &[u8]) {
    let mut socket = connect(flood.service, None).await;
    let _ = socket.write_all(bytes).await;
    refused(flood, socket).await;
}

/// A request of which some bytes are others, or that ends somewhere.
pub(crate) async fn broken(flood: &Flood) {
    let whole = Request::transfer(r#"{"to":"bob","amount":5000}"#)
        .account(&account("broken"))
        .key(&new())
        .to_bytes();
    let head = whole.windows(4).position(|end| end == b"\r\n\r\n").expect("a head");
    let half = whole[..random(whole.len())].to_vec();
    let mut noise = whole.clone();
    for _ in 0..8 {
        // A body that is another could be an order for less.
        noise[random(head)] = u8::try_from(random(256)).expect("a byte") | 0x80;
    }
    let both = "POST /v1/transfers HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: \
                chunked, identity\r\n\r\n0\r\n\r\n";
    let preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let chunk = "POST /v1/transfers HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n";
    for bytes in [&half, &noise, both.as_bytes(), preface.as_bytes(), chunk.as_bytes()] {
        said(flood, bytes).await;
    }
}

/// A head that comes byte by byte, and never ends.
pub(crate) async fn slow(flood: &Flood) {
    let mut socket = connect(flood.service, None).await;
    let head = format!("GET /v1/account HTTP/1.1\r\nhost: x\r\nx-{}: ", new());
    for bytes in head.as_bytes().chunks(8) {
        if socket.write_all(bytes).await.is_err() {
            break;
        }
        sleep(Duration::from_millis(100)).await;
    }
    flood.tally().count(Bytes);
}

/// Bodies and heads that are too large, or that say so.
pub(crate) async fn large(flood: &Flood) {
    let body = "x".repeat(20_000 + random(200_000));
    let order = Request::transfer(&body).account(&account("large"));
    said(flood, &order.to_bytes()).await;
    said(flood, &order.clone().key(&new()).to_bytes()).await;
    let huge = "POST /webhooks/standard HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999\r\n\r\n";
    said(flood, format!("{huge}{body}").as_bytes()).await;
    let lines = format!("x-{}: {}\r\n", new(), "y".repeat(100)).repeat(200 + random(5_000));
    said(flood, format!("GET / HTTP/1.1\r\nhost: x\r\n{lines}\r\n").as_bytes()).await;
    let path = new().repeat(2_500);
    said(flood, format!("GET /{path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await;
    let chunks = format!("{:x}\r\n{body}\r\n", body.len()).repeat(5);
    let endless = format!(
        "POST /v1/transfers HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\nidempotency-key: {}\r\n\
         content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n{chunks}",
        account("large"),
        new(),
    );
    said(flood, endless.as_bytes()).await;
}

/// Many requests at once, of whose answers nothing is read.
pub(crate) async fn unread(flood: &Flood) {
    let mut socket = connect(flood.service, Some(1)).await;
    let request = Request::get("/openapi.json").connection("keep-alive").to_bytes().repeat(50);
    let _ = timeout(SHORTLY, socket.write_all(&request)).await;
    let mut some = [0; 64];
    let _ = timeout(SHORTLY, socket.read(&mut some)).await;
    flood.tally().count(Bytes);
}
