use bytes::Bytes;
use http::HeaderValue;

/// Room for the values of two policies.
const SHORT: usize = 128;

/// RFC 9651, section 3.3.1: Integers have no more than 15 digits.
const LARGEST: u64 = 999_999_999_999_999;

/// A header value in the making.
pub(super) struct Line {
    len: usize,
    short: [u8; SHORT],
    long: Option<Vec<u8>>,
}

/// What `write` writes, with one allocation: on the stack, then copied. What turns out too long for
/// that is written a second time, into as much room as it needs. `None` for nothing, and for what a
/// header cannot hold.
pub(super) fn value(write: impl Fn(&mut Line)) -> Option<HeaderValue> {
    let mut line = Line { len: 0, short: [0; SHORT], long: None };
    write(&mut line);
    match line.short.get(..line.len) {
        Some([]) => None,
        Some(short) => HeaderValue::from_bytes(short).ok(),
        None => {
            line.long = Some(Vec::with_capacity(line.len));
            write(&mut line);
            HeaderValue::from_maybe_shared(Bytes::from(line.long?)).ok()
        }
    }
}

impl Line {
    pub(super) fn is_empty(&self) -> bool {
        self.len == 0 || self.long.as_ref().is_some_and(Vec::is_empty)
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        if let Some(long) = &mut self.long {
            long.extend_from_slice(bytes);
            return;
        }
        let end = self.len + bytes.len();
        if let Some(room) = self.short.get_mut(self.len..end) {
            room.copy_from_slice(bytes);
        }
        self.len = end;
    }

    /// The largest Integer instead of what is larger.
    pub(super) fn integer(&mut self, number: u64) {
        self.bytes(itoa::Buffer::new().format(number.min(LARGEST)).as_bytes());
    }

    /// RFC 4648, section 4. Twelve bytes need no padding.
    pub(super) fn base64(&mut self, bytes: &[u8; 12]) {
        const ALPHABET: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        for group in bytes.chunks_exact(3) {
            let bits = u32::from_be_bytes([0, group[0], group[1], group[2]]);
            let sextet = |shift: u32| ALPHABET[(bits >> shift & 63) as usize];
            self.bytes(&[sextet(18), sextet(12), sextet(6), sextet(0)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(write: impl Fn(&mut Line)) -> String {
        value(write).unwrap().to_str().unwrap().to_owned()
    }

    #[test]
    fn integers_have_fifteen_digits_at_most() {
        for number in [0, 9, 10, 65_536, LARGEST] {
            assert_eq!(written(|line| line.integer(number)), number.to_string());
        }
        assert_eq!(written(|line| line.integer(u64::MAX)), LARGEST.to_string());
    }

    #[test]
    fn base64_is_base64() {
        assert_eq!(written(|line| line.base64(b"many hands m")), "bWFueSBoYW5kcyBt");
        assert_eq!(written(|line| line.base64(&[0xff; 12])), "//////////////////"[..16].to_owned());
    }

    #[test]
    fn nothing_and_the_unwritable_are_no_value() {
        assert_eq!(value(|_| {}), None);
        assert_eq!(value(|line| line.bytes(b"a\nb")), None);
        assert_eq!(value(|line| line.bytes(&[b'\n'; 999])), None);
    }

    proptest! {
        #[test]
        fn any_length_is_written_whole(parts in prop::collection::vec("[ -~]{0,80}", 1..9)) {
            let expected = parts.concat();
            prop_assume!(!expected.is_empty());
            let written = written(|line| parts.iter().for_each(|part| line.bytes(part.as_bytes())));
            prop_assert_eq!(written, expected);
        }
    }
}
