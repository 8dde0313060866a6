use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use http::header::{HeaderMap, HeaderName};
use stonework_core::RequestHead;

use crate::event::{ID, RETRY, is_id, milliseconds};
use crate::frame::Writer;
use crate::{Frame, Position};

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

/// Says after which time to come back to where one was. Browsers know where that is, and so does whoever has been
/// given an id since; but httpx-sse, as it is documented, forgets it over a first block that has none.
pub(crate) fn come_back(retry: Duration, was_at: Option<&LastEventId>) -> Frame {
    let id = was_at.map(LastEventId::as_str).filter(|id| is_id(id));
    let mut writer = Writer::with_capacity(RETRY.len() + 22 + id.map_or(0, |id| id.len() + 5));
    id.into_iter().for_each(|id| writer.field(ID, id));
    writer.field(RETRY, itoa::Buffer::new().format(milliseconds(retry)));
    writer.finish()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_told_to_come_back_is_told_where_it_was_if_that_is_an_id() {
        let said = |id: Option<&str>| {
            let was_at = id.map(LastEventId::new);
            come_back(Duration::from_millis(1_500), was_at.as_ref()).as_str().to_owned()
        };
        assert_eq!(said(None), "retry: 1500\n\n");
        assert_eq!(said(Some("00000001.2.00000003")), "id: 00000001.2.00000003\nretry: 1500\n\n");
        for id in ["", "a b", "a\ndata: b\n\n", "\r", "\0", "\u{fffd}", &"a".repeat(129)] {
            assert_eq!(said(Some(id)), "retry: 1500\n\n", "{id:?}");
        }
    }
}
