use std::fmt;

use stonework_core::ConfigError;

/// Something in a configuration that works and may surprise.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// A secret has less than the 32 random bytes that the hash deserves.
    #[non_exhaustive]
    ShortSecret {
        /// Its id.
        id: u8,
    },
    /// The secret is gone with the process.
    Ephemeral,
    /// Anybody can make cursors.
    Plain,
    /// Links lead to wherever a request says that it was sent.
    BaseFromHost,
}

impl Warning {
    /// The setting, its value, and what is the matter with it.
    fn parts(&self) -> (&'static str, String, &'static str) {
        match self {
            Self::ShortSecret { id } => {
                ("Keys", id.to_string(), "has a secret of less than 32 bytes; use 32 random ones")
            }
            Self::Ephemeral => (
                "ephemeral_for_dev",
                String::new(),
                "ends all cursors with the process, and no other process knows them; use a secret",
            ),
            Self::Plain => (
                "danger_plain",
                String::new(),
                "lets anybody make cursors, so bindings and the epoch mean nothing; sign them",
            ),
            Self::BaseFromHost => (
                "danger_base_from_host",
                String::new(),
                "lets whoever makes up a Host lead others astray; say what links begin with",
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
