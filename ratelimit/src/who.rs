use std::any::Any;
use std::fmt;
use std::sync::Arc;

use http::{HeaderMap, HeaderName};
use sha2::{Digest, Sha256};
use stonework_core::{ConfigError, Key, RequestHead};

use crate::client_ip::ClientIp;

type KeyFn = Arc<dyn Fn(&RequestHead<'_>) -> Option<Key> + Send + Sync>;

/// What to do with a request for which there is no key: no header, no extension, `None` from the
/// closure, or an empty key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MissingKey {
    /// Answer 400; 500 where it is the client's address that is missing, since that is a mistake
    /// in the service.
    #[default]
    Reject,
    /// Leave this policy out. Whoever can leave the key out is then not limited by it.
    Skip,
    /// Count all such requests together, apart from those with a key.
    Share,
}

/// Whom to count a request for.
#[derive(Clone)]
pub(crate) enum Who {
    Unset,
    Everybody,
    Header(Result<HeaderName, String>),
    Closure(KeyFn),
    Address(ClientIp),
}

impl fmt::Debug for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unset => f.write_str("Unset"),
            Self::Everybody => f.write_str("Everybody"),
            Self::Header(name) => f.debug_tuple("Header").field(name).finish(),
            Self::Closure(_) => f.write_str("Closure"),
            Self::Address(address) => address.fmt(f),
        }
    }
}

/// The key of all who have none. Nobody else's: an empty key counts as missing.
const NOBODY: &[u8] = &[];

impl Who {
    pub(crate) fn closure(
        key: impl Fn(&RequestHead<'_>) -> Option<Key> + Send + Sync + 'static,
    ) -> Self {
        Self::Closure(Arc::new(key))
    }

    pub(crate) fn header(name: &str) -> Self {
        Self::Header(HeaderName::from_bytes(name.as_bytes()).map_err(|_| name.to_owned()))
    }

    pub(crate) fn extension<T: Any + Clone + Send + Sync>(
        key: impl Fn(&T) -> Key + Send + Sync + 'static,
    ) -> Self {
        Self::closure(move |head| head.extensions.get::<T>().map(&key))
    }

    /// `None` if the request has none, and is to be let off or rejected for it.
    #[inline(always)]
    pub(crate) fn key(&self, head: &RequestHead<'_>, missing: MissingKey) -> Option<Key> {
        let mut key = match self {
            Self::Unset | Self::Everybody => return Some(Key::from(NOBODY)),
            Self::Header(Ok(name)) => only(head.headers, name),
            Self::Header(Err(_)) => None,
            Self::Closure(key) => key(head),
            Self::Address(address) => address.key(head),
        };
        if let Some(long) = key.as_ref().filter(|key| key.as_bytes().len() > LONGEST) {
            key = Some(short(long));
        }
        if key.as_ref().is_none_or(|key| key.as_bytes().is_empty()) {
            key = (missing == MissingKey::Share).then(|| Key::from(NOBODY));
        }
        key
    }

    pub(crate) const fn is_address(&self) -> bool {
        matches!(self, Self::Address(_))
    }

    /// Are requests without a key refused? Then whether it is the client's address that they are without.
    #[cfg(feature = "utoipa-6")]
    pub(crate) fn refuses_unknown(&self, missing: MissingKey) -> Option<bool> {
        let is_met =
            missing == MissingKey::Reject && !matches!(self, Self::Unset | Self::Everybody);
        is_met.then(|| self.is_address())
    }

    /// What is wrong with it, in the policy of this name.
    pub(crate) fn errors(&self, policy: &str, errors: &mut Vec<ConfigError>) {
        match self {
            Self::Unset => {
                let reason = "say whom to count for: key, key_header, key_extension, key_ip, or \
                              key_global for one bucket that all share";
                errors.push(ConfigError::shown("key", format!("unset, of {policy:?}"), reason));
            }
            Self::Header(Err(name)) => {
                errors.push(ConfigError::new("key_header", name, "is no header name"));
            }
            Self::Address(address) => errors.extend(address.errors()),
            Self::Everybody | Self::Header(Ok(_)) | Self::Closure(_) => {}
        }
    }
}

/// Keys are kept for as long as a request or a quota is, and clients choose their headers: what is
/// longer than this is kept as its hash.
const LONGEST: usize = 64;

/// Longer by a byte than any key that is kept as it is, so that none can pass for it.
#[cold]
fn short(key: &Key) -> Key {
    let mut hash = [0; LONGEST + 1];
    hash[..32].copy_from_slice(&Sha256::digest(key.as_bytes()));
    Key::from(hash)
}

/// The value of a header that is there once: of two, nobody knows which one is meant.
fn only(headers: &HeaderMap, name: &HeaderName) -> Option<Key> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => Some(Key::from(value.as_bytes())),
        _ => None,
    }
}

/// The methods by which a policy says whom it counts for.
macro_rules! key_methods {
    () => {
        /// Whom to count for: an account, a tenant, a token. Requests with equal keys share a
        /// bucket.
        pub fn key(
            mut self,
            key: impl Fn(&RequestHead<'_>) -> Option<Key> + Send + Sync + 'static,
        ) -> Self {
            self.who = $crate::who::Who::closure(key);
            self
        }

        /// Counts for the value of this header. Without the header, or with two of it, there is no
        /// key. A client that may send any value has as many buckets as it likes: name a header
        /// that is checked further out.
        pub fn key_header(mut self, name: &str) -> Self {
            self.who = $crate::who::Who::header(name);
            self
        }

        /// Counts for what this closure makes of a request extension that an outer layer left.
        pub fn key_extension<T: Clone + Send + Sync + 'static>(
            mut self,
            key: impl Fn(&T) -> Key + Send + Sync + 'static,
        ) -> Self {
            self.who = $crate::who::Who::extension(key);
            self
        }

        /// Counts for the client's address.
        pub fn key_ip(mut self, address: $crate::ClientIp) -> Self {
            self.who = $crate::who::Who::Address(address);
            self
        }

        /// Counts all requests together.
        pub fn key_global(mut self) -> Self {
            self.who = $crate::who::Who::Everybody;
            self
        }

        /// What to do with a request that has no key. Default [`MissingKey::Reject`].
        pub const fn on_missing_key(mut self, missing: MissingKey) -> Self {
            self.missing = missing;
            self
        }

        /// Concerns only requests for which this holds. By default, all.
        pub fn only(
            mut self,
            concerns: impl Fn(&RequestHead<'_>) -> bool + Send + Sync + 'static,
        ) -> Self {
            self.only = Some(Arc::new(concerns));
            self
        }
    };
}

pub(crate) use key_methods;

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    #[test]
    fn a_long_key_is_kept_short_and_stays_itself() {
        let key = |value: &str| {
            let request = Request::get("/").header("x-key", value).body(()).unwrap();
            Who::header("x-key").key(&RequestHead::of(&request), MissingKey::Reject).unwrap()
        };
        let longest = "x".repeat(LONGEST);
        assert_eq!(key(&longest), Key::from(&*longest));
        let [one, other] = ["a", "b"].map(|end| key(&format!("{longest}{end}")));
        assert_eq!(one.as_bytes().len(), LONGEST + 1);
        assert_ne!(one, other);
        assert_eq!(one, key(&format!("{longest}a")));
    }
}
