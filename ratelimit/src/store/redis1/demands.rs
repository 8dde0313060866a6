use redis::aio::ConnectionLike;
use redis::{Cmd, Value};
use stonework_core::StoreError;
use stonework_core::redis1::{Script, is_full, store_error};

use super::key::bucket;
use super::scripts::{ACQUIRE, ACQUIRE_ONE, ask};
use super::wire;
use crate::quota::Quota;
use crate::span::Span;
use crate::store::{Acquired, Demand, Level, Levels};

/// A demand, ready to be sent.
pub(super) struct Asked {
    /// Its place among the demands of the request.
    pub(super) at: usize,
    pub(super) key: String,
    pub(super) quota: Quota,
    pub(super) cost: u32,
    pub(super) shadow: bool,
}

impl Asked {
    pub(super) fn all(prefix: &str, demands: &[Demand<'_>]) -> Vec<Self> {
        let asked = demands.iter().enumerate().map(|(at, demand)| Self {
            at,
            key: bucket(prefix, demand.bucket),
            quota: demand.quota,
            cost: demand.cost,
            shadow: demand.shadow,
        });
        asked.collect()
    }

    const fn how(&self) -> u8 {
        if self.shadow { wire::SHADOW } else { wire::COUNTS }
    }

    /// Whether it is granted even where nothing can be written.
    const fn needs_no_write(&self) -> bool {
        self.shadow || self.cost == 0
    }

    /// Nobody knows how its bucket stands, and it took nothing.
    fn unwritten(&self) -> Level {
        Level::new(Span::ZERO, self.cost == 0)
    }
}

/// Decides about demands in one slot, in one step.
pub(super) async fn acquire(
    connection: &mut impl ConnectionLike,
    asked: &[Asked],
) -> Result<Acquired, StoreError> {
    let (script, call) = call(asked, Asked::how);
    let reply = match script.run(connection, &call).await {
        Err(error) if is_full(&error) && asked.iter().all(Asked::needs_no_write) => {
            return Ok(Acquired::Granted(asked.iter().map(Asked::unwritten).collect()));
        }
        reply => reply.map_err(store_error)?,
    };
    let levels = levels(asked, &reply)?;
    let granted = asked.iter().zip(&*levels).all(|(one, level)| one.shadow || level.fits);
    Ok(if granted { Acquired::Granted(levels) } else { Acquired::Denied(levels) })
}

/// How the buckets of demands in one slot stand, with nothing taken.
pub(super) async fn look(
    connection: &mut impl ConnectionLike,
    asked: &[Asked],
) -> Result<Levels, StoreError> {
    let (script, call) = call(asked, |_| wire::LOOKS);
    levels(asked, &ask(connection, script, &call).await?)
}

fn call(asked: &[Asked], how: impl Fn(&Asked) -> u8) -> (&'static Script, Cmd) {
    let script: &Script = if asked.len() == 1 { &ACQUIRE_ONE } else { &ACQUIRE };
    let keys: Vec<_> = asked.iter().map(|one| one.key.as_str()).collect();
    let mut call = script.call(&keys);
    for one in asked {
        call.arg(&wire::demand(how(one), &one.quota, one.cost)[..]);
    }
    (script, call)
}

fn levels(asked: &[Asked], reply: &Value) -> Result<Levels, StoreError> {
    let lines = wire::lines(reply, asked.len())?;
    let level =
        |(one, line): (&Asked, wire::Line)| Level::new(line.debt(&one.quota), line.number == 1);
    Ok(asked.iter().zip(lines).map(level).collect())
}
