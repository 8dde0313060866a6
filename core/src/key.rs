use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::IpAddr;

use bytes::Bytes;

/// Room for a UUID as text, an IPv6 address or a short name, without an allocation.
const INLINE: usize = 38;

/// Who or what a limit, a scope or a cache entry belongs to: an account, a tenant, an address.
///
/// A key is a string of bytes, compared byte by byte. Short keys are kept in place; longer ones
/// share one allocation among their clones. Numbers and addresses become their bytes, so
/// `Key::from(1_u64)` and `Key::from("1")` differ. `Debug` does not print the bytes: keys are
/// often secrets or personal data.
#[derive(Clone)]
pub struct Key(Repr);

#[derive(Clone)]
enum Repr {
    Inline { len: u8, bytes: [u8; INLINE] },
    Shared(Bytes),
}

impl Key {
    /// A copy of these bytes.
    #[inline]
    pub fn copy_from_slice(bytes: &[u8]) -> Self {
        if bytes.len() > INLINE {
            return Self(Repr::Shared(Bytes::copy_from_slice(bytes)));
        }
        let mut inline = [0; INLINE];
        inline[..bytes.len()].copy_from_slice(bytes);
        // At most INLINE, which fits.
        Self(Repr::Inline { len: bytes.len() as u8, bytes: inline })
    }

    /// The bytes of the key.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Repr::Inline { len, bytes } => &bytes[..usize::from(*len)],
            Repr::Shared(bytes) => bytes,
        }
    }
}

impl AsRef<[u8]> for Key {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({} bytes)", self.as_bytes().len())
    }
}

impl From<&[u8]> for Key {
    #[inline]
    fn from(bytes: &[u8]) -> Self {
        Self::copy_from_slice(bytes)
    }
}

impl From<&str> for Key {
    #[inline]
    fn from(text: &str) -> Self {
        Self::copy_from_slice(text.as_bytes())
    }
}

impl From<&String> for Key {
    #[inline]
    fn from(text: &String) -> Self {
        Self::copy_from_slice(text.as_bytes())
    }
}

impl From<String> for Key {
    #[inline]
    fn from(text: String) -> Self {
        Self::from(Bytes::from(text))
    }
}

impl From<Bytes> for Key {
    #[inline]
    fn from(bytes: Bytes) -> Self {
        if bytes.len() <= INLINE {
            return Self::copy_from_slice(&bytes);
        }
        Self(Repr::Shared(bytes))
    }
}

impl<const N: usize> From<[u8; N]> for Key {
    #[inline]
    fn from(bytes: [u8; N]) -> Self {
        Self::copy_from_slice(&bytes)
    }
}

impl From<u64> for Key {
    #[inline]
    fn from(number: u64) -> Self {
        Self::copy_from_slice(&number.to_be_bytes())
    }
}

impl From<u128> for Key {
    #[inline]
    fn from(number: u128) -> Self {
        Self::copy_from_slice(&number.to_be_bytes())
    }
}

impl From<IpAddr> for Key {
    #[inline]
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(v4) => Self::copy_from_slice(&v4.octets()),
            IpAddr::V6(v6) => Self::copy_from_slice(&v6.octets()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equality_is_by_bytes_whatever_the_room() {
        let long = "x".repeat(INLINE + 1);
        assert_eq!(Key::from(long.as_str()), Key::from(long.clone()));
        assert_ne!(Key::from(long.as_str()), Key::from(&long[..INLINE]));
        assert_eq!(Key::from(Bytes::from_static(b"ab")), Key::from("ab"));
        assert_eq!(Key::from("").as_bytes(), b"");
        assert_ne!(Key::from(1_u64), Key::from("1"));
    }

    #[test]
    fn debug_does_not_leak() {
        assert_eq!(format!("{:?}", Key::from("secret")), "Key(6 bytes)");
    }
}
