use std::error::Error;
use std::fmt;

use crate::warning::Warning;

/// One thing that is wrong with a configuration: which setting, its value, why, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConfigError {
    /// The setting, as the builder names it.
    pub setting: &'static str,
    /// The value that was given.
    pub value: String,
    /// What is wrong with it, and what to do instead.
    pub reason: &'static str,
}

impl ConfigError {
    pub(crate) fn new(setting: &'static str, value: impl fmt::Debug, reason: &'static str) -> Self {
        Self { setting, value: format!("{value:?}"), reason }
    }
}

impl From<&Warning> for ConfigError {
    fn from(warning: &Warning) -> Self {
        let (setting, value, reason) = warning.parts();
        Self { setting, value, reason }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({}): {}", self.setting, self.value, self.reason)
    }
}

impl Error for ConfigError {}
