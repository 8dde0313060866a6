use std::sync::Arc;
use std::time::Duration;

use stonework_core::{Key, RequestHead};

use crate::check::{Against, Check, read};
use crate::keys::KeySet;
use crate::scheme::Scheme;
use crate::{Claims, Refusal};

/// What is known of a request whose signature was checked: an extension of the request that the handler gets, and an
/// axum extractor with the feature `axum-0-8`.
#[derive(Clone, Debug)]
pub struct Verified {
    scheme: &'static str,
    id: Option<Key>,
    timestamp: Option<Duration>,
    key_id: Arc<str>,
    fence: Option<u128>,
}

impl Verified {
    /// `id` is what the event is called.
    pub(crate) fn of(
        scheme: &dyn Scheme,
        claims: &Claims,
        id: Option<Key>,
        key_id: Arc<str>,
    ) -> Self {
        Self { scheme: scheme.name(), id, timestamp: claims.time(), key_id, fence: None }
    }

    pub(crate) const fn set_fence(&mut self, fence: u128) {
        self.fence = Some(fence);
    }

    /// The name of the scheme: `stripe`, `github` …
    pub const fn scheme(&self) -> &'static str {
        self.scheme
    }

    /// What the event is called, the same for all attempts to deliver it. It was signed; `None` if the scheme signs no
    /// such thing.
    pub fn id(&self) -> Option<&str> {
        std::str::from_utf8(self.id.as_ref()?.as_bytes()).ok()
    }

    /// When this attempt was signed, since the Unix epoch. `None` if the scheme signs no time.
    pub const fn timestamp(&self) -> Option<Duration> {
        self.timestamp
    }

    /// The name of the key that it was.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// A number that is this run's alone, where the layer has a replay store. For a resource that remembers who wrote
    /// last, should two runs of one event overlap.
    pub const fn fence(&self) -> Option<u128> {
        self.fence
    }
}

/// Verifies a request whose body is there: what a [`VerifyLayer`](crate::VerifyLayer) does, short of the replay store,
/// for whoever has no tower service.
///
/// `now` is the time since the Unix epoch, and `tolerance` how far the signed timestamp may be from it;
/// [`Scheme::tolerance`] gives what the provider has. Without one, a scheme that signs a time is checked with its own.
///
/// ```
/// use std::time::Duration;
/// use http::Request;
/// use stonework_webhook_sign::keys::KeySet;
/// use stonework_webhook_sign::scheme::{self, Scheme};
/// use stonework_webhook_sign::{Refusal, RequestHead, verify};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let keys = KeySet::new([scheme::GITHUB.key("It's a Secret to Everybody")?])?;
/// let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
/// let request = Request::post("/").header("x-hub-signature-256", signature).body(())?;
/// let head = RequestHead::of(&request);
/// let now = Duration::from_secs(1_800_000_000);
/// let verified = verify(&scheme::GITHUB, &keys, &head, b"Hello, World!", now, None)?;
/// assert_eq!(verified.scheme(), "github");
/// let changed = verify(&scheme::GITHUB, &keys, &head, b"Hello, world!", now, None);
/// assert_eq!(changed.unwrap_err(), Refusal::Mismatch);
/// # Ok(())
/// # }
/// ```
///
/// The [id](Verified::id) is that of the headers, if there is one; where the scheme has it in the body, [`Scheme::event`]
/// reads it. Nothing is allocated, unless the id is longer than 38 bytes, the signature is made with SHA-512 or
/// Ed25519, or the scheme signs something else than bytes of headers and the body.
///
/// # Errors
///
/// Why it counts as not signed.
pub fn verify(
    scheme: &dyn Scheme,
    keys: &KeySet,
    head: &RequestHead<'_>,
    body: &[u8],
    now: Duration,
    tolerance: Option<Duration>,
) -> Result<Verified, Refusal> {
    let tolerance = tolerance.or_else(|| scheme.tolerance());
    let against = Against { scheme, head, keys, now, tolerance };
    let (mut claims, mut check) = (Claims::default(), Check::default());
    read(scheme, head, now, tolerance, &mut claims)?;
    check.begin(&claims, against)?;
    check.update(body);
    let (key, _) = check.finish(&mut claims, against, body)?;
    let id = claims.signed_id().cloned();
    Ok(Verified::of(scheme, &claims, id, keys.name(key)))
}
