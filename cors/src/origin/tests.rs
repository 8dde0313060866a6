//! Patterns and the errors about them, by vectors.

use super::OriginErrorKind as Wrong;
use super::*;

fn pattern(text: &str) -> OriginPattern {
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

fn error(text: &str) -> OriginError {
    text.parse::<OriginPattern>().expect_err(text)
}

const PATTERNS: [&str; 20] = [
    "https://app.example.com",
    "https://app.example.com.",
    "http://localhost:3000",
    "http://localhost:*",
    "http://127.0.0.1:8080",
    "http://[::1]:8080",
    "http://[::1]:*",
    "https://*.example.com",
    "https://*.example.com.",
    "https://*.example.com:8443",
    "https://*.example.com:*",
    "https://*.com",
    "http://*.localhost:3000",
    "http://example.com:443",
    "https://xn--bcher-kva.example",
    "capacitor://localhost",
    "tauri://localhost",
    "chrome-extension://abcdefghijklmnop",
    "moz-extension://5b1cf6a0-9a8f-4d6e-bb0e-0d8c1f2f3a4b",
    "app://host",
];

#[test]
fn a_pattern_is_shown_as_it_was_written() {
    for text in PATTERNS {
        assert_eq!(pattern(text).to_string(), text);
        assert_eq!(pattern(text), pattern(text));
    }
}

#[test]
fn a_pattern_without_a_wildcard_matches_itself_only() {
    let exact = || PATTERNS.into_iter().filter(|text| !text.contains('*'));
    for text in exact() {
        for other in PATTERNS {
            assert_eq!(pattern(text).matches(other.as_bytes()), text == other, "{text}, {other}");
        }
    }
    assert!(exact().count() > 5);
}

#[track_caller]
fn assert_matches(text: &str, yes: &[&str], no: &[&str]) {
    let pattern = pattern(text);
    for origin in yes {
        assert!(pattern.matches(origin.as_bytes()), "{text} does not match {origin}");
    }
    for origin in no {
        assert!(!pattern.matches(origin.as_bytes()), "{text} matches {origin:?}");
    }
}

#[test]
fn a_wildcard_needs_a_label_and_keeps_the_rest() {
    assert_matches(
        "https://*.example.com",
        &["https://a.example.com", "https://a.b.c.example.com", "https://example.com.example.com"],
        &[
            "https://example.com",
            "https://.example.com",
            "https://a..example.com",
            "https://*.example.com",
            "https://evilexample.com",
            "https://a.evilexample.com",
            "https://a.example.com.evil.org",
            "https://a.example.com.",
            "https://a.example.com:444",
            "https://a.example.com:443",
            "https://a.example.com:",
            "https://a.example.com/",
            "https://a.example.com/.example.com",
            "https://evil.org/.example.com",
            "https://evil.org?.example.com",
            "https://evil.org#.example.com",
            "https://evil.org\\.example.com",
            "https://evil.org:80.example.com",
            "https://u@a.example.com",
            "https://a.example.com@evil.org",
            "https://evil.org\0.example.com",
            "https://a b.example.com",
            "https://A.example.com",
            "https://ä.example.com",
            "https://%61.example.com",
            "http://a.example.com",
            "httpss://a.example.com",
            "xhttps://a.example.com",
            "a.example.com",
            "//a.example.com",
            ".example.com",
            "null",
            "*",
            "",
        ],
    );
    assert_matches(
        "https://*.example.com:8443",
        &["https://a.example.com:8443"],
        &["https://a.example.com", "https://a.example.com:84430", "https://a.example.com:08443"],
    );
    assert_matches(
        "http://*.localhost:3000",
        &["http://a.localhost:3000"],
        &["http://localhost:3000", "http://a.localhost"],
    );
}

#[test]
fn any_port_is_any_port_or_none() {
    assert_matches(
        "http://localhost:*",
        &[
            "http://localhost",
            "http://localhost:1",
            "http://localhost:443",
            "http://localhost:65535",
        ],
        &[
            "http://localhost:80",
            "http://localhost:",
            "http://localhost:*",
            "http://localhost:0",
            "http://localhost:01",
            "http://localhost:65536",
            "http://localhost:1/",
            "http://localhost:1:1",
            "https://localhost:1",
            "http://a.localhost:1",
            "http://localhost.:1",
            "http://localhost.evil.org:1",
        ],
    );
    assert_matches("http://[::1]:*", &["http://[::1]", "http://[::1]:9"], &["http://[::2]:9"]);
    assert_matches(
        "https://*.example.com:*",
        &["https://a.example.com", "https://a.b.example.com:8443"],
        &["https://example.com:8443", "https://a.example.com:443", "http://a.example.com:8443"],
    );
}

#[test]
fn what_is_wrong_is_named_and_mended() {
    let none = "";
    for (text, kind, suggestion) in [
        ("", Wrong::Empty, none),
        ("null", Wrong::Null, none),
        ("*", Wrong::Any, none),
        (" https://example.com", Wrong::WhiteSpace, "https://example.com"),
        ("https://example.com\u{a0}", Wrong::WhiteSpace, "https://example.com"),
        ("https://a.com, https://b.com", Wrong::List, none),
        ("https://exam\0ple.com", Wrong::Control, none),
        ("\u{7f}https://example.com", Wrong::Control, "https://example.com"),
        ("example.com", Wrong::NoScheme, "https://example.com"),
        ("example.com/", Wrong::NoScheme, "https://example.com"),
        ("//example.com", Wrong::NoScheme, "https://example.com"),
        ("example.com:443", Wrong::NoScheme, "https://example.com"),
        ("example.com:80", Wrong::NoScheme, "http://example.com"),
        ("*.example.com", Wrong::NoScheme, "https://*.example.com"),
        ("localhost:3000", Wrong::NoScheme, "http://localhost:3000"),
        ("localhost:*", Wrong::NoScheme, "http://localhost:*"),
        ("*.localhost:*", Wrong::NoScheme, "http://*.localhost:*"),
        ("127.0.0.1:3000", Wrong::NoScheme, "http://127.0.0.1:3000"),
        ("[::1]:3000", Wrong::NoScheme, "http://[::1]:3000"),
        ("all", Wrong::NoScheme, none),
        ("https:example.com", Wrong::NoScheme, "https://example.com"),
        ("https:/example.com", Wrong::NoScheme, "https://example.com"),
        ("://example.com", Wrong::Scheme, none),
        ("1http://example.com", Wrong::Scheme, none),
        ("ht_tp://example.com", Wrong::Scheme, none),
        ("htt*://example.com", Wrong::Scheme, none),
        ("*://x.com", Wrong::AnyScheme, "https://x.com"),
        ("file://", Wrong::OpaqueScheme, none),
        ("file:///index.html", Wrong::OpaqueScheme, none),
        ("FILE://host", Wrong::OpaqueScheme, none),
        ("data:text/html,x", Wrong::OpaqueScheme, none),
        ("javascript:alert(1)", Wrong::OpaqueScheme, none),
        ("about:blank", Wrong::OpaqueScheme, none),
        ("blob:https://example.com/5b1c", Wrong::OpaqueScheme, "https://example.com"),
        ("ws://example.com:80", Wrong::WebSocket, "http://example.com"),
        ("wss://*.example.com", Wrong::WebSocket, "https://*.example.com"),
        ("HTTPS://example.com", Wrong::UpperCase, "https://example.com"),
        ("WSS://example.com", Wrong::UpperCase, "https://example.com"),
        ("https://Example.com", Wrong::UpperCase, "https://example.com"),
        ("https://*.Example.com:*", Wrong::UpperCase, "https://*.example.com:*"),
        ("https://u@example.com", Wrong::UserInfo, "https://example.com"),
        ("https://u:p@@example.com:8080", Wrong::UserInfo, "https://example.com:8080"),
        ("https://", Wrong::NoHost, none),
        ("https:///a", Wrong::NoHost, none),
        ("https://:80", Wrong::NoHost, none),
        ("https://example.com..", Wrong::EmptyLabel, none),
        ("https://a..example.com", Wrong::EmptyLabel, none),
        ("https://.example.com", Wrong::EmptyLabel, "https://*.example.com"),
        ("https://.com", Wrong::EmptyLabel, none),
        ("https://exa%6dple.com", Wrong::Host, none),
        ("https://exa,mple.com", Wrong::Host, none),
        ("https://a.com,https://b.com", Wrong::List, none),
        ("http://127.1", Wrong::Ipv4, "http://127.0.0.1"),
        ("http://0x7f.1:8080", Wrong::Ipv4, "http://127.0.0.1:8080"),
        ("http://0177.0.0.01", Wrong::Ipv4, "http://127.0.0.1"),
        ("http://2130706433", Wrong::Ipv4, "http://127.0.0.1"),
        ("http://127.0.0.1.", Wrong::Ipv4, "http://127.0.0.1"),
        ("http://256.0.0.1", Wrong::Ipv4, none),
        ("http://1.2.3.4.5", Wrong::Ipv4, none),
        ("http://08.0.0.1", Wrong::Ipv4, none),
        ("http://a.1", Wrong::Ipv4, none),
        ("http://*.1", Wrong::Ipv4, none),
        ("http://4294967296", Wrong::Ipv4, none),
        ("http://[0:0:0:0:0:0:0:1]", Wrong::Ipv6, "http://[::1]"),
        ("http://[2001:DB8::1]:*", Wrong::Ipv6, "http://[2001:db8::1]:*"),
        ("http://[::ffff:1.2.3.4]", Wrong::Ipv6, "http://[::ffff:102:304]"),
        ("http://::1", Wrong::Ipv6, "http://[::1]"),
        ("http://::1:8080", Wrong::Ipv6, none),
        ("http://[::1", Wrong::Ipv6, none),
        ("http://[fe80::1%25eth0]", Wrong::Ipv6, none),
        ("https://*", Wrong::AnyHost, none),
        ("https://*:*", Wrong::AnyHost, none),
        ("https://*.", Wrong::AnyHost, none),
        ("https://*.*", Wrong::ManyWildcards, none),
        ("https://*.*.example.com", Wrong::ManyWildcards, "https://*.example.com"),
        ("https://*.a.*.com", Wrong::ManyWildcards, none),
        ("https://**.example.com", Wrong::ManyWildcards, "https://*.example.com"),
        ("https://ex*mple.com", Wrong::PartOfLabel, none),
        ("https://*example.com", Wrong::PartOfLabel, "https://*.example.com"),
        ("https://*com", Wrong::PartOfLabel, none),
        ("https://a.*.com", Wrong::InnerWildcard, none),
        ("https://example.*", Wrong::InnerWildcard, none),
        ("http://*.127.0.0.1", Wrong::WildcardAddress, none),
        ("http://*.[::1]", Wrong::WildcardAddress, none),
        ("https://example.com:", Wrong::NoPort, "https://example.com"),
        ("https://example.com:08443", Wrong::LeadingZero, "https://example.com:8443"),
        ("https://example.com:0443", Wrong::LeadingZero, "https://example.com"),
        ("https://example.com:0", Wrong::Port, none),
        ("https://example.com:65536", Wrong::Port, none),
        ("https://example.com:http", Wrong::Port, none),
        ("https://example.com:-1", Wrong::Port, none),
        ("https://example.com:80*", Wrong::Port, none),
        ("https://example.com:443", Wrong::DefaultPort, "https://example.com"),
        ("http://*.example.com:80", Wrong::DefaultPort, "http://*.example.com"),
        ("https://example.com/", Wrong::TrailingSlash, "https://example.com"),
        ("https://example.com//", Wrong::Path, "https://example.com"),
        ("https://*.example.com/*", Wrong::Path, "https://*.example.com"),
        ("https://example.com\\a", Wrong::Path, "https://example.com"),
        ("https://example.com?a=b@c", Wrong::Query, "https://example.com"),
        ("https://example.com#a", Wrong::Fragment, "https://example.com"),
        (" HTTPS://u@*EXAMPLE.com:0443/a?b ", Wrong::WhiteSpace, "https://*.example.com"),
    ] {
        let error = error(text);
        assert_eq!(error.value(), text);
        assert_eq!(error.kind(), kind, "{text:?}");
        assert_eq!(error.suggestion().unwrap_or_default(), suggestion, "{text:?}");
        if !suggestion.is_empty() {
            assert_eq!(pattern(suggestion).to_string(), suggestion);
        }
    }
}

#[test]
fn a_host_that_is_not_ascii_is_told_its_ascii_form() {
    for (text, suggestion) in [
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("https://*.BÜCHER.example:443/", "https://*.xn--bcher-kva.example"),
        ("https://例え。jp", "https://xn--r8jz45g.jp"),
        ("http://１２７.０.０.１", "http://127.0.0.1"),
    ] {
        let suggestion = cfg!(feature = "idna").then_some(suggestion);
        assert_eq!(error(text).kind(), Wrong::NotAscii, "{text}");
        assert_eq!(error(text).suggestion(), suggestion, "{text}");
    }
    assert_eq!(error("https://ü\u{200b}*.example").suggestion(), None);
}

#[test]
fn what_is_longer_than_any_origin_is_refused_unread() {
    let host = "a.".repeat(126) + "a";
    assert_eq!(host.len(), 253);
    pattern(&format!("https://{host}"));
    pattern(&format!("https://{host}."));
    pattern(&format!("https://*.{}", &host[2..]));
    assert_eq!(error(&format!("https://a{host}")).kind(), Wrong::HostTooLong);
    assert_eq!(error(&format!("https://*.{host}")).kind(), Wrong::HostTooLong);
    let junk = "https://example.com/".repeat(100_000);
    assert_eq!((error(&junk).kind(), error(&junk).suggestion()), (Wrong::TooLong, None));
    assert!(error(&junk).to_string().len() < 300);
}

#[test]
fn an_error_is_one_line_with_value_reason_and_fix() {
    let cases = [
        (
            "https://example.com/",
            "the origin \"https://example.com/\" has a slash at the end, which browsers never send; \
             write \"https://example.com\"",
        ),
        (
            "https://exam\r\n\"ple.com",
            "the origin \"https://exam\\r\\n\\\"ple.com\" has white space; \
             write one origin, and nothing around it",
        ),
        ("", "the origin \"\" is empty; write one such as https://app.example.com"),
    ];
    for (text, expected) in cases {
        assert_eq!(error(text).to_string(), expected);
    }
    let long = error(&format!("https://example.com/{}\u{202e}", "a".repeat(200))).to_string();
    assert!(long.contains("aaaa…\" has a path"), "{long}");
}

#[test]
fn http_to_another_machine_is_insecure() {
    for text in [
        "http://example.com",
        "http://*.example.com:*",
        "http://0.0.0.0:3000",
        "http://a",
        "http://192.168.0.9",
    ] {
        assert!(pattern(text).is_insecure(), "{text}");
    }
    for text in [
        "https://example.com",
        "http://localhost",
        "http://localhost.:3000",
        "http://*.localhost:*",
        "http://a.localhost",
        "http://127.9.9.9",
        "http://[::1]:8080",
        "capacitor://example",
    ] {
        assert!(!pattern(text).is_insecure(), "{text}");
    }
}

#[test]
fn wildcards_over_public_suffixes_are_told() {
    for (text, suffix) in [
        ("https://*.com", "com"),
        ("https://*.co.uk", "co.uk"),
        ("https://*.co.uk.:*", "co.uk."),
        ("http://*.github.io", "github.io"),
        ("https://*.ck", "ck"),
        ("https://*.foo.ck", "foo.ck"),
        ("https://*.compute.amazonaws.com", "compute.amazonaws.com"),
        ("https://*.xn--p1ai", "xn--p1ai"),
        ("https://*.xn--55qx5d.cn", "xn--55qx5d.cn"),
    ] {
        assert_eq!(pattern(text).public_suffix(), Some(suffix), "{text}");
    }
    for text in [
        "https://*.example.com",
        "https://*.example.co.uk",
        "https://*.user.github.io",
        "https://*.www.ck",
        "https://*.test",
        "https://*.internal",
        "https://*.localhost",
        "https://*.a.internal.",
        "https://com",
        "https://github.io",
        "https://co.uk:*",
        "https://*.xn--bcher-kva.de",
    ] {
        assert_eq!(pattern(text).public_suffix(), None, "{text}");
    }
}
