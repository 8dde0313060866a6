//! `Content-Digest` (RFC 9530).

use http::{HeaderMap, HeaderName, HeaderValue};
use sfv::{DictSerializer, ListEntry};
use sha2::{Digest, Sha256};

use super::input::dictionary;
use crate::claims::BodyRole;
use crate::{Field, Refusal};

pub(super) const CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");

/// The digest to compare with: SHA-512 where it is there, and else SHA-256. Older algorithms are no digests.
pub(super) fn read(headers: &HeaderMap) -> Result<BodyRole, Refusal> {
    let malformed = Refusal::Malformed(Field::Digest);
    let digests = dictionary(headers, &CONTENT_DIGEST).map_err(|_| malformed)?;
    let bytes = |name: &str| match digests.get(name) {
        Some(ListEntry::Item(item)) => item.bare_item.as_byte_sequence().map(Some).ok_or(malformed),
        Some(ListEntry::InnerList(_)) => Err(malformed),
        None => Ok(None),
    };
    if let Some(digest) = bytes("sha-512")? {
        return digest.try_into().map(BodyRole::DigestedSha512).map_err(|_| malformed);
    }
    let digest = bytes("sha-256")?.ok_or(malformed)?;
    digest.try_into().map(BodyRole::Digested).map_err(|_| malformed)
}

/// Writes the digest of a body, with SHA-256.
pub(super) fn write(body: &[u8], headers: &mut HeaderMap) -> Result<[u8; 32], Refusal> {
    let malformed = Refusal::Malformed(Field::Digest);
    let digest: [u8; 32] = Sha256::digest(body).into();
    let mut dictionary = DictSerializer::new();
    _ = dictionary.bare_item(sfv::key_ref("sha-256"), &digest[..]);
    let text = dictionary.finish().ok_or(malformed)?;
    headers.insert(CONTENT_DIGEST, HeaderValue::from_str(&text).map_err(|_| malformed)?);
    Ok(digest)
}
