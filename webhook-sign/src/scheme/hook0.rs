use std::time::Duration;

use http::{HeaderMap, HeaderName};
use stonework_core::{ConfigError, Key, RequestHead};

use super::hmac::{FIVE_MINUTES, value};
use super::{Encoding, Outgoing, Put, Scheme, SignScheme};
use crate::header::required;
use crate::keys::{KeyError, SecretFormat, WebhookKey};
use crate::{Algorithm, Claims, Field, Refusal, Tag, Unit};

const SIGNATURE: HeaderName = HeaderName::from_static("x-hook0-signature");
const MALFORMED: Refusal = Refusal::Malformed(Field::Signature);

/// How many headers a signature may cover.
const MAX_COVERED: usize = 16;

/// Hook0: `X-Hook0-Signature: t=…,h=names,v1=…` over `t.names.values.body`.
pub const HOOK0: Hook0 = Hook0 { covers: Vec::new(), v1_only: false };

/// Hook0, and Coinbase's developer platform: a signature over time, body and some headers. See [`HOOK0`].
///
/// `v0`, which covers no headers, counts where there is no `v1`; where there is one, `v0` is passed over. Of a message that
/// was sent with both, whoever captured it can leave `v1` out, and change the headers:
/// [`require_v1`](Self::require_v1) refuses that, and is what to say to a sender that has `v1`.
///
/// The values of headers are separated by dots and may have some: what is signed does not tell where one ends, and the last
/// of them the body begins. Read the body as what you expect, and trust no header that makes no sense with it.
#[derive(Clone, Debug, Default)]
pub struct Hook0 {
    covers: Vec<HeaderName>,
    v1_only: bool,
}

impl Hook0 {
    /// Which headers a signature that is made covers, in this order. By default none, and `v0` is written.
    #[must_use]
    pub fn covering(self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        Self { covers: names.into_iter().collect(), ..self }
    }

    /// Refuses `v0`.
    #[must_use]
    pub fn require_v1(self) -> Self {
        Self { v1_only: true, ..self }
    }
}

/// A header taken apart.
struct Parsed<'h> {
    time: &'h [u8],
    v0: Option<&'h [u8]>,
    v1: Option<&'h [u8]>,
    names: Option<&'h [u8]>,
}

impl<'h> Parsed<'h> {
    fn of(headers: &'h HeaderMap) -> Result<Self, Refusal> {
        let text = required(headers, &SIGNATURE, Field::Signature)?;
        let [mut time, mut v0, mut v1, mut names] = [None; 4];
        for item in text.split(|&byte| byte == b',') {
            let equals = item.iter().position(|&byte| byte == b'=').ok_or(MALFORMED)?;
            let into = match &item[..equals] {
                b"t" => &mut time,
                b"v0" => &mut v0,
                b"v1" => &mut v1,
                b"h" => &mut names,
                _ => continue,
            };
            if into.replace(&item[equals + 1..]).is_some() {
                return Err(Refusal::Repeated(Field::Signature));
            }
        }
        let time = time.ok_or(Refusal::Missing(Field::Timestamp))?;
        Ok(Self { time, v0, v1, names })
    }

    /// The names that the signature covers, if it covers any.
    fn covered(&self) -> Option<&'h [u8]> {
        self.v1.and(self.names).filter(|names| !names.is_empty())
    }
}

/// The values of the headers that are covered. One that is missing, or there twice, is not what was signed.
fn values(names: &[u8], headers: &HeaderMap, mut put: impl FnMut(&[u8])) -> Result<(), Refusal> {
    for (at, name) in names.split(|&byte| byte == b' ').enumerate() {
        if at == MAX_COVERED {
            return Err(Refusal::Malformed(Field::Header));
        }
        let name = HeaderName::from_bytes(name).map_err(|_| Refusal::Malformed(Field::Header))?;
        put(required(headers, &name, Field::Header)?);
    }
    Ok(())
}

impl Scheme for Hook0 {
    fn name(&self) -> &'static str {
        "hook0"
    }

    fn key(&self, secret: &str) -> Result<WebhookKey, KeyError> {
        SecretFormat::Verbatim.read(secret)
    }

    fn tolerance(&self) -> Option<Duration> {
        FIVE_MINUTES
    }

    fn signs_with(&self, algorithm: Algorithm) -> bool {
        algorithm == Algorithm::HmacSha256
    }

    fn is_meant(&self, headers: &HeaderMap) -> bool {
        headers.contains_key(SIGNATURE)
    }

    fn headers(&self) -> Vec<Vec<HeaderName>> {
        vec![vec![SIGNATURE]]
    }

    fn claims(&self, head: &RequestHead<'_>, claims: &mut Claims) -> Result<(), Refusal> {
        let parsed = Parsed::of(head.headers)?;
        claims.set_timestamp(parsed.time, Unit::Seconds)?;
        if let Some(names) = parsed.covered() {
            values(names, head.headers, |_| {})?;
        } else if parsed.v1.is_some() {
            return Err(Refusal::Missing(Field::Header));
        }
        let v0 = parsed.v0.filter(|_| !self.v1_only);
        let signature = parsed.v1.or(v0).ok_or(Refusal::NoKnownSignature)?;
        Encoding::Hex.read(Algorithm::HmacSha256, signature, claims)
    }

    fn before(&self, claims: &Claims, head: &RequestHead<'_>, put: Put<'_>) -> Result<(), Refusal> {
        put(claims.timestamp_digits().ok_or(Refusal::Missing(Field::Timestamp))?);
        put(b".");
        let covered = match Parsed::of(head.headers) {
            Ok(parsed) => parsed.covered().map(<[u8]>::to_vec),
            // A message that is being signed has no signature yet.
            Err(_) => self.names().map(String::into_bytes),
        };
        let Some(names) = covered else {
            return Ok(());
        };
        put(&names);
        put(b".");
        values(&names, head.headers, |value| {
            put(value);
            put(b".");
        })
    }

    fn after(
        &self,
        _: &mut Claims,
        _: &RequestHead<'_>,
        _: &[u8],
        _: Put<'_>,
    ) -> Result<(), Refusal> {
        Ok(())
    }

    fn event(&self, _: &[u8]) -> Option<Key> {
        None
    }

    fn errors(&self) -> Vec<ConfigError> {
        if self.covers.len() <= MAX_COVERED {
            return Vec::new();
        }
        let reason = "covers more than 16 headers; name fewer";
        vec![ConfigError::new("covering", &self.covers, reason)]
    }
}

impl Hook0 {
    fn names(&self) -> Option<String> {
        let names: Vec<_> = self.covers.iter().map(HeaderName::as_str).collect();
        (!names.is_empty()).then(|| names.join(" "))
    }
}

impl SignScheme for Hook0 {
    fn hmac(&self) -> Algorithm {
        Algorithm::HmacSha256
    }

    fn prepare(
        &self,
        outgoing: &Outgoing<'_>,
        claims: &mut Claims,
        headers: &mut HeaderMap,
    ) -> Result<(), Refusal> {
        headers.remove(SIGNATURE);
        let digits = Unit::Seconds.count(outgoing.now).to_string();
        claims.set_timestamp(digits.as_bytes(), Unit::Seconds)
    }

    fn write(
        &self,
        claims: &Claims,
        signatures: &[Tag],
        headers: &mut HeaderMap,
    ) -> Result<(), Refusal> {
        let missing = Refusal::Missing(Field::Signature);
        let tag = signatures.first().ok_or(missing)?;
        let digits = claims.timestamp_digits().unwrap_or_default();
        let mut text = format!("t={}", String::from_utf8_lossy(digits));
        match self.names() {
            Some(names) => text.push_str(&format!(",h={names},v1=")),
            None => text.push_str(",v0="),
        }
        Encoding::Hex.write(tag, &mut text);
        headers.insert(SIGNATURE, value(text, Field::Signature)?);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vector::Vector;

    const CODE: &str = "19a6fb8f6581715b241a93af02a58611c3b0ac7b747a8d2a5b120ee418d0c347";
    const OTHER: &str = "bf5f4e5fe0c9143510ae192f983316a09ed392d0104d2ce0faa3d7bce3687acb";
    const BODY_CODE: &str = "d17d66b66fca89390c5b967c45e8928fc732db07a0aabe8167b1e98213081ffe";

    /// The vectors that Hook0's clients share.
    fn vector(signature: &str) -> Vector {
        Vector::new(HOOK0, "a-subscription-secret")
            .at(1_800_000_000)
            .header("x-event-id", "evt-1")
            .header("x-delivery-id", "dlv-1")
            .header("content-type", "application/json")
            .header("x-hook0-signature", signature)
            .body(r#"{"event":"user.created"}"#)
    }

    #[test]
    fn what_is_accepted() {
        vector(&format!("t=1800000000,v0={BODY_CODE}")).holds();
        vector(&format!("t=1800000000,h=x-event-id x-delivery-id,v1={CODE}")).holds();
        vector(&format!("t=1800000000,h=x-delivery-id x-event-id,v1={OTHER}")).holds();
        vector(&format!("t=1800000000,h=x-event-id x-delivery-id,v0={OTHER},v1={CODE}")).holds();
        let edge = "f9689580483e051113d28de23c1658c509da2b00e7bc15a5aaa83b8bdf83ff81";
        vector(&format!("t=1799999700,v0={edge}")).holds();
    }

    #[test]
    fn what_is_refused() {
        let both = format!("t=1800000000,h=x-event-id x-delivery-id,v0={BODY_CODE},v1={OTHER}");
        vector(&both).fails(Refusal::Mismatch);
        let turned = format!("t=1800000000,h=x-delivery-id x-event-id,v1={CODE}");
        vector(&turned).fails(Refusal::Mismatch);
        let missing = format!("t=1800000000,h=x-event-id x-missing,v1={CODE}");
        vector(&missing).fails(Refusal::Missing(Field::Header));
        vector(&format!("t=1800000000,v0={}z", &BODY_CODE[1..])).fails(MALFORMED);
        vector(&format!("t=1800000000,v0={}", &BODY_CODE[1..])).fails(MALFORMED);
        let old = "4168cc6c683357e103055b48584715f12e2baa4e679b8e076254247f11edf34d";
        vector(&format!("t=1799999699,v0={old}")).fails(Refusal::TooOld);
        let new = "ba4b79e449ae52edb505b6baa07380be2baa6e0c4c6fec3b9a01c85d47a4935f";
        vector(&format!("t=1800000301,v0={new}")).fails(Refusal::TooNew);
        vector(&format!("t=1800000000,v1={CODE}")).fails(Refusal::Missing(Field::Header));
        let twice = format!("t=1800000000,t=1800000000,v0={BODY_CODE}");
        vector(&twice).fails(Refusal::Repeated(Field::Signature));
    }

    #[test]
    fn the_headers_that_are_covered_are_bounded() {
        let covers = |headers: usize| {
            let names = vec!["x-event-id"; headers].join(" ");
            vector(&format!("t=1800000000,h={names},v1={CODE}"))
        };
        covers(MAX_COVERED).fails(Refusal::Mismatch);
        covers(MAX_COVERED + 1).fails(Refusal::Malformed(Field::Header));
    }

    #[test]
    fn the_weaker_version_can_be_refused() {
        let strict = |signature: &str| vector(signature).under(HOOK0.require_v1());
        strict(&format!("t=1800000000,h=x-event-id x-delivery-id,v1={CODE}")).holds();
        strict(&format!("t=1800000000,v0={BODY_CODE}")).fails(Refusal::NoKnownSignature);
    }
}
