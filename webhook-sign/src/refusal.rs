use std::error::Error;
use std::fmt;

/// Why a request counts as not authenticated.
///
/// It is for logs and hooks. The sender is told the same whatever it is: to somebody who tries signatures, each
/// difference is a hint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// There is no header of any sender's signature.
    NotSigned,
    /// Something that the scheme needs is not there.
    Missing(Field),
    /// Something cannot be read.
    Malformed(Field),
    /// A header is there more than once, and which one counts would be a guess.
    Repeated(Field),
    /// There are more signatures than are looked at.
    TooManySignatures,
    /// None of the signatures is of a kind that a key checks.
    NoKnownSignature,
    /// The timestamp is older than the tolerance.
    TooOld,
    /// The timestamp is further in the future than the tolerance.
    TooNew,
    /// There is no valid key for this request.
    UnknownKey,
    /// No signature is that of a key.
    Mismatch,
    /// The digest that was signed is not that of the body.
    WrongDigest,
    /// The signature does not cover what the policy asks for.
    NotCovered,
    /// The request comes from none of the sender's networks, or from nobody knows where.
    Network,
}

/// What a [`Refusal`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Field {
    /// The signature, or the header around it.
    Signature,
    /// The timestamp, wherever the scheme has it.
    Timestamp,
    /// The id of the message.
    Id,
    /// The digest of the body.
    Digest,
    /// A part of the URL.
    Url,
    /// Something in the body.
    Body,
    /// A header that the signature covers.
    Header,
}

impl Field {
    const fn name(self) -> &'static str {
        match self {
            Self::Signature => "signature",
            Self::Timestamp => "timestamp",
            Self::Id => "id",
            Self::Digest => "digest",
            Self::Url => "URL",
            Self::Body => "body",
            Self::Header => "header",
        }
    }
}

impl Refusal {
    /// A stable word for logs and metrics.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::NotSigned => "not-signed",
            Self::Missing(_) => "missing",
            Self::Malformed(_) => "malformed",
            Self::Repeated(_) => "repeated",
            Self::TooManySignatures => "too-many-signatures",
            Self::NoKnownSignature => "no-known-signature",
            Self::TooOld => "too-old",
            Self::TooNew => "too-new",
            Self::UnknownKey => "unknown-key",
            Self::Mismatch => "mismatch",
            Self::WrongDigest => "wrong-digest",
            Self::NotCovered => "not-covered",
            Self::Network => "network",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSigned => f.write_str("there is no signature"),
            Self::Missing(field) => write!(f, "the {} is missing", field.name()),
            Self::Malformed(field) => write!(f, "the {} cannot be read", field.name()),
            Self::Repeated(field) => write!(f, "the {} is there more than once", field.name()),
            Self::TooManySignatures => f.write_str("there are too many signatures"),
            Self::NoKnownSignature => f.write_str("no signature is of a kind that a key checks"),
            Self::TooOld => f.write_str("the timestamp is too old"),
            Self::TooNew => f.write_str("the timestamp is too far in the future"),
            Self::UnknownKey => f.write_str("there is no valid key"),
            Self::Mismatch => f.write_str("no signature fits"),
            Self::WrongDigest => f.write_str("the digest is not that of the body"),
            Self::NotCovered => f.write_str("the signature does not cover what it must"),
            Self::Network => f.write_str("the sender's network is not among the allowed ones"),
        }
    }
}

impl Error for Refusal {}
