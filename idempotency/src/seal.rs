use std::fmt;
use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use chacha20poly1305::aead::{Aead, Generate, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use stonework_core::{StoreError, StoreErrorKind};

/// Of the layout: version u8, key id u32, nonce 24, ciphertext with its tag.
const VERSION: u8 = 1;
const PREFIX: usize = 1 + 4;
const NONCE: usize = 24;

/// Keys that seal what is recorded: XChaCha20-Poly1305 with a random nonce.
///
/// The first key seals; all of them open. To rotate, put a new key in front and remove the old one
/// when the retention has passed since. What is sealed is bound to its record and to its place in
/// it, so a store cannot pass one record off as another. Lengths are not hidden, nor are key
/// hashes, times and attempt numbers, which the store needs.
///
/// `Debug` prints key ids only.
#[derive(Clone)]
pub struct Keyring {
    keys: Arc<Vec<(u32, XChaCha20Poly1305)>>,
}

impl Keyring {
    /// A keyring that seals and opens with this key. The id is stored beside what is sealed.
    pub fn new(id: u32, key: &[u8; 32]) -> Self {
        Self { keys: Arc::new(vec![(id, XChaCha20Poly1305::new(key.into()))]) }
    }

    /// The same keyring, which also opens what an older key sealed. The first key of an id counts.
    #[must_use]
    pub fn also_opening(self, id: u32, key: &[u8; 32]) -> Self {
        let mut keys = Vec::clone(&self.keys);
        keys.push((id, XChaCha20Poly1305::new(key.into())));
        Self { keys: Arc::new(keys) }
    }

    pub(crate) fn seal(&self, lookup: &[u8; 32], part: u8, plain: &[u8]) -> Bytes {
        let (id, cipher) = &self.keys[0]; // `new` puts one there and nothing removes it.
        let nonce = XNonce::generate();
        let payload = Payload { msg: plain, aad: &associated(lookup, part) };
        let mut out = BytesMut::with_capacity(PREFIX + NONCE + plain.len() + 16);
        out.put_u8(VERSION);
        out.put_u32(*id);
        out.put_slice(&nonce);
        // Fails only beyond 256 GiB, which no cap allows; an empty text then fails to open.
        out.put_slice(&cipher.encrypt(&nonce, payload).unwrap_or_default());
        out.freeze()
    }

    pub(crate) fn open(
        &self,
        lookup: &[u8; 32],
        part: u8,
        sealed: &[u8],
    ) -> Result<Bytes, StoreError> {
        self.try_open(lookup, part, sealed)
            .ok_or_else(|| StoreError::new(StoreErrorKind::Incompatible).with_source(CannotOpen))
    }

    fn try_open(&self, lookup: &[u8; 32], part: u8, sealed: &[u8]) -> Option<Bytes> {
        let (prefix, rest) = sealed.split_at_checked(PREFIX)?;
        let (nonce, msg) = rest.split_at_checked(NONCE)?;
        if prefix[0] != VERSION {
            return None;
        }
        let id = u32::from_be_bytes(prefix[1..].try_into().ok()?);
        let (_, cipher) = self.keys.iter().find(|(known, _)| *known == id)?;
        let payload = Payload { msg, aad: &associated(lookup, part) };
        let nonce = XNonce::try_from(nonce).ok()?;
        cipher.decrypt(&nonce, payload).ok().map(Bytes::from)
    }
}

fn associated(lookup: &[u8; 32], part: u8) -> [u8; 33] {
    let mut data = [part; 33];
    data[..32].copy_from_slice(lookup);
    data
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids = self.keys.iter().map(|(id, _)| id);
        f.write_str("Keyring")?;
        f.debug_list().entries(ids).finish()
    }
}

/// The cause when sealed bytes do not open.
#[derive(Debug)]
struct CannotOpen;

impl fmt::Display for CannotOpen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the record was not sealed for this place with a key of the keyring")
    }
}

impl std::error::Error for CannotOpen {}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: [u8; 32] = [1; 32];
    const NEW: [u8; 32] = [2; 32];

    #[test]
    fn what_was_sealed_opens_as_what_it_was_and_nothing_else() {
        let ring = Keyring::new(1, &OLD);
        let sealed = ring.seal(&[7; 32], 1, b"secret");
        assert!(!sealed.windows(6).any(|window| window == b"secret"));
        assert_eq!(ring.open(&[7; 32], 1, &sealed).unwrap(), "secret");
        assert!(ring.open(&[7; 32], 2, &sealed).is_err(), "another part");
        assert!(ring.open(&[8; 32], 1, &sealed).is_err(), "another record");
        for at in 0..sealed.len() {
            let mut broken = sealed.to_vec();
            broken[at] ^= 1;
            assert!(ring.open(&[7; 32], 1, &broken).is_err(), "byte {at}");
            assert!(ring.open(&[7; 32], 1, &sealed[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn an_older_key_opens_after_rotation_until_it_is_removed() {
        let sealed = Keyring::new(1, &OLD).seal(&[7; 32], 1, b"x");
        let both = Keyring::new(2, &NEW).also_opening(1, &OLD);
        assert_eq!(both.open(&[7; 32], 1, &sealed).unwrap(), "x");
        assert_eq!(both.seal(&[7; 32], 1, b"x")[1..5], [0, 0, 0, 2]);
        let error = Keyring::new(2, &NEW).open(&[7; 32], 1, &sealed).unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Incompatible);
    }

    #[test]
    fn equal_texts_are_sealed_differently_and_debug_shows_no_key() {
        let ring = Keyring::new(9, &OLD);
        assert_ne!(ring.seal(&[7; 32], 1, b"x"), ring.seal(&[7; 32], 1, b"x"));
        assert_eq!(format!("{ring:?}"), "Keyring[9]");
    }
}
