//! What this service is told.

use crate::env::{Failure, Rate, port, rate, read};

pub(crate) struct Config {
    /// The port on the loopback; 0 lets the system pick one.
    pub(crate) port: u16,
    /// The file of the ledger; in memory if there is none.
    pub(crate) database: Option<String>,
    /// How many requests a client may send, whatever they ask.
    pub(crate) requests: Rate,
    /// How much an account may ask for.
    pub(crate) points: Rate,
    /// Which pages may use the service, separated by commas.
    pub(crate) origins: Option<String>,
}

impl Config {
    pub(crate) fn from_env() -> Result<Self, Failure> {
        Ok(Self {
            port: port()?,
            database: read("DATABASE_PATH")?,
            requests: rate("REQUEST_LIMIT", "100/s")?,
            points: rate("POINT_LIMIT", "100000/m")?,
            origins: read("ALLOWED_ORIGINS")?,
        })
    }
}
