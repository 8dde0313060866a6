//! `google.rpc.Status` with the details that gRPC clients know what to do with.
//!
//! Three messages of strings and numbers do not make up for a dependency on a compiler of
//! protocols, so they are written by hand. The tests compare every byte with what `tonic-types`
//! writes.

use std::time::Duration;

use bytes::Bytes;

const RETRY_INFO: &str = "type.googleapis.com/google.rpc.RetryInfo";
const QUOTA_FAILURE: &str = "type.googleapis.com/google.rpc.QuotaFailure";

/// What `google.protobuf.Duration` may hold: 10,000 years.
const LONGEST: Duration = Duration::new(315_576_000_000, 999_999_999);

/// How a field's value is encoded.
const VARINT: u8 = 0;
const LENGTH_DELIMITED: u8 = 2;

/// A status with a `RetryInfo` if it is known when to come back, and a `QuotaFailure` if there are
/// violations: subjects, which are policies' names, and descriptions.
pub(crate) fn encode<'a>(
    code: u16,
    message: &str,
    retry: Option<Duration>,
    violations: impl Iterator<Item = (&'a str, &'a str)>,
) -> Bytes {
    let mut status = Vec::with_capacity(message.len() + 192);
    number(&mut status, 1, code.into());
    text(&mut status, 2, message);
    if let Some(delay) = retry {
        any(&mut status, 3, RETRY_INFO, &retry_info(delay));
    }
    let failure = quota_failure(violations);
    if !failure.is_empty() {
        any(&mut status, 3, QUOTA_FAILURE, &failure);
    }
    status.into()
}

fn retry_info(delay: Duration) -> Vec<u8> {
    let delay = delay.min(LONGEST);
    let mut duration = Vec::with_capacity(12);
    number(&mut duration, 1, delay.as_secs());
    number(&mut duration, 2, delay.subsec_nanos().into());
    let mut info = Vec::with_capacity(duration.len() + 2);
    bytes(&mut info, 1, &duration);
    info
}

fn quota_failure<'a>(violations: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<u8> {
    let mut failure = Vec::new();
    for (subject, description) in violations {
        let mut violation = Vec::with_capacity(subject.len() + description.len() + 8);
        text(&mut violation, 1, subject);
        text(&mut violation, 2, description);
        bytes(&mut failure, 1, &violation);
    }
    failure
}

fn any(out: &mut Vec<u8>, field: u8, type_url: &str, value: &[u8]) {
    let mut any = Vec::with_capacity(type_url.len() + value.len() + 8);
    text(&mut any, 1, type_url);
    bytes(&mut any, 2, value);
    bytes(out, field, &any);
}

/// A number or a text that is the default is left out, as proto3 has it.
fn number(out: &mut Vec<u8>, field: u8, number: u64) {
    if number > 0 {
        out.push(field << 3 | VARINT);
        varint(out, number);
    }
}

fn text(out: &mut Vec<u8>, field: u8, text: &str) {
    if !text.is_empty() {
        bytes(out, field, text.as_bytes());
    }
}

fn bytes(out: &mut Vec<u8>, field: u8, bytes: &[u8]) {
    out.push(field << 3 | LENGTH_DELIMITED);
    varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Seven bits a byte, the low ones first; the top bit says that there are more.
fn varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    // Below 0x80.
    out.push(number as u8);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tonic::{Code, Status};
    use tonic_types::{ErrorDetails, QuotaViolation, StatusExt};

    fn encoded(code: u16, message: &str, retry: Option<Duration>, of: &[(&str, &str)]) -> Bytes {
        encode(code, message, retry, of.iter().copied())
    }

    /// What the crate of gRPC's own authors writes.
    fn theirs(code: Code, message: &str, retry: Option<Duration>, of: &[(&str, &str)]) -> Status {
        let mut details = ErrorDetails::new();
        if let Some(delay) = retry {
            details.set_retry_info(Some(delay));
        }
        if !of.is_empty() {
            let violations = of.iter().map(|(subject, why)| QuotaViolation::new(*subject, *why));
            details.set_quota_failure(violations.collect::<Vec<_>>());
        }
        Status::with_error_details(code, message, details)
    }

    #[test]
    fn a_refusal_tells_when_and_why() {
        let delay = Duration::from_millis(1_500);
        let of = [("burst", "100 per 60 s"), ("daily", "1000 per 86400 s")];
        let details = encoded(8, "Quota exceeded", Some(delay), &of);
        let status = Status::with_details(Code::ResourceExhausted, "Quota exceeded", details);
        let told = status.get_error_details();
        assert_eq!(told.retry_info().unwrap().retry_delay, Some(delay));
        let violations = &told.quota_failure().unwrap().violations;
        let violations = violations.iter().map(|v| (v.subject.as_str(), v.description.as_str()));
        assert_eq!(violations.collect::<Vec<_>>(), of);
    }

    #[test]
    fn what_is_not_known_is_not_told() {
        let details = encoded(14, "", None, &[]);
        assert_eq!(details, theirs(Code::Unavailable, "", None, &[]).details());
        let told = Status::with_details(Code::Unavailable, "", details).get_error_details();
        assert!(told.retry_info().is_none() && told.quota_failure().is_none());
        assert_eq!(encoded(0, "", None, &[]), "");
    }

    #[test]
    fn the_longest_delay_is_the_longest_that_protobuf_has() {
        let details = encoded(8, "", Some(Duration::MAX), &[]);
        assert_eq!(details, encoded(8, "", Some(LONGEST), &[]));
        let told = Status::with_details(Code::ResourceExhausted, "", details).get_error_details();
        assert_eq!(told.retry_info().unwrap().retry_delay, Some(LONGEST));
    }

    fn delays() -> impl Strategy<Value = Duration> {
        let seconds = prop_oneof![0_u64..200, 0..=LONGEST.as_secs()];
        let nanos = prop_oneof![Just(0_u32), 0..1_000_000_000_u32];
        (seconds, nanos).prop_map(|(seconds, nanos)| Duration::new(seconds, nanos))
    }

    proptest! {
        #[test]
        fn every_byte_is_what_tonic_writes(
            code in 0_i32..17,
            message in "\\PC{0,200}",
            retry in prop::option::of(delays()),
            of in prop::collection::vec(("\\PC{0,150}", "\\PC{0,150}"), 0..4),
        ) {
            let of: Vec<_> = of.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
            let ours = encoded(code as u16, &message, retry, &of);
            let theirs = theirs(Code::from_i32(code), &message, retry, &of);
            prop_assert_eq!(&ours, theirs.details());
            let status = Status::with_details(Code::from_i32(code), message.as_str(), ours);
            prop_assert!(status.check_error_details().is_ok());
            let told = status.get_error_details();
            prop_assert_eq!(told.retry_info().and_then(|info| info.retry_delay), retry);
        }
    }
}
