//! Sets of origins against a model that is as simple as can be.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

use proptest::prelude::*;
use stonework_cors::{OriginPattern, OriginSet};

/// Splits and compares, pattern by pattern.
fn is_in(patterns: &[String], origin: &str) -> bool {
    is_well_formed(origin) && patterns.iter().any(|pattern| is_like(pattern, origin))
}

fn is_like(pattern: &str, origin: &str) -> bool {
    let (scheme, host, port) = parts(pattern);
    let (its_scheme, its_host, its_port) = parts(origin);
    let hosts = match host.strip_prefix('*') {
        // With its dot, so that something must stand before it.
        Some(suffix) => its_host.ends_with(suffix) && its_host.len() > suffix.len(),
        None => its_host == host,
    };
    scheme == its_scheme && hosts && (port == "*" || port == its_port)
}

/// Hosts here are names, so that a colon is always a port's.
fn parts(origin: &str) -> (&str, &str, &str) {
    let (scheme, rest) = origin.split_once("://").unwrap();
    let (host, port) = rest.split_once(':').unwrap_or((rest, ""));
    (scheme, host, port)
}

fn is_well_formed(origin: &str) -> bool {
    let Ok(url) = url::Url::parse(origin) else { return false };
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".:/-".contains(c);
    let labels = parts(origin).1.trim_end_matches('.').split('.').all(|label| !label.is_empty());
    url.origin().ascii_serialization() == origin
        && origin.chars().all(is_plain)
        && labels
        && !origin.contains("..")
        // Which a browser would write, but never connects to.
        && !origin.ends_with(":0")
}

/// Few words, so that hosts are often each other's beginnings, ends, parents and children.
fn label() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["a", "b", "foo", "bar", "barfoo", "com", "example"])
}

fn host() -> impl Strategy<Value = String> {
    prop::collection::vec(label(), 1..4).prop_map(|labels| labels.join("."))
}

fn scheme() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["https", "https", "http"])
}

fn port() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["", "", ":1", ":8443"])
}

fn pattern() -> impl Strategy<Value = String> {
    let (wildcard, port) = (prop_oneof![Just("*."), Just("")], prop_oneof![port(), Just(":*")]);
    (scheme(), wildcard, host(), port)
        .prop_map(|(scheme, wildcard, host, port)| format!("{scheme}://{wildcard}{host}{port}"))
}

/// What a pattern matches, or nearly.
fn near(pattern: &str) -> impl Strategy<Value = String> + use<> {
    let (scheme, host, port) = parts(pattern);
    let base = host.trim_start_matches("*.").to_owned();
    let parent = base.split_once('.').map_or(base.clone(), |(_, parent)| parent.to_owned());
    let hosts = prop_oneof![
        3 => Just(base.clone()),
        3 => label().prop_map(move |label| format!("{label}.{base}")),
        1 => Just(parent),
        1 => host_near(host),
    ];
    let schemes =
        prop_oneof![4 => Just(scheme.to_owned()), 1 => self::scheme().prop_map(str::to_owned)];
    let own = if port.is_empty() || port == "*" { String::new() } else { format!(":{port}") };
    let odd = prop::sample::select(vec![":", ":*", ":443", ":80", ":01", ":0", ":65536", "/", "."]);
    let ports = prop_oneof![
        4 => Just(own),
        2 => self::port().prop_map(str::to_owned),
        1 => odd.prop_map(str::to_owned),
    ];
    (schemes, hosts, ports).prop_map(|(scheme, host, port)| format!("{scheme}://{host}{port}"))
}

fn host_near(host: &str) -> impl Strategy<Value = String> + use<> {
    let base = host.trim_start_matches("*.").to_owned();
    let glued = base.clone();
    let longer = base.clone();
    prop_oneof![
        label().prop_map(move |label| format!("{label}{glued}")),
        label().prop_map(move |label| format!("{base}.{label}")),
        prop::sample::select(vec![".", "a..", "*.", "A.", "-", "a b."])
            .prop_map(move |before| format!("{before}{longer}")),
    ]
}

fn case() -> impl Strategy<Value = (Vec<String>, Vec<String>)> {
    prop::collection::vec(pattern(), 1..24).prop_flat_map(|patterns| {
        let near = prop::sample::select(patterns.clone()).prop_flat_map(|pattern| near(&pattern));
        (Just(patterns), prop::collection::vec(near, 1..40))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1_000) })]

    #[test]
    fn a_set_has_what_the_model_has((patterns, origins) in case()) {
        let set = OriginSet::parse(&patterns).unwrap();
        for origin in origins {
            prop_assert_eq!(
                set.contains(origin.as_bytes()), is_in(&patterns, &origin), "{} in {:?}", origin, patterns
            );
            let nearest = set.nearest(origin.as_bytes());
            prop_assert!(nearest.is_none_or(|pattern| patterns.contains(&pattern.to_string())));
        }
    }

    #[test]
    fn a_pattern_matches_what_the_model_matches((patterns, origins) in case()) {
        for text in &patterns {
            let pattern: OriginPattern = text.parse().unwrap();
            for origin in &origins {
                let expected = is_in(std::slice::from_ref(text), origin);
                prop_assert_eq!(pattern.matches(origin.as_bytes()), expected, "{} {}", text, origin);
            }
        }
    }

    #[test]
    fn a_union_has_what_either_has((patterns, origins) in case(), other in prop::collection::vec(pattern(), 0..12)) {
        let (set, other) = (OriginSet::parse(patterns).unwrap(), OriginSet::parse(other).unwrap());
        let both = set.union(&other);
        for origin in origins.iter().map(String::as_bytes) {
            prop_assert_eq!(both.contains(origin), set.contains(origin) || other.contains(origin));
        }
    }
}

/// A model that is never asked about what is inside, or never about what is outside, shows nothing.
#[test]
fn near_misses_and_hits_are_both_made() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut inside, mut all) = (0, 0);
    for _ in 0..200 {
        let (patterns, origins) = case().new_tree(&mut runner).unwrap().current();
        inside += origins.iter().filter(|origin| is_in(&patterns, origin)).count();
        all += origins.len();
    }
    assert!((all / 5..all / 5 * 4).contains(&inside), "{inside} of {all}");
}

#[test]
fn a_set_of_100_000_agrees_with_the_model() {
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
            let meant = is_in(std::slice::from_ref(&patterns[n]), &origin);
            assert_eq!(set.contains(origin.as_bytes()), meant, "{origin}");
        }
    }
}
