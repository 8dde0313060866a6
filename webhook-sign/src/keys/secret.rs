use data_encoding::{BASE64, BASE64_NOPAD, Encoding, HEXLOWER_PERMISSIVE};
use zeroize::Zeroizing;

use super::{KeyError, WebhookKey};

/// How a provider writes its secrets down.
///
/// The same text is another secret in another format: `whsec_…` is Base64 after the prefix to Standard Webhooks, and
/// the secret itself, prefix and all, to Stripe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecretFormat {
    /// The bytes of the text.
    #[default]
    Verbatim,
    /// Base64 after `whsec_`, with padding or without; `whpk_` and `whsk_` are Ed25519 keys.
    Standard,
    /// A public key of Ed25519 in hexadecimal digits.
    Ed25519Hex,
}

const HMAC_PREFIX: &str = "whsec_";
const PUBLIC_PREFIX: &str = "whpk_";
const SECRET_PREFIX: &str = "whsk_";

impl SecretFormat {
    /// The key that this text is.
    ///
    /// # Errors
    ///
    /// When the text is not written in this format.
    pub fn read(self, text: &str) -> Result<WebhookKey, KeyError> {
        // A line's end that came with it would be part of another secret, and nothing would ever fit.
        if text.trim_ascii().len() != text.len() {
            return Err(KeyError::WhiteSpace);
        }
        match self {
            Self::Verbatim => WebhookKey::hmac(text.as_bytes()),
            Self::Standard => standard(text),
            Self::Ed25519Hex => {
                let bytes = HEXLOWER_PERMISSIVE.decode(text.as_bytes());
                WebhookKey::ed25519_public(&bytes.map_err(|_| KeyError::NotHex)?)
            }
        }
    }
}

fn standard(text: &str) -> Result<WebhookKey, KeyError> {
    if let Some(rest) = text.strip_prefix(PUBLIC_PREFIX) {
        return WebhookKey::ed25519_public(&base64(rest)?);
    }
    if let Some(rest) = text.strip_prefix(SECRET_PREFIX) {
        return WebhookKey::ed25519_secret(&base64(rest)?);
    }
    // The reference libraries take secrets without the prefix too.
    WebhookKey::hmac(&base64(text.strip_prefix(HMAC_PREFIX).unwrap_or(text))?)
}

/// Base64, with padding or without: SDKs write both.
fn base64(text: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let encoding: &Encoding = if text.ends_with('=') { &BASE64 } else { &BASE64_NOPAD };
    encoding.decode(text.as_bytes()).map(Zeroizing::new).map_err(|_| KeyError::NotBase64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Algorithm;

    fn mac(key: &WebhookKey) -> Vec<u8> {
        key.begin(Algorithm::HmacSha256).unwrap().finish().as_bytes().to_vec()
    }

    #[test]
    fn one_text_is_two_secrets() {
        let text = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let standard = SecretFormat::Standard.read(text).unwrap();
        let stripe = SecretFormat::Verbatim.read(text).unwrap();
        assert_ne!(mac(&standard), mac(&stripe));
        let bare = SecretFormat::Standard.read(&text["whsec_".len()..]).unwrap();
        assert_eq!(mac(&standard), mac(&bare));
    }

    #[test]
    fn padding_may_be_left_out() {
        let padded = SecretFormat::Standard.read("whsec_c2VjcmV0IHNlY3JldCBzZWNyZXQ=").unwrap();
        let bare = SecretFormat::Standard.read("whsec_c2VjcmV0IHNlY3JldCBzZWNyZXQ").unwrap();
        assert_eq!(mac(&padded), mac(&bare));
    }

    #[test]
    fn what_is_no_secret_is_refused() {
        let read = |format: SecretFormat, text| format.read(text).unwrap_err();
        assert_eq!(read(SecretFormat::Verbatim, ""), KeyError::Empty);
        assert_eq!(read(SecretFormat::Verbatim, "secret\n"), KeyError::WhiteSpace);
        assert_eq!(read(SecretFormat::Standard, " whsec_c2Vj"), KeyError::WhiteSpace);
        assert_eq!(read(SecretFormat::Standard, ""), KeyError::Empty);
        assert_eq!(read(SecretFormat::Standard, "whsec_"), KeyError::Empty);
        assert_eq!(read(SecretFormat::Standard, "whsec_***"), KeyError::NotBase64);
        assert_eq!(read(SecretFormat::Standard, "whsec_c2Vj cmV0"), KeyError::NotBase64);
        assert_eq!(read(SecretFormat::Ed25519Hex, "xyz"), KeyError::NotHex);
    }
}
