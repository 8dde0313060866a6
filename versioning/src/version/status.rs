use std::fmt;

use super::Malformed;

/// How long a status may be.
const LONGEST: usize = 16;

/// How finished a version is: `alpha`, `beta.2`, `preview`.
///
/// It begins with a letter, and has up to 16 letters, digits and dots. Case does not matter, and it is
/// written in lower case. The parts between dots are compared one by one, numbers as numbers, so that
/// `beta.2` comes before `beta.10`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Status {
    text: [u8; LONGEST],
    len: u8,
}

impl Status {
    pub(super) fn parse(text: &[u8]) -> Result<Self, Malformed> {
        let begins = text.first().is_some_and(u8::is_ascii_alphabetic);
        let parts = text.split(|byte| *byte == b'.').all(is_part);
        if !begins || !parts || text.len() > LONGEST {
            return Err(Malformed);
        }
        let mut lower = [0; LONGEST];
        lower[..text.len()].copy_from_slice(text);
        lower.make_ascii_lowercase();
        Ok(Self { text: lower, len: text.len() as u8 })
    }

    fn bytes(&self) -> &[u8] {
        &self.text[..usize::from(self.len)]
    }

    /// The status, in lower case.
    pub fn as_str(&self) -> &str {
        // It is ASCII.
        std::str::from_utf8(self.bytes()).unwrap_or_default()
    }

    fn parts(&self) -> impl Iterator<Item = Part<'_>> {
        self.bytes().split(|byte| *byte == b'.').map(Part::of)
    }
}

/// Letters and digits; a number has no zero in front.
fn is_part(part: &[u8]) -> bool {
    let plain = !part.is_empty() && part.iter().all(u8::is_ascii_alphanumeric);
    let number = part.iter().all(u8::is_ascii_digit);
    plain && !(number && part.len() > 1 && part[0] == b'0')
}

/// Numbers come before words (SemVer, section 11).
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Part<'a> {
    Number(u64),
    Word(&'a [u8]),
}

impl<'a> Part<'a> {
    fn of(part: &'a [u8]) -> Self {
        // Sixteen digits are less than a `u64` holds.
        let add = |number: u64, digit: &u8| number * 10 + u64::from(digit - b'0');
        match part.iter().all(u8::is_ascii_digit) {
            true => Self::Number(part.iter().fold(0, add)),
            false => Self::Word(part),
        }
    }
}

impl Ord for Status {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.parts().cmp(other.parts())
    }
}

impl PartialOrd for Status {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(text: &str) -> Result<Status, Malformed> {
        Status::parse(text.as_bytes())
    }

    #[test]
    fn a_status_is_short_and_plain() {
        for text in ["alpha", "Beta", "rc1", "beta.2", "preview", "a.b.c", "x.0"] {
            assert_eq!(status(text).unwrap().as_str(), text.to_ascii_lowercase());
        }
        for text in
            ["", "1", "1a", ".a", "a.", "a..b", "a-b", "a b", "a.01", "é", "aaaaaaaaaaaaaaaaa"]
        {
            assert_eq!(status(text), Err(Malformed), "{text}");
        }
    }

    #[test]
    fn parts_are_compared_one_by_one_and_numbers_as_numbers() {
        let order = ["a", "a.1", "a.2", "a.10", "a.b", "alpha", "beta", "beta.2", "beta.10", "rc"];
        let statuses: Vec<_> = order.iter().map(|text| status(text).unwrap()).collect();
        assert!(statuses.is_sorted(), "{statuses:?}");
    }
}
