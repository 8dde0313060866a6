//! Runs the scripts of `examples/clients`, each in a process of its own.

use std::ffi::OsString;
use std::process::Stdio;

use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// A script that runs, and prints a line of JSON for whatever it has to say. Killed when dropped.
pub(crate) struct Script {
    name: String,
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    /// `None` once it was closed.
    stdin: Option<ChildStdin>,
}

impl Script {
    pub(crate) fn start<A: AsRef<str>>(name: &str, arguments: impl IntoIterator<Item = A>) -> Self {
        let python = || std::env::var_os("STONEWORK_PYTHON").unwrap_or_else(|| "python3".into());
        let program = if name.ends_with(".mjs") { "node".into() } else { python() };
        let arguments = arguments.into_iter().map(|argument| OsString::from(argument.as_ref()));
        let spawned = Command::new(&program)
            // Beside the crate of the test, whichever that is.
            .arg(format!("{}/../examples/clients/{name}", env!("CARGO_MANIFEST_DIR")))
            .args(arguments)
            // A proxy of the environment would get in between.
            .env("NO_PROXY", "*")
            .env("no_proxy", "*")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn();
        let mut child = spawned.unwrap_or_else(|error| {
            panic!("{} cannot be started: {error}; run ./test.sh clients", program.display())
        });
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { name: name.to_owned(), stdin: child.stdin.take(), child, lines }
    }

    /// What it says next; `None` when it has ended, which must be well.
    pub(crate) async fn hear<T: DeserializeOwned>(&mut self) -> Option<T> {
        let Some(line) = self.lines.next_line().await.unwrap() else {
            let status = self.child.wait().await.unwrap();
            assert!(status.success(), "{} failed, see above: {status}", self.name);
            return None;
        };
        println!("{line}");
        Some(serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}")))
    }

    /// Lets it go on where it waits for a line.
    pub(crate) async fn go_on(&mut self) {
        self.stdin.as_mut().unwrap().write_all(b"\n").await.unwrap();
    }

    /// All that it has to say. It does not wait for anything.
    pub(crate) async fn hear_all<T: DeserializeOwned>(mut self) -> Vec<T> {
        self.stdin = None;
        let mut all = Vec::new();
        while let Some(said) = self.hear().await {
            all.push(said);
        }
        all
    }
}
