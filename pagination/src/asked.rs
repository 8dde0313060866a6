//! What the query of a request asks for. Pure.

use std::borrow::Cow;

use crate::Direction;
use crate::profile::{Names, Profile};

/// A page, as the query asks for it. Its cursor is what the client sent, and nothing is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) limit: u32,
    /// Of a page that has no cursor but is read from the end (`last`), [`Direction::Backward`].
    pub(crate) direction: Direction,
    /// Where the page begins: what comes after it, or before it.
    pub(crate) cursor: Option<String>,
    /// The other end, where both are said.
    pub(crate) until: Option<String>,
    /// Which page, where pages have numbers.
    pub(crate) number: Option<u32>,
}

/// Why it asks for nothing that can be given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// The parameter of this name is there more than once.
    Repeated(String),
    /// The limit in this parameter is none.
    Limit(String),
    /// It is a number, and larger than it may be.
    LimitOver(String),
    /// The number in this parameter is none, or of a page that lies beyond the last item: up to this one.
    Page(String, u32),
    /// The cursor in this parameter is empty.
    Cursor(String),
    /// Both ends, or both limits, and the contract has no meaning for that.
    Both,
}

/// The values of the parameters that are about pages.
#[derive(Default)]
struct Said<'q> {
    limit: Option<Cow<'q, str>>,
    backward_limit: Option<Cow<'q, str>>,
    after: Option<Cow<'q, str>>,
    before: Option<Cow<'q, str>>,
}

impl Asked {
    /// What this query asks for.
    pub(crate) fn of(profile: &Profile, query: Option<&str>) -> Result<Self, Wrong> {
        Self::of_pairs(profile, form_urlencoded::parse(query.unwrap_or_default().as_bytes()))
    }

    /// What these parameters ask for.
    pub(crate) fn of_pairs<'q>(
        profile: &Profile,
        pairs: impl Iterator<Item = (Cow<'q, str>, Cow<'q, str>)>,
    ) -> Result<Self, Wrong> {
        Said::of(&profile.names, pairs)?.asked(profile)
    }
}

impl<'q> Said<'q> {
    fn of(
        names: &Names,
        pairs: impl Iterator<Item = (Cow<'q, str>, Cow<'q, str>)>,
    ) -> Result<Self, Wrong> {
        let mut said = Self::default();
        for (name, value) in pairs {
            let Some(place) = said.place(names, &name) else { continue };
            if place.replace(value).is_some() {
                return Err(Wrong::Repeated(name.into_owned()));
            }
        }
        Ok(said)
    }

    fn place(&mut self, names: &Names, name: &str) -> Option<&mut Option<Cow<'q, str>>> {
        Some(match name {
            name if name == names.limit => &mut self.limit,
            name if name == names.after => &mut self.after,
            name if Some(name) == names.before.as_deref() => &mut self.before,
            name if Some(name) == names.backward_limit.as_deref() => &mut self.backward_limit,
            _ => return None,
        })
    }

    fn asked(self, profile: &Profile) -> Result<Asked, Wrong> {
        let Self { limit, backward_limit, after, before } = self;
        let names = &profile.names;
        let after = cursor(profile, after, &names.after)?;
        let before = cursor(profile, before, names.before.as_deref().unwrap_or_default())?;
        // Without a name of its own, the direction is that of the only cursor.
        let is_backward = match names.backward_limit {
            Some(_) => backward_limit.is_some(),
            None => before.is_some(),
        };
        let takes_both = names.backward_limit.is_some();
        if (limit.is_some() && backward_limit.is_some())
            || (after.is_some() && before.is_some() && !takes_both)
        {
            return Err(Wrong::Both);
        }
        let (text, name) = match &backward_limit {
            Some(text) => (Some(text), names.backward_limit.as_deref().unwrap_or_default()),
            None => (limit.as_ref(), &*names.limit),
        };
        let limit = profile.limits.read(text.map(|text| &**text)).ok_or_else(|| match text {
            Some(text) if profile.limits.is_over(text) => Wrong::LimitOver(name.to_owned()),
            _ => Wrong::Limit(name.to_owned()),
        })?;
        if let Some(most) = profile.last_page(limit) {
            let number = page_number(after.as_deref(), most);
            let number =
                number.ok_or_else(|| Wrong::Page(names.after.clone().into_owned(), most))?;
            let direction = Direction::Forward;
            return Ok(Asked { limit, direction, cursor: None, until: None, number: Some(number) });
        }
        let (direction, cursor, until) = match is_backward {
            false => (Direction::Forward, after, before),
            true => (Direction::Backward, before, after),
        };
        Ok(Asked { limit, direction, cursor, until, number: None })
    }
}

/// The first, if none is said.
fn page_number(text: Option<&str>, most: u32) -> Option<u32> {
    let text = text.unwrap_or("1");
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| is_number && (1..=most).contains(number))
}

fn cursor(
    profile: &Profile,
    text: Option<Cow<'_, str>>,
    name: &str,
) -> Result<Option<String>, Wrong> {
    match text {
        Some(text) if text.is_empty() && profile.empty_is_first => Ok(None),
        Some(text) if text.is_empty() => Err(Wrong::Cursor(name.to_owned())),
        text => Ok(text.map(Cow::into_owned)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(profile: &Profile, query: &str) -> Result<Asked, Wrong> {
        Asked::of(profile, Some(query))
    }

    fn page(
        limit: u32,
        direction: Direction,
        cursor: Option<&str>,
        until: Option<&str>,
    ) -> Result<Asked, Wrong> {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Ok(Asked { limit, direction, cursor: owned(cursor), until: owned(until), number: None })
    }

    use Direction::{Backward, Forward};

    #[test]
    fn plain_requests_have_a_limit_and_a_cursor() {
        let plain = Profile::plain();
        for (query, expected) in [
            ("", page(20, Forward, None, None)),
            ("limit=5&cursor=abc", page(5, Forward, Some("abc"), None)),
            ("cursor=a%2Bb&sort=-name", page(20, Forward, Some("a+b"), None)),
            ("l%69mit=5", page(5, Forward, None, None)),
            ("Limit=5", page(20, Forward, None, None)),
            ("limit=5&limit=5", Err(Wrong::Repeated("limit".to_owned()))),
            ("cursor=a&cursor=a", Err(Wrong::Repeated("cursor".to_owned()))),
            ("cursor=&cursor=", Err(Wrong::Repeated("cursor".to_owned()))),
            ("cursor=", Err(Wrong::Cursor("cursor".to_owned()))),
            ("cursor", Err(Wrong::Cursor("cursor".to_owned()))),
            ("limit=", Err(Wrong::Limit("limit".to_owned()))),
            ("limit=+5", Err(Wrong::Limit("limit".to_owned()))),
            ("limit=101", Err(Wrong::LimitOver("limit".to_owned()))),
            ("limit=99999999999", Err(Wrong::LimitOver("limit".to_owned()))),
        ] {
            assert_eq!(asked(&plain, query), expected, "{query}");
        }
        assert_eq!(Asked::of(&plain, None), page(20, Forward, None, None));
    }

    #[test]
    fn a_cursor_may_have_a_direction_by_its_name() {
        let stripe = Profile::stripe();
        for (query, expected) in [
            ("starting_after=a", page(10, Forward, Some("a"), None)),
            ("ending_before=a&limit=3", page(3, Backward, Some("a"), None)),
            ("ending_before=a&starting_after=b", Err(Wrong::Both)),
            ("ending_before=", Err(Wrong::Cursor("ending_before".to_owned()))),
        ] {
            assert_eq!(asked(&stripe, query), expected, "{query}");
        }
    }

    #[test]
    fn relay_has_both_ends_and_a_limit_for_each_way() {
        let relay = Profile::relay();
        for (query, expected) in [
            ("first=3", page(3, Forward, None, None)),
            ("first=3&after=a", page(3, Forward, Some("a"), None)),
            ("first=3&after=a&before=b", page(3, Forward, Some("a"), Some("b"))),
            ("last=3", page(3, Backward, None, None)),
            ("last=3&before=b", page(3, Backward, Some("b"), None)),
            ("last=3&before=b&after=a", page(3, Backward, Some("b"), Some("a"))),
            ("before=b", page(20, Forward, None, Some("b"))),
            ("first=1&last=1", Err(Wrong::Both)),
            ("last=-1", Err(Wrong::Limit("last".to_owned()))),
        ] {
            assert_eq!(asked(&relay, query), expected, "{query}");
        }
    }

    #[test]
    fn pages_have_numbers_up_to_where_they_end() {
        let numbered = Profile::numbered().depth(200);
        let page = |limit, number| {
            let (direction, cursor, until) = (Forward, None, None);
            Ok(Asked { limit, direction, cursor, until, number: Some(number) })
        };
        let wrong = |most| Err(Wrong::Page("page".to_owned(), most));
        for (query, expected) in [
            ("", page(20, 1)),
            ("page=1", page(20, 1)),
            ("page=10", page(20, 10)),
            ("page=2&limit=100", page(100, 2)),
            ("page=007", page(20, 7)),
            ("page=11", wrong(10)),
            ("page=3&limit=100", wrong(2)),
            ("page=0", wrong(10)),
            ("page=-1", wrong(10)),
            ("page=%2B1", wrong(10)),
            ("page=x", wrong(10)),
            ("page=99999999999", wrong(10)),
            ("page=", Err(Wrong::Cursor("page".to_owned()))),
            ("page=1&page=1", Err(Wrong::Repeated("page".to_owned()))),
        ] {
            assert_eq!(asked(&numbered, query), expected, "{query}");
        }
    }

    #[test]
    fn contracts_differ_in_what_an_empty_cursor_is() {
        for (profile, query, expected) in [
            (Profile::scim(), "cursor=&count=0", page(0, Forward, None, None)),
            (Profile::scim(), "cursor&count=-3", page(0, Forward, None, None)),
            (Profile::scim(), "count=5000", page(1_000, Forward, None, None)),
            (Profile::aip("books"), "page_token=&page_size=0", page(50, Forward, None, None)),
            (Profile::json_api(), "page%5Bsize%5D=7", page(7, Forward, None, None)),
            (Profile::json_api(), "page[after]=a&page[before]=b", Err(Wrong::Both)),
            (Profile::azure(), "maxpagesize=9999", page(1_000, Forward, None, None)),
        ] {
            assert_eq!(asked(&profile, query), expected, "{query}");
        }
    }
}
