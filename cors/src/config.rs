use std::time::Duration;

use serde::Deserialize;

use crate::policy::{Builder, Words};
use crate::{CorsLayerBuilder, PolicyBuilder};

/// A policy from a configuration file. Feature `serde`.
///
/// The keys are the words of the [builder](Builder), and so are the checks. What is left out is as
/// the builder has it. A key that is not known is an error of the file's parser: a typo shall not
/// allow less, or more, than was meant.
///
/// ```
/// use stonework_cors::CorsConfig;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let config: CorsConfig = serde_json::from_str(
///     r#"{
///         "origins": ["https://app.example.com", "https://*.preview.example.com"],
///         "methods": ["PUT", "DELETE"],
///         "include": ["authorization", "content-type"],
///         "credentials": true,
///         "max_age": 7200
///     }"#,
/// )?;
/// let cors = config.layer().build()?;
/// # let _ = cors;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct CorsConfig {
    /// [`origins`](Builder::origins).
    pub origins: Vec<String>,
    /// [`methods`](Builder::methods).
    pub methods: Vec<String>,
    /// [`include`](Builder::include).
    pub include: Vec<String>,
    /// [`expose`](Builder::expose).
    pub expose: Vec<String>,
    /// [`credentials`](Builder::credentials).
    pub credentials: bool,
    /// [`max_age`](Builder::max_age), in seconds.
    pub max_age: Option<u64>,
    /// [`timing`](Builder::timing).
    pub timing: bool,
    /// [`private_network`](Builder::private_network).
    pub private_network: bool,
    /// [`preflight_status`](Builder::preflight_status).
    pub preflight_status: Option<u16>,
    /// [`danger_insecure_origins`](Builder::danger_insecure_origins).
    pub danger_insecure_origins: bool,
    /// [`danger_public_suffixes`](Builder::danger_public_suffixes).
    pub danger_public_suffixes: bool,
    /// [`danger_null_origin`](Builder::danger_null_origin).
    pub danger_null_origin: bool,
}

impl CorsConfig {
    /// A builder of a layer to which all of this was said.
    pub fn layer(self) -> CorsLayerBuilder {
        Builder::of(self.into())
    }

    /// A builder of a policy to which all of this was said.
    pub fn policy(self) -> PolicyBuilder {
        Builder::of(self.into())
    }
}

impl From<CorsConfig> for Words {
    fn from(config: CorsConfig) -> Self {
        Self {
            origins: config.origins,
            methods: config.methods,
            include: config.include,
            expose: config.expose,
            credentials: config.credentials,
            max_age: config.max_age.map(Duration::from_secs),
            timing: config.timing,
            private_network: config.private_network,
            preflight_status: config.preflight_status,
            insecure: config.danger_insecure_origins,
            public_suffixes: config.danger_public_suffixes,
            null: config.danger_null_origin,
        }
    }
}
