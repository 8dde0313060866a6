use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use stonework_core::{ConfigError, Key};

use crate::keys::{KeyError, KeyProvider, KeySet, WebhookKey};
use crate::scheme::Scheme;
use crate::warning::Warning;

/// Longer than that, a timestamp protects from little.
const LONG_TOLERANCE: Duration = Duration::from_secs(60 * 60);

pub(crate) type EventFn = Arc<dyn Fn(&[u8]) -> Option<Key> + Send + Sync>;

/// Somebody whose webhooks are taken: how they sign, with what keys, and from where.
///
/// ```
/// use stonework_webhook_sign::{Sender, scheme};
///
/// // While a secret is changed, both are good.
/// let stripe = Sender::new(scheme::STRIPE).secret("whsec_new_secret").secret("whsec_old_secret");
/// # let _ = stripe;
/// ```
#[must_use = "a sender does nothing until a layer is told of it"]
pub struct Sender {
    scheme: Arc<dyn Scheme>,
    keys: Vec<Result<WebhookKey, KeyError>>,
    provider: Option<Arc<dyn KeyProvider>>,
    tolerance: Option<Duration>,
    networks: Option<Vec<String>>,
    event: Option<EventFn>,
    accepts_replays: bool,
}

impl Sender {
    /// Who signs by this scheme. Needs a [`secret`](Self::secret), a [`key`](Self::key) or [`keys`](Self::keys).
    pub fn new(scheme: impl Scheme) -> Self {
        Self {
            scheme: Arc::new(scheme),
            keys: Vec::new(),
            provider: None,
            tolerance: None,
            networks: None,
            event: None,
            accepts_replays: false,
        }
    }

    pub(crate) fn name(&self) -> &'static str {
        self.scheme.name()
    }

    /// A secret, as the provider shows it. Called again it adds another, up to 4: they are good at the same time.
    pub fn secret(mut self, text: impl AsRef<str>) -> Self {
        self.keys.push(self.scheme.key(text.as_ref()));
        self
    }

    /// A key with a name, or a time when it is valid.
    pub fn key(mut self, key: WebhookKey) -> Self {
        self.keys.push(Ok(key));
        self
    }

    /// Where keys come from, in place of secrets that stay: [`RotatingKeys`](crate::keys::RotatingKeys), or `TenantKeys`.
    /// Nothing is asked of it before there is a request, so short secrets are not warned of.
    pub fn keys(mut self, keys: impl KeyProvider) -> Self {
        self.provider = Some(Arc::new(keys));
        self
    }

    /// How far a signed timestamp may be from now, on either side. Default the provider's: mostly 5 min.
    pub const fn tolerance(mut self, tolerance: Duration) -> Self {
        self.tolerance = Some(tolerance);
        self
    }

    /// The networks that the sender sends from, as `192.0.2.0/24`, `2001:db8::/32` or a single address. Others are refused
    /// before anything of the request is read. The layer has to be told the peer's address:
    /// [`peer`](crate::VerifyLayerBuilder::peer).
    pub fn networks<N: Into<String>>(mut self, networks: impl IntoIterator<Item = N>) -> Self {
        self.networks = Some(networks.into_iter().map(Into::into).collect());
        self
    }

    /// What tells one event from another in a body that was verified, the same for all attempts to deliver it. In place of
    /// what the scheme knows: [`Scheme::event`], and a signed id.
    pub fn event_id(
        mut self,
        event: impl Fn(&[u8]) -> Option<Key> + Send + Sync + 'static,
    ) -> Self {
        self.event = Some(Arc::new(event));
        self
    }

    /// Does not ask the replay store: each request that this sender signed is handled, as often as it comes. For senders
    /// whose events look all alike, so that the second would count as the first come again: [Dropbox](crate::scheme::DROPBOX),
    /// and [Twilio](crate::scheme::Twilio) where a call comes back to one URL. A captured request is then good for as long
    /// as its timestamp, and for ever where no time is signed.
    pub const fn danger_accept_replays(mut self) -> Self {
        self.accepts_replays = true;
        self
    }

    pub(crate) fn build(
        self,
        has_peer: bool,
        errors: &mut Vec<ConfigError>,
        warnings: &mut Vec<Warning>,
    ) -> Option<Accepted> {
        errors.extend(self.scheme.errors());
        let tolerance = self.checked_tolerance(errors, warnings);
        let networks = self.checked_networks(has_peer, errors);
        let name = self.scheme.name();
        let keys = match (self.provider, self.keys) {
            (Some(provider), keys) if keys.is_empty() => Some(provider),
            (Some(_), _) => {
                let reason = "has secrets and another place that keys come from; name one of them";
                errors.push(ConfigError::new("keys", name, reason));
                None
            }
            (None, keys) => fixed(&*self.scheme, keys, errors, warnings),
        };
        Some(Accepted {
            scheme: self.scheme,
            keys: keys?,
            tolerance,
            networks,
            event: self.event,
            accepts_replays: self.accepts_replays,
        })
    }

    fn checked_tolerance(
        &self,
        errors: &mut Vec<ConfigError>,
        warnings: &mut Vec<Warning>,
    ) -> Option<Duration> {
        let theirs = self.scheme.tolerance();
        if let (Some(ours), None) = (self.tolerance, theirs) {
            let reason = "is for a scheme that signs no time; leave it out";
            errors.push(ConfigError::new("tolerance", ours, reason));
        }
        let tolerance = theirs.map(|theirs| self.tolerance.unwrap_or(theirs));
        match tolerance {
            Some(time) if time < Duration::from_secs(1) => {
                let reason = "is less than what timestamps count; use some minutes";
                errors.push(ConfigError::new("tolerance", time, reason));
            }
            Some(time) if time > LONG_TOLERANCE => {
                warnings.push(Warning::LongTolerance(self.scheme.name(), time));
            }
            _ => {}
        }
        tolerance
    }

    fn checked_networks(
        &self,
        has_peer: bool,
        errors: &mut Vec<ConfigError>,
    ) -> Option<Vec<IpNet>> {
        let texts = self.networks.as_ref()?;
        if texts.is_empty() {
            errors.push(ConfigError::new("networks", texts, "lets nobody in; name some"));
        }
        if !has_peer {
            let reason = "needs the address of the peer; say peer(…) too";
            errors.push(ConfigError::new("networks", texts, reason));
        }
        let mut networks = Vec::with_capacity(texts.len());
        for text in texts {
            match network(text) {
                Some(network) => networks.push(network),
                None => errors.push(ConfigError::new(
                    "networks",
                    text,
                    "is no network; write it as 192.0.2.0/24 or 2001:db8::/32",
                )),
            }
        }
        Some(networks)
    }
}

fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

fn fixed(
    scheme: &dyn Scheme,
    keys: Vec<Result<WebhookKey, KeyError>>,
    errors: &mut Vec<ConfigError>,
    warnings: &mut Vec<Warning>,
) -> Option<Arc<dyn KeyProvider>> {
    let name = scheme.name();
    let mut fault = |error: KeyError| {
        errors.push(ConfigError::shown("secret", name.to_owned(), error.to_string()));
    };
    let mut good = Vec::with_capacity(keys.len());
    let mut all_good = true;
    for key in keys {
        match key {
            Ok(key) if key.fits(scheme) => good.push(key),
            Ok(_) => {
                all_good = false;
                fault(KeyError::WrongKind);
            }
            Err(error) => {
                all_good = false;
                fault(error);
            }
        }
    }
    if !all_good {
        return None;
    }
    let set = KeySet::new(good).map_err(fault).ok()?;
    for (at, key) in set.iter().enumerate() {
        if key.is_short() {
            warnings.push(Warning::ShortSecret(name, set.name(at)));
        }
    }
    Some(Arc::new(set))
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("scheme", &self.scheme.name()).finish_non_exhaustive()
    }
}

/// A sender as a layer knows it.
pub(crate) struct Accepted {
    pub(crate) scheme: Arc<dyn Scheme>,
    pub(crate) keys: Arc<dyn KeyProvider>,
    pub(crate) tolerance: Option<Duration>,
    networks: Option<Vec<IpNet>>,
    event: Option<EventFn>,
    pub(crate) accepts_replays: bool,
}

impl Accepted {
    /// May it come from there? An IPv4 address counts as one, however a dual-stack socket tells it.
    pub(crate) fn is_from(&self, peer: impl FnOnce() -> Option<IpAddr>) -> bool {
        let Some(networks) = &self.networks else {
            return true;
        };
        let peer = peer().map(|peer| peer.to_canonical());
        peer.is_some_and(|peer| networks.iter().any(|network| network.contains(&peer)))
    }

    pub(crate) fn event(&self, body: &[u8]) -> Option<Key> {
        match &self.event {
            Some(event) => event(body),
            None => self.scheme.event(body),
        }
    }
}

impl fmt::Debug for Accepted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.scheme.name())
    }
}
