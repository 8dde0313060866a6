use hmac::Mac;

use super::mode::{Bound, Mode, body};
use crate::CursorErrorKind;
use crate::keys::{Keys, Signer, signer};

/// 128 bits of the 256: nobody guesses them, and they halve the token.
const TAG: usize = 16;

/// HMAC-SHA-256, cut to 128 bits (RFC 2104, section 5). Whoever has a token can read it, and not change it.
#[derive(Clone)]
pub(crate) struct Signed {
    /// The first one signs.
    keys: Vec<(u8, Signer)>,
}

impl Signed {
    /// What follows what a token says.
    pub(crate) const OVERHEAD: usize = TAG;

    pub(crate) fn new(keys: &Keys) -> Self {
        let keys = keys.derive(b"stonework-pagination 1 signed");
        Self { keys: keys.map(|(id, key)| (id, signer(&key))).collect() }
    }

    /// What a token begins with.
    pub(crate) fn begin(&self, out: &mut Vec<u8>) {
        out.push(Mode::Signed.head());
        out.extend(self.keys.first().map(|(id, _)| *id));
    }

    /// A MAC that has been given what the token is bound to.
    pub(crate) fn bound(&self, bound: &Bound) -> Option<Signer> {
        self.keys.first().map(|(_, key)| fed(key, bound))
    }

    /// Ends a token that was begun.
    pub(crate) fn end(bound: &Signer, out: &mut Vec<u8>) {
        let tag = bound.clone().chain_update(&*out).finalize().into_bytes();
        out.extend_from_slice(&tag[..TAG]);
    }

    /// What the token says, if it was signed here. Nothing of it is read before.
    pub(crate) fn verify<'t>(
        &self,
        bound: &Bound,
        token: &'t [u8],
    ) -> Result<&'t [u8], CursorErrorKind> {
        let rest = body(token, Mode::Signed)?;
        let (id, rest) = rest.split_first().ok_or(CursorErrorKind::Format)?;
        let said = rest.len().checked_sub(TAG).ok_or(CursorErrorKind::Format)?;
        let (said, tag) = rest.split_at(said);
        let known = self.keys.iter().find(|(known, _)| known == id);
        let (_, key) = known.ok_or(CursorErrorKind::UnknownKey)?;
        let all = &token[..token.len() - TAG];
        // In the same time wherever they differ.
        let verified = fed(key, bound).chain_update(all).verify_truncated_left(tag);
        verified.map(|()| said).map_err(|_| CursorErrorKind::Forged)
    }
}

/// All of one length, so that nothing runs into what follows; and that a block of the hash, so that it is hashed
/// once for all cursors of a page. Without the zeroes each cursor of a time and an id costs a third block.
fn fed(key: &Signer, bound: &Bound) -> Signer {
    key.clone()
        .chain_update(bound.epoch.to_le_bytes())
        .chain_update(bound.binding)
        .chain_update([0; 24])
}
