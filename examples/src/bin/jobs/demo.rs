//! Pauses to order, so that one can watch a job that would be over too soon. Off with `DEMO=0`.

use axum::http::HeaderMap;

use crate::problem::Refusal;

/// Below the lease of a worker, by far.
const LONGEST: u32 = 1_000;

/// The pause that a request orders after each step of its job, in milliseconds, by `x-demo-pause-ms`.
pub(crate) fn pause(headers: &HeaderMap, is_allowed: bool) -> Result<u32, Refusal> {
    let Some(value) = headers.get("x-demo-pause-ms").filter(|_| is_allowed) else { return Ok(0) };
    let pause = value.to_str().ok().and_then(|value| value.parse().ok());
    pause.filter(|pause| *pause <= LONGEST).ok_or(Refusal::Pause(LONGEST))
}
