use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::AsyncReadExt;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;

use super::MARK;
use crate::process::stay_on;

/// Clients of one server, each with a connection.
#[derive(Debug)]
pub struct Clients {
    runtime: Runtime,
    connections: Vec<TcpStream>,
    read: Arc<Told>,
}

/// How many events all of them have been told.
#[derive(Debug, Default)]
struct Told {
    events: AtomicUsize,
    awaited: AtomicUsize,
    done: Notify,
}

impl Clients {
    /// So many, all of whom have been answered.
    ///
    /// # Panics
    ///
    /// If one is not.
    pub fn connect(server: SocketAddr, count: usize) -> Self {
        stay_on(1);
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime starts");
        let connections = (0..count).map(|_| connect(server)).collect();
        Self { runtime, connections, read: Arc::default() }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.connections.len()
    }

    /// Reads all that comes, from now on.
    ///
    /// # Panics
    ///
    /// Outside of what is measured, if a connection cannot be read.
    pub fn read(&mut self) {
        let _entered = self.runtime.enter();
        for connection in &self.connections {
            let connection = connection.try_clone().expect("there is a number left for it");
            connection.set_nonblocking(true).expect("it is a socket");
            let connection = tokio::net::TcpStream::from_std(connection).expect("it is a socket");
            self.runtime.spawn(count(connection, Arc::clone(&self.read)));
        }
    }

    /// Waits until each has been told so many events more.
    pub fn told(&self, events: usize, publish: impl FnOnce()) {
        let Told { events: told, awaited, done } = &*self.read;
        awaited.fetch_add(events * self.connections.len(), Ordering::Relaxed);
        publish();
        self.runtime.block_on(async {
            while told.load(Ordering::Relaxed) < awaited.load(Ordering::Relaxed) {
                done.notified().await;
            }
        });
    }
}

/// Asks, and reads the head of the answer.
fn connect(server: SocketAddr) -> TcpStream {
    let mut connection = TcpStream::connect(server).expect("it listens");
    connection.set_nodelay(true).expect("it is a socket");
    let request = b"GET / HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n\r\n";
    connection.write_all(request).expect("it reads");
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        connection.read_exact(&mut byte).expect("it answers");
        head.extend(byte);
    }
    assert!(head.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&head));
    connection
}

async fn count(mut connection: tokio::net::TcpStream, told: Arc<Told>) {
    let mut buffer = vec![0; 4 * 1_024];
    while let Ok(length @ 1..) = connection.read(&mut buffer).await {
        let events = memchr::memchr_iter(MARK, &buffer[..length]).count();
        let before = told.events.fetch_add(events, Ordering::Relaxed);
        if before + events >= told.awaited.load(Ordering::Relaxed) {
            told.done.notify_one();
        }
    }
}
