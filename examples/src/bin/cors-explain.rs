//! Says what the CORS policy of `payments` makes of a request, and why.
//!
//! ```text
//! cargo run -p examples --bin cors-explain -- --origin http://localhost:5173 --method PUT --header x-a
//! ```
//!
//! The origins are those of `ALLOWED_ORIGINS`, as for `payments`. `--config FILE` takes another
//! policy, as JSON. It ends with 0 if the page may read the response, 1 if not, and 2 if it was not
//! understood.

#[path = "payments/cors.rs"]
mod cors;
#[path = "payments/wish.rs"]
mod wish;

use std::env;
use std::fs;
use std::process::ExitCode;

use axum::http::Method;
use stonework_cors::{CorsConfig, Policy, Report};
use wish::{Wish, is_denied, parse};

const USAGE: &str =
    "usage: cors-explain --origin ORIGIN [--method METHOD] [--header NAME]... [--config FILE]";

fn main() -> ExitCode {
    match run(env::args().skip(1)) {
        Ok(reports) => {
            for (what, report) in &reports {
                println!("{what}: {report}\n");
            }
            ExitCode::from(u8::from(reports.iter().any(|(_, report)| is_denied(report))))
        }
        Err(error) => {
            eprintln!("cors-explain: {error}\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: impl Iterator<Item = String>) -> Result<Vec<(&'static str, Report)>, String> {
    let (wish, config) = read(arguments)?;
    wish.reports(&policy(config.as_deref())?)
}

/// What is asked for, and the file of the policy if it is not that of `payments`.
fn read(mut arguments: impl Iterator<Item = String>) -> Result<(Wish, Option<String>), String> {
    let (mut origin, mut method, mut headers, mut config) = (None, Method::GET, Vec::new(), None);
    while let Some(name) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{name} needs a value"));
        match name.as_str() {
            "--origin" => origin = Some(parse("an origin", &value()?)?),
            "--method" => method = wish::method(&value()?)?,
            "--header" => headers.push(parse("the name of a header", &value()?)?),
            "--config" => config = Some(value()?),
            other => return Err(format!("{other:?} is not known")),
        }
    }
    let origin = origin.ok_or("--origin is missing")?;
    Ok((Wish { origin, method, headers }, config))
}

fn policy(config: Option<&str>) -> Result<Policy, String> {
    let policy = match config {
        None => {
            let origins = env::var("ALLOWED_ORIGINS").ok().filter(|origins| !origins.is_empty());
            cors::say(Policy::builder(), origins.as_deref()).build()
        }
        Some(file) => {
            let text = fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
            let config: CorsConfig =
                serde_json::from_str(&text).map_err(|error| format!("{file}: {error}"))?;
            config.policy().build()
        }
    };
    policy.map_err(|errors| errors.to_string())
}
