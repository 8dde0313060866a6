use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use allocation_counter::measure;
use axum::Router;
use axum::response::Response;
use axum::routing::get;
use http::header::CONTENT_TYPE;
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::super::sources::{Name, Source, data};
use super::{MARK, stay_on};

/// A server in a process of its own.
#[derive(Debug)]
pub struct Server {
    process: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    address: SocketAddr,
}

/// What a server has taken since it began.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Memory {
    /// Of the allocator, in bytes.
    pub heap: u64,
    /// Of the machine, in bytes.
    pub resident: u64,
}

impl Server {
    /// One that answers with such bodies. The program that calls this calls [`serve`] when it has an argument.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub fn start(name: Name) -> Self {
        let program = std::env::current_exe().expect("this program is somewhere");
        let mut command = Command::new(program);
        command.arg(format!("{name:?}")).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().expect("it starts");
        let orders = process.stdin.take().expect("it is piped");
        let mut answers = BufReader::new(process.stdout.take().expect("it is piped"));
        let address = line(&mut answers).parse().expect("it says where it listens");
        Self { process, orders, answers, address }
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Tells it to publish so many events at once.
    ///
    /// # Panics
    ///
    /// If it has ended.
    pub fn publish(&mut self, events: usize) {
        writeln!(self.orders, "{events}").expect("it listens");
    }

    /// What it has taken. It is of no other use then.
    ///
    /// # Panics
    ///
    /// If it does not say.
    pub fn memory(mut self) -> Memory {
        writeln!(self.orders, "memory").expect("it listens");
        let [heap, resident] =
            [(); 2].map(|()| line(&mut self.answers).parse().expect("it says a number"));
        Memory { heap, resident }
    }

    /// How long it has been at work.
    ///
    /// # Panics
    ///
    /// Where the system does not say.
    pub fn processor_time(&self) -> Duration {
        let path = format!("/proc/{}/schedstat", self.process.id());
        let said = std::fs::read_to_string(path).expect("it is Linux");
        let nanoseconds = said.split(' ').next().and_then(|word| word.parse().ok());
        Duration::from_nanos(nanoseconds.expect("it is a number"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn line(answers: &mut impl BufRead) -> String {
    let mut line = String::new();
    answers.read_line(&mut line).expect("it is text");
    line.trim().to_owned()
}

/// Serves, in the process that [`Server::start`] has started, until it is killed.
///
/// # Panics
///
/// If there is no such source, or nowhere to listen.
pub fn serve(name: &str) {
    let known = [Name::Idle, Name::Stonework, Name::Layered, Name::Shared, Name::Axum];
    let name = known.into_iter().find(|known| format!("{known:?}") == name);
    stay_on(0);
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime starts");
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port is free");
    println!("{}", listener.local_addr().expect("it is bound"));
    let source = Source::new(name.expect("it is the name of one"));
    let mut orders = orders();
    let resident_before = resident();
    let info = measure(|| {
        runtime.block_on(async {
            let app = Router::new().route("/", get(answer)).with_state(source.clone());
            tokio::spawn(async move { axum::serve(listener, app).await });
            obey(&source, &mut orders).await;
        });
    });
    println!("{}\n{}", info.bytes_current, resident().saturating_sub(resident_before));
    // All is kept until whoever asked has read the answer.
    while orders.blocking_recv().is_some() {}
}

async fn answer(axum::extract::State(source): axum::extract::State<Source>) -> Response {
    let mut response = Response::new(source.body().await);
    let events = http::HeaderValue::from_static("text/event-stream");
    response.headers_mut().insert(CONTENT_TYPE, events);
    response
}

/// Publishes what it is told to, until it is told otherwise.
async fn obey(source: &Source, orders: &mut UnboundedReceiver<String>) {
    let mut data = data();
    data.replace_range(..1, char::from(MARK).encode_utf8(&mut [0]));
    let mut number = 0;
    while let Some(Ok(events)) = orders.recv().await.map(|order| order.parse::<u64>()) {
        for _ in 0..events {
            number += 1;
            source.publish(number, &data).await;
        }
    }
}

fn orders() -> UnboundedReceiver<String> {
    let (sender, receiver) = unbounded_channel();
    std::thread::spawn(move || {
        for order in std::io::stdin().lines().map_while(Result::ok) {
            drop(sender.send(order));
        }
    });
    receiver
}

fn resident() -> u64 {
    let said = std::fs::read_to_string("/proc/self/statm").expect("it is Linux");
    let pages = said.split(' ').nth(1).and_then(|word| word.parse::<u64>().ok());
    pages.expect("it is a number") * rustix::param::page_size() as u64
}
