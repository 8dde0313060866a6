//! Workers and receivers that are processes of their own, and die or stand still as such.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "support/post.rs"]
mod post;
#[path = "support/process.rs"]
mod process;
#[path = "support/receiver.rs"]
mod receiver;
#[allow(dead_code)] // Another crate's, of which a part is used.
#[path = "../../../idempotency/tests/support/redis.rs"]
mod redis_server;

use std::collections::{HashMap, HashSet};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use post::{Post, loopback, post_to, soon};
use process::{Process, told};
use receiver::{Received, Receiver, Reply};
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis_server::{Server, until};
use stonework_webhook_delivery::store::redis1::RedisOutbox;
use stonework_webhook_delivery::store::{Entry, List, State, StateKind};
use stonework_webhook_delivery::{DeliveryBuilder, Policy, Schedule};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// Longer than a test that passes.
const MINUTE: Duration = Duration::from_secs(60);

/// The lease of a worker that is to lose it.
const BRIEF: Duration = Duration::from_secs(2);

/// More than the two of them can have leased of one endpoint, together.
const EACH: usize = 2;

/// As often as it takes.
fn patient() -> Policy {
    soon().schedule(Schedule::new([Duration::from_millis(20); 1_000]))
}

/// An outbox that waits long for replies: a busy machine is no failure.
async fn outbox(redis: &str) -> RedisOutbox<ConnectionManager> {
    let config = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(MINUTE))
        .set_response_timeout(Some(MINUTE));
    let client = redis::Client::open(redis).unwrap();
    RedisOutbox::new(ConnectionManager::new_with_config(client, config).await.unwrap())
}

/// A delivery of this name, over a Redis that others share.
async fn post(redis: &str, url: &str, name: &str, lease: Duration) -> Post {
    let name = name.parse().unwrap();
    let more = |builder: DeliveryBuilder| {
        builder.guard(loopback()).lease(lease).concurrency(EACH).user_agent(name)
    };
    post_to(url, outbox(redis).await, patient(), more)
}

async fn entries(post: &Post, state: StateKind) -> Vec<Entry> {
    let page = post.delivery.list(List::new(1_000).in_state(state)).await.unwrap();
    assert_eq!(page.next, None, "on one page");
    page.entries
}

async fn until_delivered(post: &Post, count: usize) {
    until("all are delivered", async || {
        let delivered = List::new(1_000).in_state(StateKind::Delivered);
        post.delivery.list(delivered).await.is_ok_and(|page| page.entries.len() == count)
    })
    .await;
}

/// No test: the process of a worker, which others start.
#[tokio::test]
async fn a_worker_by_itself() {
    let Some([redis, url, name, lease]) = told() else { return };
    let lease = Duration::from_secs(lease.parse().unwrap());
    let post = post(&redis, &url, &name, lease).await;
    let _workers = post.delivery.start();
    std::future::pending::<()>().await;
}

fn worker(server: &Server, receiver: &Receiver, name: &str, lease: Duration) -> Process {
    let lease = lease.as_secs().to_string();
    Process::start("a_worker_by_itself", &[&server.url(), &receiver.url(), name, &lease])
}

/// Who sent it.
fn sender(received: &Received) -> &str {
    received.header("user-agent")
}

/// What has come, until both have sent something.
async fn both_begin(receiver: &mut Receiver) -> Vec<Received> {
    let mut came = Vec::new();
    let mut names = HashSet::new();
    while names.len() < 2 {
        came.push(receiver.next().await);
        names.insert(sender(came.last().unwrap()).to_owned());
    }
    came
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_workers_share_the_work_without_doubling_it() {
    const MESSAGES: usize = 200;
    let server = Server::start().await;
    let (open, gate) = watch::channel(false);
    let mut receiver = Receiver::start(move |_, _| Reply::Held(200, gate.clone())).await;
    let post = post(&server.url(), &receiver.url(), "nobody", MINUTE).await;
    for at in 0..MESSAGES {
        post.send(&format!("msg_{at}")).await;
    }
    let _workers = ["one", "two"].map(|name| worker(&server, &receiver, name, MINUTE));
    let mut came = both_begin(&mut receiver).await;
    open.send_replace(true);
    while came.len() < MESSAGES {
        came.push(receiver.next().await);
    }
    until_delivered(&post, MESSAGES).await;
    let ids: HashSet<_> = came.iter().map(Received::id).collect();
    assert_eq!(ids.len(), MESSAGES, "sent twice");
    for entry in entries(&post, StateKind::Delivered).await {
        assert_eq!((entry.tries, entry.attempts.len()), (1, 1), "{entry:?}");
    }
    assert!(receiver.webhooks.try_recv().is_err(), "sent twice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_worker_that_is_killed_under_load_only_what_it_had_leased_is_sent_again() {
    // It runs out for the one that is killed, and for no other, however busy the machine is.
    const LEASE: Duration = Duration::from_secs(10);
    let server = Server::start().await;
    let (open, gate) = watch::channel(false);
    let of_one = AtomicUsize::new(0);
    // One of its attempts is never answered, while its others go on.
    let mut receiver = Receiver::start(move |_, received| {
        let hangs = sender(received) == "one" && of_one.fetch_add(1, Ordering::SeqCst) == 20;
        if hangs { Reply::Nothing } else { Reply::Held(200, gate.clone()) }
    })
    .await;
    let post = post(&server.url(), &receiver.url(), "nobody", LEASE).await;
    let mut sent = 0..;
    let mut send = async || post.send(&format!("msg_{}", sent.next().unwrap())).await;
    for _ in 0..50 {
        send().await;
    }
    let [mut one, _two] = ["one", "two"].map(|name| worker(&server, &receiver, name, LEASE));
    let mut came = both_begin(&mut receiver).await;
    open.send_replace(true);
    let from_one = |came: &[Received]| came.iter().filter(|came| sender(came) == "one").count();
    while from_one(&came) < 40 {
        send().await;
        came.push(receiver.next().await);
    }
    one.kill();
    let leased = entries(&post, StateKind::Sending).await;
    let leased: HashSet<_> = leased.iter().map(|entry| entry.id.message().as_str()).collect();
    assert!(!leased.is_empty() && leased.len() <= 2 * EACH, "{leased:?}");
    until_delivered(&post, sent.start).await;
    while let Ok(received) = receiver.webhooks.try_recv() {
        came.push(received);
    }
    let mut times: HashMap<&str, Vec<&str>> = HashMap::new();
    for came in &came {
        times.entry(came.id()).or_default().push(sender(came));
    }
    assert_eq!(times.len(), sent.start, "nothing is lost");
    times.retain(|_, senders| senders.len() > 1);
    assert!((1..=EACH).contains(&times.len()), "what was not answered is sent again: {times:?}");
    for (id, senders) in times {
        assert_eq!(senders, ["one", "two"], "{id}");
        assert!(leased.contains(id), "{id}");
    }
}

/// It stands still for longer than its lease, as a machine does that is moved. Its attempt is answered meanwhile, and
/// counts for nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_worker_loses_that_stands_still_is_anothers() {
    let server = Server::start().await;
    let (open, gate) = watch::channel(false);
    let mut receiver = Receiver::start(move |nth, _| match nth {
        0 => Reply::Held(500, gate.clone()),
        _ => Reply::Status(200),
    })
    .await;
    let post = post(&server.url(), &receiver.url(), "nobody", BRIEF).await;
    post.send("msg_1").await;
    let one = Process::start("a_slow_worker_by_itself", &[&server.url(), &receiver.url()]);
    assert_eq!(receiver.next().await.id(), "msg_1");
    one.pause();
    until("it stands still", async || one.is_paused()).await;
    open.send_replace(true);
    let mut two = worker(&server, &receiver, "two", BRIEF);
    let again = receiver.next().await;
    assert_eq!((again.id(), sender(&again)), ("msg_1", "two"));
    until_delivered(&post, 1).await;
    two.kill();
    one.resume();
    // It makes one attempt at a time. When it makes another, it has said what it had to say of the first.
    post.send("msg_2").await;
    let next = receiver.next().await;
    assert_eq!((next.id(), sender(&next)), ("msg_2", "one"));
    until_delivered(&post, 2).await;
    let delivered = entries(&post, StateKind::Delivered).await;
    let first = delivered.iter().find(|entry| entry.id.message().as_str() == "msg_1").unwrap();
    let statuses: Vec<_> = first.attempts.iter().map(|attempt| attempt.status).collect();
    assert_eq!((first.state, first.tries, statuses), (State::Delivered, 2, vec![Some(200)]));
    assert!(receiver.webhooks.try_recv().is_err(), "it is not sent again");
}

/// No test: a worker that makes one attempt at a time.
#[tokio::test]
async fn a_slow_worker_by_itself() {
    let Some([redis, url]) = told() else { return };
    let one = |builder: DeliveryBuilder| {
        let builder = builder.guard(loopback()).lease(BRIEF).concurrency(1);
        builder.user_agent("one".parse().unwrap())
    };
    let post = post_to(&url, outbox(&redis).await, patient(), one);
    let _workers = post.delivery.start();
    std::future::pending::<()>().await;
}

/// A file in which a process says what it has read. What was written is there when the process is not any more.
struct Journal(PathBuf);

impl Journal {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("stonework-receiver-{}", uuid::Uuid::new_v4())))
    }

    fn lines(&self) -> Vec<String> {
        let text = std::fs::read_to_string(&self.0).unwrap_or_default();
        // The last line may be half of one.
        let lines = text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
        lines.map(str::to_owned).collect()
    }

    fn file(path: &Path) -> File {
        OpenOptions::new().create(true).append(true).open(path).unwrap()
    }

    /// Starts a process that writes here, on this port if there is one, and answers so many.
    async fn receiver(&self, port: u16, answers: usize) -> (Process, u16) {
        let begun = self.lines().len();
        let words = [self.0.to_str().unwrap(), &port.to_string(), &answers.to_string()];
        let process = Process::start("a_receiver_by_itself", &words);
        until("it listens", async || self.lines().len() > begun).await;
        let port = self.lines()[begun].strip_prefix("port ").unwrap().parse().unwrap();
        (process, port)
    }

    fn ids(&self) -> Vec<String> {
        self.lines().into_iter().filter(|line| !line.starts_with("port ")).collect()
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// No test: the process of a receiver.
#[tokio::test]
async fn a_receiver_by_itself() {
    let Some([path, port, answers]) = told() else { return };
    let (port, answers): (u16, usize) = (port.parse().unwrap(), answers.parse().unwrap());
    let journal = Mutex::new(Journal::file(Path::new(&path)));
    let mut listener = None;
    until("the port is free", async || {
        listener = TcpListener::bind(("127.0.0.1", port)).await.ok();
        listener.is_some()
    })
    .await;
    let listener = listener.unwrap();
    let port = listener.local_addr().unwrap().port();
    writeln!(journal.lock().unwrap(), "port {port}").unwrap();
    let _receiver = Receiver::on(listener, move |nth, received| {
        writeln!(journal.lock().unwrap(), "{}", received.id()).unwrap();
        if nth < answers { Reply::Status(200) } else { Reply::Nothing }
    });
    std::future::pending::<()>().await;
}

/// It has read some, and answered others, when it is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_is_killed_in_the_midst_of_it_gets_what_it_did_not_answer_again() {
    const ANSWERED: usize = 20;
    let server = Server::start().await;
    let journal = Journal::new();
    let (mut receiver, port) = journal.receiver(0, ANSWERED).await;
    let url = format!("http://127.0.0.1:{port}/hooks");
    let post = post(&server.url(), &url, "one", MINUTE).await;
    let sent: Vec<_> = (0..50).map(|at| format!("msg_{at}")).collect();
    for id in &sent {
        post.send(id).await;
    }
    let _workers = post.delivery.start();
    until("it reads and does not answer", async || journal.ids().len() == ANSWERED + EACH).await;
    until_delivered(&post, ANSWERED).await;
    receiver.kill();
    let before = journal.ids();
    let (_receiver, _) = journal.receiver(port, usize::MAX).await;
    until_delivered(&post, sent.len()).await;
    let after = journal.ids().split_off(before.len());
    let (answered, unanswered) = before.split_at(ANSWERED);
    let mut all = [answered, &after[..]].concat();
    all.sort();
    let mut sent = sent;
    sent.sort();
    assert_eq!(all, sent, "each was answered once");
    assert!(unanswered.iter().all(|id| after.contains(id)), "under the same id");
}
