//! What an answer means. The status decides, and the `webhook-delivery` header; a body never does.

use std::time::Duration;

use http::{HeaderMap, StatusCode};

use crate::DisableReason;
use crate::retry_after::retry_after;

/// The header by which a receiver tells more than a status can.
pub(crate) const CONTROL: &str = "webhook-delivery";

/// What became of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) result: Verdicts,
    /// The receiver wants no more messages at all.
    pub(crate) disable: Option<DisableReason>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdicts {
    /// The receiver has it.
    Delivered,
    /// The receiver never wants this one.
    Aborted,
    /// The receiver is well, and has too much to do.
    Throttled { hint: Option<Duration> },
    /// The receiver is overwhelmed, or what stands before it is.
    Overloaded { hint: Option<Duration> },
    /// Anything else: an error, a redirect, no answer.
    Failed { hint: Option<Duration> },
    /// It was not sent: what is known of the endpoint cannot be used, until somebody mends it.
    Unusable,
    /// It will not be otherwise the next time.
    Hopeless(crate::DeadReason),
}

impl Verdict {
    pub(crate) const fn of(result: Verdicts) -> Self {
        Self { result, disable: None }
    }

    /// No answer.
    pub(crate) const fn failed() -> Self {
        Self::of(Verdicts::Failed { hint: None })
    }
}

/// Judges an answer. `now` is for dates in `Retry-After`, and `longest` caps it.
pub(crate) fn judge(
    status: StatusCode,
    headers: &HeaderMap,
    now: Duration,
    longest: Duration,
) -> Verdict {
    let disable = if status == StatusCode::GONE {
        Some(DisableReason::Gone)
    } else {
        says(headers, "disable").then_some(DisableReason::Asked)
    };
    let hint = || retry_after(headers, now, longest);
    let result = if status.is_success() {
        Verdicts::Delivered
    } else if disable.is_some() {
        Verdicts::Hopeless(crate::DeadReason::Unwanted)
    } else if says(headers, "abort-message") {
        Verdicts::Aborted
    } else {
        match status {
            StatusCode::TOO_MANY_REQUESTS => Verdicts::Throttled { hint: hint() },
            StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => {
                Verdicts::Overloaded { hint: hint() }
            }
            // A redirect too: where it leads was not vetted, and its owner can change the URL.
            _ => Verdicts::Failed { hint: hint() },
        }
    };
    Verdict { result, disable }
}

fn says(headers: &HeaderMap, word: &str) -> bool {
    headers.get_all(CONTROL).iter().any(|value| {
        let words = value.as_bytes().split(|byte| *byte == b',');
        words.into_iter().any(|said| said.trim_ascii().eq_ignore_ascii_case(word.as_bytes()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DeadReason;
    use http::HeaderValue;

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    fn of(status: u16, fields: &[(&'static str, &str)]) -> Verdict {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        judge(StatusCode::from_u16(status).unwrap(), &headers, Duration::ZERO, DAY)
    }

    #[test]
    fn statuses() {
        for status in [200, 201, 202, 204, 299] {
            assert_eq!(of(status, &[]), Verdict::of(Verdicts::Delivered), "{status}");
        }
        for status in [101, 300, 301, 302, 304, 307, 308, 400, 401, 404, 408, 500, 503, 599, 999] {
            assert_eq!(of(status, &[]), Verdict::failed(), "{status}");
        }
        assert_eq!(of(429, &[]), Verdict::of(Verdicts::Throttled { hint: None }));
        for status in [502, 504] {
            assert_eq!(of(status, &[]), Verdict::of(Verdicts::Overloaded { hint: None }));
        }
    }

    #[test]
    fn hints_are_heard_from_all_who_fail() {
        let hint = Some(Duration::from_secs(7));
        let fields = [("retry-after", "7")];
        assert_eq!(of(429, &fields).result, Verdicts::Throttled { hint });
        assert_eq!(of(502, &fields).result, Verdicts::Overloaded { hint });
        assert_eq!(of(503, &fields).result, Verdicts::Failed { hint });
        assert_eq!(of(200, &fields).result, Verdicts::Delivered);
    }

    #[test]
    fn gone_and_disable_end_the_endpoint() {
        let unwanted = Verdicts::Hopeless(DeadReason::Unwanted);
        let gone = Verdict { result: unwanted, disable: Some(DisableReason::Gone) };
        assert_eq!(of(410, &[]), gone);
        let asked = Some(DisableReason::Asked);
        assert_eq!(of(500, &[(CONTROL, "Disable")]), Verdict { result: unwanted, disable: asked });
        let last = Verdict { result: Verdicts::Delivered, disable: asked };
        assert_eq!(of(200, &[(CONTROL, "x, disable")]), last, "it took this one");
    }

    #[test]
    fn abort_message_ends_the_message() {
        assert_eq!(of(400, &[(CONTROL, "abort-message")]).result, Verdicts::Aborted);
        assert_eq!(of(429, &[(CONTROL, "abort-message")]).result, Verdicts::Aborted);
        assert_eq!(of(204, &[(CONTROL, "abort-message")]).result, Verdicts::Delivered);
        assert_eq!(of(400, &[(CONTROL, "abort")]), Verdict::failed());
    }
}
