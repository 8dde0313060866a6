//! Entry points for fuzzing. No part of the public API.
//!
//! Each takes any bytes and says whether they could be read. What cannot hold is an assertion.

mod cursor;
mod egress;

use std::collections::HashSet;
use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use stonework_webhook_sign::MessageId;

pub use cursor::{cursor, fill, leads};
pub use egress::{address, endpoint_url};

use crate::judge::{CONTROL, Verdicts, judge};
use crate::retry_after::retry_after;
use crate::{DeadReason, DeliveryId, DisableReason, EndpointId, OrderKey};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const NOW: Duration = Duration::from_secs(1_800_000_000);

fn one(name: HeaderName, bytes: &[u8]) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    headers.insert(name, HeaderValue::from_bytes(bytes).ok()?);
    Some(headers)
}

/// Reads bytes as `Retry-After`.
///
/// # Panics
///
/// When the cap is exceeded, or the same time reads otherwise in other words.
pub fn retry_after_header(bytes: &[u8]) -> bool {
    let Some(headers) = one(RETRY_AFTER, bytes) else {
        return false;
    };
    let wish = |now, longest| retry_after(&headers, now, longest);
    let Some(time) = wish(NOW, Duration::MAX) else {
        assert_eq!(wish(Duration::ZERO, DAY), None, "whether it is one is no matter of the time");
        return false;
    };
    assert_eq!(wish(NOW, DAY), Some(time.min(DAY)), "the cap");
    assert_eq!(wish(NOW, Duration::ZERO), Some(Duration::ZERO), "the cap");
    let later = wish(NOW + DAY, Duration::MAX).expect("it is one");
    assert!(later == time || later == time.saturating_sub(DAY), "seconds, or a date");
    let words = HeaderValue::from(time.as_secs());
    let again = one(RETRY_AFTER, words.as_bytes()).expect("a header");
    assert_eq!(retry_after(&again, NOW, Duration::MAX), Some(time), "in other words");
    true
}

/// Reads bytes as the header by which a receiver says that it wants no more. Says whether it does.
///
/// # Panics
///
/// When a loop over all words says something else.
pub fn control_header(bytes: &[u8]) -> bool {
    let Some(headers) = one(HeaderName::from_static(CONTROL), bytes) else {
        return false;
    };
    let text = String::from_utf8_lossy(bytes).to_ascii_lowercase();
    let words: HashSet<_> = text.split(',').map(|word| word.trim_matches([' ', '\t'])).collect();
    let (disables, aborts) = (words.contains("disable"), words.contains("abort-message"));
    let asked = disables.then_some(DisableReason::Asked);
    let of = |status| judge(status, &headers, NOW, DAY);
    let taken = of(StatusCode::OK);
    assert_eq!((taken.result, taken.disable), (Verdicts::Delivered, asked));
    let failed = of(StatusCode::INTERNAL_SERVER_ERROR);
    let expected = match (disables, aborts) {
        (true, _) => Verdicts::Hopeless(DeadReason::Unwanted),
        (false, true) => Verdicts::Aborted,
        (false, false) => Verdicts::Failed { hint: None },
    };
    assert_eq!((failed.result, failed.disable), (expected, asked));
    assert_eq!(of(StatusCode::GONE).disable, Some(DisableReason::Gone));
    disables || aborts
}

/// Reads two lines as the names of an endpoint and of a message.
///
/// # Panics
///
/// When two deliveries are one to a store that puts a zero byte between them, or a name is longer than it may be.
pub fn delivery_id(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return false;
    };
    let (endpoint, message) = text.split_once('\n').unwrap_or((text, ""));
    assert_eq!(EndpointId::new(endpoint).is_ok(), OrderKey::new(endpoint).is_ok());
    let Ok(endpoint) = EndpointId::new(endpoint) else {
        return false;
    };
    let Ok(id) = DeliveryId::new(endpoint.clone(), MessageId::new(message)) else {
        return false;
    };
    assert!((1..=128).contains(&id.endpoint.as_str().len()));
    assert!((1..=256).contains(&id.message.as_str().len()) && !message.contains('.'));
    let name = format!("{}\0{}", id.endpoint().as_str(), id.message().as_str());
    let parts: Vec<_> = name.split('\0').collect();
    assert_eq!(parts, [endpoint.as_str(), message], "a name has no zero byte");
    assert!(!name.bytes().any(|byte| byte != 0 && byte <= b' '), "nor any other that is not seen");
    assert!(HeaderValue::from_str(message).is_ok(), "it is sent as a header");
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_bytes_are_survived() {
        for len in 0..200 {
            for fill in [0, 1, b'"', b',', b'.', b':', b' ', b'1', b'a', 0xff] {
                let bytes = vec![fill; len];
                retry_after_header(&bytes);
                control_header(&bytes);
                endpoint_url(&bytes);
                address(&bytes);
                delivery_id(&bytes);
                cursor(&bytes);
            }
        }
    }
}
