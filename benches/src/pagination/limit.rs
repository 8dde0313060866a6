use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use uuid::Uuid;

use super::SECRET;
use super::tokens::{Place, Tokens};

const SAID: usize = 24;
const TAG: usize = 16;

/// The least that is signed: two numbers at their places, and half an HMAC. Bound to nothing.
pub(super) struct Fixed(Hmac<Sha256>);

impl Fixed {
    pub(super) fn new() -> Self {
        let mut block = [0; 64];
        block[..SECRET.len()].copy_from_slice(&SECRET);
        Self(Hmac::new(&block.into()))
    }
}

impl Tokens for Fixed {
    fn encode(&self, place: &Place) -> String {
        let mut token = [0; SAID + TAG];
        token[..8].copy_from_slice(&place.at.to_le_bytes());
        token[8..SAID].copy_from_slice(place.id.as_bytes());
        let tag = self.0.clone().chain_update(&token[..SAID]).finalize().into_bytes();
        token[SAID..].copy_from_slice(&tag[..TAG]);
        BASE64URL_NOPAD.encode(&token)
    }

    fn decode(&self, token: &str) -> Option<Place> {
        let mut bytes = [0; SAID + TAG];
        let is_whole = BASE64URL_NOPAD.decode_len(token.len()) == Ok(bytes.len());
        BASE64URL_NOPAD.decode_mut(is_whole.then_some(token)?.as_bytes(), &mut bytes).ok()?;
        let (said, tag) = bytes.split_at(SAID);
        self.0.clone().chain_update(said).verify_truncated_left(tag).ok()?;
        let (at, id) = said.split_first_chunk::<8>()?;
        Some(Place { at: i64::from_le_bytes(*at), id: Uuid::from_slice(id).ok()? })
    }
}
