use std::time::Duration;

use arrayvec::ArrayVec;
use stonework_core::Key;

use crate::timestamp::Stamp;
use crate::{Algorithm, Field, Refusal, Tag, Unit};

/// How many signatures of a request are looked at, those of unknown versions included.
pub const MAX_SIGNATURES: usize = 16;

/// The longest id of a message, in bytes.
pub const MAX_ID: usize = 256;

/// What the headers of a request claim, before anything of it is checked: filled by a [`Scheme`](crate::scheme::Scheme), and
/// bounded.
#[derive(Clone, Debug, Default)]
pub struct Claims {
    id: Option<Key>,
    stamp: Option<Stamp>,
    late_time: Option<Duration>,
    expires: Option<Duration>,
    key_id: Option<Key>,
    tags: ArrayVec<Tag, MAX_SIGNATURES>,
    hmac: Option<Algorithm>,
    seen: usize,
    body: BodyRole,
    variants: u8,
    variant: u8,
}

/// What the body is to the signed message.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum BodyRole {
    /// It follows [`before`](crate::scheme::Scheme::before), byte for byte.
    #[default]
    Follows,
    /// It is not part of the message, save for what [`after`](crate::scheme::Scheme::after) makes of it.
    Apart,
    /// It is not part of the message, but its SHA-256 is. This is it, as the message has it.
    Digested([u8; 32]),
    /// The same, with SHA-512.
    DigestedSha512([u8; 64]),
}

impl Claims {
    /// The id of the message, if the signature covers one. It has 1 to [`MAX_ID`] visible ASCII characters, and none
    /// of `stops`: an id with the separator in it could give bytes to its neighbour, under the same signature.
    ///
    /// # Errors
    ///
    /// When it has others.
    #[inline]
    pub fn set_id(&mut self, id: &[u8], stops: &[u8]) -> Result<(), Refusal> {
        // All bytes are looked at, whatever the first ones say: without a way out the loop takes many at a time.
        let stop = stops.first().copied().unwrap_or(b' ');
        let is_good = |byte: u8| byte.is_ascii_graphic() & (byte != stop);
        let all = id.iter().fold(true, |all, byte| all & is_good(*byte));
        let has_more = stops.len() > 1 && id.iter().any(|byte| stops.contains(byte));
        if !(1..=MAX_ID).contains(&id.len()) || !all || has_more {
            return Err(Refusal::Malformed(Field::Id));
        }
        self.id = Some(Key::from(id));
        Ok(())
    }

    /// The timestamp, as its digits stand in the message.
    ///
    /// # Errors
    ///
    /// When it is no number of digits, or too many of them.
    #[inline]
    pub fn set_timestamp(&mut self, digits: &[u8], unit: Unit) -> Result<(), Refusal> {
        self.stamp = Some(Stamp::parse(digits, unit)?);
        Ok(())
    }

    /// The time, where the signature covers it in another form than digits of a header: in the body, or in a
    /// parameter.
    pub const fn set_time(&mut self, since_epoch: Duration) {
        self.late_time = Some(since_epoch);
    }

    /// When the signature ends, where it says so.
    pub const fn set_expires(&mut self, since_epoch: Duration) {
        self.expires = Some(since_epoch);
    }

    /// Which key signed, as the sender says.
    pub fn set_key_id(&mut self, id: &[u8]) {
        self.key_id = Some(Key::from(id));
    }

    /// A signature to compare.
    ///
    /// # Errors
    ///
    /// When its length is not that of the algorithm, when there are more than [`MAX_SIGNATURES`], or when there are
    /// two kinds of HMAC: each would cost a pass over the body.
    #[inline]
    pub fn add_signature(&mut self, algorithm: Algorithm, bytes: &[u8]) -> Result<(), Refusal> {
        self.pass_over()?;
        if algorithm.is_hmac() && *self.hmac.get_or_insert(algorithm) != algorithm {
            return Err(Refusal::Malformed(Field::Signature));
        }
        let tag = Tag::new(algorithm, bytes).ok_or(Refusal::Malformed(Field::Signature))?;
        self.tags.try_push(tag).map_err(|_| Refusal::TooManySignatures)
    }

    /// A signature of a version that is not known. It counts as one.
    ///
    /// # Errors
    ///
    /// When there are more than [`MAX_SIGNATURES`].
    #[inline]
    pub const fn pass_over(&mut self) -> Result<(), Refusal> {
        if self.seen == MAX_SIGNATURES {
            return Err(Refusal::TooManySignatures);
        }
        self.seen += 1;
        Ok(())
    }

    /// What the body is to the message. By default it [follows](BodyRole::Follows).
    pub const fn set_body(&mut self, role: BodyRole) {
        self.body = role;
    }

    /// In how many ways the sender may have written the message, up to 4; only where the body does not follow.
    /// By default one.
    pub const fn set_variants(&mut self, variants: u8) {
        self.variants = if variants > 4 { 4 } else { variants };
    }

    /// The way that is being tried, from 0.
    pub const fn variant(&self) -> u8 {
        self.variant
    }

    /// The id of the message.
    pub fn id(&self) -> Option<&[u8]> {
        self.id.as_ref().map(Key::as_bytes)
    }

    /// The digits of the timestamp, as they were sent.
    pub fn timestamp_digits(&self) -> Option<&[u8]> {
        self.stamp.as_ref().map(Stamp::digits)
    }

    /// The time that is claimed, since the Unix epoch.
    pub fn time(&self) -> Option<Duration> {
        self.stamp.as_ref().map(|stamp| stamp.time).or(self.late_time)
    }

    /// Which key signed, as the sender says.
    pub fn key_id(&self) -> Option<&[u8]> {
        self.key_id.as_ref().map(Key::as_bytes)
    }

    /// What the body is to the message.
    pub const fn body(&self) -> &BodyRole {
        &self.body
    }

    pub(crate) const fn expires(&self) -> Option<Duration> {
        self.expires
    }

    pub(crate) fn tags(&self) -> &[Tag] {
        &self.tags
    }

    /// The one kind of HMAC among the signatures.
    pub(crate) const fn hmac(&self) -> Option<Algorithm> {
        self.hmac
    }

    pub(crate) fn signed_id(&self) -> Option<&Key> {
        self.id.as_ref()
    }

    pub(crate) fn variants(&self) -> u8 {
        self.variants.max(1)
    }

    pub(crate) const fn try_variant(&mut self, variant: u8) {
        self.variant = variant;
    }
}
