use std::borrow::Cow;
use std::time::Duration;

use data_encoding::HEXLOWER_PERMISSIVE;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use stonework_core::{ConfigError, Key, RequestHead};

use super::hmac::value;
use super::{Encoding, Outgoing, PublicUrl, Put, Scheme, SignScheme};
use crate::claims::BodyRole;
use crate::header::{required, single};
use crate::keys::{KeyError, SecretFormat, WebhookKey};
use crate::{Algorithm, Claims, Field, Refusal, Tag};

const SIGNATURE: HeaderName = HeaderName::from_static("x-twilio-signature");
const SETTINGS: HeaderName = HeaderName::from_static("x-twilio-webhooks-signature-settings");

/// How many parameters a form may have. Twilio sends dozens; a stranger's body of a megabyte has room for half a million,
/// and each takes as much memory as 48 bytes.
const MAX_PARAMETERS: usize = 1_024;

/// Twilio: `X-Twilio-Signature` over the URL and the sorted parameters of a form; over the URL alone where the body is
/// of another kind, whose SHA-256 is then the URL's `bodySHA256`.
///
/// HMAC-SHA1 with the account's auth token, or HMAC-SHA256 where `X-Twilio-Webhooks-Signature-Settings` says so. Which
/// of the two is in force is Twilio's setting; [`require_sha256`](Self::require_sha256) refuses the older one. Since
/// Twilio is not consistent in it, the URL is tried with its port and without.
///
/// No time is signed, and nothing stands between a parameter and its neighbours: keep a replay store, and read no
/// parameters but those that you expect.
///
/// A caller who presses a key twice at one menu has Twilio send the same request twice, and the second would count as a
/// duplicate and get an empty answer. Where a call comes back to one URL, put a number of the step into it, or say
/// [`danger_accept_replays`](crate::Sender::danger_accept_replays).
#[derive(Clone, Debug)]
pub struct Twilio {
    url: PublicUrl,
    sha256_only: bool,
}

impl Twilio {
    /// With the URL that Twilio calls.
    pub const fn new(url: PublicUrl) -> Self {
        Self { url, sha256_only: false }
    }

    /// Refuses HMAC-SHA1.
    #[must_use]
    pub fn require_sha256(self) -> Self {
        Self { sha256_only: true, ..self }
    }

    /// A URL with a digest is that of a body which is no form, whatever the content type says: that one is not signed, and
    /// with another an event could be passed off as an empty form.
    fn role(&self, head: &RequestHead<'_>) -> Result<BodyRole, Refusal> {
        let digest = body_digest(&self.url.of(head))?;
        Ok(digest.map_or(BodyRole::Apart, BodyRole::Digested))
    }

    /// The URL with its port or without it; `None` if that is no other way to write it.
    fn spelled(&self, head: &RequestHead<'_>, with_port: bool) -> Option<String> {
        let url = self.url.of(head);
        let uri: Uri = url.parse().ok()?;
        let authority = uri.authority()?.as_str();
        let port = uri.port_u16();
        if port.is_some() == with_port {
            return None;
        }
        let other = match port {
            Some(_) => authority.rsplit_once(':')?.0.to_owned(),
            None if uri.scheme_str() == Some("http") => format!("{authority}:80"),
            None => format!("{authority}:443"),
        };
        Some(url.replacen(authority, &other, 1))
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    let Some(kind) = headers.get(CONTENT_TYPE) else {
        return false;
    };
    let kind = kind.as_bytes().split(|&byte| byte == b';').next().unwrap_or_default();
    kind.trim_ascii().eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
}

/// `None` if the URL has none. Of the URL that is signed: the request's own may have any.
fn body_digest(url: &str) -> Result<Option<[u8; 32]>, Refusal> {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let mut digests = form_urlencoded::parse(query.as_bytes()).filter(|(k, _)| k == "bodySHA256");
    let Some((_, digest)) = digests.next() else {
        return Ok(None);
    };
    if digests.next().is_some() {
        return Err(Refusal::Repeated(Field::Digest));
    }
    let malformed = Refusal::Malformed(Field::Digest);
    let bytes = HEXLOWER_PERMISSIVE.decode(digest.as_bytes()).map_err(|_| malformed)?;
    bytes.try_into().map(Some).map_err(|_| malformed)
}

/// The algorithm, and the id of the key.
fn settings(headers: &HeaderMap, claims: &mut Claims) -> Result<Algorithm, Refusal> {
    let malformed = Refusal::Malformed(Field::Signature);
    let mut algorithm = None;
    let text = single(headers, &SETTINGS, Field::Signature)?.unwrap_or_default();
    for item in text.split(|&byte| byte == b',').map(<[u8]>::trim_ascii) {
        if let Some(name) = item.strip_prefix(b"algorithm=") {
            let named = match name {
                b"HMAC_SHA1" => Algorithm::HmacSha1,
                b"HMAC_SHA256" => Algorithm::HmacSha256,
                _ => return Err(malformed),
            };
            // Twilio's SDK takes the first of two. As with headers, which one counts would be a guess.
            if algorithm.replace(named).is_some() {
                return Err(Refusal::Repeated(Field::Signature));
            }
        } else if let Some(id) = item.strip_prefix(b"key=") {
            claims.set_key_id(id);
        }
    }
    Ok(algorithm.unwrap_or(Algorithm::HmacSha1))
}

impl Scheme for Twilio {
    fn name(&self) -> &'static str {
        "twilio"
    }

    fn key(&self, secret: &str) -> Result<WebhookKey, KeyError> {
        SecretFormat::Verbatim.read(secret)
    }

    fn tolerance(&self) -> Option<Duration> {
        None
    }

    fn signs_with(&self, algorithm: Algorithm) -> bool {
        algorithm == self.hmac()
    }

    fn is_meant(&self, headers: &HeaderMap) -> bool {
        headers.contains_key(SIGNATURE)
    }

    fn headers(&self) -> Vec<Vec<HeaderName>> {
        vec![vec![SIGNATURE, SETTINGS]]
    }

    fn claims(&self, head: &RequestHead<'_>, claims: &mut Claims) -> Result<(), Refusal> {
        let signature = required(head.headers, &SIGNATURE, Field::Signature)?;
        let algorithm = settings(head.headers, claims)?;
        if self.sha256_only && algorithm != Algorithm::HmacSha256 {
            return Err(Refusal::NoKnownSignature);
        }
        Encoding::Base64.read(algorithm, signature, claims)?;
        claims.set_variants(2);
        claims.set_body(self.role(head)?);
        Ok(())
    }

    fn before(&self, claims: &Claims, head: &RequestHead<'_>, put: Put<'_>) -> Result<(), Refusal> {
        let other = match claims.variant() {
            0 => None,
            _ => self.spelled(head, true).or_else(|| self.spelled(head, false)),
        };
        match other {
            Some(url) => put(url.as_bytes()),
            None => self.url.put(head, put),
        }
        Ok(())
    }

    fn after(
        &self,
        claims: &mut Claims,
        head: &RequestHead<'_>,
        body: &[u8],
        put: Put<'_>,
    ) -> Result<(), Refusal> {
        if matches!(claims.body(), BodyRole::Digested(_)) {
            return Ok(());
        }
        if is_form(head.headers) {
            let mut pairs: Vec<(Cow<'_, str>, Cow<'_, str>)> =
                form_urlencoded::parse(body).take(MAX_PARAMETERS + 1).collect();
            if pairs.len() > MAX_PARAMETERS {
                return Err(Refusal::Malformed(Field::Body));
            }
            // One name may have several values, each of which counts once, sorted.
            pairs.sort_unstable();
            pairs.dedup();
            for (name, value) in pairs {
                put(name.as_bytes());
                put(value.as_bytes());
            }
            return Ok(());
        }
        if body.is_empty() { Ok(()) } else { Err(Refusal::NotCovered) }
    }

    fn event(&self, _: &[u8]) -> Option<Key> {
        None
    }

    fn errors(&self) -> Vec<ConfigError> {
        let fault = self.url.fault();
        fault.map(|fault| ConfigError::new("url", self.url.text(), fault)).into_iter().collect()
    }
}

/// Made for tests of receivers. The caller puts `bodySHA256` into the URL of a body that is no form.
impl SignScheme for Twilio {
    fn hmac(&self) -> Algorithm {
        if self.sha256_only { Algorithm::HmacSha256 } else { Algorithm::HmacSha1 }
    }

    fn prepare(
        &self,
        outgoing: &Outgoing<'_>,
        claims: &mut Claims,
        headers: &mut HeaderMap,
    ) -> Result<(), Refusal> {
        if self.sha256_only {
            headers.insert(SETTINGS, HeaderValue::from_static("algorithm=HMAC_SHA256"));
        }
        claims.set_body(self.role(&outgoing.head)?);
        Ok(())
    }

    fn write(
        &self,
        _: &Claims,
        signatures: &[Tag],
        headers: &mut HeaderMap,
    ) -> Result<(), Refusal> {
        let mut text = String::new();
        let tag = signatures.first().ok_or(Refusal::Missing(Field::Signature))?;
        Encoding::Base64.write(tag, &mut text);
        headers.insert(SIGNATURE, value(text, Field::Signature)?);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;
    use crate::keys::KeySet;
    use crate::sign;
    use crate::vector::Vector;

    const FORM: &str = "application/x-www-form-urlencoded";
    const CALL: &str = "CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309\
        &To=%2B18005551212";

    fn vector(url: &str, code: &str) -> Vector {
        Vector::new(Twilio::new(PublicUrl::exact(url)), "12345").header("x-twilio-signature", code)
    }

    fn call(url: &str, code: &str) -> Vector {
        vector(url, code).header("content-type", FORM).body(CALL)
    }

    const URL: &str = "https://mycompany.com/myapp.php?foo=1&bar=2";
    const SHA1: &str = "RSOYDt4T1cUTdK1PDd93/VVr8B8=";
    const SHA256: &str = "033hgUJA9M/hXIZsYjwkerEP/DBm35nEri5FhCYjA5s=";
    const WITH_PORT: &str = "kvajT1Ptam85bY51eRf/AJRuM3w=";

    /// All as twilio-python 9.13 signs them; the first is Twilio's documentation's.
    #[test]
    fn the_vectors_of_the_documentation_and_the_sdk() {
        call(URL, SHA1).check().unwrap();
        let settings = "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256";
        let sha256 = |settings: &str| {
            call(URL, SHA256).header("x-twilio-webhooks-signature-settings", settings)
        };
        sha256(settings).check().unwrap();
        let twice = sha256(&format!("algorithm=HMAC_SHA1,{settings}"));
        twice.fails(Refusal::Repeated(Field::Signature));
        let multi = vector("https://mycompany.com/", "Ux2pvhocVLU7aFcILWg7QDRz95c=");
        multi.header("content-type", FORM).body("B=2&B=1&A=x&B=1").check().unwrap();
    }

    #[test]
    fn the_port_may_be_there_or_not() {
        let ported = URL.replace(".com/", ".com:443/");
        for (url, code) in [(URL, SHA1), (URL, WITH_PORT), (&ported, SHA1), (&ported, WITH_PORT)] {
            call(url, code).check().unwrap();
        }
        call(&URL.replace(".com/", ".com:444/"), WITH_PORT).fails(Refusal::Mismatch);
    }

    #[test]
    fn a_body_that_is_no_form_is_covered_by_its_digest() {
        let digest = "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862";
        let uri = format!("/myapp.php?bodySHA256={digest}");
        let vector = |body: &str| {
            let twilio = Twilio::new(PublicUrl::origin("https://mycompany.com"));
            Vector::new(twilio, "12345")
                .uri(&uri)
                .header("x-twilio-signature", "+kSuX/0ZJYA1+JmgZwzpaeDUJPg=")
                .header("content-type", "application/json")
                .body(body)
        };
        vector(r#"{"a":1}"#).holds();
        vector(r#"{"a":2}"#).fails(Refusal::WrongDigest);
    }

    #[test]
    fn a_body_that_nothing_covers_is_refused() {
        let json = vector(URL, SHA1).header("content-type", "application/json").body("{}");
        json.fails(Refusal::NotCovered);
    }

    /// The URL without parameters, as an event without any has it.
    fn bare_url_signed() -> HeaderValue {
        let twilio = Twilio::new(PublicUrl::exact(URL));
        let keys = KeySet::new([twilio.key("12345").unwrap()]).unwrap();
        let request = Request::get("/").body(()).unwrap();
        let message = Outgoing::new(RequestHead::of(&request), b"", "", Duration::ZERO);
        let mut headers = HeaderMap::new();
        sign(&twilio, &keys, &message, &mut headers).unwrap();
        headers.remove(SIGNATURE).unwrap()
    }

    #[test]
    fn a_digest_that_is_not_signed_covers_nothing() {
        let code = bare_url_signed();
        let forged = vector(URL, code.to_str().unwrap())
            .uri("/myapp.php?bodySHA256=015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862")
            .header("content-type", "application/json")
            .body(r#"{"a":1}"#);
        forged.fails(Refusal::NotCovered);
    }

    #[test]
    fn a_body_with_a_digest_cannot_be_passed_off_as_an_empty_form() {
        let digest = "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862";
        let twilio = Twilio::new(PublicUrl::origin("https://mycompany.com"));
        Vector::new(twilio, "12345")
            .uri(&format!("/myapp.php?bodySHA256={digest}"))
            .header("x-twilio-signature", "+kSuX/0ZJYA1+JmgZwzpaeDUJPg=")
            .header("content-type", FORM)
            .fails(Refusal::WrongDigest);
    }

    #[test]
    fn the_older_algorithm_can_be_refused() {
        let twilio = Twilio::new(PublicUrl::exact(URL)).require_sha256();
        let old = Vector::new(twilio, "12345").header("x-twilio-signature", SHA1);
        old.header("content-type", FORM).body(CALL).fails(Refusal::NoKnownSignature);
    }

    #[test]
    fn parameters_are_bounded() {
        let form = |pairs: usize| {
            let body = vec!["a"; pairs].join("&");
            vector(URL, SHA1).header("content-type", FORM).body(body)
        };
        form(MAX_PARAMETERS).fails(Refusal::Mismatch);
        form(MAX_PARAMETERS + 1).fails(Refusal::Malformed(Field::Body));
    }

    #[test]
    fn parameters_are_covered() {
        let fails = |body: &str| {
            let changed = vector(URL, SHA1).header("content-type", FORM).body(body);
            changed.fails(Refusal::Mismatch);
        };
        fails(&CALL.replace("1234", "1235"));
        fails(&format!("{CALL}&Extra=1"));
        fails(CALL.split_once('&').unwrap().1);
        vector(URL, SHA1)
            .header("content-type", FORM)
            .body(CALL.replace("%2B", "%2b"))
            .check()
            .unwrap();
    }
}
