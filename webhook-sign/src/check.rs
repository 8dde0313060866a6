//! The decision, without I/O and without a clock: is this request signed by one of these keys?
//!
//! [`read`] looks at the headers, [`Check::begin`] starts a MAC for each key, [`Check::update`] takes the body as it
//! comes, and [`Check::finish`] says which key it was.

use std::time::Duration;

use arrayvec::ArrayVec;
use sha2::{Digest, Sha256, Sha512};
use stonework_core::RequestHead;
use subtle::ConstantTimeEq;

use crate::claims::BodyRole;
use crate::keys::{KeySet, MAX_KEYS, WebhookKey};
use crate::mac::Mac;
use crate::scheme::Scheme;
use crate::{Algorithm, Claims, Refusal, Tag, timestamp};

/// How many pairs of a public key and a signature are checked. Each costs a pass over the whole message, since Ed25519
/// hashes the signature in front of it.
const MAX_PUBLIC_CHECKS: usize = 8;

/// Reads the headers of a request whose body is not there yet.
#[inline]
pub(crate) fn read(
    scheme: &dyn Scheme,
    head: &RequestHead<'_>,
    now: Duration,
    tolerance: Option<Duration>,
) -> Result<Claims, Refusal> {
    let mut claims = Claims::default();
    scheme.claims(head, &mut claims)?;
    if let (Some(time), Some(tolerance)) = (claims.time(), tolerance) {
        timestamp::check(time, now, tolerance)?;
    }
    if claims.expires().is_some_and(|expires| expires <= now) {
        return Err(Refusal::TooOld);
    }
    if claims.tags().is_empty() {
        return Err(Refusal::NoKnownSignature);
    }
    Ok(claims)
}

/// A request that is being checked.
pub(crate) struct Check {
    claims: Claims,
    macs: ArrayVec<(usize, Mac), MAX_KEYS>,
    digest: Running,
    /// Places of the keys that are tried, for those whose message has to be whole.
    tried: ArrayVec<usize, MAX_KEYS>,
}

enum Running {
    No,
    Sha256(Sha256),
    Sha512(Sha512),
}

/// What fits.
#[derive(Debug)]
pub(crate) struct Match {
    /// The place of the key in its set.
    pub(crate) key: usize,
    /// What the message is told apart from others by.
    pub(crate) print: Tag,
    pub(crate) claims: Claims,
}

impl Check {
    /// Starts a MAC for each key that is valid now.
    pub(crate) fn begin(
        scheme: &dyn Scheme,
        claims: Claims,
        head: &RequestHead<'_>,
        keys: &KeySet,
        now: Duration,
    ) -> Result<Self, Refusal> {
        let mut tried = ArrayVec::<usize, MAX_KEYS>::new();
        let mut macs = ArrayVec::<(usize, Mac), MAX_KEYS>::new();
        let follows = matches!(claims.body(), BodyRole::Follows);
        for (at, key) in keys.valid(now, claims.key_id()) {
            tried.push(at);
            if follows && let Some(mac) = claims.hmac().and_then(|hmac| key.begin(hmac)) {
                macs.push((at, mac));
            }
        }
        if tried.is_empty() {
            return Err(Refusal::UnknownKey);
        }
        let valid = tried.iter().filter_map(|&at| keys.get(at));
        if !usable(&claims, valid)? {
            return Err(Refusal::NoKnownSignature);
        }
        if !macs.is_empty() {
            scheme.before(&claims, head, &mut |piece| {
                macs.iter_mut().for_each(|(_, mac)| mac.update(piece));
            })?;
        }
        let digest = match claims.body() {
            BodyRole::Digested(_) => Running::Sha256(Sha256::new()),
            BodyRole::DigestedSha512(_) => Running::Sha512(Sha512::new()),
            _ => Running::No,
        };
        Ok(Self { claims, macs, digest, tried })
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

    /// Compares. `body` is all that [`update`](Self::update) was given.
    pub(crate) fn finish(
        mut self,
        scheme: &dyn Scheme,
        head: &RequestHead<'_>,
        keys: &KeySet,
        body: &[u8],
        now: Duration,
        tolerance: Option<Duration>,
    ) -> Result<Match, Refusal> {
        self.check_digest()?;
        let had_time = self.claims.time().is_some();
        let found = if matches!(self.claims.body(), BodyRole::Follows) {
            self.compare_streamed(scheme, head, keys, body)?
        } else {
            self.compare_apart(scheme, head, keys, body)?
        };
        // Not before: what a body says counts when it is known whose it is.
        let (key, print) = found.ok_or(Refusal::Mismatch)?;
        if !had_time && let Some(tolerance) = tolerance {
            let missing = Refusal::Missing(crate::Field::Timestamp);
            timestamp::check(self.claims.time().ok_or(missing)?, now, tolerance)?;
        }
        Ok(Match { key, print, claims: self.claims })
    }

    fn check_digest(&mut self) -> Result<(), Refusal> {
        let running = std::mem::replace(&mut self.digest, Running::No);
        let fits = match (self.claims.body(), running) {
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
        scheme: &dyn Scheme,
        head: &RequestHead<'_>,
        keys: &KeySet,
        body: &[u8],
    ) -> Result<Option<(usize, Tag)>, Refusal> {
        let mut macs = std::mem::take(&mut self.macs);
        let late = scheme.after(&mut self.claims, head, body, &mut |piece| {
            macs.iter_mut().for_each(|(_, mac)| mac.update(piece));
        });
        let mut found = None;
        for (at, mac) in macs {
            self.compare(at, &mac.finish(), &mut found);
        }
        if found.is_none() && self.has_public() {
            let mut message = Vec::with_capacity(body.len() + 64);
            let mut put = |piece: &[u8]| message.extend_from_slice(piece);
            scheme.before(&self.claims, head, &mut put)?;
            put(body);
            let late = scheme.after(&mut self.claims, head, body, &mut put);
            found = self.verify(keys, &message);
            late?;
        }
        if found.is_some() {
            late?;
        }
        Ok(found)
    }

    /// The message is short, and may have been written in more than one way.
    fn compare_apart(
        &mut self,
        scheme: &dyn Scheme,
        head: &RequestHead<'_>,
        keys: &KeySet,
        body: &[u8],
    ) -> Result<Option<(usize, Tag)>, Refusal> {
        let mut found = None;
        for variant in 0..self.claims.variants() {
            self.claims.try_variant(variant);
            let mut message = Vec::with_capacity(512);
            let mut put = |piece: &[u8]| message.extend_from_slice(piece);
            scheme.before(&self.claims, head, &mut put)?;
            scheme.after(&mut self.claims, head, body, &mut put)?;
            for at in self.tried.clone() {
                let Some(hmac) = self.claims.hmac() else { continue };
                let Some(mut mac) = keys.get(at).and_then(|key| key.begin(hmac)) else { continue };
                mac.update(&message);
                self.compare(at, &mac.finish(), &mut found);
            }
            if found.is_none() && self.has_public() {
                found = self.verify(keys, &message);
            }
        }
        Ok(found)
    }

    /// Compares with all signatures, whichever fits.
    fn compare(&self, at: usize, tag: &Tag, found: &mut Option<(usize, Tag)>) {
        for sent in self.claims.tags() {
            if tag.is(sent) && found.is_none() {
                *found = Some((at, *tag));
            }
        }
    }

    fn has_public(&self) -> bool {
        self.claims.tags().iter().any(|tag| !tag.algorithm().is_hmac())
    }

    fn verify(&self, keys: &KeySet, message: &[u8]) -> Option<(usize, Tag)> {
        let tags = self.claims.tags().iter().filter(|tag| !tag.algorithm().is_hmac());
        for tag in tags {
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

/// Is there a key for any of the signatures?
fn usable<'k>(
    claims: &Claims,
    keys: impl Iterator<Item = &'k WebhookKey>,
) -> Result<bool, Refusal> {
    let public = claims.tags().iter().filter(|tag| !tag.algorithm().is_hmac()).count();
    let (mut hmacs, mut publics) = (0, 0);
    for key in keys {
        if key.is_for(Algorithm::Ed25519) {
            publics += 1;
        } else {
            hmacs += 1;
        }
    }
    if public * publics > MAX_PUBLIC_CHECKS {
        return Err(Refusal::TooManySignatures);
    }
    Ok(public * publics > 0 || (claims.hmac().is_some() && hmacs > 0))
}
