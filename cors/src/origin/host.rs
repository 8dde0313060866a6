//! Hosts, as the URL standard writes them (section 3.5).

use std::fmt::{self, Write};
use std::net::{Ipv4Addr, Ipv6Addr};

/// The longest name that DNS carries, in bytes, without the dot of the root.
pub(super) const MAX_LEN: usize = 253;

/// What a host is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Name,
    Ipv4(Ipv4Addr),
    Ipv6(Ipv6Addr),
}

/// What this host is, if it is written as a browser would.
pub(super) fn kind(host: &[u8]) -> Option<Kind> {
    if let Some(rest) = host.strip_prefix(b"[") {
        let text = rest.strip_suffix(b"]")?;
        let address = ipv6(text)?;
        return is_canonical(address, text).then_some(Kind::Ipv6(address));
    }
    if !is_name(host) {
        return None;
    }
    // A name that ends in a number is an address, or no host at all.
    if !ends_in_a_number(host) {
        return Some(Kind::Name);
    }
    str::from_utf8(host).ok()?.parse().ok().map(Kind::Ipv4)
}

/// Is this a host, written as a browser would?
pub(crate) fn is_host(host: &[u8]) -> bool {
    kind(host).is_some()
}

/// Labels that are not empty, with one dot at the end or none: `a.` and `a` are two hosts. One look at
/// each byte, since every denial comes here.
fn is_name(host: &[u8]) -> bool {
    let name = without_root(host);
    let mut before = b'.';
    for &byte in name {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => {}
            b'.' if before != b'.' => {}
            _ => return false,
        }
        before = byte;
    }
    before != b'.' && name.len() <= MAX_LEN
}

/// Without the dot of the root.
pub(super) fn without_root(host: &[u8]) -> &[u8] {
    host.strip_suffix(b".").unwrap_or(host)
}

/// URL, section 3.5: such a host is read as an IPv4 address.
pub(super) fn ends_in_a_number(host: &[u8]) -> bool {
    let name = without_root(host);
    let dot = name.iter().rposition(|&byte| byte == b'.');
    match &name[dot.map_or(0, |dot| dot + 1)..] {
        [b'0', b'x' | b'X', digits @ ..] => digits.iter().all(u8::is_ascii_hexdigit),
        [b'0'..=b'9', digits @ ..] => digits.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

/// An address between brackets, in any spelling.
pub(super) fn ipv6(text: &[u8]) -> Option<Ipv6Addr> {
    str::from_utf8(text).ok()?.parse().ok()
}

fn is_canonical(address: Ipv6Addr, text: &[u8]) -> bool {
    let mut rest = Rest(text);
    write!(rest, "{}", Written(address)).is_ok() && rest.0.is_empty()
}

/// An IPv6 address as browsers write it. std differs in one thing: it writes `::ffff:1.2.3.4`.
pub(super) struct Written(pub(super) Ipv6Addr);

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.segments(), self.0.to_ipv4_mapped()) {
            ([.., high, low], Some(_)) => write!(f, "::ffff:{high:x}:{low:x}"),
            _ => write!(f, "{}", self.0),
        }
    }
}

/// What is left of a text when all that was written so far stood at its beginning. Compares
/// without allocating.
struct Rest<'a>(&'a [u8]);

impl Write for Rest<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 = self.0.strip_prefix(text.as_bytes()).ok_or(fmt::Error)?;
        Ok(())
    }
}

/// Does traffic to this host stay on this machine (Secure Contexts, section 3.1)?
///
/// `0.0.0.0` may, but nothing says that it must. `::ffff:127.0.0.1` is not on the standard's list.
pub(super) fn is_local(host: &[u8]) -> bool {
    match kind(host) {
        Some(Kind::Name) => {
            let name = without_root(host);
            name == b"localhost" || name.ends_with(b".localhost")
        }
        Some(Kind::Ipv4(address)) => address.is_loopback(),
        Some(Kind::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_spelling() {
        for host in ["127.0.0.1", "0.0.0.0", "255.255.255.255"] {
            assert!(matches!(kind(host.as_bytes()), Some(Kind::Ipv4(_))), "{host}");
        }
        for host in
            ["[::]", "[::1]", "[1::]", "[2001:db8::1:0:0:1]", "[::ffff:102:304]", "[::102:304]"]
        {
            assert!(matches!(kind(host.as_bytes()), Some(Kind::Ipv6(_))), "{host}");
        }
        for host in [
            "127.1",
            "127.0.0.01",
            "127.0.0.1.",
            "256.0.0.1",
            "2130706433",
            "0x7f.1",
            "0x7f000001",
            "1.2.3.4.5",
            "a.1",
            "a.0x",
            "a.0xf",
            "[::1",
            "[0:0:0:0:0:0:0:1]",
            "[::0001]",
            "[::FFFF]",
            "[1::2:0:0:0:0]",
            "[::ffff:1.2.3.4]",
            "[::1.2.3.4]",
            "[fe80::1%1]",
            "[fe80::1%25eth0]",
            "[127.0.0.1]",
            "[ ::1]",
            "[::1]]",
        ] {
            assert_eq!(kind(host.as_bytes()), None, "{host}");
        }
    }

    #[test]
    fn only_what_must_stay_on_the_machine_is_local() {
        for host in
            ["localhost", "localhost.", "a.b.localhost", "127.0.0.1", "127.255.0.9", "[::1]"]
        {
            assert!(is_local(host.as_bytes()), "{host}");
        }
        for host in [
            "",
            "example.com",
            "localhost.example.com",
            "mylocalhost",
            "local",
            "0.0.0.0",
            "128.0.0.1",
            "[::]",
            "[::ffff:7f00:1]",
            "127.1",
            "10.0.0.1",
        ] {
            assert!(!is_local(host.as_bytes()), "{host}");
        }
    }
}
