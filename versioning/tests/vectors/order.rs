//! Which of two versions is newer, and which are one.

use std::cmp::Ordering::{self, Equal, Greater, Less};
use std::collections::HashSet;
use std::hash::Hash;

use stonework_versioning::{DateVersion, Major, MajorMinor, Version};

/// Both ways round, by every operator, and by equality and hash, which must not disagree. There, two are
/// equal if their hashes are.
fn check<V: Version + Hash>(rows: &[(&str, &str, Ordering)]) {
    for (left, right, expected) in rows {
        let [a, b] = [left, right].map(|text| V::parse(text.as_bytes()).unwrap());
        let shown = format!("{left} and {right}");
        assert_eq!(a.cmp(&b), *expected, "{shown}");
        assert_eq!(b.cmp(&a), expected.reverse(), "{shown}");
        assert_eq!(a.partial_cmp(&b), Some(*expected), "{shown}");
        assert_eq!((a < b, a > b), (*expected == Less, *expected == Greater), "{shown}");
        assert_eq!((a <= b, a >= b), (*expected != Greater, *expected != Less), "{shown}");
        assert_eq!((a == b, a != b), (*expected == Equal, *expected != Equal), "{shown}");
        let distinct = HashSet::from([a, b]).len();
        assert_eq!(distinct, if *expected == Equal { 1 } else { 2 }, "{shown}");
    }
}

#[test]
fn days() {
    check::<DateVersion>(&[
        ("2013-08-06", "2013-08-06", Equal),
        ("2013-08-07", "2013-08-06", Greater),
        ("2013-08-05", "2013-08-06", Less),
        ("2013-08-06", "2013-08-06-RC", Greater),
        ("2013-08-06", "2013-08-06-Alpha", Greater),
        ("2013-08-06-Beta", "2013-08-06", Less),
        ("2013-08-06-Alpha", "2013-08-06-Alpha", Equal),
        ("2013-08-06-Beta", "2013-08-06-Alpha", Greater),
    ]);
}

#[test]
fn numbers() {
    check::<MajorMinor>(&[
        ("1", "1", Equal),
        ("1", "1.0", Equal),
        ("1.1", "1.1", Equal),
        ("2.0", "1.1", Greater),
        ("1.1", "2.0", Less),
        ("1.1", "1.1-Beta", Greater),
        ("1.1-Alpha", "1.1", Less),
        ("1-Alpha", "1-Alpha", Equal),
        ("1-Alpha", "1.0-Alpha", Equal),
        ("1.1-Alpha", "1.1-Alpha", Equal),
        ("1.1-Beta", "1.1-Alpha", Greater),
        ("1.1-Alpha", "1.1-Beta", Less),
        // By its code.
        ("1.0-Alpha", "1.0-ALPHA", Equal),
        ("1.0-RC", "1.0-beta", Greater),
        ("1.9", "1.10", Less),
    ]);
    check::<Major>(&[("1", "1", Equal), ("2", "1", Greater), ("9", "10", Less)]);
}

/// By its code statuses are compared letter by letter there, and the tenth release of a preview comes before
/// the second. Parts that are numbers are numbers here (SemVer, section 11); in `rc10` none is.
#[test]
fn the_tenth_preview_is_newer_than_the_second_here_only() {
    check::<MajorMinor>(&[
        ("1.0-preview.10", "1.0-preview.2", Greater),
        ("1.0-preview.2", "1.0-preview", Greater),
        ("1.0-rc10", "1.0-rc2", Less),
    ]);
    check::<DateVersion>(&[("2013-08-06-preview.10", "2013-08-06-preview.2", Greater)]);
}

/// A list that is sorted is what selection goes by.
#[test]
fn all_on_one_line() {
    let line =
        ["0.9", "1-Alpha", "1-Beta", "1", "1.1-Alpha", "1.1-Beta", "1.1-RC", "1.1", "2.0", "3.5"];
    let numbered: Vec<_> = line.iter().enumerate().collect();
    for (at, left) in &numbered {
        for (other, right) in &numbered {
            check::<MajorMinor>(&[(left, right, at.cmp(other))]);
        }
    }
}
