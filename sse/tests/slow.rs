//! Clients that do not read: what they cost, whom they delay, and what becomes of them.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "../../cors/tests/support/sockets.rs"]
#[allow(dead_code)] // Other tests need more of it.
mod sockets;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::process::Stdio;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use sockets::{ask, ask_http2, hyper_server};
use stonework_sse::store::MemoryLog;
use stonework_sse::{
    Decoder, Delivery, Event, Hub, LastEventId, Position, Publish, SlowClients, SseBody, SseLayer,
    Subscribe,
};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::{oneshot, watch};
use tower::{Layer, service_fn};

const LOG: &str = "acct_7";

/// What all events say: a kilobyte, so that some thousands are more than sockets hold.
const DATA: &str = match std::str::from_utf8(&[b'x'; 1_000]) {
    Ok(data) => data,
    Err(_) => "",
};

async fn publish(hub: &Hub) -> Position {
    hub.publish(Publish::to(LOG, Event::new(DATA))).await.unwrap()
}

/// A hub that keeps so many events, of which those who read along have 1,000.
fn hub(kept: usize, slow: SlowClients) -> Hub {
    let log = MemoryLog::builder().max_events(kept).max_bytes(kept * 1_100).build().unwrap();
    let hub = Hub::builder(log).window_events(1_000).max_lag(1_000).window_bytes(2 << 20);
    hub.slow_clients(slow).build().unwrap()
}

/// Its events over both versions of HTTP.
async fn server(hub: Hub) -> SocketAddr {
    let events = service_fn(move |request: Request<Incoming>| {
        let hub = hub.clone();
        async move {
            let after = request.extensions().get::<LastEventId>().cloned();
            let events = hub.subscribe(Subscribe::to(LOG).after(after)).await.unwrap();
            Ok::<_, Infallible>(SseBody::new(events).into_response())
        }
    });
    hyper_server(SseLayer::builder().build().unwrap().layer(events)).await
}

/// Somebody who reads a stream, as a browser does.
struct Client {
    body: Incoming,
    decoder: Decoder,
    last: Position,
    /// Where streams went on that had left something out.
    gaps: Vec<(Position, Position)>,
}

impl Client {
    fn new(response: Response<Incoming>) -> Self {
        let last = Position::start(0);
        Self { body: response.into_body(), decoder: Decoder::new(), last, gaps: Vec::new() }
    }

    /// One whose stream begins here.
    async fn at(response: Response<Incoming>, last: Position) -> Self {
        Self { last, ..Self::new(response) }
    }

    /// One who is told where it begins.
    async fn now(response: Response<Incoming>) -> Self {
        let mut client = Self::new(response);
        while client.decoder.last_event_id().is_empty() {
            assert!(client.read().await, "it goes on");
        }
        client.last = client.decoder.last_event_id().parse().unwrap();
        client
    }

    /// Reads what comes next, unless it has ended. No event may be left out unsaid, or come twice.
    async fn read(&mut self) -> bool {
        let Some(frame) = self.body.frame().await else { return false };
        self.decoder.feed(&frame.unwrap().into_data().unwrap());
        while let Some(message) = self.decoder.message().unwrap() {
            let position: Position = message.last_event_id.parse().unwrap();
            if message.event_type == "gap" {
                assert_eq!(message.data, r#"{"reason":"skipped"}"#);
                self.gaps.push((self.last, position));
            } else {
                assert_eq!((message.data, position.offset), (DATA, self.last.offset + 1));
            }
            self.last = position;
        }
        true
    }

    async fn read_to(&mut self, position: Position) {
        while self.last != position {
            assert!(self.read().await, "it goes on");
        }
    }
}

/// Somebody who reads all the time, and says how far.
fn reads_along(mut client: Client) -> watch::Receiver<u64> {
    let (tell, told) = watch::channel(0);
    tokio::spawn(async move {
        while client.read().await {
            tell.send_replace(client.last.offset);
        }
    });
    told
}

/// Publishes so many, no faster than these read.
async fn publish_all(hub: &Hub, events: u64, readers: &mut [watch::Receiver<u64>]) -> Position {
    let mut last = Position::start(0);
    for published in 1..=events {
        last = publish(hub).await;
        if published % 200 == 0 || published == events {
            for reader in &mut *readers {
                reader.wait_for(|read| *read >= last.offset).await.unwrap();
            }
        }
    }
    last
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().unwrap().block_on(future)
}

fn events_at(address: SocketAddr) -> http::request::Builder {
    Request::get(format!("http://{address}/events"))
}

/// Clients of a process of their own, as far as memory is concerned: some that do not read, and one of each version of
/// HTTP that does.
async fn clients(
    address: SocketAddr,
    tell: oneshot::Sender<[watch::Receiver<u64>; 2]>,
) -> Vec<Client> {
    let mut frozen = Vec::new();
    for _ in 0..3 {
        frozen.push(Client::now(ask(address, Request::get("/events")).await).await);
        frozen.push(Client::now(ask_http2(address, events_at(address)).await).await);
    }
    let one = Client::now(ask(address, Request::get("/events")).await).await;
    let two = Client::now(ask_http2(address, events_at(address)).await).await;
    tell.send([reads_along(one), reads_along(two)]).unwrap();
    frozen
}

/// What there is of a client is a place: the log and the window have bounds of their own, and hyper takes no more of a
/// body than it may hold for a socket (some 400 KiB).
#[test]
fn memory_does_not_grow_for_whoever_does_not_read() {
    const EVENTS: u64 = 100_000;
    let (address, addressed) = oneshot::channel();
    let (tell, told) = oneshot::channel();
    let (over, is_over) = oneshot::channel::<()>();
    let others = std::thread::spawn(move || {
        block_on(async {
            let frozen = clients(addressed.await.unwrap(), tell).await;
            is_over.await.unwrap();
            frozen.iter().map(|client| client.last.offset).sum::<u64>()
        })
    });
    let allocated = allocation_counter::measure(|| {
        block_on(async {
            let hub = hub(1_000, SlowClients::Disconnect);
            address.send(server(hub.clone()).await).unwrap();
            let last = publish_all(&hub, EVENTS, &mut told.await.unwrap()).await;
            assert_eq!(last.offset, EVENTS);
            over.send(()).unwrap();
        });
    });
    assert_eq!(others.join().unwrap(), 0, "they have read nothing");
    let most = usize::try_from(allocated.bytes_max).unwrap();
    assert!(most < 8 << 20, "{most}");
    let queued = EVENTS as usize * DATA.len();
    assert!(queued > 10 * most, "one queue would be much more: {queued}");
}

/// By which a process of this program is one of its clients.
const SERVER: &str = "STONEWORK_SSE_SERVER";

/// Says that it reads, and in the end how far it has come.
#[tokio::test]
async fn a_process_that_reads() {
    let Ok(address) = std::env::var(SERVER) else { return };
    let address = address.parse().unwrap();
    let mut client = Client::now(ask(address, Request::get("/events")).await).await;
    println!("\nreads");
    while client.read().await {}
    println!("\nread {}", client.last.offset);
}

/// A client that is a process, which is killed in the end.
struct Process(Child);

impl Process {
    fn start(server: SocketAddr) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "a_process_that_reads", "--nocapture"]);
        command.env(SERVER, server.to_string()).stdout(Stdio::piped()).kill_on_drop(true);
        Self(command.spawn().unwrap())
    }

    async fn signal(&self, signal: &str) {
        let pid = self.0.id().unwrap().to_string();
        let status = Command::new("kill").args([signal, &pid]).status().await;
        assert!(status.unwrap().success());
    }
}

/// What it says after this word.
async fn says(lines: &mut Lines<BufReader<ChildStdout>>, word: &str) -> String {
    loop {
        let line = lines.next_line().await.unwrap().expect("it says so");
        if let Some(rest) = line.strip_prefix(word) {
            return rest.trim().to_owned();
        }
    }
}

/// As a laptop is that sleeps. Its connection takes what sockets hold, and the rest is not kept for it.
#[test]
fn a_client_that_is_stopped_costs_no_more_and_is_told_when_it_goes_on() {
    const EVENTS: u64 = 20_000;
    let allocated = allocation_counter::measure(|| {
        block_on(async {
            let hub = hub(1_000, SlowClients::Disconnect);
            let address = server(hub.clone()).await;
            let mut process = Process::start(address);
            let mut lines = BufReader::new(process.0.stdout.take().unwrap()).lines();
            says(&mut lines, "reads").await;
            process.signal("-STOP").await;
            let other = Client::now(ask(address, Request::get("/events")).await).await;
            publish_all(&hub, EVENTS, &mut [reads_along(other)]).await;
            process.signal("-CONT").await;
            let read: u64 = says(&mut lines, "read ").await.parse().unwrap();
            assert!(0 < read && read < EVENTS, "{read}");
        });
    });
    let most = usize::try_from(allocated.bytes_max).unwrap();
    assert!(most < 8 << 20, "{most}");
}

/// It is told of its end when it reads again, and what it missed is in the log.
#[tokio::test]
async fn who_reads_again_comes_back_and_has_missed_nothing() {
    const EVENTS: u64 = 20_000;
    for is_http2 in [false, true] {
        let hub = hub(EVENTS as usize, SlowClients::Disconnect);
        let address = server(hub.clone()).await;
        let open = async |after: Option<Position>| {
            let id = after.map(|after| after.to_string()).unwrap_or_default();
            match is_http2 {
                true => ask_http2(address, events_at(address).header("last-event-id", id)).await,
                false => ask(address, Request::get("/events").header("last-event-id", id)).await,
            }
        };
        let mut frozen = Client::now(open(None).await).await;
        let mut readers = [reads_along(Client::now(open(None).await).await)];
        let last = publish_all(&hub, EVENTS, &mut readers).await;
        while frozen.read().await {}
        let left = frozen.last;
        assert!(left.offset > 0 && left.offset < EVENTS, "{left}");
        let mut back = Client::at(open(Some(left)).await, left).await;
        back.read_to(last).await;
        publish_all(&hub, 10, &mut readers).await;
        back.read_to(publish(&hub).await).await;
        assert_eq!((frozen.gaps.len(), back.gaps.len()), (0, 0), "nothing is missing");
    }
}

/// What lies between is in no log for them, and so it is said.
#[tokio::test]
async fn who_reads_again_may_go_on_where_others_are() {
    const EVENTS: u64 = 20_000;
    for slow in [SlowClients::SkipToLatest, SlowClients::Drop] {
        let hub = hub(1_000, slow);
        let address = server(hub.clone()).await;
        let open = async || Client::now(ask(address, Request::get("/events")).await).await;
        let mut frozen = open().await;
        let mut readers = [reads_along(open().await)];
        let last = publish_all(&hub, EVENTS, &mut readers).await;
        while frozen.gaps.is_empty() {
            assert!(frozen.read().await, "it goes on");
        }
        let (left, resumed) = frozen.gaps[0];
        assert!(left.offset > 0 && left.offset < resumed.offset, "{left} {resumed}");
        match slow {
            SlowClients::SkipToLatest => assert_eq!(resumed, last),
            _ => assert_eq!(resumed.offset, EVENTS - 1_000, "before the oldest in the window"),
        }
        // From there on it has all, as the others have.
        publish_all(&hub, 500, &mut readers).await;
        frozen.read_to(publish(&hub).await).await;
        assert_eq!(frozen.gaps.len(), 1);
    }
}

/// One connection has many streams, and one that is not read holds up none of the others.
#[tokio::test]
async fn a_stream_that_is_not_read_delays_none_beside_it() {
    let hub = hub(1_000, SlowClients::Disconnect);
    let address = server(hub.clone()).await;
    let io = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
    tokio::spawn(connection);
    let mut open = async || {
        let request = events_at(address).body(Full::<Bytes>::default()).unwrap();
        Client::now(sender.send_request(request).await.unwrap()).await
    };
    let mut frozen = open().await;
    let mut readers = [reads_along(open().await), reads_along(open().await)];
    publish_all(&hub, 20_000, &mut readers).await;
    while frozen.read().await {}
    assert!(frozen.last.offset < 20_000, "it was ended");
}

/// However many events come before anybody else may run.
#[tokio::test(start_paused = true)]
async fn who_had_no_time_to_read_is_not_slow() {
    for (events, window) in [
        (100, 1_024),
        (1_000, 1_024),
        (5_000, 1_024),
        (5_000, 300),
        (5_000, 2),
        // Fewer than are announced without a look at the log.
        (50, 20),
        (50, 1),
    ] {
        let log = MemoryLog::builder().max_events(10_000).max_bytes(10 << 20).build().unwrap();
        let hub = Hub::builder(log).window_events(window).build().unwrap();
        let mut subscription = hub.subscribe(Subscribe::to(LOG)).await.unwrap();
        assert!(matches!(subscription.next().await, Some(Delivery::Checkpoint(_))));
        let reader = tokio::spawn(async move {
            let mut last = 0;
            while last < events {
                let Some(delivery) = subscription.next().await else { break };
                assert_eq!(delivery.position().offset, last + 1);
                last += 1;
            }
            (last, subscription.end())
        });
        tokio::task::yield_now().await;
        for _ in 0..events {
            publish(&hub).await;
        }
        assert_eq!(reader.await.unwrap(), (events, None), "{events} {window}");
    }
}
