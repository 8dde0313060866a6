use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::Name;
use crate::process::stay_on;

const ORDER: &str = r#"{"to":"bob","amount":{"value":100,"currency":"USD"}}"#;

/// Connections that are always busy.
const CONNECTIONS: &str = "32";

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ask {
    /// One object. It has no key, and is in the newest version.
    Read,
    /// A page of 20.
    List,
    /// With a key that is new each time.
    Pay,
    /// With the same key each time.
    Retry,
}

/// What wrk has counted.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Answered {
    /// Answers, none of which was an error.
    pub requests: f64,
    /// The same by the clock.
    pub per_second: f64,
}

impl Ask {
    /// The words for it in a table.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Read => "`GET` of 110 B",
            Self::List => "`GET` of a page of 20",
            Self::Pay => "`POST` with a new key",
            Self::Retry => "`POST` with a known key",
        }
    }

    const fn path(self) -> &'static str {
        match self {
            Self::Read => "/transfers/7",
            Self::List => "/transfers?limit=20",
            Self::Pay | Self::Retry => "/transfers",
        }
    }

    fn headers(self) -> Vec<String> {
        let mut headers: Vec<_> = [
            "origin: https://app.example.com",
            "authorization: Bearer 0123456789abcdef",
            "api-version: 2",
        ]
        .map(str::to_owned)
        .into();
        if matches!(self, Self::Pay | Self::Retry) {
            headers.push("content-type: application/json".to_owned());
            headers.push("idempotency-key: known".to_owned());
        }
        headers
    }

    /// Asks this server twice, and looks at the second answer. A key that is known has been seen then.
    ///
    /// # Panics
    ///
    /// If it is not what these layers answer.
    pub fn check(self, server: SocketAddr, name: Name) {
        let mut connection = Connection::to(server);
        connection.ask(self);
        let answer = connection.ask(self);
        let status = if matches!(self, Self::Pay | Self::Retry) { "201" } else { "200" };
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{name:?}, {self:?}: {answer}");
        let is_behind = |layer: Name| name as usize >= layer as usize;
        let keyed = matches!(self, Self::Pay | Self::Retry);
        for (header, expected) in [
            ("access-control-allow-origin: https://app.example.com", is_behind(Name::Cors)),
            ("ratelimit: \"requests\";r=", is_behind(Name::Limits)),
            ("idempotent-replayed: true", is_behind(Name::Keys) && keyed),
            ("api-version: v2", is_behind(Name::Versions)),
            ("rel=\"next\"", is_behind(Name::All) && self == Self::List),
        ] {
            assert_eq!(answer.contains(header), expected, "{name:?}, {self:?}: {answer}");
        }
    }

    /// Asks so many times, over one connection, one after the other.
    ///
    /// # Panics
    ///
    /// If it is not answered.
    pub fn repeat(self, server: SocketAddr, times: u32) {
        let mut connection = Connection::to(server);
        for _ in 0..times {
            connection.ask(self);
        }
    }

    /// Lets wrk ask for so many seconds, from the second core.
    ///
    /// # Panics
    ///
    /// If wrk is not installed, or if an answer was an error.
    pub fn count(self, server: SocketAddr, seconds: u32) -> Answered {
        stay_on(1);
        let mut wrk = Command::new("wrk");
        wrk.args(["--threads", "1", "--connections", CONNECTIONS]);
        wrk.args(["--duration", &format!("{seconds}s")]);
        for header in self.headers() {
            wrk.args(["--header", &header]);
        }
        let script = match self {
            Self::Read | Self::List => None,
            Self::Pay => Some("keys.lua"),
            Self::Retry => Some("order.lua"),
        };
        if let Some(script) = script {
            wrk.args(["--script", &format!("{}/src/stack/{script}", env!("CARGO_MANIFEST_DIR"))]);
        }
        static RUN: AtomicUsize = AtomicUsize::new(0);
        wrk.arg(format!("http://{server}{}", self.path()));
        wrk.args(["--", ORDER, &RUN.fetch_add(1, Ordering::Relaxed).to_string()]);
        let output = wrk.output().expect("wrk is installed");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(!said.contains("Non-2xx") && !said.contains("Socket errors"), "{said}");
        Answered::read(&said).unwrap_or_else(|| panic!("{said}"))
    }
}

struct Connection(BufReader<TcpStream>);

impl Connection {
    fn to(server: SocketAddr) -> Self {
        Self(BufReader::new(TcpStream::connect(server).expect("it listens")))
    }

    fn ask(&mut self, ask: Ask) -> String {
        let (method, body) = match ask {
            Ask::Read | Ask::List => ("GET", ""),
            Ask::Pay | Ask::Retry => ("POST", ORDER),
        };
        let (path, headers, length) = (ask.path(), ask.headers().join("\r\n"), body.len());
        let head = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n{headers}");
        let request = format!("{head}\r\ncontent-length: {length}\r\n\r\n{body}");
        self.0.get_mut().write_all(request.as_bytes()).expect("it reads");
        self.answer()
    }

    fn answer(&mut self) -> String {
        let (mut head, mut length) = (String::new(), 0);
        while !head.ends_with("\r\n\r\n") {
            let before = head.len();
            let read = self.0.read_line(&mut head).expect("it answers in text");
            assert_ne!(read, 0, "it answers: {head}");
            if let Some(said) = head[before..].strip_prefix("content-length: ") {
                length = said.trim().parse().expect("it is a number");
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).expect("it answers with a body");
        head + &String::from_utf8_lossy(&body)
    }
}

impl Answered {
    fn read(said: &str) -> Option<Self> {
        let requests = said.lines().find_map(|line| line.trim().split_once(" requests in "))?;
        let rate = said.lines().find_map(|line| line.trim().strip_prefix("Requests/sec:"))?;
        Some(Self { requests: requests.0.parse().ok()?, per_second: rate.trim().parse().ok()? })
    }
}
