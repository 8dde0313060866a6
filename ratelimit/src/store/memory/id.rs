use std::hash::Hasher;

use siphasher::sip128::{Hasher128, SipHasher13};

use crate::store::Bucket;

/// Stands for a bucket, whatever the length of its key: a keyed hash of 128 bits.
///
/// Clients choose their keys. With a hash that they could compute, they could make buckets
/// collide, or pile them up in one place of the table; SipHash under a secret that is new in each
/// process denies them both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Id {
    /// The place in a shard.
    pub(super) place: u64,
    /// Tells the shard by its upper bits, and buckets of one place apart.
    pub(super) rest: u64,
}

/// Makes [`Id`]s.
#[derive(Clone, Debug)]
pub(super) struct Ids(SipHasher13);

impl Ids {
    pub(super) fn random() -> Self {
        let (a, b) = uuid::Uuid::new_v4().as_u64_pair();
        let (c, d) = uuid::Uuid::new_v4().as_u64_pair();
        // A UUID has six bits that are always the same.
        Self(SipHasher13::new_with_keys(a ^ d.rotate_left(32), b ^ c.rotate_left(32)))
    }

    pub(super) fn of(&self, bucket: Bucket<'_>) -> Id {
        let mut hasher = self.0;
        // Length first, so that "a" + "bc" and "ab" + "c" are two buckets.
        hasher.write_u32(bucket.policy.len() as u32);
        hasher.write(bucket.policy.as_bytes());
        hasher.write(bucket.key);
        let hash = hasher.finish128();
        Id { place: hash.h1, rest: hash.h2 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_keys_do_not_run_together() {
        let ids = Ids::random();
        let id = |policy, key: &str| ids.of(Bucket::new(policy, key.as_bytes()));
        assert_eq!(id("a", "bc"), id("a", "bc"));
        assert_ne!(id("a", "bc"), id("ab", "c"));
        assert_ne!(id("a", ""), id("", "a"));
    }

    #[test]
    fn no_two_stores_hash_alike() {
        let bucket = Bucket::new("a", b"b");
        assert_ne!(Ids::random().of(bucket), Ids::random().of(bucket));
    }
}
