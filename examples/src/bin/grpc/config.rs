//! What the environment says.

use std::env::{self, VarError};

use crate::rate::Rate;

pub(crate) struct Config {
    /// The port on the loopback; 0 lets the system pick one.
    pub(crate) port: u16,
    /// The file of the ledger; in memory if there is none.
    pub(crate) database: Option<String>,
    /// How much a client may ask for.
    pub(crate) rate: Rate,
    /// Which pages may call, separated by commas.
    pub(crate) origins: String,
}

impl Config {
    pub(crate) fn from_env() -> Result<Self, String> {
        let port = read("PORT")?.unwrap_or_else(|| "50051".to_owned());
        let rate = read("RATE_LIMIT")?;
        Ok(Self {
            port: port
                .parse()
                .map_err(|_| format!("PORT is {port:?}; use a number from 0 to 65535"))?,
            database: read("DATABASE_PATH")?,
            rate: rate.map_or(Ok(Rate::GENEROUS), |rate| {
                rate.parse().map_err(|_| format!("RATE_LIMIT is {rate:?}; use N/s, N/m or N/h"))
            })?,
            origins: read("ALLOWED_ORIGINS")?
                .unwrap_or_else(|| "http://localhost:*,http://127.0.0.1:*".to_owned()),
        })
    }
}

/// A variable that is empty counts as unset.
fn read(name: &str) -> Result<Option<String>, String> {
    match env::var(name) {
        Ok(value) => Ok(Some(value).filter(|value| !value.is_empty())),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err(format!("{name} is not UTF-8")),
    }
}
