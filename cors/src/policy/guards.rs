use stonework_core::ConfigError;

use crate::{OriginError, OriginPattern, Warning};

/// Which origins a policy may name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Guards {
    pub(crate) credentials: bool,
    pub(crate) insecure: bool,
    pub(crate) public_suffixes: bool,
}

impl Guards {
    /// The pattern, if this policy may name it, and what may surprise about it.
    pub(crate) fn admit(
        self,
        text: &str,
        warnings: &mut Vec<Warning>,
    ) -> Result<OriginPattern, ConfigError> {
        let pattern = text.parse::<OriginPattern>().map_err(|error| malformed(&error))?;
        if self.credentials && !self.insecure && pattern.is_insecure() {
            let reason = "whoever is on the network between can be this origin, and act with the \
                          user's credentials; use https, or danger_insecure_origins";
            return Err(ConfigError::new("origins", text, reason));
        }
        if let Some(suffix) = pattern.public_suffix() {
            if self.credentials && !self.public_suffixes {
                let reason = format!(
                    "anybody can have a name below {suffix}, and act with the user's credentials; \
                     name the domains, or use danger_public_suffixes",
                );
                return Err(ConfigError::new("origins", text, reason));
            }
            let (origin, suffix) = (text.to_owned(), suffix.to_owned());
            warnings.push(Warning::PublicSuffix { origin, suffix });
        }
        Ok(pattern)
    }
}

fn malformed(error: &OriginError) -> ConfigError {
    ConfigError::shown("origins", error.shown(), error.reason())
}
