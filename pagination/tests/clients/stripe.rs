//! Stripe's SDK, whose cursors are the ids of objects.

use serde::Deserialize;
use serde_json::{Value, json};

use super::crawl::{
    MANY, all, limits, options, reads_what_stays, reads_what_stays_forward, reads_whole_lists,
};
use super::server::{NEW, Server};
use crate::python::Script;

#[derive(Debug, Deserialize)]
struct Crawl {
    ids: Option<Vec<i64>>,
    failure: Option<Value>,
}

async fn run(server: &Server, limits: &[u32], end: Option<&str>) -> Vec<Crawl> {
    let arguments = [server.base.clone()].into_iter().chain(options(limits));
    let arguments = arguments.chain(end.map(str::to_owned));
    Script::start("stripe_pages.py", arguments).hear_all().await
}

async fn read(server: &Server, limits: &[u32], end: Option<&str>) -> Vec<Vec<i64>> {
    let crawls = run(server, limits, end).await;
    crawls
        .into_iter()
        .map(|crawl| crawl.ids.unwrap_or_else(|| panic!("{:?}", crawl.failure)))
        .collect()
}

async fn forward(server: &Server, limits: &[u32]) -> Vec<Vec<i64>> {
    read(server, limits, None).await
}

/// From the last item, which is not read again.
async fn backward(server: &Server, limits: &[u32]) -> Vec<Vec<i64>> {
    read(server, limits, Some("--ending-before=1")).await
}

/// All but the last item, from there to the first.
fn all_backward() -> Vec<i64> {
    all(MANY).into_iter().rev().skip(1).collect()
}

#[tokio::test]
async fn the_sdk_reads_whole_lists() {
    reads_whole_lists(forward).await;
}

#[tokio::test]
async fn the_sdk_reads_backward() {
    let (server, limits) = (Server::start(MANY, 0).await, limits(MANY));
    assert_eq!(backward(&server, &limits).await, vec![all_backward(); limits.len()]);
    for limit in limits {
        assert_eq!(server.asked(limit), all_backward().len().div_ceil(limit as usize));
    }
}

#[tokio::test]
async fn the_sdk_reads_what_stays_while_rows_come_and_go() {
    reads_what_stays_forward(forward).await;
}

/// Here what comes where the last one was lies ahead, and what comes at the end does not.
#[tokio::test]
async fn the_sdk_reads_what_stays_backward() {
    let read = reads_what_stays(&all_backward(), backward).await;
    assert!(read.iter().flatten().all(|id| *id > 0), "{read:?}");
    assert!(read[0].contains(&(NEW + 1)), "{read:?}");
}

/// It is not the first page, which the SDK would take for the next one.
#[tokio::test]
async fn an_id_that_leads_nowhere_is_an_error_of_the_sdk() {
    let server = Server::start(MANY, 0).await;
    for parameter in ["starting_after", "ending_before"] {
        let option = format!("--{}=99", parameter.replace('_', "-"));
        let [crawl]: [Crawl; 1] = run(&server, &[3], Some(&option)).await.try_into().unwrap();
        let expected = json!({"error": "InvalidRequestError", "status": 400, "param": parameter});
        assert_eq!(crawl.failure, Some(expected));
    }
}
