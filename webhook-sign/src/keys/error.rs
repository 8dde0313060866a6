use std::error::Error;
use std::fmt;

/// What is wrong with a key, or with a set of them. Never says what the key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyError {
    /// The secret has no bytes. Everybody knows that secret.
    Empty,
    /// The secret begins or ends with white space, as text from a file does.
    WhiteSpace,
    /// The secret is not Base64, as the scheme wants it.
    NotBase64,
    /// The key is not hexadecimal, as the scheme wants it.
    NotHex,
    /// The key does not have the length of its kind.
    WrongLength,
    /// The public key is no point of the curve, or one under which a signature fits many messages.
    NotOnCurve,
    /// The key is of a kind that the scheme does not use, or that needs the feature `ed25519`.
    WrongKind,
    /// The key ends before it begins.
    NeverValid,
    /// The set has no key.
    NoKeys,
    /// The set has more than [`MAX_KEYS`](super::MAX_KEYS) keys.
    TooMany,
    /// Two keys of the set have the same name.
    SameName,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "is empty, which is a secret that everybody knows; set it",
            Self::WhiteSpace => "begins or ends with white space; trim it",
            Self::NotBase64 => "is not Base64; copy it as the provider shows it",
            Self::NotHex => "is not hexadecimal; copy it as the provider shows it",
            Self::WrongLength => "does not have the length of its kind; copy all of it",
            Self::NotOnCurve => "is no public key that can be trusted; copy it again",
            Self::WrongKind => {
                "is of a kind that the scheme does not use, or needs the feature `ed25519`"
            }
            Self::NeverValid => "ends before it begins; swap the two times",
            Self::NoKeys => "has no key; name at least one",
            Self::TooMany => "has more than 4 keys; end the oldest",
            Self::SameName => "has two keys of one name; name them apart",
        })
    }
}

impl Error for KeyError {}
