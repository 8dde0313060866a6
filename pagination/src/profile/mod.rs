//! What clients and servers say to each other about pages. Contracts differ in names, in what is too much,
//! and in how an end is told.

mod limits;

use std::borrow::Cow;

use stonework_core::ConfigError;

use crate::Direction;

pub use limits::OverMax;
pub(crate) use limits::{Limits, Zero};

/// A wire contract: which parameters a request has, and how a page is told.
///
/// | | parameters | too much | what tells the end |
/// |---|---|---|---|
/// | [`plain`](Self::plain), the default | `limit`, `cursor` | refused | `has_more: false`, and no `rel="next"` |
/// | [`stripe`](Self::stripe) | `limit`, `starting_after`, `ending_before` | refused | `has_more: false` |
/// | [`github`](Self::github) | `per_page`, `after`, `before` | the most there may be | no `rel="next"` |
/// | [`aip`](Self::aip) | `page_size`, `page_token` | the most there may be | no `nextPageToken` |
/// | [`scim`](Self::scim) | `count`, `cursor` | the most there may be | no `nextCursor` |
/// | [`json_api`](Self::json_api) | `page[size]`, `page[after]`, `page[before]` | refused | `next: null` |
/// | [`relay`](Self::relay) | `first` and `after`, `last` and `before` | refused | `hasNextPage: false` |
/// | [`zalando`](Self::zalando) | `limit`, `cursor` | refused | no `next` |
/// | [`numbered`](Self::numbered) | `limit`, `page` | refused | `has_more: false`, and no `rel="next"` |
/// | [`azure`](Self::azure) | `maxpagesize`, `skiptoken` | the most there may be | no `nextLink` |
///
/// ```
/// use stonework_pagination::{OverMax, Profile};
///
/// let profile = Profile::plain().limits(50, 250).over_max(OverMax::Clamp).cursor_named("page_info");
/// # let _ = profile;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    pub(crate) style: Style,
    pub(crate) names: Names,
    pub(crate) limits: Limits,
    /// Is `cursor=` the first page? Otherwise it is refused.
    pub(crate) empty_is_first: bool,
    /// Does a response tell its neighbours in `Link`?
    pub(crate) links: bool,
    /// Pages have numbers in place of cursors, and end at this item.
    pub(crate) depth: Option<u32>,
}

/// A page with more items than this is none.
const MOST: u32 = 1_000_000;

/// How a page is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    Stripe,
    GitHub,
    /// The items are named after what they are.
    Aip(Cow<'static, str>),
    Scim,
    JsonApi,
    Relay,
    Zalando,
    Azure,
}

/// Which parameters of the query say what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Names {
    pub(crate) limit: Cow<'static, str>,
    /// Of pages that are read backward, where that has a name of its own.
    pub(crate) backward_limit: Option<Cow<'static, str>>,
    /// The cursor; where there is no other, it says the direction too.
    pub(crate) after: Cow<'static, str>,
    pub(crate) before: Option<Cow<'static, str>>,
}

const fn names(limit: &'static str, after: &'static str, before: Option<&'static str>) -> Names {
    Names {
        limit: Cow::Borrowed(limit),
        backward_limit: None,
        after: Cow::Borrowed(after),
        before: match before {
            Some(before) => Some(Cow::Borrowed(before)),
            None => None,
        },
    }
}

const fn limits(default: u32, max: u32, over: OverMax) -> Limits {
    Limits { default, max, over, zero: Zero::Reject }
}

impl Profile {
    /// `?limit=&cursor=` and `{"data": […], "has_more": true}`, with a `Link` to the next page. 20 items
    /// where no limit is said, 100 at most.
    pub const fn plain() -> Self {
        Self {
            style: Style::Plain,
            names: names("limit", "cursor", None),
            limits: limits(20, 100, OverMax::Reject),
            empty_is_first: false,
            links: true,
            depth: None,
        }
    }

    /// Pages by number: `?limit=&page=`, the first of which is 1. Otherwise as [`plain`](Self::plain). Pages end
    /// with item 10,000, or [where you say](Self::depth): the last one has no link to a next, though `has_more` says
    /// that there are more items.
    ///
    /// A database reads all rows before the page, and a row that comes or goes before it moves it: some are seen
    /// twice and some not at all. Take it where somebody has to be able to go to page 7.
    pub const fn numbered() -> Self {
        Self {
            names: names("limit", "page", None),
            depth: Some(10_000),
            style: Style::Plain,
            limits: limits(20, 100, OverMax::Reject),
            empty_is_first: false,
            links: true,
        }
    }

    /// At which item pages that have numbers end: what lies beyond is refused, since each page costs all rows
    /// before it.
    #[must_use]
    pub fn depth(self, items: u32) -> Self {
        Self { depth: self.depth.map(|_| items), ..self }
    }

    /// As Stripe has it: `starting_after` and `ending_before` are ids of objects, which are looked up: take
    /// [`AnyPage::id`](crate::AnyPage::id) and [`at`](crate::AnyPage::at), since a [`Page`](crate::Page) by itself
    /// knows the first page only, and fails at others.
    pub const fn stripe() -> Self {
        Self {
            style: Style::Stripe,
            names: names("limit", "starting_after", Some("ending_before")),
            limits: limits(10, 100, OverMax::Reject),
            empty_is_first: false,
            links: false,
            depth: None,
        }
    }

    /// As GitHub has it: the body is the items, and `Link` (RFC 8288) is all that tells of other pages.
    ///
    /// PyGithub follows relative links as long as its `base_url` has no path. It puts that path before them once
    /// more: where there is one, as in `/api/v3`, say [what links begin with](crate::PageLayerBuilder::base).
    /// Lists with cursors have no `rel="last"`; without it PyGithub's `reversed` ends after the first page.
    pub const fn github() -> Self {
        Self {
            style: Style::GitHub,
            names: names("per_page", "after", Some("before")),
            limits: limits(30, 100, OverMax::Clamp),
            empty_is_first: false,
            links: true,
            depth: None,
        }
    }

    /// As Google's APIs have it (AIP-158), with the items under this name.
    ///
    /// These are the names of gRPC. Google's clients of JSON send `pageToken`, and `maxResults` (google-api-core)
    /// or `pageSize`: use [`cursor_named`](Self::cursor_named) and [`limit_named`](Self::limit_named).
    pub fn aip(items: impl Into<Cow<'static, str>>) -> Self {
        Self {
            style: Style::Aip(items.into()),
            names: names("page_size", "page_token", None),
            limits: Limits { zero: Zero::Default, ..limits(50, 1_000, OverMax::Clamp) },
            empty_is_first: true,
            links: false,
            depth: None,
        }
    }

    /// As identity providers have it (RFC 9865). `expiredCursor` is never sent: what is wrong with a cursor is not
    /// told, and `invalidCursor` is.
    pub const fn scim() -> Self {
        Self {
            style: Style::Scim,
            names: names("count", "cursor", None),
            limits: Limits { zero: Zero::None, ..limits(100, 1_000, OverMax::Clamp) },
            empty_is_first: true,
            links: false,
            depth: None,
        }
    }

    /// As the cursor profile of JSON:API has it.
    pub const fn json_api() -> Self {
        Self {
            style: Style::JsonApi,
            names: names("page[size]", "page[after]", Some("page[before]")),
            limits: limits(20, 100, OverMax::Reject),
            empty_is_first: false,
            links: false,
            depth: None,
        }
    }

    /// As connections of Relay have it.
    ///
    /// The items of a page, and whether there are more in the direction of reading, are those of graphql-relay.
    /// Else this differs from it: without `first` and `last` there are 20 items, and not all; more than 100, and
    /// cursors that are none, are errors; `first` together with `last` is refused, since there are two readings of
    /// it. And `hasPreviousPage` of a page after a cursor is `true`, as is `hasNextPage` of one that is read backward
    /// before a cursor: the item of the cursor lies there, or did.
    pub fn relay() -> Self {
        Self {
            style: Style::Relay,
            names: Names {
                backward_limit: Some(Cow::Borrowed("last")),
                ..names("first", "after", Some("before"))
            },
            limits: Limits { zero: Zero::Empty, ..limits(20, 100, OverMax::Reject) },
            empty_is_first: false,
            links: false,
            depth: None,
        }
    }

    /// As Zalando's guidelines have it: links to the pages around in the body.
    pub const fn zalando() -> Self {
        Self {
            style: Style::Zalando,
            names: names("limit", "cursor", None),
            limits: limits(20, 100, OverMax::Reject),
            empty_is_first: false,
            links: false,
            depth: None,
        }
    }

    /// As Azure's guidelines have it: `nextLink` is an absolute URL, so the layer has to be told
    /// [what links begin with](crate::PageLayerBuilder::base).
    pub const fn azure() -> Self {
        Self {
            style: Style::Azure,
            names: names("maxpagesize", "skiptoken", None),
            limits: limits(100, 1_000, OverMax::Clamp),
            empty_is_first: false,
            links: false,
            depth: None,
        }
    }

    /// How many items a page has where a request does not say, and how many it has at most.
    #[must_use]
    pub fn limits(self, default: u32, max: u32) -> Self {
        Self { limits: Limits { default, max, ..self.limits }, ..self }
    }

    /// What becomes of a request for more.
    #[must_use]
    pub fn over_max(self, over: OverMax) -> Self {
        Self { limits: Limits { over, ..self.limits }, ..self }
    }

    /// The parameter that has the limit.
    #[must_use]
    pub fn limit_named(self, name: impl Into<Cow<'static, str>>) -> Self {
        Self { names: Names { limit: name.into(), ..self.names }, ..self }
    }

    /// The parameter that has the cursor.
    #[must_use]
    pub fn cursor_named(self, name: impl Into<Cow<'static, str>>) -> Self {
        Self { names: Names { after: name.into(), ..self.names }, ..self }
    }

    /// Whether responses tell the pages around in `Link` (RFC 8288).
    #[must_use]
    pub fn links(self, links: bool) -> Self {
        Self { links, ..self }
    }
}

impl Default for Profile {
    fn default() -> Self {
        Self::plain()
    }
}

impl Profile {
    /// Has it cursors of ours? Else they are ids of objects, or numbers of pages.
    pub(crate) fn has_cursors(&self) -> bool {
        self.style != Style::Stripe && self.depth.is_none()
    }

    /// The last page that may be asked for, where pages have numbers.
    pub(crate) fn last_page(&self, limit: u32) -> Option<u32> {
        self.depth.map(|depth| depth.div_ceil(limit.max(1)))
    }

    /// What can never work.
    pub(crate) fn check(&self, errors: &mut Vec<ConfigError>) {
        let Limits { default, max, .. } = self.limits;
        // One more is asked for, to know whether there are more.
        if max == 0 || max > MOST {
            let reason = "is no number of items that a page may have; use 1 to 1000000";
            errors.push(ConfigError::new("limits", max, reason));
        }
        if default == 0 || default > max {
            let reason = "is not within what a page may have; use 1 up to the most";
            errors.push(ConfigError::new("limits", default, reason));
        }
        if self.depth.is_some_and(|depth| depth < max) {
            let reason = "ends within the largest page; let it be at least as deep";
            errors.push(ConfigError::new("depth", self.depth.unwrap_or_default(), reason));
        }
        if self.links && self.style == Style::Relay {
            let reason =
                "has no meaning in this contract, whose limits have a direction; leave it out";
            errors.push(ConfigError::new("links", true, reason));
        }
        let names: Vec<_> = self.names.all().collect();
        for (at, name) in names.iter().enumerate() {
            if name.is_empty() {
                let reason = "names no parameter; use a name such as cursor";
                errors.push(ConfigError::new("cursor_named", *name, reason));
            } else if names[..at].contains(name) {
                let reason = "names two parameters; give each a name of its own";
                errors.push(ConfigError::new("cursor_named", *name, reason));
            }
        }
    }
}

impl Names {
    /// The parameter that has the cursor of a page that is read this way.
    pub(crate) fn cursor(&self, direction: Direction) -> &str {
        match (direction, &self.before) {
            (Direction::Backward, Some(before)) => before,
            _ => &self.after,
        }
    }

    /// All parameters that are about pages.
    pub(crate) fn all(&self) -> impl Iterator<Item = &str> {
        let more = [self.backward_limit.as_deref(), self.before.as_deref()];
        [&*self.limit, &*self.after].into_iter().chain(more.into_iter().flatten())
    }
}
