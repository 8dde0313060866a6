//! Writes statements.

use super::branch::{After, Branch, after, from};
use super::placeholders;
use super::stretch::{Stretch, is_in_place, stretches};
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
    if !seek.sort.columns().iter().all(|column| dialect.casts(column)) {
        return Err(SeekErrorKind::Cast.into());
    }
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
        let place = seek.from.as_ref();
        if self.dialect.seeks_any() && (place.is_none() || seek.shape == Shape::Auto) {
            return Ok(self.stretches(&columns, &stretches(&columns, place), limit, seek.skip));
        }
        let Some(anchor) = place else {
            let base = self.base();
            return Ok(format!("SELECT * FROM {base} {}", self.tail(&columns, limit, seek.skip)));
        };
        let branches = from(&columns, anchor);
        let has_row_value = self.dialect.has_row_values() && is_row_value(&columns);
        Ok(match seek.shape {
            _ if branches.len() == 1 => self.branch(&branches[0], limit),
            Shape::RowValue if has_row_value => self.row_value(&columns, anchor, limit),
            Shape::Auto if has_row_value && self.dialect.seeks_row_values() => {
                self.row_value(&columns, anchor, limit)
            }
            Shape::RowValue => return Err(SeekErrorKind::Shape.into()),
            Shape::HintedOr => self.hinted_or(&columns, anchor, &branches, limit),
            Shape::Auto | Shape::Union => {
                let parts = branches.iter().map(|branch| self.branch(branch, limit)).collect();
                self.union(&columns, parts, limit, 0)
            }
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
        let is_said = |column: &&Column| !self.dialect.seeks_any() || !branch.is_null(column);
        let order: Vec<_> = branch.order.iter().filter(is_said).copied().collect();
        format!("SELECT * FROM {base} WHERE {condition} {}", self.tail(&order, limit, 0))
    }

    /// Those that lie apart in an index are read apart.
    fn stretches(
        &mut self,
        columns: &[Column],
        stretches: &[Stretch<'_>],
        limit: u64,
        skip: u64,
    ) -> String {
        if let [one] = stretches {
            return self.stretch(one, limit, skip);
        }
        let most = limit.saturating_add(skip);
        let parts = stretches.iter().map(|one| self.stretch(one, most, 0)).collect();
        self.union(columns, parts, limit, skip)
    }

    fn stretch(&mut self, stretch: &Stretch<'_>, limit: u64, skip: u64) -> String {
        let base = self.base();
        let condition = match &*stretch.branches {
            [] => String::new(),
            [one] => format!("WHERE {} ", self.condition(one)),
            several => format!("WHERE {} ", self.any(several)),
        };
        format!("SELECT * FROM {base} {condition}{}", self.tail(&stretch.order, limit, skip))
    }

    fn row_value(&mut self, columns: &[Column], anchor: &Anchor, limit: u64) -> String {
        let base = self.base();
        let names: Vec<_> = columns.iter().map(|column| self.name(column)).collect();
        let values: Vec<_> = columns
            .iter()
            .zip(&anchor.values)
            .map(|(column, value)| self.bind(column, value))
            .collect();
        let (operator, or_at) = (operator(&columns[0]), if anchor.inclusive { "=" } else { "" });
        format!(
            "SELECT * FROM {base} WHERE ({}) {operator}{or_at} ({}) {}",
            names.join(", "),
            values.join(", "),
            self.tail(columns, limit, 0)
        )
    }

    /// Each part is read for itself, up to the limit, and what comes first of all of them is the page.
    fn union(&self, columns: &[Column], parts: Vec<String>, limit: u64, skip: u64) -> String {
        let part = |(at, part)| format!("SELECT * FROM ({part}) AS part{at}");
        let all: Vec<_> = parts.into_iter().enumerate().map(part).collect();
        let all = all.join(" UNION ALL ");
        format!("SELECT * FROM ({all}) AS page {}", self.tail(columns, limit, skip))
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
        format!("SELECT * FROM {base} WHERE {hint}({any}) {}", self.tail(columns, limit, 0))
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
            After::From(value) => {
                let operator = operator(&branch.column);
                format!("{name} {operator}= {}", self.bind(&branch.column, value))
            }
            After::Null => format!("{name} IS NULL"),
            After::NotNull => format!("{name} IS NOT NULL"),
        });
        all.join(" AND ")
    }

    fn tail(&self, columns: &[Column], limit: u64, skip: u64) -> String {
        let skip = match skip {
            0 => String::new(),
            skip => format!(" OFFSET {skip}"),
        };
        format!("ORDER BY {} LIMIT {limit}{skip}", self.order(columns))
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
            // Else no index would serve the order.
            (Some(_), Dialect::MySql) if is_in_place(column) => format!("{name} {direction}"),
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

#[cfg(test)]
mod tests {
    use crate::{
        Anchor, Column, Dialect, Direction, Kind, Nulls, Seek, Select, Shape, Sort, Value,
    };

    const A: Column = Column::new("a", Kind::Int);
    const ID: Column = Column::new("id", Kind::Int).unique();

    fn sql(sort: &[Column], from: Option<&[Value]>, shape: Shape, skip: u64) -> String {
        let sort = Sort::new(sort.to_vec()).unwrap();
        let seek = Seek::first(sort.clone(), 4).shape(shape).skip(skip);
        let seek = from.into_iter().fold(seek, |seek, values| {
            seek.from(Anchor::new(&sort, Direction::Forward, values.to_vec()).unwrap())
        });
        let statement = seek.render(Dialect::MySql, Select::new("SELECT ?").bind(7_i64)).unwrap();
        let placeholders = statement.sql.matches('?').count();
        assert_eq!(statement.binds.len(), placeholders, "one value for each");
        statement.sql.replace("(SELECT ?\n) AS page", "t")
    }

    #[test]
    fn mysql_is_asked_for_one_range() {
        let place: &[Value] = &[1_i64.into(), 2_i64.into()];
        assert_eq!(
            sql(&[A, ID.desc()], Some(place), Shape::Auto, 0),
            "SELECT * FROM t WHERE (`a` = ? AND `id` < ?) OR (`a` > ?) \
             ORDER BY `a` ASC, `id` DESC LIMIT 5"
        );
        assert_eq!(
            sql(&[A, ID], None, Shape::Auto, 3),
            "SELECT * FROM t ORDER BY `a` ASC, `id` ASC LIMIT 5 OFFSET 3"
        );
    }

    #[test]
    fn mysql_is_asked_for_nulls_by_themselves_where_its_indexes_have_them_elsewhere() {
        let last = [A.nullable(Nulls::Last), ID];
        let apart = |valued: &str, null: &str, end: &str| {
            format!(
                "SELECT * FROM (SELECT * FROM ({valued}) AS part0 UNION ALL SELECT * FROM ({null}) AS part1) \
                 AS page ORDER BY `a` IS NULL ASC, `a` ASC, `id` ASC {end}"
            )
        };
        let null = "SELECT * FROM t WHERE `a` IS NULL ORDER BY `id` ASC LIMIT";
        let valued = "SELECT * FROM t WHERE `a` IS NOT NULL ORDER BY `a` ASC, `id` ASC LIMIT";
        assert_eq!(
            sql(&last, None, Shape::Auto, 3),
            apart(&format!("{valued} 8"), &format!("{null} 8"), "LIMIT 5 OFFSET 3")
        );
        let place: &[Value] = &[1_i64.into(), 2_i64.into()];
        let valued = "SELECT * FROM t WHERE (`a` = ? AND `id` > ?) OR (`a` > ?) \
             ORDER BY `a` ASC, `id` ASC LIMIT 5";
        assert_eq!(
            sql(&last, Some(place), Shape::Auto, 0),
            apart(valued, &format!("{null} 5"), "LIMIT 5")
        );
        for shape in [Shape::Auto, Shape::Union] {
            assert_eq!(
                sql(&last, Some(&[Value::Null, 2_i64.into()]), shape, 0),
                "SELECT * FROM t WHERE `a` IS NULL AND `id` > ? ORDER BY `id` ASC LIMIT 5"
            );
        }
    }
}
