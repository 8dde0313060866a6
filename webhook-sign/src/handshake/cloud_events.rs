use std::collections::HashSet;

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use stonework_core::RequestHead;

const REQUEST_ORIGIN: HeaderName = HeaderName::from_static("webhook-request-origin");
const REQUEST_RATE: HeaderName = HeaderName::from_static("webhook-request-rate");
const ALLOWED_ORIGIN: HeaderName = HeaderName::from_static("webhook-allowed-origin");
const ALLOWED_RATE: HeaderName = HeaderName::from_static("webhook-allowed-rate");

/// Who may deliver CloudEvents: the answer to the `OPTIONS` request of the HTTP 1.1 Web Hooks specification, section 4.
///
/// It is no proof of who sends: an origin is a name that anybody can write. Signatures are that.
#[derive(Clone, Debug, Default)]
pub struct CloudEvents {
    origins: HashSet<String>,
    rate: Option<u32>,
}

impl CloudEvents {
    /// Nobody yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A host name that may deliver, as `WebHook-Request-Origin` has it: `eventemitter.example.com`. Case does not count.
    #[must_use]
    pub fn origin(mut self, origin: impl AsRef<str>) -> Self {
        self.origins.insert(origin.as_ref().to_ascii_lowercase());
        self
    }

    /// How many requests a minute each may send. Default as many as it likes.
    #[must_use]
    pub fn rate(self, per_minute: u32) -> Self {
        Self { rate: Some(per_minute), ..self }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.origins.is_empty()
    }

    /// The answer to a request that asks for permission; `None` for all others. A grant is in the headers; a status is
    /// none. The URL in `WebHook-Request-Callback` is not called: it is a stranger's.
    pub(super) fn answer(&self, head: &RequestHead<'_>) -> Option<(StatusCode, HeaderMap)> {
        if head.method != Method::OPTIONS {
            return None;
        }
        let mut asked = head.headers.get_all(REQUEST_ORIGIN).iter();
        let origin = asked.next()?;
        let mut headers = HeaderMap::new();
        headers.insert(http::header::ALLOW, HeaderValue::from_static("POST, OPTIONS"));
        let name = origin.to_str().map(str::to_ascii_lowercase).unwrap_or_default();
        if asked.next().is_some() || !self.origins.contains(&name) {
            return Some((StatusCode::FORBIDDEN, headers));
        }
        headers.insert(ALLOWED_ORIGIN, origin.clone());
        if self.rate.is_some() || head.headers.contains_key(REQUEST_RATE) {
            let any = HeaderValue::from_static("*");
            headers.insert(ALLOWED_RATE, self.rate.map_or(any, HeaderValue::from));
        }
        Some((StatusCode::OK, headers))
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn ask(events: &CloudEvents, request: http::request::Builder) -> Option<(u16, HeaderMap)> {
        let request = request.body(()).unwrap();
        let (status, headers) = events.answer(&RequestHead::of(&request))?;
        Some((status.as_u16(), headers))
    }

    #[test]
    fn only_who_is_allowed_is_granted() {
        let events = CloudEvents::new().origin("Emitter.example.com").rate(120);
        let options = || Request::options("/");
        let (status, headers) =
            ask(&events, options().header("webhook-request-origin", "emitter.example.com"))
                .unwrap();
        assert_eq!(status, 200);
        assert_eq!(headers["webhook-allowed-origin"], "emitter.example.com");
        assert_eq!(headers["webhook-allowed-rate"], "120");
        let (status, headers) =
            ask(&events, options().header("webhook-request-origin", "other.example.com")).unwrap();
        assert_eq!(status, 403);
        assert!(!headers.contains_key("webhook-allowed-origin"));
        assert!(ask(&events, options()).is_none(), "a preflight of CORS is none of ours");
        let post = Request::post("/").header("webhook-request-origin", "emitter.example.com");
        assert!(ask(&events, post).is_none());
    }

    #[test]
    fn a_rate_is_told_to_who_asks() {
        let events = CloudEvents::new().origin("a.example");
        let asked = Request::options("/").header("webhook-request-origin", "a.example");
        let (_, headers) = ask(&events, asked.header("webhook-request-rate", "100")).unwrap();
        assert_eq!(headers["webhook-allowed-rate"], "*");
    }
}
