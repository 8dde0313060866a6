use redis::aio::ConnectionLike;
use stonework_core::StoreError;

use super::demands::Asked;
use super::key::adjustment;
use super::scripts::{CHARGE, REFUND, ask};
use super::wire;
use crate::quota::Quota;
use crate::span::Span;
use crate::store::AdjustId;

/// For how long an id is known, in milliseconds: as long as somebody may repeat a correction.
const KNOWN: u32 = 600_000;
/// What this store gives back by itself, only the connection may repeat, within its timeout. Less
/// long, since every denial leaves such ids behind.
const KNOWN_TO_US: u32 = 10_000;

/// Corrects a bucket once, and tells its debt.
pub(super) async fn adjust(
    connection: &mut impl ConnectionLike,
    key: &str,
    quota: &Quota,
    tokens: i64,
    id: AdjustId,
) -> Result<Span, StoreError> {
    correct(connection, (key, quota, tokens), id, KNOWN).await
}

/// Gives back what a demand took, and tells the debt.
pub(super) async fn give_back(
    connection: &mut impl ConnectionLike,
    taken: &Asked,
) -> Result<Span, StoreError> {
    let correction = (&*taken.key, &taken.quota, -i64::from(taken.cost));
    correct(connection, correction, AdjustId::random(), KNOWN_TO_US).await
}

async fn correct(
    connection: &mut impl ConnectionLike,
    (key, quota, tokens): (&str, &Quota, i64),
    id: AdjustId,
    known: u32,
) -> Result<Span, StoreError> {
    let script = if tokens > 0 { &CHARGE } else { &REFUND };
    let mut call = script.call(&[key, &adjustment(key, id)]);
    call.arg(&wire::correction(quota, tokens)[..]).arg(known);
    let reply = ask(connection, script, &call).await?;
    Ok(wire::line(&reply)?.debt(quota))
}
