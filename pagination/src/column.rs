use crate::Kind;

/// A column that rows are sorted by.
///
/// ```
/// use stonework_pagination::{Column, Kind, Nulls};
///
/// const DUE: Column = Column::new("due", Kind::Int).nullable(Nulls::Last);
/// const ID: Column = Column::new("id", Kind::Uuid).desc().unique();
/// # let _ = (DUE, ID);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Column {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) descending: bool,
    pub(crate) nulls: Option<Nulls>,
    pub(crate) unique: bool,
    pub(crate) cast: Option<&'static str>,
}

/// Where rows without a value come, whatever the direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Nulls {
    /// Before all others.
    First,
    /// After all others.
    Last,
}

impl Nulls {
    pub(crate) const fn flipped(self) -> Self {
        match self {
            Self::First => Self::Last,
            Self::Last => Self::First,
        }
    }
}

impl Column {
    /// A column that has a value in each row, from the smallest on. It is named as the select returns it.
    pub const fn new(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, descending: false, nulls: None, unique: false, cast: None }
    }

    /// From the largest on.
    #[must_use]
    pub const fn desc(self) -> Self {
        Self { descending: true, ..self }
    }

    /// Not each row has a value, and those without come first or last.
    ///
    /// Databases differ in where they put them by themselves, so it has to be said. An index serves the
    /// order if it has them in the same place.
    #[must_use]
    pub const fn nullable(self, nulls: Nulls) -> Self {
        Self { nulls: Some(nulls), ..self }
    }

    /// No two rows have the same value. The last column of a sort is so: it breaks ties.
    #[must_use]
    pub const fn unique(self) -> Self {
        Self { unique: true, ..self }
    }

    /// The type that the database is to read a value as: `timestamptz`, `numeric`, `date`. For columns whose
    /// values are carried as text. It is the dialect's: SQLite has `TEXT`, `INTEGER`, `REAL`, `BLOB` and
    /// `NUMERIC`, and no dates.
    #[must_use]
    pub const fn cast(self, sql_type: &'static str) -> Self {
        Self { cast: Some(sql_type), ..self }
    }

    /// It is returned by another name than the field has.
    #[doc(hidden)]
    #[must_use]
    pub const fn named(self, name: &'static str) -> Self {
        Self { name, ..self }
    }

    /// Fails to compile if there are nulls without a place, or a place without nulls.
    #[doc(hidden)]
    #[must_use]
    pub const fn checked_nulls(self, are_nulls: bool) -> Self {
        assert!(
            are_nulls == self.nulls.is_some(),
            "say `nulls first` or `nulls last` of an Option, and of nothing else"
        );
        self
    }

    /// How it is named.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// What its values are.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether it goes from the largest on.
    pub const fn is_descending(&self) -> bool {
        self.descending
    }

    /// Where rows without a value come; nothing if each has one.
    pub const fn nulls(&self) -> Option<Nulls> {
        self.nulls
    }

    pub(crate) const fn flipped(self) -> Self {
        let nulls = match self.nulls {
            Some(nulls) => Some(nulls.flipped()),
            None => None,
        };
        Self { descending: !self.descending, nulls, ..self }
    }
}
