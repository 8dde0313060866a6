//! How deep a query's brackets stand within each other, found out before it is parsed.
//!
//! async-graphql-parser 7.2 counts the levels of selections once it has a tree of them. Until then it goes into each
//! bracket by itself: a value of 333 braces, in a body of 1 KB, fills the stack of a debug build, which ends the process.

/// No query that means something comes near it.
pub(crate) const MOST: usize = 64;

const QUOTES: &[u8] = b"\"\"\"";
const ESCAPED: &[u8] = b"\\\"\"\"";

/// At most so many brackets are open at once. What stands in strings and comments is no bracket.
pub(crate) fn depth(query: &str) -> usize {
    let (mut rest, mut open, mut most) = (query.as_bytes(), 0_usize, 0);
    while let Some((byte, after)) = rest.split_first() {
        rest = match byte {
            b'#' => skip_comment(after),
            b'"' => skip_string(rest),
            _ => after,
        };
        match byte {
            b'{' | b'[' | b'(' => open += 1,
            b'}' | b']' | b')' => open = open.saturating_sub(1),
            _ => {}
        }
        most = most.max(open);
    }
    most
}

fn skip_comment(rest: &[u8]) -> &[u8] {
    let end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
    &rest[end.unwrap_or(rest.len())..]
}

/// One that does not end is no string, and what follows its quote counts. Three quotes that begin nothing are an empty
/// string and a quote.
fn skip_string(rest: &[u8]) -> &[u8] {
    let block = rest.strip_prefix(QUOTES).and_then(skip_block);
    block.unwrap_or_else(|| skip_line(&rest[1..]))
}

fn skip_block(mut rest: &[u8]) -> Option<&[u8]> {
    loop {
        if let Some(after) = rest.strip_prefix(QUOTES) {
            return Some(after);
        }
        rest = rest.strip_prefix(ESCAPED).or_else(|| rest.get(1..))?;
    }
}

fn skip_line(rest: &[u8]) -> &[u8] {
    let mut escaped = false;
    for (at, byte) in rest.iter().enumerate() {
        match byte {
            b'\n' | b'\r' => break,
            b'"' if !escaped => return &rest[at + 1..],
            byte => escaped = *byte == b'\\' && !escaped,
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_within_each_other_are_counted() {
        for (query, expected) in [
            ("", 0),
            ("{a}", 1),
            ("{a{b}c{d}}", 2),
            ("query($a:[[Int]]){b(c:[{d:1}]){e}}", 4),
            ("}}}{a}", 1),
            (r#"{a(b:"{{{")}"#, 2),
            (r#"{a(b:"}}}", c:[{d:1}])}"#, 4),
            (r#"{a(b:"\"}}}", c:[{d:1}])}"#, 4),
            (r#"{a(b:"\\", c:[{d:1}])}"#, 4),
            (r#"{a(b:"", c:[{d:1}])}"#, 4),
            ("{a(b:\"\"\"}\"}\n}\"\"\", c:[{d:1}])}", 4),
            ("{a(b:\"\"\"}\\\"\"\"}\"\"\", c:[{d:1}])}", 4),
            ("{a # }}}\n(b:[1])}", 3),
            ("{a # }}}\r(b:[1])}", 3),
            // Of three quotes that begin no block, two are a string, and the third begins another.
            ("{a(b:[\"\"\"x\" [[[[\"y\"", 7),
            // No strings: the parser gets no further than the quote, and so what follows may as well count.
            ("{a(b:\"}\n[[[", 4),
            ("{a(b:\"\"\"}[[[", 4),
            ("{a(b:\"}[[[", 4),
        ] {
            assert_eq!(depth(query), expected, "{query}");
        }
    }
}
