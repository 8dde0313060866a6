//! `Forwarded` (RFC 7239): elements with commas between them, of pairs with semicolons between them.

use std::iter;
use std::net::IpAddr;

use super::node;

/// Room for an address in brackets, and for a port of any use.
const LONGEST: usize = 128;

/// The addresses of a line from the right, `None` for an element that has none.
pub(crate) fn read(line: &[u8]) -> impl Iterator<Item = Option<IpAddr>> {
    let mut rest = Some(line);
    iter::from_fn(move || {
        let (before, element) = split_last(rest?);
        rest = before;
        Some(address(element))
    })
}

/// The last element, and what stands before its comma.
///
/// Quotes are matched from the right as well. Read from the left, one quote that a client sends
/// would turn all that proxies add behind it inside out. From the right, what a proxy writes is
/// read before anything that stands left of it.
fn split_last(line: &[u8]) -> (Option<&[u8]>, &[u8]) {
    let mut is_quoted = false;
    for at in (0..line.len()).rev() {
        match line[at] {
            b'"' if !is_quoted => is_quoted = true,
            // The quote that opens a string stands behind `=`, and an escaped one behind `\`.
            b'"' => is_quoted = line[..at].ends_with(b"\\"),
            b',' if !is_quoted => return (Some(&line[..at]), &line[at + 1..]),
            _ => {}
        }
    }
    (None, line)
}

/// The address after `for`. An element that says it twice, or that is not well formed, says nothing.
fn address(element: &[u8]) -> Option<IpAddr> {
    let mut found = None;
    let mut rest = skip_separators(element);
    while !rest.is_empty() {
        let (name, value, after) = pair(rest)?;
        if name.eq_ignore_ascii_case(b"for") && found.replace(value).is_some() {
            return None;
        }
        rest = after;
    }
    node(found?)
}

/// A name, its value with the escapes that it has, and what follows the semicolon.
fn pair(text: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let equals = text.iter().position(|&byte| byte == b'=')?;
    let (name, rest) = (&text[..equals], &text[equals + 1..]);
    let (value, after) = match rest.strip_prefix(b"\"") {
        Some(rest) => quoted(rest)?,
        None => bare(rest)?,
    };
    let after = after.trim_ascii_start();
    let is_whole = matches!(after.first(), None | Some(b';'));
    (is_whole && is_token(name)).then(|| (name, value, skip_separators(after)))
}

/// The grammar lets pairs be empty, and many writers put a space behind the semicolon.
fn skip_separators(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|byte| !b"; \t".contains(byte));
    &text[end.unwrap_or(text.len())..]
}

fn quoted(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut is_escaped = false;
    for (at, &byte) in text.iter().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return Some((&text[..at], &text[at + 1..])),
            _ => {}
        }
    }
    None
}

/// Strictly a token, which has no colons and brackets. Many writers do not quote them, and nothing
/// else can be meant.
fn bare(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = text.iter().position(|byte| b"; \t".contains(byte)).unwrap_or(text.len());
    let (value, after) = text.split_at(end);
    (!value.iter().any(|byte| b"\"\\".contains(byte))).then_some((value, after))
}

/// RFC 9110, section 5.6.2.
fn is_token(text: &[u8]) -> bool {
    let is_special = |byte| b"!#$%&'*+-.^_`|~".contains(byte);
    !text.is_empty() && text.iter().all(|byte| byte.is_ascii_alphanumeric() || is_special(byte))
}

/// A value as an address, with its escapes undone.
fn node(value: &[u8]) -> Option<IpAddr> {
    if !value.contains(&b'\\') {
        return node::address(value, is_port);
    }
    let mut plain = [0; LONGEST];
    let mut len = 0;
    let mut bytes = value.iter();
    while let Some(mut byte) = bytes.next() {
        if *byte == b'\\' {
            byte = bytes.next()?;
        }
        *plain.get_mut(len)? = *byte;
        len += 1;
    }
    node::address(&plain[..len], is_port)
}

/// Section 6: a number, or an obfuscated name that begins with an underscore.
fn is_port(port: &[u8]) -> bool {
    let is_in_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
    match port.strip_prefix(b"_") {
        Some(name) => !name.is_empty() && name.iter().all(is_in_name),
        None => node::is_port(port),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(line: &str) -> Vec<String> {
        let addresses = read(line.as_bytes());
        addresses.map(|one| one.map_or("-".to_owned(), |address| address.to_string())).collect()
    }

    #[test]
    fn the_examples_of_rfc_7239() {
        for (line, expected) in [
            (r#"for="_gazonk""#, &["-"][..]),
            (r#"For="[2001:db8:cafe::17]:4711""#, &["2001:db8:cafe::17"]),
            ("for=192.0.2.60;proto=http;by=203.0.113.43", &["192.0.2.60"]),
            ("for=192.0.2.43, for=198.51.100.17", &["198.51.100.17", "192.0.2.43"]),
            (r#"for=192.0.2.43, for="[2001:db8:cafe::17]""#, &["2001:db8:cafe::17", "192.0.2.43"]),
            (
                r#"for=192.0.2.43,for="[2001:db8:cafe::17]",for=unknown"#,
                &["-", "2001:db8:cafe::17", "192.0.2.43"],
            ),
            ("for=_hidden, for=_SEVKISEK", &["-", "-"]),
            ("proto=https;by=203.0.113.43", &["-"]),
        ] {
            assert_eq!(all(line), expected, "{line}");
        }
    }

    #[test]
    fn quotes_hide_commas_and_semicolons() {
        for line in [
            r#"for=192.0.2.1;host="a,b;for=6.6.6.6""#,
            r#"host="a\",for=6.6.6.6";for=192.0.2.1"#,
            r#"host="a\\";for="192.0.2.1:80""#,
            r#"host="";for="192\.0.2.\1:_p-1.x""#,
        ] {
            assert_eq!(all(line), ["192.0.2.1"], "{line}");
            assert_eq!(all(&format!("for=192.0.2.2, {line}")), ["192.0.2.1", "192.0.2.2"]);
        }
    }

    #[test]
    fn writers_are_not_always_strict() {
        for line in [
            "for=192.0.2.1:80",
            "for=192.0.2.1; proto=https",
            " ;for=192.0.2.1 ; ;proto=https;",
            "FOR=192.0.2.1;by=",
            "for=[::ffff:192.0.2.1]:80",
            "for=::ffff:192.0.2.1",
        ] {
            assert_eq!(all(line), ["192.0.2.1"], "{line}");
        }
    }

    #[test]
    fn what_is_not_well_formed_says_nothing() {
        for line in [
            "",
            ";",
            "for",
            "for=",
            "=192.0.2.1",
            "192.0.2.1",
            "for=192.0.2.1;for=192.0.2.1",
            "for=192.0.2.1;For=192.0.2.2",
            "for=192.0.2.1;proto",
            "for=192.0.2.1 proto=https",
            "for =192.0.2.1",
            "for= 192.0.2.1",
            r#"for=192.0.2.1;host="open"#,
            r#"for="192.0.2.1"#,
            r#"for="192.0.2.1"x"#,
            r#"for=192.0.2.1""#,
            r#"for="192.0.2.1\""#,
            r"for=192\.0.2.1",
            r#"for="192.0.2.1:_""#,
            r#"for="192.0.2.1:_a b""#,
            r#"for="192.0.2.1:http""#,
            r#"for=" 192.0.2.1""#,
        ] {
            assert_eq!(all(line), ["-"], "{line}");
        }
    }

    #[test]
    fn an_escaped_value_of_any_length_is_survived() {
        let line = format!(r#"for="\1{}""#, "\\1".repeat(9_999));
        assert_eq!(all(&line), ["-"]);
    }
}
