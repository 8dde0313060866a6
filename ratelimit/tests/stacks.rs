//! The layer in a bare hyper server and in an axum router, over real sockets. `grpc.rs` has tonic.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.
#![cfg(all(feature = "memory", feature = "axum-0-8"))]

mod support;

use std::convert::Infallible;
use std::future::ready;

use axum::Router;
use axum::routing::get;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use stonework_ratelimit::{
    Charge, ClientIp, Concurrency, Decision, Policy, RateLimitLayer, RateLimitLayerBuilder,
};
use support::limits::{SECOND, left, over, policy, still};
use support::sockets::{ask, ask_path, axum_server, http1, hyper_server, listen, told};
use tokio::net::TcpStream;
use tower::{Layer, ServiceBuilder, service_fn};

/// Two at once for each address, and no more.
fn by_address(clients: ClientIp) -> RateLimitLayerBuilder {
    let (_, store) = still();
    over(&store).policy(Policy::new("ip").rate(1).per(60 * SECOND).burst(2).key_ip(clients))
}

fn router(builder: RateLimitLayerBuilder) -> Router {
    let layer = builder.build().unwrap();
    Router::new().route("/", get(async || "ok")).layer(ServiceBuilder::new().layer(layer))
}

fn forwarded(chain: &str) -> http::request::Builder {
    Request::get("/").header("x-forwarded-for", chain)
}

#[tokio::test]
async fn an_axum_router_limits_by_the_address_that_connects() {
    let address = axum_server(router(by_address(ClientIp::peer()))).await;
    let mut statuses = Vec::new();
    for spoofed in ["192.0.2.1", "192.0.2.2", "192.0.2.3"] {
        statuses.push(ask(address, forwarded(spoofed)).await.status.as_u16());
    }
    assert_eq!(statuses, [200, 200, 429], "each on a connection of its own");
    let denied = ask_path(address, "/").await;
    assert_eq!(denied.headers["content-type"], "application/problem+json");
    assert_eq!(denied.headers["retry-after"], "60");
    assert_eq!(denied.headers["ratelimit"], r#""ip";r=0;t=60"#);
    assert!(denied.text.contains(r#""violated-policies":["ip"]"#));
    assert_eq!(denied.headers["content-length"], denied.text.len().to_string());
}

#[tokio::test]
async fn an_axum_router_behind_a_proxy_limits_by_whom_the_proxy_names() {
    let address = axum_server(router(by_address(ClientIp::peer().trust(["127.0.0.0/8"])))).await;
    for (chain, status) in [
        ("192.0.2.1", 200),
        ("6.6.6.6, 192.0.2.1", 200),
        ("7.7.7.7, 192.0.2.1", 429),
        ("192.0.2.1, 192.0.2.2", 200),
    ] {
        assert_eq!(ask(address, forwarded(chain)).await.status, status, "{chain}");
    }
}

#[tokio::test]
async fn a_router_that_was_not_told_the_address_says_that_it_is_broken() {
    let (listener, address) = listen().await;
    let app = router(by_address(ClientIp::peer()));
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let answer = ask_path(address, "/").await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(answer.text.contains("address-unknown"));
}

#[tokio::test]
async fn handlers_extract_the_decision_and_the_charge() {
    let (_, store) = still();
    let of = |builder: RateLimitLayerBuilder| ServiceBuilder::new().layer(builder.build().unwrap());
    let strict = async |decision: Decision, charge: Charge| {
        let is_in_time = charge.total(3);
        format!("{} {is_in_time}", decision.standings()[0].remaining())
    };
    let lenient = async |decision: Option<Decision>, charge: Option<Charge>| {
        format!("{} {}", decision.is_some(), charge.is_some())
    };
    let only_charge = async |_: Charge| "charged";
    let app = Router::new()
        .route("/strict", get(strict))
        .route("/lenient", get(lenient))
        .layer(of(over(&store).adjustable(true).policy(policy("a").key_global())))
        .route("/silent", get(strict))
        .route("/silent/lenient", get(lenient))
        .layer(of(over(&store).extensions(false).policy(policy("b").key_global())))
        .route("/fixed", get(only_charge))
        .layer(of(over(&store).policy(policy("c").key_global())))
        .route("/bare", get(lenient));
    let address = axum_server(app).await;
    assert_eq!(ask_path(address, "/strict").await.text, "4 true");
    assert_eq!(left(&store, "a", ""), 2);
    assert_eq!(ask_path(address, "/lenient").await.text, "true true");
    assert_eq!(ask_path(address, "/bare").await.text, "false false");
    assert_eq!(ask_path(address, "/silent/lenient").await.text, "true false", "of the outer layer");
    for path in ["/silent", "/fixed"] {
        let answer = ask_path(address, path).await;
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR, "{path}");
        assert_eq!(answer.headers["content-type"], "application/problem+json");
        assert!(answer.text.contains("urn:stonework:ratelimit:not-limited"), "{}", answer.text);
    }
}

#[tokio::test]
async fn a_bare_hyper_server_limits_by_the_address_that_it_was_told() {
    let layer = by_address(ClientIp::peer()).build().unwrap();
    let ok = service_fn(|_: Request<Incoming>| {
        ready(Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("ok"))))
    });
    let address = hyper_server(layer.layer(ok)).await;
    let mut sender = http1(address).await;
    for status in [200, 200, 429, 429] {
        let request = Request::get("/").header("host", "x").body(Full::default()).unwrap();
        let answer = told(sender.send_request(request).await.unwrap()).await;
        assert_eq!(answer.status, status, "on one connection, which stays open");
    }
    let head = ask(address, Request::head("/")).await;
    assert_eq!((head.status.as_u16(), head.text.as_str()), (429, ""));
    assert!(head.headers.contains_key("retry-after"));
}

#[tokio::test]
async fn http2_on_one_connection() {
    let (_, store) = still();
    let layer = over(&store).policy(policy("a").key_global()).build().unwrap();
    let ok = service_fn(|_: Request<Incoming>| {
        ready(Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("ok"))))
    });
    let address = hyper_server(layer.layer(ok)).await;
    let io = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let executor = TokioExecutor::new();
    let (sender, connection) = hyper::client::conn::http2::handshake(executor, io).await.unwrap();
    tokio::spawn(connection);
    let requests: Vec<_> = (0..20)
        .map(|_| {
            let mut sender = sender.clone();
            let request = Request::get(format!("http://{address}/"));
            let request = request.body(Full::<Bytes>::default()).unwrap();
            tokio::spawn(async move { sender.send_request(request).await.unwrap().status() })
        })
        .collect();
    let mut granted = 0;
    for request in requests {
        granted += usize::from(request.await.unwrap() == StatusCode::OK);
    }
    assert_eq!(granted, 5);
}

/// A response body that can be made neither from nothing nor from bytes.
#[tokio::test]
async fn a_proxy_passes_bodies_as_they_come() {
    let upstream = axum_server(Router::new().route("/", get(async || "from upstream"))).await;
    let proxy = service_fn(move |request: Request<Incoming>| async move {
        let (parts, _) = request.into_parts();
        let request = Request::from_parts(parts, Full::default());
        let response = http1(upstream).await.send_request(request).await.unwrap();
        Ok::<Response<Incoming>, Infallible>(response)
    });
    let layer = by_address(ClientIp::peer()).build().unwrap();
    let address = hyper_server(layer.layer(proxy)).await;
    for expected in ["from upstream", "from upstream"] {
        assert_eq!(ask_path(address, "/").await.text, expected);
    }
    let denied = ask_path(address, "/").await;
    assert_eq!(denied.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(denied.text.contains("Quota exceeded"));
}

#[tokio::test]
async fn a_client_that_hangs_up_frees_its_place() {
    use tokio::io::AsyncWriteExt;

    let gate = Concurrency::new("all").at_most(1).key_global();
    let layer = RateLimitLayer::builder().concurrency(gate).build().unwrap();
    let (entered, mut entering) = tokio::sync::mpsc::unbounded_channel();
    let app = service_fn(move |request: Request<Incoming>| {
        let entered = entered.clone();
        async move {
            if request.uri().path() == "/slow" {
                entered.send(()).unwrap();
                std::future::pending::<()>().await;
            }
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("ok")))
        }
    });
    let address = hyper_server(layer.layer(app)).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    entering.recv().await.unwrap();
    assert_eq!(ask_path(address, "/").await.status, StatusCode::TOO_MANY_REQUESTS);
    drop(stream);
    while ask_path(address, "/").await.status != StatusCode::OK {
        tokio::task::yield_now().await;
    }
}
