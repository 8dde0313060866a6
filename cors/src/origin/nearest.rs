//! Which pattern an origin was probably meant to match. Bounded, since strangers choose the origin.

use super::OriginPattern;
use super::mend::mend;
use super::serialized::{MAX_LEN, Serialized};

/// How many patterns are looked at.
const LOOKED_AT: usize = 1_000;

/// Two slips of the keyboard, and no more.
const SLIPS: usize = 2;

/// Up to so many bytes between the first and the last slip are compared with care.
const BETWEEN: usize = 16;

pub(super) fn nearest<'a>(
    patterns: &'a [OriginPattern],
    origin: &[u8],
) -> Option<&'a OriginPattern> {
    if origin.len() > MAX_LEN {
        return None;
    }
    let patterns = &patterns[..patterns.len().min(LOOKED_AT)];
    if let Some(written) = Serialized::parse(origin) {
        return by_host(patterns, written).or_else(|| by_slip(patterns, written));
    }
    let mended = mend(str::from_utf8(origin).ok()?)?;
    let matching = patterns.iter().find(|pattern| pattern.matches(mended.as_bytes()));
    matching.or_else(|| by_host(patterns, Serialized::parse(mended.as_bytes())?))
}

/// The same host by another scheme or port; then the neighbours that are forgotten most often.
fn by_host<'a>(patterns: &'a [OriginPattern], origin: Serialized<'_>) -> Option<&'a OriginPattern> {
    let host = origin.host;
    let mut same = patterns.iter().filter(|pattern| pattern.has_host(host));
    let neighbour = || {
        patterns.iter().find(|pattern| {
            let base = pattern.base().as_bytes();
            let is_apex = pattern.has_subdomains() && base == host;
            let is_www = |long: &[u8], short| long.strip_prefix(b"www.") == Some(short);
            is_apex || !pattern.has_subdomains() && (is_www(host, base) || is_www(base, host))
        })
    };
    let same_scheme = |pattern: &&OriginPattern| pattern.scheme().as_bytes() == origin.scheme;
    let first = same.clone().find(same_scheme);
    first.or_else(|| same.next()).or_else(neighbour)
}

/// The host with the fewest slips, in a pattern that would match otherwise.
fn by_slip<'a>(patterns: &'a [OriginPattern], origin: Serialized<'_>) -> Option<&'a OriginPattern> {
    let host = str::from_utf8(origin.host).ok()?;
    let near = patterns.iter().filter_map(|pattern| {
        let fits =
            pattern.scheme().as_bytes() == origin.scheme && pattern.ports().allow(origin.port);
        let slips = fits.then(|| slips(pattern, host))??;
        Some((slips, pattern))
    });
    near.min_by_key(|&(slips, _)| slips).map(|(_, pattern)| pattern)
}

fn slips(pattern: &OriginPattern, host: &str) -> Option<usize> {
    let base = pattern.base();
    let host = if pattern.has_subdomains() { end(host, labels(base))? } else { host };
    // A slip in a short name makes it another name, and so does one in a number or an
    // address.
    let allowed = SLIPS.min(base.len().min(host.len()) / 8);
    if base.starts_with('[') || labels(host) != labels(base) || !digits(host).eq(digits(base)) {
        return None;
    }
    let (host, base) = middles(host, base);
    if host.len().max(base.len()) > BETWEEN {
        return None;
    }
    Some(strsim::osa_distance(host, base)).filter(|&slips| slips <= allowed)
}

fn labels(host: &str) -> usize {
    host.split('.').count()
}

fn digits(host: &str) -> impl Iterator<Item = u8> {
    host.bytes().filter(u8::is_ascii_digit)
}

/// The last labels of a host that has more.
fn end(host: &str, labels: usize) -> Option<&str> {
    let (dot, _) = host.rmatch_indices('.').nth(labels.checked_sub(1)?)?;
    Some(&host[dot + 1..])
}

/// Two hosts, which are ASCII, without what they begin and end with alike.
fn middles<'a>(a: &'a str, b: &'a str) -> (&'a str, &'a str) {
    let start = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    let (a, b) = (&a[start..], &b[start..]);
    let end = a.bytes().rev().zip(b.bytes().rev()).take_while(|(a, b)| a == b).count();
    (&a[..a.len() - end], &b[..b.len() - end])
}
