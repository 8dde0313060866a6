//! Demands whose buckets are in several slots of a cluster, which no script can join.

use redis::aio::ConnectionLike;
use stonework_core::{StoreError, StoreErrorKind};
use tokio::runtime::Handle;

use super::adjust::give_back;
use super::demands::{Asked, acquire, look};
use super::key::slot;
use crate::span::Span;
use crate::store::{Acquired, Level, Levels};

/// Decides about demands slot after slot. A slot that denies has what the earlier ones took given
/// back, in a task of its own: whoever asked may go away in between, and would leave others' buckets
/// emptier than they are.
pub(super) async fn acquire_each(
    mut connection: impl ConnectionLike + Send + 'static,
    asked: Vec<Asked>,
) -> Result<Acquired, StoreError> {
    let groups = groups(asked);
    if let [group] = &groups[..] {
        return acquire(&mut connection, group).await;
    }
    let round = async move { Round::new(groups).run(&mut connection).await };
    match Handle::try_current() {
        Ok(runtime) => runtime.spawn(round).await.unwrap_or_else(|lost| {
            Err(StoreError::new(StoreErrorKind::Unavailable).with_source(lost))
        }),
        Err(_) => round.await,
    }
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
    groups.sort_by_key(|(_, group)| only_watches(group));
    groups.into_iter().map(|(_, group)| group).collect()
}

fn only_watches(group: &[Asked]) -> bool {
    group.iter().all(|one| one.shadow)
}

struct Round {
    groups: Vec<Vec<Asked>>,
    /// By the place of the demand. None where nobody knows.
    levels: Vec<Option<Level>>,
}

impl Round {
    fn new(groups: Vec<Vec<Asked>>) -> Self {
        let demands = groups.iter().flatten().count();
        Self { groups, levels: vec![None; demands] }
    }

    async fn run(mut self, connection: &mut impl ConnectionLike) -> Result<Acquired, StoreError> {
        let mut failure = None;
        for at in 0..self.groups.len() {
            match acquire(connection, &self.groups[at]).await {
                Ok(Acquired::Granted(levels)) => self.note(at, &levels),
                Ok(Acquired::Denied(levels)) => {
                    self.note(at, &levels);
                    return Ok(self.denied(connection, at).await);
                }
                // It has no say, and so it fails nothing.
                Err(error) if only_watches(&self.groups[at]) => failure = Some(error),
                refused => {
                    self.give_back(connection, at).await;
                    return refused;
                }
            }
        }
        match failure {
            Some(error) if self.levels.iter().all(Option::is_none) => Err(error),
            _ => Ok(Acquired::Granted(self.levels(false))),
        }
    }

    /// This group has denied.
    async fn denied(mut self, connection: &mut impl ConnectionLike, at: usize) -> Acquired {
        self.give_back(connection, at).await;
        // The denial stands, whether or not the levels beside it are known.
        drop(self.look(connection, at + 1).await);
        Acquired::Denied(self.levels(true))
    }

    fn note(&mut self, group: usize, levels: &[Level]) {
        for (one, level) in self.groups[group].iter().zip(levels) {
            self.levels[one.at] = Some(*level);
        }
    }

    /// Gives back what the groups before this one took. Where that fails, the tokens stay taken.
    async fn give_back(&mut self, connection: &mut impl ConnectionLike, before: usize) {
        for one in self.groups[..before].iter().flatten() {
            let Some(level) = &mut self.levels[one.at] else { continue };
            if level.fits
                && one.cost > 0
                && let Ok(debt) = give_back(connection, one).await
            {
                level.debt = debt;
            }
        }
    }

    /// How the buckets stand that were not asked for tokens. What is away is not waited for twice.
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

    /// `fits` is said of those about which nobody knows.
    fn levels(&self, fits: bool) -> Levels {
        let level = |level: &Option<Level>| level.unwrap_or(Level::new(Span::ZERO, fits));
        self.levels.iter().map(level).collect()
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
