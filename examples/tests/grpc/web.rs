//! Requests as pages send them: gRPC-web over HTTP/1.1.

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{HeaderMap, Request};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use prost::Message;
use stonework_cors::bundle::GRPC_WEB_RESPONSE_HEADERS;
use tonic::{Code, Status};

use super::server::{balance, client, keyed, left, reason, rent, service};
use crate::generated::v2::Receipt;
use crate::support::{Service, in_time};

const PAGE: &str = "http://localhost:5173";
const WEB: &str = "application/grpc-web+proto";

/// The first bit of a frame that has trailers.
const TRAILERS: u8 = 0x80;

/// A transfer by alice, of this amount.
fn transfer(value: u64, key: &str) -> Request<Full<Bytes>> {
    let message = rent(value).encode_to_vec();
    let length = u32::try_from(message.len()).expect("it is small").to_be_bytes();
    let frame = [&[0], &length[..], &message].concat();
    Request::post("/stonework.payments.v2.Payments/Transfer")
        .header("origin", PAGE)
        .header("authorization", "Bearer alice")
        .header("content-type", WEB)
        .header("x-grpc-web", "1")
        .header("idempotency-key", key)
        .body(Full::from(frame))
        .expect("a request")
}

/// An answer: its headers, its message if it has one, and what its trailers or its headers say of it.
struct Answer {
    headers: HeaderMap,
    receipt: Option<Receipt>,
    status: Status,
}

async fn ask(service: &Service, mut request: Request<Full<Bytes>>) -> Answer {
    let url = format!("http://{}{}", service.address(), request.uri());
    *request.uri_mut() = url.parse().expect("a URL");
    let client = Client::builder(TokioExecutor::new()).build_http();
    let answer = in_time("an answer", client.request(request)).await.expect("an answer");
    let (parts, body) = answer.into_parts();
    assert_eq!(parts.status, 200);
    assert_eq!(parts.headers["content-type"], WEB);
    let body = in_time("its end", body.collect()).await.expect("a body").to_bytes();
    let (mut receipt, mut trailers) = (None, HeaderMap::new());
    for (flags, bytes) in frames(&body) {
        match flags {
            0 => receipt = Some(Receipt::decode(bytes).expect("a receipt")),
            TRAILERS => trailers = fields(bytes),
            other => panic!("a frame of the kind {other}"),
        }
    }
    let status = Status::from_header_map(&parts.headers);
    let status = status.or_else(|| Status::from_header_map(&trailers)).expect("a status");
    Answer { headers: parts.headers, receipt, status }
}

/// What begins each frame, and what it has.
fn frames(mut bytes: &[u8]) -> Vec<(u8, &[u8])> {
    let mut frames = Vec::new();
    while let Some((&[flags, a, b, c, d], rest)) = bytes.split_first_chunk::<5>() {
        let (frame, after) = rest.split_at(u32::from_be_bytes([a, b, c, d]) as usize);
        frames.push((flags, frame));
        bytes = after;
    }
    frames
}

fn fields(text: &[u8]) -> HeaderMap {
    let text = str::from_utf8(text).expect("text");
    let fields = text.split_terminator("\r\n").map(|line| line.split_once(':').expect("a field"));
    let parsed = |text: &str| text.trim().to_owned();
    let fields = fields.map(|(name, value)| {
        (name.parse().expect("a name"), parsed(value).parse().expect("a value"))
    });
    fields.collect()
}

#[tokio::test]
async fn a_page_pays_once_and_a_program_finishes_what_it_began() {
    let service = service(&[]);
    let first = ask(&service, transfer(100, "k")).await;
    assert_eq!(first.status.code(), Code::Ok, "{:?}", first.status);
    assert_eq!(first.headers["access-control-allow-origin"], PAGE);
    let receipt = first.receipt.expect("a receipt");
    assert_eq!(left(&receipt), 900);
    let retry = ask(&service, transfer(100, "k")).await;
    assert_eq!(retry.headers["idempotent-replayed"], "true");
    assert_eq!(retry.receipt.expect("the same"), receipt);
    // What is recorded is neither's, so that each is told in its own way.
    let native = client(&service).await.transfer(keyed(rent(100), "k")).await.expect("the same");
    assert!(native.metadata().contains_key("idempotent-replayed"));
    assert_eq!(native.into_inner(), receipt);
    assert_eq!(balance(&service).await, 900);
}

#[tokio::test]
async fn a_page_reads_why_not_and_when_to_come_back() {
    let service = service(&[("RATE_LIMIT", "4/h")]);
    let poor = ask(&service, transfer(5_000, "a")).await.status;
    assert_eq!((poor.code(), &*reason(&poor)), (Code::FailedPrecondition, "INSUFFICIENT_FUNDS"));
    assert_eq!(ask(&service, transfer(1, "k")).await.status.code(), Code::Ok);
    let other = ask(&service, transfer(2, "k")).await.status;
    assert_eq!((other.code(), &*reason(&other)), (Code::FailedPrecondition, "KEY_REUSED"));
    let mut late = transfer(1, "b");
    late.headers_mut().insert("grpc-timeout", "0n".parse().expect("a value"));
    // A call that is too late is none, and does not count.
    assert_eq!(ask(&service, late).await.status.code(), Code::DeadlineExceeded);
    ask(&service, transfer(1, "c")).await;
    let limited = ask(&service, transfer(1, "d")).await;
    assert_eq!(limited.status.code(), Code::ResourceExhausted, "{:?}", limited.status);
    let exposed = limited.headers["access-control-expose-headers"].to_str().expect("text");
    let exposed: Vec<_> = exposed.split(',').collect();
    for name in GRPC_WEB_RESPONSE_HEADERS {
        assert!(limited.headers.contains_key(*name), "{name}: {:?}", limited.headers);
        assert!(exposed.contains(name), "{name}: {exposed:?}");
    }
}
