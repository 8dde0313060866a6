//! A real Chromium, driven by `driver.py`.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{LazyLock, Mutex, PoisonError};

use serde_json::{Value, json};

use crate::sites::{Arrived, Site};

/// One for all tests: it takes a second to start. It ends when its standard input does.
static CHROMIUM: LazyLock<Mutex<Chromium>> = LazyLock::new(|| Mutex::new(Chromium::start()));

/// What every script may use.
const PRELUDE: &str = "
    const ask = async (url, init) => {
        try {
            const response = await fetch(url, init);
            const headers = Object.fromEntries(response.headers);
            return {status: response.status, text: await response.text(), headers};
        } catch (error) {
            return {blocked: String(error)};
        }
    };
";

struct Chromium {
    stdin: ChildStdin,
    lines: std::io::Lines<BufReader<ChildStdout>>,
    _child: Child,
}

impl Chromium {
    fn start() -> Self {
        let python = std::env::var_os("STONEWORK_PYTHON").unwrap_or_else(|| "python3".into());
        let spawned = Command::new(&python)
            // From whichever crate this is built into.
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../cors/tests/browser/driver.py"))
            // A proxy of the environment would get in between.
            .env("NO_PROXY", "*")
            .env("no_proxy", "*")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let mut child = spawned.unwrap_or_else(|error| {
            panic!("{} cannot be started: {error}; run ./test.sh browser", python.display())
        });
        let stdin = child.stdin.take().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut chromium = Self { stdin, lines, _child: child };
        println!("Chromium {}", chromium.hear()["version"]);
        chromium
    }

    fn hear(&mut self) -> Value {
        let line = self.lines.next().expect("the driver runs; see above").unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }
}

/// What came of a script.
#[derive(Debug)]
pub(crate) struct Seen {
    /// What it returned.
    pub(crate) result: Value,
    /// What DevTools was told of requests that CORS stopped: the error, and what it names.
    pub(crate) cors: Vec<(String, String)>,
    /// The requests that have reached the service so far, preflights too.
    pub(crate) arrived: Vec<Arrived>,
}

impl Seen {
    pub(crate) fn preflights(&self) -> impl Iterator<Item = &Arrived> {
        self.arrived.iter().filter(|request| request.is_preflight())
    }
}

/// Runs a script in the page, which finds the service's URL in `api`.
pub(crate) fn in_page(page: &str, host: &str, service: &Site, script: &str) -> Seen {
    let seen = run(page, &format!("const api = 'http://{host}:{}'; {script}", service.port));
    Seen { arrived: service.arrived(), ..seen }
}

/// Runs the body of an async function in a fresh profile, on this page.
pub(crate) fn run(page: &str, script: &str) -> Seen {
    let mut chromium = CHROMIUM.lock().unwrap_or_else(PoisonError::into_inner);
    let order = json!({"page": page, "script": format!("{PRELUDE}{script}")});
    writeln!(chromium.stdin, "{order}").unwrap();
    let mut heard = chromium.hear();
    assert_eq!(heard["error"], Value::Null, "{script}");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let cors = heard["cors"].as_array().unwrap().iter();
    Seen {
        cors: cors.map(|status| (text(&status["error"]), text(&status["parameter"]))).collect(),
        arrived: Vec::new(),
        result: heard["result"].take(),
    }
}

#[track_caller]
pub(crate) fn assert_read(seen: &Seen) {
    assert_eq!(seen.result["status"], 200, "{seen:?}");
    assert_eq!(seen.cors, [], "{seen:?}");
}

/// DevTools says why, and of what.
#[track_caller]
pub(crate) fn assert_blocked(seen: &Seen, error: &str, names: &str) {
    assert!(seen.result["blocked"].is_string(), "{seen:?}");
    assert_eq!(seen.cors, [(error.to_owned(), names.to_owned())], "{seen:?}");
}
