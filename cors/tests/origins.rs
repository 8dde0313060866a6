//! Sets of origins against a naive oracle, and what is known to have gone wrong elsewhere.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

use proptest::prelude::*;
use proptest::sample::select;
use stonework_cors::OriginSet;

/// Is this origin, which is well formed, meant by this pattern? By string operations alone.
fn is_meant(pattern: &str, origin: &str) -> bool {
    let (pattern_scheme, pattern_host, pattern_port) = parts(pattern);
    let (scheme, host, port) = parts(origin);
    let host_fits = match pattern_host.strip_prefix("*.") {
        Some(base) => {
            let labels: Vec<_> = host.split('.').collect();
            let wanted: Vec<_> = base.split('.').collect();
            labels.len() > wanted.len() && labels[labels.len() - wanted.len()..] == wanted
        }
        None => pattern_host == host,
    };
    pattern_scheme == scheme && host_fits && (pattern_port == "*" || pattern_port == port)
}

fn parts(text: &str) -> (&str, &str, &str) {
    let (scheme, rest) = text.split_once("://").unwrap();
    let (host, port) = rest.split_once(':').unwrap_or((rest, ""));
    (scheme, host, port)
}

/// Few letters, so that near misses are likely.
fn host() -> impl Strategy<Value = String> {
    let label = select(vec!["a", "b", "ab", "ba", "a-b", "example", "com"]);
    prop::collection::vec(label, 1..5).prop_map(|labels| labels.join("."))
}

fn scheme() -> impl Strategy<Value = &'static str> {
    select(vec!["https", "http", "app"])
}

fn origin() -> impl Strategy<Value = String> {
    let port = select(vec!["", ":1", ":11", ":8080"]);
    (scheme(), host(), port).prop_map(|(scheme, host, port)| format!("{scheme}://{host}{port}"))
}

fn pattern() -> impl Strategy<Value = String> {
    let port = select(vec!["", "", ":1", ":8080", ":*"]);
    let below = select(vec!["", "*."]);
    (scheme(), below, host(), port)
        .prop_map(|(scheme, below, host, port)| format!("{scheme}://{below}{host}{port}"))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn a_set_says_what_the_oracle_says(
        patterns in prop::collection::vec(pattern(), 0..30),
        origins in prop::collection::vec(origin(), 1..30),
    ) {
        let set = OriginSet::parse(&patterns).unwrap();
        for origin in &origins {
            let meant = patterns.iter().any(|pattern| is_meant(pattern, origin));
            prop_assert_eq!(set.contains(origin.as_bytes()), meant, "{} in {:?}", origin, patterns);
            let one_by_one = set.iter().any(|pattern| pattern.matches(origin.as_bytes()));
            prop_assert_eq!(one_by_one, meant, "{} one by one in {:?}", origin, patterns);
            if let Some(nearest) = set.nearest(origin.as_bytes()) {
                prop_assert!(set.iter().any(|pattern| pattern == nearest));
            }
        }
    }
}

/// GHSA-vhxv-fg4m-p2w8: in a tree of suffixes of github.com/jub0bs/cors, two origins made a third.
#[test]
fn two_origins_do_not_make_a_third() {
    for (patterns, others) in [
        (
            &["https://foo.com", "https://bar.com"][..],
            &[
                "https://barfoo.com",
                "https://foobar.com",
                "https://fbar.com",
                "https://oo.com",
                "https://com",
            ][..],
        ),
        (
            &["https://*.foo.com", "https://bar.com", "https://*.oo.com:8080"],
            &[
                "https://barfoo.com",
                "https://bar.bar.com",
                "https://foo.com:8080",
                "https://a.bfoo.com",
            ],
        ),
        (
            &["http://foo.com", "https://foo.com:8080", "https://foo.org"],
            &["https://foo.com", "http://foo.com:8080", "http://foo.org", "https://foo.org:8080"],
        ),
        (
            &["https://a.b.com", "https://*.c.b.com"],
            &["https://b.com", "https://c.b.com", "https://a.a.b.com"],
        ),
    ] {
        let set = OriginSet::parse(patterns).unwrap();
        for origin in others {
            assert!(!set.contains(origin.as_bytes()), "{origin} in {patterns:?}");
        }
    }
}

#[test]
fn a_set_of_100_000_agrees_with_the_oracle() {
    let patterns: Vec<_> = (0..100_000)
        .map(|n| match n % 3 {
            0 => format!("https://{n}.example.com"),
            1 => format!("https://*.{n}.example.net"),
            _ => format!("http://{n}.example.org:*"),
        })
        .collect();
    let set = OriginSet::parse(&patterns).unwrap();
    assert_eq!(set.len(), 100_000);
    for n in (0..100_000).step_by(997).chain([99_997, 99_998, 99_999]) {
        for origin in [
            format!("https://{n}.example.com"),
            format!("https://a.b.{n}.example.net"),
            format!("https://{n}.example.net"),
            format!("http://{n}.example.org:8080"),
            format!("https://{n}.example.org"),
        ] {
            let meant = is_meant(&patterns[n], &origin);
            assert_eq!(set.contains(origin.as_bytes()), meant, "{origin}");
        }
    }
}

#[test]
fn junk_is_in_no_set() {
    let set = OriginSet::parse(["https://*.example.com:*", "https://app.example.com"]).unwrap();
    let long = format!("https://{}example.com", "a.".repeat(5_000_000));
    for junk in [
        &long[..],
        "",
        "null",
        "https://*.example.com:*",
        "https://a.example.com\0",
        "https://a.example.com ",
        "https://a.example.com,https://b.example.com",
    ] {
        assert!(!set.contains(junk.as_bytes()), "{:.60}", junk);
    }
    assert!(!set.contains(b"https://\xff.example.com"));
}

#[test]
fn what_is_there_twice_counts_once() {
    let set = OriginSet::parse(["https://a.example", "https://*.b.example", "https://a.example"])
        .unwrap();
    let texts: Vec<_> = set.iter().map(ToString::to_string).collect();
    assert_eq!(texts, ["https://a.example", "https://*.b.example"]);
}

#[test]
fn all_that_is_malformed_is_told() {
    let errors = OriginSet::parse(["https://a.example/", "https://b.example", "null"]).unwrap_err();
    let values: Vec<_> = errors.iter().map(|error| error.value().to_owned()).collect();
    assert_eq!(values, ["https://a.example/", "null"]);
}
