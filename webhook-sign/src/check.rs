//! The decision, without I/O and without a clock: is this request signed by one of these keys?
//!
//! [`read`] looks at the headers, [`Check::begin`] starts a MAC for each key, [`Check::update`] takes the body as it
//! comes, and [`Check::finish`] says which key it was. All of it happens in place: room for 16 signatures and 4 MACs is
//! 2 KB, which is dear to move about beside the hash of a small body.

use std::time::Duration;

use arrayvec::ArrayVec;
use sha2::{Digest, Sha256, Sha512};
use stonework_core::RequestHead;
use subtle::ConstantTimeEq;

use crate::claims::BodyRole;
use crate::keys::{KeySet, MAX_KEYS, WebhookKey};
use crate::mac::Mac;
use crate::scheme::Scheme;
use crate::{Algorithm, Claims, Field, Refusal, Tag, timestamp};

/// How many signatures of public keys are looked at. Each costs a pass over the whole message for each key, since Ed25519
/// hashes the signature in front of it.
const MAX_PUBLIC_SIGNATURES: usize = 4;

/// The room for what stands before a body: ids and timestamps of all schemes. What is longer is hashed piece by piece.
const PREFIX: usize = 128;

/// Reads the headers of a request whose body is not there yet.
#[inline]
pub(crate) fn read(
    scheme: &dyn Scheme,
    head: &RequestHead<'_>,
    now: Duration,
    tolerance: Option<Duration>,
    claims: &mut Claims,
) -> Result<(), Refusal> {
    scheme.claims(head, claims)?;
    if let (Some(time), Some(tolerance)) = (claims.time(), tolerance) {
        timestamp::check(time, now, tolerance)?;
    }
    if claims.expires().is_some_and(|expires| expires <= now) {
        return Err(Refusal::TooOld);
    }
    if claims.tags().is_empty() {
        return Err(Refusal::NoKnownSignature);
    }
    if public(claims).count() > MAX_PUBLIC_SIGNATURES {
        return Err(Refusal::TooManySignatures);
    }
    Ok(())
}

/// The MACs and digests of a request that is being checked.
#[derive(Default)]
pub(crate) struct Check {
    macs: ArrayVec<(usize, Mac), MAX_KEYS>,
    digest: Running,
    /// Places of the keys that are tried, for those whose message has to be whole.
    tried: ArrayVec<usize, MAX_KEYS>,
}

#[derive(Default)]
enum Running {
    #[default]
    No,
    Sha256(Sha256),
    Sha512(Sha512),
}

/// The place of the key that fits, and what tells the message from others: its MAC, or its hash where it has none.
pub(crate) type Found = (usize, Tag);

/// What a body is checked against, and when.
#[derive(Clone, Copy)]
pub(crate) struct Against<'a> {
    pub(crate) scheme: &'a dyn Scheme,
    pub(crate) head: &'a RequestHead<'a>,
    pub(crate) keys: &'a KeySet,
    pub(crate) now: Duration,
    pub(crate) tolerance: Option<Duration>,
}

impl Check {
    /// Starts a MAC for each key that is valid now.
    pub(crate) fn begin(&mut self, claims: &Claims, against: Against<'_>) -> Result<(), Refusal> {
        let Against { scheme, head, keys, now, .. } = against;
        let streamed = matches!(claims.body(), BodyRole::Follows).then(|| claims.hmac()).flatten();
        for (at, key) in keys.valid(now, claims.key_id()) {
            self.tried.push(at);
            if let Some(mac) = streamed.and_then(|hmac| key.begin(hmac)) {
                self.macs.push((at, mac));
            }
        }
        if self.tried.is_empty() {
            return Err(Refusal::UnknownKey);
        }
        if !usable(claims, self.tried.iter().filter_map(|&at| keys.get(at))) {
            return Err(Refusal::NoKnownSignature);
        }
        if !self.macs.is_empty() {
            self.put_prefix(scheme, claims, head)?;
        }
        self.digest = match claims.body() {
            BodyRole::Digested(_) => Running::Sha256(Sha256::new()),
            BodyRole::DigestedSha512(_) => Running::Sha512(Sha512::new()),
            _ => Running::No,
        };
        Ok(())
    }

    /// In one piece: five small ones cost 40 ns more, which is much beside 260 for a body of 256 bytes.
    fn put_prefix(
        &mut self,
        scheme: &dyn Scheme,
        claims: &Claims,
        head: &RequestHead<'_>,
    ) -> Result<(), Refusal> {
        let mut prefix = ArrayVec::<u8, PREFIX>::new();
        let macs = &mut self.macs;
        scheme.before(claims, head, &mut |piece| {
            if prefix.try_extend_from_slice(piece).is_err() {
                macs.iter_mut().for_each(|(_, mac)| mac.update(&prefix));
                prefix.clear();
                macs.iter_mut().for_each(|(_, mac)| mac.update(piece));
            }
        })?;
        macs.iter_mut().for_each(|(_, mac)| mac.update(&prefix));
        Ok(())
    }

    /// The next bytes of the body. All keys take them, and they are read once.
    #[inline]
    pub(crate) fn update(&mut self, data: &[u8]) {
        for (_, mac) in &mut self.macs {
            mac.update(data);
        }
        match &mut self.digest {
            Running::No => {}
            Running::Sha256(hash) => hash.update(data),
            Running::Sha512(hash) => hash.update(data),
        }
    }

    /// Compares. `body` is all that [`update`](Self::update) was given. There is nothing left to compare afterwards.
    pub(crate) fn finish(
        &mut self,
        claims: &mut Claims,
        against: Against<'_>,
        body: &[u8],
    ) -> Result<Found, Refusal> {
        self.check_digest(claims)?;
        let had_time = claims.time().is_some();
        let found = if matches!(claims.body(), BodyRole::Follows) {
            self.compare_streamed(claims, against, body)?
        } else {
            self.compare_apart(claims, against, body)?
        };
        // Not before: what a body says counts when it is known whose it is.
        let found = found.ok_or(Refusal::Mismatch)?;
        if !had_time && let Some(tolerance) = against.tolerance {
            let time = claims.time().ok_or(Refusal::Missing(Field::Timestamp))?;
            timestamp::check(time, against.now, tolerance)?;
        }
        Ok(found)
    }

    fn check_digest(&mut self, claims: &Claims) -> Result<(), Refusal> {
        let running = std::mem::take(&mut self.digest);
        let fits = match (claims.body(), running) {
            (BodyRole::Digested(expected), Running::Sha256(hash)) => {
                bool::from(hash.finalize().as_slice().ct_eq(expected))
            }
            (BodyRole::DigestedSha512(expected), Running::Sha512(hash)) => {
                bool::from(hash.finalize().as_slice().ct_eq(expected))
            }
            _ => true,
        };
        if fits { Ok(()) } else { Err(Refusal::WrongDigest) }
    }

    fn compare_streamed(
        &mut self,
        claims: &mut Claims,
        against: Against<'_>,
        body: &[u8],
    ) -> Result<Option<Found>, Refusal> {
        let Against { scheme, head, .. } = against;
        let macs = &mut self.macs;
        let late = scheme.after(claims, head, body, &mut |piece| {
            macs.iter_mut().for_each(|(_, mac)| mac.update(piece));
        });
        let mut found = None;
        for (at, mac) in macs.drain(..) {
            compare(claims, at, &mac.finish(), &mut found);
        }
        if found.is_none() && has_public(claims) {
            let mut message = Vec::with_capacity(body.len() + 64);
            let mut put = |piece: &[u8]| message.extend_from_slice(piece);
            scheme.before(claims, head, &mut put)?;
            put(body);
            scheme.after(claims, head, body, &mut put)?;
            found = self.verify(claims, against.keys, &message);
        }
        match found {
            Some(found) => late.map(|()| Some(found)),
            None => Ok(None),
        }
    }

    /// The message is short, and may have been written in more than one way.
    fn compare_apart(
        &self,
        claims: &mut Claims,
        against: Against<'_>,
        body: &[u8],
    ) -> Result<Option<Found>, Refusal> {
        let Against { scheme, head, keys, .. } = against;
        let mut found = None;
        for variant in 0..claims.variants() {
            claims.try_variant(variant);
            let mut message = Vec::with_capacity(512);
            let mut put = |piece: &[u8]| message.extend_from_slice(piece);
            scheme.before(claims, head, &mut put)?;
            scheme.after(claims, head, body, &mut put)?;
            for &at in &self.tried {
                let Some(hmac) = claims.hmac() else { continue };
                let Some(mut mac) = keys.get(at).and_then(|key| key.begin(hmac)) else { continue };
                mac.update(&message);
                compare(claims, at, &mac.finish(), &mut found);
            }
            if found.is_none() && has_public(claims) {
                found = self.verify(claims, keys, &message);
            }
        }
        Ok(found)
    }

    fn verify(&self, claims: &Claims, keys: &KeySet, message: &[u8]) -> Option<Found> {
        for tag in public(claims) {
            for &at in &self.tried {
                if keys.get(at).is_some_and(|key| key.verifies(message, tag)) {
                    // Of the message and not the signature: there may be more than one signature of it.
                    return Some((at, Tag::new(Algorithm::HmacSha512, &Sha512::digest(message))?));
                }
            }
        }
        None
    }
}

/// What tells a message from others, whichever key and signature it was verified with.
pub(crate) fn print(
    scheme: &dyn Scheme,
    claims: &mut Claims,
    head: &RequestHead<'_>,
    body: &[u8],
) -> Result<Tag, Refusal> {
    let mut hash = Sha512::new();
    scheme.before(claims, head, &mut |piece| hash.update(piece))?;
    if matches!(claims.body(), BodyRole::Follows) {
        hash.update(body);
    }
    scheme.after(claims, head, body, &mut |piece| hash.update(piece))?;
    Tag::new(Algorithm::HmacSha512, &hash.finalize()).ok_or(Refusal::Mismatch)
}

/// Compares with all signatures, whichever fits.
#[inline]
fn compare(claims: &Claims, at: usize, tag: &Tag, found: &mut Option<Found>) {
    for sent in claims.tags() {
        if tag.is(sent) && found.is_none() {
            *found = Some((at, *tag));
        }
    }
}

/// The signatures that are checked with a public key.
fn public(claims: &Claims) -> impl Iterator<Item = &Tag> {
    claims.tags().iter().filter(|tag| !tag.algorithm().is_hmac())
}

fn has_public(claims: &Claims) -> bool {
    public(claims).next().is_some()
}

/// Is there a key for any of the signatures?
fn usable<'k>(claims: &Claims, mut keys: impl Iterator<Item = &'k WebhookKey>) -> bool {
    let (hmac, public) = (claims.hmac().is_some(), has_public(claims));
    keys.any(|key| if key.is_for(Algorithm::Ed25519) { public } else { hmac })
}
