use bytes::Bytes;
use stonework_core::StoreError;

use crate::lookup::Lookup;
use crate::shared::Shared;
use crate::store::Answer;

/// Which part of a record some bytes are; sealed bytes open only as what they were sealed as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Head = 1,
    Body = 2,
    Checkpoint = 3,
}

impl Shared {
    /// Seals bytes for the store, if the layer has a keyring.
    #[cfg_attr(not(feature = "seal"), allow(clippy::unused_self))]
    pub(crate) fn seal(&self, lookup: &Lookup, part: Part, plain: Bytes) -> Bytes {
        #[cfg(feature = "seal")]
        if let Some(keyring) = &self.policy.keyring {
            return keyring.seal(lookup.id(), part as u8, &plain);
        }
        let _ = (lookup, part);
        plain
    }

    /// Opens bytes from the store, if the layer has a keyring.
    #[cfg_attr(not(feature = "seal"), allow(clippy::unused_self, clippy::unnecessary_wraps))]
    pub(crate) fn open(
        &self,
        lookup: &Lookup,
        part: Part,
        stored: Bytes,
    ) -> Result<Bytes, StoreError> {
        #[cfg(feature = "seal")]
        if let Some(keyring) = &self.policy.keyring {
            return keyring.open(lookup.id(), part as u8, &stored);
        }
        let _ = (lookup, part);
        Ok(stored)
    }

    pub(crate) fn seal_answer(&self, lookup: &Lookup, answer: Answer) -> Answer {
        let head = self.seal(lookup, Part::Head, answer.head);
        let body = answer.body.map(|body| self.seal(lookup, Part::Body, body));
        Answer { head, body }
    }

    pub(crate) fn open_answer(
        &self,
        lookup: &Lookup,
        answer: Answer,
    ) -> Result<Answer, StoreError> {
        let head = self.open(lookup, Part::Head, answer.head)?;
        let body = answer.body.map(|body| self.open(lookup, Part::Body, body)).transpose()?;
        Ok(Answer { head, body })
    }
}
