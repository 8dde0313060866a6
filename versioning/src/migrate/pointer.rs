//! Where in a document something stands: a JSON Pointer (RFC 6901), in which `*` is every item of an array.

use std::borrow::Cow;

/// The first step of a pointer, and what is behind it. Nothing for the whole document.
pub(super) fn step(pointer: &str) -> Option<(Cow<'_, str>, &str)> {
    let rest = pointer.strip_prefix('/')?;
    let end = rest.find('/').unwrap_or(rest.len());
    Some((unescaped(&rest[..end]), &rest[end..]))
}

fn unescaped(step: &str) -> Cow<'_, str> {
    if step.contains('~') {
        Cow::Owned(step.replace("~1", "/").replace("~0", "~"))
    } else {
        Cow::Borrowed(step)
    }
}

/// The whole document, or steps that each begin with a slash, where `~` is followed by `0` or `1`.
pub(super) fn is_pointer(pointer: &str) -> bool {
    let escapes = || pointer.split('~').skip(1).all(|after| after.starts_with(['0', '1']));
    pointer.is_empty() || (pointer.starts_with('/') && escapes())
}

/// What two pointers have in common through the last `*`, and the rest of each. Nothing if they differ
/// before that: what stands in one item would have no place in the other's.
pub(super) fn in_common<'p>(from: &'p str, to: &'p str) -> Option<(&'p str, &'p str, &'p str)> {
    let through = |pointer: &str| {
        let stars = pointer.match_indices("/*").map(|(at, star)| at + star.len());
        stars.filter(|end| matches!(pointer.as_bytes().get(*end), None | Some(b'/'))).last()
    };
    match (through(from), through(to)) {
        (None, None) => Some(("", from, to)),
        (Some(end), Some(other)) if from[..end] == to[..other] => {
            Some((&from[..end], &from[end..], &to[other..]))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_told_apart_and_unescaped() {
        assert_eq!(step(""), None);
        assert_eq!(step("/a/b"), Some(("a".into(), "/b")));
        assert_eq!(step("/a~1b~01"), Some(("a/b~1".into(), "")));
        assert_eq!(step("/"), Some(("".into(), "")));
    }

    #[test]
    fn only_pointers_are() {
        for good in ["", "/", "/a", "/a/*/b", "/~0~1"] {
            assert!(is_pointer(good), "{good}");
        }
        for bad in ["a", "a/b", "/~", "/~2", "#/a"] {
            assert!(!is_pointer(bad), "{bad}");
        }
    }

    #[test]
    fn a_move_stays_within_an_item() {
        assert_eq!(in_common("/a", "/b/c"), Some(("", "/a", "/b/c")));
        assert_eq!(in_common("/x/*/a", "/x/*/b/c"), Some(("/x/*", "/a", "/b/c")));
        assert_eq!(in_common("/*/y/*/a", "/*/y/*"), Some(("/*/y/*", "/a", "")));
        assert_eq!(in_common("/x/*/a", "/b"), None);
        assert_eq!(in_common("/x/*/a", "/y/*/a"), None);
        assert_eq!(in_common("/*x/a", "/b"), Some(("", "/*x/a", "/b")));
    }
}
