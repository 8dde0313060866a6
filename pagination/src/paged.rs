use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Response, Uri};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::json;

use crate::context::Context;
use crate::encoder::Draft;
use crate::link::{self, To};
use crate::profile::Style;
use crate::{Direction, PageError, Total};

/// The items of a page, and what there is to tell of those around it. Made by [`Page::finish`](crate::Page::finish).
///
/// Serialized, it has the form of the layer's [`Profile`](crate::Profile); in axum it is a response.
#[must_use = "a page is there to be answered with"]
pub struct Paged<T> {
    pub(crate) items: Vec<T>,
    pub(crate) around: Around,
    /// The cursor of each item, where the contract tells them.
    pub(crate) cursors: Vec<Draft>,
    pub(crate) total: Option<Total>,
    pub(crate) context: Arc<Context>,
}

/// Cursors of the pages around. In the extensions of a response; the layer makes `Link` of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Around {
    /// Is there something after it?
    pub has_next: bool,
    /// Was there something before it, or, where it was read backward, is there?
    pub has_prev: bool,
    /// Leads to what comes after, if there is something.
    pub next: Option<String>,
    /// Leads to what comes before, if something was there.
    pub prev: Option<String>,
}

impl<T> Paged<T> {
    /// The items, in the order of the list.
    pub fn items(&self) -> &[T] {
        &self.items
    }

    /// The items.
    pub fn into_items(self) -> Vec<T> {
        self.items
    }

    /// Cursors of the pages around.
    pub const fn around(&self) -> &Around {
        &self.around
    }

    /// Is there more in the direction in which the page was read? That is what `has_more` says.
    pub fn has_more(&self) -> bool {
        match self.context.asked.direction {
            Direction::Forward => self.around.has_next,
            Direction::Backward => self.around.has_prev,
        }
    }

    /// The same page, with these in place of the rows.
    pub fn map<U>(self, map: impl FnMut(T) -> U) -> Paged<U> {
        let Self { items, around, cursors, total, context } = self;
        Paged { items: items.into_iter().map(map).collect(), around, cursors, total, context }
    }

    /// Tells how many items the whole list has, in the contracts that have a place for it.
    ///
    /// | | |
    /// |---|---|
    /// | plain, by number | `total`, if it is exact |
    /// | AIP-158 | `totalSize`, which may be an estimate |
    /// | SCIM | `totalResults`, if it is exact |
    /// | JSON:API | `meta.page.total`, or `meta.page.estimatedTotal.bestGuess` |
    /// | Relay | `totalCount`, if it is exact; connections of async-graphql have none |
    /// | Stripe, GitHub, Zalando, Azure | nowhere |
    pub fn total(mut self, total: Total) -> Self {
        self.total = Some(total);
        self
    }

    /// The media type of the form that it is serialized in.
    pub fn media_type(&self) -> &'static str {
        match self.context.profile.style {
            Style::Scim => "application/scim+json",
            Style::JsonApi => "application/vnd.api+json",
            _ => "application/json",
        }
    }

    fn link(&self, direction: Direction, token: Option<&String>) -> Option<String> {
        token.and_then(|token| self.context.link(To::Cursor(direction, token)))
    }

    fn next_link(&self) -> Option<String> {
        self.link(Direction::Forward, self.around.next.as_ref())
    }

    fn prev_link(&self) -> Option<String> {
        self.link(Direction::Backward, self.around.prev.as_ref())
    }
}

/// `{"cursor", "node"}`.
struct Edges<'p, T>(&'p Paged<T>);

impl<T: Serialize> Serialize for Edges<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(serde::Serialize)]
        struct Edge<'e, T> {
            cursor: String,
            node: &'e T,
        }
        let Self(Paged { items, cursors, .. }) = self;
        let edge = |(node, cursor): (_, &Draft)| Edge { cursor: cursor.clone().text(), node };
        serializer.collect_seq(items.iter().zip(cursors).map(edge))
    }
}

impl<T: Serialize> Serialize for Paged<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let style = &self.context.profile.style;
        if *style == Style::GitHub {
            return self.items.serialize(serializer);
        }
        let mut map = serializer.serialize_map(None)?;
        match style {
            Style::Plain | Style::GitHub => {
                map.serialize_entry("data", &self.items)?;
                map.serialize_entry("has_more", &self.has_more())?;
                self.tell_total(&mut map, "total")?;
            }
            Style::Stripe => {
                map.serialize_entry("object", "list")?;
                tell(&mut map, "url", self.context.uri.as_ref().map(Uri::path))?;
                map.serialize_entry("has_more", &self.has_more())?;
                map.serialize_entry("data", &self.items)?;
            }
            Style::Aip(items) => {
                map.serialize_entry(&**items, &self.items)?;
                tell(&mut map, "nextPageToken", self.around.next.as_ref())?;
                // It may be an estimate there.
                tell(&mut map, "totalSize", self.total.map(Total::number))?;
            }
            Style::Scim => self.scim(&mut map)?,
            Style::JsonApi => self.json_api(&mut map)?,
            Style::Relay => self.relay(&mut map)?,
            Style::Zalando => {
                tell(&mut map, "self", self.context.own_link())?;
                tell(&mut map, "first", self.context.link(To::First))?;
                tell(&mut map, "prev", self.prev_link())?;
                tell(&mut map, "next", self.next_link())?;
                map.serialize_entry("items", &self.items)?;
            }
            Style::Azure => {
                map.serialize_entry("value", &self.items)?;
                tell(&mut map, "nextLink", self.next_link())?;
            }
        }
        map.end()
    }
}

/// Says it, or leaves it out: there are clients that go on at a `null`, and at an empty text.
fn tell<M: SerializeMap>(
    map: &mut M,
    name: &str,
    value: Option<impl Serialize>,
) -> Result<(), M::Error> {
    match value {
        Some(value) => map.serialize_entry(name, &value),
        None => Ok(()),
    }
}

impl<T: Serialize> Paged<T> {
    /// The answer: JSON in the form of the layer's contract, with [`Around`] in its extensions, of which the
    /// layer makes `Link`.
    ///
    /// # Errors
    ///
    /// When an item cannot be written as JSON.
    pub fn to_response(&self) -> Result<Response<Bytes>, PageError> {
        let body = serde_json::to_vec(self).map_err(PageError::misused)?;
        let mut response = Response::new(Bytes::from(body));
        let media_type = HeaderValue::from_static(self.media_type());
        response.headers_mut().insert(CONTENT_TYPE, media_type);
        response.extensions_mut().insert(self.around.clone());
        Ok(response)
    }

    fn tell_total<M: SerializeMap>(&self, map: &mut M, name: &str) -> Result<(), M::Error> {
        tell(map, name, self.total.and_then(Total::exact))
    }

    /// RFC 7644, section 3.4.2, with the cursors of RFC 9865.
    fn scim<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        map.serialize_entry("schemas", &["urn:ietf:params:scim:api:messages:2.0:ListResponse"])?;
        self.tell_total(map, "totalResults")?;
        map.serialize_entry("itemsPerPage", &self.items.len())?;
        tell(map, "previousCursor", self.around.prev.as_ref())?;
        tell(map, "nextCursor", self.around.next.as_ref())?;
        map.serialize_entry("Resources", &self.items)
    }

    /// Both links have to be there, `null` at an end.
    fn json_api<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        map.serialize_entry("data", &self.items)?;
        let links = json!({ "prev": self.prev_link(), "next": self.next_link() });
        map.serialize_entry("links", &links)?;
        let total = match self.total {
            None => return Ok(()),
            Some(Total::Exact(total)) => json!({ "total": total }),
            Some(Total::Estimate(guess)) => json!({ "estimatedTotal": { "bestGuess": guess } }),
            Some(Total::AtLeast(least)) => json!({ "estimatedTotal": { "bestGuess": least } }),
        };
        map.serialize_entry("meta", &json!({ "page": total }))
    }

    fn relay<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        map.serialize_entry("edges", &Edges(self))?;
        let info = json!({
            "hasNextPage": self.around.has_next,
            "hasPreviousPage": self.around.has_prev,
            "startCursor": self.cursors.first().cloned().map(Draft::text),
            "endCursor": self.cursors.last().cloned().map(Draft::text),
        });
        map.serialize_entry("pageInfo", &info)?;
        self.tell_total(map, "totalCount")
    }
}

impl<T: fmt::Debug> fmt::Debug for Paged<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Paged").field("items", &self.items).field("around", &self.around).finish()
    }
}

impl Context {
    pub(crate) fn link(&self, to: To<'_>) -> Option<String> {
        Some(link::to(&self.prefix, self.uri.as_ref()?, &self.profile.names, to))
    }

    /// What was asked.
    fn own_link(&self) -> Option<String> {
        let uri = self.uri.as_ref()?;
        let path = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        Some([&*self.prefix, link::guard(&self.prefix, path), path].concat())
    }
}
