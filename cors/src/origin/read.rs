//! A pattern, from left to right, up to the first thing that is wrong with it.

use std::ops::Range;

use super::OriginErrorKind as Wrong;
use super::host::{self, Kind};
use super::serialized::{self, MAX_LEN};

/// What a pattern says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Parts {
    /// Where the scheme ends.
    pub(super) scheme: usize,
    /// Where the host ends. It begins behind `://`, and behind the wildcard if there is one.
    pub(super) host: usize,
    pub(super) subdomains: bool,
    pub(super) ports: Ports,
}

/// The ports that a pattern allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Ports {
    /// This one, or the scheme's own.
    One(Option<u16>),
    Any,
}

impl Ports {
    pub(super) fn allow(self, port: Option<u16>) -> bool {
        match self {
            Self::One(one) => one == port,
            Self::Any => true,
        }
    }
}

impl Parts {
    pub(super) const fn host(&self) -> Range<usize> {
        let wildcard = if self.subdomains { "*.".len() } else { 0 };
        self.scheme + "://".len() + wildcard..self.host
    }
}

/// Schemes of documents that send `null`, or the origin of who made them.
const OPAQUE: [&str; 5] = ["about", "blob", "data", "file", "javascript"];

/// The parts of a pattern.
pub(super) fn read(text: &str) -> Result<Parts, Wrong> {
    whole(text)?;
    let (scheme, rest) = scheme(text)?;
    let authority = rest.split(is_end).next().unwrap_or_default();
    if authority.contains('@') {
        return Err(Wrong::UserInfo);
    }
    let (host, digits) = split(authority)?;
    let subdomains = hosts(host)?;
    let ports = ports(scheme, digits)?;
    tail(&rest[authority.len()..])?;
    let scheme = scheme.len();
    Ok(Parts { scheme, host: scheme + "://".len() + host.len(), subdomains, ports })
}

fn whole(text: &str) -> Result<(), Wrong> {
    match text {
        "" => Err(Wrong::Empty),
        "null" => Err(Wrong::Null),
        "*" => Err(Wrong::Any),
        _ if text.len() > MAX_LEN => Err(Wrong::TooLong),
        _ if is_list(text) => Err(Wrong::List),
        _ if text.contains(char::is_whitespace) => Err(Wrong::WhiteSpace),
        _ if text.contains(char::is_control) => Err(Wrong::Control),
        _ => Ok(()),
    }
}

/// What a variable of the environment often holds.
fn is_list(text: &str) -> bool {
    let is_between = |char: char| char.is_whitespace() || matches!(char, ',' | ';');
    text.split(is_between).filter(|origin| origin.contains("://")).count() > 1
}

fn scheme(text: &str) -> Result<(&str, &str), Wrong> {
    let (scheme, rest) = text.split_once(':').ok_or(Wrong::NoScheme)?;
    if OPAQUE.iter().any(|opaque| scheme.eq_ignore_ascii_case(opaque)) {
        return Err(Wrong::OpaqueScheme);
    }
    let rest = rest.strip_prefix("//").ok_or(Wrong::NoScheme)?;
    match scheme {
        "*" => Err(Wrong::AnyScheme),
        "ws" | "wss" => Err(Wrong::WebSocket),
        _ if serialized::is_scheme(scheme.as_bytes()) => Ok((scheme, rest)),
        _ if serialized::is_scheme(scheme.to_ascii_lowercase().as_bytes()) => Err(Wrong::UpperCase),
        _ => Err(Wrong::Scheme),
    }
}

/// What ends the host and its port. Browsers take a backslash for a slash.
pub(super) const fn is_end(char: char) -> bool {
    matches!(char, '/' | '\\' | '?' | '#')
}

fn split(authority: &str) -> Result<(&str, Option<&str>), Wrong> {
    if host::ipv6(authority.as_bytes()).is_some() {
        return Err(Wrong::Ipv6);
    }
    let (host, digits) = serialized::split_port(authority.as_bytes());
    Ok((&authority[..host.len()], digits.map(|_| &authority[host.len() + 1..])))
}

/// Whether these are all hosts under one, or one.
fn hosts(text: &str) -> Result<bool, Wrong> {
    let base = text.strip_prefix("*.");
    wildcards(text, base)?;
    let host = base.unwrap_or(text);
    match host::kind(host.as_bytes()) {
        // The shortest host under it must be short enough, and has the length of the pattern.
        Some(Kind::Name) if host::without_root(text.as_bytes()).len() <= host::MAX_LEN => {
            Ok(base.is_some())
        }
        Some(Kind::Name) => Err(Wrong::HostTooLong),
        Some(_) if base.is_some() => Err(Wrong::WildcardAddress),
        None if base.is_some() && host.starts_with('[') => Err(Wrong::WildcardAddress),
        Some(_) => Ok(false),
        None => Err(no_host(host)),
    }
}

fn wildcards(text: &str, base: Option<&str>) -> Result<(), Wrong> {
    let is_part = |label: &str| label != "*" && label.contains('*');
    match text.matches('*').count() {
        0 => Ok(()),
        _ if text == "*" || text == "*." => Err(Wrong::AnyHost),
        1 if base.is_some() => Ok(()),
        1 if text.split('.').any(is_part) => Err(Wrong::PartOfLabel),
        1 => Err(Wrong::InnerWildcard),
        _ => Err(Wrong::ManyWildcards),
    }
}

fn no_host(host: &str) -> Wrong {
    let lower = host.to_ascii_lowercase();
    match host {
        "" => Wrong::NoHost,
        _ if host.starts_with('[') => Wrong::Ipv6,
        _ if !host.is_ascii() => Wrong::NotAscii,
        _ if lower != host && host::kind(lower.as_bytes()).is_some() => Wrong::UpperCase,
        _ if host::ends_in_a_number(host.as_bytes()) => Wrong::Ipv4,
        _ if host::without_root(host.as_bytes()).len() > host::MAX_LEN => Wrong::HostTooLong,
        _ if host.split('.').rev().skip(1).any(str::is_empty) => Wrong::EmptyLabel,
        _ => Wrong::Host,
    }
}

fn ports(scheme: &str, digits: Option<&str>) -> Result<Ports, Wrong> {
    let digits = match digits {
        None => return Ok(Ports::One(None)),
        Some("*") => return Ok(Ports::Any),
        Some(digits) => digits,
    };
    match serialized::port(digits.as_bytes()) {
        Some(port) if serialized::is_default(scheme.as_bytes(), port) => Err(Wrong::DefaultPort),
        Some(port) => Ok(Ports::One(Some(port))),
        None => Err(no_port(digits)),
    }
}

fn no_port(digits: &str) -> Wrong {
    match digits.strip_prefix('0') {
        _ if digits.is_empty() => Wrong::NoPort,
        Some(rest) if serialized::port(rest.trim_start_matches('0').as_bytes()).is_some() => {
            Wrong::LeadingZero
        }
        _ => Wrong::Port,
    }
}

fn tail(tail: &str) -> Result<(), Wrong> {
    match tail.as_bytes() {
        [] => Ok(()),
        b"/" => Err(Wrong::TrailingSlash),
        [b'?', ..] => Err(Wrong::Query),
        [b'#', ..] => Err(Wrong::Fragment),
        _ => Err(Wrong::Path),
    }
}
