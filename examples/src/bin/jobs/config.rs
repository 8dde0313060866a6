//! What the environment says.

use std::env::{self, VarError};
use std::fmt::{self, Display};
use std::io;
use std::process::ExitCode;
use std::str::FromStr;
use std::thread::available_parallelism;
use std::time::Duration;

use redis::Client;

use crate::connection;
use crate::rate::Rate;
use crate::secret::SecretKey;
use crate::store::Limits;

/// How long a process is believed to be alive without a word: then its jobs are others', and so are its keys.
pub(crate) const LEASE: Duration = Duration::from_secs(5);

pub(crate) struct Config {
    /// The port on the loopback; 0 lets the system pick one.
    pub(crate) port: u16,
    /// Where all state is kept; in memory if there is none.
    pub(crate) redis: Option<Client>,
    /// How long Redis is waited for, if not by each layer for a time of its own.
    pub(crate) store_timeout: Option<Duration>,
    pub(crate) secret: SecretKey,
    /// How many images are worked on at once.
    pub(crate) workers: usize,
    pub(crate) limits: Limits,
    /// How much a client may ask for.
    pub(crate) rate: Rate,
    /// Which pages may use the service, separated by commas.
    pub(crate) origins: Option<String>,
    /// May webhooks be sent to this machine?
    pub(crate) webhook_loopback: bool,
    /// May clients ask for pauses?
    pub(crate) demo: bool,
}

impl Config {
    pub(crate) fn from_env() -> Result<Self, Failure> {
        let store_timeout = store_timeout()?;
        let redis = redis(store_timeout)?;
        let megabytes: u64 = number("ROOM_MB", 256, 1, 64 * 1024)?;
        let limits = Limits {
            line: number("MAX_LINE", 256, 1, 100_000)?,
            of_one: number("MAX_PER_ACCOUNT", 100, 1, 10_000)?,
            room: megabytes * 1024 * 1024,
            // Below the time for which idempotency keys are known: a key outlives the job that it has made.
            keep: Duration::from_secs(number("KEEP_SECONDS", 3_600, 1, 43_200)?),
            lease: LEASE,
            attempts: 5,
            endpoints: 16,
            owners: 10_000,
        };
        Ok(Self {
            port: number("PORT", 3_000, 0, u16::MAX)?,
            secret: secret(redis.is_some())?,
            redis,
            store_timeout,
            workers: number("WORKERS", available_parallelism().map_or(1, usize::from), 0, 64)?,
            limits,
            rate: rate()?,
            origins: read("ALLOWED_ORIGINS")?,
            webhook_loopback: flag("WEBHOOK_ALLOW_LOOPBACK", false)?,
            demo: flag("DEMO", true)?,
        })
    }
}

fn redis(store_timeout: Option<Duration>) -> Result<Option<Client>, Failure> {
    read("REDIS_URL")?.map(|url| connection::client(&url, store_timeout)).transpose()
}

fn store_timeout() -> Result<Option<Duration>, Failure> {
    let milliseconds = number("STORE_TIMEOUT_MS", 0, 10, 60_000)?;
    Ok((milliseconds > 0).then(|| Duration::from_millis(milliseconds)))
}

/// What processes share they must be able to read: with Redis one is named, and without it one will do for this process.
fn secret(is_shared: bool) -> Result<SecretKey, Failure> {
    let form = "use 64 hexadecimal digits, as of `openssl rand -hex 32`";
    match read("SECRET_KEY")? {
        // It is not repeated: most of a secret is one too.
        Some(text) => SecretKey::parse(&text)
            .ok_or_else(|| Failure::Config(format!("SECRET_KEY cannot be used; {form}"))),
        None if is_shared => {
            Err(Failure::Config(format!("REDIS_URL needs a SECRET_KEY beside it; {form}")))
        }
        None => Ok(SecretKey::random()?),
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

fn number<T>(name: &str, unset: T, least: T, most: T) -> Result<T, Failure>
where
    T: FromStr + PartialOrd + Display + Copy,
{
    let Some(text) = read(name)? else { return Ok(unset) };
    match text.parse() {
        Ok(number) if number >= least && number <= most => Ok(number),
        _ => {
            Err(Failure::Config(format!("{name} is {text:?}; use a number from {least} to {most}")))
        }
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
    /// Nobody can be served there; mostly because the port is taken. Exit code 1.
    Port(u16, io::Error),
    /// The system is out of something. Exit code 1.
    Io(io::Error),
}

impl Failure {
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Config(_) => 2,
            Self::Redis(_) | Self::Port(..) | Self::Io(_) => 1,
        })
    }

    /// Of a builder.
    pub(crate) fn config(errors: impl Display) -> Self {
        Self::Config(errors.to_string())
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(reason) | Self::Redis(reason) => f.write_str(reason),
            Self::Port(port, error) => write!(f, "port {port} (PORT) cannot be used: {error}"),
            Self::Io(error) => error.fmt(f),
        }
    }
}
