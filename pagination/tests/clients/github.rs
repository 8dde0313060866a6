//! PyGithub, which splits `Link` rather than parse it.

use serde::Deserialize;
use serde_json::{Value, json};

use super::crawl::{
    MANY, all, limits, options, pages, reads_what_stays_forward, reads_whole_lists,
};
use super::server::Server;
use crate::python::Script;

#[derive(Debug, Deserialize)]
struct Crawl {
    ids: Vec<i64>,
    failure: Option<Value>,
}

/// The organization has the name of the links that its list has.
async fn run(address: String, organization: &str, options: Vec<String>) -> Vec<Crawl> {
    let arguments = [address, organization.to_owned()].into_iter().chain(options);
    Script::start("github_pages.py", arguments).hear_all().await
}

async fn read(address: String, organization: &str, limits: &[u32]) -> Vec<Vec<i64>> {
    let crawls = run(address, organization, options(limits)).await;
    let read = crawls.into_iter().map(|crawl| match crawl.failure {
        None => crawl.ids,
        Some(failure) => panic!("{failure} after {:?}", crawl.ids),
    });
    read.collect()
}

#[tokio::test]
async fn pygithub_reads_whole_lists_by_relative_links() {
    reads_whole_lists(async |server, limits| read(server.base.clone(), "relative", limits).await)
        .await;
}

#[tokio::test]
async fn pygithub_reads_whole_lists_by_absolute_links() {
    reads_whole_lists(async |server, limits| read(server.base.clone(), "absolute", limits).await)
        .await;
}

#[tokio::test]
async fn pygithub_reads_what_stays_while_rows_come_and_go() {
    reads_what_stays_forward(async |server, limits| {
        read(server.base.clone(), "relative", limits).await
    })
    .await;
}

/// As GitHub Enterprise has it.
#[tokio::test]
async fn pygithub_reads_whole_lists_under_a_path_by_absolute_links() {
    reads_whole_lists(async |server, limits| {
        read(format!("{}/api/v3", server.base), "absolute", limits).await
    })
    .await;
}

/// It puts the path of its address before whatever begins with a slash, where it is already.
#[tokio::test]
async fn pygithub_does_not_resolve_relative_links_under_a_path() {
    let server = Server::start(MANY, 0).await;
    let crawls = run(format!("{}/api/v3", server.base), "relative", options(&[3, 7])).await;
    let [three, seven]: [Crawl; 2] = crawls.try_into().unwrap();
    assert_eq!(three.ids, pages(MANY, 3)[0]);
    assert_eq!(three.failure, Some(json!({"error": "GithubException", "status": 404})));
    assert_eq!((seven.ids, seven.failure), (all(MANY), None));
}

/// It begins at `rel="last"`, and where there is none it takes the first page for the only one. With cursors no
/// page is the last one until it is reached, and so it is in the lists of GitHub that have cursors.
#[tokio::test]
async fn pygithub_reverses_no_more_than_the_first_page() {
    let (server, limits) = (Server::start(MANY, 0).await, limits(MANY));
    let reversed = options(&limits).into_iter().chain(["--reversed".to_owned()]).collect();
    let crawls = run(server.base.clone(), "relative", reversed).await;
    assert_eq!(crawls.len(), limits.len());
    for (limit, crawl) in limits.into_iter().zip(crawls) {
        let first: Vec<_> = pages(MANY, limit)[0].iter().rev().copied().collect();
        assert_eq!((crawl.ids, crawl.failure), (first, None));
    }
}
