use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use axum::body::Body;
use http_body::Body as _;
use tokio::runtime::{Builder, Runtime};
use tokio::task::{unconstrained, yield_now};

use super::sources::{Name, Source, data};
use crate::suite::{FLOOR, OURS, Scenario, Subject};
use crate::work::{Bench, Work};

/// How many clients there are, and how many events come before they read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case {
    clients: usize,
    backlog: usize,
}

pub(super) const CASES: [Case; 5] = [
    Case { clients: 100, backlog: 1 },
    Case { clients: 1_000, backlog: 1 },
    Case { clients: 1_000, backlog: 16 },
    Case { clients: 10_000, backlog: 1 },
    Case { clients: 10_000, backlog: 16 },
];

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { clients, backlog } = self;
        match backlog {
            1 => write!(f, "event to {clients} clients"),
            _ => write!(f, "event to {clients} clients, of {backlog} at once"),
        }
    }
}

pub(super) fn scenario(case: Case) -> Scenario {
    let subjects = [
        (Name::Floor, FLOOR, "as many bodies, nothing to tell"),
        (Name::Shared, "shared", "limit: tokio's `broadcast` of shared `Bytes`"),
        (Name::Stonework, OURS, "**stonework-sse**, `Hub`, `SseBody`"),
        (Name::Layered, "layered", "**stonework-sse**, the same below `SseLayer` with a `Drain`"),
        (Name::Axum, "axum", "tokio's `broadcast`, axum's `Event` for each client"),
    ];
    let subject = |(name, word, title)| {
        Subject::new(word, title, move || Bench::new(FanOut::new(name, case)))
    };
    let subjects = subjects.into_iter().map(subject).collect();
    Scenario {
        counts_instructions: false,
        ..Scenario::new(case.to_string(), case.backlog, subjects)
    }
}

/// Clients of one process, without their sockets.
struct FanOut {
    source: Source,
    clients: Vec<Client>,
    runtime: Runtime,
    data: String,
    backlog: usize,
    published: u64,
    count: usize,
}

impl FanOut {
    fn new(name: Name, case: Case) -> Self {
        let runtime = Builder::new_current_thread().enable_time().build();
        let runtime = runtime.expect("a runtime starts");
        let source = Source::new(name);
        let clients = runtime.block_on(async {
            let mut clients = Vec::new();
            for _ in 0..case.clients {
                clients.push(Client::new(source.body().await));
            }
            clients
        });
        let mut fan_out = Self {
            source,
            clients,
            runtime,
            data: data(),
            backlog: case.backlog,
            published: 0,
            count: 0,
        };
        fan_out.check(name);
        fan_out
    }

    /// All are told, and told what is said.
    fn check(&mut self, name: Name) {
        self.runtime.block_on(unconstrained(async {
            for client in &mut self.clients {
                client.read();
            }
        }));
        let before: Vec<u64> = self.clients.iter().map(|client| client.events).collect();
        self.count = 2 * self.backlog;
        self.run();
        for (client, before) in self.clients.iter().zip(before) {
            let expected = if name == Name::Floor { 0 } else { self.count as u64 };
            assert_eq!(client.events - before, expected, "{name:?}");
        }
    }
}

impl Work for FanOut {
    fn prepare(&mut self, count: usize) {
        self.count = count;
    }

    fn run(&mut self) {
        let Self { source, clients, data, published, count, backlog, .. } = self;
        self.runtime.block_on(unconstrained(async {
            let mut left = *count;
            while left > 0 {
                let at_once = left.min(*backlog);
                for _ in 0..at_once {
                    *published += 1;
                    source.publish(*published, data).await;
                }
                tell(source, clients, at_once as u64).await;
                left -= at_once;
            }
        }));
    }
}

/// Lets all who are woken read.
async fn tell(source: &Source, clients: &mut [Client], events: u64) {
    let Some(last) = clients.last() else { return };
    let all = last.events + if matches!(source, Source::Floor) { 0 } else { events };
    loop {
        clients.iter_mut().for_each(Client::read_if_woken);
        if clients.last().is_none_or(|last| last.events >= all) {
            return;
        }
        // Whoever publishes may have a task that does it.
        yield_now().await;
    }
}

struct Client {
    body: Body,
    woken: Arc<Woken>,
    waker: Waker,
    events: u64,
}

/// As the task of a connection is woken.
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }
}

impl Client {
    fn new(body: Body) -> Self {
        let woken = Arc::new(Woken(AtomicBool::new(true)));
        Self { body, waker: Arc::clone(&woken).into(), woken, events: 0 }
    }

    fn read_if_woken(&mut self) {
        if self.woken.0.swap(false, Ordering::Acquire) {
            self.read();
        }
    }

    /// Until there is nothing more.
    fn read(&mut self) {
        let mut cx = Context::from_waker(&self.waker);
        while let Poll::Ready(Some(Ok(frame))) = Pin::new(&mut self.body).poll_frame(&mut cx) {
            // What keeps a connection open is none, nor is a checkpoint.
            let is_event = frame.data_ref().is_some_and(|data| data.len() > 100);
            self.events += u64::from(is_event);
        }
    }
}
