use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use stonework_core::{Clock, ConfigError, ConfigErrors, RequestHead, TokioClock};
use tower_layer::Layer;

use super::message_id::MessageId;
use super::service::SignService;
use super::signer::{Signer, Signs};

/// Signs requests on their way out of a tower client: hyper-util's, reqwest's, a tonic channel.
///
/// It belongs inside of what retries and inside of what changes the body, so that each attempt has a time of its own and
/// the bytes that are signed are those that are sent. The [`MessageId`] stays the same if it is put into the request's
/// extensions outside.
///
/// ```
/// use bytes::Bytes;
/// use http_body_util::Full;
/// use hyper_util::client::legacy::Client;
/// use hyper_util::rt::TokioExecutor;
/// use stonework_webhook_sign::{SignLayer, Signer, StoneBody, scheme};
/// use tower::ServiceBuilder;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let signing = SignLayer::builder()
///     .signer(Signer::new(scheme::STANDARD).secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
///     .build()?;
///
/// let client = Client::builder(TokioExecutor::new()).build_http::<StoneBody<Full<Bytes>>>();
/// let client = ServiceBuilder::new().layer(signing).service(client);
/// # let _ = client;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SignLayer {
    shared: Arc<Shared>,
}

pub(super) type IdFn = Arc<dyn Fn(&RequestHead<'_>) -> Option<MessageId> + Send + Sync>;

pub(super) struct Shared {
    pub(super) signers: Vec<Signs>,
    pub(super) id: Option<IdFn>,
    pub(super) max_body: usize,
    pub(super) read_timeout: Duration,
    pub(super) keys_timeout: Duration,
    pub(super) clock: Arc<dyn Clock>,
}

impl SignLayer {
    /// A builder with the defaults that its methods name. At least one [`signer`](SignLayerBuilder::signer) must be named.
    pub fn builder() -> SignLayerBuilder {
        SignLayerBuilder {
            signers: Vec::new(),
            id: None,
            max_body: 1024 * 1024,
            read_timeout: Duration::from_secs(10),
            keys_timeout: Duration::from_secs(1),
            clock: None,
        }
    }
}

impl fmt::Debug for SignLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shared.fmt(f)
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let signers: Vec<_> = self.signers.iter().map(|signer| signer.scheme.name()).collect();
        f.debug_struct("SignLayer").field("signers", &signers).finish_non_exhaustive()
    }
}

impl<S> Layer<S> for SignLayer {
    type Service = SignService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        SignService::new(inner, Arc::clone(&self.shared))
    }
}

/// Builds a [`SignLayer`].
#[must_use = "a builder does nothing until `build` is called"]
pub struct SignLayerBuilder {
    signers: Vec<Signer>,
    id: Option<IdFn>,
    max_body: usize,
    read_timeout: Duration,
    keys_timeout: Duration,
    clock: Option<Arc<dyn Clock>>,
}

impl SignLayerBuilder {
    /// How requests are signed. Called again it adds another scheme: receivers take the one that they know.
    pub fn signer(mut self, signer: Signer) -> Self {
        self.signers.push(signer);
        self
    }

    /// What a message is called. Default a [`MessageId`] among the request's extensions, and without one a new id for each
    /// attempt.
    pub fn id(
        mut self,
        id: impl Fn(&RequestHead<'_>) -> Option<MessageId> + Send + Sync + 'static,
    ) -> Self {
        self.id = Some(Arc::new(id));
        self
    }

    /// The largest body, in bytes: it has to be in memory to be signed. Default 1 MiB.
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// How long a body that is a stream may take to its end. Default 10 s.
    pub fn read_timeout(mut self, timeout: Duration) -> Self {
        self.read_timeout = timeout;
        self
    }

    /// How long a look-up of keys may take. Default 1 s.
    pub fn keys_timeout(mut self, timeout: Duration) -> Self {
        self.keys_timeout = timeout;
        self
    }

    /// Where time comes from, for timestamps. Default the operating system, through tokio's clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// The layer.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, at once. None of it shows a secret.
    pub fn build(self) -> Result<SignLayer, ConfigErrors<ConfigError>> {
        let mut errors = Vec::new();
        if self.signers.is_empty() {
            let reason = "signs nothing; name at least one";
            errors.push(ConfigError::new("signer", "none", reason));
        }
        for (setting, time) in
            [("read_timeout", self.read_timeout), ("keys_timeout", self.keys_timeout)]
        {
            if time < Duration::from_millis(1) {
                errors.push(ConfigError::new(setting, time, "is too short; use at least 1 ms"));
            }
        }
        for (at, signer) in self.signers.iter().enumerate() {
            let name = signer.name();
            if self.signers[..at].iter().any(|other| other.name() == name) {
                let reason = "is there twice, and would write over its own signature; give one of them all secrets";
                errors.push(ConfigError::new("signer", name, reason));
            }
        }
        let signers = self.signers.into_iter();
        let signers = signers.filter_map(|signer| signer.build(&mut errors)).collect();
        ConfigErrors::check(errors, Ok(()))?;
        let shared = Shared {
            signers,
            id: self.id,
            max_body: self.max_body,
            read_timeout: self.read_timeout,
            keys_timeout: self.keys_timeout,
            clock: self.clock.unwrap_or_else(|| Arc::new(TokioClock::new())),
        };
        Ok(SignLayer { shared: Arc::new(shared) })
    }
}

impl fmt::Debug for SignLayerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignLayerBuilder")
            .field("signers", &self.signers)
            .field("max_body", &self.max_body)
            .finish_non_exhaustive()
    }
}
