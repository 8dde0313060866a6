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

use std::env;
use std::fs;
use std::process::ExitCode;

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, header};
use stonework_cors::{CorsConfig, Policy, Report, RequestHead, explain};

const USAGE: &str =
    "usage: cors-explain --origin ORIGIN [--method METHOD] [--header NAME]... [--config FILE]";

/// What a page can send without asking first (Fetch, "CORS-safelisted"). With a content type of a
/// form it could do so too; here it is taken for JSON.
const SAFE_METHODS: [Method; 3] = [Method::GET, Method::HEAD, Method::POST];
const SAFE_HEADERS: [HeaderName; 3] =
    [header::ACCEPT, header::ACCEPT_LANGUAGE, header::CONTENT_LANGUAGE];

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

/// What a page wants to do.
#[derive(Default)]
struct Wish {
    origin: Option<HeaderValue>,
    method: Method,
    headers: Vec<HeaderName>,
    config: Option<String>,
}

fn run(arguments: impl Iterator<Item = String>) -> Result<Vec<(&'static str, Report)>, String> {
    let wish = Wish::of(arguments)?;
    let policy = policy(wish.config.as_deref())?;
    let mut reports = Vec::new();
    if wish.needs_preflight() {
        let preflight = report(&policy, Method::OPTIONS, wish.preflight()?);
        let denied = is_denied(&preflight);
        reports.push(("preflight", preflight));
        if denied {
            // The browser does not send what it asked for.
            return Ok(reports);
        }
    }
    reports.push(("request", report(&policy, wish.method.clone(), wish.actual())));
    Ok(reports)
}

const fn is_denied(report: &Report) -> bool {
    report.decision.reason().is_some()
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

fn report(policy: &Policy, method: Method, headers: HeaderMap) -> Report {
    let mut request = Request::new(());
    *request.method_mut() = method;
    *request.headers_mut() = headers;
    explain(policy, &RequestHead::of(&request))
}

impl Wish {
    fn of(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut wish = Self::default();
        while let Some(name) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{name} needs a value"));
            match name.as_str() {
                "--origin" => wish.origin = Some(parse("an origin", &value()?)?),
                "--method" => wish.method = normalised(&parse("a method", &value()?)?),
                "--header" => wish.headers.push(parse("the name of a header", &value()?)?),
                "--config" => wish.config = Some(value()?),
                other => return Err(format!("{other:?} is not known")),
            }
        }
        match wish.origin {
            Some(_) => Ok(wish),
            None => Err("--origin is missing".to_owned()),
        }
    }

    fn needs_preflight(&self) -> bool {
        let safe = self.headers.iter().all(|name| SAFE_HEADERS.contains(name));
        !(safe && SAFE_METHODS.contains(&self.method))
    }

    /// What a browser asks before it sends the request.
    fn preflight(&self) -> Result<HeaderMap, String> {
        let mut names: Vec<_> = self.headers.iter().map(HeaderName::as_str).collect();
        names.retain(|name| SAFE_HEADERS.iter().all(|safe| safe != name));
        names.sort_unstable();
        names.dedup();
        let mut headers = self.actual();
        let method = parse("a method", self.method.as_str())?;
        headers.insert(header::ACCESS_CONTROL_REQUEST_METHOD, method);
        if !names.is_empty() {
            let names = parse("names of headers", &names.join(","))?;
            headers.insert(header::ACCESS_CONTROL_REQUEST_HEADERS, names);
        }
        Ok(headers)
    }

    fn actual(&self) -> HeaderMap {
        self.origin.iter().map(|origin| (header::ORIGIN, origin.clone())).collect()
    }
}

/// As a browser sends it (Fetch, "normalize a method").
fn normalised(method: &Method) -> Method {
    let upper =
        [Method::DELETE, Method::GET, Method::HEAD, Method::OPTIONS, Method::POST, Method::PUT];
    let same = |known: &Method| known.as_str().eq_ignore_ascii_case(method.as_str());
    upper.into_iter().find(same).unwrap_or_else(|| method.clone())
}

fn parse<T: std::str::FromStr>(what: &str, text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{text:?} is not {what}"))
}
