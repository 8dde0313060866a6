//! Demands whose buckets are in several slots of a cluster, which no script can join.

use redis::aio::ConnectionLike;
use stonework_core::StoreError;

use super::adjust::adjust;
use super::demands::{Asked, acquire, look};
use super::key::slot;
use crate::store::{Acquired, AdjustId, Level, Levels};

/// Decides about demands slot after slot. A slot that denies has what the earlier ones took given
/// back.
pub(super) async fn acquire_each(
    connection: &mut impl ConnectionLike,
    asked: Vec<Asked>,
) -> Result<Acquired, StoreError> {
    let mut round = Round { levels: vec![None; asked.len()], groups: groups(asked) };
    for at in 0..round.groups.len() {
        match acquire(connection, &round.groups[at]).await {
            Ok(Acquired::Granted(levels)) => round.note(at, &levels),
            Ok(Acquired::Denied(levels)) => {
                round.note(at, &levels);
                round.give_back(connection, at).await;
                round.look(connection, at + 1).await?;
                return Ok(Acquired::Denied(round.levels()));
            }
            refused => {
                round.give_back(connection, at).await;
                return refused;
            }
        }
    }
    Ok(Acquired::Granted(round.levels()))
}

/// By slot, in the order of the demands. Those that only watch are last: they deny nothing, and
/// need not be given back.
fn groups(asked: Vec<Asked>) -> Vec<Vec<Asked>> {
    let mut groups: Vec<(u16, Vec<Asked>)> = Vec::new();
    for one in asked {
        let slot = slot(&one.key);
        match groups.iter_mut().find(|(of, _)| *of == slot) {
            Some((_, group)) => group.push(one),
            None => groups.push((slot, vec![one])),
        }
    }
    groups.sort_by_key(|(_, group)| group.iter().all(|one| one.shadow));
    groups.into_iter().map(|(_, group)| group).collect()
}

struct Round {
    groups: Vec<Vec<Asked>>,
    /// By the place of the demand.
    levels: Vec<Option<Level>>,
}

impl Round {
    fn note(&mut self, group: usize, levels: &[Level]) {
        for (one, level) in self.groups[group].iter().zip(levels) {
            self.levels[one.at] = Some(*level);
        }
    }

    /// Gives back what the groups before this one took. Where that fails, the tokens stay taken.
    async fn give_back(&mut self, connection: &mut impl ConnectionLike, before: usize) {
        for one in self.groups[..before].iter().flatten() {
            let Some(level) = &mut self.levels[one.at] else { continue };
            if level.fits && one.cost > 0 {
                let tokens = -i64::from(one.cost);
                let id = AdjustId::random();
                if let Ok(debt) = adjust(connection, &one.key, &one.quota, tokens, id).await {
                    level.debt = debt;
                }
            }
        }
    }

    /// How the buckets stand that were not asked for tokens.
    async fn look(
        &mut self,
        connection: &mut impl ConnectionLike,
        from: usize,
    ) -> Result<(), StoreError> {
        for at in from..self.groups.len() {
            let levels = look(connection, &self.groups[at]).await?;
            self.note(at, &levels);
        }
        Ok(())
    }

    fn levels(&self) -> Levels {
        self.levels.iter().copied().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quota::Quota;
    use std::time::Duration;

    fn asked(at: usize, key: &str, shadow: bool) -> Asked {
        let quota = Quota::new(1, Duration::from_secs(1), 5).unwrap();
        Asked { at, key: key.to_owned(), quota, cost: 1, shadow }
    }

    #[test]
    fn demands_are_grouped_by_slot_and_those_that_only_watch_are_last() {
        let asked = vec![
            asked(0, "{s}", true),
            asked(1, "{a}", false),
            asked(2, "{b}", true),
            asked(3, "{c}", false),
            asked(4, "{b}x", false),
        ];
        let groups = groups(asked);
        let places: Vec<Vec<_>> =
            groups.iter().map(|group| group.iter().map(|one| one.at).collect()).collect();
        assert_eq!(places, [vec![1], vec![2, 4], vec![3], vec![0]]);
    }
}
