//! Takes an object or an array apart, one level deep.
//!
//! The text is known to be JSON, so that nothing is checked again: that would cost as much as to read it anew
//! for each level. Of a text that is none something is missing, and nothing panics.

/// Calls `found` with the name, in its quotes, and the value of each member.
pub(super) fn object<'t>(text: &'t str, mut found: impl FnMut((&'t str, &'t str))) -> Option<()> {
    let mut at = skip_space(text, 1);
    while *text.as_bytes().get(at)? != b'}' {
        let name = name(text, at)?;
        let colon = skip_space(text, at + name.len());
        let start = skip_space(text, colon + 1);
        let member = value(text, start)?;
        found((name, member));
        at = skip_comma(text, start + member.len());
    }
    Some(())
}

/// Calls `found` with each item.
pub(super) fn array<'t>(text: &'t str, mut found: impl FnMut(&'t str)) -> Option<()> {
    let mut at = skip_space(text, 1);
    while *text.as_bytes().get(at)? != b']' {
        let item = value(text, at)?;
        found(item);
        at = skip_comma(text, at + item.len());
    }
    Some(())
}

fn skip_space(text: &str, from: usize) -> usize {
    let rest = text.as_bytes().get(from..).unwrap_or_default();
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\n' | b'\r' | b'\t');
    from + rest.iter().take_while(|byte| is_space(byte)).count()
}

fn skip_comma(text: &str, from: usize) -> usize {
    let at = skip_space(text, from);
    match text.as_bytes().get(at) {
        Some(b',') => skip_space(text, at + 1),
        _ => at,
    }
}

/// The string that begins here, in its quotes.
fn name(text: &str, from: usize) -> Option<&str> {
    let bytes = text.as_bytes();
    if *bytes.get(from)? != b'"' {
        return None;
    }
    text.get(from..string_end(bytes, from)?)
}

/// The value that begins here. Never empty.
fn value(text: &str, from: usize) -> Option<&str> {
    let bytes = text.as_bytes();
    let end = match bytes.get(from)? {
        b'"' => string_end(bytes, from)?,
        b'{' | b'[' => nested_end(bytes, from)?,
        _ => scalar_end(bytes, from),
    };
    text.get(from..end).filter(|value| !value.is_empty())
}

fn string_end(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from + 1;
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            // Whatever is behind it is part of the string.
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

fn nested_end(bytes: &[u8], from: usize) -> Option<usize> {
    let (mut at, mut depth) = (from, 0_usize);
    loop {
        match bytes.get(at)? {
            b'"' => {
                at = string_end(bytes, at)?;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth == 1 => return Some(at + 1),
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        at += 1;
    }
}

/// Numbers, `true`, `false` and `null` end where something else begins.
fn scalar_end(bytes: &[u8], from: usize) -> usize {
    let ends = |byte: &u8| matches!(byte, b',' | b'}' | b']' | b':' | b' ' | b'\n' | b'\r' | b'\t');
    let rest = &bytes[from..];
    from + rest.iter().position(ends).unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(text: &str) -> Option<Vec<(&str, &str)>> {
        let mut all = Vec::new();
        object(text, |pair| all.push(pair)).map(|()| all)
    }

    fn items(text: &str) -> Option<Vec<&str>> {
        let mut all = Vec::new();
        array(text, |item| all.push(item)).map(|()| all)
    }

    #[test]
    fn a_level_is_taken_apart_and_what_is_below_is_left_whole() {
        assert_eq!(members("{}"), Some(vec![]));
        assert_eq!(members("{ }"), Some(vec![]));
        assert_eq!(
            members(" {\n\"a\" : 1 , \"b\\\"}\":[{\"]\":\"\\\\\"},\"}\"],\t\"\":\"é,\" } ".trim()),
            Some(vec![
                ("\"a\"", "1"),
                ("\"b\\\"}\"", "[{\"]\":\"\\\\\"},\"}\"]"),
                ("\"\"", "\"é,\"")
            ])
        );
        assert_eq!(items("[]"), Some(vec![]));
        assert_eq!(
            items("[ -1.5e3,true ,null,\"]\",[[1],{}] ]"),
            Some(vec!["-1.5e3", "true", "null", "\"]\"", "[[1],{}]"])
        );
    }

    #[test]
    fn of_what_is_no_json_something_is_missing_and_nothing_panics() {
        for text in [
            "{", "{\"a", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\\", "{:}", "{1:2}", "{é", "{,",
            "{]",
        ] {
            assert_eq!(members(text), None, "{text}");
        }
        for text in ["[", "[1", "[\"", "[[", "[[}", "[\"\\", "[,"] {
            assert_eq!(items(text), None, "{text}");
        }
    }
}
