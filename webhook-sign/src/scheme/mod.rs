//! How providers sign: one file for each wire format, with its vectors beside it.

mod encoding;
mod forward;
mod grammar;
mod hmac;
mod public_url;

mod convoy;
mod discord;
mod dropbox;
mod github;
mod hook0;
#[cfg(feature = "httpsig")]
mod httpsig;
mod linear;
mod paddle;
mod razorpay;
mod shopify;
mod slack;
mod square;
mod standard;
mod stripe;
mod twilio;
mod zoom;

use std::fmt;
use std::time::Duration;

use http::{HeaderMap, HeaderName};
use stonework_core::{ConfigError, Key, RequestHead};

pub use self::hmac::{HmacScheme, Part};
pub use convoy::{CONVOY, CONVOY_ADVANCED};
pub use discord::DISCORD;
pub use dropbox::DROPBOX;
pub use encoding::Encoding;
pub use github::GITHUB;
pub use hook0::{HOOK0, Hook0};
#[cfg(feature = "httpsig")]
#[cfg_attr(docsrs, doc(cfg(feature = "httpsig")))]
pub use httpsig::HttpSignature;
pub use linear::LINEAR;
pub use paddle::PADDLE;
pub use public_url::PublicUrl;
pub use razorpay::RAZORPAY;
pub use shopify::SHOPIFY;
pub use slack::SLACK;
pub use square::square;
pub use standard::STANDARD;
pub use stripe::STRIPE;
pub use twilio::Twilio;
pub use zoom::ZOOM;

use crate::keys::{KeyError, WebhookKey};
use crate::{Algorithm, Claims, Refusal, Tag};

/// Takes a piece of a message.
pub type Put<'p> = &'p mut dyn FnMut(&[u8]);

/// How one provider signs, without I/O, a clock or keys: headers to [`Claims`], and the message that was signed.
///
/// Most schemes are an [`HmacScheme`], which is declared and not programmed.
///
/// # Order
///
/// `claims` reads the headers of a request whose body is not there yet. If what it found is fresh, the message is
/// `before`, then the body as [`Claims::body`] says, then `after`, which is also the place to check what only the
/// body tells. Nothing that `claims` found may be trusted until the signature was compared.
pub trait Scheme: fmt::Debug + Send + Sync + 'static {
    /// A stable name, such as `stripe`.
    fn name(&self) -> &'static str;

    /// The key that a text of this provider is.
    ///
    /// # Errors
    ///
    /// When it is none.
    fn key(&self, secret: &str) -> Result<WebhookKey, KeyError>;

    /// How far the signed timestamp may be from now by default; `None` if the scheme signs no time.
    fn tolerance(&self) -> Option<Duration>;

    /// Does it have signatures of this algorithm? A key of another kind is an error of the layer's `build()`.
    fn signs_with(&self, algorithm: Algorithm) -> bool;

    /// Does a request carry a signature of this scheme, good or bad?
    fn is_meant(&self, headers: &HeaderMap) -> bool;

    /// The headers that a signature comes in, with those that it covers: in each way in which it may, the one first that
    /// is written. The signature's own is the first of each.
    fn headers(&self) -> Vec<Vec<HeaderName>>;

    /// Reads the headers.
    ///
    /// # Errors
    ///
    /// When they are not as the scheme writes them.
    fn claims(&self, head: &RequestHead<'_>, claims: &mut Claims) -> Result<(), Refusal>;

    /// What stands in the message before the body.
    ///
    /// # Errors
    ///
    /// When a part of it is not there.
    fn before(&self, claims: &Claims, head: &RequestHead<'_>, put: Put<'_>) -> Result<(), Refusal>;

    /// What stands in the message after the body, and what has to be checked once it is there.
    ///
    /// # Errors
    ///
    /// When the body is not as the scheme writes it.
    fn after(
        &self,
        claims: &mut Claims,
        head: &RequestHead<'_>,
        body: &[u8],
        put: Put<'_>,
    ) -> Result<(), Refusal>;

    /// What the event is called in a body that was verified, the same for all attempts to deliver it.
    fn event(&self, body: &[u8]) -> Option<Key>;

    /// What is wrong with the scheme as it is configured.
    fn errors(&self) -> Vec<ConfigError>;
}

/// A scheme that can also be written.
pub trait SignScheme: Scheme {
    /// The algorithm of its HMAC signatures.
    fn hmac(&self) -> Algorithm;

    /// Writes all headers but the signature, and says in `claims` what they say.
    ///
    /// # Errors
    ///
    /// When something cannot be written.
    fn prepare(
        &self,
        outgoing: &Outgoing<'_>,
        claims: &mut Claims,
        headers: &mut HeaderMap,
    ) -> Result<(), Refusal>;

    /// Writes the signatures: one for each valid key, the current key's first. A scheme that has room for one takes
    /// that.
    ///
    /// # Errors
    ///
    /// When they cannot be written.
    fn write(
        &self,
        claims: &Claims,
        signatures: &[Tag],
        headers: &mut HeaderMap,
    ) -> Result<(), Refusal>;
}

/// A message that is to be signed.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Outgoing<'a> {
    /// The request that carries it.
    pub head: RequestHead<'a>,
    /// Its body.
    pub body: &'a [u8],
    /// What it is called, the same for all attempts to deliver it.
    pub id: &'a str,
    /// When this attempt is made, since the Unix epoch.
    pub now: Duration,
}

impl<'a> Outgoing<'a> {
    /// A message.
    pub const fn new(head: RequestHead<'a>, body: &'a [u8], id: &'a str, now: Duration) -> Self {
        Self { head, body, id, now }
    }
}
