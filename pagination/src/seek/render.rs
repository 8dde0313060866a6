//! Writes statements.

use super::branch::{After, Branch, after};
use super::placeholders;
use super::{Dialect, Seek, SeekError, SeekErrorKind, Select, Shape, Statement, in_direction};
use crate::{Anchor, Column, Nulls, Value};

pub(super) fn render(
    seek: &Seek,
    dialect: Dialect,
    select: Select,
) -> Result<Statement, SeekError> {
    for anchor in [&seek.from, &seek.until].into_iter().flatten() {
        if !seek.sort.fits(&anchor.values) {
            return Err(SeekErrorKind::OtherSort.into());
        }
    }
    let (base, binds) = base(dialect, select)?;
    let numbered = if dialect.numbers_placeholders() { binds.clone() } else { Vec::new() };
    let mut writer = Writer { dialect, base, base_binds: binds, binds: numbered };
    let inner = writer.page(seek)?;
    let sql = match &seek.until {
        None => inner,
        Some(until) => writer.cut(seek, &inner, until),
    };
    Ok(Statement { sql, binds: writer.binds })
}

/// What is selected, as a table, and its values.
pub(super) fn base(dialect: Dialect, select: Select) -> Result<(String, Vec<Value>), SeekError> {
    let Select { sql, binds } = select;
    if placeholders::count(dialect, &sql)? != binds.len() {
        return Err(SeekErrorKind::Binds.into());
    }
    // A comment at its end must not swallow what follows.
    let base = format!("({}\n) AS page", sql.trim_end_matches([';', ' ', '\t', '\r', '\n']));
    Ok((base, binds))
}

struct Writer {
    dialect: Dialect,
    base: String,
    base_binds: Vec<Value>,
    binds: Vec<Value>,
}

impl Writer {
    fn page(&mut self, seek: &Seek) -> Result<String, SeekError> {
        let (columns, limit) = (seek.columns(), u64::from(seek.limit) + 1);
        let Some(anchor) = &seek.from else {
            let base = self.base();
            let skip = match seek.skip {
                0 => String::new(),
                skip => format!(" OFFSET {skip}"),
            };
            return Ok(format!("SELECT * FROM {base} {}{skip}", self.tail(&columns, limit)));
        };
        let branches = after(&columns, &anchor.values);
        let has_row_value = self.dialect.has_row_values() && is_row_value(&columns);
        Ok(match seek.shape {
            _ if branches.len() == 1 => self.branch(&branches[0], limit),
            Shape::RowValue if has_row_value => self.row_value(&columns, anchor, limit),
            Shape::Auto if has_row_value && self.dialect.seeks_row_values() => {
                self.row_value(&columns, anchor, limit)
            }
            Shape::RowValue => return Err(SeekErrorKind::Shape.into()),
            Shape::HintedOr => self.hinted_or(&columns, anchor, &branches, limit),
            Shape::Auto | Shape::Union => self.union(&columns, &branches, limit),
        })
    }

    /// What is selected, once more.
    fn base(&mut self) -> String {
        if !self.dialect.numbers_placeholders() {
            self.binds.extend(self.base_binds.iter().cloned());
        }
        self.base.clone()
    }

    fn branch(&mut self, branch: &Branch<'_>, limit: u64) -> String {
        let base = self.base();
        let condition = self.condition(branch);
        format!("SELECT * FROM {base} WHERE {condition} {}", self.tail(&branch.order, limit))
    }

    fn row_value(&mut self, columns: &[Column], anchor: &Anchor, limit: u64) -> String {
        let base = self.base();
        let names: Vec<_> = columns.iter().map(|column| self.name(column)).collect();
        let values: Vec<_> = columns
            .iter()
            .zip(&anchor.values)
            .map(|(column, value)| self.bind(column, value))
            .collect();
        let operator = operator(&columns[0]);
        format!(
            "SELECT * FROM {base} WHERE ({}) {operator} ({}) {}",
            names.join(", "),
            values.join(", "),
            self.tail(columns, limit)
        )
    }

    /// Each stretch is read for itself, up to the limit, and what comes first of all of them is the page.
    fn union(&mut self, columns: &[Column], branches: &[Branch<'_>], limit: u64) -> String {
        let mut parts = Vec::with_capacity(branches.len());
        for (at, branch) in branches.iter().enumerate() {
            parts.push(format!("SELECT * FROM ({}) AS part{at}", self.branch(branch, limit)));
        }
        let all = parts.join(" UNION ALL ");
        format!("SELECT * FROM ({all}) AS page {}", self.tail(columns, limit))
    }

    fn hinted_or(
        &mut self,
        columns: &[Column],
        anchor: &Anchor,
        branches: &[Branch<'_>],
        limit: u64,
    ) -> String {
        let base = self.base();
        let first = &columns[0];
        let hint = match (first.nulls(), anchor.values.first()) {
            (None, Some(value)) => {
                let (name, operator) = (self.name(first), operator(first));
                format!("{name} {operator}= {} AND ", self.bind(first, value))
            }
            // Those without a value lie at the other end of the index.
            _ => String::new(),
        };
        let any = self.any(branches);
        format!("SELECT * FROM {base} WHERE {hint}({any}) {}", self.tail(columns, limit))
    }

    /// Only of the rows that were found: what lies beyond is at their end.
    fn cut(&mut self, seek: &Seek, inner: &str, until: &Anchor) -> String {
        let columns = seek.columns();
        let reversed = in_direction(&seek.sort, seek.direction.opposite());
        let any = match &*after(&reversed, &until.values) {
            // Nothing comes before the first place.
            [] => "1 = 0".to_owned(),
            branches => self.any(branches),
        };
        format!("SELECT * FROM ({inner}) AS page WHERE {any} ORDER BY {}", self.order(&columns))
    }

    fn any(&mut self, branches: &[Branch<'_>]) -> String {
        let all: Vec<_> =
            branches.iter().map(|branch| format!("({})", self.condition(branch))).collect();
        all.join(" OR ")
    }

    fn condition(&mut self, branch: &Branch<'_>) -> String {
        let mut all = Vec::with_capacity(branch.equal.len() + 1);
        for (column, value) in &branch.equal {
            let name = self.name(column);
            all.push(match value {
                Value::Null => format!("{name} IS NULL"),
                value => format!("{name} = {}", self.bind(column, value)),
            });
        }
        let name = self.name(&branch.column);
        all.push(match branch.after {
            After::Value(value) => {
                format!("{name} {} {}", operator(&branch.column), self.bind(&branch.column, value))
            }
            After::Null => format!("{name} IS NULL"),
            After::NotNull => format!("{name} IS NOT NULL"),
        });
        all.join(" AND ")
    }

    fn tail(&self, columns: &[Column], limit: u64) -> String {
        format!("ORDER BY {} LIMIT {limit}", self.order(columns))
    }

    fn order(&self, columns: &[Column]) -> String {
        let all: Vec<_> = columns.iter().map(|column| self.sorted(column)).collect();
        all.join(", ")
    }

    fn sorted(&self, column: &Column) -> String {
        let name = self.name(column);
        let direction = if column.is_descending() { "DESC" } else { "ASC" };
        match (column.nulls(), self.dialect) {
            (None, _) => format!("{name} {direction}"),
            (Some(Nulls::First), Dialect::Postgres | Dialect::Sqlite) => {
                format!("{name} {direction} NULLS FIRST")
            }
            (Some(Nulls::Last), Dialect::Postgres | Dialect::Sqlite) => {
                format!("{name} {direction} NULLS LAST")
            }
            // Where they are by themselves, so that an index serves the order: nulls are the smallest.
            (Some(Nulls::First), Dialect::MySql) if !column.is_descending() => {
                format!("{name} {direction}")
            }
            (Some(Nulls::Last), Dialect::MySql) if column.is_descending() => {
                format!("{name} {direction}")
            }
            (Some(Nulls::First), Dialect::MySql) => {
                format!("{name} IS NULL DESC, {name} {direction}")
            }
            (Some(Nulls::Last), Dialect::MySql) => {
                format!("{name} IS NULL ASC, {name} {direction}")
            }
        }
    }

    fn name(&self, column: &Column) -> String {
        self.dialect.quoted(column.name())
    }

    /// The placeholder of a value.
    fn bind(&mut self, column: &Column, value: &Value) -> String {
        let ours = if self.dialect.numbers_placeholders() {
            self.base_binds.len()
        } else {
            self.binds.len()
        };
        let known = self.binds[ours..].iter().position(|other| other == value);
        let number = match known {
            Some(at) => ours + at + 1,
            None => {
                self.binds.push(value.clone());
                self.binds.len()
            }
        };
        let placeholder = self.dialect.placeholder(number);
        match column.cast {
            Some(sql_type) => format!("CAST({placeholder} AS {sql_type})"),
            None => placeholder,
        }
    }
}

/// Those after come after in this order.
const fn operator(column: &Column) -> &'static str {
    if column.is_descending() { "<" } else { ">" }
}

fn is_row_value(columns: &[Column]) -> bool {
    let is_alike = |column: &Column| {
        column.nulls().is_none() && column.is_descending() == columns[0].is_descending()
    };
    columns.iter().all(is_alike)
}
