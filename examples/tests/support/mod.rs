//! The real program, and a client that sees every byte of its answers.

// No test uses all of it.
#![allow(dead_code)]

pub(crate) mod stream;
pub(crate) mod webhooks;

use std::future::Future;
use std::io::{BufRead, BufReader, Read};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::{Child, ChildStderr, ChildStdout, Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Longer than any wait of a test that passes.
const DEADLINE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(5);

pub(crate) const RENT: &str = r#"{"to":"bob","amount":100}"#;

/// For a service whose Redis does not go away: a busy machine is no outage.
pub(crate) const PATIENT: (&str, &str) = ("STORE_TIMEOUT_MS", "20000");

pub(crate) const QUOTA_EXCEEDED: &str =
    "https://iana.org/assignments/http-problem-types#quota-exceeded";

const VARIABLES: [&str; 13] = [
    "PORT",
    "REDIS_URL",
    "STORE_TIMEOUT_MS",
    "DATABASE_PATH",
    "RATE_LIMIT",
    "REMEMBER_SECONDS",
    "ALLOWED_ORIGINS",
    "CORS_DEBUG",
    "DEMO",
    "STRIPE_WEBHOOK_SECRET",
    "GITHUB_WEBHOOK_SECRET",
    "STANDARD_WEBHOOK_SECRET",
    "WEBHOOK_ALLOW_LOOPBACK",
];

/// The program with these variables and no others of its own.
pub(crate) fn program(variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_payments"));
    for name in VARIABLES {
        command.env_remove(name);
    }
    // The panics that are ordered would fill pages.
    command.env("RUST_BACKTRACE", "0").envs(variables.iter().copied());
    command
}

/// The program's end, when it is not expected to serve.
pub(crate) fn refuses_to_start(variables: &[(&str, &str)]) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } = program(variables).output().expect("run payments");
    assert!(stdout.is_empty(), "{}", String::from_utf8_lossy(&stdout));
    (status.code(), String::from_utf8(stderr).expect("UTF-8"))
}

/// A running service, killed when dropped.
#[derive(Debug)]
pub(crate) struct Service {
    child: Child,
    stdout: BufReader<ChildStdout>,
    port: u16,
}

impl Service {
    /// A service on a port of the system's choice, with keys in memory.
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    pub(crate) fn with(variables: &[(&str, &str)]) -> Self {
        Self::of(program(variables))
    }

    /// Any program that says where it listens, as `payments` does.
    pub(crate) fn of(mut program: Command) -> Self {
        let started = Self::try_at(&mut program, 0);
        started.unwrap_or_else(|line| panic!("not the line to expect: {line:?}"))
    }

    /// The same on this port. Gives what it says instead, as when somebody else has the port.
    pub(crate) fn try_at(program: &mut Command, port: u16) -> Result<Self, String> {
        let mut child = program
            .env("PORT", port.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("run the program");
        let mut stdout = BufReader::new(child.stdout.take().expect("its output"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("a line of its output");
        // From here on it is killed when dropped.
        let mut service = Self { child, stdout, port };
        let listens = line.strip_prefix("listening on http://127.0.0.1:");
        if let Some(port) = listens.and_then(|port| port.trim_end().parse().ok()) {
            service.port = port;
            return Ok(service);
        }
        let _ = service.child.kill();
        let mut errors = service.take_errors();
        errors.read_to_string(&mut line).expect("its errors");
        Err(line)
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), self.port)
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(("127.0.0.1", self.port)).await.expect("connect to payments")
    }

    /// Sends a request and waits for the whole answer.
    pub(crate) async fn ask(&self, request: &Request) -> Reply {
        let sent = async {
            let mut socket = self.begin(request).await;
            let mut answer = Vec::new();
            socket.read_to_end(&mut answer).await.expect("read the answer");
            Reply::parse(&answer)
        };
        in_time("the answer", sent).await
    }

    /// Sends a request and leaves the answer alone.
    pub(crate) async fn begin(&self, request: &Request) -> TcpStream {
        let mut socket = self.connect().await;
        socket.write_all(&request.to_bytes()).await.expect("send the request");
        socket
    }

    /// How an account stands: its balance, and how many transfers it made.
    pub(crate) async fn account(&self, account: &str) -> (u64, u64) {
        let reply = self.ask(&Request::get("/v1/account").account(account)).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        let number = |name: &str| reply.json[name].as_u64().expect("a number");
        (number("balance"), number("transfers"))
    }

    /// Waits until an account has made so many transfers.
    pub(crate) async fn until_transfers(&self, account: &str, count: u64) {
        until("the transfer is made", async || self.account(account).await.1 == count).await;
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it complains of from now on: who runs it for long reads that, or the pipe is full some day.
    pub(crate) fn take_errors(&mut self) -> ChildStderr {
        self.child.stderr.take().expect("its errors")
    }

    pub(crate) fn terminate(&self) {
        self.signal("-TERM");
    }

    /// As Ctrl-C does.
    pub(crate) fn interrupt(&self) {
        self.signal("-INT");
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        let status = Command::new("kill").args([signal, &pid]).status().expect("run kill");
        assert!(status.success(), "kill {signal} {pid}");
    }

    /// Waits for what it prints next.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("a line of its output");
        line
    }

    /// Waits for the end: the exit code, what else was printed, and the errors, unless they were taken.
    pub(crate) async fn ended(mut self) -> (Option<i32>, String, String) {
        let mut status = None;
        until("the service has ended", async || {
            status = self.child.try_wait().expect("wait for payments");
            status.is_some()
        })
        .await;
        let (mut rest, mut errors) = (String::new(), String::new());
        self.stdout.read_to_string(&mut rest).expect("the rest of its output");
        if let Some(stderr) = self.child.stderr.as_mut() {
            stderr.read_to_string(&mut errors).expect("its errors");
        }
        (status.and_then(|status| status.code()), rest, errors)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a request where perhaps nobody listens, or nobody will any more. `None` if there is no whole answer.
pub(crate) async fn try_ask(address: SocketAddr, request: &Request) -> Option<Reply> {
    let mut answer = Vec::new();
    let sent = async {
        let mut socket = TcpStream::connect(address).await?;
        socket.write_all(&request.to_bytes()).await?;
        socket.read_to_end(&mut answer).await
    };
    in_time("an answer, or none", sent).await.ok()?;
    let has_head = answer.windows(4).any(|bytes| bytes == b"\r\n\r\n");
    let reply = has_head.then(|| Reply::parse(&answer))?;
    let is_whole = reply.header("content-length") == Some(&*reply.body.len().to_string());
    is_whole.then_some(reply)
}

/// Tries as a client does: as long as it is told to come again.
pub(crate) async fn persist(service: &Service, request: &Request) -> Reply {
    let persisted = async {
        loop {
            let reply = service.ask(request).await;
            if reply.header("retry-after").is_none() {
                return reply;
            }
            assert!(matches!(reply.status, 409 | 503), "{reply:?}");
            tokio::time::sleep(10 * POLL).await;
        }
    };
    in_time("it is answered for good", persisted).await
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

/// A request over HTTP/1.1 on a connection of its own.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    head: String,
    body: String,
}

impl Request {
    pub(crate) fn new(method: &str, path: &str) -> Self {
        let head = format!("{method} {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n");
        Self { head, body: String::new() }
    }

    pub(crate) fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    /// A transfer by alice.
    pub(crate) fn transfer(body: &str) -> Self {
        Self::new("POST", "/v1/transfers")
            .account("alice")
            .header("content-type", "application/json")
            .body(body)
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.head.push_str(&format!("{name}: {value}\r\n"));
        self
    }

    /// Replaces who asks.
    pub(crate) fn account(self, account: &str) -> Self {
        self.without("authorization").header("authorization", &format!("Bearer {account}"))
    }

    /// Replaces whom the client believes to ask.
    pub(crate) fn host(self, host: &str) -> Self {
        self.without("host").header("host", host)
    }

    /// Replaces what becomes of the connection.
    pub(crate) fn connection(self, what: &str) -> Self {
        self.without("connection").header("connection", what)
    }

    fn without(mut self, name: &str) -> Self {
        let others = |line: &&str| !line.starts_with(&format!("{name}: "));
        self.head = self.head.split_inclusive("\r\n").filter(others).collect();
        self
    }

    pub(crate) fn key(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }

    pub(crate) fn body(mut self, body: &str) -> Self {
        body.clone_into(&mut self.body);
        self
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let Self { head, body } = self;
        format!("{head}content-length: {}\r\n\r\n{body}", body.len()).into_bytes()
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
    /// The body, if it is JSON.
    pub(crate) json: Value,
}

impl Reply {
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8(bytes.to_vec()).expect("UTF-8");
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no head: {text}"));
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
        let headers = lines.filter_map(|line| line.split_once(": "));
        Self {
            status: status.unwrap_or_else(|| panic!("no status: {text}")),
            headers: headers.map(|(name, value)| (name.into(), value.into())).collect(),
            body: body.to_owned(),
            json: serde_json::from_str(body).unwrap_or_default(),
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.lines(name).next()
    }

    pub(crate) fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.iter().map(|(name, value)| (&**name, &**value))
    }

    /// The values of all header lines of this name.
    pub(crate) fn lines(&self, name: &str) -> impl Iterator<Item = &str> {
        let found = self.headers.iter().filter(move |(known, _)| known == name);
        found.map(|(_, value)| &**value)
    }

    pub(crate) fn is_replay(&self) -> bool {
        self.header("idempotent-replayed") == Some("true")
    }

    /// Checks that this is the problem of this status and type, and says so in its body too.
    #[track_caller]
    pub(crate) fn assert_problem(&self, status: u16, type_uri: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        assert_eq!(self.json["status"], status, "{self:?}");
        assert_eq!(self.json["type"], type_uri, "{self:?}");
        assert!(self.json["title"].is_string(), "{self:?}");
    }

    /// Checks that this says that the limit is used up, and when to come again.
    #[track_caller]
    pub(crate) fn assert_limited(&self) {
        self.assert_problem(429, QUOTA_EXCEEDED);
        assert_eq!(self.json["violated-policies"], serde_json::json!(["requests"]), "{self:?}");
        let wait = self.header("retry-after").expect("when to come again");
        assert!(wait.bytes().all(|byte| byte.is_ascii_digit()), "{self:?}");
        assert_ne!(wait.parse(), Ok(0), "{self:?}");
        let standing = format!(r#""requests";r=0;t={wait}"#);
        assert_eq!(self.header("ratelimit"), Some(&*standing), "{self:?}");
    }
}
