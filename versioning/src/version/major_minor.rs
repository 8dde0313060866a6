use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use super::number::number;
use super::{Malformed, Status, Version};

/// Two numbers and a status: `1`, `1.0`, `v2.1`, `2.1-beta.3`.
///
/// `1` and `1.0` are the same version, written `1.0`. A version with a status comes before the one without.
///
/// ```
/// use stonework_versioning::MajorMinor;
///
/// let one: MajorMinor = "1".parse()?;
/// assert_eq!(one, "1.0".parse()?);
/// assert!("1.0-beta".parse::<MajorMinor>()? < one);
/// # Ok::<(), stonework_versioning::Malformed>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct MajorMinor {
    /// The first number.
    pub major: u32,
    /// The second number.
    pub minor: u32,
    /// How finished it is; nothing if it is.
    pub status: Option<Status>,
}

impl MajorMinor {
    /// A finished version.
    pub const fn new(major: u32, minor: u32) -> Self {
        Self { major, minor, status: None }
    }

    /// With a status, `None` comes last.
    fn key(&self) -> (u32, u32, bool, Option<Status>) {
        (self.major, self.minor, self.status.is_none(), self.status)
    }
}

impl Version for MajorMinor {
    fn parse(text: &[u8]) -> Result<Self, Malformed> {
        let text = text.strip_prefix(b"v").unwrap_or(text);
        let (numbers, status) = match text.iter().position(|byte| *byte == b'-') {
            Some(dash) => (&text[..dash], Some(Status::parse(&text[dash + 1..])?)),
            None => (text, None),
        };
        let (major, minor) = match numbers.iter().position(|byte| *byte == b'.') {
            Some(dot) => (number(&numbers[..dot])?, number(&numbers[dot + 1..])?),
            None => (number(numbers)?, 0),
        };
        Ok(Self { major, minor, status })
    }
}

impl PartialEq for MajorMinor {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for MajorMinor {}

impl Hash for MajorMinor {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl Ord for MajorMinor {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl PartialOrd for MajorMinor {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for MajorMinor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)?;
        self.status.map_or(Ok(()), |status| write!(f, "-{status}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_comes_before_what_it_leads_to() {
        let order = [
            "0.0",
            "0.9",
            "1.0-alpha",
            "1.0-beta.2",
            "1.0-beta.10",
            "1.0",
            "1.1-rc",
            "1.1",
            "1.10",
            "2.0",
        ];
        let versions: Vec<MajorMinor> = order.iter().map(|text| text.parse().unwrap()).collect();
        assert!(versions.is_sorted() && versions.windows(2).all(|two| two[0] != two[1]));
        for (version, text) in versions.iter().zip(order) {
            assert_eq!(version.to_string(), text);
        }
        for (same, text) in [("1", "1.0"), ("v1", "1.0"), ("v1.2", "1.2"), ("1-Beta", "1.0-beta")] {
            assert_eq!(same.parse::<MajorMinor>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn all_else_is_malformed() {
        for text in [
            "",
            "v",
            "V1",
            ".",
            "1.",
            ".1",
            "1..0",
            "1.0.0",
            "01",
            "1.00",
            "1.01",
            "+1",
            "1.+1",
            "1.0-",
            "1.0--a",
            "1.0-1",
            "1.0-a.",
            "1.0-a_b",
            "1 .0",
            " 1.0",
            "1,0",
            "1.4294967296",
            "1.x",
            "a.b",
            "2026-03-10",
            "１.0",
        ] {
            assert_eq!(text.parse::<MajorMinor>(), Err(Malformed), "{text:?}");
        }
    }
}
