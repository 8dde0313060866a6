//! What must be true of every client that reads a whole list.

use std::collections::HashSet;

use super::server::{NEW, Server};
use crate::memory::rows;

/// Items of a list. Some sizes of a page divide it, and some do not.
pub(crate) const MANY: i64 = 6;

/// How often a list changes while it is read.
const CHANGES: usize = 5;

/// The ids of a whole list, in order.
pub(crate) fn all(many: i64) -> Vec<i64> {
    rows(many).into_iter().map(|row| row.1).collect()
}

/// Up to one more than there are.
pub(crate) fn limits(many: i64) -> Vec<u32> {
    (1..=many as u32 + 1).collect()
}

/// What scripts are told.
pub(crate) fn options(limits: &[u32]) -> Vec<String> {
    limits.iter().map(|limit| format!("--limit={limit}")).collect()
}

/// The pages of a list. That of an empty one is empty.
pub(crate) fn pages(many: i64, limit: u32) -> Vec<Vec<i64>> {
    match many {
        0 => vec![Vec::new()],
        _ => all(many).chunks(limit as usize).map(<[i64]>::to_vec).collect(),
    }
}

/// With every size of a page each item is read once and in order, and no page is asked for in vain. The client
/// gives what it read with each of these limits.
pub(crate) async fn reads_whole_lists(client: impl AsyncFn(&Server, &[u32]) -> Vec<Vec<i64>>) {
    for many in [0, MANY] {
        let (server, limits) = (Server::start(many, 0).await, limits(many));
        let read = client(&server, &limits).await;
        assert_eq!(read, vec![all(many); limits.len()]);
        for limit in limits {
            assert_eq!(server.asked(limit), pages(many, limit).len(), "pages of {limit}");
        }
    }
}

/// Each item that was there at the beginning is read once and in order, and each that came later once at most.
pub(crate) async fn reads_what_stays(
    expected: &[i64],
    client: impl AsyncFn(&Server, &[u32]) -> Vec<Vec<i64>>,
) -> Vec<Vec<i64>> {
    let (server, limits) = (Server::start(MANY, CHANGES).await, limits(MANY));
    let read = client(&server, &limits).await;
    assert_eq!(read.len(), limits.len());
    for (limit, read) in limits.into_iter().zip(&read) {
        assert_eq!(server.changed(limit), server.asked(limit).min(CHANGES));
        let stayed: Vec<_> = read.iter().copied().filter(|id| (1..=MANY).contains(id)).collect();
        assert_eq!(stayed, expected, "pages of {limit}: {read:?}");
        let distinct: HashSet<_> = read.iter().collect();
        assert_eq!(distinct.len(), read.len(), "pages of {limit}: {read:?}");
    }
    read
}

/// What comes before the place that was reached is not read, and what comes behind it is.
pub(crate) async fn reads_what_stays_forward(
    client: impl AsyncFn(&Server, &[u32]) -> Vec<Vec<i64>>,
) {
    let read = reads_what_stays(&all(MANY), client).await;
    for read in &read {
        assert!(read.iter().all(|id| *id < NEW), "{read:?}");
    }
    let one_by_one: Vec<_> =
        all(MANY).into_iter().chain((1..=CHANGES as i64).map(|nth| -nth)).collect();
    assert_eq!(read[0], one_by_one);
}
