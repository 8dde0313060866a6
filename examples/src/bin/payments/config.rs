//! What the environment says.

use std::env::{self, VarError};
use std::fmt;
use std::io;
use std::process::ExitCode;
use std::time::Duration;

use redis::Client;

use crate::connection;
use crate::rate::Rate;
use crate::webhooks::Secrets;

pub(crate) struct Config {
    /// The port on the loopback; 0 lets the system pick one.
    pub(crate) port: u16,
    /// Where idempotency keys and limits are kept; in memory if there is none.
    pub(crate) redis: Option<Client>,
    /// How long Redis is waited for, if not by each layer for a time of its own.
    pub(crate) store_timeout: Option<Duration>,
    /// The file of the ledger; in memory if there is none.
    pub(crate) database: Option<String>,
    /// How much a client may ask for.
    pub(crate) rate: Rate,
    /// How long keys, received webhooks and deliveries are remembered; as their layers have it if nothing is said.
    pub(crate) remember: Option<Duration>,
    /// Which pages may use the service, separated by commas.
    pub(crate) origins: Option<String>,
    /// Is a page told why it may not?
    pub(crate) cors_debug: bool,
    /// Whose webhooks are taken.
    pub(crate) webhooks: Secrets,
    /// May webhooks be sent to this machine?
    pub(crate) webhook_loopback: bool,
    /// May clients ask for delays and crashes?
    pub(crate) demo: bool,
}

impl Config {
    pub(crate) fn from_env() -> Result<Self, Failure> {
        let store_timeout = store_timeout()?;
        Ok(Self {
            port: port()?,
            redis: redis(store_timeout)?,
            store_timeout,
            database: read("DATABASE_PATH")?,
            rate: rate()?,
            remember: remember()?,
            origins: read("ALLOWED_ORIGINS")?,
            // Typos must leave neither the crash header nor the explanations on.
            cors_debug: flag("CORS_DEBUG", false)?,
            webhooks: Secrets {
                stripe: read("STRIPE_WEBHOOK_SECRET")?,
                github: read("GITHUB_WEBHOOK_SECRET")?,
                standard: read("STANDARD_WEBHOOK_SECRET")?,
            },
            webhook_loopback: flag("WEBHOOK_ALLOW_LOOPBACK", false)?,
            demo: flag("DEMO", true)?,
        })
    }
}

fn port() -> Result<u16, Failure> {
    let Some(port) = read("PORT")? else {
        return Ok(3000);
    };
    let wrong = |_| Failure::Config(format!("PORT is {port:?}; use a number from 0 to 65535"));
    port.parse().map_err(wrong)
}

fn redis(store_timeout: Option<Duration>) -> Result<Option<Client>, Failure> {
    read("REDIS_URL")?.map(|url| connection::client(&url, store_timeout)).transpose()
}

fn store_timeout() -> Result<Option<Duration>, Failure> {
    let Some(time) = read("STORE_TIMEOUT_MS")? else { return Ok(None) };
    match time.parse() {
        Ok(milliseconds @ 10..=60_000) => Ok(Some(Duration::from_millis(milliseconds))),
        _ => Err(Failure::Config(format!(
            "STORE_TIMEOUT_MS is {time:?}; use a number from 10 to 60000"
        ))),
    }
}

fn rate() -> Result<Rate, Failure> {
    let Some(rate) = read("RATE_LIMIT")? else {
        return Ok(Rate::GENEROUS);
    };
    rate.parse().map_err(|_| {
        let form = "use N/s, N/m or N/h with a whole number N from 1 to 4294967295";
        Failure::Config(format!("RATE_LIMIT is {rate:?}; {form}"))
    })
}

/// A key has to outlive the run that it is for.
const SHORTEST_MEMORY: u64 = 60;

fn remember() -> Result<Option<Duration>, Failure> {
    let Some(seconds) = read("REMEMBER_SECONDS")? else { return Ok(None) };
    let digits = seconds.bytes().all(|byte| byte.is_ascii_digit());
    match seconds.parse() {
        Ok(time) if digits && time >= SHORTEST_MEMORY => Ok(Some(Duration::from_secs(time))),
        _ => Err(Failure::Config(format!(
            "REMEMBER_SECONDS is {seconds:?}; use a whole number from {SHORTEST_MEMORY}"
        ))),
    }
}

fn flag(name: &str, unset: bool) -> Result<bool, Failure> {
    match read(name)?.as_deref() {
        None => Ok(unset),
        Some("1") => Ok(true),
        Some("0") => Ok(false),
        Some(other) => Err(Failure::Config(format!("{name} is {other:?}; use 0 or 1"))),
    }
}

/// A variable that is empty counts as unset.
fn read(name: &str) -> Result<Option<String>, Failure> {
    match env::var(name) {
        Ok(value) => Ok(Some(value).filter(|value| !value.is_empty())),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err(Failure::Config(format!("{name} is not UTF-8"))),
    }
}

/// Why the service does not run.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It was told something that cannot be. Exit code 2.
    Config(String),
    /// Redis cannot be used. Exit code 1.
    Redis(String),
    /// The ledger cannot be opened. Exit code 1.
    Database(String),
    /// Nobody can be served there; mostly because the port is taken. Exit code 1.
    Port(u16, io::Error),
    /// The system is out of something. Exit code 1.
    Io(io::Error),
}

impl Failure {
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Config(_) => 2,
            Self::Redis(_) | Self::Database(_) | Self::Port(..) | Self::Io(_) => 1,
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
            Self::Config(reason) | Self::Redis(reason) | Self::Database(reason) => {
                f.write_str(reason)
            }
            Self::Port(port, error) => write!(f, "port {port} (PORT) cannot be used: {error}"),
            Self::Io(error) => error.fmt(f),
        }
    }
}
