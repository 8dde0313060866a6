//! The layer in a bare hyper server and in an axum router, over real sockets.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "support/memory.rs"]
mod memory;
#[path = "../../cors/tests/support/sockets.rs"]
mod sockets;

use std::convert::Infallible;
use std::future::ready;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, LINK};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Incoming;
use memory::{Newest, Row, found, place, rows};
use serde_json::{Value, json};
use sockets::{ask, ask_http2, axum_server, hyper_server};
use stonework_pagination::{AnyPage, Cursors, Keys, Page, PageError, PageLayer, Paged};
use tokio::sync::mpsc::channel;
use tokio_stream::wrappers::ReceiverStream;
use tower::{Layer, service_fn};

fn layer() -> PageLayer {
    let cursors = Cursors::signed(Keys::new(1, &[7; 32])).build().unwrap();
    PageLayer::builder().cursors(cursors).build().unwrap()
}

async fn text(response: Response<Incoming>) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

async fn json(response: Response<Incoming>) -> Value {
    serde_json::from_str(&text(response).await).unwrap()
}

/// The target of the link of this relation.
fn link(response: &Response<Incoming>, relation: &str) -> Option<String> {
    let links = response.headers().get(LINK)?.to_str().unwrap();
    let ending = format!(">; rel=\"{relation}\"");
    let found = links.split(", ").find_map(|link| link.strip_suffix(&*ending));
    found.map(|link| link.trim_start_matches('<').to_owned())
}

async fn list(page: Page<Newest>) -> Result<Paged<Value>, PageError> {
    let paged = page.finish(found(&rows(7), &page), place).await?;
    Ok(paged.map(|(at, id): Row| json!({ "id": id, "at": at })))
}

async fn is_asked_for_a_page(page: Option<AnyPage>) -> String {
    page.is_some().to_string()
}

fn router() -> Router {
    Router::new()
        .route("/orders", get(list).layer(layer()))
        .route("/elsewhere", get(is_asked_for_a_page))
        .route("/optional", get(is_asked_for_a_page).layer(layer()))
        .route("/forgotten", get(list))
        .route("/posted", post(async |body: String| Json(body)).layer(layer()))
        .nest("/v1", Router::new().route("/orders", get(list).layer(layer())))
}

#[tokio::test]
async fn a_handler_of_axum_gives_pages_that_links_lead_through() {
    let address = axum_server(router()).await;
    for start in ["/orders", "/v1/orders"] {
        let (mut target, mut ids) = (Some(format!("{start}?limit=3&status=paid")), Vec::new());
        while let Some(page) = target {
            assert!(page.starts_with(&format!("{start}?limit=3&status=paid")), "{page}");
            let response = ask(address, Request::get(&page)).await;
            assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
            target = link(&response, "next");
            let page = json(response).await;
            assert_eq!(page["has_more"], target.is_some());
            let items = page["data"].as_array().unwrap();
            ids.extend(items.iter().map(|item| item["id"].as_i64().unwrap()));
        }
        assert_eq!(ids, [7, 6, 5, 4, 3, 2, 1]);
    }
}

#[tokio::test]
async fn a_cursor_is_for_the_path_that_the_client_sees() {
    let address = axum_server(router()).await;
    let first = ask(address, Request::get("/v1/orders?limit=3")).await;
    let next = link(&first, "next").unwrap();
    let elsewhere = next.strip_prefix("/v1").unwrap();
    let foreign = ask(address, Request::get(elsewhere)).await;
    assert_eq!(foreign.status(), StatusCode::BAD_REQUEST);
    assert_eq!(foreign.headers()[CONTENT_TYPE], "application/problem+json");
}

#[tokio::test]
async fn a_handler_may_do_without_and_a_layer_that_is_missing_is_said() {
    let address = axum_server(router()).await;
    for (path, expected) in [("/elsewhere", "false"), ("/optional", "true")] {
        assert_eq!(text(ask(address, Request::get(path)).await).await, expected, "{path}");
    }
    let forgotten = ask(address, Request::get("/forgotten")).await;
    assert_eq!(forgotten.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(forgotten.headers()[CONTENT_TYPE], "application/problem+json");
}

#[tokio::test]
async fn a_head_is_that_of_the_page() {
    let address = axum_server(router()).await;
    let page = ask(address, Request::get("/orders?limit=3")).await;
    let head = ask(address, Request::head("/orders?limit=3")).await;
    for name in [LINK, CONTENT_LENGTH, CONTENT_TYPE] {
        assert_eq!(head.headers()[&name], page.headers()[&name], "{name}");
    }
    assert_eq!(text(head).await, "");
    let refused = ask(address, Request::head("/orders?limit=0")).await;
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
}

/// A body has begun to come while its server still waits to be told to go on.
#[tokio::test]
async fn a_stream_and_its_trailers_pass_as_they_come() {
    let (frames, body) = channel::<Result<Frame<Bytes>, Infallible>>(1);
    let body = Arc::new(std::sync::Mutex::new(Some(body)));
    let stream = service_fn(move |request: Request<Incoming>| {
        AnyPage::of(request.extensions()).unwrap();
        let body = StreamBody::new(ReceiverStream::new(body.lock().unwrap().take().unwrap()));
        ready(Ok::<_, Infallible>(Response::new(body)))
    });
    let address = hyper_server(layer().layer(stream)).await;
    let uri = format!("http://{address}/orders");
    let asked = tokio::spawn(async move { ask_http2(address, Request::get(uri)).await });
    frames.send(Ok(Frame::data(Bytes::from_static(b"one")))).await.unwrap();
    let mut body = asked.await.unwrap().into_body();
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(first, "one");
    let trailers = HeaderMap::from_iter([("x-sum".parse().unwrap(), HeaderValue::from(9))]);
    frames.send(Ok(Frame::trailers(trailers))).await.unwrap();
    drop(frames);
    assert_eq!(body.collect().await.unwrap().trailers().unwrap()["x-sum"], "9");
}

#[tokio::test]
async fn both_versions_of_http_are_told_why_they_are_refused() {
    let empty = service_fn(|_: Request<Incoming>| {
        ready(Ok::<_, Infallible>(Response::new(Full::<Bytes>::default())))
    });
    let address = hyper_server(layer().layer(empty)).await;
    let why = async |response: Response<Incoming>| {
        let status = response.status();
        (status, json(response).await["type"].as_str().unwrap().to_owned())
    };
    let one = why(ask(address, Request::get("/orders?limit=x")).await).await;
    let two = why(ask_http2(address, get_at(address, "/orders?limit=x")).await).await;
    assert_eq!(one, two);
    assert_eq!(one, (StatusCode::BAD_REQUEST, "urn:stonework:pagination:limit-invalid".to_owned()));
}

fn get_at(address: SocketAddr, path: &str) -> http::request::Builder {
    Request::get(format!("http://{address}{path}"))
}
