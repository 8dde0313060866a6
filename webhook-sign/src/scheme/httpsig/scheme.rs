use std::time::Duration;

use data_encoding::{BASE64, BASE64_NOPAD};
use http::{HeaderMap, HeaderName, HeaderValue};
use sfv::{DictSerializer, KeyRef, ListEntry, StringRef};
use stonework_core::{ConfigError, Key, RequestHead};
use zeroize::Zeroizing;

use super::digest::CONTENT_DIGEST;
use super::input::{SIGNATURE, SIGNATURE_INPUT, dictionary};
use super::policy::HttpSignature;
use super::{Input, base, digest, input};
use crate::claims::BodyRole;
use crate::keys::{KeyError, WebhookKey};
use crate::scheme::{Outgoing, Put, Scheme, SignScheme};
use crate::{Algorithm, Claims, Field, Refusal, Tag};

const MALFORMED: Refusal = Refusal::Malformed(Field::Signature);

/// By what it says of itself, and else by its length. What counts is the key: one is only used for its own algorithm.
fn algorithm(input: &Input, signature: &[u8]) -> Result<Algorithm, Refusal> {
    match (input.text("alg"), signature.len()) {
        (Some("hmac-sha256"), _) | (None, 32) => Ok(Algorithm::HmacSha256),
        (Some("ed25519"), _) | (None, 64) => Ok(Algorithm::Ed25519),
        _ => Err(Refusal::NoKnownSignature),
    }
}

fn signature(input: &Input, headers: &HeaderMap) -> Result<Vec<u8>, Refusal> {
    let signatures = dictionary(headers, &SIGNATURE)?;
    let Some(ListEntry::Item(item)) = signatures.get(input.label.as_str()) else {
        return Err(Refusal::Missing(Field::Signature));
    };
    item.bare_item.as_byte_sequence().map(<[u8]>::to_vec).ok_or(MALFORMED)
}

impl HttpSignature {
    fn check(&self, input: &Input) -> Result<(), Refusal> {
        if self.tag.is_some() && input.text("tag") != self.tag.as_deref() {
            return Err(Refusal::NotCovered);
        }
        let is_covered = |name: &String| input.covers(name);
        if self.required.iter().all(is_covered) { Ok(()) } else { Err(Refusal::NotCovered) }
    }
}

impl Scheme for HttpSignature {
    fn name(&self) -> &'static str {
        "http-signature"
    }

    fn key(&self, secret: &str) -> Result<WebhookKey, KeyError> {
        let encoding = if secret.ends_with('=') { BASE64 } else { BASE64_NOPAD };
        let bytes = encoding.decode(secret.as_bytes()).map_err(|_| KeyError::NotBase64)?;
        WebhookKey::hmac(&Zeroizing::new(bytes))
    }

    fn tolerance(&self) -> Option<Duration> {
        Some(self.max_age)
    }

    fn signs_with(&self, algorithm: Algorithm) -> bool {
        matches!(algorithm, Algorithm::HmacSha256 | Algorithm::Ed25519)
    }

    fn is_meant(&self, headers: &HeaderMap) -> bool {
        headers.contains_key(SIGNATURE_INPUT)
    }

    fn headers(&self) -> Vec<Vec<HeaderName>> {
        vec![vec![SIGNATURE, SIGNATURE_INPUT, CONTENT_DIGEST]]
    }

    fn claims(&self, head: &RequestHead<'_>, claims: &mut Claims) -> Result<(), Refusal> {
        let input = input(self, head.headers)?;
        self.check(&input)?;
        let created = input.seconds("created")?.ok_or(Refusal::Missing(Field::Timestamp))?;
        claims.set_time(Duration::from_secs(created));
        if let Some(expires) = input.seconds("expires")? {
            claims.set_expires(Duration::from_secs(expires));
        }
        if let Some(id) = input.text("keyid") {
            claims.set_key_id(id.as_bytes());
        }
        let signature = signature(&input, head.headers)?;
        claims.add_signature(algorithm(&input, &signature)?, &signature)?;
        claims.set_body(match input.covers("content-digest") {
            true => digest::read(head.headers)?,
            false => BodyRole::Apart,
        });
        Ok(())
    }

    fn before(&self, _: &Claims, head: &RequestHead<'_>, put: Put<'_>) -> Result<(), Refusal> {
        base::put(&input(self, head.headers)?, head, &self.url, put)
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
        self.faults()
    }
}

impl SignScheme for HttpSignature {
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
        claims.set_body(match self.required.iter().any(|name| name == "content-digest") {
            true => BodyRole::Digested(digest::write(outgoing.body, headers)?),
            false => BodyRole::Apart,
        });
        let text = self.written(outgoing.now)?;
        headers.insert(SIGNATURE_INPUT, HeaderValue::from_str(&text).map_err(|_| MALFORMED)?);
        Ok(())
    }

    fn write(
        &self,
        _: &Claims,
        signatures: &[Tag],
        headers: &mut HeaderMap,
    ) -> Result<(), Refusal> {
        let tag = signatures.first().ok_or(Refusal::Missing(Field::Signature))?;
        let mut dictionary = DictSerializer::new();
        _ = dictionary.bare_item(self.own_label()?, tag.as_bytes());
        let text = dictionary.finish().ok_or(MALFORMED)?;
        headers.insert(SIGNATURE, HeaderValue::from_str(&text).map_err(|_| MALFORMED)?);
        Ok(())
    }
}

impl HttpSignature {
    fn own_label(&self) -> Result<&KeyRef, Refusal> {
        KeyRef::from_str(self.label.as_deref().unwrap_or("sig")).map_err(|_| MALFORMED)
    }

    /// The input of a signature that is made now.
    fn written(&self, now: Duration) -> Result<String, Refusal> {
        let mut dictionary = DictSerializer::new();
        let mut list = dictionary.inner_list(self.own_label()?);
        for name in &self.required {
            _ = list.bare_item(StringRef::from_str(name).map_err(|_| MALFORMED)?);
        }
        let created = i64::try_from(now.as_secs()).ok();
        let created = created.and_then(|now| sfv::Integer::try_from(now).ok()).ok_or(MALFORMED)?;
        let mut params = list.finish().parameter(sfv::key_ref("created"), created);
        for (name, text) in [("keyid", &self.key_id), ("tag", &self.tag)] {
            if let Some(text) = text {
                let text = StringRef::from_str(text).map_err(|_| MALFORMED)?;
                params = params.parameter(sfv::key_ref(name), text);
            }
        }
        _ = params.finish();
        dictionary.finish().ok_or(MALFORMED)
    }
}
