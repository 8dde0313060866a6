//! The numbers behind the headers.

use std::cmp::Reverse;
use std::time::Duration;

use crate::decision::Standing;
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
    let (quota, remaining) = (standing.quota(), standing.remaining());
    let time = match remaining {
        0 => seconds(quota.wait(standing.debt, 1).unwrap_or_default()),
        _ => seconds_of(quota, remaining),
    };
    let time = time.max(1);
    match at_most {
        Some(most) if most < time => (flow(quota, most).min(remaining.into()), most),
        _ => (remaining.into(), time),
    }
}

/// Seconds in which this many tokens flow in, rounded up. With every response: one division, where
/// the numbers are not too large for it.
fn seconds_of(quota: &Quota, tokens: u32) -> u64 {
    let parts = quota.per().as_nanos() * u128::from(tokens);
    let rate = u64::from(quota.rate()) * SECOND as u64;
    match u64::try_from(parts) {
        Ok(parts) => parts.div_ceil(rate),
        Err(_) => seconds(quota.time_of(tokens).duration()),
    }
}

/// Policies that the client may hear of.
pub(super) fn told(standings: &[Standing]) -> impl Iterator<Item = &Standing> {
    standings.iter().filter(|standing| !standing.shadow)
}

/// How long a refused client has to wait: until the last policy that refused it would not. `None`
/// if no policy refused it, or if the request costs more than there ever are.
pub(crate) fn retry_after(standings: &[Standing]) -> Option<Duration> {
    let denying = told(standings).filter(|standing| standing.denies());
    denying.map(Standing::retry_after).reduce(|a, b| Some(a?.max(b?))).flatten()
}

/// The same, as the field `Retry-After` has it.
pub(super) fn retry_after_seconds(granted: bool, standings: &[Standing]) -> Option<u64> {
    let wait = if granted { None } else { retry_after(standings) };
    wait.map(|wait| seconds(wait).max(1))
}

/// The policy to tell of where only one can be: the one that refused, for the longest time if there
/// are several, else the one with the smallest share of tokens left. Of equals the first.
pub(super) fn most_pressing(standings: &[Standing]) -> Option<&Standing> {
    let wait = |standing: &&Standing| Reverse(standing.retry_after().unwrap_or(Duration::MAX));
    let exceeded = told(standings).filter(|standing| standing.denies());
    // Cross-multiplied shares: products of two `u32`.
    let times =
        |a: &Standing, b: &Standing| u64::from(a.remaining()) * u64::from(b.quota().burst());
    exceeded
        .min_by_key(wait)
        .or_else(|| told(standings).min_by(|a, b| times(a, b).cmp(&times(b, a))))
}
