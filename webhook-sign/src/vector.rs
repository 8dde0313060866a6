//! Vectors of schemes, as their tests write them.

use std::time::Duration;

use http::{HeaderName, HeaderValue, Request};
use stonework_core::RequestHead;

use crate::keys::KeySet;
use crate::scheme::Scheme;
use crate::{Refusal, Verified, verify};

/// A request that somebody else signed.
pub(crate) struct Vector {
    scheme: Box<dyn Scheme>,
    keys: KeySet,
    now: Duration,
    request: Request<Vec<u8>>,
}

impl Vector {
    pub(crate) fn new(scheme: impl Scheme, secret: &str) -> Self {
        assert_eq!(scheme.errors(), []);
        let keys = KeySet::new([scheme.key(secret).unwrap()]).unwrap();
        let now = Duration::from_secs(1_800_000_000);
        Self {
            scheme: Box::new(scheme),
            keys,
            now,
            request: Request::post("/").body(Vec::new()).unwrap(),
        }
    }

    /// Read by another scheme, with the same keys.
    pub(crate) fn under(self, scheme: impl Scheme) -> Self {
        Self { scheme: Box::new(scheme), ..self }
    }

    pub(crate) fn at(mut self, seconds: u64) -> Self {
        self.now = Duration::from_secs(seconds);
        self
    }

    pub(crate) fn uri(mut self, uri: &str) -> Self {
        *self.request.uri_mut() = uri.parse().unwrap();
        self
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        let (name, value) = (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        self.request.headers_mut().append(name, value);
        self
    }

    pub(crate) fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        *self.request.body_mut() = body.as_ref().to_vec();
        self
    }

    pub(crate) fn check(&self) -> Result<Verified, Refusal> {
        let head = RequestHead::of(&self.request);
        verify(&*self.scheme, &self.keys, &head, self.request.body(), self.now, None)
    }

    /// It is verified, and no longer with any bit of the body changed.
    #[track_caller]
    pub(crate) fn holds(mut self) {
        self.check().unwrap();
        for at in 0..self.request.body().len() {
            self.request.body_mut()[at] ^= 1;
            assert!(self.check().is_err(), "byte {at} of the body was changed");
            self.request.body_mut()[at] ^= 1;
        }
        self.request.body_mut().push(b' ');
        assert!(self.check().is_err(), "a space was added");
    }

    #[track_caller]
    pub(crate) fn fails(&self, refusal: Refusal) {
        assert_eq!(self.check().unwrap_err(), refusal);
    }
}
