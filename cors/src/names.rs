//! The names and values of headers that `http` does not have, or that do not change.

use http::{HeaderName, HeaderValue};

pub(crate) const TIMING_ALLOW_ORIGIN: HeaderName = HeaderName::from_static("timing-allow-origin");
pub(crate) const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
pub(crate) const X_CORS_REASON: HeaderName = HeaderName::from_static("x-cors-reason");
pub(crate) const REQUEST_PRIVATE_NETWORK: HeaderName =
    HeaderName::from_static("access-control-request-private-network");
pub(crate) const ALLOW_PRIVATE_NETWORK: HeaderName =
    HeaderName::from_static("access-control-allow-private-network");

pub(crate) const ANY: HeaderValue = HeaderValue::from_static("*");
pub(crate) const TRUE: HeaderValue = HeaderValue::from_static("true");
/// What an answer to anything but a preflight depends on.
pub(crate) const VARY_ORIGIN: HeaderValue = HeaderValue::from_static("origin");
/// What an answer to a preflight depends on. Caches do not keep it (RFC 9110, section 9.3.7), but
/// some can be told to.
pub(crate) const PREFLIGHT_VARY: HeaderValue =
    HeaderValue::from_static("origin,access-control-request-method,access-control-request-headers");
