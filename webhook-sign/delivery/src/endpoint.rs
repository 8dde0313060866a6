use std::fmt;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use stonework_core::{Clock, ConfigError, ConfigErrors};
use stonework_webhook_sign::{SignLayer, SignLayerBuilder, Signer};

/// Where somebody wants to be told, and how what is told there is signed. Clones share it.
///
/// ```
/// use stonework_webhook_delivery::{Endpoint, Signer, scheme};
///
/// # let [new, old] = ["whsec_bmV3IHNlY3JldCBvZiB0aGUgcmVjZWl2ZXI", "whsec_b2xkIHNlY3JldCBvZiB0aGUgcmVjZWl2ZXI"];
/// let endpoint = Endpoint::builder("https://example.com/webhooks")
///     // While a secret is changed, both sign.
///     .signer(Signer::new(scheme::STANDARD).secret(new).secret(old))
///     .build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Endpoint {
    inner: Arc<Inner>,
}

struct Inner {
    url: Uri,
    headers: HeaderMap,
    signing: SignLayer,
}

impl Endpoint {
    /// A builder for this URL. At least one [`signer`](EndpointBuilder::signer) must be named.
    pub fn builder(url: impl AsRef<str>) -> EndpointBuilder {
        EndpointBuilder {
            url: url.as_ref().to_owned(),
            headers: Vec::new(),
            signing: SignLayer::builder().max_body(usize::MAX),
        }
    }

    /// Where.
    pub fn url(&self) -> &Uri {
        &self.inner.url
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.inner.headers
    }

    pub(crate) fn signing(&self) -> &SignLayer {
        &self.inner.signing
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Paths of webhooks are often secrets.
        f.debug_struct("Endpoint").field("host", &self.inner.url.host()).finish_non_exhaustive()
    }
}

/// Builds an [`Endpoint`].
#[must_use = "a builder does nothing until `build` is called"]
pub struct EndpointBuilder {
    url: String,
    headers: Vec<(String, String)>,
    signing: SignLayerBuilder,
}

impl EndpointBuilder {
    /// How messages are signed. Called again it adds another way.
    pub fn signer(mut self, signer: Signer) -> Self {
        self.signing = self.signing.signer(signer);
        self
    }

    /// A header that goes with every message, such as `authorization`. Not one that says what is sent, to whom, or who
    /// signed it.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Where the time of signatures comes from. Default the operating system, through tokio's clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.signing = self.signing.clock(clock);
        self
    }

    /// The endpoint. Whether anything may be sent there is for [`check_url`](crate::egress::EgressGuard::check_url) to say.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, at once. None of it shows a secret.
    pub fn build(self) -> Result<Endpoint, ConfigErrors<ConfigError>> {
        let mut errors = Vec::new();
        let url = url(&self.url).map_err(|error| errors.push(error)).ok();
        let headers = headers(self.headers, &mut errors);
        let signing = match self.signing.build() {
            Ok(signing) => signing,
            Err(more) => return Err(more.with(errors)),
        };
        ConfigErrors::check(errors, Ok(()))?;
        let url = url.unwrap_or_default();
        Ok(Endpoint { inner: Arc::new(Inner { url, headers, signing }) })
    }
}

impl fmt::Debug for EndpointBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EndpointBuilder").field("signing", &self.signing).finish_non_exhaustive()
    }
}

/// The URL is not told: it may be a secret.
fn url(text: &str) -> Result<Uri, ConfigError> {
    let fault = |reason| Err(ConfigError::shown("url", "…".to_owned(), reason));
    match text.parse::<Uri>() {
        Ok(url) if url.scheme().is_none() || url.host().is_none_or(str::is_empty) => {
            fault("is not absolute; write it with https and a host")
        }
        Ok(url) => Ok(url),
        Err(_) => fault("is no URL"),
    }
}

fn headers(given: Vec<(String, String)>, errors: &mut Vec<ConfigError>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let known = HeaderName::try_from(name.as_str()).ok();
        let Some(known) = known.filter(|name| !is_reserved(name)) else {
            let reason = "is no header, or one that only the sender writes; leave it out";
            errors.push(ConfigError::new("header", name, reason));
            continue;
        };
        match HeaderValue::try_from(value) {
            Ok(mut value) => {
                value.set_sensitive(true);
                headers.append(known, value);
            }
            Err(_) => {
                errors.push(ConfigError::new(
                    "header",
                    name,
                    "has a value that no header can have",
                ));
            }
        }
    }
    headers
}

/// Does the header say what is sent, to whom, how, or who signed it?
fn is_reserved(name: &HeaderName) -> bool {
    const FRAMING: [&str; 11] = [
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "host",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    let name = name.as_str();
    let prefixes = ["webhook-", "svix-", "proxy-"];
    FRAMING.contains(&name)
        || stonework_webhook_sign::REQUEST_HEADERS.contains(&name)
        || prefixes.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;
    use stonework_webhook_sign::scheme;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn builder(url: &str) -> EndpointBuilder {
        Endpoint::builder(url).signer(Signer::new(scheme::STANDARD).secret(SECRET))
    }

    #[test]
    fn all_mistakes_are_told_and_no_secret() {
        let hidden = "/services/T0/hidden";
        let bad = Endpoint::builder(hidden)
            .signer(Signer::new(scheme::STANDARD).secret("whsec_***"))
            .header("Webhook-Id", "1")
            .header("content-length", "2")
            .header("stripe-signature", "3")
            .header("x y", "4")
            .header("x-ok", "a\nb");
        let errors = bad.build().unwrap_err();
        assert_eq!(errors.as_slice().len(), 7, "{errors}");
        assert!(!errors.to_string().contains("hidden") && !errors.to_string().contains("***"));
        assert!(builder("https://").build().is_err());
    }

    #[test]
    fn debug_does_not_leak() {
        let endpoint = builder("https://hooks.example.com/services/hidden?token=hidden");
        let endpoint = endpoint.header("authorization", "Bearer hidden").build().unwrap();
        let debug = format!("{endpoint:?} {:?}", endpoint.headers());
        assert!(debug.contains("hooks.example.com") && !debug.contains("hidden"), "{debug}");
    }
}
