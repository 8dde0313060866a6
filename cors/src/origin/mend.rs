//! What a text that is no pattern was probably meant to be.

use std::net::Ipv4Addr;

use super::OriginPattern;
use super::host::{self, Written};
use super::read::is_end;
use super::serialized::{self, MAX_LEN};

/// The text with all mended that can be, if it is a pattern then.
pub(super) fn mend(text: &str) -> Option<String> {
    if text.len() > MAX_LEN {
        return None;
    }
    let trimmed = text.trim_matches(|char: char| char.is_whitespace() || char.is_control());
    let (scheme, rest) = scheme(trimmed);
    let authority = rest.split(is_end).next()?;
    let authority = authority.rsplit('@').next()?;
    let (host, port) = split(authority)?;
    let scheme = match scheme {
        Some(scheme) => scheme,
        None => guess(&host, port)?.to_owned(),
    };
    let port = written(&scheme, port)?;
    let mended = format!("{scheme}://{host}{port}");
    (mended != text && is_good(&mended, text)).then_some(mended)
}

/// Nobody is told to allow all of `*.com` who wrote `.com`.
fn is_good(mended: &str, text: &str) -> bool {
    let pattern = OriginPattern::read(mended);
    pattern.is_ok_and(|pattern| text.contains("*.") || pattern.public_suffix().is_none())
}

/// The scheme of the page, if there is one. `https:example.com` has one, `localhost:3000` has not.
fn scheme(text: &str) -> (Option<String>, &str) {
    // A blob's origin is that of the page that made it.
    let text = strip_prefix(text, "blob:").unwrap_or(text);
    if let Some((scheme, rest)) = text.split_once("://") {
        return (Some(of_page(scheme)), rest);
    }
    for scheme in ["https", "http"] {
        let rest = strip_prefix(text, scheme).and_then(|rest| rest.strip_prefix(':'));
        if let Some(rest) = rest {
            return (Some(scheme.to_owned()), rest.trim_start_matches('/'));
        }
    }
    (None, text.trim_start_matches('/'))
}

fn of_page(scheme: &str) -> String {
    match scheme.to_ascii_lowercase().as_str() {
        "ws" => "http".to_owned(),
        "wss" | "*" => "https".to_owned(),
        scheme => scheme.to_owned(),
    }
}

/// Regardless of case.
fn strip_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

/// The scheme that was left out, where the rest looks like a host.
fn guess(host: &str, port: Option<&str>) -> Option<&'static str> {
    let base = host.strip_prefix("*.").unwrap_or(host);
    let is_local = host::is_local(base.as_bytes());
    match port {
        _ if is_local => Some("http"),
        _ if !host.contains(['.', ':']) => None,
        Some("80") => Some("http"),
        _ => Some("https"),
    }
}

/// A host that is mended, and the port.
fn split(authority: &str) -> Option<(String, Option<&str>)> {
    if let Some(address) = host::ipv6(authority.as_bytes()) {
        // `::1:8080` is an address, or one with a port.
        let before = authority.rsplit_once(':').map_or("", |(before, _)| before);
        let is_clear = host::ipv6(before.as_bytes()).is_none();
        return is_clear.then(|| (format!("[{}]", Written(address)), None));
    }
    let (text, port) = serialized::split_port(authority.as_bytes());
    let text = &authority[..text.len()];
    let host = match text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
        Some(address) => format!("[{}]", Written(host::ipv6(address.as_bytes())?)),
        None => name(text)?,
    };
    Some((host, port.map(|_| &authority[text.len() + 1..])))
}

/// `*example.com`, `.example.com` and `*.*.example.com` are all tries to say `*.example.com`.
fn name(text: &str) -> Option<String> {
    let base = text.trim_start_matches(['*', '.']);
    let wildcard = if base.len() < text.len() { "*." } else { "" };
    let base = ascii(base)?.to_ascii_lowercase();
    let base = match ipv4(&base) {
        Some(address) => address.to_string(),
        None => base,
    };
    Some(format!("{wildcard}{base}"))
}

fn ascii(host: &str) -> Option<String> {
    if host.is_ascii() {
        return Some(host.to_owned());
    }
    #[cfg(feature = "idna")]
    return idna::domain_to_ascii(host).ok();
    #[cfg(not(feature = "idna"))]
    None
}

/// URL, section 3.5: up to four numbers, decimal, octal or hexadecimal, the last of which fills
/// what is left of the address.
fn ipv4(host: &str) -> Option<Ipv4Addr> {
    let host = host.strip_suffix('.').unwrap_or(host);
    let parts = host.split('.').map(number).collect::<Option<Vec<_>>>()?;
    let (&last, first) = parts.split_last().filter(|(_, first)| first.len() < 4)?;
    let room = 8 * (4 - first.len());
    if first.iter().any(|&part| part > 255) || last >> room != 0 {
        return None;
    }
    let high = first.iter().zip([24, 16, 8]).fold(0, |bits, (&part, shift)| bits | part << shift);
    u32::try_from(high | last).ok().map(Ipv4Addr::from_bits)
}

fn number(text: &str) -> Option<u64> {
    let (digits, radix) = match text.as_bytes() {
        [b'0', b'x', ..] => (&text[2..], 16),
        [b'0', _, ..] => (&text[1..], 8),
        _ => (text, 10),
    };
    if digits.is_empty() && radix == 16 {
        return Some(0);
    }
    // `from_str_radix` would take a sign.
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_plain { u64::from_str_radix(digits, radix).ok() } else { None }
}

/// The port with its colon, or nothing where it is the scheme's own.
fn written(scheme: &str, port: Option<&str>) -> Option<String> {
    let digits = match port {
        None | Some("") => return Some(String::new()),
        Some("*") => return Some(":*".to_owned()),
        Some(digits) => digits.trim_start_matches('0'),
    };
    let port = serialized::port(digits.as_bytes())?;
    let is_default = serialized::is_default(scheme.as_bytes(), port);
    Some(if is_default { String::new() } else { format!(":{port}") })
}
