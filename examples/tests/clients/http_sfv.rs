//! http_sfv reads what was meant in every RateLimit field, whatever policies are called.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use stonework_ratelimit::{Headers, Policy, RateLimitLayer, RateLimitLayerBuilder};
use tokio::net::TcpListener;

use super::hand::Hand;
use super::python::Script;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// A policy, and what is to be told of it: by its quota, and when one request was granted.
struct Meant {
    name: String,
    quota: (u32, Duration, u32),
    q: u64,
    w: u64,
    r: u64,
    t: u64,
}

fn meant(name: &str, quota: (u32, Duration, u32), [q, w, r, t]: [u64; 4]) -> Meant {
    Meant { name: name.to_owned(), quota, q, w, r, t }
}

/// All but the last two grant a second request.
fn all() -> Vec<Meant> {
    const MAX: u32 = u32::MAX;
    vec![
        meant(r#"say "please""#, (100, MINUTE, 100), [100, 60, 99, 60]),
        meant(r"back\slash\", (1, SECOND, 5), [1, 1, 4, 4]),
        meant("  spaces  ", (3, Duration::from_millis(1_500), 2), [4, 2, 1, 1]),
        meant(r#"";q=1, "x";r=9"#, (7, Duration::from_secs(10), 3), [7, 10, 2, 3]),
        meant(
            r#"\"\\""#,
            (MAX, Duration::from_secs(3_600), MAX),
            [4_294_967_295, 3_600, 4_294_967_294, 3_600],
        ),
        // More than fifteen digits of tokens flow in within a second.
        meant(
            ":b64: ?1 @0 %\"",
            (MAX, Duration::from_micros(1), MAX),
            [999_999_999_999_999, 1, 4_294_967_294, 1],
        ),
        meant(&"~".repeat(64), (1, CENTURY, 1), [1, 3_153_600_000, 0, 3_153_600_000]),
        meant(" ", (1, SECOND, 1), [1, 1, 0, 1]),
    ]
}

fn layer(all: &[Meant], hand: &Hand) -> RateLimitLayerBuilder {
    let builder = RateLimitLayer::builder().store(hand.store());
    all.iter().fold(builder, |builder, meant| {
        let (rate, per, burst) = meant.quota;
        builder.policy(Policy::new(&meant.name).rate(rate).per(per).burst(burst).key_global())
    })
}

/// An answer, as the script tells of it.
#[derive(Debug, Deserialize)]
struct Answer {
    status: u16,
    ratelimit: Value,
    policy: Value,
}

async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

fn hello() -> Router {
    Router::new().route("/", get("hello"))
}

/// The answers to so many requests.
async fn answers(router: Router, count: usize, option: Option<&str>) -> Vec<Answer> {
    let url = format!("http://{}/", serve(router).await);
    let arguments = option.into_iter().chain(std::iter::repeat_n(&*url, count));
    let answers = Script::start("sfv_headers.py", arguments).hear_all().await;
    assert_eq!(answers.len(), count);
    answers
}

/// An Item of a String with Integers, as the script tells of it.
fn item(name: &str, parameters: &[(&str, u64)]) -> Value {
    let integers = parameters.iter().map(|&(name, value)| (name.to_owned(), json!(["int", value])));
    json!([["str", name], integers.collect::<Map<_, _>>()])
}

fn policies(all: &[Meant]) -> Value {
    all.iter().map(|meant| item(&meant.name, &[("q", meant.q), ("w", meant.w)])).collect()
}

fn standings(all: &[Meant]) -> Value {
    all.iter().map(|meant| item(&meant.name, &[("r", meant.r), ("t", meant.t)])).collect()
}

#[tokio::test]
async fn grants_and_refusals_are_read_as_they_were_meant() {
    let all = all();
    let router = hello().layer(layer(&all, &Hand::default()).build().unwrap());
    let [granted, denied] = &answers(router, 2, None).await[..] else { panic!("two answers") };

    assert_eq!((granted.status, denied.status), (200, 429));
    assert_eq!(granted.policy, policies(&all));
    assert_eq!(denied.policy, policies(&all));
    assert_eq!(granted.ratelimit, standings(&all));
    // Which were exceeded. They stand as the grant left them.
    assert_eq!(denied.ratelimit, standings(&all[all.len() - 2..]));
}

#[tokio::test]
async fn a_partition_key_is_a_byte_sequence() {
    let all = all();
    let layer = layer(&all, &Hand::default()).partition_secret([7; 16]).build().unwrap();
    let [granted, denied] = &mut answers(hello().layer(layer), 2, None).await[..] else {
        panic!("two answers")
    };
    let keys = take_partitions(&mut granted.ratelimit);
    assert_eq!(take_partitions(&mut denied.ratelimit), keys[all.len() - 2..]);
    // Without it, all is as before.
    assert_eq!(granted.ratelimit, standings(&all));
    assert_eq!(denied.ratelimit, standings(&all[all.len() - 2..]));
    assert_eq!(granted.policy, policies(&all));

    // Sixteen digits of Base64 are twelve bytes.
    assert!(keys.iter().all(|key| key.len() == 16 && !key.contains('=')), "{keys:?}");
    let mut apart = keys.clone();
    apart.sort();
    apart.dedup();
    assert_eq!(apart.len(), all.len(), "each policy has its own: {keys:?}");
}

/// Takes `pk` out of every Item.
fn take_partitions(list: &mut Value) -> Vec<String> {
    let take = |item: &mut Value| {
        let bare = item[1].as_object_mut().unwrap().remove("pk").expect("a partition key");
        assert_eq!(bare[0], "bytes");
        bare[1].as_str().unwrap().to_owned()
    };
    list.as_array_mut().unwrap().iter_mut().map(take).collect()
}

#[tokio::test]
async fn two_layers_speak_in_one_list() {
    let (mut outer, hand) = (all(), Hand::default());
    let inner = outer.split_off(3);
    let router = hello()
        .layer(layer(&inner, &hand).build().unwrap())
        .layer(layer(&outer, &hand).build().unwrap());
    let answers = answers(router, 1, None).await;
    let both: Vec<_> = inner.into_iter().chain(outer).collect();
    assert_eq!(answers[0].policy, policies(&both));
    assert_eq!(answers[0].ratelimit, standings(&both));
}

#[tokio::test]
async fn draft_7_is_a_dictionary() {
    let all = [meant("burst", (2, MINUTE, 3), [0; 4])];
    let layer = layer(&all, &Hand::default()).headers(Headers::Draft7).build().unwrap();
    let answers = answers(hello().layer(layer), 4, Some("--dictionary")).await;
    let standing = |remaining: u64, reset: u64| {
        let member = |name, value| json!([name, [["int", value], {}]]);
        let members = [("limit", 3), ("remaining", remaining), ("reset", reset)];
        members.map(|(name, value)| member(name, value)).into_iter().collect::<Value>()
    };
    for (answer, (status, remaining, reset)) in
        answers.iter().zip([(200, 2, 30), (200, 1, 60), (200, 0, 90), (429, 0, 30)])
    {
        assert_eq!(answer.status, status);
        assert_eq!(answer.ratelimit, standing(remaining, reset));
        assert_eq!(answer.policy, json!([[["int", 2], {"w": ["int", 60], "burst": ["int", 3]}]]));
    }
}
