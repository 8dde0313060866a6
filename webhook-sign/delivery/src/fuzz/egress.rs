use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::Uri;
use ipnet::IpNet;

use crate::egress::EgressGuard;

/// What nobody on the internet has, as the registries of IANA list it: RFC 6890 and what came later. Written down again,
/// in another form than the guard's.
const NOT_PUBLIC: [&str; 23] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "168.63.129.16/32",
    "::/3",
    "4000::/2",
    "8000::/1",
    "2001::/23",
    "2001:db8::/32",
    "2002::/16",
    "3fff::/20",
];

fn is_public(address: IpAddr) -> bool {
    // A mapped address is connected to as the one that it maps.
    let address = address.to_canonical();
    let net = |net: &str| net.parse::<IpNet>().expect("a network");
    !NOT_PUBLIC.iter().any(|not_public| net(not_public).contains(&address))
}

/// What the C library makes of a host without asking anybody: `127.1`, `0x7f000001`, `0177.0.0.1` and the like.
fn by_the_c_library(host: &str) -> Option<Ipv4Addr> {
    let parts: Vec<_> = host.split('.').map(number).collect::<Option<_>>()?;
    let (last, first) = parts.split_last()?;
    let room = 4_u32.checked_sub(u32::try_from(first.len()).ok()?).filter(|room| *room > 0)?;
    if first.iter().any(|part| *part > 0xff) || last.checked_shr(8 * room).unwrap_or(0) != 0 {
        return None;
    }
    let high = [24, 16, 8].into_iter().zip(first);
    let address = high.fold(*last, |address, (shift, part)| address | (part << shift));
    Some(Ipv4Addr::from(u32::try_from(address).ok()?))
}

fn number(text: &str) -> Option<u64> {
    let lower = text.to_ascii_lowercase();
    let (digits, radix) = match lower.strip_prefix("0x") {
        Some(digits) => (digits, 16),
        None if lower.len() > 1 && lower.starts_with('0') => (&lower[1..], 8),
        None => (&*lower, 10),
    };
    let is_number = digits.chars().all(|digit| digit.is_digit(radix));
    is_number.then(|| u64::from_str_radix(digits, radix).ok())?
}

/// The address that a URL leads to without a look-up, whoever reads it.
fn leads_to(url: &Uri) -> Option<IpAddr> {
    let host = url.host()?;
    let host = host.strip_suffix('.').unwrap_or(host);
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let unzoned = bare.split('%').next().unwrap_or(bare);
    let v6 = || unzoned.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    v6().or_else(|| by_the_c_library(host).map(IpAddr::V4))
}

/// Would anything be sent there? As the connector asks: the URL, and then the address that it is connected to.
fn passes(guard: &EgressGuard, url: &Uri) -> bool {
    let port = url.port_u16().unwrap_or(443);
    guard.check_url(url).is_ok()
        && url
            .scheme()
            .zip(leads_to(url))
            .is_none_or(|(scheme, address)| guard.check(scheme, address, port).is_ok())
}

/// Reads bytes as the URL of an endpoint. Says whether it would be registered.
///
/// # Panics
///
/// When something is sent to an address that is nobody's on the internet, however it is written; to one that was denied;
/// to a port or by a scheme that was not allowed; or with a password.
pub fn endpoint_url(bytes: &[u8]) -> bool {
    let Ok(url) = Uri::try_from(bytes) else {
        return false;
    };
    let guard = EgressGuard::new();
    let accepted = guard.check_url(&url).is_ok();
    if accepted {
        assert_eq!(url.scheme_str(), Some("https"), "{url}");
        assert!(matches!(url.port_u16(), None | Some(443 | 8443)), "{url}");
        assert!(!url.authority().is_some_and(|all| all.as_str().contains('@')), "{url}");
        let again = url.to_string().parse::<Uri>().expect("it is written as it reads");
        assert!(guard.check_url(&again).is_ok(), "{url}");
    }
    if passes(&guard, &url)
        && let Some(address) = leads_to(&url)
    {
        assert!(is_public(address), "{url} leads to {address}");
    }
    with_exceptions(&url);
    accepted
}

/// The same with exceptions of each kind: they are no others than those that were named.
fn with_exceptions(url: &Uri) {
    let Some(address) = leads_to(url).map(|address| address.to_canonical()) else { return };
    let guard = EgressGuard::builder().danger_allow_http().danger_allow_any_port();
    let guard = guard.danger_allow_loopback().allow("10.20.0.0/16").allow("64:ff9b::/96");
    let guard = guard.deny("10.20.30.0/24").deny("8.8.8.0/24").build().expect("networks");
    if !passes(&guard, url) {
        return;
    }
    let behind = match address {
        // NAT64: it is sent to the address in the last 32 bits.
        IpAddr::V6(v6) if v6.segments()[..6] == [0x64, 0xff9b, 0, 0, 0, 0] => {
            IpAddr::V4(Ipv4Addr::from(v6.to_bits() as u32))
        }
        address => address,
    };
    let within = |net: &str| net.parse::<IpNet>().expect("a network").contains(&behind);
    assert!(!within("10.20.30.0/24") && !within("8.8.8.0/24"), "{url} was denied");
    let is_named = within("10.20.0.0/16") || (address.is_loopback() && behind == address);
    assert!(is_public(behind) || is_named, "{url} leads to {behind}");
}

/// Reads 16 bytes as an address of IPv6, and the first four as one of IPv4, and writes them in every way that is known.
/// Says whether one of them would be registered.
///
/// # Panics
///
/// As [`endpoint_url`] does; and when one spelling passes where another does not.
pub fn address(bytes: &[u8]) -> bool {
    let Some(bytes) = bytes.first_chunk::<16>() else {
        return false;
    };
    let v6 = Ipv6Addr::from(*bytes);
    let [a, b, c, d, ..] = *bytes;
    let v4 = Ipv4Addr::new(a, b, c, d);
    let number = u32::from(v4);
    let (high, low) = (number >> 16, number & 0xffff);
    let spelled = [
        format!("{v4}"),
        format!("{v4}."),
        format!("{number}"),
        format!("{number:#x}"),
        format!("0{number:o}"),
        format!("{a}.{}", number & 0xff_ffff),
        format!("{a:#x}.{b}.{low:#x}"),
        format!("0{a:o}.0{b:o}.0{c:o}.0{d:o}"),
        format!("[::ffff:{v4}]"),
        format!("[0:0:0:0:0:FFFF:{high:X}:{low:x}]"),
    ];
    let clothed = [
        format!("[::{v4}]"),
        format!("[::ffff:0:{v4}]"),
        format!("[64:ff9b::{v4}]"),
        format!("[64:ff9b:1::{high:x}:{low:x}]"),
        format!("[2002:{high:x}:{low:x}::1]"),
        format!("[2001:0:{high:x}:{low:x}::]"),
    ];
    let guard = EgressGuard::new();
    let passes = |host: &str| {
        let url = format!("https://{host}/");
        endpoint_url(url.as_bytes());
        url.parse().is_ok_and(|url| passes(&guard, &url))
    };
    for host in &spelled {
        // A name that ends in a dot is the same name.
        assert_eq!(passes(host), is_public(v4.into()), "{host}");
    }
    for host in &clothed {
        assert!(!passes(host), "{host}");
    }
    let host = format!("[{v6}]");
    assert_eq!(passes(&host), is_public(v6.into()), "{host}");
    is_public(v4.into()) || is_public(v6.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_the_c_library_reads_them() {
        for (host, address) in [
            ("127.0.0.1", Some([127, 0, 0, 1])),
            ("127.1", Some([127, 0, 0, 1])),
            ("127.0.1", Some([127, 0, 0, 1])),
            ("1.2.772", Some([1, 2, 3, 4])),
            ("2130706433", Some([127, 0, 0, 1])),
            ("0x7F000001", Some([127, 0, 0, 1])),
            ("0177.0.0.1", Some([127, 0, 0, 1])),
            ("0", Some([0, 0, 0, 0])),
            ("4294967295", Some([255, 255, 255, 255])),
            ("4294967296", None),
            ("256.0.0.1", None),
            ("1.2.3.256", None),
            ("1.2.3.4.5", None),
            ("08.0.0.1", None),
            ("1..2", None),
            ("", None),
            ("localhost", None),
        ] {
            assert_eq!(by_the_c_library(host), address.map(Ipv4Addr::from), "{host}");
        }
    }
}
