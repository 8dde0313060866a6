//! Reads a pattern, or tells why there is none.

use super::OriginErrorKind as Kind;
use super::serialized::{
    LONGEST, is_default, is_host, is_scheme, port_of, split_port, split_scheme,
};

/// Schemes of pages whose origin is `null` or another's, and of what is no page.
const WITHOUT_ORIGIN: [&[u8]; 10] = [
    b"about",
    b"blob",
    b"data",
    b"file",
    b"filesystem",
    b"ftp",
    b"javascript",
    b"view-source",
    b"ws",
    b"wss",
];

/// What a pattern says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Read<'a> {
    pub(super) scheme: &'a str,
    /// Without the wildcard.
    pub(super) host: &'a str,
    pub(super) below: bool,
    pub(super) port: Port,
}

/// Which ports a pattern allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Port {
    Any,
    /// The scheme's own, if there is none.
    Is(Option<u16>),
}

pub(super) fn read(text: &str) -> Result<Read<'_>, Kind> {
    whole(text)?;
    let (scheme, rest) = split_scheme(text.as_bytes()).ok_or(Kind::MissingScheme)?;
    check_scheme(scheme)?;
    check_end(rest)?;
    if rest.iter().any(u8::is_ascii_uppercase) {
        return Err(Kind::Uppercase);
    }
    let (host, port) = split_port(rest).ok_or(Kind::Host)?;
    let port = read_port(scheme, port)?;
    let (host, below) = match host.strip_prefix(b"*.") {
        Some(base) => (base, true),
        None => (host, false),
    };
    check_host(host, below)?;
    let (scheme, host) = (str_of(scheme)?, str_of(host)?);
    Ok(Read { scheme, host, below, port })
}

/// What can be seen without looking at the parts.
fn whole(text: &str) -> Result<(), Kind> {
    match text {
        "" => return Err(Kind::Empty),
        "null" => return Err(Kind::Null),
        "*" => return Err(Kind::Star),
        _ => {}
    }
    if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(Kind::Space);
    }
    if !text.is_ascii() {
        return Err(Kind::Unicode);
    }
    if text.len() > LONGEST + "*.".len() {
        return Err(Kind::TooLong);
    }
    Ok(())
}

fn check_scheme(scheme: &[u8]) -> Result<(), Kind> {
    let lower = scheme.to_ascii_lowercase();
    if !is_scheme(&lower) {
        return Err(Kind::Scheme);
    }
    if lower != scheme {
        return Err(Kind::Uppercase);
    }
    if WITHOUT_ORIGIN.contains(&scheme) { Err(Kind::SchemeWithoutOrigin) } else { Ok(()) }
}

/// Nothing comes after host and port, and nothing before them.
fn check_end(rest: &[u8]) -> Result<(), Kind> {
    let end = rest.iter().position(|byte| matches!(byte, b'/' | b'\\' | b'?' | b'#'));
    let end = end.unwrap_or(rest.len());
    if rest[..end].contains(&b'@') {
        return Err(Kind::UserInfo);
    }
    match &rest[end..] {
        [] => Ok(()),
        b"/" => Err(Kind::TrailingSlash),
        [b'?', ..] => Err(Kind::Query),
        [b'#', ..] => Err(Kind::Fragment),
        _ => Err(Kind::Path),
    }
}

fn read_port(scheme: &[u8], port: Option<&[u8]>) -> Result<Port, Kind> {
    match port {
        None => Ok(Port::Is(None)),
        Some(b"*") => Ok(Port::Any),
        // An IPv6 address without its brackets.
        Some(digits) if digits.contains(&b':') => Err(Kind::Host),
        Some(digits) => match port_of(digits) {
            Some(port) if is_default(scheme, port) => Err(Kind::DefaultPort),
            Some(port) => Ok(Port::Is(Some(port))),
            None => Err(Kind::Port),
        },
    }
}

fn check_host(host: &[u8], below: bool) -> Result<(), Kind> {
    if host.contains(&b'*') || (below && host.is_empty()) {
        return Err(Kind::Wildcard);
    }
    let is_address = looks_like_address(host);
    if below && is_address {
        return Err(Kind::WildcardAddress);
    }
    match is_host(host) {
        true => Ok(()),
        false if is_address => Err(Kind::Address),
        false => Err(Kind::Host),
    }
}

fn looks_like_address(host: &[u8]) -> bool {
    let last = host.rsplit(|byte| *byte == b'.').find(|label| !label.is_empty());
    host.first() == Some(&b'[')
        || last.is_some_and(|label| {
            label.first().is_some_and(u8::is_ascii_digit)
                && (label.iter().all(u8::is_ascii_digit) || label.starts_with(b"0x"))
        })
}

fn str_of(bytes: &[u8]) -> Result<&str, Kind> {
    std::str::from_utf8(bytes).map_err(|_| Kind::Unicode)
}
