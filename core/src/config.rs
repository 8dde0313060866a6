use std::borrow::Cow;
use std::error::Error;
use std::fmt;

/// Everything that is wrong with a configuration, at once. Never empty.
///
/// `E` is mostly a [`ConfigError`]; each names the value, the reason and the fix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors<E> {
    errors: Vec<E>,
}

impl<E> ConfigErrors<E> {
    /// `Ok` with the value if it is there and nothing else is wrong, else all errors.
    ///
    /// # Errors
    ///
    /// When `errors` is not empty, or `value` is an error.
    pub fn check<T>(mut errors: Vec<E>, value: Result<T, E>) -> Result<T, Self> {
        match value {
            Ok(value) if errors.is_empty() => Ok(value),
            Ok(_) => Err(Self { errors }),
            Err(error) => {
                errors.push(error);
                Err(Self { errors })
            }
        }
    }

    /// These errors, and others that were found beside them.
    #[must_use]
    pub fn with(mut self, others: impl IntoIterator<Item = E>) -> Self {
        self.errors.extend(others);
        self
    }

    /// The errors, in the order in which they were found.
    pub fn as_slice(&self) -> &[E] {
        &self.errors
    }

    /// The errors, by iterator.
    pub fn iter(&self) -> std::slice::Iter<'_, E> {
        self.errors.iter()
    }
}

impl<E> IntoIterator for ConfigErrors<E> {
    type Item = E;
    type IntoIter = std::vec::IntoIter<E>;

    fn into_iter(self) -> Self::IntoIter {
        self.errors.into_iter()
    }
}

impl<'a, E> IntoIterator for &'a ConfigErrors<E> {
    type Item = &'a E;
    type IntoIter = std::slice::Iter<'a, E>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<E: fmt::Display> fmt::Display for ConfigErrors<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, error) in self.errors.iter().enumerate() {
            if at > 0 {
                f.write_str("; ")?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}

impl<E: Error> Error for ConfigErrors<E> {}

/// One thing that is wrong with a configuration: which setting, its value, why, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConfigError {
    /// The setting, as the builder names it.
    pub setting: &'static str,
    /// The value that was given.
    pub value: String,
    /// What is wrong with it, and what to do instead.
    pub reason: Cow<'static, str>,
}

impl ConfigError {
    /// An error about this value of this setting.
    pub fn new(
        setting: &'static str,
        value: impl fmt::Debug,
        reason: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::shown(setting, format!("{value:?}"), reason)
    }

    /// The same, about a value that is given as it is to be shown.
    pub fn shown(
        setting: &'static str,
        value: String,
        reason: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { setting, value, reason: reason.into() }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({}): {}", self.setting, self.value, self.reason)
    }
}

impl Error for ConfigError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_errors_are_told_in_order() {
        assert_eq!(ConfigErrors::<&str>::check(vec![], Ok(7)), Ok(7));
        let both = ConfigErrors::check(vec!["a is wrong"], Err::<(), _>("b is wrong"));
        assert_eq!(both.unwrap_err().to_string(), "a is wrong; b is wrong");
        assert_eq!(ConfigErrors::check(vec!["a"], Ok(7)).unwrap_err().as_slice(), ["a"]);
        let more = ConfigErrors::check(vec!["a"], Ok(7)).unwrap_err().with(["b"]);
        assert_eq!(more.as_slice(), ["a", "b"]);
    }
}
