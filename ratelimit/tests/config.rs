//! Mistakes are found when the layer is built: all of them, each with its value and a remedy.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.
#![cfg(feature = "memory")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use stonework_ratelimit::store::{MemoryStore, Overflow};
use stonework_ratelimit::{
    ClientIp, Concurrency, ConfigError, Outage, Policy, RateLimitLayer, RateLimitLayerBuilder,
    Warning,
};
use support::faulty::Faulty;
use support::limits::{SECOND, policy};

fn errors(builder: RateLimitLayerBuilder) -> Vec<ConfigError> {
    builder.build().unwrap_err().into_iter().collect()
}

/// The setting and the value of each error. Each reason has to say what to do.
fn wrong(builder: RateLimitLayerBuilder) -> Vec<(&'static str, String)> {
    let errors = errors(builder);
    for error in &errors {
        assert!(error.reason.len() > 10, "{error}");
        assert_eq!(
            error.to_string(),
            format!("{}({}): {}", error.setting, error.value, error.reason)
        );
    }
    errors.into_iter().map(|error| (error.setting, error.value)).collect()
}

fn one(setting: &'static str, value: &str) -> Vec<(&'static str, String)> {
    vec![(setting, value.to_owned())]
}

fn with(policy: Policy) -> RateLimitLayerBuilder {
    builder().policy(policy)
}

fn builder() -> RateLimitLayerBuilder {
    RateLimitLayer::builder()
}

#[test]
fn a_layer_that_limits_nothing_is_a_mistake() {
    assert_eq!(wrong(builder()), one("policy", "\"none\""));
    let only_concurrency = Concurrency::new("c").at_most(1).key_global();
    assert!(builder().concurrency(only_concurrency).build().is_ok());
}

#[test]
fn names_are_visible_ascii_and_given_once() {
    for name in ["", "ü", "a\nb", "a\tb", &"x".repeat(65)] {
        assert_eq!(wrong(with(policy(name))), one("policy", &format!("{name:?}")));
    }
    for name in ["a", "A b/c: \"d\" \\", &"x".repeat(64)] {
        assert!(with(policy(name)).build().is_ok(), "{name}");
    }
    assert_eq!(wrong(with(policy("a")).policy(policy("a"))), one("policy", "\"a\""));
    let gate = || Concurrency::new("a").at_most(1).key_global();
    assert_eq!(wrong(with(policy("a")).concurrency(gate())), one("policy", "\"a\""));
    assert_eq!(wrong(builder().concurrency(gate()).concurrency(gate())), one("policy", "\"a\""));
}

#[test]
fn rates_bursts_and_periods_have_to_make_sense() {
    let century = Duration::from_secs(100 * 365 * 86_400);
    for broken in [
        policy("p").rate(0),
        policy("p").burst(0),
        policy("p").per(Duration::ZERO),
        policy("p").per(Duration::from_nanos(1_500)),
        policy("p").per(century).burst(2),
        policy("p").per(Duration::MAX),
        Policy::new("p").key_global(),
    ] {
        let shown = format!("{broken:?}");
        assert_eq!(wrong(with(broken)), one("policy", "\"p\""), "{shown}");
    }
    for fine in [policy("p").per(century).burst(1), policy("p").rate(u32::MAX).burst(u32::MAX)] {
        assert!(with(fine).build().is_ok());
    }
}

#[test]
fn a_cost_that_is_never_met_is_a_mistake() {
    assert_eq!(wrong(with(policy("p").cost(6))), one("cost", "6, of \"p\""));
    assert!(with(policy("p").cost(5)).build().is_ok());
    assert!(with(policy("p").cost(0)).build().is_ok());
}

#[test]
fn whom_to_count_for_has_to_be_said() {
    let unset = Policy::new("p").rate(1).per(SECOND);
    assert_eq!(wrong(with(unset.clone())), one("key", "unset, of \"p\""));
    let header = unset.clone().key_header("x key");
    assert_eq!(wrong(with(header)), one("key_header", "\"x key\""));
    let gate = Concurrency::new("c").at_most(0);
    assert_eq!(
        wrong(builder().concurrency(gate)),
        [("key", "unset, of \"c\"".to_owned()), ("at_most", "0, of \"c\"".to_owned())]
    );
    let addresses = |clients| wrong(with(unset.clone().key_ip(clients)));
    assert_eq!(addresses(ClientIp::peer().trust(["10.0.0.0/40"])), one("trust", "\"10.0.0.0/40\""));
    assert_eq!(addresses(ClientIp::peer().trust(["::/0"])), one("trust", "\"::/0\""));
    assert_eq!(
        addresses(ClientIp::peer().trust(["10.0.0.0/8"]).trust_hops(2)),
        one("trust_hops", "2")
    );
    assert_eq!(addresses(ClientIp::peer().trust_hops(65)), one("trust_hops", "65"));
    assert_eq!(addresses(ClientIp::peer().v4_prefix(33)), one("v4_prefix", "33"));
    assert_eq!(addresses(ClientIp::peer().v6_prefix(129)), one("v6_prefix", "129"));
}

#[test]
fn an_outage_is_shared_by_one_process_at_least() {
    let nobody = builder().on_outage(Outage::LocalFallback { nodes: 0 }).policy(policy("p"));
    assert_eq!(wrong(nobody), one("on_outage", "\"LocalFallback { nodes: 0 }\""));
}

#[test]
fn a_timeout_has_to_leave_time() {
    for timeout in [Duration::ZERO, Duration::from_micros(999)] {
        let hasty = with(policy("p")).store_timeout(timeout);
        assert_eq!(wrong(hasty), one("store_timeout", &format!("{timeout:?}")));
    }
    assert!(with(policy("p")).store_timeout(Duration::MAX).build().is_ok());
}

#[test]
fn a_secret_that_is_short_is_a_mistake_and_is_not_shown() {
    let short = with(policy("p")).partition_secret("hunter2 hunter2");
    let errors = short.build().unwrap_err();
    assert_eq!(errors.as_slice()[0].setting, "partition_secret");
    assert!(!format!("{errors} {errors:?}").contains("hunter2"));
    let long = with(policy("p")).partition_secret("hunter2 hunter2!");
    assert!(!format!("{long:?}").contains("hunter2"));
    assert!(!format!("{:?}", long.build().unwrap()).contains("hunter2"));
}

#[test]
fn all_mistakes_are_told_at_once() {
    let settings = wrong(
        builder()
            .store_timeout(Duration::ZERO)
            .partition_secret("short")
            .on_outage(Outage::LocalFallback { nodes: 0 })
            .policy(Policy::new("").rate(0))
            .policy(policy("twice").cost(99))
            .policy(policy("twice").rate(0))
            .concurrency(Concurrency::new("c").key_header("x y")),
    );
    let settings: Vec<_> = settings.iter().map(|(setting, _)| *setting).collect();
    assert_eq!(
        settings,
        [
            "store_timeout",
            "partition_secret",
            "on_outage",
            "policy",
            "key",
            "policy",
            "cost",
            "policy",
            "key_header",
            "at_most",
            "policy",
        ]
    );
}

fn warnings(builder: RateLimitLayerBuilder) -> Vec<Warning> {
    builder.build().unwrap().warnings().to_vec()
}

fn slow() -> RateLimitLayerBuilder {
    let daily = policy("daily").rate(1_000).per(86_400 * SECOND).burst(1_000);
    RateLimitLayer::builder().policy(policy("fast").burst(60)).policy(daily)
}

#[test]
fn a_slow_limit_in_a_store_that_forgets_is_a_warning() {
    for forgetful in [slow(), slow().store(MemoryStore::new())] {
        let warnings = warnings(forgetful);
        let [Warning::ForgetfulStore { policy, refill, .. }] = &warnings[..] else {
            panic!("{warnings:?}")
        };
        assert_eq!((policy.as_str(), *refill), ("daily", 86_400 * SECOND));
        let shown = warnings[0].to_string();
        assert!(shown.contains("daily") && shown.contains("DenyNew"), "{shown}");
    }
}

#[test]
fn a_store_that_forgets_nothing_is_none() {
    let other = Faulty::new(MemoryStore::new());
    let denies = MemoryStore::builder().overflow(Overflow::DenyNew).build().unwrap();
    assert_eq!(warnings(slow().store(denies)), []);
    assert_eq!(warnings(slow().store(other.clone())), []);
    assert_eq!(warnings(slow().store(Arc::new(other))), []);
    assert_eq!(warnings(RateLimitLayer::builder().policy(policy("fast"))), []);
}

#[test]
fn letting_everybody_pass_is_a_warning() {
    let open = || RateLimitLayer::builder().policy(policy("p")).on_outage(Outage::Open);
    assert_eq!(warnings(open()), [Warning::OutageOpen]);
    for other in [Outage::Closed, Outage::LocalFallback { nodes: 3 }] {
        assert_eq!(warnings(open().on_outage(other)), []);
    }
}

#[test]
fn warnings_can_be_made_errors() {
    let strict = slow().on_outage(Outage::Open).deny_warnings();
    let errors = strict.build().unwrap_err();
    let settings: Vec<_> = errors.iter().map(|error| error.setting).collect();
    assert_eq!(settings, ["overflow", "on_outage"]);
    assert!(RateLimitLayer::builder().policy(policy("p")).deny_warnings().build().is_ok());
}
