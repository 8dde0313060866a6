use std::fmt;
use std::sync::Arc;

use http::Uri;
use http::header::{HeaderMap, HeaderName};
use stonework_core::RequestHead;

use crate::Position;

/// What browsers send.
pub(crate) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Where a client says that it was: the id of the last event that it has read. Nothing is known of it; whoever may read
/// a log may read all of it.
///
/// In the extensions of requests that passed an [`SseLayer`](crate::SseLayer), if they have one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastEventId(Arc<str>);

impl LastEventId {
    /// The one of a request: the header `Last-Event-ID`, else the first parameter of these names in its query. Browsers
    /// send the header when they come back by themselves; a page that begins again has the parameter only.
    pub fn of(head: &RequestHead<'_>, parameters: &[impl AsRef<str>]) -> Option<Self> {
        Self::find(head.headers, head.uri, parameters)
    }

    pub(crate) fn find(
        headers: &HeaderMap,
        uri: &Uri,
        parameters: &[impl AsRef<str>],
    ) -> Option<Self> {
        Self::of_header(headers).or_else(|| {
            let named = |name: &str| parameters.iter().any(|parameter| parameter.as_ref() == name);
            let pairs = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
            let mut pairs = pairs.filter(|(_, value)| !value.is_empty());
            pairs.find(|(name, _)| named(name)).map(|(_, id)| Self::new(&id))
        })
    }

    fn of_header(headers: &HeaderMap) -> Option<Self> {
        let value = headers.get(LAST_EVENT_ID).filter(|value| !value.is_empty())?;
        // What is no text is no id of ours.
        Some(Self::new(value.to_str().unwrap_or("\u{fffd}")))
    }

    /// This text.
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// As it was sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The place that it says, if it does.
    pub fn position(&self) -> Option<Position> {
        self.0.parse().ok()
    }
}

impl From<Position> for LastEventId {
    fn from(position: Position) -> Self {
        Self(position.to_string().into())
    }
}

impl From<Position> for Option<LastEventId> {
    fn from(position: Position) -> Self {
        Some(position.into())
    }
}

impl fmt::Display for LastEventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
