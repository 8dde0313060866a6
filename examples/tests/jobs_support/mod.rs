//! The real program, asked by reqwest over real sockets.

// No test uses all of it.
#![allow(dead_code)]

pub(crate) mod pictures;
pub(crate) mod receiver;
pub(crate) mod stream;

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use axum::body::Bytes;
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;

/// Longer than any wait of a test that passes.
const DEADLINE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(10);

/// What the processes of a test share.
pub(crate) const SECRET_KEY: &str =
    "6b8f0d5c2a9e4713b6d1c0f3e58a7294b1c6d7e8f9a0b1c2d3e4f5a6b7c8d9e0";

const VARIABLES: [&str; 12] = [
    "PORT",
    "REDIS_URL",
    "STORE_TIMEOUT_MS",
    "SECRET_KEY",
    "WORKERS",
    "MAX_LINE",
    "MAX_PER_ACCOUNT",
    "ROOM_MB",
    "KEEP_SECONDS",
    "RATE_LIMIT",
    "ALLOWED_ORIGINS",
    "DEMO",
];

/// The program with these variables and no others of its own. Webhooks may be sent to this machine.
pub(crate) fn program(variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jobs"));
    for name in VARIABLES {
        command.env_remove(name);
    }
    command.env("WEBHOOK_ALLOW_LOOPBACK", "1").envs(variables.iter().copied());
    command
}

/// A running service, killed when dropped.
pub(crate) struct Service {
    child: Child,
    stdout: BufReader<ChildStdout>,
    port: u16,
    client: Client,
}

impl Service {
    /// A service on a port of the system's choice.
    pub(crate) fn start(variables: &[(&str, &str)]) -> Self {
        let mut child = program(variables)
            .env("PORT", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("run jobs");
        let mut stdout = BufReader::new(child.stdout.take().expect("its output"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("a line of its output");
        let port = line
            .strip_prefix("listening on http://127.0.0.1:")
            .and_then(|port| port.trim_end().parse().ok())
            .unwrap_or_else(|| panic!("not the line to expect: {line:?}"));
        // A connection of its own for each request: one that is kept may be to a process that was killed.
        let client = Client::builder().pool_max_idle_per_host(0).no_proxy().build();
        Self { child, stdout, port, client: client.expect("a client") }
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("http://127.0.0.1:{}{path}", self.port))
    }

    pub(crate) fn get(&self, account: &str, path: &str) -> RequestBuilder {
        self.request(Method::GET, path).bearer_auth(account)
    }

    /// An order of this size.
    pub(crate) fn submit(&self, account: &str, size: [u32; 2], png: &Bytes) -> RequestBuilder {
        self.submit_as("image/png", account, size, png)
    }

    pub(crate) fn submit_as(
        &self,
        media_type: &str,
        account: &str,
        [width, height]: [u32; 2],
        image: &Bytes,
    ) -> RequestBuilder {
        self.request(Method::POST, &format!("/v1/images?width={width}&height={height}"))
            .bearer_auth(account)
            .header("content-type", media_type)
            .body(image.clone())
    }

    /// Where an order of this account, that was taken, is found.
    pub(crate) async fn ordered(&self, order: RequestBuilder) -> String {
        let reply = persist(order).await;
        assert_eq!(reply.status, 202, "{reply:?}");
        let location = reply.header("location").to_owned();
        assert_eq!(location, format!("/v1/images/{}", reply.json()["id"].as_str().expect("an id")));
        location
    }

    pub(crate) async fn status(&self, account: &str, path: &str) -> Value {
        let reply = send(self.get(account, path)).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.json()
    }

    /// Waits until a job is what it is to be.
    pub(crate) async fn until(
        &self,
        account: &str,
        path: &str,
        mut is: impl FnMut(&Value) -> bool,
    ) -> Value {
        let mut last = Value::Null;
        until(&format!("{path} is so"), async || {
            // A service whose store is away says so.
            let reply = send(self.get(account, path)).await;
            last = reply.json();
            reply.status == 200 && is(&last)
        })
        .await;
        last
    }

    pub(crate) async fn ended_job(&self, account: &str, path: &str) -> Value {
        self.until(account, path, |job| !["queued", "running"].iter().any(|s| job["status"] == *s))
            .await
    }

    /// Waits until a job is under way and has done something.
    pub(crate) async fn under_way(&self, account: &str, path: &str) {
        self.until(account, path, |job| job["progress"].as_u64().is_some_and(|done| done > 0))
            .await;
    }

    /// Ends the process as a crash does.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("kill jobs");
        self.child.wait().expect("wait for jobs");
    }

    pub(crate) fn terminate(&self) {
        let pid = self.child.id().to_string();
        let status = Command::new("kill").args(["-TERM", &pid]).status().expect("run kill");
        assert!(status.success(), "kill -TERM {pid}");
    }

    /// Waits for the end: the exit code, and the errors.
    pub(crate) async fn ended(mut self) -> (Option<i32>, String) {
        let mut status = None;
        until("the service has ended", async || {
            status = self.child.try_wait().expect("wait for jobs");
            status.is_some()
        })
        .await;
        let mut errors = String::new();
        let stderr = self.child.stderr.as_mut().expect("its errors");
        stderr.read_to_string(&mut errors).expect("its errors");
        (status.and_then(|status| status.code()), errors)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).unwrap_or_else(|| panic!("no {name}: {self:?}"));
        value.to_str().expect("text")
    }

    /// Checks that this is the problem of this status and type.
    #[track_caller]
    pub(crate) fn assert_problem(&self, status: u16, type_uri: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(self.json()["type"], type_uri, "{self:?}");
        assert_eq!(self.json()["status"], status, "{self:?}");
    }
}

pub(crate) async fn send(request: RequestBuilder) -> Reply {
    in_time("an answer", try_send(request)).await.expect("an answer")
}

/// Tries as a client does, who has named a key where it matters: as long as it may come again.
pub(crate) async fn persist(mut request: RequestBuilder) -> Reply {
    let persisted = async {
        loop {
            let again = request.try_clone().expect("bytes");
            let reply = send(request).await;
            if !matches!(reply.status, 409 | 503) {
                return reply;
            }
            request = again;
            tokio::time::sleep(5 * POLL).await;
        }
    };
    in_time("it is answered for good", persisted).await
}

pub(crate) async fn try_send(request: RequestBuilder) -> reqwest::Result<Reply> {
    let answer = request.send().await?;
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    Ok(Reply { status, headers, body: answer.bytes().await? })
}

/// Polls until it is so.
pub(crate) async fn until(what: &str, mut so: impl AsyncFnMut() -> bool) {
    let poll = async {
        while !so().await {
            tokio::time::sleep(POLL).await;
        }
    };
    in_time(what, poll).await;
}

pub(crate) async fn in_time<T>(what: &str, event: impl Future<Output = T>) -> T {
    let waited = tokio::time::timeout(DEADLINE, event).await;
    waited.unwrap_or_else(|_| panic!("waited in vain until {what}"))
}
