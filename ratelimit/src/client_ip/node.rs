use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// An address as proxies write it: with a port or without, IPv6 in brackets or without.
///
/// A bare IPv6 address has no port, since nothing would tell its last group from one.
pub(super) fn address(text: &[u8], is_port: impl Fn(&[u8]) -> bool) -> Option<IpAddr> {
    let (address, port) = match text.strip_prefix(b"[") {
        Some(rest) => bracketed(rest)?,
        None => bare(text)?,
    };
    port.is_none_or(is_port).then(|| address.to_canonical())
}

type WithPort<'a> = (IpAddr, Option<&'a [u8]>);

fn bracketed(text: &[u8]) -> Option<WithPort<'_>> {
    let end = text.iter().position(|&byte| byte == b']')?;
    let address = parse::<Ipv6Addr>(&text[..end])?.into();
    match &text[end + 1..] {
        [] => Some((address, None)),
        [b':', port @ ..] => Some((address, Some(port))),
        _ => None,
    }
}

fn bare(text: &[u8]) -> Option<WithPort<'_>> {
    if let Some(address) = parse::<IpAddr>(text) {
        return Some((address, None));
    }
    let colon = text.iter().position(|&byte| byte == b':')?;
    let address = parse::<Ipv4Addr>(&text[..colon])?.into();
    Some((address, Some(&text[colon + 1..])))
}

fn parse<T: FromStr>(text: &[u8]) -> Option<T> {
    str::from_utf8(text).ok()?.parse().ok()
}

/// Up to five digits, and a number that a port can have.
pub(super) fn is_port(port: &[u8]) -> bool {
    port.len() <= 5 && port.iter().all(u8::is_ascii_digit) && parse::<u16>(port).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        address(text.as_bytes(), is_port).map(|address| address.to_string())
    }

    #[test]
    fn addresses_have_many_spellings() {
        for (text, expected) in [
            ("192.0.2.43", "192.0.2.43"),
            ("192.0.2.43:0", "192.0.2.43"),
            ("192.0.2.43:65535", "192.0.2.43"),
            ("2001:db8::17", "2001:db8::17"),
            ("2001:DB8:0:0:0:0:0:17", "2001:db8::17"),
            ("[2001:db8::17]", "2001:db8::17"),
            ("[2001:db8::17]:4711", "2001:db8::17"),
            ("::ffff:192.0.2.43", "192.0.2.43"),
            ("[::ffff:c000:22b]:80", "192.0.2.43"),
            ("0:0:0:0:0:FFFF:192.0.2.43", "192.0.2.43"),
            ("::192.0.2.43", "::c000:22b"),
        ] {
            assert_eq!(read(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_none() {
        for text in [
            "",
            "unknown",
            "_hidden",
            "localhost",
            "192.0.2",
            "192.0.2.256",
            "192.0.2.043",
            "192.0.2.43:",
            "192.0.2.43:+80",
            "192.0.2.43:65536",
            "192.0.2.43:000080",
            "192.0.2.43:_port",
            "192.0.2.43:80:80",
            "192.0.2.43/32",
            "[192.0.2.43]",
            "[2001:db8::17",
            "[2001:db8::17]4711",
            "[2001:db8::17]:",
            "[]",
            "[",
            "fe80::1%eth0",
            "[fe80::1%1]:80",
            "2001:db8::17]",
            "\"192.0.2.43\"",
            " 192.0.2.43",
            "١٩٢.0.2.43",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(address(b"192.0.2.43\xff", is_port), None);
    }
}
