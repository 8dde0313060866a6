use std::fmt;

use stonework_core::ConfigError;

/// Something in a configuration that works and may surprise.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// Requests that ask for no version get the newest.
    Latest,
    /// A version is gone: all its requests are refused.
    #[non_exhaustive]
    Sunset {
        /// The version.
        version: String,
    },
    /// Requests that ask for no version get one that is deprecated, switched off or gone.
    #[non_exhaustive]
    DefaultNotActive {
        /// The version.
        version: String,
    },
}

impl Warning {
    /// The setting, its value, and what is the matter with it.
    fn parts(&self) -> (&'static str, &str, &'static str) {
        match self {
            Self::Latest => (
                "danger_latest",
                "",
                "each new version breaks those who never asked for it; name a version",
            ),
            Self::Sunset { version } => (
                "sunset_at",
                version,
                "has passed, and its requests are refused; take it out in time",
            ),
            Self::DefaultNotActive { version } => (
                "unspecified",
                version,
                "is deprecated or gone, and those who get it never asked for it; move them",
            ),
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        ConfigError::from(self).fmt(f)
    }
}

impl From<&Warning> for ConfigError {
    fn from(warning: &Warning) -> Self {
        let (setting, value, reason) = warning.parts();
        Self::shown(setting, value.to_owned(), reason)
    }
}
