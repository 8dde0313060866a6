//! gRPC as the layer sees it: what no client library shows. `stacks.rs` has a real client.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.
#![cfg(feature = "memory")]

#[path = "support/app.rs"]
mod app;

use app::{App, Incoming, app, count, counting, send, single};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;

const PATH: &str = "/pay.Payments/Charge";

fn call(content_type: &str, key: &str) -> Request<Full<Bytes>> {
    Request::post(PATH)
        .header("content-type", content_type)
        .header("idempotency-key", key)
        .header("grpc-accept-encoding", "gzip")
        .body(Full::default())
        .unwrap()
}

#[tokio::test]
async fn only_named_methods_are_protected() {
    let (runs, handler) = counting();
    let named = app(&single().grpc_unary([PATH]).build().unwrap(), handler.clone());
    let unnamed = app(&single().build().unwrap(), handler);
    for content_type in ["application/grpc", "application/grpc+proto", "application/grpc-web"] {
        assert!(!send(&named, call(content_type, content_type)).await.is_replay());
        assert!(send(&named, call(content_type, content_type)).await.is_replay());
        assert!(!send(&unnamed, call(content_type, content_type)).await.is_replay());
        assert!(!send(&unnamed, call(content_type, content_type)).await.is_replay());
    }
    assert_eq!(count(&runs), 9);
}

#[tokio::test]
async fn rejections_are_trailers_only_in_the_callers_protocol() {
    let (_, handler) = counting();
    let app = app(&single().grpc_unary([PATH]).build().unwrap(), handler);
    for (sent, answered) in [
        ("application/grpc+proto", "application/grpc"),
        ("application/grpc-web-text", "application/grpc-web-text"),
    ] {
        let answer = send(&app, call(sent, "a,b")).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.header("content-type"), Some(answered));
        assert_eq!(answer.header("grpc-status"), Some("3"));
        assert!(answer.header("grpc-message").unwrap().contains("malformed"));
        assert!(answer.body.is_empty());
    }
}

#[tokio::test]
async fn an_answer_without_its_body_is_unknown_and_not_to_be_retried() {
    let (runs, handler) = counting();
    let layer = single().grpc_unary([PATH]).max_answer_body(1).build().unwrap();
    let app = app(&layer, handler);
    assert_eq!(send(&app, call("application/grpc", "k")).await.text(), "run 1");
    let retry = send(&app, call("application/grpc", "k")).await;
    assert_eq!(retry.header("grpc-status"), Some("2"));
    assert_eq!(retry.header("grpc-retry-pushback-ms"), Some("-1"));
    assert_eq!(count(&runs), 1);
}

#[tokio::test]
async fn a_recorded_answer_is_never_compressed_for_one_client_only() {
    let echo = |request: Incoming| async move {
        let accepts = request.headers().contains_key("grpc-accept-encoding");
        Response::new(Full::<Bytes>::from(accepts.to_string()))
    };
    let app: App = app(&single().grpc_unary([PATH]).build().unwrap(), echo);
    assert_eq!(send(&app, call("application/grpc", "k")).await.text(), "false");
    let mut keyless = call("application/grpc", "k");
    keyless.headers_mut().remove("idempotency-key");
    assert_eq!(send(&app, keyless).await.text(), "true", "what passes is left alone");
}
