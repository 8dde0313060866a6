//! The layer around a list in memory: what a client may ask, and what it is told.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::header::{HOST, LINK};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use stonework_pagination::{
    AnyPage, Cursors, Key, Keys, NotExecuted, OriginalUri, PageLayer, PageLayerBuilder, Place,
    Profile, Rejection, keyset,
};
use tower::{Layer, ServiceExt, service_fn};

#[path = "support/memory.rs"]
mod memory;

use memory::Newest;
use memory::{found, place, rows};

keyset! {
    struct Oldest {
        created_at: i64 => asc,
        id: i64 => asc unique,
    }
}

const SECRET: [u8; 32] = [7; 32];

fn cursors() -> Cursors {
    Cursors::signed(Keys::new(1, &SECRET)).build().unwrap()
}

#[derive(Clone)]
struct Account(&'static str);

fn plain() -> PageLayerBuilder {
    PageLayer::builder()
        .cursors(cursors())
        .bind(|head| head.extensions.get::<Account>().map(|account| Key::from(account.0)))
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
    rejection: Option<Rejection>,
    not_executed: bool,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn ids(&self) -> Vec<i64> {
        let data = self.json()["data"].clone();
        data.as_array().unwrap().iter().map(|item| item["id"].as_i64().unwrap()).collect()
    }

    /// The target of a link of this relation.
    fn link(&self, relation: &str) -> Option<String> {
        let ending = format!(">; rel=\"{relation}\"");
        let found = self.header("link").split(", ").find_map(|link| link.strip_suffix(&*ending));
        found.map(|link| link.trim_start_matches('<').to_owned())
    }
}

/// A service that lists seven rows, and how often it ran.
#[derive(Clone)]
struct Site {
    layer: PageLayer,
    runs: Arc<AtomicUsize>,
    rows: Vec<(i64, i64)>,
    account: &'static str,
}

impl Site {
    fn new(builder: PageLayerBuilder) -> Self {
        let runs = Arc::default();
        Self { layer: builder.build().unwrap(), runs, rows: rows(7), account: "alice" }
    }

    fn runs(&self) -> usize {
        self.runs.load(Ordering::Relaxed)
    }

    async fn get(&self, target: &str) -> Answer {
        self.send(Request::get(target).body(Full::default()).unwrap()).await
    }

    async fn send(&self, mut request: Request<Full<Bytes>>) -> Answer {
        request.extensions_mut().insert(Account(self.account));
        let (runs, rows) = (Arc::clone(&self.runs), self.rows.clone());
        let service = service_fn(move |request: Request<Full<Bytes>>| {
            let (runs, rows) = (Arc::clone(&runs), rows.clone());
            async move {
                runs.fetch_add(1, Ordering::Relaxed);
                Ok::<_, Infallible>(list(&request, &rows).await)
            }
        });
        let response = self.layer.layer(service).oneshot(request).await.unwrap();
        let (mut parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
            rejection: parts.extensions.remove(),
            not_executed: parts.extensions.remove::<NotExecuted>().is_some(),
        }
    }
}

async fn list<B>(request: &Request<B>, rows: &[(i64, i64)]) -> Response<Full<Bytes>> {
    let Ok(any) = AnyPage::of(request.extensions()) else { return Response::default() };
    let oldest = request.uri().query().is_some_and(|query| query.contains("oldest"));
    let page = if oldest { any.sorted_by::<Oldest>().map(drop) } else { Ok(()) };
    let page = page.and_then(|()| match any.id() {
        Some(id) => {
            let row = rows.iter().find(|row| row.1.to_string() == id);
            any.at(row.map(place))
        }
        None => any.sorted_by::<Newest>(),
    });
    let page = match page {
        Ok(page) => page,
        Err(error) => return error.to_response().map(Full::new),
    };
    let paged = page.finish(found(rows, &page), place).await.unwrap();
    let paged = paged.map(|(_, id)| json!({ "id": id }));
    let mut response = paged.to_response().unwrap().map(Full::new);
    if request.uri().path() == "/linked" {
        response.headers_mut().insert(LINK, HeaderValue::from_static("</a.css>; rel=preload"));
    }
    response
}

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
    let grpc = Request::get("/orders?limit=0").header("content-type", "application/grpc");
    assert_eq!(site.send(grpc.body(Full::default()).unwrap()).await.status, StatusCode::OK);
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
    assert_eq!(site.get(&empty.link("prev").unwrap()).await.ids(), [7, 6], "before where it was");
}

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
