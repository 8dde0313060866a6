//! What a request asks of a policy. Pure: borrowed from its head.

use http::header::{
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, HeaderName, ORIGIN,
};
use http::{HeaderMap, HeaderValue, Method};
use stonework_core::RequestHead;

use crate::names::{REQUEST_PRIVATE_NETWORK, SEC_FETCH_SITE};

/// A header that may be there once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Once<'h> {
    Absent,
    Is(&'h HeaderValue),
    Repeated,
}

impl<'h> Once<'h> {
    #[inline]
    fn of(headers: &'h HeaderMap, name: &HeaderName) -> Self {
        match headers.get(name) {
            None => Self::Absent,
            // Mostly no header is there twice, and to see that takes two numbers.
            Some(value) if headers.len() == headers.keys_len() => Self::Is(value),
            Some(value) if headers.get_all(name).iter().nth(1).is_none() => Self::Is(value),
            Some(_) => Self::Repeated,
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Asked<'h> {
    /// Anything but a preflight, with its origin.
    Actual(Once<'h>),
    Preflight(Preflight<'h>),
}

/// A question whether a request may be sent (Fetch, "CORS-preflight request").
#[derive(Clone, Copy, Debug)]
pub(crate) struct Preflight<'h> {
    pub(crate) origin: Once<'h>,
    pub(crate) method: Once<'h>,
    headers: &'h HeaderMap,
}

impl<'h> Asked<'h> {
    /// A preflight is `OPTIONS` with the two headers that every preflight has. All else is for the
    /// service, other uses of `OPTIONS` too.
    #[inline]
    pub(crate) fn of(head: &RequestHead<'h>) -> Self {
        let origin = Once::of(head.headers, &ORIGIN);
        if origin == Once::Absent {
            return Self::Actual(origin);
        }
        if *head.method == Method::OPTIONS {
            let method = Once::of(head.headers, &ACCESS_CONTROL_REQUEST_METHOD);
            if method != Once::Absent {
                return Self::Preflight(Preflight { origin, method, headers: head.headers });
            }
        }
        Self::Actual(origin)
    }
}

/// Does the browser say that the page is of the same origin? No page can (Fetch Metadata).
pub(crate) fn is_same_origin(headers: &HeaderMap) -> bool {
    matches!(Once::of(headers, &SEC_FETCH_SITE), Once::Is(site) if site == "same-origin")
}

impl<'h> Preflight<'h> {
    /// The lines of the headers that the request will have.
    pub(crate) fn request_headers(&self) -> impl Iterator<Item = &'h HeaderValue> + use<'h> {
        self.headers.get_all(ACCESS_CONTROL_REQUEST_HEADERS).iter()
    }

    /// Does it ask whether a private network may be reached?
    pub(crate) fn wants_private_network(&self) -> bool {
        self.headers.get(REQUEST_PRIVATE_NETWORK).is_some_and(|value| value == "true")
    }
}
