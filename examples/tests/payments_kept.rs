//! A transfer that its client keeps, and asks about again.

mod support;

use support::{RENT, Reply, Request, Service};

/// What is said of a body that is sent, and of none.
const OF_THE_BODY: [&str; 2] = ["content-length", "content-type"];
/// Of the moment, and not of the answer.
const OF_THE_MOMENT: [&str; 2] = ["date", "ratelimit"];

async fn paid(service: &Service) -> String {
    let made = service.ask(&Request::transfer(RENT)).await;
    assert_eq!(made.status, 201, "{made:?}");
    made.json["id"].as_str().expect("an id").to_owned()
}

fn ask(method: &str, version: &str, id: &str) -> Request {
    Request::new(method, &format!("/{version}/transfers/{id}")).account("alice")
}

fn tag(reply: &Reply) -> &str {
    reply.header("etag").unwrap_or_else(|| panic!("no tag: {reply:?}"))
}

/// All headers of the answer itself, short of these.
fn headers<'r>(reply: &'r Reply, without: &[&str]) -> Vec<(&'r str, &'r str)> {
    let is_told = |name: &str| !without.contains(&name) && !OF_THE_MOMENT.contains(&name);
    reply.headers().filter(|(name, _)| is_told(name)).collect()
}

fn assert_not_modified(reply: &Reply, first: &Reply) {
    assert_eq!((reply.status, &*reply.body), (304, ""), "{reply:?}");
    assert_eq!(headers(reply, &[]), headers(first, &OF_THE_BODY));
}

#[tokio::test]
async fn each_version_has_a_tag_of_its_own_and_says_when_nothing_has_changed() {
    let service = Service::start();
    let id = paid(&service).await;
    let mut tags = Vec::new();
    for version in ["v1", "v2"] {
        let first = service.ask(&ask("GET", version, &id)).await;
        assert_eq!((first.status, &first.json["id"]), (200, &id.clone().into()));
        assert_eq!(first.header("cache-control"), Some("private, no-cache"));
        let varies: Vec<_> = first.lines("vary").collect();
        assert_eq!(varies, ["api-version,authorization", "origin"]);
        assert_eq!(first.header("api-version"), Some(version));
        assert_eq!(first.header("deprecation").is_some(), version == "v1");
        let strong = tag(&first);
        assert!(strong.starts_with('"') && strong.ends_with('"'), "{strong}");
        let again = service.ask(&ask("GET", version, &id)).await;
        assert_eq!((tag(&again), &again.body), (strong, &first.body));
        for had in [
            strong.to_owned(),
            format!("W/{strong}"),
            format!("\"x\", {strong}"),
            format!("W/\"a,b\",, {strong} , \"y\""),
            "*".to_owned(),
        ] {
            let reply = ask("GET", version, &id).header("if-none-match", &had);
            assert_not_modified(&service.ask(&reply).await, &first);
        }
        let lines = ask("GET", version, &id).header("if-none-match", "\"x\"");
        let lines = lines.header("if-none-match", strong);
        assert_not_modified(&service.ask(&lines).await, &first);
        tags.push(strong.to_owned());
    }
    assert_ne!(tags[0], tags[1]);
    // The tag of one version says nothing of the other's shape.
    for (version, had) in [("v1", &tags[1]), ("v2", &tags[0])] {
        let reply = service.ask(&ask("GET", version, &id).header("if-none-match", had)).await;
        assert_eq!(reply.status, 200, "{reply:?}");
    }
    // However the version is asked for, it is the same answer.
    let by_header = Request::get(&format!("/transfers/{id}")).account("alice");
    let by_header = by_header.header("api-version", "1").header("if-none-match", &tags[0]);
    assert_eq!(service.ask(&by_header).await.status, 304);
}

#[tokio::test]
async fn what_is_no_tag_of_this_one_gets_the_whole() {
    let service = Service::start();
    let (id, other) = (paid(&service).await, paid(&service).await);
    for version in ["v1", "v2"] {
        let first = service.ask(&ask("GET", version, &id)).await;
        let others = tag(&service.ask(&ask("GET", version, &other)).await).to_owned();
        assert_ne!(tag(&first), others);
        let bare = tag(&first).trim_matches('"').to_owned();
        for had in
            [others, bare.clone(), format!("\"{bare}"), format!("\"{bare} \""), "\"a b\"".into()]
        {
            let reply = service.ask(&ask("GET", version, &id).header("if-none-match", &had)).await;
            assert_eq!((reply.status, &reply.body), (200, &first.body), "{had}");
        }
        for had in ["", ",", "\"", "\u{e9}"] {
            let reply = service.ask(&ask("GET", version, &id).header("if-none-match", had)).await;
            assert_eq!((reply.status, &reply.body), (200, &first.body), "{had}");
        }
    }
}

#[tokio::test]
async fn head_says_what_get_would() {
    let service = Service::start();
    let id = paid(&service).await;
    for version in ["v1", "v2"] {
        let get = service.ask(&ask("GET", version, &id)).await;
        let head = service.ask(&ask("HEAD", version, &id)).await;
        assert_eq!((head.status, &*head.body), (200, ""));
        // A body that is not there is not migrated, and its length not known.
        let length = &["content-length"];
        assert_eq!(headers(&head, length), headers(&get, length));
        for had in [tag(&get), "*"] {
            let head = service.ask(&ask("HEAD", version, &id).header("if-none-match", had)).await;
            assert_not_modified(&head, &get);
        }
    }
}

/// A tag opens nothing, and is for those who read.
#[tokio::test]
async fn who_may_not_see_it_is_not_told_that_it_has_not_changed() {
    let service = Service::start();
    let id = paid(&service).await;
    let had = tag(&service.ask(&ask("GET", "v2", &id)).await).to_owned();
    for had in [&*had, "*"] {
        let others = ask("GET", "v2", &id).account("bob").header("if-none-match", had);
        let others = service.ask(&others).await;
        others.assert_problem(404, "urn:stonework:payments:unknown-transfer");
        assert_eq!(others.header("etag"), None);
        let stranger = Request::get(&format!("/v2/transfers/{id}")).header("if-none-match", had);
        assert_eq!(service.ask(&stranger).await.status, 401);
    }
    let made = service.ask(&Request::transfer(RENT).header("if-none-match", "*")).await;
    assert_eq!((made.status, made.header("etag")), (201, None), "{made:?}");
}

#[tokio::test]
async fn a_page_may_ask_and_read_the_tag() {
    let service = Service::start();
    let id = paid(&service).await;
    let page = "http://localhost:5173";
    let path = format!("/v1/transfers/{id}");
    let asked = Request::new("OPTIONS", &path)
        .header("origin", page)
        .header("access-control-request-method", "GET")
        .header("access-control-request-headers", "authorization,if-none-match");
    assert_eq!(service.ask(&asked).await.status, 204);
    let first = service.ask(&ask("GET", "v1", &id).header("origin", page)).await;
    let again = ask("GET", "v1", &id).header("origin", page).header("if-none-match", tag(&first));
    let again = service.ask(&again).await;
    assert_not_modified(&again, &first);
    for reply in [&first, &again] {
        assert_eq!(reply.header("access-control-allow-origin"), Some(page));
        let exposed = reply.header("access-control-expose-headers").unwrap_or_default();
        assert!(exposed.split(',').any(|name| name == "etag"), "{exposed}");
    }
}
