use std::fmt;
use std::sync::Arc;

use stonework_core::{ConfigError, ConfigErrors};
use tower_layer::Layer;

use super::answer::{self, Answer};
use super::cloud_events::CloudEvents;
use super::service::HandshakeService;
use crate::Verified;
use crate::keys::{KeyError, SecretFormat, WebhookKey};

/// Answers what providers ask before they send events, so that handlers see events only.
///
/// Slack, Zoom and Discord sign their challenges: put this layer *inside* of the [`VerifyLayer`](crate::VerifyLayer), whose
/// word it takes for who asks. The `OPTIONS` request of CloudEvents is not signed: for that, put one *outside*.
///
/// ```
/// use stonework_webhook_sign::{HandshakeLayer, Sender, VerifyLayer, scheme};
/// use tower::ServiceBuilder;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let slack = VerifyLayer::builder()
///     .sender(Sender::new(scheme::SLACK).secret("8f742231b10e8888abcd99yyyzzz85a5"))
///     .build()?;
/// let handshake = HandshakeLayer::builder().slack().build()?;
/// let stack = ServiceBuilder::new().layer(slack).layer(handshake);
/// # let _ = stack;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct HandshakeLayer {
    shared: Arc<Shared>,
}

#[derive(Default)]
pub(super) struct Shared {
    slack: bool,
    discord: bool,
    zoom: Option<WebhookKey>,
    pub(super) cloud_events: Option<CloudEvents>,
}

impl Shared {
    /// Is it worth while to look into the body of what this sender signed?
    pub(super) fn answers(&self, verified: &Verified) -> bool {
        match verified.scheme() {
            "slack" => self.slack,
            "discord" => self.discord,
            "zoom" => self.zoom.is_some(),
            _ => false,
        }
    }

    pub(super) fn answer(&self, scheme: &str, body: &[u8]) -> Option<Answer> {
        match scheme {
            "slack" => answer::slack(body),
            "discord" => answer::discord(body),
            "zoom" => answer::zoom(body, self.zoom.as_ref()?),
            _ => None,
        }
    }
}

impl HandshakeLayer {
    /// A builder that answers nothing yet.
    pub fn builder() -> HandshakeLayerBuilder {
        HandshakeLayerBuilder { shared: Shared::default(), zoom: None }
    }
}

impl fmt::Debug for HandshakeLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shared.fmt(f)
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandshakeLayer")
            .field("slack", &self.slack)
            .field("discord", &self.discord)
            .field("zoom", &self.zoom.is_some())
            .field("cloud_events", &self.cloud_events)
            .finish()
    }
}

impl<S> Layer<S> for HandshakeLayer {
    type Service = HandshakeService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        HandshakeService::new(inner, Arc::clone(&self.shared))
    }
}

/// Builds a [`HandshakeLayer`].
#[must_use = "a builder does nothing until `build` is called"]
pub struct HandshakeLayerBuilder {
    shared: Shared,
    zoom: Option<Result<WebhookKey, KeyError>>,
}

impl HandshakeLayerBuilder {
    /// Slack's `url_verification`: gives the challenge back.
    pub fn slack(mut self) -> Self {
        self.shared.slack = true;
        self
    }

    /// Zoom's `endpoint.url_validation`: gives the token back with its HMAC under the app's secret token.
    pub fn zoom(mut self, secret: impl AsRef<str>) -> Self {
        self.zoom = Some(SecretFormat::Verbatim.read(secret.as_ref()));
        self
    }

    /// The PING of Discord's interactions: answers with a PONG. Those of its webhook events reach the handler.
    pub fn discord(mut self) -> Self {
        self.shared.discord = true;
        self
    }

    /// The `OPTIONS` request of CloudEvents: grants delivery to those who may.
    pub fn cloud_events(mut self, events: CloudEvents) -> Self {
        self.shared.cloud_events = Some(events);
        self
    }

    /// The layer.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, at once.
    pub fn build(mut self) -> Result<HandshakeLayer, ConfigErrors<ConfigError>> {
        let mut errors = Vec::new();
        match self.zoom {
            Some(Ok(key)) => self.shared.zoom = Some(key),
            Some(Err(error)) => {
                errors.push(ConfigError::shown("zoom", "secret".to_owned(), error.to_string()));
            }
            None => {}
        }
        if self.shared.cloud_events.as_ref().is_some_and(CloudEvents::is_empty) {
            let reason = "allows nobody; name an origin";
            errors.push(ConfigError::new("cloud_events", "none", reason));
        }
        ConfigErrors::check(errors, Ok(()))?;
        Ok(HandshakeLayer { shared: Arc::new(self.shared) })
    }
}

impl fmt::Debug for HandshakeLayerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandshakeLayerBuilder").finish_non_exhaustive()
    }
}
