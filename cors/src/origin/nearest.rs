//! The pattern that was probably meant by an origin. The work is bounded: an attacker may ask for it.

use super::OriginPattern;
use super::mend::mend;
use super::serialized::{LONGEST, Serialized};

/// How many patterns are looked at, and how many of them letter by letter.
const MOST: usize = 1000;
const MOST_SPELLED: usize = 32;

/// How many letters may differ in a slip of the finger.
const SLIPS: usize = 2;

pub(super) fn nearest<'p>(
    patterns: &'p [OriginPattern],
    origin: &[u8],
) -> Option<&'p OriginPattern> {
    let text = std::str::from_utf8(origin).ok().filter(|text| text.len() <= LONGEST)?;
    let patterns = &patterns[..patterns.len().min(MOST)];
    mended(patterns, text)
        .or_else(|| of_the_same_host(patterns, text))
        .or_else(|| misspelled(patterns, text))
}

/// With the slash, the upper case or the port taken away.
fn mended<'p>(patterns: &'p [OriginPattern], text: &str) -> Option<&'p OriginPattern> {
    let mended = mend(text)?;
    patterns.iter().find(|pattern| pattern.matches(mended.as_bytes()))
}

/// With another scheme or port.
fn of_the_same_host<'p>(patterns: &'p [OriginPattern], text: &str) -> Option<&'p OriginPattern> {
    let origin = Serialized::parse(text.as_bytes())?;
    patterns.iter().find(|pattern| pattern.matches_host(origin.host))
}

/// With a letter or two changed. The longer the name, the less likely it is another one.
fn misspelled<'p>(patterns: &'p [OriginPattern], text: &str) -> Option<&'p OriginPattern> {
    let slips = (text.len() / 12).min(SLIPS);
    let near =
        patterns.iter().filter(|pattern| pattern.as_str().len().abs_diff(text.len()) <= slips);
    let spelled = near
        .take(MOST_SPELLED)
        .map(|pattern| (strsim::osa_distance(pattern.as_str(), text), pattern));
    spelled
        .filter(|(slipped, _)| *slipped <= slips)
        .min_by_key(|(slipped, _)| *slipped)
        .map(|(_, p)| p)
}

#[cfg(test)]
mod tests {
    use crate::OriginSet;

    #[test]
    fn what_was_meant_is_found_and_nothing_else() {
        let set = OriginSet::parse([
            "https://app.example.com",
            "https://*.preview.example.com",
            "http://localhost:3000",
        ]);
        let set = set.unwrap();
        for (origin, nearest) in [
            ("https://app.example.com/", Some("https://app.example.com")),
            ("HTTPS://App.Example.com:443", Some("https://app.example.com")),
            ("http://app.example.com", Some("https://app.example.com")),
            ("https://app.example.com:8443", Some("https://app.example.com")),
            ("http://pr-7.preview.example.com", Some("https://*.preview.example.com")),
            ("http://localhost:3001", Some("http://localhost:3000")),
            ("https://app.exampel.com", Some("https://app.example.com")),
            ("https://aps.example.com", Some("https://app.example.com")),
            ("https://evil.example", None),
            ("https://www.example.org", None),
            ("null", None),
            ("", None),
        ] {
            let found = set.nearest(origin.as_bytes()).map(ToString::to_string);
            assert_eq!(found.as_deref(), nearest, "{origin}");
        }
        assert!(set.nearest(&[b'a'; 10_000_000]).is_none());
        assert!(set.nearest(b"\xff").is_none());
    }
}
