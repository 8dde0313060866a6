use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Makes partition keys: what a header tells of the key that a request was counted for, so that a
/// client with several can tell them apart.
///
/// An HMAC, since a plain hash of an address or an account number is found by trying them all.
#[derive(Clone)]
pub(crate) struct Partition(Hmac<Sha256>);

impl Partition {
    pub(crate) fn new(secret: &[u8]) -> Option<Self> {
        Hmac::new_from_slice(secret).ok().map(Self)
    }

    pub(crate) fn of(&self, policy: &str, key: &[u8]) -> [u8; 12] {
        let mut mac = self.0.clone();
        mac.update(&(policy.len() as u64).to_be_bytes());
        mac.update(policy.as_bytes());
        mac.update(key);
        let digest: [u8; 32] = mac.finalize().into_bytes().into();
        let mut partition = [0; 12];
        partition.copy_from_slice(&digest[..12]);
        partition
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keys_and_secrets_make_different_partitions() {
        let one = Partition::new(b"secret").unwrap();
        let other = Partition::new(b"another").unwrap();
        assert_eq!(one.of("a", b"bc"), one.clone().of("a", b"bc"));
        assert_ne!(one.of("a", b"bc"), one.of("ab", b"c"));
        assert_ne!(one.of("a", b"bc"), other.of("a", b"bc"));
    }
}
