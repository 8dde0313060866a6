use std::time::Duration;

use stonework_core::ConfigError;

use super::component::{Component, MAX_COMPONENTS};
use crate::scheme::PublicUrl;

/// HTTP Message Signatures (RFC 9421), `hmac-sha256` and `ed25519`, and what a signature has to cover for its request to be
/// taken.
///
/// The standard leaves that to each application, and a library that only checks what is there accepts a signature over
/// nothing. By default a signature covers the method, the whole URL and the digest of the body, and says when it was made,
/// at most 5 min from now. A signature that covers more is taken too. A digest that is covered is compared with the body; one
/// that is not is not looked at.
///
/// Keys: the text of a secret is an HMAC secret in Base64; for Ed25519 make a
/// [`WebhookKey`](crate::keys::WebhookKey) of the public key. A key's name is its `keyid`.
///
/// ```
/// use stonework_webhook_sign::scheme::{HttpSignature, PublicUrl};
///
/// let scheme = HttpSignature::new(PublicUrl::origin("https://api.example.com"))
///     .require(["@method", "@target-uri", "content-digest", "content-type"])
///     .tag("webhook");
/// # let _ = scheme;
/// ```
#[derive(Clone, Debug)]
pub struct HttpSignature {
    pub(super) url: PublicUrl,
    pub(super) required: Vec<String>,
    pub(super) label: Option<String>,
    pub(super) tag: Option<String>,
    pub(super) key_id: Option<String>,
    pub(super) max_age: Duration,
    pub(super) unsigned_body: bool,
}

impl HttpSignature {
    /// With the URL that requests are sent to: `@target-uri`, `@authority` and `@scheme` are made of it, and not of what the
    /// request says of itself.
    pub fn new(url: PublicUrl) -> Self {
        Self {
            url,
            required: ["@method", "@target-uri", "content-digest"].map(str::to_owned).to_vec(),
            label: None,
            tag: None,
            key_id: None,
            max_age: Duration::from_secs(300),
            unsigned_body: false,
        }
    }

    /// The components that a signature has to cover, and covers if it is made here. They are names of headers and `@method`,
    /// `@target-uri`, `@authority`, `@scheme`, `@path`, `@query` or `@request-target`, without parameters.
    #[must_use]
    pub fn require<C: Into<String>>(self, components: impl IntoIterator<Item = C>) -> Self {
        Self { required: components.into_iter().map(Into::into).collect(), ..self }
    }

    /// The label of the signature that counts. By default there has to be one signature, of whatever label, or one with the
    /// [tag](Self::tag).
    #[must_use]
    pub fn label(self, label: impl Into<String>) -> Self {
        Self { label: Some(label.into()), ..self }
    }

    /// The application that the signature has to be made for.
    #[must_use]
    pub fn tag(self, tag: impl Into<String>) -> Self {
        Self { tag: Some(tag.into()), ..self }
    }

    /// The `keyid` of signatures that are made.
    #[must_use]
    pub fn key_id(self, id: impl Into<String>) -> Self {
        Self { key_id: Some(id.into()), ..self }
    }

    /// How far `created` may be from now, on either side. Default 5 min.
    #[must_use]
    pub fn max_age(self, age: Duration) -> Self {
        Self { max_age: age, ..self }
    }

    /// Takes signatures that do not cover the body: then anybody can change it.
    #[must_use]
    pub fn danger_unsigned_body(self) -> Self {
        Self { unsigned_body: true, ..self }
    }

    pub(super) fn faults(&self) -> Vec<ConfigError> {
        let mut errors = Vec::new();
        if let Some(fault) = self.url.fault() {
            errors.push(ConfigError::new("url", self.url.text(), fault));
        }
        for name in &self.required {
            if Component::parse(name).is_err() {
                let reason = "is no component that is known; use a header's name or @method, @target-uri, \
                    @authority, @scheme, @path, @query, @request-target";
                errors.push(ConfigError::new("require", name, reason));
            }
        }
        if self.required.len() > MAX_COMPONENTS {
            errors.push(ConfigError::new("require", self.required.len(), "is more than 32"));
        }
        if !self.unsigned_body && !self.required.iter().any(|name| name == "content-digest") {
            let reason = "leaves the body out; name content-digest, or say danger_unsigned_body()";
            errors.push(ConfigError::new("require", &self.required, reason));
        }
        let label = self.label.as_deref().unwrap_or("sig");
        if sfv::KeyRef::from_str(label).is_err() {
            let reason = "is no label; use lower case letters, digits, - _ . and *";
            errors.push(ConfigError::new("label", label, reason));
        }
        for (setting, text) in [("tag", &self.tag), ("key_id", &self.key_id)] {
            let text = text.as_deref().unwrap_or_default();
            if sfv::StringRef::from_str(text).is_err() {
                errors.push(ConfigError::new(setting, text, "is not visible ASCII"));
            }
        }
        errors
    }
}
