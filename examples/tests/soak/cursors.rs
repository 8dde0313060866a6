//! Cursors: those that lead through a history, and those that lead nowhere.

use super::flood::{Flood, account, new, random};
use super::tally::Kind::Cursors;
use crate::support::{Reply, Request};

const INVALID: &str = "400 pagination:cursor-invalid";
/// While there are few cursors, many ask in the name of one owner.
const LIMITED: &str = "429 quota-exceeded";
const TRANSFERS: usize = 5;

fn ids(page: &Reply) -> Vec<String> {
    let data = page.json["data"].as_array().expect("data");
    data.iter().map(|item| item["id"].as_str().expect("an id").to_owned()).collect()
}

/// Where the next page is.
fn next(page: &Reply) -> Option<String> {
    let links = page.header("link")?.split(", ");
    let next = links.filter_map(|link| link.strip_suffix(">; rel=\"next\"")).next()?;
    Some(next.trim_start_matches('<').to_owned())
}

fn cursor(path: &str) -> &str {
    path.split(['?', '&']).find_map(|part| part.strip_prefix("cursor=")).expect("a cursor")
}

/// Makes a history and reads it, in each order and page by page. The balance is what it says.
pub(crate) async fn walk(flood: &Flood) {
    let (mut client, account) = (flood.client().await, account("walk"));
    let mut made = Vec::new();
    for _ in 0..TRANSFERS {
        let reply = flood.pay(Cursors, &mut client, &account).await;
        made.push(reply.json["id"].as_str().expect("an id").to_owned());
    }
    for (sort, backwards) in
        [("oldest", false), ("newest", true), ("largest", true), ("reference", false)]
    {
        let limit = 1 + random(TRANSFERS);
        let mut path = Some(format!("/v1/transfers?limit={limit}&sort={sort}"));
        let mut read = Vec::new();
        while let Some(at) = path {
            let request = Request::get(&at).account(&account);
            let page = flood.ask(Cursors, &mut client, &request, &["200"]).await;
            read.extend(ids(&page));
            path = next(&page);
            if let Some(path) = &path {
                flood.cursors.put((account.clone(), cursor(path).to_owned()));
            }
        }
        if backwards {
            read.reverse();
        }
        assert_eq!(read, made, "{sort}");
    }
    let request = Request::get("/v1/account").account(&account);
    let stands = flood.ask(Cursors, &mut client, &request, &["200"]).await;
    let left = 1_000 - TRANSFERS;
    assert_eq!(
        (&stands.json["balance"], &stands.json["transfers"]),
        (&left.into(), &TRANSFERS.into())
    );
}

/// Cursors of others, cursors of another version and order, changed ones, and what is none.
pub(crate) async fn forged(flood: &Flood) {
    let Some((owner, cursor)) = flood.cursors.any() else { return tokio::task::yield_now().await };
    let (mut client, stranger) = (flood.client().await, account("forged"));
    let at = random(cursor.len());
    let other = if cursor.as_bytes()[at] == b'A' { "B" } else { "A" };
    let mut tampered = cursor.clone();
    tampered.replace_range(at..=at, other);
    for (account, path, cursor) in [
        (&stranger, "/v1/transfers?sort=oldest", &*cursor),
        (&owner, "/v2/transfers?sort=oldest", &cursor),
        (&stranger, "/v1/transfers?sort=oldest", &tampered),
        (&stranger, "/v1/transfers?limit=3", &new()),
        (&stranger, "/v1/transfers?limit=3", &new().repeat(100)),
        (&stranger, "/v1/transfers?limit=3", "%00%ff"),
        (&stranger, "/v1/transfers?limit=3", &cursor[..cursor.len() / 2]),
    ] {
        let request = Request::get(&format!("{path}&cursor={cursor}")).account(account);
        let allowed = if *account == owner { &[INVALID, LIMITED][..] } else { &[INVALID] };
        flood.ask(Cursors, &mut client, &request, allowed).await;
    }
}
