use std::error::Error;
use std::fmt;

use arrayvec::ArrayVec;
use http::HeaderMap;
use stonework_core::RequestHead;

use crate::claims::BodyRole;
use crate::keys::{KeySet, MAX_KEYS, WebhookKey};
use crate::scheme::{Outgoing, SignScheme};
use crate::{Algorithm, Claims, Refusal, Tag};

/// Signs a message: writes the headers of `scheme` into `headers`, which are those that the message is sent with, in
/// place of any that are there.
///
/// Every key that is valid at `outgoing.now` signs. What a [`SignLayer`](crate::SignLayer) does for each request, for
/// whoever has no tower client.
///
/// ```
/// use std::time::Duration;
/// use http::Request;
/// use stonework_webhook_sign::keys::KeySet;
/// use stonework_webhook_sign::scheme::{self, Outgoing, Scheme};
/// use stonework_webhook_sign::{RequestHead, sign};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let keys = KeySet::new([scheme::STANDARD.key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")?])?;
/// let body = br#"{"test": 2432232314}"#;
/// let request = Request::post("https://example.com/webhooks").body(())?;
/// let message = Outgoing::new(
///     RequestHead::of(&request),
///     body,
///     "msg_p5jXN8AQM9LWM0D4loKWxJek",
///     Duration::from_secs(1_614_265_330),
/// );
/// let mut headers = http::HeaderMap::new();
/// sign(&scheme::STANDARD, &keys, &message, &mut headers)?;
/// assert_eq!(
///     headers["webhook-signature"],
///     "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
/// );
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// When no key is valid or can sign, or when the scheme cannot write the message, as with an id that has a dot in it.
pub fn sign(
    scheme: &dyn SignScheme,
    keys: &KeySet,
    outgoing: &Outgoing<'_>,
    headers: &mut HeaderMap,
) -> Result<(), SignFault> {
    let mut claims = Claims::default();
    scheme.prepare(outgoing, &mut claims, headers).map_err(SignFault::Message)?;
    let mut head = outgoing.head;
    head.headers = headers;
    let mut tags = ArrayVec::<Tag, MAX_KEYS>::new();
    for (_, key) in keys.valid(outgoing.now, None) {
        let signed = sign_with(key, scheme, &mut claims, &head, outgoing.body);
        if let Some(tag) = signed.map_err(SignFault::Message)? {
            tags.push(tag);
        }
    }
    if tags.is_empty() {
        return Err(SignFault::NoKey);
    }
    scheme.write(&claims, &tags, headers).map_err(SignFault::Message)
}

/// `None` for a key that does not make signatures of the scheme.
fn sign_with(
    key: &WebhookKey,
    scheme: &dyn SignScheme,
    claims: &mut Claims,
    head: &RequestHead<'_>,
    body: &[u8],
) -> Result<Option<Tag>, Refusal> {
    let follows = matches!(claims.body(), BodyRole::Follows);
    if key.is_for(Algorithm::Ed25519) {
        if !scheme.signs_with(Algorithm::Ed25519) || !key.can_sign() {
            return Ok(None);
        }
        let mut message = Vec::with_capacity(body.len() + 64);
        put(scheme, claims, head, body, follows, &mut |piece| message.extend_from_slice(piece))?;
        return Ok(key.sign(Algorithm::Ed25519, &message));
    }
    let Some(mut mac) = key.begin(scheme.hmac()).filter(|_| scheme.signs_with(scheme.hmac()))
    else {
        return Ok(None);
    };
    put(scheme, claims, head, body, follows, &mut |piece| mac.update(piece))?;
    Ok(Some(mac.finish()))
}

fn put(
    scheme: &dyn SignScheme,
    claims: &mut Claims,
    head: &RequestHead<'_>,
    body: &[u8],
    follows: bool,
    put: &mut dyn FnMut(&[u8]),
) -> Result<(), Refusal> {
    scheme.before(claims, head, &mut *put)?;
    if follows {
        put(body);
    }
    scheme.after(claims, head, body, put)
}

/// Is there a key that signs messages of the scheme at some time?
pub(crate) fn can_sign(scheme: &dyn SignScheme, keys: &KeySet) -> bool {
    keys.iter().any(|key| {
        let algorithm =
            if key.is_for(Algorithm::Ed25519) { Algorithm::Ed25519 } else { scheme.hmac() };
        key.can_sign() && scheme.signs_with(algorithm)
    })
}

/// Why a message could not be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignFault {
    /// No key is valid now, or none of them makes signatures of the scheme.
    NoKey,
    /// The message cannot be written in the scheme, and this is what is in the way.
    Message(Refusal),
}

impl fmt::Display for SignFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoKey => f.write_str("no key is valid now that signs messages of the scheme"),
            Self::Message(refusal) => write!(f, "the message cannot be signed: {refusal}"),
        }
    }
}

impl Error for SignFault {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Message(refusal) => Some(refusal),
            Self::NoKey => None,
        }
    }
}
