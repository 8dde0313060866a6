//! How a cursor is written.
//!
//! A token is base64url without padding of a head, what it says, and a tag. The head is a byte whose upper half
//! is the version of the format, 1, and whose lower half is the mode; then the id of the key, in the
//! modes that have one. What it says: the order's fingerprint, the direction, whether the row is included and
//! whether it expires, in three bytes; when, in seconds since 1970, as a varint; the values.

mod base64url;
#[cfg(feature = "encrypted")]
mod encrypted;
mod mode;
mod plain;
mod said;
mod signed;
#[cfg(feature = "stored")]
mod stored;

pub(crate) use base64url::{decode, encode, encoded_len};
#[cfg(feature = "encrypted")]
pub(crate) use encrypted::Encrypted;
pub(crate) use mode::Bound;
pub(crate) use plain::Plain;
pub(crate) use said::Said;
pub(crate) use signed::Signed;
#[cfg(feature = "stored")]
pub(crate) use stored::Stored;
