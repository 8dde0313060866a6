//! Ed25519 signatures (RFC 8032). Feature `ed25519`.

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};

use crate::keys::KeyError;
use crate::{Algorithm, Tag};

/// A public key that can be trusted: on the curve, and of no small order, under which one signature would fit many
/// messages.
pub(crate) fn public(bytes: &[u8]) -> Result<VerifyingKey, KeyError> {
    let bytes: &[u8; 32] = bytes.try_into().map_err(|_| KeyError::WrongLength)?;
    let key = VerifyingKey::from_bytes(bytes).map_err(|_| KeyError::NotOnCurve)?;
    if key.is_weak() { Err(KeyError::NotOnCurve) } else { Ok(key) }
}

/// A secret key: its seed, or the seed with the public key after it, as libsodium writes it.
pub(crate) fn secret(bytes: &[u8]) -> Result<SigningKey, KeyError> {
    if let Ok(seed) = <&[u8; 32]>::try_from(bytes) {
        return Ok(SigningKey::from_bytes(seed));
    }
    let pair: &[u8; 64] = bytes.try_into().map_err(|_| KeyError::WrongLength)?;
    SigningKey::from_keypair_bytes(pair).map_err(|_| KeyError::NotOnCurve)
}

/// Strict, so that one message has one signature: a signature that can be changed and still fits would be a new one
/// to whoever remembers signatures.
pub(crate) fn verifies(key: &VerifyingKey, message: &[u8], tag: &Tag) -> bool {
    let Ok(signature) = Signature::from_slice(tag.as_bytes()) else {
        return false;
    };
    key.verify_strict(message, &signature).is_ok()
}

pub(crate) fn sign(key: &SigningKey, message: &[u8]) -> Option<Tag> {
    Tag::new(Algorithm::Ed25519, &key.sign(message).to_bytes())
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;

    use super::*;

    /// RFC 8032, section 7.1, test 2.
    const SEED: &[u8] = b"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
    const PUBLIC: &[u8] = b"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
    const SIGNATURE: &[u8] = b"92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";

    fn hex(text: &[u8]) -> Vec<u8> {
        HEXLOWER.decode(text).unwrap()
    }

    #[test]
    fn the_vector_of_rfc_8032() {
        let tag = sign(&secret(&hex(SEED)).unwrap(), &[0x72]).unwrap();
        assert_eq!(tag.as_bytes(), hex(SIGNATURE));
        let key = public(&hex(PUBLIC)).unwrap();
        assert!(verifies(&key, &[0x72], &tag));
        assert!(!verifies(&key, &[0x73], &tag));
    }

    #[test]
    fn a_secret_key_may_have_its_public_key_after_it() {
        let pair = [hex(SEED), hex(PUBLIC)].concat();
        assert_eq!(secret(&pair).unwrap(), secret(&hex(SEED)).unwrap());
        let wrong = [hex(SEED), vec![7; 32]].concat();
        assert!(secret(&wrong).is_err());
    }

    #[test]
    fn keys_of_small_order_are_refused() {
        // The neutral element: its signatures fit any message.
        let mut neutral = [0; 32];
        neutral[0] = 1;
        assert_eq!(public(&neutral).unwrap_err(), KeyError::NotOnCurve);
        assert_eq!(public(&[0; 31]).unwrap_err(), KeyError::WrongLength);
    }
}
