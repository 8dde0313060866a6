//! `Retry-After`: how long a receiver asks to be left alone (RFC 9110, section 10.2.3).

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::RETRY_AFTER;

/// The time that the header asks for: seconds, or an HTTP date against `now`, and at most `longest`. Of several the
/// longest; what does not parse is not there.
///
/// Seconds that fit in no number are still a wish for a long time, so they are `longest` and not nothing.
pub(crate) fn retry_after(
    headers: &HeaderMap,
    now: Duration,
    longest: Duration,
) -> Option<Duration> {
    let values = headers.get_all(RETRY_AFTER).iter();
    values.filter_map(|value| parse(value.as_bytes(), now)).max().map(|wish| wish.min(longest))
}

fn parse(value: &[u8], now: Duration) -> Option<Duration> {
    let text = std::str::from_utf8(value.trim_ascii()).ok()?;
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    let date = date.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Some(date.saturating_sub(now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    /// Sun, 06 Nov 1994 08:49:37 GMT
    const NOW: Duration = Duration::from_secs(784_111_777);

    fn of(values: &[&[u8]]) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(RETRY_AFTER, HeaderValue::from_bytes(value).unwrap());
        }
        retry_after(&headers, NOW, DAY)
    }

    #[test]
    fn seconds_and_dates() {
        assert_eq!(of(&[b"120"]), Some(Duration::from_secs(120)));
        assert_eq!(of(&[b"0"]), Some(Duration::ZERO));
        assert_eq!(of(&[b" 7 "]), Some(Duration::from_secs(7)));
        assert_eq!(of(&[b"Sun, 06 Nov 1994 08:50:37 GMT"]), Some(Duration::from_secs(60)));
        assert_eq!(of(&[b"Sunday, 06-Nov-94 08:50:37 GMT"]), Some(Duration::from_secs(60)));
        assert_eq!(of(&[b"Sun, 06 Nov 1994 08:00:00 GMT"]), Some(Duration::ZERO), "it has passed");
    }

    #[test]
    fn hostile_ones_are_capped_or_not_there() {
        for long in ["99999999999999999999999999", "18446744073709551615", "86401"] {
            assert_eq!(of(&[long.as_bytes()]), Some(DAY), "{long}");
        }
        assert_eq!(of(&[b"Fri, 31 Dec 9999 23:59:59 GMT"]), Some(DAY));
        for none in [&b""[..], b"-1", b"+1", b"1.5", b"1e9", b"soon", b"\xff", b"1 2", b"0x10"] {
            assert_eq!(of(&[none]), None, "{none:?}");
        }
        assert_eq!(of(&[b"soon", b"5", b"9"]), Some(Duration::from_secs(9)));
        assert_eq!(of(&[]), None);
    }

    proptest! {
        #[test]
        fn no_bytes_panic_or_exceed_the_cap(value: Vec<u8>) {
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                let mut headers = HeaderMap::new();
                headers.insert(RETRY_AFTER, value);
                prop_assert!(retry_after(&headers, NOW, DAY).is_none_or(|wish| wish <= DAY));
            }
        }
    }
}
