use std::fmt;
use std::sync::OnceLock;

use sha2::{Digest, Sha256};
use stonework_core::Key;

const PREFIX: &[u8] = b"stonework-pagination binding 1";

/// Room for a path, an owner and a filter.
const USUAL: usize = 256;

/// What a cursor is good for: a list, its filters, and who may read it. For anything else it is as good as
/// none.
///
/// A layer makes one of each request. Where there is no layer, such as in gRPC and GraphQL, you do: of all
/// that says which items the list has, and who is asking.
///
/// ```
/// use stonework_pagination::Binding;
///
/// let binding = Binding::new().part("list", b"orders").part("account", b"acct_7");
/// assert_ne!(binding, Binding::new().part("list", b"ordersacct_7"));
/// ```
#[derive(Clone)]
pub struct Binding {
    /// Hashed when the first cursor is made or looked at: most requests have none, and the hash would be the
    /// dearest part of them.
    parts: Vec<u8>,
    /// A page is bound twice, by the cursor that comes and by those that go.
    finished: OnceLock<[u8; 32]>,
    #[cfg(feature = "stored")]
    owner: Key,
}

impl Binding {
    /// To nothing yet.
    pub fn new() -> Self {
        Self {
            parts: Vec::with_capacity(USUAL),
            finished: OnceLock::new(),
            #[cfg(feature = "stored")]
            owner: Key::copy_from_slice(b""),
        }
    }

    /// And to whoever owns the cursors: those that are kept in a store are
    /// [taken back](crate::Cursors::revoke) by it.
    #[must_use]
    pub fn owner(self, owner: &Key) -> Self {
        Self {
            #[cfg(feature = "stored")]
            owner: owner.clone(),
            ..self.part("owner", owner.as_bytes())
        }
    }

    /// And to this. The order of parts matters.
    #[must_use]
    pub fn part(mut self, name: &str, value: &[u8]) -> Self {
        for part in [name.as_bytes(), value] {
            // With its length, so that no two lists of parts are one text.
            self.parts.extend_from_slice(&(part.len() as u64).to_le_bytes());
            self.parts.extend_from_slice(part);
        }
        self.finished = OnceLock::new();
        self
    }

    #[cfg(feature = "stored")]
    pub(crate) const fn owned_by(&self) -> &Key {
        &self.owner
    }

    pub(crate) fn digest(&self) -> [u8; 32] {
        *self.finished.get_or_init(|| {
            Sha256::new_with_prefix(PREFIX).chain_update(&self.parts).finalize().into()
        })
    }
}

impl Default for Binding {
    fn default() -> Self {
        Self::new()
    }
}

impl PartialEq for Binding {
    fn eq(&self, other: &Self) -> bool {
        self.digest() == other.digest()
    }
}

impl Eq for Binding {}

impl fmt::Debug for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Binding").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_into_each_other() {
        let of = |parts: &[(&str, &str)]| {
            let bind = |binding: Binding, (name, value): &(&str, &str)| {
                binding.part(name, value.as_bytes())
            };
            parts.iter().fold(Binding::new(), bind).digest()
        };
        let all = [
            of(&[]),
            of(&[("", "")]),
            of(&[("a", "bc")]),
            of(&[("ab", "c")]),
            of(&[("a", "b"), ("c", "")]),
            of(&[("c", ""), ("a", "b")]),
        ];
        for (at, digest) in all.iter().enumerate() {
            assert!(!all[..at].contains(digest), "{at}");
        }
        assert_eq!(of(&[("a", "bc")]), all[2]);
    }

    #[test]
    fn a_part_counts_whenever_it_was_looked_at() {
        let one = Binding::new().part("a", b"b");
        let looked_at = one.digest();
        let two = one.part("c", b"d");
        assert_ne!(two.digest(), looked_at);
        assert_eq!(two, Binding::new().part("a", b"b").part("c", b"d"));
    }
}
