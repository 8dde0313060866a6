use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use stonework_core::{ConfigError, Key, RequestHead};

use super::grammar::{Grammar, Kind};
use super::{Encoding, Outgoing, PublicUrl, Put, Scheme, SignScheme};
use crate::header::{required, single};
use crate::json;
use crate::keys::{KeyError, SecretFormat, WebhookKey};
use crate::{Algorithm, Claims, Field, Refusal, Tag, Unit};

/// What a signed message is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part {
    /// The id, as its header has it.
    Id,
    /// The timestamp, as it was sent.
    Timestamp,
    /// This text.
    Text(&'static str),
    /// The [public URL](HmacScheme::url).
    Url,
    /// The body.
    Body,
}

/// A scheme that is declared: where signature, id and time stand, and what was signed.
///
/// What can be declared wrong in a way that is unsafe is an error of the layer's `build()`: a timestamp that is not
/// signed, an id that runs into its neighbour.
///
/// ```
/// use http::HeaderName;
/// use stonework_webhook_sign::scheme::{HmacScheme, Part};
/// use stonework_webhook_sign::Unit;
///
/// let acme = HmacScheme::new("acme", HeaderName::from_static("acme-signature"))
///     .prefix("v1=")
///     .timestamp_header(HeaderName::from_static("acme-timestamp"), Unit::Seconds)
///     .signs([Part::Timestamp, Part::Text("."), Part::Body]);
/// # let _ = acme;
/// ```
#[derive(Clone, Debug)]
pub struct HmacScheme {
    pub(super) name: &'static str,
    /// In the order in which they are looked for.
    pub(super) names: [Option<Names>; 2],
    pub(super) grammar: Grammar,
    pub(super) kind: Kind,
    pub(super) parts: Cow<'static, [Part]>,
    pub(super) unit: Unit,
    /// `None` without a timestamp.
    pub(super) tolerance: Option<Duration>,
    /// A member of a JSON body with the time in it.
    pub(super) time_member: Option<&'static str>,
    /// A member of a JSON body with the event's id in it.
    pub(super) event_member: Option<&'static str>,
    pub(super) secret: SecretFormat,
    pub(super) url: Option<PublicUrl>,
}

/// Where things stand.
#[derive(Clone, Debug)]
pub(super) struct Names {
    pub(super) signature: HeaderName,
    pub(super) id: Option<HeaderName>,
    pub(super) timestamp: Option<HeaderName>,
}

impl Names {
    pub(super) const fn only(signature: &'static str) -> Option<Self> {
        let signature = HeaderName::from_static(signature);
        Some(Self { signature, id: None, timestamp: None })
    }

    pub(super) const fn timed(signature: &'static str, timestamp: &'static str) -> Option<Self> {
        let timestamp = Some(HeaderName::from_static(timestamp));
        Some(Self { signature: HeaderName::from_static(signature), id: None, timestamp })
    }
}

pub(super) const SHA256_HEX: Kind =
    Kind { algorithm: Algorithm::HmacSha256, encoding: Encoding::Hex };
pub(super) const SHA256_BASE64: Kind =
    Kind { algorithm: Algorithm::HmacSha256, encoding: Encoding::Base64 };

/// The tolerance that Standard Webhooks, Stripe, Slack and most others have.
pub(super) const FIVE_MINUTES: Option<Duration> = Some(Duration::from_secs(300));

impl HmacScheme {
    /// What GitHub's is but for the prefix: a header with HMAC-SHA256 of the body in hexadecimal digits.
    pub const fn new(name: &'static str, signature: HeaderName) -> Self {
        Self {
            name,
            names: [Some(Names { signature, id: None, timestamp: None }), None],
            grammar: Grammar::Bare,
            kind: SHA256_HEX,
            parts: Cow::Borrowed(&[Part::Body]),
            unit: Unit::Seconds,
            tolerance: None,
            time_member: None,
            event_member: None,
            secret: SecretFormat::Verbatim,
            url: None,
        }
    }

    /// The signature stands after this, as in `sha256=…`.
    #[must_use]
    pub fn prefix(self, prefix: &'static str) -> Self {
        Self { grammar: Grammar::Prefixed(prefix), ..self }
    }

    /// Signatures stand after a version and a comma, with spaces in between, as in Standard Webhooks.
    #[must_use]
    pub fn versions(self, version: &'static str) -> Self {
        Self { grammar: Grammar::Versions { version, ed25519: "v1a" }, ..self }
    }

    /// A time in seconds and signatures stand as pairs, as in Stripe's `t=…,v1=…`.
    #[must_use]
    pub fn pairs(self, separator: u8, time: &'static str, signature: &'static str) -> Self {
        let grammar = Grammar::Pairs { separator, time, signature };
        Self { grammar, tolerance: self.tolerance.or(FIVE_MINUTES), ..self }
    }

    /// How the bytes of a signature are written. Default [`Encoding::Hex`].
    #[must_use]
    pub fn encoding(mut self, encoding: Encoding) -> Self {
        self.kind.encoding = encoding;
        self
    }

    /// How a signature is made. Default [`Algorithm::HmacSha256`].
    #[must_use]
    pub fn algorithm(mut self, algorithm: Algorithm) -> Self {
        self.kind.algorithm = algorithm;
        self
    }

    /// The header that the signature stands in.
    #[must_use]
    pub fn signature_header(mut self, name: HeaderName) -> Self {
        self.names = [Some(Names { signature: name, ..self.first() }), None];
        self
    }

    /// The header that the message's id stands in. It has to be signed.
    #[must_use]
    pub fn id_header(mut self, name: HeaderName) -> Self {
        self.names = [Some(Names { id: Some(name), ..self.first() }), None];
        self
    }

    /// The header that the timestamp stands in. It has to be signed.
    #[must_use]
    pub fn timestamp_header(mut self, name: HeaderName, unit: Unit) -> Self {
        self.names = [Some(Names { timestamp: Some(name), ..self.first() }), None];
        Self { unit, tolerance: self.tolerance.or(FIVE_MINUTES), ..self }
    }

    /// What is signed, in this order. Default the body.
    #[must_use]
    pub fn signs(self, parts: impl Into<Vec<Part>>) -> Self {
        Self { parts: Cow::Owned(parts.into()), ..self }
    }

    /// How secrets are written down. Default [`SecretFormat::Verbatim`].
    #[must_use]
    pub fn secret_format(self, format: SecretFormat) -> Self {
        Self { secret: format, ..self }
    }

    /// How far the timestamp may be from now, on either side. Default 5 min.
    #[must_use]
    pub fn default_tolerance(self, tolerance: Duration) -> Self {
        Self { tolerance: Some(tolerance), ..self }
    }

    /// The member of a JSON body that tells one event from another, the same for all attempts to deliver it.
    #[must_use]
    pub fn event_member(self, name: &'static str) -> Self {
        Self { event_member: Some(name), ..self }
    }

    /// The URL that is part of the message.
    #[must_use]
    pub fn url(self, url: PublicUrl) -> Self {
        Self { url: Some(url), ..self }
    }

    fn first(&self) -> Names {
        let [first, _] = &self.names;
        first.clone().unwrap_or_else(|| unreachable!("a scheme has names"))
    }

    /// The signature, and where the rest stands beside it.
    #[inline]
    fn signature<'h>(&self, headers: &'h HeaderMap) -> Result<(&Names, &'h [u8]), Refusal> {
        for names in self.names.iter().flatten() {
            if let Some(signature) = single(headers, &names.signature, Field::Signature)? {
                return Ok((names, signature));
            }
        }
        Err(Refusal::NotSigned)
    }

    /// The first byte of what follows the id.
    fn stops(&self) -> &'static [u8] {
        let at = self.parts.iter().position(|part| *part == Part::Id);
        match at.and_then(|at| self.parts.get(at + 1)) {
            Some(Part::Text(text)) => text.as_bytes().get(..1).unwrap_or_default(),
            _ => b"",
        }
    }

    /// A path comes with the request, and bytes of it could move into what follows, unless that begins with a byte that no
    /// path has.
    fn url_fault(&self, url: &PublicUrl) -> Option<&'static str> {
        let at = self.parts.iter().position(|part| *part == Part::Url)?;
        let is_ended = match self.parts.get(at + 1) {
            Some(Part::Text(text)) => text.bytes().next().is_some_and(|byte| byte <= b' '),
            Some(_) => false,
            None => true,
        };
        (!url.is_exact() && !is_ended).then_some(
            "lets the path run into its neighbour; name the exact URL, or put a Part::Text after it that begins with a \
                line feed",
        )
    }

    /// What stands after a body can be told from its end only if a text comes before it: one byte that no id has, or none
    /// that a timestamp has.
    fn body_fault(&self) -> Option<&'static str> {
        let pairs = self.parts.get(self.body_at()..)?.windows(2);
        let is_open = |pair: &[Part]| match pair {
            [Part::Text(text), Part::Id] => text.len() != 1 || text.as_bytes() != self.stops(),
            [Part::Text(text), Part::Timestamp] => {
                text.bytes().last().is_none_or(|byte| byte.is_ascii_digit())
            }
            [_, Part::Id | Part::Timestamp] => true,
            _ => false,
        };
        pairs.into_iter().any(is_open).then_some(
            "lets the body run into what follows; put Part::Body last, or one and the same Part::Text around the id",
        )
    }

    fn has_time_in_headers(&self) -> bool {
        let named = self.names.iter().flatten().any(|names| names.timestamp.is_some());
        named || self.grammar.has_time()
    }

    fn put(
        &self,
        parts: &[Part],
        claims: &Claims,
        head: &RequestHead<'_>,
        put: Put<'_>,
    ) -> Result<(), Refusal> {
        for part in parts {
            match part {
                Part::Id => put(claims.id().ok_or(Refusal::Missing(Field::Id))?),
                Part::Timestamp => {
                    let missing = Refusal::Missing(Field::Timestamp);
                    put(claims.timestamp_digits().ok_or(missing)?);
                }
                Part::Text(text) => put(text.as_bytes()),
                Part::Url => {
                    self.url.as_ref().ok_or(Refusal::Missing(Field::Url))?.put(head, &mut *put);
                }
                Part::Body => {}
            }
        }
        Ok(())
    }

    fn body_at(&self) -> usize {
        self.parts.iter().position(|part| *part == Part::Body).unwrap_or(self.parts.len())
    }
}

impl Scheme for HmacScheme {
    fn name(&self) -> &'static str {
        self.name
    }

    fn key(&self, secret: &str) -> Result<WebhookKey, KeyError> {
        let key = self.secret.read(secret)?;
        if key.fits(self) { Ok(key) } else { Err(KeyError::WrongKind) }
    }

    fn tolerance(&self) -> Option<Duration> {
        self.tolerance
    }

    fn signs_with(&self, algorithm: Algorithm) -> bool {
        algorithm == self.kind.algorithm
            || (algorithm == Algorithm::Ed25519
                && matches!(self.grammar, Grammar::Versions { .. })
                && cfg!(feature = "ed25519"))
    }

    fn is_meant(&self, headers: &HeaderMap) -> bool {
        self.names.iter().flatten().any(|names| headers.contains_key(&names.signature))
    }

    #[inline]
    fn headers(&self) -> Vec<Vec<HeaderName>> {
        let all = |names: &Names| {
            let Names { signature, id, timestamp } = names.clone();
            [Some(signature), id, timestamp].into_iter().flatten().collect()
        };
        self.names.iter().flatten().map(all).collect()
    }

    fn claims(&self, head: &RequestHead<'_>, claims: &mut Claims) -> Result<(), Refusal> {
        let (names, signature) = self.signature(head.headers)?;
        if let Some(name) = &names.id {
            claims.set_id(required(head.headers, name, Field::Id)?, self.stops())?;
        }
        if let Some(name) = &names.timestamp {
            let digits = required(head.headers, name, Field::Timestamp)?;
            claims.set_timestamp(digits, self.unit)?;
        }
        self.grammar.read(signature, self.kind, self.unit, claims)?;
        if self.has_time_in_headers() && claims.timestamp_digits().is_none() {
            return Err(Refusal::Missing(Field::Timestamp));
        }
        Ok(())
    }

    #[inline]
    fn before(&self, claims: &Claims, head: &RequestHead<'_>, put: Put<'_>) -> Result<(), Refusal> {
        self.put(&self.parts[..self.body_at()], claims, head, put)
    }

    fn after(
        &self,
        claims: &mut Claims,
        head: &RequestHead<'_>,
        body: &[u8],
        put: Put<'_>,
    ) -> Result<(), Refusal> {
        if let Some(member) = self.time_member {
            let time = json::number(body, member).ok_or(Refusal::Malformed(Field::Timestamp))?;
            claims.set_time(Duration::from_millis(time));
        }
        let at = self.body_at();
        self.put(self.parts.get(at + 1..).unwrap_or_default(), claims, head, put)
    }

    fn event(&self, body: &[u8]) -> Option<Key> {
        json::text(body, self.event_member?)
    }

    fn errors(&self) -> Vec<ConfigError> {
        let mut errors = Vec::new();
        let mut wrong = |value: &dyn std::fmt::Debug, reason: &'static str| {
            errors.push(ConfigError::new("scheme", value, reason));
        };
        let count = |part| self.parts.iter().filter(|p| **p == part).count();
        if count(Part::Body) != 1 {
            wrong(&self.parts, "does not sign the body once; name Part::Body once");
        }
        if usize::from(self.has_time_in_headers()) != count(Part::Timestamp) {
            let reason = "has a timestamp that is not signed, or signs none; name both or neither";
            wrong(&self.parts, reason);
        }
        if self.tolerance.is_some() != (self.has_time_in_headers() || self.time_member.is_some()) {
            let reason = "signs no time; leave it out, or say where the timestamp stands";
            wrong(&self.tolerance, reason);
        }
        if let Some(fault) = self.body_fault() {
            wrong(&self.parts, fault);
        }
        let has_id = self.names.iter().flatten().any(|names| names.id.is_some());
        if usize::from(has_id) != count(Part::Id) {
            wrong(&self.parts, "has an id that is not signed, or signs none; name both or neither");
        } else if has_id && self.stops().is_empty() {
            wrong(&self.parts, "lets the id run into its neighbour; put a Part::Text after it");
        }
        match &self.url {
            Some(url) => {
                let fault = url.fault().or_else(|| self.url_fault(url));
                if let Some(fault) = fault {
                    errors.push(ConfigError::new("url", url.text(), fault));
                }
            }
            None if count(Part::Url) > 0 => wrong(&self.parts, "signs a URL; say which"),
            None => {}
        }
        errors
    }
}

impl SignScheme for HmacScheme {
    fn hmac(&self) -> Algorithm {
        self.kind.algorithm
    }

    fn prepare(
        &self,
        outgoing: &Outgoing<'_>,
        claims: &mut Claims,
        headers: &mut HeaderMap,
    ) -> Result<(), Refusal> {
        let names = self.first();
        if let Some(name) = names.id {
            claims.set_id(outgoing.id.as_bytes(), self.stops())?;
            headers.insert(name, text_value(outgoing.id, Field::Id)?);
        }
        if self.has_time_in_headers() {
            let digits = self.unit.count(outgoing.now).to_string();
            claims.set_timestamp(digits.as_bytes(), self.unit)?;
            if let Some(name) = names.timestamp {
                headers.insert(name, value(digits, Field::Timestamp)?);
            }
        }
        Ok(())
    }

    fn write(
        &self,
        claims: &Claims,
        signatures: &[Tag],
        headers: &mut HeaderMap,
    ) -> Result<(), Refusal> {
        let missing = Refusal::Missing(Field::Signature);
        let text = self.grammar.write(claims, signatures, self.kind.encoding).ok_or(missing)?;
        headers.insert(self.first().signature, value(text, Field::Signature)?);
        Ok(())
    }
}

/// Without a copy.
pub(super) fn value(text: String, field: Field) -> Result<HeaderValue, Refusal> {
    HeaderValue::from_maybe_shared(Bytes::from(text)).map_err(|_| Refusal::Malformed(field))
}

fn text_value(text: &str, field: Field) -> Result<HeaderValue, Refusal> {
    HeaderValue::from_str(text).map_err(|_| Refusal::Malformed(field))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reasons(scheme: &HmacScheme) -> Vec<String> {
        scheme.errors().iter().map(|error| error.reason.to_string()).collect()
    }

    fn acme() -> HmacScheme {
        HmacScheme::new("acme", HeaderName::from_static("acme-signature"))
    }

    const ID: HeaderName = HeaderName::from_static("acme-id");
    const TIME: HeaderName = HeaderName::from_static("acme-time");

    #[test]
    fn what_is_declared_safely_is_taken() {
        assert!(acme().errors().is_empty());
        let timed = acme().id_header(ID).timestamp_header(TIME, Unit::Seconds).signs([
            Part::Id,
            Part::Text("."),
            Part::Timestamp,
            Part::Body,
        ]);
        assert!(timed.errors().is_empty());
        assert_eq!(timed.tolerance(), FIVE_MINUTES);
        let signs = [Part::Timestamp, Part::Text("."), Part::Body];
        assert!(acme().pairs(b',', "t", "v1").signs(signs).errors().is_empty());
        assert!(acme().signs([Part::Body, Part::Text("!")]).errors().is_empty());
    }

    #[test]
    fn what_is_declared_unsafely_is_an_error() {
        let unsigned_time = acme().timestamp_header(TIME, Unit::Seconds);
        assert!(reasons(&unsigned_time)[0].contains("timestamp that is not signed"));
        let unsigned_id = acme().id_header(ID);
        assert!(reasons(&unsigned_id)[0].contains("id that is not signed"));
        let runs_on = acme().id_header(ID).signs([Part::Id, Part::Body]);
        assert!(reasons(&runs_on)[0].contains("run into its neighbour"));
        assert!(reasons(&acme().signs([]))[0].contains("the body once"));
        assert!(reasons(&acme().signs([Part::Body, Part::Body]))[0].contains("the body once"));
        assert!(reasons(&acme().signs([Part::Url, Part::Body]))[0].contains("say which"));
        let relative = acme().url(PublicUrl::exact("/a")).signs([Part::Url, Part::Body]);
        assert!(reasons(&relative)[0].contains("absolute"));
        let path = acme().url(PublicUrl::origin("https://a.example"));
        let path = path.signs([Part::Url, Part::Body]);
        assert!(reasons(&path)[0].contains("path run into its neighbour"));
    }

    /// Of one message there must be one way to take it apart.
    #[test]
    fn what_bytes_of_the_body_could_move_into_is_an_error() {
        use Part::{Body, Id, Text, Timestamp, Url};
        let timed = || acme().id_header(ID).timestamp_header(TIME, Unit::Seconds);
        for signs in [
            vec![Timestamp, Text("."), Body, Id, Text(".")],
            vec![Timestamp, Text("."), Body, Text("--"), Id, Text(".")],
            vec![Id, Text("."), Body, Timestamp],
            vec![Id, Text("."), Body, Text("0"), Timestamp],
        ] {
            assert!(reasons(&timed().signs(signs.clone()))[0].contains("run into"), "{signs:?}");
        }
        for signs in [
            vec![Body, Text("|"), Id, Text("|"), Timestamp],
            vec![Id, Text("."), Body, Text("."), Timestamp],
            vec![Text("v0"), Timestamp, Id, Text("."), Body],
        ] {
            assert_eq!(reasons(&timed().signs(signs.clone())), [""; 0], "{signs:?}");
        }
        let url = |text| {
            let scheme = acme().url(PublicUrl::origin("https://a.example"));
            reasons(&scheme.signs([Url, Text(text), Body]))
        };
        assert!(url(".")[0].contains("path run into"), "a path can have a dot");
        assert_eq!(url("\n"), [""; 0]);
    }

    #[test]
    fn a_tolerance_without_a_time_is_an_error() {
        let idle = acme().default_tolerance(Duration::from_secs(60));
        assert!(reasons(&idle)[0].contains("signs no time"));
        let lost = acme().pairs(b',', "t", "v1").prefix("v1=");
        assert!(reasons(&lost)[0].contains("signs no time"));
    }
}
