//! The environment, read, and why a service does not run.

use std::env::{self, VarError};
use std::fmt;
use std::io;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

pub(crate) fn port() -> Result<u16, Failure> {
    let port = read("PORT")?.unwrap_or_else(|| "3000".to_owned());
    let wrong = |_| Failure::Config(format!("PORT is {port:?}; use a number from 0 to 65535"));
    port.parse().map_err(wrong)
}

pub(crate) fn rate(name: &str, unset: &str) -> Result<Rate, Failure> {
    let rate = read(name)?.unwrap_or_else(|| unset.to_owned());
    rate.parse().map_err(|NoRate| {
        let form = "use N/s, N/m or N/h with a whole number N from 1 to 4294967295";
        Failure::Config(format!("{name} is {rate:?}; {form}"))
    })
}

/// A variable that is empty counts as unset.
pub(crate) fn read(name: &str) -> Result<Option<String>, Failure> {
    match env::var(name) {
        Ok(value) => Ok(Some(value).filter(|value| !value.is_empty())),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err(Failure::Config(format!("{name} is not UTF-8"))),
    }
}

/// So many per unit of time, and as many at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rate {
    pub(crate) many: u32,
    pub(crate) per: Duration,
}

/// Not a rate.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NoRate;

impl FromStr for Rate {
    type Err = NoRate;

    fn from_str(text: &str) -> Result<Self, NoRate> {
        let (number, unit) = text.split_once('/').ok_or(NoRate)?;
        let seconds = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3_600,
            _ => return Err(NoRate),
        };
        // `parse` would take a sign.
        let digits = number.bytes().all(|byte| byte.is_ascii_digit());
        match number.parse() {
            Ok(many) if digits && many > 0 => Ok(Self { many, per: Duration::from_secs(seconds) }),
            _ => Err(NoRate),
        }
    }
}

/// Why the service does not run.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It was told something that cannot be. Exit code 2.
    Config(String),
    /// Nobody can be served there; mostly because the port is taken. Exit code 1.
    Port(u16, io::Error),
    /// What it needs is not there. Exit code 1.
    Io(io::Error),
}

impl Failure {
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Config(_) => 2,
            Self::Port(..) | Self::Io(_) => 1,
        })
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(reason) => f.write_str(reason),
            Self::Port(port, error) => write!(f, "port {port} (PORT) cannot be used: {error}"),
            Self::Io(error) => error.fmt(f),
        }
    }
}
