//! Looks at what is selected: how many placeholders it has. What stands in quotes and comments is none.

use super::{Dialect, SeekErrorKind};

/// How many values the statement has placeholders for.
pub(super) fn count(dialect: Dialect, sql: &str) -> Result<usize, SeekErrorKind> {
    let mut bytes = sql.bytes().enumerate();
    let mut most = 0;
    while let Some((at, byte)) = bytes.next() {
        let rest = &sql.as_bytes()[at..];
        let skipped = match byte {
            b'\'' | b'"' | b'`' => quoted(dialect, rest, byte),
            b'[' if dialect == Dialect::Sqlite => quoted(dialect, rest, b']'),
            b'-' if is_line_comment(dialect, rest) => until(rest, b"\n"),
            b'#' if dialect == Dialect::MySql => until(rest, b"\n"),
            b'/' if rest.starts_with(b"/*") => until(rest, b"*/"),
            b';' if !rest
                .iter()
                .all(|byte| matches!(byte, b';' | b' ' | b'\t' | b'\r' | b'\n')) =>
            {
                return Err(SeekErrorKind::ManyStatements);
            }
            b'?' if dialect == Dialect::MySql => {
                most += 1;
                1
            }
            b'?' if dialect == Dialect::Sqlite => {
                most = most.max(number(&rest[1..]).ok_or(SeekErrorKind::Unnumbered)?);
                1
            }
            b'$' if dialect == Dialect::Postgres => {
                most = most.max(number(&rest[1..]).unwrap_or(0));
                1
            }
            // Names have no number of their own.
            b':' | b'@' | b'$' if dialect == Dialect::Sqlite && is_name(rest) => {
                return Err(SeekErrorKind::Unnumbered);
            }
            _ => 1,
        };
        for _ in 1..skipped {
            bytes.next();
        }
    }
    Ok(most)
}

/// How long the quoted text is that begins here, with its quotes. A quote within it is written twice, which
/// ends one text and begins the next.
fn quoted(dialect: Dialect, text: &[u8], end: u8) -> usize {
    let escapes = dialect == Dialect::MySql && end != b'`';
    let mut at = 1;
    while let Some(byte) = text.get(at) {
        match *byte {
            b'\\' if escapes => at += 2,
            byte if byte == end => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}

/// In MySQL two signs that nothing separates from what follows are a difference.
fn is_line_comment(dialect: Dialect, text: &[u8]) -> bool {
    let ends = |byte: &u8| byte.is_ascii_whitespace() || byte.is_ascii_control();
    text.starts_with(b"--") && (dialect != Dialect::MySql || text.get(2).is_none_or(ends))
}

fn until(text: &[u8], end: &[u8]) -> usize {
    let found = text.windows(end.len()).skip(2).position(|window| window == end);
    found.map_or(text.len(), |at| at + 2 + end.len())
}

fn number(text: &[u8]) -> Option<usize> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(&text[..digits]).ok()?.parse().ok()
}

fn is_name(text: &[u8]) -> bool {
    text.get(1).is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_counted_where_they_are_some() {
        use Dialect::{MySql, Postgres, Sqlite};
        use SeekErrorKind::{ManyStatements, Unnumbered};
        for (dialect, sql, expected) in [
            (Postgres, "SELECT $1, $2, $1", Ok(2)),
            (Postgres, "SELECT '$3', \"$4\" -- $5\n, /* $6 */ $1", Ok(1)),
            (Postgres, "SELECT a ? 'b', c::int", Ok(0)),
            (Postgres, "SELECT 'it''s $9'", Ok(0)),
            (Postgres, "SELECT 1;", Ok(0)),
            (Postgres, "SELECT 1 ; \n", Ok(0)),
            (Postgres, "SELECT ';'", Ok(0)),
            (Postgres, "SELECT 1; DROP TABLE t", Err(ManyStatements)),
            (Sqlite, "SELECT ?1 + ?12", Ok(12)),
            (Sqlite, "SELECT ?", Err(Unnumbered)),
            (Sqlite, "SELECT '?', \"?\", `?`, [?] -- ?\n /* ? */", Ok(0)),
            (Sqlite, "SELECT :name", Err(Unnumbered)),
            (Sqlite, "SELECT @name", Err(Unnumbered)),
            (Sqlite, "SELECT $name", Err(Unnumbered)),
            (Sqlite, "SELECT '12:30'", Ok(0)),
            (MySql, "SELECT ?, ?", Ok(2)),
            (MySql, "SELECT '\\'?', \"?\", `?` # ?\n, ?", Ok(1)),
            (MySql, "SELECT 1--?, ? -- ?\n, ? --\t?\n --", Ok(3)),
            (MySql, "SELECT /*", Ok(0)),
            (MySql, "SELECT '", Ok(0)),
            (MySql, "SELECT '\\", Ok(0)),
        ] {
            assert_eq!(count(dialect, sql), expected, "{sql}");
        }
    }
}
