//! What was probably meant by a text that is no origin.

use super::read::read;
use super::serialized::{LONGEST, is_default, port_of, written};

/// A text that can be read and differs from this one, with all that is wrong mended.
pub(super) fn mend(text: &str) -> Option<String> {
    if text.len() > 4 * LONGEST {
        return None;
    }
    let trimmed = text.trim();
    let (scheme, rest) = match trimmed.split_once("://") {
        Some((scheme, rest)) => (mended_scheme(scheme), rest),
        None => (likely_scheme(trimmed).to_owned(), trimmed.trim_start_matches('/')),
    };
    let rest = rest.split(['/', '\\', '?', '#']).next().unwrap_or_default();
    let rest = rest.rsplit('@').next().unwrap_or_default();
    let (host, port) = parts(rest);
    let host = mended_host(host)?;
    let port = mended_port(&scheme, port)?;
    let mended = format!("{scheme}://{host}{port}");
    (mended != text && read(&mended).is_ok()).then_some(mended)
}

fn mended_scheme(scheme: &str) -> String {
    match scheme.to_ascii_lowercase().as_str() {
        "ws" => "http".to_owned(),
        "wss" => "https".to_owned(),
        other => other.to_owned(),
    }
}

/// Of a text that has none. Only what looks like a host gets one.
fn likely_scheme(text: &str) -> &'static str {
    if text.starts_with("localhost") || text.starts_with("127.") || text.starts_with("[::1]") {
        "http"
    } else if text.contains('.') {
        "https"
    } else {
        ""
    }
}

/// Host and port. Colons within brackets, or of which there are several, belong to the host.
fn parts(rest: &str) -> (&str, Option<&str>) {
    if let Some(end) = rest.rfind(']') {
        let (host, port) = rest.split_at(end + 1);
        return (host, port.strip_prefix(':'));
    }
    match rest.split_once(':') {
        Some((host, port)) if !port.contains(':') => (host, Some(port)),
        _ => (rest, None),
    }
}

fn mended_host(host: &str) -> Option<String> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = bare.parse() {
        return Some(format!("[{}]", std::str::from_utf8(written(address).as_bytes()).ok()?));
    }
    if host.is_ascii() { Some(host.to_ascii_lowercase()) } else { ascii(host) }
}

/// The ASCII form of an international name (UTS 46), of which a `*` is no part.
#[cfg(feature = "idna")]
fn ascii(host: &str) -> Option<String> {
    match host.strip_prefix("*.") {
        Some(base) => idna::domain_to_ascii(base).ok().map(|base| format!("*.{base}")),
        None => idna::domain_to_ascii(host).ok(),
    }
}

#[cfg(not(feature = "idna"))]
fn ascii(_: &str) -> Option<String> {
    None
}

/// With its colon, if there is any need of it.
fn mended_port(scheme: &str, port: Option<&str>) -> Option<String> {
    let Some(port) = port.filter(|port| !port.is_empty()) else { return Some(String::new()) };
    if port == "*" {
        return Some(":*".to_owned());
    }
    let digits = port.trim_start_matches('0');
    let number = port_of(digits.as_bytes())?;
    let own = is_default(scheme.as_bytes(), number);
    Some(if own { String::new() } else { format!(":{number}") })
}
