//! An origin as a browser serialises it (HTML, section 7.1.1).

use super::host;

/// The longest scheme, in bytes. Far more than any that is in use.
const MAX_SCHEME: usize = 64;

/// The longest origin, in bytes, with the dot that may follow a host.
pub(crate) const MAX_LEN: usize =
    MAX_SCHEME + "://".len() + host::MAX_LEN + ".".len() + ":65535".len();

/// The parts of one, borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Serialized<'a> {
    pub(crate) scheme: &'a [u8],
    pub(crate) host: &'a [u8],
    /// Absent where it is the scheme's own.
    pub(crate) port: Option<u16>,
}

impl<'a> Serialized<'a> {
    /// The parts, if this is exactly what a browser would send.
    ///
    /// Names are not looked into further than DNS would: whether a label that begins with `xn--`
    /// means anything is not asked, since what means nothing is never sent.
    pub(crate) fn parse(origin: &'a [u8]) -> Option<Self> {
        if origin.len() > MAX_LEN {
            return None;
        }
        let colon = origin.iter().position(|&byte| byte == b':')?;
        let (scheme, rest) = origin.split_at(colon);
        let (host, digits) = split_port(rest.strip_prefix(b"://")?);
        if !is_scheme(scheme) || host::kind(host).is_none() {
            return None;
        }
        let port = match digits {
            None => None,
            Some(digits) => Some(port(digits).filter(|&port| !is_default(scheme, port))?),
        };
        Some(Self { scheme, host, port })
    }
}

/// A host and the port behind it. No host has a colon, other than in brackets.
pub(super) fn split_port(authority: &[u8]) -> (&[u8], Option<&[u8]>) {
    let host = match authority {
        [b'[', ..] => authority.iter().position(|&byte| byte == b']').map_or(0, |end| end + 1),
        _ => 0,
    };
    match authority[host..].iter().position(|&byte| byte == b':') {
        Some(colon) => (&authority[..host + colon], Some(&authority[host + colon + 1..])),
        None => (authority, None),
    }
}

/// RFC 3986, section 3.1, in lower case.
pub(super) fn is_scheme(scheme: &[u8]) -> bool {
    let is_inner = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'+' | b'-' | b'.');
    // What nearly all have need not be looked at byte by byte.
    matches!(scheme, b"https" | b"http")
        || (scheme.len() <= MAX_SCHEME
            && scheme.first().is_some_and(u8::is_ascii_lowercase)
            && scheme.iter().all(is_inner))
}

/// One to 65535, without a zero in front. Nothing is ever fetched from port 0.
pub(super) fn port(digits: &[u8]) -> Option<u16> {
    let is_decimal = matches!(digits, [b'1'..=b'9', ..])
        && digits.len() <= "65535".len()
        && digits.iter().all(u8::is_ascii_digit);
    if is_decimal { str::from_utf8(digits).ok()?.parse().ok() } else { None }
}

/// The ports that a browser leaves out (URL, section 4.2).
pub(super) fn is_default(scheme: &[u8], port: u16) -> bool {
    matches!((scheme, port), (b"http" | b"ws", 80) | (b"https" | b"wss", 443) | (b"ftp", 21))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(origin: &str) -> Option<Serialized<'_>> {
        Serialized::parse(origin.as_bytes())
    }

    #[test]
    fn what_browsers_send_is_taken_apart() {
        for (origin, scheme, host, port) in [
            ("https://example.com", "https", "example.com", None),
            ("https://example.com.", "https", "example.com.", None),
            ("http://localhost:3000", "http", "localhost", Some(3000)),
            ("http://example.com:443", "http", "example.com", Some(443)),
            ("https://example.com:80", "https", "example.com", Some(80)),
            ("https://example.com:65535", "https", "example.com", Some(65535)),
            ("https://xn--bcher-kva.example", "https", "xn--bcher-kva.example", None),
            ("https://a_b.-c-.example", "https", "a_b.-c-.example", None),
            ("http://127.0.0.1:1", "http", "127.0.0.1", Some(1)),
            ("http://[::1]", "http", "[::1]", None),
            ("http://[2001:db8::9]:8080", "http", "[2001:db8::9]", Some(8080)),
            ("capacitor://localhost", "capacitor", "localhost", None),
            ("app+x-1.y://host:80", "app+x-1.y", "host", Some(80)),
            (
                "moz-extension://5b1cf6a0-9a8f-4d6e-bb0e-0d8c1f2f3a4b",
                "moz-extension",
                "5b1cf6a0-9a8f-4d6e-bb0e-0d8c1f2f3a4b",
                None,
            ),
        ] {
            let (scheme, host) = (scheme.as_bytes(), host.as_bytes());
            assert_eq!(parse(origin), Some(Serialized { scheme, host, port }), "{origin}");
        }
    }

    #[test]
    fn anything_else_is_no_origin() {
        for origin in [
            "",
            "null",
            "*",
            "example.com",
            "https",
            "https:",
            "https:/example.com",
            "https://",
            "://example.com",
            "https://example.com/",
            "https://example.com/a",
            "https://example.com?",
            "https://example.com#",
            "https://a@example.com",
            "https://@example.com",
            "HTTPS://example.com",
            "https://Example.com",
            "https://example.com, https://example.com",
            "https://example.com https://example.com",
            " https://example.com",
            "https://example.com ",
            "https://exam\0ple.com",
            "https://example.com\r\n",
            "https://bücher.example",
            "https://ex%61mple.com",
            "https://*.example.com",
            "https://.example.com",
            "https://a..example.com",
            "https://example.com..",
            "https://.",
            "https://example.com:",
            "https://example.com:0",
            "https://example.com:08",
            "https://example.com:+8",
            "https://example.com:8a",
            "https://example.com:443",
            "http://example.com:80",
            "ws://example.com:80",
            "wss://example.com:443",
            "ftp://example.com:21",
            "https://example.com:65536",
            "https://example.com:100000",
            "https://example.com:80:80",
            "https://example.com:*",
            "http://::1",
            "http://[::1",
            "http://[::1]a",
            "http://[::1]a:80",
            "http://[]",
            "1http://example.com",
            "ht_tp://example.com",
            "blob:https://example.com",
        ] {
            assert_eq!(parse(origin), None, "{origin:?}");
        }
        assert_eq!(Serialized::parse(b"https://ex\xffample.com"), None);
    }

    #[test]
    fn each_part_has_a_longest_form() {
        let host = |len: usize| format!("{}aaa", "a.".repeat((len - 3) / 2));
        assert_eq!(host(253).len(), 253);
        let longest = format!("{}://{}.:65535", "s".repeat(64), host(253));
        assert_eq!(longest.len(), MAX_LEN);
        assert!(parse(&longest).is_some());
        assert_eq!(parse(&format!("s{longest}")), None);
        assert_eq!(parse(&format!("{}://a", "s".repeat(65))), None);
        assert_eq!(parse(&format!("s://{}", host(255))), None);
        assert_eq!(Serialized::parse(&vec![b'a'; 10 << 20]), None);
    }

    /// A browser's own parser, for the schemes that it knows.
    fn browser(text: &str) -> Option<String> {
        let url = url::Url::parse(text).ok()?;
        matches!(url.scheme(), "http" | "https").then(|| url.origin().ascii_serialization())
    }

    proptest! {
        #[test]
        fn what_is_accepted_is_what_a_browser_serialises(
            text in "https?://[0-9a-fx.:\\[\\]_-]{1,12}(:[0-9]{0,6})?"
        ) {
            if parse(&text).is_some() {
                prop_assert_eq!(browser(&text), Some(text));
            }
        }

        #[test]
        fn what_a_browser_serialises_is_accepted(
            text in "https?://([a-z0-9_-]{1,3}\\.){0,3}([a-z][a-z0-9]{0,5}|0x[0-9a-f]{0,8}|[0-9]{1,4})\\.?(:[0-9]{1,5})?"
        ) {
            if let Some(origin) = browser(&text).filter(|origin| !origin.ends_with(":0")) {
                prop_assert!(parse(&origin).is_some(), "{}", origin);
            }
        }

        #[test]
        fn addresses_are_accepted_as_a_browser_serialises_them(bits: u128, zeroes in 0u32..128) {
            for bits in [bits >> zeroes, bits << zeroes, bits & !(0xffff_ffff << zeroes)] {
                let text = format!("http://[{}]:8080", std::net::Ipv6Addr::from_bits(bits));
                let origin = browser(&text).unwrap();
                prop_assert!(parse(&origin).is_some(), "{}", origin);
            }
        }
    }
}
