//! The bodies: transfers, as an API of payments has them.

use std::fmt;

/// What is edited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Shape {
    /// Three members of each item of a list.
    Items,
    /// Three members of one object; the list in it is left as it is.
    Top,
}

/// Which way a body goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Way {
    /// A request, from the oldest version to the newest.
    Up,
    /// A response, from the newest version to the oldest.
    Down,
}

/// A body to migrate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Case {
    /// What is edited.
    pub shape: Shape,
    /// Which way it goes.
    pub way: Way,
    /// How long it is, nearly.
    pub kilobytes: usize,
}

impl Case {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        let shapes = [Shape::Items, Shape::Top].into_iter();
        let ways = shapes.flat_map(|shape| [Way::Up, Way::Down].map(|way| (shape, way)));
        ways.flat_map(|(shape, way)| [1, 100].map(|kilobytes| Self { shape, way, kilobytes }))
    }

    /// The text, on one line as servers and clients write it.
    pub(super) fn text(self) -> String {
        let one = |number| self.transfer(number);
        let many = (self.kilobytes * 1024).div_ceil(one(0).len() + 1).max(2) - 1;
        let items: Vec<_> = (1..=many).map(one).collect();
        let items = items.join(",");
        match self.shape {
            Shape::Items => format!(r#"{{"object":"list","data":[{items}],"has_more":true}}"#),
            Shape::Top => {
                let whole = one(0);
                let open = whole.strip_suffix('}').unwrap_or(&whole);
                format!(r#"{open},"lines":[{items}]}}"#)
            }
        }
    }

    fn transfer(self, number: usize) -> String {
        let cents = 1000 + number * 37;
        let (amount, from, rest) = match self.way {
            Way::Up => (cents.to_string(), "source", ""),
            Way::Down => (
                format!(r#"{{"value":{cents},"currency":"USD"}}"#),
                "card",
                r#""fee":{"value":25,"currency":"USD"},"#,
            ),
        };
        format!(
            concat!(
                r#"{{"id":"tr_{:08}","object":"transfer","created":1767225600,"amount":{},"#,
                r#""{}":"card_1QbX{:08}","destination":"acct_1NqL{:08}",{}"status":"paid","#,
                r#""description":"Invoice 2026-{:05}, \"consulting\" in M\u00fcnchen","#,
                r#""metadata":{{"order":"{}","batch":"17","weight":12.5}},"reversed":false}}"#
            ),
            number, amount, from, number, number, rest, number, number
        )
    }

    /// Where the edited members stand.
    pub(super) const fn prefix(self) -> &'static str {
        match self.shape {
            Shape::Items => "/data/*",
            Shape::Top => "",
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = match self.way {
            Way::Up => "request up",
            Way::Down => "response down",
        };
        let shape = match self.shape {
            Shape::Items => "3 edits in each item",
            Shape::Top => "3 edits at the top",
        };
        write!(f, "{way}, {} KB, {shape}", self.kilobytes)
    }
}
