//! The program `hyper` as a process: over HTTP/1.1 and HTTP/2, and until its end.

mod support;

use std::process::Command;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{Method, Version};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use support::{Request, Service, in_time, until};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

fn service() -> Service {
    Service::of(Command::new(env!("CARGO_BIN_EXE_hyper")))
}

fn transfer(amount: &str, key: &str) -> Request {
    Request::new("POST", "/v1/transfers").key(key).body(amount)
}

async fn balance(service: &Service) -> String {
    service.ask(&Request::get("/v1/balance")).await.body
}

#[tokio::test]
async fn a_transfer_is_made_once() {
    let service = service();
    let first = service.ask(&transfer("100", "k")).await;
    assert_eq!((first.status, &*first.body, first.is_replay()), (201, "900\n", false), "{first:?}");
    let retry = service.ask(&transfer("100", "k")).await;
    assert_eq!((retry.status, &*retry.body, retry.is_replay()), (201, "900\n", true), "{retry:?}");
    let other = service.ask(&transfer("200", "k")).await;
    other.assert_problem(422, "urn:stonework:idempotency:key-reused");
    assert_eq!(balance(&service).await, "900\n");
}

#[tokio::test]
async fn what_is_not_understood_leaves_its_key_unused_and_what_is_refused_does_not() {
    let service = service();
    let large = "1".repeat(1025);
    for wrong in ["", "0", "-1", "1.5", "many", "18446744073709551616"] {
        let reply = service.ask(&transfer(wrong, "k")).await;
        reply.assert_problem(400, "urn:stonework:hyper:invalid-amount");
    }
    service
        .ask(&transfer(&large, "k"))
        .await
        .assert_problem(413, "urn:stonework:idempotency:body-too-large");
    let keyless = Request::new("POST", "/v1/transfers").body(&large);
    service.ask(&keyless).await.assert_problem(400, "urn:stonework:hyper:unreadable-body");
    assert_eq!(service.ask(&transfer("100", "k")).await.status, 201);
    for replayed in [false, true] {
        let poor = service.ask(&transfer("5000", "poor")).await;
        poor.assert_problem(402, "urn:stonework:hyper:insufficient-funds");
        assert_eq!(poor.is_replay(), replayed);
    }
}

#[tokio::test]
async fn each_layer_says_what_it_has_to_say() {
    let service = service();
    let reply =
        service.ask(&Request::get("/v1/balance").header("origin", "http://localhost:1")).await;
    let headers = ["access-control-allow-origin", "ratelimit-policy", "api-version"];
    let said = headers.map(|name| reply.header(name).unwrap_or_default());
    assert_eq!(said, ["http://localhost:1", "\"requests\";q=100;w=60", "v1"], "{reply:?}");
    let unknown = service.ask(&Request::get("/v2/balance")).await;
    unknown.assert_problem(404, "urn:stonework:versioning:version-unsupported");
    let nowhere = service.ask(&Request::get("/v1/nowhere")).await;
    nowhere.assert_problem(404, "urn:stonework:hyper:unknown-route");
    let mut limited = service.ask(&Request::get("/v1/balance")).await;
    // A bucket that is slow to be emptied is filled meanwhile: 100 a minute.
    for _ in 0..1_000 {
        if limited.status != 200 {
            break;
        }
        limited = service.ask(&Request::get("/v1/balance")).await;
    }
    limited.assert_limited();
}

fn http2() -> Client<HttpConnector, Full<Bytes>> {
    Client::builder(TokioExecutor::new()).http2_only(true).build_http()
}

fn over_http2(service: &Service, key: &str) -> hyper::Request<Full<Bytes>> {
    let url = format!("http://{}/v1/transfers", service.address());
    let request = hyper::Request::builder().method(Method::POST).uri(url);
    request.header("idempotency-key", key).body(Full::from("100")).expect("a request")
}

#[tokio::test]
async fn calls_that_race_on_one_connection_are_one_transfer() {
    let service = service();
    let client = http2();
    let calls = (0..20).map(|_| tokio::spawn(client.request(over_http2(&service, "k"))));
    let mut made = 0;
    for call in calls.collect::<Vec<_>>() {
        let answer = in_time("an answer", call).await.expect("it ends").expect("an answer");
        assert_eq!(answer.version(), Version::HTTP_2);
        match answer.status().as_u16() {
            201 => {
                let body = answer.into_body().collect().await.expect("a body").to_bytes();
                assert_eq!(body, "900\n");
                made += 1;
            }
            // Another one was under way.
            other => assert_eq!(other, 409),
        }
    }
    assert!(made > 0);
    assert_eq!(balance(&service).await, "900\n");
}

#[tokio::test]
async fn it_finishes_what_it_has_begun_when_told_to_end() {
    let service = service();
    let idle = http2();
    let answer = in_time("an answer", idle.request(over_http2(&service, "a"))).await;
    assert_eq!(answer.expect("an answer").status(), 201);
    let mut slow = service.connect().await;
    let head = "POST /v1/transfers HTTP/1.1\r\nhost: test\r\nidempotency-key: b\r\n\
                content-length: 3\r\nexpect: 100-continue\r\n\r\n";
    slow.write_all(head.as_bytes()).await.expect("the beginning of a request");
    let mut go_on = [0; 25];
    in_time("it is read", slow.read_exact(&mut go_on)).await.expect("leave to go on");
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    service.terminate();
    until("nobody is let in any more", async || {
        TcpStream::connect(service.address()).await.is_err()
    })
    .await;
    slow.write_all(b"100").await.expect("its end");
    let mut answer = String::new();
    in_time("the answer", slow.read_to_string(&mut answer)).await.expect("the answer");
    assert!(answer.starts_with("HTTP/1.1 201 ") && answer.ends_with("800\n"), "{answer}");
    let (code, rest, errors) = service.ended().await;
    assert_eq!((code, &*rest, &*errors), (Some(0), "", ""));
}
