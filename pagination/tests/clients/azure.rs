//! azure-core, under the client libraries of Azure. It takes `nextLink` as it is.

use serde::Deserialize;

use super::crawl::{reads_what_stays_forward, reads_whole_lists};
use super::server::Server;
use crate::python::Script;

#[derive(Deserialize)]
struct Item {
    id: i64,
}

#[derive(Deserialize)]
struct Crawl {
    pages: Vec<Vec<Item>>,
}

/// The script reads one list, in as many versions of the API as it is told; here there are none.
async fn read(server: &Server, limits: &[u32]) -> Vec<Vec<i64>> {
    let mut read = Vec::new();
    for limit in limits {
        let path = format!("/azure?maxpagesize={limit}");
        let script = Script::start("azure_pages.py", [&*server.base, &path, "--version="]);
        let [crawl]: [Crawl; 1] = script.hear_all().await.try_into().ok().unwrap();
        read.push(crawl.pages.iter().flatten().map(|item| item.id).collect());
    }
    read
}

#[tokio::test]
async fn azure_core_reads_whole_lists() {
    reads_whole_lists(read).await;
}

#[tokio::test]
async fn azure_core_reads_what_stays_while_rows_come_and_go() {
    reads_what_stays_forward(read).await;
}
