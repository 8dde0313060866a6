use std::fmt;

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit};
use sha2::Sha256;
use stonework_core::ConfigError;
use zeroize::Zeroizing;

use crate::Warning;

/// Shorter secrets can be guessed.
const SHORTEST: usize = 16;

/// A longer secret makes nothing better (RFC 2104, section 3).
const ENOUGH: usize = 32;

/// A MAC whose key is set.
pub(crate) type Signer = Hmac<Sha256>;

/// The secrets of cursors: one makes them, and all verify.
///
/// To rotate, make new keys whose first is the new secret and that also verify the old one; when all cursors
/// of the old one are of no use any more, leave it out. All processes of a service have the same keys.
///
/// From a secret a key of its own is derived for each purpose (HKDF, RFC 5869), so that it may be shared with
/// nothing else that does not do so. `Debug` tells the ids.
///
/// ```
/// use stonework_pagination::Keys;
///
/// let (new, old) = ([2; 32], [1; 32]); // 32 random bytes each, from where secrets are kept.
/// let keys = Keys::new(2, &new).also_verifies(1, &old);
/// # let _ = keys;
/// ```
#[derive(Clone)]
pub struct Keys {
    secrets: Vec<(u8, Zeroizing<Vec<u8>>)>,
    is_ephemeral: bool,
}

impl Keys {
    /// A secret that makes cursors and verifies them. Its id stands in each.
    pub fn new(id: u8, secret: &[u8]) -> Self {
        Self { secrets: vec![(id, Zeroizing::new(secret.to_vec()))], is_ephemeral: false }
    }

    /// A secret that verifies cursors that were made of it, and makes none.
    #[must_use]
    pub fn also_verifies(mut self, id: u8, secret: &[u8]) -> Self {
        self.secrets.push((id, Zeroizing::new(secret.to_vec())));
        self
    }

    /// A secret that no other process has, and that is gone with this one: for a first try. Behind a load
    /// balancer every other cursor would be refused, and after a restart each.
    pub fn ephemeral_for_dev() -> Self {
        let [one, two] = [(); 2].map(|()| uuid::Uuid::new_v4());
        let secret = Zeroizing::new([one.into_bytes(), two.into_bytes()].concat());
        Self { is_ephemeral: true, ..Self::new(0, &secret) }
    }

    /// What can never be safe.
    pub(crate) fn check(&self, errors: &mut Vec<ConfigError>) {
        for (at, (id, secret)) in self.secrets.iter().enumerate() {
            if secret.len() < SHORTEST {
                let reason = "has a secret that is too short; use 32 random bytes";
                errors.push(ConfigError::new("Keys", id, reason));
            }
            if self.secrets[..at].iter().any(|(other, _)| other == id) {
                let reason = "is the id of two secrets; give each its own";
                errors.push(ConfigError::new("Keys", id, reason));
            }
        }
    }

    /// What is allowed and may surprise.
    pub(crate) fn warnings(&self) -> Vec<Warning> {
        let short = self.secrets.iter().filter(|(_, secret)| secret.len() < ENOUGH);
        let short = short.map(|(id, _)| Warning::ShortSecret { id: *id });
        short.chain(self.is_ephemeral.then_some(Warning::Ephemeral)).collect()
    }

    /// A key of so many bytes for this purpose, of each secret, the first first.
    pub(crate) fn derive<const N: usize>(
        &self,
        purpose: &'static [u8],
    ) -> impl Iterator<Item = (u8, Zeroizing<[u8; N]>)> {
        self.secrets.iter().map(move |(id, secret)| {
            let mut key = Zeroizing::new([0; N]);
            let filled = Hkdf::<Sha256>::new(None, secret).expand(purpose, &mut *key);
            debug_assert!(filled.is_ok(), "it fails only for keys of more than 8160 bytes");
            (*id, key)
        })
    }
}

/// A MAC of this key, which is as long as a block of the hash.
pub(crate) fn signer(key: &[u8; 64]) -> Signer {
    Signer::new(key.into())
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys")?;
        f.debug_list().entries(self.secrets.iter().map(|(id, _)| id)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hmac::Mac;

    /// RFC 4231, sections 4.2, 4.3 and 4.6, cut to 128 bits as the last is there.
    #[test]
    fn the_mac_is_that_of_the_standard() {
        for (key, data, expected) in [
            (&[0x0b; 20][..], &b"Hi There"[..], 0xb034_4c61_d8db_3853_5ca8_afce_af0b_f12b_u128),
            (b"Jefe", b"what do ya want for nothing?", 0x5bdc_c146_bf60_754e_6a04_2426_0895_75c7),
            (&[0x0c; 20], b"Test With Truncation", 0xa3b6_1674_7310_0ee0_6e0c_796c_2955_552b),
        ] {
            let mut block = [0; 64];
            block[..key.len()].copy_from_slice(key);
            let tag = signer(&block).chain_update(data).finalize().into_bytes();
            assert_eq!(tag[..16], expected.to_be_bytes());
        }
    }
}
