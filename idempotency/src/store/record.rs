//! The bytes of a record: what a store over a network keeps under a key.
//!
//! The head has fixed offsets, so that a script can compare and patch it in place. Integers are
//! big-endian, times are milliseconds.
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 1 | version, 1 |
//! | 1 | 1 | state: 0 pending, 1 completed |
//! | 2 | 16 | token |
//! | 18 | 4 | attempt |
//! | 22 | 32 | fingerprint |
//! | 54 | 8 | retention: how long the record stays, from its start |
//! | 62 | 8 | end of the lease, from the record's start |
//! | 70 | | pending: 1 byte, is there a checkpoint; the checkpoint |
//! | 70 | | completed: 4 bytes, length of the head; 1 byte, is there a body; the head; the body |
//!
//! A record's start is its claim, its last takeover or its completion. Whatever does not read
//! exactly so is an error: an unreadable record must never pass for an absent one.

use std::time::Duration;

use bytes::{Buf, BufMut, Bytes};
use stonework_core::{StoreError, StoreErrorKind};

use super::{Answer, Record, State};
use crate::lookup::{Fingerprint, Token};

const VERSION: u8 = 1;
const PENDING: u8 = 0;
const COMPLETED: u8 = 1;

const VERSION_AT: usize = 0;
const STATE_AT: usize = 1;
const TOKEN_AT: usize = 2;
const ATTEMPT_AT: usize = 18;
const FINGERPRINT_AT: usize = 22;
const RETENTION_AT: usize = 54;
const LEASE_END_AT: usize = 62;
const PAYLOAD_AT: usize = 70;

/// A hundred years: longer times are kept as this. Sums of two stay far below 2^53, up to which a
/// script, whose numbers are doubles, counts exactly.
const LONGEST: u64 = 100 * 365 * 24 * 60 * 60 * 1000;

/// 2^53. No writer of version 1 makes a time that reaches it.
const INEXACT: u64 = 1 << 53;

/// Milliseconds, rounded up; at most a hundred years.
pub(crate) fn millis(time: Duration) -> u64 {
    let millis = time.as_nanos().div_ceil(1_000_000);
    u64::try_from(millis).unwrap_or(LONGEST).min(LONGEST)
}

/// What stands under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) token: Token,
    pub(crate) attempt: u32,
    pub(crate) fingerprint: Fingerprint,
    /// How long the record stays, in milliseconds from its start.
    pub(crate) retention: u64,
    /// When the lease ends, in milliseconds from the record's start. Zero once completed.
    pub(crate) lease_end: u64,
    pub(crate) payload: Payload,
}

/// What follows the head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Payload {
    /// The checkpoint, if one was saved.
    Pending(Option<Bytes>),
    Completed(Answer),
}

impl Stored {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(PAYLOAD_AT + self.payload.len());
        out.put_u8(VERSION);
        out.put_u8(self.payload.state());
        out.put_slice(self.token.as_bytes());
        out.put_u32(self.attempt);
        out.put_slice(self.fingerprint.as_bytes());
        out.put_u64(self.retention.min(INEXACT - 1));
        out.put_u64(self.lease_end.min(INEXACT - 1));
        self.payload.encode(&mut out);
        out
    }

    /// Reads a record; checkpoint and answer are slices of `bytes`.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::Incompatible`] for whatever [`encode`](Self::encode) would not write.
    pub(crate) fn decode(bytes: Bytes) -> Result<Self, StoreError> {
        Self::parse(bytes)
            .map_err(|reason| StoreError::new(StoreErrorKind::Incompatible).with_source(reason))
    }

    fn parse(mut bytes: Bytes) -> Result<Self, &'static str> {
        if bytes.get(VERSION_AT) != Some(&VERSION) {
            return Err("the record has an unknown version");
        }
        let Some(head) = bytes.first_chunk::<PAYLOAD_AT>().copied() else {
            return Err("the record is cut off");
        };
        bytes.advance(PAYLOAD_AT);
        Ok(Self {
            token: Token::from_bytes(field(&head, TOKEN_AT)),
            attempt: u32::from_be_bytes(field(&head, ATTEMPT_AT)),
            fingerprint: Fingerprint::from_bytes(field(&head, FINGERPRINT_AT)),
            retention: time(&head, RETENTION_AT)?,
            lease_end: time(&head, LEASE_END_AT)?,
            payload: Payload::parse(head[STATE_AT], bytes)?,
        })
    }

    /// The record, if `left` milliseconds of its retention are left.
    ///
    /// `None` stands for a record that never expires, which no operation of ours makes. Its age
    /// is unknown and taken as zero: a lease on it does not run out by itself, so nobody runs
    /// beside an owner that may be alive, while giving up, taking over after that, and completing
    /// work as ever and make it expire again.
    pub(crate) fn into_record(self, left: Option<u64>) -> Record {
        let age = left.map_or(0, |left| self.retention.saturating_sub(left));
        let state = match self.payload {
            Payload::Pending(_) => {
                let lease_left = Duration::from_millis(self.lease_end.saturating_sub(age));
                State::Pending { lease_left }
            }
            Payload::Completed(answer) => State::Completed(answer),
        };
        Record::new(self.fingerprint, self.token, self.attempt, state)
    }
}

fn field<const N: usize>(head: &[u8; PAYLOAD_AT], at: usize) -> [u8; N] {
    let mut field = [0; N];
    field.copy_from_slice(&head[at..at + N]);
    field
}

fn time(head: &[u8; PAYLOAD_AT], at: usize) -> Result<u64, &'static str> {
    let millis = u64::from_be_bytes(field(head, at));
    if millis < INEXACT { Ok(millis) } else { Err("the record names a time beyond all bounds") }
}

impl Payload {
    const fn state(&self) -> u8 {
        match self {
            Self::Pending(_) => PENDING,
            Self::Completed(_) => COMPLETED,
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Pending(checkpoint) => 1 + checkpoint.as_ref().map_or(0, Bytes::len),
            Self::Completed(answer) => {
                5 + answer.head.len() + answer.body.as_ref().map_or(0, Bytes::len)
            }
        }
    }

    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Pending(checkpoint) => {
                out.put_u8(checkpoint.is_some().into());
                out.put_slice(checkpoint.as_deref().unwrap_or_default());
            }
            Self::Completed(answer) => {
                // A head beyond 4 GiB breaks the contract; saturated, it is refused when read.
                out.put_u32(u32::try_from(answer.head.len()).unwrap_or(u32::MAX));
                out.put_u8(answer.body.is_some().into());
                out.put_slice(&answer.head);
                out.put_slice(answer.body.as_deref().unwrap_or_default());
            }
        }
    }

    fn parse(state: u8, mut bytes: Bytes) -> Result<Self, &'static str> {
        match state {
            PENDING => {
                let present = bytes.try_get_u8().map_err(|_| "the record is cut off")?;
                optional(present, bytes).map(Self::Pending)
            }
            COMPLETED => {
                let head = bytes.try_get_u32().map_err(|_| "the record is cut off")?;
                let present = bytes.try_get_u8().map_err(|_| "the record is cut off")?;
                let head = usize::try_from(head).unwrap_or(usize::MAX);
                if head > bytes.len() {
                    return Err("the record is cut off");
                }
                let head = bytes.split_to(head);
                Ok(Self::Completed(Answer::new(head, optional(present, bytes)?)))
            }
            _ => Err("the record has an unknown state"),
        }
    }
}

fn optional(present: u8, bytes: Bytes) -> Result<Option<Bytes>, &'static str> {
    match present {
        1 => Ok(Some(bytes)),
        0 if bytes.is_empty() => Ok(None),
        _ => Err("the record has bytes where there should be none"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stored(payload: Payload) -> Stored {
        Stored {
            token: Token::from_bytes([0x11; 16]),
            attempt: 0x0102_0304,
            fingerprint: Fingerprint::from_bytes([0x22; 32]),
            retention: 86_400_000,
            lease_end: 30_000,
            payload,
        }
    }

    fn answer(head: &'static [u8], body: Option<&'static [u8]>) -> Payload {
        Payload::Completed(Answer::new(head.into(), body.map(Bytes::from_static)))
    }

    /// The head of the vectors below, spelled out: a change of the layout is a change of these.
    fn head(state: u8) -> Vec<u8> {
        let mut head = vec![1, state];
        head.extend([0x11; 16]);
        head.extend([1, 2, 3, 4]);
        head.extend([0x22; 32]);
        head.extend([0, 0, 0, 0, 0x05, 0x26, 0x5c, 0x00]);
        head.extend([0, 0, 0, 0, 0, 0, 0x75, 0x30]);
        head
    }

    fn reason(bytes: &[u8]) -> String {
        let error = Stored::decode(Bytes::copy_from_slice(bytes)).unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Incompatible);
        std::error::Error::source(&error).unwrap().to_string()
    }

    #[test]
    fn the_layout_of_version_1_stays() {
        let vectors: [(Payload, u8, &[u8]); 5] = [
            (Payload::Pending(None), 0, &[0]),
            (Payload::Pending(Some(Bytes::from_static(b""))), 0, &[1]),
            (Payload::Pending(Some(Bytes::from_static(b"ab"))), 0, &[1, b'a', b'b']),
            (answer(b"hd", None), 1, &[0, 0, 0, 2, 0, b'h', b'd']),
            (answer(b"hd", Some(b"xyz")), 1, &[0, 0, 0, 2, 1, b'h', b'd', b'x', b'y', b'z']),
        ];
        for (payload, state, tail) in vectors {
            let bytes = [&head(state), tail].concat();
            assert_eq!(stored(payload.clone()).encode(), bytes);
            assert_eq!(Stored::decode(bytes.into()).unwrap(), stored(payload));
        }
    }

    #[test]
    fn what_is_unknown_or_broken_is_an_error_and_never_nothing() {
        assert!(reason(b"").contains("version"));
        assert!(reason(b"\x02").contains("version"));
        assert!(reason(&head(0)).contains("cut off"));
        assert!(reason(&[&head(2)[..], &[0]].concat()).contains("state"));
        assert!(reason(&[&head(0)[..], &[0, 9]].concat()).contains("should be none"));
        assert!(reason(&[&head(0)[..], &[2]].concat()).contains("should be none"));
        assert!(reason(&[&head(1)[..], &[0, 0, 0, 3, 0, 1, 2]].concat()).contains("cut off"));
        assert!(reason(&[&head(1)[..], &[255; 9]].concat()).contains("cut off"));
        let mut endless = [&head(0)[..], &[0]].concat();
        endless[RETENTION_AT] = 0xff;
        assert!(reason(&endless).contains("beyond"));
    }

    #[test]
    fn every_prefix_is_cut_off() {
        let whole = stored(answer(b"head", None)).encode();
        for end in 0..whole.len() {
            reason(&whole[..end]);
        }
    }

    #[test]
    fn an_answer_is_not_copied() {
        let bytes = Bytes::from(stored(answer(b"head", Some(b"body"))).encode());
        let Payload::Completed(answer) = Stored::decode(bytes.clone()).unwrap().payload else {
            panic!("completed");
        };
        assert_eq!(answer.body.unwrap().as_ptr(), bytes[bytes.len() - 4..].as_ptr());
    }

    #[test]
    fn times_round_up_and_saturate() {
        assert_eq!(millis(Duration::ZERO), 0);
        assert_eq!(millis(Duration::from_nanos(1)), 1);
        assert_eq!(millis(Duration::from_micros(1_001)), 2);
        assert_eq!(millis(Duration::MAX), LONGEST);
    }

    #[test]
    fn a_lease_is_measured_by_what_is_left_of_the_recorded_retention() {
        let left = |left| match stored(Payload::Pending(None)).into_record(left).state {
            State::Pending { lease_left } => lease_left.as_millis(),
            State::Completed(_) => panic!("pending"),
        };
        assert_eq!(left(Some(86_400_000)), 30_000);
        assert_eq!(left(Some(86_390_000)), 20_000);
        assert_eq!(left(Some(86_370_000)), 0);
        assert_eq!(left(Some(0)), 0);
        assert_eq!(left(Some(u64::MAX)), 30_000, "somebody prolonged it");
        assert_eq!(left(None), 30_000, "somebody made it stay for ever");
    }

    fn bytes() -> impl Strategy<Value = Bytes> {
        prop::collection::vec(any::<u8>(), 0..64).prop_map(Bytes::from)
    }

    fn any_payload() -> impl Strategy<Value = Payload> {
        prop_oneof![
            prop::option::of(bytes()).prop_map(Payload::Pending),
            (bytes(), prop::option::of(bytes()))
                .prop_map(|(head, body)| Payload::Completed(Answer::new(head, body))),
        ]
    }

    prop_compose! {
        fn any_stored()(
            token: [u8; 16],
            attempt: u32,
            fingerprint: [u8; 32],
            retention in 0..INEXACT,
            lease_end in 0..INEXACT,
            payload in any_payload(),
        ) -> Stored {
            let token = Token::from_bytes(token);
            let fingerprint = Fingerprint::from_bytes(fingerprint);
            Stored { token, attempt, fingerprint, retention, lease_end, payload }
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(stored in any_stored()) {
            prop_assert_eq!(Stored::decode(stored.encode().into()).unwrap(), stored);
        }

        #[test]
        fn what_is_read_is_written_so(stored in any_stored(), at: prop::sample::Index, byte: u8) {
            let mut bytes = stored.encode();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            if let Ok(stored) = Stored::decode(bytes.clone().into()) {
                prop_assert_eq!(stored.encode(), bytes);
            }
        }

        #[test]
        fn no_bytes_are_too_hostile(bytes: Vec<u8>) {
            let _ = Stored::decode(bytes.into());
        }
    }
}
