use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::KeyError;
use crate::mac::{HmacKey, Mac};
use crate::scheme::Scheme;
use crate::{Algorithm, Tag};

/// Secrets of fewer bytes can be guessed; Standard Webhooks asks for 24 to 64.
pub(crate) const SHORT_SECRET: usize = 16;

/// What signatures are made or checked with: its name, when it is valid, and the secret.
///
/// The secret is wiped when the last clone is dropped, and `Debug` does not show it.
#[derive(Clone)]
pub struct WebhookKey {
    pub(crate) name: Option<Arc<str>>,
    pub(crate) material: Material,
    is_short: bool,
    from: Duration,
    until: Duration,
}

#[derive(Clone)]
pub(crate) enum Material {
    Hmac(Arc<HmacKey>),
    #[cfg(feature = "ed25519")]
    Public(Arc<ed25519_dalek::VerifyingKey>),
    #[cfg(feature = "ed25519")]
    Secret(Arc<ed25519_dalek::SigningKey>),
}

impl WebhookKey {
    fn new(material: Material) -> Self {
        Self { name: None, material, is_short: false, from: Duration::ZERO, until: Duration::MAX }
    }

    /// A secret for HMAC: these bytes.
    ///
    /// # Errors
    ///
    /// [`KeyError::Empty`].
    pub fn hmac(secret: &[u8]) -> Result<Self, KeyError> {
        if secret.is_empty() {
            return Err(KeyError::Empty);
        }
        let key = Self::new(Material::Hmac(Arc::new(HmacKey::new(secret))));
        Ok(Self { is_short: secret.len() < SHORT_SECRET, ..key })
    }

    /// A public key of Ed25519, 32 bytes. It checks and cannot sign. Needs the feature `ed25519`.
    ///
    /// # Errors
    ///
    /// When it is no such key, or one under which a signature fits many messages.
    #[cfg_attr(not(feature = "ed25519"), allow(unused_variables))]
    pub fn ed25519_public(bytes: &[u8]) -> Result<Self, KeyError> {
        #[cfg(feature = "ed25519")]
        return Ok(Self::new(Material::Public(Arc::new(crate::ed25519::public(bytes)?))));
        #[cfg(not(feature = "ed25519"))]
        Err(KeyError::WrongKind)
    }

    /// A secret key of Ed25519: a seed of 32 bytes, with or without the 32 of the public key after it. It signs, and
    /// checks. Needs the feature `ed25519`.
    ///
    /// # Errors
    ///
    /// When it is no such key.
    #[cfg_attr(not(feature = "ed25519"), allow(unused_variables))]
    pub fn ed25519_secret(bytes: &[u8]) -> Result<Self, KeyError> {
        #[cfg(feature = "ed25519")]
        return Ok(Self::new(Material::Secret(Arc::new(crate::ed25519::secret(bytes)?))));
        #[cfg(not(feature = "ed25519"))]
        Err(KeyError::WrongKind)
    }

    /// Names the key: told with what it verified, and compared with the key id of schemes that send one. By default
    /// keys are called `1`, `2` and so on, in the order of their set.
    #[must_use]
    pub fn named(self, name: impl Into<Arc<str>>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// Valid from this time on. By default always.
    #[must_use]
    pub fn from(self, time: SystemTime) -> Self {
        Self { from: unix(time), ..self }
    }

    /// Valid before this time. By default for ever.
    #[must_use]
    pub fn until(self, time: SystemTime) -> Self {
        Self { until: unix(time), ..self }
    }

    pub(crate) fn is_valid(&self, now: Duration) -> bool {
        self.from <= now && now < self.until
    }

    pub(crate) fn is_ever_valid(&self) -> bool {
        self.from < self.until
    }

    pub(crate) const fn is_short(&self) -> bool {
        self.is_short
    }

    /// Does the key make or check signatures of this kind?
    #[inline]
    pub(crate) const fn is_for(&self, algorithm: Algorithm) -> bool {
        matches!(self.material, Material::Hmac(_)) == algorithm.is_hmac()
    }

    /// Does the key make or check any signatures of the scheme?
    pub(crate) fn fits(&self, scheme: &dyn Scheme) -> bool {
        use Algorithm::{Ed25519, HmacSha1, HmacSha256, HmacSha512};
        let mut all = [HmacSha1, HmacSha256, HmacSha512, Ed25519].into_iter();
        all.any(|algorithm| self.is_for(algorithm) && scheme.signs_with(algorithm))
    }

    /// `None` if either is no HMAC.
    #[inline]
    pub(crate) fn begin(&self, algorithm: Algorithm) -> Option<Mac> {
        match &self.material {
            Material::Hmac(key) => key.begin(algorithm),
            #[cfg(feature = "ed25519")]
            _ => None,
        }
    }

    /// Checks a signature of a public key. `false` for an HMAC.
    #[cfg_attr(not(feature = "ed25519"), allow(unused_variables))]
    pub(crate) fn verifies(&self, message: &[u8], tag: &Tag) -> bool {
        match &self.material {
            Material::Hmac(_) => false,
            #[cfg(feature = "ed25519")]
            Material::Public(key) => crate::ed25519::verifies(key, message, tag),
            #[cfg(feature = "ed25519")]
            Material::Secret(key) => crate::ed25519::verifies(key.as_ref().as_ref(), message, tag),
        }
    }

    /// `None` for a key that cannot sign, or not by this algorithm.
    pub(crate) fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Option<Tag> {
        match &self.material {
            Material::Hmac(key) => {
                let mut mac = key.begin(algorithm)?;
                mac.update(message);
                Some(mac.finish())
            }
            #[cfg(feature = "ed25519")]
            Material::Public(_) => None,
            #[cfg(feature = "ed25519")]
            Material::Secret(key) => {
                if algorithm.is_hmac() {
                    None
                } else {
                    crate::ed25519::sign(key, message)
                }
            }
        }
    }

    pub(crate) const fn can_sign(&self) -> bool {
        match self.material {
            Material::Hmac(_) => true,
            #[cfg(feature = "ed25519")]
            Material::Public(_) => false,
            #[cfg(feature = "ed25519")]
            Material::Secret(_) => true,
        }
    }
}

/// Since the Unix epoch; what lies before is the epoch itself.
fn unix(time: SystemTime) -> Duration {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

impl fmt::Debug for WebhookKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.material {
            Material::Hmac(_) => "hmac",
            #[cfg(feature = "ed25519")]
            Material::Public(_) => "ed25519 public",
            #[cfg(feature = "ed25519")]
            Material::Secret(_) => "ed25519 secret",
        };
        f.debug_struct("WebhookKey")
            .field("name", &self.name)
            .field("kind", &kind)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_has_a_first_moment_and_no_last_one() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let key = WebhookKey::hmac(b"secret").unwrap().from(at(10)).until(at(20));
        for (now, valid) in [(9, false), (10, true), (19, true), (20, false)] {
            assert_eq!(key.is_valid(Duration::from_secs(now)), valid, "{now}");
        }
        assert!(!key.clone().until(at(10)).is_ever_valid());
    }

    #[test]
    fn debug_does_not_leak() {
        let key = WebhookKey::hmac(b"hunter2").unwrap().named("old");
        let debug = format!("{key:?}");
        assert_eq!(debug, r#"WebhookKey { name: Some("old"), kind: "hmac", .. }"#);
        assert!(key.is_short());
        assert!(!WebhookKey::hmac(&[7; SHORT_SECRET]).unwrap().is_short());
    }
}
