//! The layer around a list in memory: what a client may ask, and what it is told.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

use http::header::{HOST, LINK};
use http::{Method, Request, StatusCode};
use http_body_util::Full;
use memory::place;
use serde_json::json;
use site::{Site, plain};
use stonework_pagination::{
    AnyPage, Cursors, Keys, OriginalUri, PageLayer, Place, Profile, Rejection,
};

#[path = "support/memory.rs"]
mod memory;
#[path = "support/site.rs"]
mod site;

#[tokio::test]
async fn a_list_is_read_page_by_page_and_back() {
    let site = Site::new(plain());
    let first = site.get("/orders?limit=3&status=paid").await;
    assert_eq!((first.status, first.ids()), (StatusCode::OK, vec![7, 6, 5]));
    assert_eq!(first.json()["has_more"], true);
    assert_eq!((first.link("prev"), first.link("first")), (None, None), "it is the first");
    let next = first.link("next").unwrap();
    assert!(next.starts_with("/orders?limit=3&status=paid&cursor="), "{next}");
    let second = site.get(&next).await;
    assert_eq!(second.ids(), [4, 3, 2]);
    assert_eq!(second.link("first").unwrap(), "/orders?limit=3&status=paid");
    let third = site.get(&second.link("next").unwrap()).await;
    assert_eq!((third.ids(), third.json()["has_more"].clone()), (vec![1], json!(false)));
    assert_eq!(third.link("next"), None);
    // And back, in the same order.
    let back = site.get(&third.link("prev").unwrap()).await;
    assert_eq!(back.ids(), [4, 3, 2]);
    let start = site.get(&back.link("prev").unwrap()).await;
    assert_eq!((start.ids(), start.json()["has_more"].clone()), (vec![7, 6, 5], json!(false)));
    assert_eq!(start.link("prev"), None);
    assert_eq!(site.get(&start.link("next").unwrap()).await.ids(), [4, 3, 2]);
}

#[tokio::test]
async fn a_limit_may_change_between_pages_and_nothing_else() {
    let site = Site::new(plain());
    let first = site.get("/orders?limit=2&a=1&b=2").await;
    let cursor = first.link("next").unwrap().split_once("cursor=").unwrap().1.to_owned();
    for same in ["a=1&b=2&limit=5", "b=2&a=1", "%61=1&b=%32&limit=100"] {
        let answer = site.get(&format!("/orders?{same}&cursor={cursor}")).await;
        assert_eq!(answer.ids()[0], 5, "{same}");
    }
    for other in ["a=1", "a=1&b=3", "a=1&b=2&c=", "a=2&b=1", "a=1&b=2&b=2", "a=1%26b=2", ""] {
        let answer = site.get(&format!("/orders?{other}&cursor={cursor}")).await;
        assert_eq!(answer.rejection, Some(Rejection::Cursor), "{other}");
    }
}

/// Whoever tries to find out something by cursors finds out nothing.
#[tokio::test]
async fn all_cursors_that_are_none_have_the_same_answer() {
    let site = Site::new(plain());
    let first = site.get("/orders?limit=2").await;
    let cursor = first.link("next").unwrap().split_once("cursor=").unwrap().1.to_owned();
    let runs = site.runs();
    let expected = json!({
        "type": "urn:stonework:pagination:cursor-invalid",
        "title": "Cursor is invalid",
        "status": 400,
        "detail": "It cannot be used for this request. Begin again at the first page.",
        "parameter": "cursor",
    });
    let forged = format!("{}A{}", &cursor[..20], &cursor[21..]);
    let other_key = Site::new(
        PageLayer::builder().cursors(Cursors::signed(Keys::new(1, &[8; 32])).build().unwrap()),
    );
    let foreign = other_key.get("/orders?limit=2").await.link("next").unwrap();
    for target in [
        "/orders?cursor=".to_owned(),
        "/orders?cursor=x".to_owned(),
        format!("/orders?cursor={cursor}%3D"),
        format!("/orders?cursor={}", "A".repeat(5_000)),
        format!("/orders?cursor={forged}"),
        format!("/refunds?cursor={cursor}"),
        foreign,
    ] {
        let answer = site.get(&target).await;
        assert_eq!((answer.status, answer.json()), (StatusCode::BAD_REQUEST, expected.clone()));
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert!(answer.not_executed && answer.rejection == Some(Rejection::Cursor), "{target}");
    }
    let of_bob = Site { account: "bob", ..site.clone() };
    assert_eq!(of_bob.get(&format!("/orders?cursor={cursor}")).await.json(), expected);
    assert_eq!(site.runs(), runs, "no handler ran");
    // Only the handler knows the order.
    let sorted = site.get("/orders?limit=2&oldest").await.link("next").unwrap();
    assert_eq!(site.get(&sorted).await.json(), expected);
}

#[tokio::test]
async fn a_limit_that_is_none_names_the_range() {
    let site = Site::new(plain());
    for limit in ["0", "-1", "+1", "abc", "", "101", "1.5", "99999999999999999999"] {
        let target = format!("/orders?limit={}", limit.replace('+', "%2B"));
        let answer = site.get(&target).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{limit}");
        let problem = answer.json();
        assert_eq!(problem["type"], "urn:stonework:pagination:limit-invalid");
        assert_eq!(problem["detail"], "`limit` is a whole number from 1 to 100.");
        assert_eq!((&problem["min"], &problem["max"]), (&json!(1), &json!(100)));
    }
    for (query, name) in [("limit=1&limit=1", "limit"), ("cursor=a&cursor=a", "cursor")] {
        let problem = site.get(&format!("/orders?{query}")).await.json();
        assert_eq!(problem["type"], "urn:stonework:pagination:parameter-repeated");
        assert_eq!(problem["parameter"], name);
    }
    assert_eq!(site.runs(), 0);
    assert_eq!(site.get("/orders").await.ids().len(), 7, "20 where none is said");
}

#[tokio::test]
async fn what_is_no_list_passes() {
    let site = Site::new(plain());
    let post = Request::post("/orders?limit=0").body(Full::default()).unwrap();
    assert_eq!(site.send(post).await.status, StatusCode::OK);
    let grpc = Request::post("/orders?limit=0").header("content-type", "application/grpc");
    assert_eq!(site.send(grpc.body(Full::default()).unwrap()).await.status, StatusCode::OK);
    // No client turns the layer off.
    let get = Request::get("/orders?limit=0").header("content-type", "application/grpc");
    let refused = site.send(get.body(Full::default()).unwrap()).await;
    assert_eq!(refused.rejection, Some(Rejection::Limit));
    let mut head = Request::get("/orders?limit=2").body(Full::default()).unwrap();
    *head.method_mut() = Method::HEAD;
    assert!(site.send(head).await.link("next").is_some(), "HEAD is told what GET is");
}

#[tokio::test]
async fn links_lead_to_what_the_client_sent() {
    let site = Site::new(plain());
    let mut request = Request::get("/orders?limit=2").body(Full::default()).unwrap();
    let sent = OriginalUri("/v2/orders?limit=2".parse().unwrap());
    request.extensions_mut().insert(sent);
    let next = site.send(request).await.link("next").unwrap();
    assert!(next.starts_with("/v2/orders?limit=2&cursor="), "{next}");
    // In another version of the API it is another list.
    let other = next.replace("/v2/", "/v1/");
    assert_eq!(site.get(&other).await.rejection, Some(Rejection::Cursor));

    let linked = site.get("/linked?limit=2").await;
    assert_eq!(linked.headers.get_all(LINK).iter().count(), 1);
    let line = linked.header("link");
    assert!(line.starts_with("</linked?limit=2&cursor="), "{line}");
    assert!(line.ends_with(">; rel=\"next\", </a.css>; rel=preload"), "{line}");
}

#[tokio::test]
async fn no_host_gets_into_a_link_unless_that_was_chosen() {
    let with_host = |host: &'static str| {
        Request::get("/orders?limit=2").header(HOST, host).body(Full::default()).unwrap()
    };
    let relative = Site::new(plain()).send(with_host("evil.example")).await;
    assert!(relative.link("next").unwrap().starts_with("/orders?"));
    let fixed = Site::new(plain().base("https://api.example.com"));
    let link = fixed.send(with_host("evil.example")).await.link("next").unwrap();
    assert!(link.starts_with("https://api.example.com/orders?limit=2&cursor="), "{link}");
    let trusting = Site::new(plain().danger_base_from_host());
    let link = trusting.send(with_host("api.example.com:8443")).await.link("next").unwrap();
    assert!(link.starts_with("http://api.example.com:8443/orders?"), "{link}");
    let link = trusting.send(with_host("a b>")).await.link("next").unwrap();
    assert!(link.starts_with("/orders?"), "{link}");
}

#[tokio::test]
async fn a_page_of_which_all_rows_are_gone_leads_back() {
    let mut site = Site::new(plain());
    let next = site.get("/orders?limit=3").await.link("next").unwrap();
    site.rows.truncate(3);
    let empty = site.get(&next).await;
    assert_eq!((empty.ids(), empty.json()["has_more"].clone()), (vec![], json!(false)));
    assert_eq!(site.get(&empty.link("prev").unwrap()).await.ids(), [7, 6, 5], "5 is still there");
}

#[tokio::test]
async fn pages_may_have_numbers() {
    let site = Site::new(PageLayer::builder().profile(Profile::numbered().depth(100)));
    let second = site.get("/orders?limit=3&page=2&status=paid").await;
    assert_eq!((second.ids(), second.json()["has_more"].clone()), (vec![4, 3, 2], json!(true)));
    assert_eq!(second.link("next").unwrap(), "/orders?limit=3&status=paid&page=3");
    assert_eq!(second.link("prev").unwrap(), "/orders?limit=3&status=paid&page=1");
    let last = site.get("/orders?limit=3&page=3").await;
    assert_eq!((last.ids(), last.link("next")), (vec![1], None));
    let first = site.get("/orders?limit=3").await;
    assert_eq!((first.ids(), first.link("prev")), (vec![7, 6, 5], None));
    let deep = site.get("/orders?page=6").await;
    assert_eq!((deep.status, deep.rejection), (StatusCode::BAD_REQUEST, Some(Rejection::Page)));
    assert_eq!((&deep.json()["min"], &deep.json()["max"]), (&json!(1), &json!(5)));
}

#[tokio::test]
async fn ids_of_objects_are_looked_up() {
    let stripe = Site::new(PageLayer::builder().profile(Profile::stripe()));
    let first = stripe.get("/v1/charges?limit=3").await.json();
    assert_eq!(
        (&first["object"], &first["url"], &first["has_more"]),
        (&json!("list"), &json!("/v1/charges"), &json!(true))
    );
    let second = stripe.get("/v1/charges?limit=3&starting_after=5").await;
    assert_eq!(second.ids(), [4, 3, 2]);
    let back = stripe.get("/v1/charges?limit=3&ending_before=4").await;
    assert_eq!((back.ids(), back.json()["has_more"].clone()), (vec![7, 6, 5], json!(false)));
    let gone = stripe.get("/v1/charges?starting_after=99").await;
    assert_eq!(gone.status, StatusCode::BAD_REQUEST);
    assert_eq!(gone.json()["error"]["param"], "starting_after");
    let both = stripe.get("/v1/charges?starting_after=5&ending_before=5").await;
    assert_eq!(both.rejection, Some(Rejection::Both));
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    for (builder, expected) in [
        (PageLayer::builder(), &["cursors"][..]),
        (plain().profile(Profile::stripe()), &["cursors"]),
        (plain().profile(Profile::azure()), &["base"]),
        (plain().profile(Profile::numbered()), &["cursors"]),
        (PageLayer::builder().profile(Profile::numbered().depth(99)), &["depth"]),
        (plain().base("api.example.com"), &["base"]),
        (plain().base("https://api.example.com/"), &["base"]),
        (plain().base("https://api.example.com/a?b"), &["base"]),
        (plain().profile(Profile::plain().limits(0, 0)), &["limits", "limits"]),
        (plain().profile(Profile::plain().limits(20, 10)), &["limits"]),
        (plain().profile(Profile::plain().limits(20, u32::MAX)), &["limits"]),
        (plain().profile(Profile::plain().limit_named("cursor")), &["cursor_named"]),
        (plain().profile(Profile::plain().cursor_named("")), &["cursor_named"]),
        (
            PageLayer::builder().base("x").profile(Profile::plain().limits(0, 5)),
            &["limits", "cursors", "base"],
        ),
    ] {
        let errors = builder.build().unwrap_err();
        let settings: Vec<_> = errors.iter().map(|error| error.setting).collect();
        assert_eq!(settings, expected);
    }
    assert!(plain().base("https://api.example.com/shop").build().is_ok());
}

/// A program without the layer is wrong, and its clients are not told more.
#[test]
fn without_the_layer_there_is_no_page() {
    let error = AnyPage::of(&http::Extensions::new()).unwrap_err();
    assert_eq!(error.rejection(), Rejection::Misused);
    assert_eq!(error.to_response().status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert!(std::error::Error::source(&error).is_some());
    drop(place(&(1, 1)).into_values());
}
