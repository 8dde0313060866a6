//! The numbers behind the headers.

use std::cmp::Reverse;
use std::time::Duration;

use crate::decision::{Decision, Standing};
use crate::quota::Quota;

const SECOND: u128 = 1_000_000_000;

/// Rounded up.
pub(super) const fn seconds(time: Duration) -> u64 {
    time.as_secs().saturating_add((time.subsec_nanos() > 0) as u64)
}

/// Tokens that flow in within this many seconds, rounded down.
const fn flow(quota: &Quota, seconds: u64) -> u64 {
    let tokens = quota.rate() as u128 * seconds as u128 * SECOND / quota.per().as_nanos();
    if tokens > u64::MAX as u128 { u64::MAX } else { tokens as u64 }
}

/// `q` and `w`: the period, rounded up to whole seconds, and what flows in meanwhile, rounded down.
/// Never more than the rate, and never less than `rate` tokens, since `w` is not below the period.
pub(super) const fn window(quota: &Quota) -> (u64, u64) {
    let period = seconds(quota.per());
    (flow(quota, period), period)
}

/// `r` and `t`. Who uses no more than `r` tokens every `t` seconds keeps to the rate: such clients
/// exist, and the draft warns of telling them more (-10, section 8.5). `t` is not above `at_most`.
pub(super) fn allowance(standing: &Standing, at_most: Option<u64>) -> (u64, u64) {
    let (quota, remaining) = (&standing.quota, standing.remaining());
    let time = match remaining {
        0 => quota.wait(standing.debt, 1).unwrap_or_default(),
        _ => quota.time_of(remaining).duration(),
    };
    let time = seconds(time).max(1);
    match at_most {
        Some(most) if most < time => (flow(quota, most).min(remaining.into()), most),
        _ => (remaining.into(), time),
    }
}

/// Policies that the client may hear of.
pub(super) fn told(decision: &Decision) -> impl Iterator<Item = &Standing> {
    decision.standings.iter().filter(|standing| !standing.shadow)
}

/// How long a refused client has to wait: until the last policy that refused it would not. `None`
/// if the request was not refused by a policy, or costs more than there ever are.
pub(crate) fn retry_after(decision: &Decision) -> Option<Duration> {
    if decision.granted {
        return None;
    }
    let waits = told(decision).filter(|standing| standing.is_exceeded()).map(Standing::retry_after);
    waits.reduce(|a, b| Some(a?.max(b?))).flatten()
}

/// The same, as the field `Retry-After` has it.
pub(super) fn retry_after_seconds(decision: &Decision) -> Option<u64> {
    retry_after(decision).map(|wait| seconds(wait).max(1))
}

/// The policy to tell of where only one can be: the one that refused, for the longest time if there
/// are several, else the one with the smallest share of tokens left. Of equals the first.
pub(super) fn most_pressing(decision: &Decision) -> Option<&Standing> {
    let wait = |standing: &&Standing| Reverse(standing.retry_after().unwrap_or(Duration::MAX));
    let exceeded = told(decision).filter(|standing| standing.is_exceeded());
    // Cross-multiplied shares: products of two `u32`.
    let times = |a: &Standing, b: &Standing| u64::from(a.remaining()) * u64::from(b.quota.burst());
    exceeded
        .min_by_key(wait)
        .or_else(|| told(decision).min_by(|a, b| times(a, b).cmp(&times(b, a))))
}
