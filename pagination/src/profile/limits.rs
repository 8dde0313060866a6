/// How many items a page may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) default: u32,
    pub(crate) max: u32,
    pub(crate) over: OverMax,
    pub(crate) zero: Zero,
}

/// What becomes of a request for more items than a page may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OverMax {
    /// The page has as many as it may.
    Clamp,
    /// The request is refused.
    Reject,
}

/// What `limit=0` means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Zero {
    /// It is refused.
    Reject,
    /// As if nothing was said (AIP-158).
    Default,
    /// No items.
    Empty,
    /// No items, and so of a negative number (RFC 7644, section 3.4.2.4).
    None,
}

impl Limits {
    /// How many items are asked for; nothing if that cannot be said.
    pub(crate) fn read(self, text: Option<&str>) -> Option<u32> {
        let Some(text) = text else { return Some(self.default) };
        let (is_negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text),
        };
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let is_zero = digits.bytes().all(|byte| byte == b'0');
        if is_negative || is_zero {
            return match self.zero {
                Zero::None => Some(0),
                Zero::Empty if is_zero && !is_negative => Some(0),
                Zero::Default if is_zero => Some(self.default),
                Zero::Default | Zero::Empty | Zero::Reject => None,
            };
        }
        // What does not fit is more than there may be.
        let asked = digits.parse().unwrap_or(u32::MAX);
        match self.over {
            _ if asked <= self.max => Some(asked),
            OverMax::Clamp => Some(self.max),
            OverMax::Reject => None,
        }
    }

    /// The smallest number that may be asked for.
    pub(crate) const fn least(self) -> u32 {
        match self.zero {
            Zero::Reject => 1,
            Zero::Default | Zero::Empty | Zero::None => 0,
        }
    }

    /// Is the text a number that is larger than it may be?
    pub(crate) fn is_over(self, text: &str) -> bool {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number && text.parse().unwrap_or(u32::MAX) > self.max
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits =
        Limits { default: 20, max: 100, over: OverMax::Reject, zero: Zero::Reject };

    #[test]
    fn a_limit_is_decimal_digits_within_the_range() {
        for (text, expected) in [
            ("1", Some(1)),
            ("100", Some(100)),
            ("0100", Some(100)),
            ("101", None),
            ("0", None),
            ("00", None),
            ("", None),
            ("-1", None),
            ("-0", None),
            ("-", None),
            ("+1", None),
            (" 1", None),
            ("1 ", None),
            ("1.0", None),
            ("1e1", None),
            ("0x1", None),
            ("\u{661}", None),
            ("4294967296", None),
            ("99999999999999999999999999", None),
        ] {
            assert_eq!(LIMITS.read(Some(text)), expected, "{text:?}");
        }
        assert_eq!(LIMITS.read(None), Some(20));
    }

    #[test]
    fn contracts_differ_in_what_is_too_much_and_in_zero() {
        let aip = Limits { over: OverMax::Clamp, zero: Zero::Default, ..LIMITS };
        let scim = Limits { over: OverMax::Clamp, zero: Zero::None, ..LIMITS };
        for (text, of_aip, of_scim) in [
            ("99999999999999999999999999", Some(100), Some(100)),
            ("0", Some(20), Some(0)),
            ("-1", None, Some(0)),
            ("-x", None, None),
        ] {
            assert_eq!((aip.read(Some(text)), scim.read(Some(text))), (of_aip, of_scim), "{text}");
        }
    }

    #[test]
    fn too_much_is_told_from_what_is_no_number() {
        for (text, is_over) in [("101", true), ("1000000000000", true), ("100", false), ("", false)]
        {
            assert_eq!(LIMITS.is_over(text), is_over, "{text}");
        }
    }
}
