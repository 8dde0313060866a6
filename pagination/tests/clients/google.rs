//! google-api-core, under the client libraries of Google for JSON.

use serde::Deserialize;

use super::crawl::{MANY, limits, options, pages, reads_what_stays_forward, reads_whole_lists};
use super::server::Server;
use crate::python::Script;

#[derive(Debug, Deserialize)]
struct Crawl {
    pages: Vec<Vec<i64>>,
}

async fn run(server: &Server, limits: &[u32]) -> Vec<Crawl> {
    let place = [server.base.clone(), "/google".to_owned()];
    Script::start("google_pages.py", place.into_iter().chain(options(limits))).hear_all().await
}

async fn read(server: &Server, limits: &[u32]) -> Vec<Vec<i64>> {
    run(server, limits).await.into_iter().map(|crawl| crawl.pages.concat()).collect()
}

#[tokio::test]
async fn google_api_core_reads_whole_lists() {
    reads_whole_lists(read).await;
}

#[tokio::test]
async fn google_api_core_reads_what_stays_while_rows_come_and_go() {
    reads_what_stays_forward(read).await;
}

/// A server may give less than was asked for (AIP-158). Ours does so at the end alone.
#[tokio::test]
async fn pages_have_as_many_items_as_google_api_core_asked_for() {
    let (server, limits) = (Server::start(MANY, 0).await, limits(MANY));
    let read = run(&server, &limits).await.into_iter().map(|crawl| crawl.pages);
    let expected: Vec<_> = limits.iter().map(|limit| pages(MANY, *limit)).collect();
    assert_eq!(read.collect::<Vec<_>>(), expected);
}
