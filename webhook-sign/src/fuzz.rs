//! Entry points for fuzzing. No part of the public API.
//!
//! Each takes any bytes and says whether they could be read. What cannot hold is an assertion.

use std::time::Duration;

use data_encoding::{BASE64, HEXLOWER};
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use stonework_core::RequestHead;

use crate::keys::{KeySet, WebhookKey};
use crate::scheme::{
    CONVOY, CONVOY_ADVANCED, DISCORD, DROPBOX, GITHUB, HOOK0, HmacScheme, LINEAR, Outgoing, PADDLE,
    PublicUrl, RAZORPAY, SHOPIFY, SLACK, STANDARD, STRIPE, Scheme, SignScheme, Twilio, ZOOM,
    square,
};
use crate::{Claims, MAX_SIGNATURES, json, sign, verify};

const BODY: &[u8] = br#"{"id":"evt_1","webhookTimestamp":1800000000000}"#;
const NOW: Duration = Duration::from_secs(1_800_000_000);
const ID: &str = "msg_1";

fn keys() -> KeySet {
    let key = WebhookKey::hmac(b"the secret of the fuzzer").expect("a secret");
    KeySet::new([key]).expect("a key")
}

fn request(headers: HeaderMap) -> Request<()> {
    let mut request = Request::post("/hooks?a=b").body(()).expect("a request");
    *request.headers_mut() = headers;
    request
}

/// The headers that a message of this scheme would have.
fn genuine(scheme: &dyn SignScheme, content_type: Option<HeaderValue>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Some(content_type) = content_type {
        headers.insert("content-type", content_type);
    }
    let unsigned = request(HeaderMap::new());
    let message = Outgoing::new(RequestHead::of(&unsigned), BODY, ID, NOW);
    sign(scheme, &keys(), &message, &mut headers).expect("a message that can be signed");
    headers
}

/// All ways in which these bytes could be a signature, in one text: hexadecimal digits have two spellings.
fn holds(value: &HeaderValue, genuine: &HeaderValue) -> bool {
    let tags = |value: &HeaderValue| {
        let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
        let parts = text.split([',', ';', ' ']).map(|part| {
            let part = part.rsplit_once("v0=").map_or(part, |(_, rest)| rest);
            let part = part.trim_start_matches("v1=").trim_start_matches("h1=");
            let part = part.trim_start_matches("sha256=").trim().to_owned();
            match HEXLOWER.decode(part.to_ascii_lowercase().as_bytes()) {
                Ok(bytes) if bytes.len() >= 20 => Some(bytes),
                _ => BASE64.decode(part.as_bytes()).ok().filter(|bytes| bytes.len() >= 20),
            }
        });
        parts.flatten().collect::<Vec<_>>()
    };
    let ours = tags(genuine);
    tags(value).iter().any(|tag| ours.contains(tag))
}

/// Verifies with these headers. What is taken for signed must hold the signature that the key gives; and what can be read
/// is bounded.
fn check(scheme: &dyn SignScheme, name: &'static str, headers: HeaderMap) -> bool {
    let genuine = genuine(scheme, headers.get("content-type").cloned());
    let request = request(headers);
    let head = RequestHead::of(&request);
    let mut claims = Claims::default();
    let is_read = Scheme::claims(scheme, &head, &mut claims).is_ok();
    assert!(claims.tags().len() <= MAX_SIGNATURES, "the number of signatures");
    if let Ok(verified) = verify(scheme, &keys(), &head, BODY, NOW, None) {
        assert!(is_read, "verified and not read");
        assert_eq!(verified.scheme(), scheme.name());
        let sent = request.headers().get(name).expect("a signature");
        let is_genuine = holds(sent, genuine.get(name).expect("a signature"));
        assert!(is_genuine || verified.timestamp() != Some(NOW), "signed by nobody: {sent:?}");
    }
    is_read
}

/// Reads bytes as the header of a signature, for each scheme that has one and no more.
///
/// # Panics
///
/// When something is taken for signed that was not.
pub fn signature(bytes: &[u8]) -> bool {
    let Ok(value) = HeaderValue::from_bytes(bytes) else {
        return false;
    };
    let digits = HeaderValue::from_static("1800000000");
    type Beside<'a> = &'a [(&'static str, &'a HeaderValue)];
    let all: [(HmacScheme, &'static str, Beside<'_>); 12] = [
        (STRIPE, "stripe-signature", &[]),
        (GITHUB, "x-hub-signature-256", &[]),
        (SLACK, "x-slack-signature", &[("x-slack-request-timestamp", &digits)]),
        (ZOOM, "x-zm-signature", &[("x-zm-request-timestamp", &digits)]),
        (SHOPIFY, "x-shopify-hmac-sha256", &[]),
        (LINEAR, "linear-signature", &[]),
        (PADDLE, "paddle-signature", &[]),
        (RAZORPAY, "x-razorpay-signature", &[]),
        (DROPBOX, "x-dropbox-signature", &[]),
        (CONVOY, "x-convoy-signature", &[]),
        (CONVOY_ADVANCED, "x-convoy-signature", &[]),
        (square("https://example.com/webhook"), "x-square-hmacsha256-signature", &[]),
    ];
    let mut is_read = false;
    for (scheme, name, beside) in all {
        let mut headers = HeaderMap::new();
        headers.insert(HeaderName::from_static(name), value.clone());
        for (name, value) in beside {
            headers.insert(*name, (*value).clone());
        }
        is_read |= check(&scheme, name, headers);
    }
    // Its keys are of another kind, so it is read and no more.
    let mut headers = HeaderMap::new();
    headers.insert("x-signature-ed25519", value);
    headers.insert("x-signature-timestamp", digits);
    let request = request(headers);
    is_read || Scheme::claims(&DISCORD, &RequestHead::of(&request), &mut Claims::default()).is_ok()
}

/// The lines of an input, as header values. `None` if one cannot be that.
fn lines<const N: usize>(bytes: &[u8]) -> Option<[HeaderValue; N]> {
    let mut lines = bytes.splitn(N, |&byte| byte == b'\n');
    let values: Vec<_> =
        lines.by_ref().map_while(|line| HeaderValue::from_bytes(line).ok()).collect();
    values.try_into().ok()
}

/// Reads three lines as the headers of Standard Webhooks: id, timestamp and signature.
///
/// # Panics
///
/// When something is taken for signed that was not.
pub fn standard(bytes: &[u8]) -> bool {
    let Some([id, timestamp, signature]) = lines(bytes) else {
        return false;
    };
    let mut headers = HeaderMap::new();
    headers.insert("webhook-id", id.clone());
    headers.insert("webhook-timestamp", timestamp.clone());
    headers.insert("webhook-signature", signature);
    let request = request(headers.clone());
    let head = RequestHead::of(&request);
    if verify(&STANDARD, &keys(), &head, BODY, NOW, None).is_ok() {
        let (id, digits) = (id.to_str().expect("an id"), timestamp.to_str().expect("digits"));
        assert!(!id.contains('.') && digits.bytes().all(|byte| byte.is_ascii_digit()));
    }
    Scheme::claims(&STANDARD, &head, &mut Claims::default()).is_ok()
}

/// Reads bytes as the header of Hook0's signature, beside some headers that it may cover.
///
/// # Panics
///
/// When something is taken for signed that was not.
pub fn hook0(bytes: &[u8]) -> bool {
    let Ok(value) = HeaderValue::from_bytes(bytes) else {
        return false;
    };
    let mut headers = HeaderMap::new();
    headers.insert("x-event-id", HeaderValue::from_static("evt-1"));
    headers.insert("x-hook0-signature", value);
    let request = request(headers);
    let head = RequestHead::of(&request);
    let mut claims = Claims::default();
    let is_read = HOOK0.claims(&head, &mut claims).is_ok();
    if is_read {
        let mut message = Vec::new();
        let put = &mut |piece: &[u8]| message.extend_from_slice(piece);
        HOOK0.before(&claims, &head, put).expect("what can be read has a message");
        let digits = claims.timestamp_digits().expect("a timestamp");
        assert!(message.starts_with(digits) && message.ends_with(b"."), "the message");
    }
    drop(verify(&HOOK0, &keys(), &head, BODY, NOW, None));
    is_read
}

/// Reads three lines as Twilio's settings, signature and content type, with the rest as a form.
///
/// # Panics
///
/// When something is taken for signed that was not.
pub fn twilio(bytes: &[u8]) -> bool {
    let twilio = Twilio::new(PublicUrl::origin("https://example.com"));
    let mut parts = bytes.splitn(4, |&byte| byte == b'\n');
    let mut headers = HeaderMap::new();
    for name in ["x-twilio-webhooks-signature-settings", "x-twilio-signature", "content-type"] {
        let Ok(value) = HeaderValue::from_bytes(parts.next().unwrap_or_default()) else {
            return false;
        };
        headers.insert(name, value);
    }
    let body = parts.next().unwrap_or_default();
    let request = request(headers);
    let head = RequestHead::of(&request);
    drop(verify(&twilio, &keys(), &head, body, NOW, None));
    let mut claims = Claims::default();
    if twilio.claims(&head, &mut claims).is_err() {
        return false;
    }
    // The order in which parameters come is not signed.
    let message = |body: &[u8]| {
        let (mut message, mut claims) = (Vec::new(), Claims::default());
        let put = &mut |piece: &[u8]| message.extend_from_slice(piece);
        twilio.claims(&head, &mut claims).ok()?;
        twilio.after(&mut claims, &head, body, put).ok()?;
        Some(message)
    };
    let mut turned: Vec<_> = body.split(|&byte| byte == b'&').collect();
    turned.reverse();
    assert_eq!(message(body), message(&turned.join(&b'&')), "the order of parameters");
    true
}

/// Reads two lines as `Signature-Input` and `Signature`.
///
/// # Panics
///
/// When what was read is written so that it reads otherwise.
#[cfg(feature = "httpsig")]
pub fn http_signature(bytes: &[u8]) -> bool {
    let Some([input, signature]) = lines(bytes) else {
        return false;
    };
    let scheme = crate::scheme::HttpSignature::new(PublicUrl::origin("https://example.com"))
        .require(["@method"])
        .danger_unsigned_body();
    let base = |input: HeaderValue| {
        let mut headers = HeaderMap::new();
        headers.insert("signature-input", input);
        headers.insert("signature", signature.clone());
        headers.insert("date", HeaderValue::from_static("Tue, 20 Apr 2021 02:07:55 GMT"));
        let request = request(headers);
        let head = RequestHead::of(&request);
        drop(verify(&scheme, &keys(), &head, BODY, NOW, None));
        let mut claims = Claims::default();
        scheme.claims(&head, &mut claims).ok()?;
        let mut message = Vec::new();
        let put = &mut |piece: &[u8]| message.extend_from_slice(piece);
        scheme.before(&claims, &head, put).ok()?;
        Some(message)
    };
    let Some(message) = base(input.clone()) else {
        return false;
    };
    let marker = b"\"@signature-params\": ";
    let at = message.windows(marker.len()).rposition(|window| window == marker);
    let params = &message[at.expect("the list of what is covered") + marker.len()..];
    let text = String::from_utf8_lossy(input.as_bytes()).into_owned();
    let label = text.split('=').next().unwrap_or_default().trim();
    let again = [label.as_bytes(), b"=", params].concat();
    let again = HeaderValue::from_bytes(&again).expect("what is written is a header");
    assert_eq!(base(again).as_ref(), Some(&message), "read otherwise than written");
    true
}

/// Looks for a member of a JSON body, as a parser does that reads all of it.
///
/// # Panics
///
/// When that one finds something else.
pub fn member(bytes: &[u8]) -> bool {
    let found = json::text(bytes, "id");
    let Ok(serde_json::Value::Object(whole)) = serde_json::from_slice(bytes) else {
        return false;
    };
    // Of a name that is there twice, one reader takes the first and another the last.
    let names = bytes.windows(2).filter(|window| *window == b"id" || window[0] == b'\\').count();
    let expected = match whole.get("id") {
        Some(serde_json::Value::String(text)) if !text.is_empty() => Some(text.clone()),
        Some(serde_json::Value::Number(number)) if number.is_u64() => Some(number.to_string()),
        _ => None,
    };
    if names <= 1 {
        assert_eq!(
            found.as_ref().map(stonework_core::Key::as_bytes),
            expected.as_deref().map(str::as_bytes)
        );
    }
    found.is_some()
}

#[cfg(test)]
mod tests {
    #[test]
    fn hostile_bytes_are_survived() {
        for len in 0..200 {
            for fill in [0, 1, b'"', b',', b'=', b' ', b'1', 0xff] {
                let bytes = vec![fill; len];
                super::signature(&bytes);
                super::standard(&bytes);
                super::hook0(&bytes);
                super::twilio(&bytes);
                super::member(&bytes);
                #[cfg(feature = "httpsig")]
                super::http_signature(&bytes);
            }
        }
    }
}
