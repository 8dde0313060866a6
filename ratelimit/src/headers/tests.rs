use std::sync::Arc;

use http::HeaderValue;
use proptest::prelude::*;
use sfv::{BareItem, Item, List, ListEntry, Parser};
use stonework_core::SystemClock;

use super::*;
use crate::decision::{Basis, Decision, Policies, Standing};
use crate::span::Span;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const NOW: Duration = Duration::from_millis(1_781_500_000_250);

fn quota(rate: u32, per: Duration, burst: u32) -> Quota {
    Quota::new(rate, per, burst).unwrap()
}

const fn known<'a>(name: &'a str, quota: Option<&'a Quota>) -> Told<'a> {
    Told { name, quota, shadow: false }
}

/// Fits or does not, as a store that was asked for the cost would say.
fn standing(at: u16, name: &str, quota: Quota, used: u32, cost: u32, denied: bool) -> Standing {
    let debt = quota.time_of(used);
    let fits = !denied || quota.remaining(debt) >= cost;
    Standing { at, cost, debt, fits, ..untouched(name, quota) }
}

/// Of a layer whose policies all have this name and this quota.
fn untouched(name: &str, quota: Quota) -> Standing {
    let policies = Policies {
        terms: (0..9).map(|_| (name.into(), quota)).collect(),
        renderer: Renderer::None,
        clock: Arc::new(SystemClock::new()),
    };
    Standing {
        policies: Arc::new(policies),
        debt: Span::ZERO,
        own: None,
        partition: None,
        at: 0,
        fits: true,
        shadow: false,
        cost: 1,
    }
}

fn in_shadow(mut standing: Standing) -> Standing {
    standing.shadow = true;
    standing
}

fn decision(standings: &[Standing]) -> Decision {
    let granted = !standings.iter().any(Standing::denies);
    Decision::new(granted, Basis::Store, standings.to_vec().into())
}

fn wait(decision: &Decision) -> Option<Duration> {
    retry_after(decision.standings())
}

fn renderer(dialect: Headers, policies: &[(&str, Quota)]) -> Renderer {
    Renderer::new(dialect, policies.iter().map(|(name, quota)| known(name, Some(quota))))
}

fn written(renderer: &Renderer, decision: &Decision) -> HeaderMap {
    let mut headers = HeaderMap::new();
    renderer.write(decision.is_granted(), decision.standings(), || NOW, &mut headers);
    headers
}

fn text(headers: &HeaderMap, name: &str) -> String {
    let lines: Vec<_> = headers.get_all(name).iter().map(|line| line.to_str().unwrap()).collect();
    lines.join(" | ")
}

/// `RateLimit-Policy` and `RateLimit`.
fn draft10(policies: &[(&str, Quota)], standings: &[Standing]) -> (String, String) {
    let headers = written(&renderer(Headers::Draft10, policies), &decision(standings));
    (text(&headers, "ratelimit-policy"), text(&headers, "ratelimit"))
}

fn both(policy: &str, limit: &str) -> (String, String) {
    (policy.to_owned(), limit.to_owned())
}

mod draft_10 {
    use super::*;

    #[test]
    fn one_item_per_policy() {
        let burst = quota(100, MINUTE, 100);
        let daily = quota(1_000, 1_440 * MINUTE, 1_000);
        let told = draft10(
            &[("burst", burst), ("daily", daily)],
            &[
                standing(0, "burst", burst, 50, 1, false),
                standing(1, "daily", daily, 600, 1, false),
            ],
        );
        let policy = r#""burst";q=100;w=60, "daily";q=1000;w=86400"#;
        assert_eq!(told, both(policy, r#""burst";r=50;t=30, "daily";r=400;t=34560"#));
    }

    #[test]
    fn only_what_concerns_the_request_is_told() {
        let (a, b) = (quota(1, SECOND, 5), quota(2, SECOND, 5));
        let policies = [("a", a), ("b", b)];
        let told = draft10(&policies, &[standing(1, "b", b, 1, 1, false)]);
        assert_eq!(told, both(r#""b";q=2;w=1"#, r#""b";r=4;t=2"#));
        assert_eq!(draft10(&policies, &[]), both("", ""));
    }

    #[test]
    fn shadows_are_not_told() {
        let (a, b) = (quota(1, SECOND, 5), quota(2, SECOND, 5));
        let shadow = in_shadow(standing(0, "a", a, 5, 1, true));
        let policies = [("a", a), ("b", b)];
        let told = draft10(&policies, &[shadow.clone(), standing(1, "b", b, 1, 1, false)]);
        assert_eq!(told, both(r#""b";q=2;w=1"#, r#""b";r=4;t=2"#));
        assert_eq!(draft10(&policies, &[shadow]), both("", ""));
    }

    #[test]
    fn a_refusal_lists_what_was_exceeded() {
        let (a, b) = (quota(1, SECOND, 5), quota(1, MINUTE, 2));
        let standings = [standing(0, "a", a, 1, 1, true), standing(1, "b", b, 2, 1, true)];
        let told = draft10(&[("a", a), ("b", b)], &standings);
        assert_eq!(told, both(r#""a";q=1;w=1, "b";q=1;w=60"#, r#""b";r=0;t=60"#));
        assert_eq!(wait(&decision(&standings)), Some(MINUTE));
    }

    #[test]
    fn the_window_of_a_refusal_ends_before_its_retry_after() {
        // 50 are left, 51 were asked for: there will be enough in a second.
        let a = quota(1, SECOND, 100);
        let standings = [standing(0, "a", a, 50, 51, true)];
        assert_eq!(wait(&decision(&standings)), Some(SECOND));
        assert_eq!(draft10(&[("a", a)], &standings).1, r#""a";r=1;t=1"#);
    }

    #[test]
    fn what_never_fits_has_no_retry_after() {
        let (a, b) = (quota(1, SECOND, 5), quota(1, MINUTE, 2));
        let standings = [standing(0, "a", a, 1, 6, true), standing(1, "b", b, 2, 1, true)];
        assert_eq!(wait(&decision(&standings)), None);
        let told = draft10(&[("a", a), ("b", b)], &standings);
        assert_eq!(told.1, r#""a";r=4;t=4, "b";r=0;t=60"#);
    }

    #[test]
    fn a_shadow_delays_nobody() {
        let (a, b) = (quota(1, SECOND, 5), quota(1, MINUTE, 2));
        let shadow = in_shadow(standing(1, "b", b, 2, 1, true));
        let refused = decision(&[standing(0, "a", a, 5, 1, true), shadow.clone()]);
        assert_eq!(wait(&refused), Some(SECOND));
        assert_eq!(wait(&decision(&[shadow])), None, "it was granted");
    }

    #[test]
    fn periods_are_told_in_whole_seconds() {
        for (rate, per, policy) in [
            (10, Duration::from_millis(100), r#""a";q=100;w=1"#),
            (1, Duration::from_millis(1_500), r#""a";q=1;w=2"#),
            (3, Duration::from_millis(1_500), r#""a";q=4;w=2"#),
            (1, Duration::from_micros(1), r#""a";q=1000000;w=1"#),
            (u32::MAX, Duration::from_micros(1), r#""a";q=999999999999999;w=1"#),
        ] {
            let a = quota(rate, per, 1);
            assert_eq!(draft10(&[("a", a)], &[standing(0, "a", a, 0, 0, false)]).0, policy);
        }
    }

    #[test]
    fn names_are_escaped_and_keys_are_bytes() {
        let a = quota(1, SECOND, 5);
        let mut standing = standing(0, r#"a"\"#, a, 0, 0, false);
        standing.partition = Some(Box::new([7; 12]));
        let told = draft10(&[(r#"a"\"#, a)], &[standing]);
        let limit = r#""a\"\\";r=5;t=5;pk=:BwcHBwcHBwcHBwcH:"#;
        assert_eq!(told, both(r#""a\"\\";q=1;w=1"#, limit));
    }

    #[test]
    fn a_quota_per_client_is_told_per_request() {
        let (a, b) = (quota(1, SECOND, 5), quota(7, SECOND, 9));
        let renderer =
            Renderer::new(Headers::Draft10, [known("a", Some(&a)), known("b", None)].into_iter());
        let told = decision(&[standing(0, "a", a, 0, 0, false), standing(1, "b", b, 0, 0, false)]);
        let policy = text(&written(&renderer, &told), "ratelimit-policy");
        assert_eq!(policy, r#""a";q=1;w=1, "b";q=7;w=1"#);
    }

    #[test]
    fn another_quota_than_the_usual_one_is_told() {
        let (usual, fallback) = (quota(9, SECOND, 9), quota(3, SECOND, 3));
        let told = draft10(&[("a", usual)], &[standing(0, "a", fallback, 0, 0, false)]);
        assert_eq!(told.0, r#""a";q=3;w=1"#);
    }

    #[test]
    fn what_the_service_inside_says_stays() {
        let a = quota(1, SECOND, 5);
        let mut headers = HeaderMap::new();
        headers.insert(RATELIMIT, HeaderValue::from_static(r#""in";r=1;t=1"#));
        let told = decision(&[standing(0, "a", a, 0, 0, false)]);
        renderer(Headers::Draft10, &[("a", a)]).write(true, told.standings(), || NOW, &mut headers);
        assert_eq!(text(&headers, "ratelimit"), r#""in";r=1;t=1 | "a";r=5;t=5"#);
    }

    #[test]
    fn a_name_that_no_header_can_hold_is_not_told() {
        let a = quota(1, SECOND, 5);
        let told = draft10(&[("a\n", a)], &[standing(0, "a\n", a, 0, 0, false)]);
        assert_eq!(told, both("", ""));
    }
}

mod the_other_dialects {
    use super::*;

    /// `RateLimit-Policy` and `RateLimit`.
    fn draft7(policies: &[(&str, Quota)], standings: &[Standing]) -> (String, String) {
        let headers = written(&renderer(Headers::Draft7, policies), &decision(standings));
        (text(&headers, "ratelimit-policy"), text(&headers, "ratelimit"))
    }

    #[test]
    fn draft_7_tells_of_one_policy() {
        let (a, b) = (quota(100, MINUTE, 100), quota(1, SECOND, 20));
        let policies = [("a", a), ("b", b)];
        let used = |of_a, of_b| {
            draft7(
                &policies,
                &[standing(0, "a", a, of_a, 1, false), standing(1, "b", b, of_b, 1, false)],
            )
        };
        let first = both("100;w=60", "limit=100, remaining=50, reset=30");
        assert_eq!(used(50, 1), first);
        assert_eq!(used(50, 10), first, "of equals the first");
        assert_eq!(used(50, 11), both("1;w=1;burst=20", "limit=20, remaining=9, reset=11"));
        assert_eq!(draft7(&policies, &[]), both("", ""));
    }

    #[test]
    fn draft_7_resets_when_a_refused_client_may_come_again() {
        let (a, b) = (quota(100, MINUTE, 100), quota(1, MINUTE, 20));
        let policies = [("a", a), ("b", b)];
        let [a, b] = [standing(0, "a", a, 100, 2, true), standing(1, "b", b, 20, 1, true)];
        let told = draft7(&policies, &[a.clone(), b]);
        assert_eq!(told, both("1;w=60;burst=20", "limit=20, remaining=0, reset=60"));
        let told = draft7(&policies, &[a]);
        assert_eq!(told, both("100;w=60", "limit=100, remaining=0, reset=2"));
    }

    #[test]
    fn what_never_fits_is_what_presses_most() {
        let (a, b) = (quota(1, MINUTE, 5), quota(1, SECOND, 2));
        let standings = [standing(0, "a", a, 5, 1, true), standing(1, "b", b, 0, 3, true)];
        let told = draft7(&[("a", a), ("b", b)], &standings);
        assert_eq!(told, both("1;w=1;burst=2", "limit=2, remaining=2, reset=0"));
    }

    #[test]
    fn x_ratelimit_is_githubs() {
        let a = quota(5_000, 60 * MINUTE, 5_000);
        let told = decision(&[standing(0, "core", a, 1_250, 1, false)]);
        let headers = written(&renderer(Headers::XRateLimit, &[("core", a)]), &told);
        for (name, value) in [
            ("limit", "5000"),
            ("remaining", "3750"),
            ("used", "1250"),
            ("reset", "1781500901"),
            ("resource", "core"),
        ] {
            assert_eq!(text(&headers, &format!("x-ratelimit-{name}")), value, "{name}");
        }
        assert_eq!(headers.len(), 5);
    }

    #[test]
    fn one_limiter_is_told_and_not_a_mixture() {
        let a = quota(1, SECOND, 5);
        let told = decision(&[standing(0, "a", a, 0, 0, false)]);
        for (dialect, name) in
            [(Headers::Draft7, "ratelimit"), (Headers::XRateLimit, "x-ratelimit-used")]
        {
            let mut headers = HeaderMap::new();
            headers.insert(name, HeaderValue::from_static("theirs"));
            renderer(dialect, &[("a", a)]).write(true, told.standings(), || NOW, &mut headers);
            assert_eq!(headers.len(), 1);
            assert_eq!(headers[name], "theirs");
        }
    }

    #[test]
    fn none_is_none_and_asks_for_no_time() {
        let a = quota(1, SECOND, 5);
        let told = decision(&[standing(0, "a", a, 0, 0, false)]);
        for dialect in [Headers::None, Headers::Draft10, Headers::Draft7] {
            let mut headers = HeaderMap::new();
            let unix = || panic!("the time is not needed");
            renderer(dialect, &[("a", a)]).write(true, told.standings(), unix, &mut headers);
            assert_eq!(headers.is_empty(), dialect == Headers::None);
        }
    }
}

#[test]
fn every_name_that_is_written_is_listed() {
    let a = quota(1, SECOND, 5);
    let told = decision(&[standing(0, "a", a, 0, 0, false)]);
    let mut names = vec!["retry-after".to_owned()];
    for dialect in [Headers::Draft10, Headers::Draft7, Headers::XRateLimit] {
        let headers = written(&renderer(dialect, &[("a", a)]), &told);
        names.extend(headers.keys().map(|name| name.as_str().to_owned()));
    }
    names.sort();
    names.dedup();
    let mut listed = RESPONSE_HEADERS.to_vec();
    listed.sort_unstable();
    assert_eq!(names, listed);
}

/// As a client reads them: the name, the two numbers, the partition key.
type Read = (String, i64, i64, Option<Vec<u8>>);

fn read(headers: &HeaderMap, name: &str, first: &str, second: &str) -> Vec<Read> {
    let Some(value) = headers.get(name) else { return Vec::new() };
    let list = Parser::new(value.as_bytes()).parse::<List>().expect("a List");
    let items = list.into_iter().map(|entry| match entry {
        ListEntry::Item(item) => item,
        ListEntry::InnerList(_) => panic!("an inner list"),
    });
    items.map(|item| read_item(item, first, second)).collect()
}

fn read_item(item: Item, first: &str, second: &str) -> Read {
    let BareItem::String(name) = item.bare_item else { panic!("no String") };
    let number = |key: &str| match item.params.get(key) {
        Some(BareItem::Integer(number)) => i64::from(*number),
        other => panic!("{key} is {other:?}"),
    };
    let key = item.params.get("pk").map(|key| match key {
        BareItem::ByteSequence(bytes) => bytes.clone(),
        other => panic!("pk is {other:?}"),
    });
    (name.as_str().to_owned(), number(first), number(second), key)
}

fn quotas() -> impl Strategy<Value = Quota> {
    let usual = (1_u32..10_000, (1_u64..100_000).prop_map(|s| s * 1_000_000), 1_u32..10_000);
    let any = (1_u32.., 1_u64..(1 << 45), 1_u32..);
    prop_oneof![usual, any]
        .prop_map(|(rate, micros, burst)| Quota::new(rate, Duration::from_micros(micros), burst))
        .prop_filter_map("too slow", Result::ok)
}

/// Names with what must be escaped, debts near the capacity and far beyond it.
fn standings() -> impl Strategy<Value = Vec<Standing>> {
    let name = prop_oneof!["[a-z]{1,12}", "[ -~]{1,64}"];
    let debts = (any::<u32>(), prop_oneof![Just(0_u64), any::<u64>()], any::<u32>());
    let one = (name, quotas(), debts, 1_u32.., any::<[bool; 2]>(), any::<Option<[u8; 12]>>());
    let one =
        one.prop_map(|(name, quota, (used, nanos, part), cost, [denied, shadow], partition)| {
            let used = quota.time_of(used % quota.burst() + 1);
            let debt = used.plus(Span { whole: nanos, part: part % quota.rate() }, quota.rate());
            let fits = !denied || quota.remaining(debt) >= cost;
            let partition = partition.map(Box::new);
            Standing { debt, partition, fits, shadow, cost, ..untouched(&name, quota) }
        });
    prop::collection::vec(one, 0..6).prop_map(|mut all| {
        all.iter_mut().zip(0..).for_each(|(standing, at)| standing.at = at);
        all
    })
}

proptest! {
    #[test]
    fn any_draft_10_value_reads_as_it_was_meant(
        standings in standings(),
        concerned in any::<[bool; 6]>(),
        known in any::<[bool; 6]>(),
    ) {
        let policies = standings.iter().zip(known);
        let policies = policies.map(|(one, known)| Told {
            name: one.policy(),
            quota: known.then_some(one.quota()),
            shadow: one.shadow,
        });
        let renderer = Renderer::new(Headers::Draft10, policies);
        let concerned = standings.iter().zip(concerned).filter(|(_, is)| *is);
        let concerned: Vec<_> = concerned.map(|(one, _)| one.clone()).collect();
        let decision = decision(&concerned);
        let headers = written(&renderer, &decision);
        let told: Vec<_> = concerned.iter().filter(|one| !one.shadow).collect();

        let policies = read(&headers, "ratelimit-policy", "q", "w");
        prop_assert_eq!(policies.len(), told.len());
        for (one, (name, q, w, _)) in told.iter().zip(policies) {
            prop_assert_eq!(name, one.policy());
            let per = one.quota().per().as_nanos();
            prop_assert_eq!(w as u128, per.div_ceil(1_000_000_000));
            let exact = u128::from(one.quota().rate()) * w as u128 * 1_000_000_000 / per;
            prop_assert_eq!(q as u128, exact.min(999_999_999_999_999));
            prop_assert!(q >= 1);
        }

        let most = wait(&decision).map(|wait| wait.as_nanos().div_ceil(1_000_000_000).max(1));
        let listed: Vec<_> =
            told.into_iter().filter(|one| decision.is_granted() || !one.fits).collect();
        let limits = read(&headers, "ratelimit", "r", "t");
        prop_assert_eq!(limits.len(), listed.len());
        for (one, (name, r, t, key)) in listed.into_iter().zip(limits) {
            prop_assert_eq!(name, one.policy());
            prop_assert_eq!(key, one.partition.as_ref().map(|key| key.to_vec()));
            prop_assert!(t >= 1);
            prop_assert!(most.is_none_or(|most| t as u128 <= most), "after Retry-After");
            let (r, t) = (r as u128, t as u128);
            let (rate, per) = (u128::from(one.quota().rate()), one.quota().per().as_nanos());
            prop_assert!(r * per <= t * rate * 1_000_000_000, "faster than the rate");
            let left = u128::from(one.remaining());
            if most.is_none_or(|most| t < most) {
                prop_assert_eq!(r, left);
            } else {
                prop_assert!(r <= left);
            }
            if r > 0 && r == left {
                prop_assert!((t - 1) * rate * 1_000_000_000 < r * per, "slower than need be");
            }
        }
    }

    #[test]
    fn the_other_dialects_write_numbers(standings in standings()) {
        let decision = decision(&standings);
        for dialect in [Headers::Draft7, Headers::XRateLimit] {
            let policies = standings.iter().map(|one| known(one.policy(), Some(one.quota())));
            let headers = written(&Renderer::new(dialect, policies), &decision);
            prop_assert_eq!(headers.is_empty(), standings.iter().all(|one| one.shadow));
            for name in ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-used", "x-ratelimit-reset"] {
                if let Some(value) = headers.get(name) {
                    prop_assert!(value.to_str().unwrap().parse::<u64>().is_ok());
                }
            }
            if let Some(value) = headers.get(RATELIMIT) {
                prop_assert!(Parser::new(value.as_bytes()).parse::<sfv::Dictionary>().is_ok());
                let policy = headers[RATELIMIT_POLICY].as_bytes();
                prop_assert!(Parser::new(policy).parse::<List>().is_ok());
            }
        }
    }
}
