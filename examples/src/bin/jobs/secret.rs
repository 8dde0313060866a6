//! The one secret that the processes share, and what is made of it.

use std::io;

use data_encoding::{BASE64, HEXLOWER_PERMISSIVE};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use uuid::Uuid;

/// Of 32 bytes. No store has it, so whoever reads Redis can neither sign webhooks nor open answers.
#[derive(Clone)]
pub(crate) struct SecretKey([u8; 32]);

impl SecretKey {
    /// 64 hexadecimal digits; nothing if it is anything else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes = HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok()?;
        bytes.try_into().ok().map(Self)
    }

    /// One that goes with this process.
    pub(crate) fn random() -> io::Result<Self> {
        let mut key = [0; 32];
        getrandom::fill(&mut key)?;
        Ok(Self(key))
    }

    /// What answers are sealed with.
    pub(crate) fn answers(&self) -> [u8; 32] {
        self.derive(b"answers", b"")
    }

    /// What cursors are signed with.
    pub(crate) fn cursors(&self) -> [u8; 32] {
        self.derive(b"cursors", b"")
    }

    /// What webhooks to this endpoint are signed with, as Standard Webhooks writes it.
    pub(crate) fn webhook(&self, endpoint: Uuid) -> String {
        let secret = self.derive(b"webhook", endpoint.as_bytes());
        format!("whsec_{}", BASE64.encode(&secret))
    }

    /// Labels are of one length, so that no label and what follows it are another.
    fn derive(&self, label: &[u8; 7], of: &[u8]) -> [u8; 32] {
        let Ok(mac) = Hmac::<Sha256>::new_from_slice(&self.0) else {
            unreachable!("a key of HMAC has any length")
        };
        mac.chain_update(label).chain_update(of).finalize().into_bytes().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_64_digits() {
        let digits = "0123456789abcdefABCDEF0123456789".repeat(2);
        assert!(SecretKey::parse(&digits).is_some());
        for wrong in ["", "00", &digits[1..], &format!("{digits}00"), &"0x".repeat(32)] {
            assert!(SecretKey::parse(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn what_is_made_of_it_differs_and_stays() {
        let key = SecretKey::parse(&"ab".repeat(32)).unwrap();
        let [one, two] = [Uuid::nil(), Uuid::max()].map(|id| key.webhook(id));
        assert_ne!(one, two);
        assert_eq!(one, key.clone().webhook(Uuid::nil()));
        assert_ne!(key.answers(), key.cursors());
        assert_ne!(one, SecretKey::random().unwrap().webhook(Uuid::nil()));
    }
}
