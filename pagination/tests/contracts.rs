//! What clients of well-known contracts are told.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "support/memory.rs"]
mod memory;
#[path = "support/site.rs"]
#[allow(dead_code)] // Other tests need more of it.
mod site;

use http::StatusCode;
use serde_json::{Value, json};
use site::{Site, plain};
use stonework_pagination::Profile;

/// Each has its own words for the same.
#[tokio::test]
async fn contracts_have_their_own_forms() {
    let with = |profile: Profile| Site::new(plain().profile(profile));
    let token = |answer: &Value, name: &str| answer[name].as_str().unwrap().to_owned();

    let github = with(Profile::github());
    let first = github.get("/orders?per_page=3").await;
    assert_eq!(first.json(), json!([{"id": 7}, {"id": 6}, {"id": 5}]));
    let second = github.get(&first.link("next").unwrap()).await;
    assert_eq!(second.json()[0], json!({"id": 4}));
    assert!(second.link("prev").unwrap().contains("before="));
    assert_eq!(github.get("/orders?per_page=9999").await.status, StatusCode::OK, "the most");
    let wrong = github.get("/orders?after=x").await.json();
    assert!(wrong["message"].as_str().unwrap().starts_with("Cursor is invalid"));

    let aip = with(Profile::aip("orders"));
    let first = aip.get("/orders?page_size=4").await.json();
    assert_eq!(first["orders"].as_array().unwrap().len(), 4);
    let next = token(&first, "nextPageToken");
    let last = aip.get(&format!("/orders?page_size=4&page_token={next}")).await.json();
    assert_eq!(last.get("nextPageToken"), None, "left out, for clients that go on at null");
    assert_eq!(aip.get("/orders?page_token=&page_size=0").await.status, StatusCode::OK);
    let wrong = aip.get("/orders?page_size=-1").await.json();
    assert_eq!(wrong["error"]["status"], "INVALID_ARGUMENT");

    let scim = with(Profile::scim());
    let first = scim.get("/Users?count=4&cursor").await;
    assert_eq!(first.header("content-type"), "application/scim+json");
    let first = first.json();
    assert_eq!((&first["itemsPerPage"], first.get("previousCursor")), (&json!(4), None));
    let next = token(&first, "nextCursor");
    let second = scim.get(&format!("/Users?count=4&cursor={next}")).await.json();
    assert_eq!(second.get("nextCursor"), None);
    assert_eq!(scim.get("/Users?count=-5").await.json()["Resources"], json!([]));
    let wrong = scim.get("/Users?cursor=x").await;
    assert_eq!(wrong.json()["scimType"], "invalidCursor");
    assert_eq!(wrong.json()["status"], "400");
    assert_eq!(scim.get("/Users?count=x").await.json()["scimType"], "invalidCount");

    let json_api = with(Profile::json_api());
    let first = json_api.get("/orders?page[size]=4").await;
    assert_eq!(first.header("content-type"), "application/vnd.api+json");
    assert_eq!(first.json()["links"]["prev"], Value::Null);
    let next = token(&first.json()["links"], "next");
    let last = json_api.get(&next).await.json();
    assert_eq!(last["links"]["next"], Value::Null);
    assert!(token(&last["links"], "prev").contains("page%5Bbefore%5D="));
    let wrong = json_api.get("/orders?page[size]=101").await.json();
    assert_eq!(wrong["errors"][0]["source"]["parameter"], "page[size]");
    assert_eq!(wrong["errors"][0]["meta"]["page"]["maxSize"], 100);

    let zalando = with(Profile::zalando());
    let first = zalando.get("/orders?limit=4").await.json();
    assert_eq!((&first["self"], first.get("prev")), (&json!("/orders?limit=4"), None));
    let last = zalando.get(&token(&first, "next")).await.json();
    assert_eq!((last["items"].as_array().unwrap().len(), last.get("next")), (3, None));

    let azure = Site::new(plain().profile(Profile::azure()).base("https://api.example.com"));
    let first = azure.get("/orders?maxpagesize=4").await.json();
    let next = token(&first, "nextLink");
    assert!(next.starts_with("https://api.example.com/orders?maxpagesize=4&skiptoken="));
    assert_eq!(azure.get(&next).await.json().get("nextLink"), None);
    let wrong = azure.get("/orders?skiptoken=x").await.json();
    assert_eq!(wrong["error"]["target"], "skiptoken");

    let relay = with(Profile::relay());
    let last = relay.get("/orders?last=2").await.json();
    assert_eq!(last["edges"][0]["node"], json!({"id": 2}));
    assert_eq!(
        (&last["pageInfo"]["hasNextPage"], &last["pageInfo"]["hasPreviousPage"]),
        (&json!(false), &json!(true))
    );
    assert_eq!(last["pageInfo"]["startCursor"], last["edges"][0]["cursor"]);
}
