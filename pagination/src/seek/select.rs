use crate::Value;

/// A list, as a statement that selects all of it, with the values of its own placeholders.
///
/// It has neither order nor limit. Placeholders are numbered where the dialect has numbers, and are in order
/// where it has none.
///
/// ```
/// use stonework_pagination::Select;
///
/// let select = Select::new("SELECT * FROM transfers WHERE account = ?1").bind("alice");
/// # let _ = select;
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Select {
    pub(super) sql: String,
    pub(super) binds: Vec<Value>,
}

impl Select {
    /// This statement, without values yet. It is part of the program: what comes from outside is bound.
    pub fn new(sql: &'static str) -> Self {
        Self::danger_dynamic(sql)
    }

    /// A statement that is made at run time. Whatever of it comes from outside is SQL then.
    pub fn danger_dynamic(sql: impl Into<String>) -> Self {
        Self { sql: sql.into(), binds: Vec::new() }
    }

    /// The value of the next placeholder.
    #[must_use]
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.binds.push(value.into());
        self
    }
}

impl From<&'static str> for Select {
    fn from(sql: &'static str) -> Self {
        Self::new(sql)
    }
}

/// A statement, and the values of its placeholders in order: plain data, for whichever driver.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Statement {
    /// The text.
    pub sql: String,
    /// The values.
    pub binds: Vec<Value>,
}
