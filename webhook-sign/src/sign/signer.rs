use std::fmt;
use std::sync::Arc;

use stonework_core::ConfigError;

use crate::keys::{KeyError, KeyProvider, KeySet, WebhookKey};
use crate::scheme::SignScheme;
use crate::signing::can_sign;

/// One way in which a request is signed: a scheme, and keys.
#[must_use = "a signer does nothing until a layer is told of it"]
pub struct Signer {
    scheme: Arc<dyn SignScheme>,
    keys: Vec<Result<WebhookKey, KeyError>>,
    provider: Option<Arc<dyn KeyProvider>>,
}

impl Signer {
    /// By this scheme. Needs a [`secret`](Self::secret), a [`key`](Self::key) or [`keys`](Self::keys).
    pub fn new(scheme: impl SignScheme) -> Self {
        Self { scheme: Arc::new(scheme), keys: Vec::new(), provider: None }
    }

    /// A secret, as the scheme writes it. Called again it adds another, up to 4: each signs, where the scheme has room for
    /// more than one signature, and else the first.
    pub fn secret(mut self, text: impl AsRef<str>) -> Self {
        self.keys.push(self.scheme.key(text.as_ref()));
        self
    }

    /// A key with a name, or a time when it is valid.
    pub fn key(mut self, key: WebhookKey) -> Self {
        self.keys.push(Ok(key));
        self
    }

    /// Where keys come from, in place of secrets that stay: one set for each endpoint, for instance.
    pub fn keys(mut self, keys: impl KeyProvider) -> Self {
        self.provider = Some(Arc::new(keys));
        self
    }

    pub(super) fn name(&self) -> &'static str {
        self.scheme.name()
    }

    pub(super) fn build(self, errors: &mut Vec<ConfigError>) -> Option<Signs> {
        errors.extend(self.scheme.errors());
        let name = self.scheme.name();
        let mut fault = |error: KeyError| {
            errors.push(ConfigError::shown("secret", name.to_owned(), error.to_string()));
        };
        if let Some(keys) = self.provider {
            if !self.keys.is_empty() {
                let reason = "has secrets and another place that keys come from; name one of them";
                errors.push(ConfigError::new("keys", name, reason));
            }
            return Some(Signs { scheme: self.scheme, keys });
        }
        let (mut good, mut all_good) = (Vec::new(), true);
        for key in self.keys {
            match key {
                Ok(key) => good.push(key),
                Err(error) => {
                    all_good = false;
                    fault(error);
                }
            }
        }
        if !all_good {
            return None;
        }
        let set = KeySet::new(good).map_err(&mut fault).ok()?;
        if !can_sign(&*self.scheme, &set) {
            fault(KeyError::WrongKind);
        }
        Some(Signs { scheme: self.scheme, keys: Arc::new(set) })
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("scheme", &self.scheme.name()).finish_non_exhaustive()
    }
}

/// A signer as a layer knows it.
pub(super) struct Signs {
    pub(super) scheme: Arc<dyn SignScheme>,
    pub(super) keys: Arc<dyn KeyProvider>,
}
