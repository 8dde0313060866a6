//! The layers on hyper alone, over HTTP/1.1 and HTTP/2: `cargo run --bin hyper`. `PORT` is 3000 unless you say otherwise.
//!
//! ```sh
//! curl -i 127.0.0.1:3000/v1/transfers -d 100 -H 'idempotency-key: rent-may'
//! ```

use std::convert::Infallible;
use std::env;
use std::error::Error;
use std::fmt::Display;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use stonework_core::{NotExecuted, Problem, Protocol, StoneBody};
use stonework_cors::CorsLayer;
use stonework_idempotency::IdempotencyLayer;
use stonework_ratelimit::{ClientIp, PeerAddr, Policy, RateLimitLayer};
use stonework_versioning::{Major, PathSegment, VersionLayer};
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};
use tower::{ServiceBuilder, ServiceExt, service_fn};

#[path = "payments/stop.rs"]
mod stop;

/// Who is slow with a request is let go.
const PATIENCE: Duration = Duration::from_secs(10);

/// In bytes.
const LARGEST_BODY: usize = 1024;

/// How long connections may take to end.
const LONGEST_END: Duration = Duration::from_secs(8);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let cors = CorsLayer::builder()
        .origins(["http://localhost:*"])
        .include(stonework_idempotency::REQUEST_HEADERS)
        .expose(stonework_idempotency::RESPONSE_HEADERS)
        .expose(stonework_ratelimit::RESPONSE_HEADERS)
        .build()?;
    let calls = Policy::new("requests").rate(100).per(Duration::from_secs(60));
    let limits = RateLimitLayer::builder().policy(calls.key_ip(ClientIp::peer())).build()?;
    let keys =
        IdempotencyLayer::builder().single_tenant().max_request_body(LARGEST_BODY).build()?;
    let runs = keys.tracker();
    let versions = VersionLayer::builder::<Major>()
        .version("1", |v| v)
        .read(PathSegment::first().strip(true))
        .build()?;

    let balance = Arc::new(AtomicU64::new(1000));
    let handler = service_fn(move |request| handle(request, Arc::clone(&balance)));
    let service = ServiceBuilder::new()
        .layer(cors)
        .layer(limits)
        .layer(keys)
        .layer(versions)
        .service(handler);

    let mut stop = stop::Stop::listen()?;
    let port = env::var("PORT").map_or(Ok(3000), |port| port.parse())?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    println!("listening on http://{}", listener.local_addr()?);

    let mut server = auto::Builder::new(TokioExecutor::new());
    server.http1().timer(TokioTimer::new()).header_read_timeout(PATIENCE);
    server.http2().timer(TokioTimer::new()).keep_alive_interval(PATIENCE);
    let graceful = GracefulShutdown::new();
    let mut told = pin!(stop.told());
    loop {
        let (socket, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                // Of one connection that is gone; or of all, until a file is closed.
                Err(_) => {
                    sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
            () = &mut told => break,
        };
        let service = TowerToHyperService::new(service.clone().map_request(from(peer)));
        let connection = server.serve_connection(TokioIo::new(socket), service).into_owned();
        let connection = graceful.watch(connection);
        tokio::spawn(async move { connection.await.ok() });
    }
    drop(listener);
    // Connections first, then runs whose clients have left.
    let ended = async {
        graceful.shutdown().await;
        runs.drained().await;
    };
    if timeout(LONGEST_END, ended).await.is_err() {
        eprintln!("hyper: out of time, with {} runs unfinished", runs.in_flight());
    }
    Ok(())
}

/// Notes whom a request comes from, which hyper does not know.
fn from(peer: SocketAddr) -> impl Fn(Request<Incoming>) -> Request<Incoming> + Clone {
    move |mut request| {
        request.extensions_mut().insert(PeerAddr(peer));
        request
    }
}

/// `POST /v1/transfers` with an amount, and `GET /v1/balance`.
async fn handle(
    request: Request<StoneBody<Incoming>>,
    balance: Arc<AtomicU64>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    Ok(match (parts.method, parts.uri.path()) {
        (Method::GET, "/balance") => text(StatusCode::OK, balance.load(Ordering::Acquire)),
        (Method::POST, "/transfers") => transfer(body, &balance).await,
        _ => refuse("unknown-route", "No such route", StatusCode::NOT_FOUND),
    })
}

async fn transfer(body: StoneBody<Incoming>, balance: &AtomicU64) -> Response<Full<Bytes>> {
    // Without a key nobody has read it before.
    let Ok(Ok(body)) = timeout(PATIENCE, Limited::new(body, LARGEST_BODY).collect()).await else {
        return refuse("unreadable-body", "Body cannot be read", StatusCode::BAD_REQUEST);
    };
    let amount = str::from_utf8(&body.to_bytes()).ok().and_then(|text| text.trim().parse().ok());
    let Some(amount) = amount.filter(|amount: &u64| *amount > 0) else {
        return refuse("invalid-amount", "Send a positive number", StatusCode::BAD_REQUEST);
    };
    let charge = |balance: u64| balance.checked_sub(amount);
    match balance.fetch_update(Ordering::AcqRel, Ordering::Acquire, charge) {
        Ok(before) => text(StatusCode::CREATED, before - amount),
        // An answer, and a retry gets it again.
        Err(_) => problem("insufficient-funds", "Insufficient funds", StatusCode::PAYMENT_REQUIRED),
    }
}

fn text(status: StatusCode, text: impl Display) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(format!("{text}\n")));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response
}

/// Nothing was done, so that the key of the request is as good as new.
fn refuse(slug: &str, title: &'static str, status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = problem(slug, title, status);
    response.extensions_mut().insert(NotExecuted);
    response
}

fn problem(slug: &str, title: &'static str, status: StatusCode) -> Response<Full<Bytes>> {
    let problem = Problem::new(format!("urn:stonework:hyper:{slug}"), title, status);
    problem.to_response(&Protocol::Http).map(Full::new)
}
