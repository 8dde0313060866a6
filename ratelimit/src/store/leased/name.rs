use std::borrow::Borrow;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use stonework_core::Key;

use crate::store::Bucket;

/// A bucket's name that is kept. Clones share one allocation, or two for a long key.
#[derive(Clone, Debug)]
pub(super) struct Name {
    policy: Arc<str>,
    key: Key,
}

/// Whatever names a bucket, so that kept names are found by borrowed ones without an allocation.
pub(super) trait Named {
    fn bucket(&self) -> Bucket<'_>;
}

impl Name {
    pub(super) fn of(bucket: Bucket<'_>) -> Self {
        Self { policy: bucket.policy.into(), key: Key::from(bucket.key) }
    }
}

impl Named for Name {
    fn bucket(&self) -> Bucket<'_> {
        Bucket::new(&self.policy, self.key.as_bytes())
    }
}

impl Named for Bucket<'_> {
    fn bucket(&self) -> Bucket<'_> {
        *self
    }
}

impl Hash for dyn Named + '_ {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bucket().hash(state);
    }
}

impl PartialEq for dyn Named + '_ {
    fn eq(&self, other: &Self) -> bool {
        self.bucket() == other.bucket()
    }
}

impl Eq for dyn Named + '_ {}

// As the trait object hashes and compares, or a lookup would miss.
impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bucket().hash(state);
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.bucket() == other.bucket()
    }
}

impl Eq for Name {}

impl<'a> Borrow<dyn Named + 'a> for Name {
    fn borrow(&self) -> &(dyn Named + 'a) {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn a_kept_name_is_found_by_a_borrowed_one() {
        let mut names = HashMap::new();
        let pairs: [(&str, &[u8]); 4] = [("a", b"bc"), ("ab", b"c"), ("", b"abc"), ("abc", b"")];
        for (at, (policy, key)) in pairs.into_iter().enumerate() {
            names.insert(Name::of(Bucket::new(policy, key)), at);
        }
        for (at, (policy, key)) in pairs.into_iter().enumerate() {
            let bucket = Bucket::new(policy, key);
            assert_eq!(names.get(&bucket as &dyn Named), Some(&at));
        }
    }
}
