use std::fmt;

use subtle::ConstantTimeEq;

use crate::Algorithm;

/// The longest signature, in bytes.
pub(crate) const MAX_TAG: usize = 64;

/// The bytes of a signature: one that was sent, or one that a key gave.
#[derive(Clone, Copy)]
pub struct Tag {
    algorithm: Algorithm,
    bytes: [u8; MAX_TAG],
}

impl Tag {
    /// A signature of this algorithm, if the length is right.
    #[inline]
    pub fn new(algorithm: Algorithm, bytes: &[u8]) -> Option<Self> {
        if bytes.len() != algorithm.signature_len() {
            return None;
        }
        let mut tag = Self { algorithm, bytes: [0; MAX_TAG] };
        tag.bytes[..bytes.len()].copy_from_slice(bytes);
        Some(tag)
    }

    /// How it was made.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The bytes.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.algorithm.signature_len()]
    }

    /// Compares in constant time. The algorithms are no secret.
    ///
    /// All differences are gathered, word by word, before anything depends on them: byte by byte, as slices are compared,
    /// it takes nine times as long.
    #[inline]
    pub(crate) fn is(&self, other: &Self) -> bool {
        let (ours, theirs) = (words(&self.bytes), words(&other.bytes));
        let differences = ours.zip(theirs).fold(0, |all, (ours, theirs)| all | (ours ^ theirs));
        self.algorithm == other.algorithm && bool::from(differences.ct_eq(&0))
    }
}

fn words(bytes: &[u8; MAX_TAG]) -> impl Iterator<Item = u64> {
    bytes.as_chunks().0.iter().map(|word| u64::from_ne_bytes(*word))
}

/// Without the bytes: a signature that was computed and is logged is one that can be sent.
impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tag({:?})", self.algorithm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_is_that_of_the_algorithm() {
        for algorithm in [Algorithm::HmacSha1, Algorithm::HmacSha256, Algorithm::HmacSha512] {
            let len = algorithm.signature_len();
            assert_eq!(Tag::new(algorithm, &vec![7; len]).unwrap().as_bytes(), vec![7; len]);
            assert!(Tag::new(algorithm, &vec![7; len - 1]).is_none());
            assert!(Tag::new(algorithm, &vec![7; len + 1]).is_none());
        }
    }

    #[test]
    fn equal_bytes_of_another_algorithm_are_another_signature() {
        let hmac = Tag::new(Algorithm::HmacSha512, &[1; 64]).unwrap();
        let ed25519 = Tag::new(Algorithm::Ed25519, &[1; 64]).unwrap();
        assert!(hmac.is(&hmac.clone()));
        assert!(!hmac.is(&ed25519));
        assert!(!hmac.is(&Tag::new(Algorithm::HmacSha512, &[2; 64]).unwrap()));
        assert_eq!(format!("{hmac:?}"), "Tag(HmacSha512)");
    }
}
