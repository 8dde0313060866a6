use std::fmt;

use data_encoding::BASE64;
use zeroize::Zeroizing;

/// A new secret for a receiver: `whsec_` and the Base64 of 32 random bytes, as Standard Webhooks writes them.
///
/// Show it once, to whom it belongs. `Debug` does not.
///
/// ```
/// use stonework_webhook_delivery::{Endpoint, Secret, Signer, scheme};
///
/// let secret = Secret::random()?;
/// let endpoint = Endpoint::builder("https://example.com/webhooks")
///     .signer(Signer::new(scheme::STANDARD).secret(secret.reveal()))
///     .build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// A new one, from the operating system's source of randomness.
    ///
    /// # Errors
    ///
    /// When that has none to give.
    pub fn random() -> std::io::Result<Self> {
        let mut bytes = Zeroizing::new([0_u8; 32]);
        getrandom::fill(&mut *bytes)?;
        let mut text = Zeroizing::new(String::with_capacity(64));
        text.push_str("whsec_");
        BASE64.encode_append(&*bytes, &mut text);
        Ok(Self(text))
    }

    /// The text.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stonework_webhook_sign::scheme::{STANDARD, Scheme};

    #[test]
    fn each_is_another_and_all_are_secrets_of_the_standard() {
        let [a, b] = [(); 2].map(|()| Secret::random().unwrap());
        assert_ne!(a.reveal(), b.reveal());
        assert_eq!(a.reveal().len(), 6 + 44);
        assert!(STANDARD.key(a.reveal()).is_ok());
        assert_eq!(format!("{a:?}"), "Secret(…)");
    }
}
