use std::hash::Hasher;

use siphasher::sip::SipHasher13;

use crate::store::Bucket;

/// Makes ids: a keyed hash that stands for a bucket, whatever the length of its key.
///
/// Clients choose their keys. With a hash that they could compute, they could make buckets
/// collide, or pile them up in one place of the table; SipHash under a secret that is new in each
/// process denies them both. That two of four million buckets are one by chance, and share their
/// tokens, happens in one of two million processes.
#[derive(Clone, Debug)]
pub(super) struct Ids(SipHasher13);

impl Ids {
    pub(super) fn random() -> Self {
        let (high, low) = uuid::Uuid::new_v4().as_u64_pair();
        Self(SipHasher13::new_with_keys(high, low))
    }

    #[inline]
    pub(super) fn of(&self, bucket: Bucket<'_>) -> u64 {
        let mut hasher = self.0;
        // A word of its own, so that "a" + "bc" and "ab" + "c" are two buckets.
        hasher.write_u64(bucket.word);
        hasher.write(bucket.key);
        hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_keys_do_not_run_together() {
        let ids = Ids::random();
        let id = |policy: &str, key: &str| ids.of(Bucket::new(policy, key.as_bytes()));
        let long = "x".repeat(100);
        for tail in ["", &long] {
            let [bc, c] = ["bc", "c"].map(|key| format!("{key}{tail}"));
            assert_eq!(id("a", &bc), id("a", &bc));
            assert_ne!(id("a", &bc), id("ab", &c));
            assert_ne!(id("a", tail), id("", &format!("a{tail}")));
        }
        assert_ne!(id("a", "b"), id("a\0", "b"));
        assert_ne!(id("abcdefgh12345678", ""), id("12345678abcdefgh", ""));
    }

    #[test]
    fn no_two_stores_hash_alike() {
        let bucket = Bucket::new("a", b"b");
        assert_ne!(Ids::random().of(bucket), Ids::random().of(bucket));
    }
}
