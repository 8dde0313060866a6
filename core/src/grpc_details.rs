//! A `google.rpc.Status` whose detail is a `google.rpc.ErrorInfo`: what a client of gRPC has for the type of a problem
//! and its members.
//!
//! Two messages of strings do not make up for a dependency on a compiler of protocols, so they are written by hand. The
//! tests read them with `tonic-types`.

use bytes::Bytes;

use crate::GrpcCode;

const ERROR_INFO: &str = "type.googleapis.com/google.rpc.ErrorInfo";

/// The reason and the domain of a problem of this type, which together say what it does: `KEY_REUSED` and
/// `urn:stonework:idempotency` are `urn:stonework:idempotency:key-reused`.
fn reason(type_uri: &str) -> (String, &str) {
    let (domain, slug) = match type_uri.rfind([':', '/', '#']) {
        Some(at) => (&type_uri[..at], &type_uri[at + 1..]),
        None => ("", type_uri),
    };
    // Capitals, digits and `_`, as AIP-193 has it.
    let write = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    (slug.chars().map(write).collect(), domain)
}

/// The status, for a problem of this type with these members.
pub(crate) fn encode(
    code: GrpcCode,
    message: &str,
    type_uri: &str,
    members: impl Iterator<Item = (impl AsRef<str>, impl AsRef<str>)>,
) -> Bytes {
    let (reason, domain) = reason(type_uri);
    let mut info = Vec::with_capacity(128);
    text(&mut info, 1, &reason);
    text(&mut info, 2, domain);
    for (name, value) in members {
        let (mut entry, value) = (Vec::new(), value.as_ref());
        text(&mut entry, 1, name.as_ref());
        text(&mut entry, 2, value);
        bytes(&mut info, 3, &entry);
    }
    let mut any = Vec::with_capacity(info.len() + 64);
    text(&mut any, 1, ERROR_INFO);
    bytes(&mut any, 2, &info);
    let mut status = Vec::with_capacity(any.len() + message.len() + 16);
    // A code is a number below 128, which is one byte.
    status.extend([1 << 3, code as u8]);
    text(&mut status, 2, message);
    bytes(&mut status, 3, &any);
    status.into()
}

/// A text that is empty is left out, as proto3 has it.
fn text(out: &mut Vec<u8>, field: u8, text: &str) {
    if !text.is_empty() {
        bytes(out, field, text.as_bytes());
    }
}

fn bytes(out: &mut Vec<u8>, field: u8, bytes: &[u8]) {
    const LENGTH_DELIMITED: u8 = 2;
    out.push(field << 3 | LENGTH_DELIMITED);
    let mut len = bytes.len();
    // Seven bits a byte, the low ones first; the top bit says that there are more.
    while len >= 0x80 {
        out.push(len as u8 | 0x80);
        len >>= 7;
    }
    out.push(len as u8);
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;
    use tonic::{Code, Status};
    use tonic_types::{ErrorDetails, StatusExt};

    #[test]
    fn a_type_is_a_reason_of_a_domain() {
        for (type_uri, expected, domain) in [
            ("urn:stonework:idempotency:key-reused", "KEY_REUSED", "urn:stonework:idempotency"),
            (
                "https://iana.org/assignments/types#quota",
                "QUOTA",
                "https://iana.org/assignments/types",
            ),
            ("https://example.com/out-of-tea", "OUT_OF_TEA", "https://example.com"),
            ("about:blank", "BLANK", "about"),
            ("tea", "TEA", ""),
            ("urn:tea:schön", "SCH_N", "urn:tea"),
            ("", "", ""),
        ] {
            assert_eq!(reason(type_uri), (expected.to_owned(), domain), "{type_uri}");
        }
    }

    proptest! {
        #[test]
        fn every_byte_is_what_tonic_writes(
            code in 1_i32..17,
            message in "\\PC{0,200}",
            slug in "[a-z]{1,9}-[a-z0-9]{0,9}",
            member in prop::option::of(("[a-z-]{0,150}", "\\PC{0,150}")),
        ) {
            let type_uri = format!("urn:a:{slug}");
            let code = Code::from_i32(code);
            let members = member.iter().map(|(name, value)| (name, value));
            let ours = encode(ours(code), &message, &type_uri, members);
            let reason = slug.to_uppercase().replace('-', "_");
            let metadata: HashMap<_, _> = member.into_iter().collect();
            let details = ErrorDetails::with_error_info(reason, "urn:a", metadata);
            let theirs = Status::with_error_details(code, message, details);
            prop_assert_eq!(&ours, theirs.details());
        }
    }

    fn ours(code: Code) -> GrpcCode {
        use GrpcCode::{
            Aborted, AlreadyExists, Cancelled, DataLoss, DeadlineExceeded, FailedPrecondition,
            Internal, InvalidArgument, NotFound, OutOfRange, PermissionDenied, ResourceExhausted,
            Unauthenticated, Unavailable, Unimplemented, Unknown,
        };
        let codes = [
            Cancelled,
            Unknown,
            InvalidArgument,
            DeadlineExceeded,
            NotFound,
            AlreadyExists,
            PermissionDenied,
            ResourceExhausted,
            FailedPrecondition,
            Aborted,
            OutOfRange,
            Unimplemented,
            Internal,
            Unavailable,
            DataLoss,
            Unauthenticated,
        ];
        codes[code as usize - 1]
    }
}
