//! Failures to order, so that one can watch what becomes of a retry. Off with `DEMO=0`.

use std::time::Duration;

use axum::extract::{FromRef, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use tokio::time::sleep;

use crate::problem::Refusal;

pub(crate) const DELAY: &str = "x-demo-delay-ms";
pub(crate) const CRASH: &str = "x-demo-crash";

const LONGEST_DELAY: Duration = Duration::from_secs(60);

/// May clients order failures?
#[derive(Clone, Copy, Debug)]
pub(crate) struct DemoAllowed(pub(crate) bool);

/// The failures that a request orders by its headers.
///
/// `x-demo-delay-ms` makes the handler slow once the money has moved, by a minute at most.
/// `x-demo-crash: before` makes it panic before the money moves, and `after` at its very end.
#[derive(Debug, Default)]
pub(crate) struct Demo {
    delay: Duration,
    crash: Option<Crash>,
}

#[derive(Debug, PartialEq, Eq)]
enum Crash {
    Before,
    After,
}

impl Demo {
    fn ordered(headers: &HeaderMap) -> Result<Self, Refusal> {
        let delay = match text(headers, DELAY).map(str::parse) {
            None => Duration::ZERO,
            Some(Ok(millis)) => Duration::from_millis(millis).min(LONGEST_DELAY),
            Some(Err(_)) => return Err(Refusal::DemoHeader("x-demo-delay-ms is no number.")),
        };
        let crash = match text(headers, CRASH) {
            None => None,
            Some("before") => Some(Crash::Before),
            Some("after") => Some(Crash::After),
            Some(_) => return Err(Refusal::DemoHeader("x-demo-crash is `before` or `after`.")),
        };
        Ok(Self { delay, crash })
    }

    pub(crate) fn before_the_effect(&self) {
        assert!(self.crash != Some(Crash::Before), "x-demo-crash: before");
    }

    pub(crate) async fn after_the_effect(&self) {
        sleep(self.delay).await;
        assert!(self.crash != Some(Crash::After), "x-demo-crash: after");
    }
}

/// What is not text is not empty either, and nothing that is understood here.
fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap_or_default())
}

impl<S> FromRequestParts<S> for Demo
where
    S: Send + Sync,
    DemoAllowed: FromRef<S>,
{
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        match DemoAllowed::from_ref(state) {
            DemoAllowed(true) => Self::ordered(&parts.headers),
            DemoAllowed(false) => Ok(Self::default()),
        }
    }
}
