use std::borrow::Cow;

use stonework_core::{ConfigError, ConfigErrors};

use crate::{Column, Value};

/// More columns than this are an error.
const MOST: usize = 16;

/// The order of a list: the columns it is sorted by, of which the last breaks ties.
///
/// What sorts the rows, what continues after one, and what a cursor carries are all made of this one
/// declaration. [`keyset!`](crate::keyset) makes one for rows whose order is known when the program is
/// compiled, and looks at it then.
///
/// ```
/// use stonework_pagination::{Column, Kind, Nulls, Sort};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let sort = Sort::new(vec![
///     Column::new("due", Kind::Int).nullable(Nulls::Last),
///     Column::new("id", Kind::Uuid).unique(),
/// ])?;
/// assert_eq!(sort.columns().len(), 2);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sort {
    columns: Cow<'static, [Column]>,
    fingerprint: u32,
}

/// What is wrong with columns as an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Empty,
    TooMany,
    /// Of this column.
    Tied(usize),
    NullableTie(usize),
    Name(usize),
    Twice(usize),
    Cast(usize),
}

impl Sort {
    /// An order of these columns.
    ///
    /// # Errors
    ///
    /// Without a column at the end that is unique and has a value in each row: rows that are alike would
    /// have no order, and pages would lose some and repeat others. When a name is there twice, or is none.
    pub fn new(
        columns: impl Into<Cow<'static, [Column]>>,
    ) -> Result<Self, ConfigErrors<ConfigError>> {
        let columns = columns.into();
        let errors: Vec<_> =
            fault(&columns).map(|fault| fault.error(&columns)).into_iter().collect();
        let fingerprint = fingerprint(&columns);
        ConfigErrors::check(errors, Ok(Self { columns, fingerprint }))
    }

    /// Columns that were looked at when the program was compiled.
    #[doc(hidden)]
    pub const fn checked(columns: &'static [Column]) -> Self {
        assert_sorted(columns);
        Self { columns: Cow::Borrowed(columns), fingerprint: fingerprint(columns) }
    }

    /// The columns, the most significant first.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Tells the order from others, in 21 bits.
    pub(crate) const fn fingerprint(&self) -> u32 {
        self.fingerprint
    }

    /// Could a row have these values?
    pub(crate) fn fits(&self, values: &[Value]) -> bool {
        let of = |column: &Column, value: &Value| match value.kind() {
            // What is no number has no place in an order: a cursor of it would be refused when it comes back.
            Some(_) if matches!(value, Value::Float(number) if number.is_nan()) => false,
            Some(kind) => kind == column.kind,
            None => column.nulls.is_some(),
        };
        self.columns.len() == values.len()
            && self.columns.iter().zip(values).all(|(column, value)| of(column, value))
    }
}

/// Fails to compile if the columns are no order: for [`keyset!`](crate::keyset).
#[doc(hidden)]
pub const fn assert_sorted(columns: &[Column]) {
    match fault(columns) {
        None => {}
        Some(Fault::Empty) => panic!("a keyset needs a column"),
        Some(Fault::TooMany) => panic!("a keyset has 16 columns at most"),
        Some(Fault::Tied(_)) => {
            panic!("the last column of a keyset has to be unique: rows that tie have no order")
        }
        Some(Fault::NullableTie(_)) => {
            panic!("the last column of a keyset has a value in each row: nulls are not unique")
        }
        Some(Fault::Name(_)) => panic!("a column has a plain name: letters, digits and `_`"),
        Some(Fault::Twice(_)) => panic!("a column is in a keyset once"),
        Some(Fault::Cast(_)) => panic!("a cast names a type: letters, digits, `_`, spaces, `(,)`"),
    }
}

const fn fault(columns: &[Column]) -> Option<Fault> {
    if columns.is_empty() {
        return Some(Fault::Empty);
    }
    if columns.len() > MOST {
        return Some(Fault::TooMany);
    }
    let mut at = 0;
    while at < columns.len() {
        if !is_name(columns[at].name) {
            return Some(Fault::Name(at));
        }
        if let Some(cast) = columns[at].cast
            && !is_type(cast)
        {
            return Some(Fault::Cast(at));
        }
        let mut before = 0;
        while before < at {
            if same(columns[before].name, columns[at].name) {
                return Some(Fault::Twice(at));
            }
            before += 1;
        }
        at += 1;
    }
    let last = &columns[at - 1];
    match (last.unique, last.nulls) {
        (false, _) => Some(Fault::Tied(at - 1)),
        (true, Some(_)) => Some(Fault::NullableTie(at - 1)),
        (true, None) => None,
    }
}

/// What may be quoted in any dialect, and is not folded where names are.
const fn is_name(name: &str) -> bool {
    let name = name.as_bytes();
    let mut at = 0;
    while at < name.len() {
        if !(name[at].is_ascii_alphabetic()
            || name[at] == b'_'
            || at > 0 && name[at].is_ascii_digit())
        {
            return false;
        }
        at += 1;
    }
    at > 0 && at < 64
}

/// `numeric(20, 4)`, `timestamp with time zone`.
const fn is_type(name: &str) -> bool {
    let name = name.as_bytes();
    let mut at = 0;
    while at < name.len() {
        let is_one = name[at].is_ascii_alphanumeric()
            || matches!(name[at], b'_' | b' ' | b'(' | b')' | b',');
        if !is_one {
            return false;
        }
        at += 1;
    }
    at > 0 && name[0].is_ascii_alphabetic()
}

const fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut at = 0;
    while at < a.len() {
        if !a[at].eq_ignore_ascii_case(&b[at]) {
            return false;
        }
        at += 1;
    }
    true
}

/// FNV-1a, 32 bits, folded to 21. It tells an order from the others of a program, and guards nothing: what must not
/// be forged is under a MAC, and values are read as those of the order at hand.
const fn fingerprint(columns: &[Column]) -> u32 {
    let mut hash = 0x811c_9dc5;
    let mut at = 0;
    while at < columns.len() {
        let column = &columns[at];
        let name = column.name.as_bytes();
        let mut byte = 0;
        while byte < name.len() {
            hash = fnv(hash, name[byte]);
            byte += 1;
        }
        // No byte of a name, so that it ends there.
        hash = fnv(hash, 0xff);
        hash = fnv(hash, column.kind.code());
        let nulls = match column.nulls {
            None => 0,
            Some(crate::Nulls::First) => 2,
            Some(crate::Nulls::Last) => 4,
        };
        hash = fnv(hash, nulls | column.descending as u8);
        at += 1;
    }
    (hash >> 21) ^ (hash & 0x001f_ffff)
}

const fn fnv(hash: u32, byte: u8) -> u32 {
    (hash ^ byte as u32).wrapping_mul(0x0100_0193)
}

impl Fault {
    fn error(self, columns: &[Column]) -> ConfigError {
        let (at, reason) = match self {
            Self::Empty => {
                return ConfigError::new("Sort::new", "none", "sorts nothing; add a column");
            }
            Self::TooMany => {
                let reason = "are more columns than are sorted by; use up to 16";
                return ConfigError::new("Sort::new", columns.len(), reason);
            }
            Self::Tied(at) => (
                at,
                "comes last and is not said to be unique; end with one that is, such as the id",
            ),
            Self::NullableTie(at) => {
                (at, "comes last and has nulls, which are not unique; end with one that has none")
            }
            Self::Name(at) => {
                (at, "is no plain name; use letters, digits and `_`, as the select returns it")
            }
            Self::Twice(at) => (at, "is there twice; leave one out"),
            Self::Cast(at) => (at, "has a cast that is no type; use one such as timestamptz"),
        };
        ConfigError::new("Sort::new", columns[at].name, reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Kind, Nulls};

    const ID: Column = Column::new("id", Kind::Int).unique();
    const AT: Column = Column::new("at", Kind::Int);

    fn reason(columns: Vec<Column>) -> String {
        Sort::new(columns).unwrap_err().to_string()
    }

    #[test]
    fn an_order_without_ties_is_one() {
        for columns in [vec![ID], vec![AT, ID], vec![AT.nullable(Nulls::First), ID.desc()]] {
            assert_eq!(Sort::new(columns.clone()).unwrap().columns(), columns);
        }
    }

    #[test]
    fn what_is_no_order_is_an_error() {
        for (columns, expected) in [
            (vec![], "sorts nothing"),
            (vec![AT], "not said to be unique"),
            (vec![ID, AT], "not said to be unique"),
            (vec![AT, ID.nullable(Nulls::Last)], "not unique"),
            (vec![ID, ID], "twice"),
            (vec![Column::new("ID", Kind::Int), ID], "twice"),
            (vec![Column::new("a.b", Kind::Int), ID], "no plain name"),
            (vec![Column::new("1a", Kind::Int), ID], "no plain name"),
            (vec![Column::new("", Kind::Int), ID], "no plain name"),
            (vec![Column::new("a\"b", Kind::Int), ID], "no plain name"),
            (vec![AT.cast("int); drop table t"), ID], "no type"),
            ([vec![AT; 16], vec![ID]].concat(), "up to 16"),
        ] {
            let reason = reason(columns);
            assert!(reason.contains(expected), "{reason}");
        }
    }

    #[test]
    fn each_order_has_a_fingerprint_of_its_own() {
        let orders = [
            vec![ID],
            vec![ID.desc()],
            vec![AT, ID],
            vec![AT.desc(), ID],
            vec![AT, ID.desc()],
            vec![AT.nullable(Nulls::First), ID],
            vec![AT.nullable(Nulls::Last), ID],
            vec![Column::new("at", Kind::Text), ID],
            vec![Column::new("a", Kind::Int), Column::new("tid", Kind::Int).unique()],
        ];
        let mut prints: Vec<_> =
            orders.map(|columns| Sort::new(columns).unwrap().fingerprint()).into();
        assert!(prints.iter().all(|print| *print < 1 << 21));
        // The format of tokens: it must never change.
        assert_eq!(prints[2], Sort::checked(&[AT, ID]).fingerprint());
        prints.sort_unstable();
        prints.dedup();
        assert_eq!(prints.len(), 9);
    }

    #[test]
    fn rows_have_the_values_of_the_columns() {
        let sort = Sort::new(vec![AT.nullable(Nulls::Last), ID]).unwrap();
        assert!(sort.fits(&[Value::Null, Value::Int(1)]));
        assert!(sort.fits(&[Value::Int(0), Value::Int(1)]));
        assert!(!sort.fits(&[Value::Int(0), Value::Null]));
        assert!(!sort.fits(&[Value::Bool(true), Value::Int(1)]));
        assert!(!sort.fits(&[Value::Int(1)]));
        let sort = Sort::new(vec![Column::new("score", Kind::Float), ID]).unwrap();
        assert!(sort.fits(&[Value::Float(f64::INFINITY), Value::Int(1)]));
        assert!(!sort.fits(&[Value::Float(f64::NAN), Value::Int(1)]));
    }
}
