//! What went over the wire, byte for byte, so that it can be sent again with some of them changed.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Stands in between, and remembers what a client sent.
pub(crate) struct Relay {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<u8>>>,
}

impl Relay {
    pub(crate) async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, seen) = (listener.local_addr().unwrap(), Arc::default());
        let remembered = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(relay(client, server, Arc::clone(&seen)));
            }
        });
        Self { address, seen: remembered }
    }

    /// The one request that was sent. Its answer must have come.
    pub(crate) fn request(&self) -> Wire {
        Wire::read(&self.seen.lock().unwrap())
    }
}

async fn relay(client: TcpStream, server: SocketAddr, seen: Arc<Mutex<Vec<u8>>>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = TcpStream::connect(server).await.unwrap().into_split();
    let back = tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
    let mut buffer = [0; 4096];
    // Either may leave at any time.
    while let Ok(len @ 1..) = from_client.read(&mut buffer).await {
        seen.lock().unwrap().extend_from_slice(&buffer[..len]);
        if to_server.write_all(&buffer[..len]).await.is_err() {
            break;
        }
    }
    drop(to_server);
    drop(back.await);
}

/// A request of HTTP/1.1.
#[derive(Clone)]
pub(crate) struct Wire {
    path: Vec<u8>,
    headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
}

impl Wire {
    fn read(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("a whole head");
        let mut lines = std::str::from_utf8(&bytes[..end]).unwrap().split("\r\n");
        let path = lines.next().unwrap().split(' ').nth(1).unwrap().as_bytes().to_vec();
        let headers = lines.map(|line| {
            let (name, value) = line.split_once(':').unwrap();
            (name.to_ascii_lowercase(), value.trim_start().as_bytes().to_vec())
        });
        let request = Self { path, headers: headers.collect(), body: bytes[end + 4..].to_vec() };
        let length = request.headers.iter().find(|header| header.0 == "content-length");
        let length = length.map_or("0", |header| std::str::from_utf8(&header.1).unwrap());
        assert_eq!(request.body.len().to_string(), length, "one request, and all of it");
        request
    }

    pub(crate) fn header(&self, name: &str) -> &[u8] {
        let found = self.headers.iter().find(|header| header.0 == name);
        &found.unwrap_or_else(|| panic!("no {name} in {self:?}")).1
    }

    pub(crate) fn text(&self, name: &str) -> &str {
        std::str::from_utf8(self.header(name)).unwrap()
    }

    /// The same with this value in place of the one that is there.
    pub(crate) fn with(&self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let mut changed = self.clone();
        let found = changed.headers.iter_mut().find(|header| header.0 == name);
        found.unwrap_or_else(|| panic!("no {name} in {self:?}")).1 = value.as_ref().to_vec();
        changed
    }

    /// The same with this header beside those that are there.
    pub(crate) fn and(&self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let mut changed = self.clone();
        changed.headers.push((name.to_owned(), value.as_ref().to_vec()));
        changed
    }

    pub(crate) fn without(&self, name: &str) -> Self {
        let mut changed = self.clone();
        changed.headers.retain(|header| header.0 != name);
        assert_ne!(changed.headers.len(), self.headers.len(), "no {name} in {self:?}");
        changed
    }

    pub(crate) fn with_body(&self, body: impl AsRef<[u8]>) -> Self {
        let mut changed = self.clone();
        changed.headers.retain(|header| header.0 != "content-length");
        let body = body.as_ref().to_vec();
        Self { body: body.clone(), ..changed.and("content-length", body.len().to_string()) }
    }

    /// The same at another path.
    pub(crate) fn at(&self, path: impl AsRef<[u8]>) -> Self {
        Self { path: path.as_ref().to_vec(), ..self.clone() }
    }

    pub(crate) fn path(&self) -> &str {
        std::str::from_utf8(&self.path).unwrap()
    }

    /// Sends it on a connection of its own, and hears the answer to its end.
    pub(crate) async fn send(&self, server: SocketAddr) -> Answer {
        let mut bytes = b"POST ".to_vec();
        bytes.extend_from_slice(&self.path);
        bytes.extend_from_slice(b" HTTP/1.1\r\nconnection: close\r\n");
        for (name, value) in self.headers.iter().filter(|(name, _)| name != "connection") {
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&self.body);
        let mut stream = TcpStream::connect(server).await.unwrap();
        stream.write_all(&bytes).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let answer = String::from_utf8(answer).unwrap();
        let (head, text) = answer.split_once("\r\n\r\n").expect("an answer");
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, text: text.to_owned() }
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "POST {}", self.path.escape_ascii())?;
        for (name, value) in &self.headers {
            writeln!(f, "{name}: {}", value.escape_ascii())?;
        }
        write!(f, "\n{}", self.body.escape_ascii())
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) text: String,
}

/// Every way to flip one bit: where, and what the byte becomes.
pub(crate) fn flips(bytes: &[u8]) -> impl Iterator<Item = Flip> {
    bytes.iter().enumerate().flat_map(move |(at, &from)| {
        (0..8).map(move |bit| Flip { at, from, to: from ^ (1 << bit) })
    })
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Flip {
    pub(crate) at: usize,
    pub(crate) from: u8,
    pub(crate) to: u8,
}

impl Flip {
    pub(crate) fn of(self, bytes: &[u8]) -> Vec<u8> {
        let mut flipped = bytes.to_vec();
        flipped[self.at] = self.to;
        flipped
    }

    /// No header of HTTP can have it.
    pub(crate) const fn is_control(self) -> bool {
        self.to.is_ascii_control() && self.to != b'\t'
    }

    /// A hexadecimal digit in the other case.
    pub(crate) const fn is_case(self) -> bool {
        self.from.is_ascii_hexdigit() && self.from ^ self.to == 0x20 && self.to.is_ascii_hexdigit()
    }
}
