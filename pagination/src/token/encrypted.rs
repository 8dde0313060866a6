use aes_siv::KeyInit;
use aes_siv::siv::Aes256Siv;

use zeroize::Zeroizing;

use super::mode::{Bound, Mode, body};
use crate::CursorErrorKind;
use crate::keys::Keys;

/// AES-SIV (RFC 5297), which is made to be deterministic: the nonce is a MAC of all that goes in, so that none
/// can be used twice for different things. The same place has the same token, and that is all that is told.
#[derive(Clone)]
pub(crate) struct Encrypted {
    /// The first one encrypts.
    keys: Vec<(u8, Zeroizing<[u8; 64]>)>,
}

impl Encrypted {
    /// The head, the id of the key, and the nonce, which is the tag.
    pub(crate) const OVERHEAD: usize = 18;

    pub(crate) fn new(keys: &Keys) -> Self {
        Self { keys: keys.derive(b"stonework-pagination 1 encrypted").collect() }
    }

    /// A token that says this.
    pub(crate) fn seal(&self, bound: &Bound, said: &[u8]) -> Option<Vec<u8>> {
        let (id, key) = self.keys.first()?;
        let mut token = vec![Mode::Encrypted.head(), *id];
        let sealed = cipher(key).encrypt(headers(&token, bound), said).ok()?;
        token.extend(sealed);
        Some(token)
    }

    /// What the token says, if it was made here.
    pub(crate) fn open(&self, bound: &Bound, token: &[u8]) -> Result<Vec<u8>, CursorErrorKind> {
        let rest = body(token, Mode::Encrypted)?;
        let (id, sealed) = rest.split_first().ok_or(CursorErrorKind::Format)?;
        let known = self.keys.iter().find(|(known, _)| known == id);
        let (_, key) = known.ok_or(CursorErrorKind::UnknownKey)?;
        let opened = cipher(key).decrypt(headers(&token[..2], bound), sealed);
        opened.map_err(|_| CursorErrorKind::Forged)
    }
}

fn cipher(key: &[u8; 64]) -> Aes256Siv {
    Aes256Siv::new(key.into())
}

/// Each has a MAC of its own there, so that none runs into the next.
fn headers(head: &[u8], bound: &Bound) -> [Vec<u8>; 3] {
    [head.to_vec(), bound.epoch.to_le_bytes().to_vec(), bound.binding.to_vec()]
}
