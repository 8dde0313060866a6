//! An origin as a browser serialises it (HTML, section 7.1.1; URL, section 3.5).

use std::fmt::{self, Write};
use std::net::{Ipv4Addr, Ipv6Addr};

/// A scheme, `://`, a host and a port, each as long as it may be. Nothing longer is looked at.
pub(crate) const LONGEST: usize = LONGEST_SCHEME + 3 + LONGEST_HOST + 6;
const LONGEST_SCHEME: usize = 64;
const LONGEST_HOST: usize = 254;
const LONGEST_LABEL: usize = 63;

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
    pub(crate) fn parse(origin: &'a [u8]) -> Option<Self> {
        if origin.len() > LONGEST {
            return None;
        }
        let (scheme, rest) = split_scheme(origin)?;
        let (host, port) = split_port(rest)?;
        let port = match port {
            None => None,
            Some(digits) => Some(port_of(digits).filter(|port| !is_default(scheme, *port))?),
        };
        (is_scheme(scheme) && is_host(host)).then_some(Self { scheme, host, port })
    }
}

/// What stands before and after `://`.
pub(crate) fn split_scheme(origin: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = origin.iter().position(|byte| *byte == b':')?;
    let rest = origin[at..].strip_prefix(b"://")?;
    Some((&origin[..at], rest))
}

/// The host, and what stands after its colon. Colons within brackets belong to the host.
pub(crate) fn split_port(rest: &[u8]) -> Option<(&[u8], Option<&[u8]>)> {
    let host = if rest.first() == Some(&b'[') {
        rest.iter().position(|byte| *byte == b']')? + 1
    } else {
        rest.iter().position(|byte| *byte == b':').unwrap_or(rest.len())
    };
    match &rest[host..] {
        [] => Some((rest, None)),
        [b':', port @ ..] => Some((&rest[..host], Some(port))),
        _ => None,
    }
}

pub(crate) fn is_scheme(scheme: &[u8]) -> bool {
    let fits = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'+' | b'-' | b'.');
    // What nearly all have need not be looked at byte by byte.
    matches!(scheme, b"https" | b"http")
        || (scheme.len() <= LONGEST_SCHEME
            && scheme.first().is_some_and(u8::is_ascii_lowercase)
            && scheme.iter().all(fits))
}

/// A number without leading zeros.
pub(crate) fn port_of(digits: &[u8]) -> Option<u16> {
    let plain = !digits.is_empty()
        && digits.iter().all(u8::is_ascii_digit)
        && (digits.len() == 1 || digits[0] != b'0');
    let number = std::str::from_utf8(digits).ok().filter(|_| plain)?;
    number.parse().ok()
}

/// The port that a browser leaves out (URL, "special scheme").
pub(crate) fn is_default(scheme: &[u8], port: u16) -> bool {
    matches!((scheme, port), (b"http" | b"ws", 80) | (b"https" | b"wss", 443) | (b"ftp", 21))
}

pub(crate) fn is_host(host: &[u8]) -> bool {
    match host {
        [b'[', address @ .., b']'] => is_ipv6(address),
        _ if ends_in_number(host) => ipv4(host).is_some(),
        _ => is_name(host),
    }
}

/// A name of DNS, which may end with a dot. One look at each byte: every denial comes here.
fn is_name(name: &[u8]) -> bool {
    let mut label = 0;
    for byte in name {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' if label < LONGEST_LABEL => label += 1,
            b'.' if label > 0 => label = 0,
            _ => return false,
        }
    }
    let name = name.strip_suffix(b".").unwrap_or(name);
    (1..LONGEST_HOST).contains(&name.len())
}

/// Then a browser takes it for an IPv4 address, or for nothing (URL, "ends in a number checker").
fn ends_in_number(host: &[u8]) -> bool {
    let host = host.strip_suffix(b".").unwrap_or(host);
    let start = host.iter().rposition(|byte| *byte == b'.').map_or(0, |dot| dot + 1);
    match &host[start..] {
        [b'0', b'x', hex @ ..] => hex.iter().all(u8::is_ascii_hexdigit),
        [b'0'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

pub(crate) fn ipv4(host: &[u8]) -> Option<Ipv4Addr> {
    std::str::from_utf8(host).ok()?.parse().ok()
}

fn is_ipv6(text: &[u8]) -> bool {
    let address = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
    address.is_some_and(|address| written(address).as_bytes() == text)
}

/// As a browser writes it: unlike `Display` of std, with no IPv4 address in it.
pub(crate) fn written(address: Ipv6Addr) -> Written {
    let mut written = Written { bytes: [0; 39], len: 0 };
    let done = match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] => write!(written, "::ffff:{high:x}:{low:x}"),
        _ => write!(written, "{address}"),
    };
    debug_assert!(done.is_ok(), "an address has 39 bytes at most");
    written
}

/// An address as text, without an allocation.
pub(crate) struct Written {
    bytes: [u8; 39],
    len: usize,
}

impl Written {
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

impl fmt::Write for Written {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let place = self.bytes.get_mut(self.len..self.len + text.len()).ok_or(fmt::Error)?;
        place.copy_from_slice(text.as_bytes());
        self.len += text.len();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_origin(text: &str) -> bool {
        Serialized::parse(text.as_bytes()).is_some()
    }

    #[test]
    fn what_a_browser_sends_is_an_origin() {
        for origin in [
            "https://example.com",
            "https://a-b.c_d.example.com",
            "https://xn--mnchen-3ya.example",
            "https://example.com.",
            "http://localhost:3000",
            "http://example.com:443",
            "https://example.com:65535",
            "http://127.0.0.1:8080",
            "http://[::1]",
            "http://[2001:db8::7]:8080",
            "http://[::ffff:102:304]",
            "capacitor://localhost",
            "chrome-extension://abcdefghijklmnop",
            "moz-extension://11111111-2222-3333-4444-555555555555",
            "a+b.c-1://x",
        ] {
            assert!(is_origin(origin), "{origin}");
        }
    }

    #[test]
    fn all_else_is_none() {
        let label = format!("https://{}.com", "a".repeat(64));
        let name = format!("https://{}com", "abcdefg.".repeat(32));
        let scheme = format!("{}://a", "s".repeat(65));
        let junk = "x".repeat(10_000_000);
        for origin in [
            "",
            "null",
            "*",
            "example.com",
            "https:",
            "https:/",
            "https://",
            "://a",
            "1a://b",
            "HTTPS://example.com",
            "https://Example.com",
            "https://example.com/",
            "https://example.com/a",
            "https://example.com?",
            "https://example.com#a",
            "https://a@example.com",
            "https://example.com:",
            "https://example.com:443",
            "http://example.com:80",
            "https://example.com:08443",
            "https://example.com:65536",
            "https://example.com:+1",
            "https://example.com:1:2",
            "https://.example.com",
            "https://a..example.com",
            "https://example.com..",
            "https://*.example.com",
            "https://münchen.example",
            "https://a b.example",
            "https://a.example, https://b.example",
            "https://a.example https://b.example",
            "https://a\0.example",
            "http://127.1",
            "http://127.0.0.01",
            "http://0x7f.0.0.1",
            "http://1",
            "http://a.1",
            "http://1.2.3.4.",
            "http://::1",
            "http://[::1",
            "http://[::1]a",
            "http://[0:0:0:0:0:0:0:1]",
            "http://[::FFFF]",
            "http://[::ffff:1.2.3.4]",
            "http://[fe80::1%25eth0]",
            &label,
            &name,
            &scheme,
            &junk,
        ] {
            assert!(!is_origin(origin), "{:.60}", origin);
        }
    }
}
