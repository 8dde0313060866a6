//! What goes wrong in lists that others have made, and went wrong in this one.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "support/memory.rs"]
mod memory;
#[path = "support/site.rs"]
#[allow(dead_code)] // Other tests need more of it.
mod site;

use http::header::HOST;
use http::{Request, StatusCode};
use http_body_util::Full;
use memory::{Newest, found, place, rows};
use proptest::prelude::*;
use serde_json::{Value, json};
use site::{Account, Site, cursors, plain};
use stonework_pagination::{
    AnyPage, Binding, Column, Cursors, Dialect, Key, Keys, Kind, Page, PageLayer, PageLayerBuilder,
    Profile, Rejection, Seek, SeekErrorKind, Sort, Total,
};

/// The next page is there, and is another.
async fn goes_on(site: &Site, target: &str) {
    let first = site.get(target).await;
    let next = first.link("next").unwrap_or_else(|| panic!("{target}: no next"));
    let second = site.get(&next).await;
    assert_eq!((first.ids(), second.ids()), (vec![7, 6], vec![5, 4]), "{next}");
}

#[tokio::test]
async fn a_link_is_good_whatever_is_in_its_path() {
    let site = Site::new(plain());
    for path in ["/a,b", "/a;v=1", "/a|b", "/a{b}", "/a\"b", "/a%2cb", "/a%2Fb", "/%7Ea", "/a//b"] {
        goes_on(&site, &format!("{path}/orders?limit=2")).await;
        goes_on(&site, &format!("{path}/orders?limit=2&q=a,b;c|d&e=%2c")).await;
    }
    goes_on(&site, "/caf\u{e9}/orders?limit=2").await;
}

/// `//evil.example/orders` is a host and a path where it is a link.
#[tokio::test]
async fn a_path_becomes_no_host() {
    for (profile, name) in [(Profile::plain(), ""), (Profile::json_api(), "page[size]")] {
        let site = Site::new(plain().profile(profile));
        let query = if name.is_empty() { "limit=2" } else { "page[size]=2" };
        let answer = site.get(&format!("//evil.example/orders?{query}")).await;
        let link = match name {
            "" => answer.link("next").unwrap(),
            _ => answer.json()["links"]["next"].as_str().unwrap().to_owned(),
        };
        assert!(link.starts_with("/.//evil.example/orders?"), "{link}");
    }
    let zalando = Site::new(plain().profile(Profile::zalando()));
    let body = zalando.get("//evil.example/orders?limit=2").await.json();
    for name in ["self", "first", "next"] {
        assert!(body[name].as_str().unwrap().starts_with("/.//evil.example/"), "{name}: {body}");
    }
    let absolute = Site::new(plain().base("https://api.example.com"));
    let link = absolute.get("//evil.example/orders?limit=2").await.link("next").unwrap();
    assert!(link.starts_with("https://api.example.com//evil.example/orders?"), "{link}");
}

#[tokio::test]
async fn what_cannot_be_in_a_link_is_no_host() {
    let trusting = Site::new(plain().danger_base_from_host());
    for host in ["user:pw@evil.example", "a,b", "a;rel=x", "a b", ""] {
        let request = Request::get("/orders?limit=2").header(HOST, host);
        let answer = trusting.send(request.body(Full::default()).unwrap()).await;
        let link = answer.link("next").unwrap();
        assert!(link.starts_with("/orders?"), "{host}: {link}");
    }
    // The target of the request goes before the header (RFC 9112, section 3.2.2).
    let request = Request::get("https://api.example.com/orders?limit=2").header(HOST, "other");
    let answer = trusting.send(request.body(Full::default()).unwrap()).await;
    let link = answer.link("next").unwrap();
    assert!(link.starts_with("https://api.example.com/orders?"), "{link}");
}

/// The row of the cursor, which is no part of the page, is on the pages around an empty one.
#[tokio::test]
async fn an_empty_page_loses_no_row() {
    let mut site = Site::new(plain());
    let first = site.get("/orders?limit=3").await;
    let second = site.get(&first.link("next").unwrap()).await;
    assert_eq!(second.ids(), [4, 3, 2]);
    site.rows.drain(..3);
    let empty = site.get(&second.link("prev").unwrap()).await;
    assert_eq!((empty.ids(), empty.link("prev")), (vec![], None));
    let next = empty.link("next").unwrap();
    assert_eq!(site.get(&next).await.ids(), [4, 3, 2]);
    // Nor if that row goes, too.
    site.rows.remove(0);
    assert_eq!(site.get(&next).await.ids(), [3, 2, 1]);
}

#[tokio::test]
async fn who_wants_no_items_is_led_nowhere() {
    let scim = Site::new(plain().profile(Profile::scim()));
    let first = scim.get("/Users?count=2&cursor").await.json();
    let next = first["nextCursor"].as_str().unwrap();
    let none = scim.get(&format!("/Users?count=0&cursor={next}")).await.json();
    assert_eq!((none.get("nextCursor"), none.get("previousCursor")), (None, None));
}

#[tokio::test]
async fn pages_by_number_end_where_they_may_be_asked_for() {
    let site = Site::new(PageLayer::builder().profile(Profile::numbered().limits(2, 2).depth(5)));
    let third = site.get("/orders?page=3").await;
    assert_eq!((third.ids(), third.json()["has_more"].clone()), (vec![3, 2], json!(true)));
    assert_eq!(third.link("next"), None, "it would be refused");
    assert_eq!(third.link("prev").unwrap(), "/orders?page=2");
    assert_eq!(third.link("first").unwrap(), "/orders");
    assert_eq!(site.get("/orders?page=1").await.link("first"), None);
    assert_eq!(site.get("/orders?page=4").await.rejection, Some(Rejection::Page));
}

fn of(binding: PageLayerBuilder, account: &'static str) -> Site {
    Site { account, ..Site::new(binding.cursors(cursors())) }
}

/// Whoever else asks is refused, whichever way the cursor is bound.
#[tokio::test]
async fn a_cursor_is_for_whoever_asked() {
    let owned = || {
        PageLayer::builder()
            .owner(|head| head.extensions.get::<Account>().map(|account| Key::from(account.0)))
    };
    for builder in [plain, owned] {
        let next = of(builder(), "alice").get("/orders?limit=2").await.link("next").unwrap();
        assert_eq!(of(builder(), "alice").get(&next).await.ids(), [5, 4]);
        assert_eq!(of(builder(), "bob").get(&next).await.rejection, Some(Rejection::Cursor));
    }
}

/// What is not there is as much a part as what is.
#[tokio::test]
async fn parts_do_not_take_each_others_place() {
    let two = |first: Option<&'static str>, second: Option<&'static str>| {
        PageLayer::builder()
            .bind(move |_| first.map(Key::from))
            .bind(move |_| second.map(Key::from))
    };
    let next = of(two(None, Some("x")), "").get("/orders?limit=2").await.link("next").unwrap();
    for (first, second) in [(Some("x"), None), (None, None), (Some("x"), Some("x"))] {
        let other = of(two(first, second), "").get(&next).await;
        assert_eq!(other.rejection, Some(Rejection::Cursor), "{first:?} {second:?}");
    }
    let plain = of(PageLayer::builder(), "").get("/orders?limit=2").await.link("next").unwrap();
    for forged in ["bound=x", "unbound=", "owner=x"] {
        let of_alice = of(two(None, Some("x")), "").get(&format!("{plain}&{forged}")).await;
        assert_eq!(of_alice.rejection, Some(Rejection::Cursor), "{forged}");
    }
}

#[tokio::test]
async fn cursors_of_objects_are_no_ids() {
    let (profile, cursors) = (Profile::plain(), cursors());
    let page = AnyPage::from_parameters(&profile, &cursors, Binding::new(), []).await.unwrap();
    assert_eq!(page.at::<Newest>(None).unwrap_err().rejection(), Rejection::Misused);
}

#[tokio::test]
async fn what_a_contract_cannot_be_is_refused_without_a_layer_too() {
    let ask = async |profile: Profile, parameters: &[(&'static str, &str)]| {
        let parameters = parameters.iter().map(|(name, value)| (*name, (*value).to_owned()));
        let parameters: Vec<_> = parameters.collect();
        AnyPage::from_parameters(&profile, &cursors(), Binding::new(), parameters).await
    };
    let wrong = ask(Profile::plain().limits(5_000, 100), &[]).await.unwrap_err();
    assert_eq!(wrong.rejection(), Rejection::Misused);
    assert!(std::error::Error::source(&wrong).unwrap().to_string().contains("limits(5000)"));
    let stripe = ask(Profile::stripe(), &[("starting_after", "ch_7")]).await.unwrap();
    assert_eq!(stripe.id(), Some("ch_7"));
    for profile in [Profile::json_api(), Profile::zalando(), Profile::azure()] {
        let page = ask(profile, &[]).await.unwrap().sorted_by::<Newest>().unwrap();
        let paged = page.finish(found(&rows(30), &page), place).await.unwrap();
        let text = serde_json::to_string(&paged.map(|row| row.1)).unwrap();
        assert!(!text.contains("/?"), "there is no path: {text}");
    }
}

/// A client cannot tell what is wrong with a cursor: the answers are the same, byte for byte.
#[tokio::test]
async fn what_is_wrong_with_a_cursor_is_nobodys_business() {
    for (profile, query, name) in [
        (Profile::plain(), "limit=2", "cursor"),
        (Profile::github(), "per_page=2", "after"),
        (Profile::github(), "per_page=2", "before"),
        (Profile::relay(), "first=2", "after"),
        (Profile::relay(), "first=2", "before"),
        (Profile::relay(), "last=2", "after"),
    ] {
        let site = Site::new(plain().profile(profile.clone()).problem_base("https://e.example/"));
        let oldest = a_cursor(&site, &profile, "order=newest").await;
        // Good for the list, and so refused by the handler alone, which sorts it otherwise.
        let sorted = format!("/orders?{query}&order=newest&{name}={oldest}");
        let mut site = site;
        site.resorted = true;
        let mut forged = oldest.clone();
        forged.replace_range(forged.len() - 8.., "AAAAAAAA");
        let forged = sorted.replace(&oldest, &forged);
        let long = sorted.replace(&oldest, &"A".repeat(2_000));
        let [one, two, three] =
            [site.get(&sorted).await, site.get(&forged).await, site.get(&long).await];
        for other in [two, three] {
            assert_eq!(one.status, StatusCode::BAD_REQUEST, "{name}");
            assert_eq!((&one.body, &one.headers), (&other.body, &other.headers), "{name}");
        }
    }
}

/// A cursor of the list, as it is sorted now.
async fn a_cursor(site: &Site, profile: &Profile, filter: &str) -> String {
    let is_relay = *profile == Profile::relay();
    let limit = match is_relay {
        true => "first",
        false if *profile == Profile::plain() => "limit",
        false => "per_page",
    };
    let answer = site.get(&format!("/orders?{limit}=2&{filter}")).await;
    if is_relay {
        return answer.json()["edges"][1]["cursor"].as_str().unwrap().to_owned();
    }
    let next = answer.link("next").unwrap();
    let (_, token) = next.rsplit_once('=').unwrap();
    token.to_owned()
}

#[tokio::test]
async fn links_keep_one_cursor() {
    let github = Site::new(plain().profile(Profile::github()));
    let first = github.get("/orders?per_page=2").await;
    let second = github.get(&first.link("next").unwrap()).await;
    let back = github.get(&second.link("prev").unwrap()).await;
    let next = back.link("next").unwrap();
    assert!(next.contains("after=") && !next.contains("before="), "{next}");
    assert_eq!(github.get(&next).await.json(), second.json());

    let zalando = Site::new(plain().profile(Profile::zalando()));
    let first = zalando.get("/orders?limit=4").await.json();
    let last = zalando.get(first["next"].as_str().unwrap()).await.json();
    let back = zalando.get(last["prev"].as_str().unwrap()).await.json();
    assert_eq!(back["items"], first["items"]);
}

async fn told(profile: Profile, total: Total) -> Value {
    let page = AnyPage::from_parameters(&profile, &cursors(), Binding::new(), []).await.unwrap();
    let page = page.sorted_by::<Newest>().unwrap();
    let paged = page.finish(found(&rows(3), &page), place).await.unwrap();
    serde_json::to_value(paged.map(|row| row.1).total(total)).unwrap()
}

#[tokio::test]
async fn totals_are_told_for_what_they_are() {
    let (exact, guess) = (Total::Exact(3), Total::Estimate(5));
    assert_eq!(told(Profile::relay(), exact).await["totalCount"], 3);
    assert_eq!(told(Profile::relay(), guess).await.get("totalCount"), None);
    assert_eq!(told(Profile::plain(), exact).await["total"], 3);
    assert_eq!(told(Profile::plain(), Total::AtLeast(2)).await.get("total"), None);
    assert_eq!(told(Profile::scim(), exact).await["totalResults"], 3);
    assert_eq!(told(Profile::aip("orders"), exact).await["totalSize"], 3);
    assert_eq!(told(Profile::aip("orders"), guess).await["totalSize"], 5);
    assert_eq!(told(Profile::json_api(), exact).await["meta"], json!({"page": {"total": 3}}));
    let estimate = json!({"page": {"estimatedTotal": {"bestGuess": 5}}});
    assert_eq!(told(Profile::json_api(), guess).await["meta"], estimate);
}

#[tokio::test]
async fn json_api_names_the_range_that_it_has_not() {
    let site = Site::new(plain().profile(Profile::json_api()));
    let error = site.get("/orders?page[after]=a&page[before]=b").await.json();
    let kind = error["errors"][0]["links"]["type"][0].as_str().unwrap();
    assert!(kind.ends_with("/range-pagination-not-supported"), "{kind}");
}

#[test]
fn links_have_no_meaning_where_limits_have_a_direction() {
    let errors = plain().profile(Profile::relay().links(true)).build().unwrap_err();
    assert_eq!(errors.iter().map(|error| error.setting).collect::<Vec<_>>(), ["links"]);
    for base in ["https://a,b", "https://a;b", "https://u@a", "https://a/<b>", "ftp://a"] {
        assert!(plain().base(base).build().is_err(), "{base}");
    }
}

/// What a page asks of a database is what it was asked.
#[tokio::test]
async fn a_page_seeks_what_was_asked_for() {
    let sql = async |profile: Profile, parameters: Vec<(&'static str, String)>| {
        let cursors = cursors();
        let page = AnyPage::from_parameters(&profile, &cursors, Binding::new(), parameters);
        let page: Page<Newest> = page.await.unwrap().sorted_by().unwrap();
        page.seek().render(Dialect::Sqlite, "SELECT * FROM t").unwrap().sql
    };
    let place = stonework_pagination::Anchor::after(Newest { created_at: 3, id: 7 });
    let encoder =
        cursors().encoder(&Binding::new(), <Newest as stonework_pagination::Keyset>::sort());
    let token = encoder.encode(&place).await.unwrap();
    let with = |name, limit: &'static str| vec![(limit, "2".to_owned()), (name, token.clone())];
    let (plain, relay) = (Profile::plain(), Profile::relay());
    for (sql, parts) in [
        (sql(plain.clone(), with("cursor", "limit")).await, &["\"id\" < ?2", "LIMIT 3"][..]),
        (sql(relay.clone(), with("before", "last")).await, &["\"id\" > ?2", "ASC LIMIT 3"]),
        (sql(relay.clone(), vec![("last", "2".to_owned())]).await, &["\"id\" ASC LIMIT 3"]),
        (sql(relay, with("before", "first")).await, &["DESC LIMIT 3", "\"id\" > ?2"]),
        (
            sql(Profile::numbered(), vec![("page", "3".to_owned())]).await,
            &["DESC LIMIT 21 OFFSET 40"],
        ),
    ] {
        for part in parts {
            assert!(sql.contains(part), "{part}: {sql}");
        }
    }
}

#[test]
fn a_cast_that_sqlite_does_not_know_is_refused() {
    let sort = |cast| {
        let day = Column::new("day", Kind::Text).cast(cast);
        Sort::new(vec![day, Column::new("id", Kind::Int).unique()]).unwrap()
    };
    for (dialect, cast, is_known) in [
        (Dialect::Sqlite, "date", false),
        (Dialect::Sqlite, "numeric(9,2)", false),
        (Dialect::Sqlite, "numeric", true),
        (Dialect::Sqlite, "TEXT", true),
        (Dialect::Postgres, "date", true),
        (Dialect::MySql, "date", true),
    ] {
        let sort = sort(cast);
        let values = vec!["2024-01-02".into(), 2_i64.into()];
        let place = stonework_pagination::Anchor::new(&sort, Default::default(), values).unwrap();
        let rendered = Seek::first(sort, 2).from(place).render(dialect, "SELECT * FROM t");
        match rendered {
            Ok(statement) => {
                assert!(is_known && statement.sql.contains(&format!(" AS {cast})")), "{cast}");
            }
            Err(error) => assert!(!is_known && error.kind() == SeekErrorKind::Cast, "{cast}"),
        }
    }
}

/// Something that happens between two pages.
#[derive(Clone, Debug)]
enum Event {
    Comes(i64),
    Goes(prop::sample::Index),
}

fn events() -> impl Strategy<Value = Vec<Option<Event>>> {
    let event = prop_oneof![
        (0_i64..400).prop_map(Event::Comes),
        any::<prop::sample::Index>().prop_map(Event::Goes),
    ];
    prop::collection::vec(prop::option::of(event), 0..30)
}

/// Those of these rows that were there at first, and are there now.
fn kept(rows: &[memory::Row], first: &[memory::Row], now: &[memory::Row]) -> Vec<memory::Row> {
    rows.iter().filter(|row| first.contains(row) && now.contains(row)).copied().collect()
}

/// No row that went comes again.
fn happen(rows: &mut Vec<memory::Row>, event: Option<(i64, &Option<Event>)>) {
    let Some((id, event)) = event else { return };
    match event {
        None => {}
        Some(Event::Comes(at)) => {
            rows.push((*at, id));
            rows.sort_by(|one, two| two.cmp(one));
        }
        Some(Event::Goes(at)) if !rows.is_empty() => {
            rows.remove(at.index(rows.len()));
        }
        Some(Event::Goes(_)) => {}
    }
}

async fn page(
    profile: &Profile,
    rows: &[memory::Row],
    limit: usize,
    token: Option<String>,
) -> (Vec<memory::Row>, stonework_pagination::Around) {
    let parameters = [("limit", Some(limit.to_string())), ("cursor", token)];
    let parameters: Vec<_> =
        parameters.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    let cursors = cursors();
    let page = AnyPage::from_parameters(profile, &cursors, Binding::new(), parameters);
    let page = page.await.unwrap().sorted_by::<Newest>().unwrap();
    let paged = page.finish(found(rows, &page), place).await.unwrap();
    let around = paged.around().clone();
    (paged.into_items(), around)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever was there from the beginning to the end is read on the way there, and on the way back.
    #[test]
    fn what_stays_is_read_once_there_and_back(
        many in 0_i64..40, limit in 1_usize..9, there in events(), back in events(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let profile = Profile::plain();
            let mut rows: Vec<_> = rows(many).into_iter().map(|(_, id)| (id * 10, id)).collect();
            let start = rows.clone();
            let (mut read, mut token, mut events) = (Vec::new(), None, (1_000..).zip(&there));
            let (last, before, prev) = loop {
                let (items, around) = page(&profile, &rows, limit, token).await;
                read.extend(items.iter().copied());
                let before = rows.clone();
                happen(&mut rows, events.next());
                match around.next {
                    Some(next) => token = Some(next),
                    None => break (items, before, around.prev),
                }
            };
            assert_eq!(kept(&read, &start, &rows), kept(&start, &start, &rows));

            // What lay before the last page, which may have been an empty one.
            let before: Vec<_> =
                before.into_iter().filter(|row| last.first().is_none_or(|first| row > first)).collect();
            let (mut read, mut token, mut events) = (Vec::new(), prev, (2_000..).zip(&back));
            while let Some(cursor) = token {
                let (items, around) = page(&profile, &rows, limit, Some(cursor)).await;
                read.splice(..0, items);
                happen(&mut rows, events.next());
                token = around.prev;
            }
            assert_eq!(kept(&read, &before, &rows), kept(&before, &before, &rows));
        });
    }

    /// Pages that are read back are those that were read.
    #[test]
    fn forward_and_back_is_where_one_was(many in 1_i64..40, limit in 1_usize..9) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (profile, rows) = (Profile::plain(), rows(many));
            let (mut pages, mut token) = (Vec::new(), None);
            let mut around = loop {
                let (items, around) = page(&profile, &rows, limit, token).await;
                pages.push(items);
                match around.next.clone() {
                    Some(next) => token = Some(next),
                    None => break around,
                }
            };
            assert_eq!(pages.concat(), rows);
            for expected in pages.iter().rev().skip(1) {
                let (items, before) = page(&profile, &rows, limit, around.prev).await;
                assert_eq!(&items, expected);
                around = before;
            }
            assert_eq!(around.prev, None);
        });
    }
}

/// Keys that are rotated: what the old one sealed is still good, in each mode that has keys.
#[tokio::test]
async fn the_old_key_is_good_until_it_is_left_out() {
    let modes: [fn(Keys) -> Cursors; 2] = [
        |keys| Cursors::signed(keys).build().unwrap(),
        |keys| Cursors::encrypted(keys).build().unwrap(),
    ];
    for of in modes {
        let (old, new) = (Keys::new(1, &[1; 32]), Keys::new(2, &[2; 32]));
        let sort = <Newest as stonework_pagination::Keyset>::sort();
        let place = stonework_pagination::Anchor::after(Newest { created_at: 3, id: 7 });
        let token = of(old).encoder(&Binding::new(), sort).encode(&place).await.unwrap();
        let both = of(new.clone().also_verifies(1, &[1; 32]));
        assert!(both.verify(&Binding::new(), &token).await.is_ok());
        let newer = both.encoder(&Binding::new(), sort).encode(&place).await.unwrap();
        assert!(of(new.clone()).verify(&Binding::new(), &newer).await.is_ok(), "the first signs");
        assert!(of(new).verify(&Binding::new(), &token).await.is_err());
        let impostor = of(Keys::new(1, &[3; 32]));
        assert!(impostor.verify(&Binding::new(), &token).await.is_err());
    }
}
