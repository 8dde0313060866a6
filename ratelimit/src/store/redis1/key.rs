use std::fmt::Write;

use sha2::{Digest, Sha256};

use crate::store::{AdjustId, Bucket};

const SLOTS: u16 = 16_384;

/// The key of a bucket: what a client sent is hashed, since it may be a secret and of any length.
pub(super) fn bucket(prefix: &str, bucket: Bucket<'_>) -> String {
    let mut hash = Sha256::new();
    // With its length, so that no two pairs hash alike.
    hash.update((bucket.policy.len() as u64).to_be_bytes());
    hash.update(bucket.policy);
    hash.update(bucket.key);
    let mut key = String::with_capacity(prefix.len() + 34);
    key.push_str(prefix);
    key.push('{');
    push_hex(&mut key, &hash.finalize()[..16]);
    key.push('}');
    key
}

/// Where an adjustment of this bucket is remembered: in the same slot.
pub(super) fn adjustment(bucket: &str, id: AdjustId) -> String {
    let mut key = String::with_capacity(bucket.len() + 35);
    key.push_str(bucket);
    key.push_str(":a:");
    push_hex(&mut key, id.as_bytes());
    key
}

fn push_hex(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
}

/// The slot of a cluster that a key is in: of what stands in its first braces, if anything does.
pub(super) fn slot(key: &str) -> u16 {
    let tag = key
        .split_once('{')
        .and_then(|(_, rest)| rest.split_once('}'))
        .map(|(tag, _)| tag)
        .filter(|tag| !tag.is_empty())
        .unwrap_or(key);
    crc16::State::<crc16::XMODEM>::calculate(tag.as_bytes()) % SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policy_and_key_cannot_be_shifted() {
        let of = |policy, key: &str| bucket("p:", Bucket::new(policy, key.as_bytes()));
        assert_eq!(of("a", "bc"), of("a", "bc"));
        assert_ne!(of("a", "bc"), of("ab", "c"));
        assert_ne!(of("", "abc"), of("abc", ""));
    }

    #[test]
    fn a_key_is_the_prefix_and_a_hash_in_braces() {
        let key = bucket("p:", Bucket::new("policy", b"secret"));
        assert_eq!((&key[..3], &key[35..], key.len()), ("p:{", "}", 36));
        assert!(key[3..35].bytes().all(|byte| byte.is_ascii_hexdigit()));
        let record = adjustment(&key, AdjustId::from_bytes([0xab; 16]));
        assert_eq!(record, format!("{key}:a:{}", "ab".repeat(16)));
        assert_eq!(slot(&record), slot(&key));
    }

    /// The example of the specification, and its rules for braces.
    #[test]
    fn slots_are_those_of_the_cluster_specification() {
        assert_eq!(slot("123456789"), 0x31c3);
        assert_eq!(slot("{user1000}.following"), slot("{user1000}.followers"));
        assert_eq!(slot("foo{bar}{zap}"), slot("bar"));
        assert_eq!(slot("foo{{bar}}zap"), slot("{bar"));
        assert_ne!(slot("foo{}{bar}"), slot("bar"), "nothing in the first braces");
        assert_eq!(slot("a}b{c"), slot("a}b{c"));
    }
}
