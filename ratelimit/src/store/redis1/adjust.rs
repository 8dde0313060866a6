use redis::aio::ConnectionLike;
use stonework_core::StoreError;

use super::key::adjustment;
use super::scripts::{ADJUST, ask};
use super::wire;
use crate::quota::Quota;
use crate::span::Span;
use crate::store::AdjustId;

/// Corrects a bucket once, and tells its debt.
pub(super) async fn adjust(
    connection: &mut impl ConnectionLike,
    key: &str,
    quota: &Quota,
    tokens: i64,
    id: AdjustId,
) -> Result<Span, StoreError> {
    let mut call = ADJUST.call(&[key, &adjustment(key, id)]);
    call.arg(&wire::correction(quota, tokens)[..]);
    let reply = ask(connection, &ADJUST, &call).await?;
    Ok(wire::line(&reply)?.debt(quota))
}
