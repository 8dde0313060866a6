use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use stonework_core::{Clock, ConfigError, ConfigErrors, StoreFuture, SystemClock};
#[cfg(feature = "stored")]
use stonework_core::{Key, StoreError};

#[cfg(feature = "stored")]
use crate::store::CursorStore;
#[cfg(feature = "encrypted")]
use crate::token::Encrypted;
#[cfg(feature = "stored")]
use crate::token::Stored;
use crate::token::{Bound, Plain, Said, Signed, decode};
use crate::{
    Anchor, Binding, CursorError, CursorErrorKind, Direction, Encoder, Keys, Sort, Warning,
};

/// A token with less than this would have no room for what it says.
const SHORTEST_MAX: usize = 64;

#[cfg(feature = "stored")]
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Makes cursors, and looks at those that come back. Clones share it.
///
/// A cursor is a text of letters, digits, `-` and `_`. The same place of the same list has the same cursor, so
/// that pages have the same `ETag`.
///
/// ```
/// use stonework_pagination::{Anchor, Binding, Cursors, Keys, Keyset, keyset};
///
/// keyset! {
///     struct Newest {
///         created_at: i64 => desc,
///         id: i64 => desc unique,
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let secret = [7; 32];
/// let cursors = Cursors::signed(Keys::new(1, &secret)).build()?;
///
/// let binding = Binding::new().part("list", b"orders").part("account", b"acct_7");
/// let place = Anchor::after(Newest { created_at: 1_767_225_600, id: 42 });
/// let token = cursors.encoder(&binding, Newest::sort()).encode(&place).await?;
///
/// let verified = cursors.verify(&binding, &token).await?;
/// assert_eq!(verified.anchor(Newest::sort())?, place);
/// let others = Binding::new().part("list", b"orders").part("account", b"acct_8");
/// assert!(cursors.verify(&others, &token).await.is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Cursors {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) scheme: Scheme,
    expiry: Option<Expiry>,
    epoch: u64,
    pub(crate) max_len: usize,
    clock: Arc<dyn Clock>,
    warnings: Vec<Warning>,
}

#[derive(Clone)]
pub(crate) enum Scheme {
    Signed(Signed),
    #[cfg(feature = "encrypted")]
    Encrypted(Encrypted),
    #[cfg(feature = "stored")]
    Stored(Stored),
    DangerPlain,
}

/// How long a cursor is good.
#[derive(Clone, Copy, Debug)]
struct Expiry {
    after: Duration,
    step: Duration,
}

impl Cursors {
    /// Cursors that clients can read and cannot change: HMAC-SHA-256 of 128 bits.
    pub fn signed(keys: Keys) -> CursorsBuilder {
        CursorsBuilder::new(Kind::Signed(keys))
    }

    /// Cursors that clients can neither read nor change: AES-SIV (RFC 5297). For places that are nobody's
    /// business, such as scores and e-mail addresses; URLs stand in logs. Feature `encrypted`.
    ///
    /// The mode is deterministic by design: who sees two cursors sees whether they are the same place of the
    /// same list, and how long its values are. The standard's bound is 2^48 tokens for a key; rotate before.
    #[cfg(feature = "encrypted")]
    #[cfg_attr(docsrs, doc(cfg(feature = "encrypted")))]
    pub fn encrypted(keys: Keys) -> CursorsBuilder {
        CursorsBuilder::new(Kind::Encrypted(keys))
    }

    /// Cursors that say nothing, and name what a store keeps: 23 characters, whatever the values. For places
    /// that are too large for a URL, and cursors that are [taken back](Self::revoke). Feature `stored`.
    ///
    /// Each page costs a round trip more for each cursor that it is told, and the same page has other cursors
    /// each time. They expire after a day, unless it is said otherwise.
    #[cfg(feature = "stored")]
    #[cfg_attr(docsrs, doc(cfg(feature = "stored")))]
    pub fn stored(store: impl CursorStore) -> CursorsBuilder {
        CursorsBuilder::new(Kind::Stored(Box::new(store)))
    }

    /// Cursors that clients can read and make. What one of them says is not to be trusted: it begins a list
    /// wherever somebody wants, of which the query alone says what may be in it. Bindings and the epoch mean
    /// nothing to it.
    pub fn danger_plain() -> CursorsBuilder {
        CursorsBuilder::new(Kind::DangerPlain)
    }

    /// Is a store asked for them?
    #[cfg(feature = "utoipa-6")]
    pub(crate) fn is_stored(&self) -> bool {
        #[cfg(feature = "stored")]
        if let Scheme::Stored(_) = &self.inner.scheme {
            return true;
        }
        false
    }

    /// What is allowed and may surprise.
    pub fn warnings(&self) -> &[Warning] {
        &self.inner.warnings
    }

    /// Makes cursors of one list in one order. Cheap to make, and each further cursor is cheaper than the
    /// first.
    pub fn encoder(&self, binding: &Binding, sort: &Sort) -> Encoder {
        Encoder::new(self, binding, sort)
    }

    /// Looks at a cursor that came back: whether it was made here, for this, and is still good. Nothing of what
    /// it says is read before.
    ///
    /// # Errors
    ///
    /// When it is of no use.
    pub fn verify(
        &self,
        binding: &Binding,
        token: &str,
    ) -> StoreFuture<Result<Verified, CursorError>> {
        #[cfg(feature = "stored")]
        if let Scheme::Stored(stored) = &self.inner.scheme {
            return self.look_up(stored.clone(), binding, token);
        }
        StoreFuture::ready(self.inner.verify(binding, token).map_err(CursorError::new))
    }

    #[cfg(feature = "stored")]
    fn look_up(
        &self,
        stored: Stored,
        binding: &Binding,
        token: &str,
    ) -> StoreFuture<Result<Verified, CursorError>> {
        let token = match self.inner.decoded(token) {
            Ok(token) => token,
            Err(kind) => return StoreFuture::ready(Err(kind.into())),
        };
        let (bound, owner) = (self.inner.bound(binding), binding.owned_by().clone());
        StoreFuture::new(async move {
            let said = stored.get(&bound, &owner, &token).await?.map_err(CursorError::new)?;
            let said = Said::read(&said).ok_or(CursorErrorKind::Format)?;
            Ok(Verified { said, is_plain: false })
        })
    }

    /// Takes back all cursors of an [owner](Binding::owner) that a store keeps: after its rights have changed.
    /// Feature `stored`. Where cursors are kept nowhere there is nothing to be taken back; bind those to
    /// something that changes with the rights.
    ///
    /// # Errors
    ///
    /// When the store does not answer. Some of them may be good still, then.
    #[cfg(feature = "stored")]
    #[cfg_attr(docsrs, doc(cfg(feature = "stored")))]
    pub async fn revoke(&self, owner: &Key) -> Result<(), StoreError> {
        match &self.inner.scheme {
            Scheme::Stored(stored) => stored.revoke(owner).await,
            _ => Ok(()),
        }
    }
}

impl Scheme {
    /// How much longer a token becomes when it is sealed.
    pub(crate) const fn overhead(&self) -> usize {
        match self {
            Self::Signed(_) => Signed::OVERHEAD,
            #[cfg(feature = "encrypted")]
            Self::Encrypted(_) => Encrypted::OVERHEAD,
            // The store has what it says.
            #[cfg(feature = "stored")]
            Self::Stored(_) => 0,
            Self::DangerPlain => 0,
        }
    }
}

impl Inner {
    pub(crate) fn bound(&self, binding: &Binding) -> Bound {
        Bound { epoch: self.epoch, binding: binding.digest() }
    }

    fn decoded(&self, token: &str) -> Result<Vec<u8>, CursorErrorKind> {
        if token.len() > self.max_len {
            return Err(CursorErrorKind::TooLong);
        }
        decode(token).ok_or(CursorErrorKind::Format)
    }

    fn verify(&self, binding: &Binding, token: &str) -> Result<Verified, CursorErrorKind> {
        let token = self.decoded(token)?;
        let bound = self.bound(binding);
        let said = match &self.scheme {
            Scheme::Signed(signed) => Said::read(signed.verify(&bound, &token)?),
            #[cfg(feature = "encrypted")]
            Scheme::Encrypted(encrypted) => Said::read(&encrypted.open(&bound, &token)?),
            #[cfg(feature = "stored")]
            Scheme::Stored(_) => None,
            Scheme::DangerPlain => Said::read(Plain::verify(&token)?),
        };
        let said = said.ok_or(CursorErrorKind::Format)?;
        match (said.expires, self.expiry.map(|_| self.clock.unix().as_secs())) {
            (Some(expires), Some(now)) if expires <= now => Err(CursorErrorKind::Expired),
            // Made before there was an end, or after: neither is what is made now.
            (Some(_), None) | (None, Some(_)) => Err(CursorErrorKind::Expired),
            _ => Ok(Verified { said, is_plain: matches!(self.scheme, Scheme::DangerPlain) }),
        }
    }

    /// The first second in which a cursor that is made now is of no use. It ends with a step, so that all that
    /// are made within one are the same; and it is no number of steps, so that whoever changes the step does not
    /// change what cursors say that are there already.
    pub(crate) fn expires(&self) -> Option<u64> {
        let Expiry { after, step } = self.expiry?;
        let (end, step) = (self.clock.unix().saturating_add(after), step.as_secs().max(1));
        Some((end.as_secs() / step).saturating_add(1).saturating_mul(step))
    }
}

/// What a cursor says that has been looked at.
#[derive(Clone, Debug)]
pub struct Verified {
    said: Said,
    is_plain: bool,
}

impl Verified {
    /// Which way it leads.
    pub const fn direction(&self) -> Direction {
        self.said.direction
    }

    /// The place, in this order.
    ///
    /// # Errors
    ///
    /// When it is that of another order: the list was sorted otherwise when the cursor was made.
    pub fn anchor(&self, sort: &Sort) -> Result<Anchor, CursorError> {
        let anchor = self.said.anchor(sort).ok_or(CursorErrorKind::OtherSort)?;
        // Nobody but this crate writes what is under a tag, and that in one way.
        let is_canonical =
            || Said::write(sort, &anchor, self.said.expires, Vec::new()) == self.said.bytes();
        if self.is_plain && !is_canonical() {
            return Err(CursorErrorKind::Format.into());
        }
        Ok(anchor)
    }
}

/// Builds [`Cursors`].
#[must_use = "a builder does nothing until `build` is called"]
pub struct CursorsBuilder {
    kind: Kind,
    expires_after: Option<Duration>,
    #[cfg(feature = "stored")]
    store_timeout: Duration,
    step: Duration,
    epoch: u64,
    max_len: usize,
    clock: Option<Arc<dyn Clock>>,
    deny_warnings: bool,
}

/// What is to be made.
enum Kind {
    Signed(Keys),
    #[cfg(feature = "encrypted")]
    Encrypted(Keys),
    #[cfg(feature = "stored")]
    Stored(Box<dyn CursorStore>),
    DangerPlain,
}

impl Kind {
    fn warnings(&self) -> Vec<Warning> {
        match self {
            Self::Signed(keys) => keys.warnings(),
            #[cfg(feature = "encrypted")]
            Self::Encrypted(keys) => keys.warnings(),
            #[cfg(feature = "stored")]
            Self::Stored(_) => Vec::new(),
            Self::DangerPlain => vec![Warning::Plain],
        }
    }
}

impl CursorsBuilder {
    fn new(kind: Kind) -> Self {
        Self {
            kind,
            expires_after: None,
            #[cfg(feature = "stored")]
            store_timeout: Duration::from_millis(500),
            step: Duration::from_secs(3_600),
            epoch: 0,
            max_len: 512,
            clock: None,
            deny_warnings: false,
        }
    }

    /// How long a cursor is good at least. By default for ever, and for a day where they are kept in a store. AIP-158
    /// suggests three days. To say it, or not any more, ends all cursors that there are.
    pub fn expires_after(mut self, time: Duration) -> Self {
        self.expires_after = Some(time);
        self
    }

    /// In which steps it expires. Cursors that are made within a step are the same, and are good for up to a
    /// step longer. Whole seconds; default one hour. A store keeps none for longer than was said, by its own clock.
    pub fn in_steps_of(mut self, time: Duration) -> Self {
        self.step = time;
        self
    }

    /// Another number makes all cursors useless that were made before: after the database sorts otherwise,
    /// with another collation for instance, or if something has gone wrong. Default 0.
    pub fn epoch(mut self, epoch: u64) -> Self {
        self.epoch = epoch;
        self
    }

    /// How long a cursor may be, in characters. A longer one is refused unread, and not made: the page that would
    /// tell it is a 500. Default 512: room for texts of 300 bytes. What is kept in a store has no length.
    pub fn max_len(mut self, characters: usize) -> Self {
        self.max_len = characters;
        self
    }

    /// How long a store may take. Default 500 ms. Feature `stored`.
    #[cfg(feature = "stored")]
    #[cfg_attr(docsrs, doc(cfg(feature = "stored")))]
    pub fn store_timeout(mut self, timeout: Duration) -> Self {
        self.store_timeout = timeout;
        self
    }

    /// The clock by which they expire. By default the system's.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Makes `build` fail on what would be a [`Warning`].
    pub fn deny_warnings(mut self) -> Self {
        self.deny_warnings = true;
        self
    }

    /// The cursors.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, each with the value, the reason and what to do.
    pub fn build(self) -> Result<Cursors, ConfigErrors<ConfigError>> {
        let mut errors = Vec::new();
        match &self.kind {
            Kind::Signed(keys) => keys.check(&mut errors),
            #[cfg(feature = "encrypted")]
            Kind::Encrypted(keys) => keys.check(&mut errors),
            #[cfg(feature = "stored")]
            Kind::Stored(_) => {}
            Kind::DangerPlain => {}
        }
        let warnings = self.kind.warnings();
        if self.deny_warnings {
            errors.extend(warnings.iter().map(ConfigError::from));
        }
        let second = Duration::from_secs(1);
        if self.step < second {
            errors.push(ConfigError::new(
                "in_steps_of",
                self.step,
                "is too short; use at least 1 s",
            ));
        }
        if self.expires_after.is_some_and(|after| after < second) {
            let after = self.expires_after.unwrap_or_default();
            errors.push(ConfigError::new("expires_after", after, "is too short; use at least 1 s"));
        }
        if self.max_len < SHORTEST_MAX {
            let reason = "leaves no room for what a cursor says; use at least 64";
            errors.push(ConfigError::new("max_len", self.max_len, reason));
        }
        let expiry = self.expires_after.map(|after| Expiry { after, step: self.step });
        let (scheme, expiry) = match self.kind {
            Kind::Signed(keys) => (Scheme::Signed(Signed::new(&keys)), expiry),
            #[cfg(feature = "encrypted")]
            Kind::Encrypted(keys) => (Scheme::Encrypted(Encrypted::new(&keys)), expiry),
            // The store lets them go.
            #[cfg(feature = "stored")]
            Kind::Stored(store) => {
                let after = self.expires_after.unwrap_or(DAY);
                (Scheme::Stored(Stored::new(store, self.store_timeout, after)), None)
            }
            Kind::DangerPlain => (Scheme::DangerPlain, expiry),
        };
        let inner = Inner {
            scheme,
            expiry,
            epoch: self.epoch,
            max_len: self.max_len,
            clock: self.clock.unwrap_or_else(|| Arc::new(SystemClock::new())),
            warnings,
        };
        ConfigErrors::check(errors, Ok(Cursors { inner: Arc::new(inner) }))
    }
}

impl fmt::Debug for Cursors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cursors").field("mode", &self.inner.scheme).finish_non_exhaustive()
    }
}

impl fmt::Debug for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Signed(_) => "signed",
            #[cfg(feature = "encrypted")]
            Self::Encrypted(_) => "encrypted",
            #[cfg(feature = "stored")]
            Self::Stored(_) => "stored",
            Self::DangerPlain => "danger plain",
        })
    }
}

impl fmt::Debug for CursorsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CursorsBuilder").field("epoch", &self.epoch).finish_non_exhaustive()
    }
}
