use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use http::header::CONTENT_TYPE;
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::sync::mpsc::UnboundedReceiver;

use super::super::sources::{Name, Source, data};
use super::MARK;
use crate::process::{Twin, orders, resident, stay_on};

/// A server in a process of its own.
#[derive(Debug)]
pub struct Server {
    twin: Twin,
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
        let mut twin = Twin::start(&format!("{name:?}"));
        let address = twin.line().parse().expect("it says where it listens");
        Self { twin, address }
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
        self.twin.tell(events);
    }

    /// What it has taken. It is of no other use then.
    ///
    /// # Panics
    ///
    /// If it does not say.
    pub fn memory(mut self) -> Memory {
        self.twin.tell("memory");
        let [heap, resident] =
            [(); 2].map(|()| self.twin.line().parse().expect("it says a number"));
        Memory { heap, resident }
    }

    /// How long it has been at work.
    ///
    /// # Panics
    ///
    /// Where the system does not say.
    pub fn processor_time(&self) -> Duration {
        self.twin.processor_time()
    }
}

/// Serves, in the process that [`Server::start`] has started, until it is killed. `heap_of` says how many bytes more of the
/// allocator there are after what it runs: only a program that measures this has an allocator that counts.
///
/// # Panics
///
/// If there is no such source, or nowhere to listen.
pub fn serve(name: &str, heap_of: impl FnOnce(Box<dyn FnOnce() + '_>) -> i64) {
    let known = [Name::Idle, Name::Stonework, Name::Layered, Name::Shared, Name::Axum];
    let name = known.into_iter().find(|known| format!("{known:?}") == name);
    stay_on(0);
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime starts");
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port is free");
    println!("{}", listener.local_addr().expect("it is bound"));
    let source = Source::new(name.expect("it is the name of one"));
    let mut orders = orders();
    let resident_before = resident();
    let heap = heap_of(Box::new(|| {
        runtime.block_on(async {
            let app = Router::new().route("/", get(answer)).with_state(source.clone());
            tokio::spawn(async move { axum::serve(listener, app).await });
            obey(&source, &mut orders).await;
        });
    }));
    println!("{heap}\n{}", resident().saturating_sub(resident_before));
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
