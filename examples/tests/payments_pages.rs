//! The list of transfers as clients page through it.

mod support;

use serde_json::{Value, json};
use support::{Reply, Request, Service};

fn get(path: &str) -> Request {
    Request::get(path).account("alice")
}

async fn pay(service: &Service, amount: u64, reference: Option<&str>) -> String {
    let mut order = json!({"to": "bob", "amount": {"value": amount, "currency": "USD"}});
    if let Some(reference) = reference {
        order["reference"] = json!(reference);
    }
    let request = Request::new("POST", "/v2/transfers")
        .account("alice")
        .header("content-type", "application/json")
        .body(&order.to_string());
    let made = service.ask(&request).await;
    assert_eq!(made.status, 201, "{made:?}");
    made.json["id"].as_str().expect("an id").to_owned()
}

/// Transfers with ties, and some without a reference; their ids, oldest first.
async fn some(service: &Service) -> Vec<String> {
    let mut ids = Vec::new();
    for (amount, reference) in
        [(5, Some("b")), (7, None), (5, Some("a")), (5, None), (9, Some("b")), (7, Some("c"))]
    {
        ids.push(pay(service, amount, reference).await);
    }
    ids
}

fn ids(page: &Reply) -> Vec<String> {
    let data = page.json["data"].as_array().expect("data");
    data.iter().map(|item| item["id"].as_str().expect("an id").to_owned()).collect()
}

fn link(page: &Reply, relation: &str) -> Option<String> {
    let ending = format!(">; rel=\"{relation}\"");
    let links = page.header("link")?.split(", ");
    links.filter_map(|link| link.strip_suffix(&*ending)).next().map(|link| link[1..].to_owned())
}

/// All pages, from one to the next.
async fn crawl(service: &Service, first: &str) -> Vec<String> {
    let (mut all, mut path) = (Vec::new(), Some(first.to_owned()));
    while let Some(next) = path {
        let page = service.ask(&get(&next)).await;
        assert_eq!(page.status, 200, "{page:?}");
        path = link(&page, "next");
        assert_eq!(page.json["has_more"], json!(path.is_some()));
        all.extend(ids(&page));
    }
    all
}

fn at(ids: &[String], order: &[usize]) -> Vec<String> {
    order.iter().map(|at| ids[*at].clone()).collect()
}

#[tokio::test]
async fn transfers_are_listed_newest_first_and_in_other_orders() {
    let service = Service::start();
    let made = some(&service).await;
    for (sort, order) in [
        ("", [5, 4, 3, 2, 1, 0]),
        ("&sort=newest", [5, 4, 3, 2, 1, 0]),
        ("&sort=oldest", [0, 1, 2, 3, 4, 5]),
        ("&sort=largest", [4, 5, 1, 3, 2, 0]),
        ("&sort=reference", [2, 0, 4, 5, 1, 3]),
    ] {
        for limit in 1..=7 {
            for version in ["v1", "v2"] {
                let path = format!("/{version}/transfers?limit={limit}{sort}");
                assert_eq!(crawl(&service, &path).await, at(&made, &order), "{path}");
            }
        }
    }
}

#[tokio::test]
async fn each_version_lists_amounts_in_its_own_shape() {
    let service = Service::start();
    some(&service).await;
    let one = service.ask(&get("/v1/transfers?limit=2")).await;
    assert_eq!(one.json["data"][0]["amount"], json!(7));
    assert!(
        link(&one, "next").is_some_and(|next| next.starts_with("/v1/transfers?limit=2&cursor="))
    );
    assert!(one.header("deprecation").is_some());
    let two = service.ask(&get("/v2/transfers?limit=2")).await;
    assert_eq!(two.json["data"][0]["amount"], json!({"value": 7, "currency": "USD"}));
    assert!(two.json["data"][0].get("reference").is_some_and(|label| label == "c"));
    assert_eq!(service.ask(&get("/v2/account")).await.json["transfers"], 6);
}

#[tokio::test]
async fn back_is_where_one_came_from() {
    let service = Service::start();
    let made = some(&service).await;
    let first = service.ask(&get("/v2/transfers?limit=2")).await;
    let second = service.ask(&get(&link(&first, "next").expect("a next page"))).await;
    let back = service.ask(&get(&link(&second, "prev").expect("a page before"))).await;
    assert_eq!(ids(&back), at(&made, &[5, 4]));
    assert_eq!(back.json, json!({"data": first.json["data"], "has_more": false}));
    assert_eq!((link(&back, "prev"), link(&first, "prev")), (None, None));
}

#[tokio::test]
async fn a_new_transfer_moves_no_page() {
    let service = Service::start();
    let made = some(&service).await;
    let first = service.ask(&get("/v2/transfers?limit=3")).await;
    pay(&service, 1, None).await;
    let second = service.ask(&get(&link(&first, "next").expect("a next page"))).await;
    assert_eq!(ids(&second), at(&made, &[2, 1, 0]));
}

#[tokio::test]
async fn what_asks_for_no_page_is_told() {
    let service = Service::start();
    some(&service).await;
    let first = service.ask(&get("/v2/transfers?limit=2")).await;
    let next = link(&first, "next").expect("a next page");
    let invalid = "urn:stonework:pagination:cursor-invalid";
    let (before, after) = next.split_at(next.len() - 9);
    let forged =
        format!("{before}{}{}", if after.starts_with('A') { 'B' } else { 'A' }, &after[1..]);
    for (path, kind) in [
        ("/v2/transfers?limit=0", "urn:stonework:pagination:limit-invalid"),
        ("/v2/transfers?limit=101", "urn:stonework:pagination:limit-invalid"),
        ("/v2/transfers?limit=", "urn:stonework:pagination:limit-invalid"),
        ("/v2/transfers?limit=abc", "urn:stonework:pagination:limit-invalid"),
        ("/v2/transfers?limit=1&limit=1", "urn:stonework:pagination:parameter-repeated"),
        ("/v2/transfers?cursor=", invalid),
        ("/v2/transfers?cursor=x", invalid),
        (&forged, invalid),
        (&next.replace("/v2/", "/v1/"), invalid),
        (&format!("{next}&sort=oldest"), invalid),
        ("/v2/transfers?sort=random", "urn:stonework:payments:unknown-sort"),
        ("/v2/transfers?sort=oldest&sort=oldest", "urn:stonework:payments:unknown-sort"),
    ] {
        let reply = service.ask(&get(path)).await;
        assert_eq!((reply.status, &reply.json["type"]), (400, &Value::from(kind)), "{path}");
    }
    let of_bob = service.ask(&Request::get(&next).account("bob")).await;
    assert_eq!((of_bob.status, &of_bob.json["type"]), (400, &Value::from(invalid)));
    let none = service.ask(&Request::get("/v2/transfers").account("carol")).await;
    assert_eq!(none.json, json!({"data": [], "has_more": false}));
}

/// A second process sees what the first has written, and knows its cursors.
#[tokio::test]
async fn processes_with_one_file_are_one_service() {
    let folder = std::env::temp_dir().join(format!("stonework-pages-{}", uuid::Uuid::new_v4()));
    std::fs::create_dir(&folder).expect("a folder of its own");
    let path = folder.join("ledger.db");
    let path = path.to_str().expect("a path in UTF-8");
    let start = || Service::with(&[("DATABASE_PATH", path)]);
    let (one, two) = (start(), start());
    let made = some(&one).await;
    let first = one.ask(&get("/v2/transfers?limit=2")).await;
    let second = two.ask(&get(&link(&first, "next").expect("a next page"))).await;
    assert_eq!(ids(&second), at(&made, &[3, 2]));
    let later = pay(&two, 1, None).await;
    let found = one.ask(&get(&format!("/v2/transfers/{later}"))).await;
    assert_eq!((found.status, &found.json["balance"]), (200, &json!(961)));
    assert_eq!(one.ask(&get("/v2/account")).await.json, json!({"balance": 961, "transfers": 7}));
    drop((one, two));
    // And it is there after a restart.
    let third = start();
    assert_eq!(crawl(&third, "/v2/transfers?limit=3").await[1..], at(&made, &[5, 4, 3, 2, 1, 0]));
    drop(third);
    std::fs::remove_dir_all(&folder).expect("its own folder");
}
