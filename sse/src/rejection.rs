use std::time::Duration;

use bytes::Bytes;
use http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER,
};
use http::{Response, StatusCode};
use stonework_core::{NotExecuted, Problem, Protocol, Retry};

use crate::LastEventId;
use crate::body::EVENT_STREAM;
use crate::jitter::jittered;
use crate::last_event_id::come_back;

/// Why a stream was turned away. Also an extension of the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rejection {
    /// There are as many streams as there may be. 503.
    TooMany,
    /// Whoever is asking has as many as it may have. 429.
    TooManyOfKey,
    /// The process is about to end. 503.
    Draining,
    /// The log does not answer. 503.
    Unavailable,
    /// What a poll or a WebSocket says to be its cursor is none. 400. Of an event stream nothing is refused for that: a
    /// browser could not begin again.
    Cursor,
}

/// What all type URIs begin with, unless `problem_base` says otherwise.
pub(crate) const PROBLEM_BASE: &str = "urn:stonework:sse:";

/// When to come back, unless `retry` says otherwise.
pub(crate) const RETRY: Duration = Duration::from_secs(5);

impl Rejection {
    /// The last part of the problem's type URI; stable.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::TooMany => "too-many-streams",
            Self::TooManyOfKey => "too-many-streams-of-one",
            Self::Draining => "draining",
            Self::Unavailable => "log-unavailable",
            Self::Cursor => "cursor-invalid",
        }
    }

    /// The HTTP status, for whoever does not ask for an event stream.
    pub const fn status(self) -> StatusCode {
        match self {
            Self::TooMany | Self::Draining | Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::TooManyOfKey => StatusCode::TOO_MANY_REQUESTS,
            Self::Cursor => StatusCode::BAD_REQUEST,
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::TooMany => "There are too many streams",
            Self::TooManyOfKey => "You have too many streams",
            Self::Draining => "This server is about to end",
            Self::Unavailable => "Events cannot be read at the moment",
            Self::Cursor => "Cursor is invalid",
        }
    }

    pub(crate) fn problem(self, base: &str, retry: Duration) -> Problem {
        let type_uri = format!("{base}{}", self.slug());
        let problem = Problem::new(type_uri, self.title(), self.status());
        match self {
            Self::Cursor => {
                problem.detail("It is an id that an event had. Leave it out to begin now.")
            }
            _ => problem.retry(Retry::After(retry)),
        }
    }

    /// The answer, as a problem (RFC 9457).
    pub(crate) fn respond(self, base: &str, retry: Duration) -> Response<Bytes> {
        self.answer(&Protocol::Http, base, retry)
    }

    pub(crate) fn answer(
        self,
        protocol: &Protocol,
        base: &str,
        retry: Duration,
    ) -> Response<Bytes> {
        crate::trace::refused!(self.slug());
        let problem = self.problem(base, jittered(retry));
        let mut response = problem.to_response(protocol);
        let extensions = response.extensions_mut();
        extensions.insert(self);
        extensions.insert(problem);
        extensions.insert(NotExecuted);
        response
    }
}

/// What stands in for a refusal where a browser asks for an event stream. After a 503, or anything else that is none, it
/// would never come back; so it is given a stream that says when to, and ends.
pub(crate) fn told_to_come_back(
    refusal: Response<Bytes>,
    retry: Duration,
    was_at: Option<&LastEventId>,
) -> Response<Bytes> {
    let (mut parts, _) = refusal.into_parts();
    parts.status = StatusCode::OK;
    // Others stay, such as those of CORS.
    parts.headers.remove(CONTENT_LENGTH);
    parts.headers.remove(RETRY_AFTER);
    parts.headers.insert(CONTENT_TYPE, EVENT_STREAM);
    parts.headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Response::from_parts(parts, come_back(jittered(retry), was_at).into())
}

/// Browsers say so.
pub(crate) fn wants_events(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut ranges = accepted.flat_map(|value| value.split(','));
    ranges.any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        name.eq_ignore_ascii_case("text/event-stream") && !parts.any(is_zero)
    })
}

/// A weight of nothing, which says what is not wanted (RFC 9110, section 12.4.2).
fn is_zero(parameter: &str) -> bool {
    let weight = parameter.split_once('=').filter(|(name, _)| name.eq_ignore_ascii_case("q"));
    weight.is_some_and(|(_, weight)| {
        weight.starts_with('0') && weight.trim_matches(['0', '.']).is_empty()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_for_an_event_stream_says_so() {
        for (accept, expected) in [
            ("text/event-stream", true),
            ("application/json, TEXT/event-stream;q=0.5", true),
            ("text/event-stream; charset=utf-8; q=0.001", true),
            ("text/event-stream;q=1.000", true),
            ("text/event-stream;q=0", false),
            ("text/event-stream ; Q=0.000, */*", false),
            ("text/event-stream;q=0, text/event-stream", true),
            ("*/*", false),
            ("text/*", false),
            ("text/event-streams", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, HeaderValue::from_static(accept));
            assert_eq!(wants_events(&headers), expected, "{accept}");
        }
        assert!(!wants_events(&HeaderMap::new()));
    }
}
