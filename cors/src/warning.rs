use std::fmt;

use stonework_core::ConfigError;

/// Something in a configuration that works and may surprise.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// No origin is allowed, so every page of another origin is denied.
    NobodyAllowed,
    /// A pattern allows every name below a public suffix: below `github.io`, anybody has one.
    #[non_exhaustive]
    PublicSuffix {
        /// The pattern.
        origin: String,
        /// The suffix, as the Public Suffix List has it. The list is that of the day on which the
        /// `psl` crate was published.
        suffix: String,
    },
    /// Pages in frames that are sandboxed, and documents from files and `data:` URLs, are allowed:
    /// anybody can make one.
    NullOrigin,
    /// A denial tells what would be allowed.
    Debug,
    /// The headers of Private Network Access are sent, which browsers gave up for a permission that
    /// the user gives.
    PrivateNetwork,
}

impl Warning {
    /// The setting, its value, and what is the matter with it.
    fn parts(&self) -> (&'static str, String, &'static str) {
        match self {
            Self::NobodyAllowed => (
                "origins",
                "none".to_owned(),
                "no page of another origin may read anything; name one",
            ),
            Self::PublicSuffix { origin, suffix } => (
                "origins",
                format!("{origin}, below the public suffix {suffix}"),
                "anybody can have a name there; name the domains",
            ),
            Self::NullOrigin => (
                "danger_null_origin",
                String::new(),
                "anybody can make a page whose origin is null",
            ),
            Self::Debug => (
                "debug",
                "on".to_owned(),
                "denials tell what is allowed; turn it off in production",
            ),
            Self::PrivateNetwork => (
                "private_network",
                "true".to_owned(),
                "browsers ask the user instead since 2025 (Local Network Access); leave it out",
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
        Self::shown(setting, value, reason)
    }
}
