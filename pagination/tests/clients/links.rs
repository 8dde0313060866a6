//! requests, which parses `Link`, and whose callers resolve what is relative.

use serde::Deserialize;

use super::crawl::{MANY, limits, options, pages, reads_what_stays_forward, reads_whole_lists};
use super::server::Server;
use crate::python::Script;

#[derive(Debug, PartialEq, Eq, Deserialize)]
struct Told {
    ids: Vec<i64>,
    has_more: bool,
}

#[derive(Deserialize)]
struct Crawl {
    forward: Vec<Told>,
    #[serde(default)]
    backward: Vec<Told>,
}

async fn run(server: &Server, limits: &[u32], and_back: bool) -> Vec<Crawl> {
    let arguments = [format!("{}/plain", server.base)].into_iter().chain(options(limits));
    let arguments = arguments.chain(and_back.then(|| "--and-back".to_owned()));
    Script::start("link_pages.py", arguments).hear_all().await
}

async fn read(server: &Server, limits: &[u32]) -> Vec<Vec<i64>> {
    let crawls = run(server, limits, false).await.into_iter();
    crawls.map(|crawl| crawl.forward.into_iter().flat_map(|page| page.ids).collect()).collect()
}

/// Pages that are read one after the other. The last one has no more.
fn told(pages: Vec<Vec<i64>>) -> Vec<Told> {
    let many = pages.len();
    let numbered = pages.into_iter().zip(1..);
    numbered.map(|(ids, number)| Told { ids, has_more: number < many }).collect()
}

#[tokio::test]
async fn requests_reads_whole_lists() {
    reads_whole_lists(read).await;
}

#[tokio::test]
async fn requests_reads_what_stays_while_rows_come_and_go() {
    reads_what_stays_forward(read).await;
}

/// The way back has the same pages.
#[tokio::test]
async fn requests_goes_to_the_end_and_back() {
    for many in [0, MANY] {
        let (server, limits) = (Server::start(many, 0).await, limits(many));
        let crawls = run(&server, &limits, true).await;
        assert_eq!(crawls.len(), limits.len());
        for (limit, crawl) in limits.into_iter().zip(crawls) {
            let forward = pages(many, limit);
            let backward = forward.iter().rev().skip(1).cloned().collect();
            assert_eq!(crawl.forward, told(forward), "pages of {limit}");
            assert_eq!(crawl.backward, told(backward), "pages of {limit}, backward");
        }
    }
}
