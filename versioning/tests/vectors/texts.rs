//! Which texts are versions, and how those are written.

use stonework_versioning::{DateVersion, Major, MajorMinor, Version};

/// A text, and what it is as a `Major`, as a `MajorMinor` and as a `DateVersion`, as clients are told it.
type Row = (&'static str, [Option<&'static str>; 3]);

/// What is written is read back as the same.
fn written<V: Version>(text: &str) -> Option<String> {
    let version = V::parse(text.as_bytes()).ok()?;
    let written = version.to_string();
    assert_eq!(V::parse(written.as_bytes()), Ok(version), "{text}");
    Some(written)
}

fn all(text: &str) -> [Option<String>; 3] {
    [written::<Major>(text), written::<MajorMinor>(text), written::<DateVersion>(text)]
}

fn check(rows: &[Row]) {
    for (text, expected) in rows {
        assert_eq!(all(text), expected.map(|text| text.map(str::to_owned)), "{text:?}");
    }
}

/// There a version is written with as many numbers as it was read with, and its status in the same case.
/// Here it has one form: caches, metrics and pins go by that, and take two forms for two versions.
#[test]
fn what_both_read() {
    check(&[
        ("2013-08-06", [None, None, Some("2013-08-06")]),
        ("2013-08-06-Alpha", [None, None, Some("2013-08-06-alpha")]),
        ("2017-05-01-Beta", [None, None, Some("2017-05-01-beta")]),
        ("2013-08-06-preview.1", [None, None, Some("2013-08-06-preview.1")]),
        ("1", [Some("v1"), Some("1.0"), None]),
        ("0.9", [None, Some("0.9"), None]),
        ("1.1", [None, Some("1.1"), None]),
        ("3.5", [None, Some("3.5"), None]),
        ("1-Alpha", [None, Some("1.0-alpha"), None]),
        ("1-RC", [None, Some("1.0-rc"), None]),
        ("1.1-Alpha", [None, Some("1.1-alpha"), None]),
        ("2.5-Beta", [None, Some("2.5-beta"), None]),
    ]);
}

/// A day and a number at once name two things, and `2013-08-06` would be another version than
/// `2013-08-06.0`. A day that is used twice has a status instead.
#[test]
fn a_day_with_numbers_is_read_there_only() {
    check(&[
        ("2013-08-06.1", [None; 3]),
        ("2013-08-06.1.1", [None; 3]),
        ("2013-08-06.1-Alpha", [None; 3]),
        ("2013-08-06.1.1-Alpha", [None; 3]),
        ("2017-05-01.1-Beta", [None; 3]),
    ]);
}

#[test]
fn what_neither_reads() {
    for text in ["Alpha1", "1-", "1.1-Alpha-1", "2013-02-29.1.0", "", "abc", "-1", "1.-1", "NaN"] {
        assert_eq!(all(text), [None, None, None], "{text:?}");
    }
    // By its code: a day that looks like one, and one that is cut short.
    for text in ["2013-02-29", "2013-13-01", "2013-08-06-", "2013-08-06.", "1.1.1", ".1", "1."] {
        assert_eq!(all(text), [None, None, None], "{text:?}");
    }
}

/// By its code: a number may have zeros in front there, so that `01` is `1`, and a status may have letters
/// of any alphabet, empty parts, and any length. Here one version has one spelling, in ASCII, and is no
/// longer than what can be put into a header and a metric unread.
#[test]
fn what_is_read_there_only() {
    for text in ["01", "00", "1.01", "01.1", "1-é", "1-a..b", "1-a.01", "1-abcdefghijklmnopq"] {
        assert_eq!(all(text), [None, None, None], "{text:?}");
    }
}

/// There the `v` belongs to the template of a route, and what is left has to be a number; here it may stand
/// wherever a version may, as in AIP-185, whose channels come with it. Numbers end at 2³² − 1 instead of
/// 2³¹ − 1.
#[test]
fn what_is_read_here_only() {
    check(&[
        ("v1", [Some("v1"), Some("1.0"), None]),
        ("v1.1", [None, Some("1.1"), None]),
        ("v1beta2", [Some("v1beta2"), None, None]),
        ("2147483648", [Some("v2147483648"), Some("2147483648.0"), None]),
        ("4294967296", [None; 3]),
    ]);
}

/// Both agree on these.
#[test]
fn statuses() {
    for status in ["a", "B", "Alpha", "Beta", "RC1", "preview.1"] {
        let lower = status.to_ascii_lowercase();
        let numbers = Some(format!("1.0-{lower}"));
        assert_eq!(written::<MajorMinor>(&format!("1.0-{status}")), numbers);
        let day = Some(format!("2013-08-06-{lower}"));
        assert_eq!(written::<DateVersion>(&format!("2013-08-06-{status}")), day);
    }
    for status in ["-a", "-B", "Alpha-1", "Beta-2", "RC-1", "preview.", "Custom-Status", "1a"] {
        assert_eq!(written::<MajorMinor>(&format!("1.0-{status}")), None, "{status}");
        assert_eq!(written::<DateVersion>(&format!("2013-08-06-{status}")), None, "{status}");
    }
}

/// There a text comes decoded.
#[test]
fn bytes_that_are_no_text_are_no_version() {
    for bytes in [&b"1\0"[..], b"1\xff", b"1.0-a\xc3", b"2013-08-06\0", b"\xef\xbb\xbf1"] {
        assert!(Major::parse(bytes).is_err(), "{bytes:?}");
        assert!(MajorMinor::parse(bytes).is_err(), "{bytes:?}");
        assert!(DateVersion::parse(bytes).is_err(), "{bytes:?}");
    }
}
