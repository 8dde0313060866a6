//! Streams before a real browser: what its EventSource reads, when it comes back, and with what.
//!
//! Run by `./test.sh browser`, which installs Chromium and what drives it.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "../../cors/tests/browser/chromium.rs"]
#[allow(dead_code)] // Other tests need more of it.
mod chromium;
#[path = "support/journey.rs"]
mod journey;
#[path = "support/proxy.rs"]
mod proxy;
#[path = "../../idempotency/tests/support/redis.rs"]
#[allow(dead_code)] // Other tests need more of it.
mod redis_server;
#[path = "support/server.rs"]
mod server;
#[path = "../../cors/tests/browser/sites.rs"]
#[allow(dead_code)] // Other tests need more of it.
mod sites;

use std::time::Duration;

use axum::Router;
use axum::extract::Path;
use axum::routing::post;
use journey::Journey;
use proxy::Proxy;
use redis_server::Server as Redis;
use serde_json::{Value, json};
use server::{Server, Told, all, raw, stream};
use stonework_sse::store::MemoryLog;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, MutexGuard, watch};
use tokio::task::JoinHandle;

/// When who is told to come back does so.
const SOON: Duration = Duration::from_millis(40);

/// There is one browser. Who waits for it waits here, and not in the middle of a test.
static BROWSER: Mutex<()> = Mutex::const_new(());

async fn alone() -> MutexGuard<'static, ()> {
    BROWSER.lock().await
}

/// Runs the body of an async function in this page, beside the test.
fn run(page: String, script: String) -> JoinHandle<Value> {
    tokio::task::spawn_blocking(move || chromium::run(&page, &script).result)
}

/// All that is told at this URL, to an event of the type `last`. Numbers are told to `seen`.
fn read(page: String, url: &str, last: &str, seen: &str) -> JoinHandle<Vec<Told>> {
    let script = format!(
        "return new Promise(done => {{
            const events = new EventSource('{url}');
            const told = [];
            const tell = ({{type, data, lastEventId}}) => {{
                told.push({{type, data, id: lastEventId}});
                const [number] = data.split('\\n');
                if (type === 'note') fetch('{seen}' + number, {{method: 'POST', mode: 'no-cors'}});
                if (type !== '{last}') return;
                events.close();
                done(told);
            }};
            for (const type of ['message', 'note', 'transfer', 'gap', 'end']) {{
                events.addEventListener(type, tell);
            }}
        }})"
    );
    let read = run(page, script);
    tokio::spawn(async move { serde_json::from_value(read.await.unwrap()).unwrap() })
}

/// Hears what a page has seen: the URL to tell it to, with a number at its end.
async fn hear(seen: watch::Sender<usize>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let note = async move |Path(number): Path<usize>| {
        // They may come in any order.
        seen.send_if_modified(|seen| number > std::mem::replace(seen, number.max(*seen)));
    };
    let app = Router::new().route("/{number}", post(note));
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    url
}

/// Empty data fires, lines have `\n` between them however they were written, and a gap has a listener of its own.
#[tokio::test]
async fn it_reads_all_kinds_of_frames() {
    let (_browser, server) = (alone().await, Server::start());
    for path in ["/frames", "/bytes"] {
        let told = read(server.url("/"), path, "gap", "").await.unwrap();
        assert_eq!(told, all(), "{path}");
    }
}

#[tokio::test]
async fn it_is_told_of_all_events_once_or_of_a_gap() {
    let _browser = alone().await;
    let mut journey = Journey::begin().await;
    // Without TLS it takes half of a head for a whole one, which may say nothing of events.
    journey.proxy.spare_heads();
    let seen = hear(journey.seen.clone()).await;
    let read = read(journey.proxy.url("/"), "/events", "end", &seen);
    journey.go().await;
    journey.assert_whole(&read.await.unwrap());
}

#[tokio::test]
async fn over_a_redis_that_is_killed_it_is_told_of_all_events_or_of_a_gap() {
    let _browser = alone().await;
    for is_kept in [false, true] {
        let mut redis = if is_kept { Redis::durable().await } else { Redis::start().await };
        let mut journey = Journey::over(&redis).await;
        let seen = hear(journey.seen.clone()).await;
        let read = read(journey.proxy.url("/"), "/events", "end", &seen);
        journey.go_over(&mut redis, is_kept).await;
        journey.assert_whole(&read.await.unwrap());
    }
}

/// Nothing has fired, and it knows where it was.
#[tokio::test]
async fn a_checkpoint_is_what_it_comes_back_with() {
    let (_browser, mut server) = (alone().await, Server::start());
    let proxy = Proxy::start(server.address).await;
    // A head, a checkpoint, and comments until there are so many bytes.
    proxy.cut_after([1_000]);
    let read = read(proxy.url("/"), "/events", "end", "");
    assert_eq!(server.arrivals.recv().await, Some(None));
    let cursor = server.cursor().await;
    assert_eq!(server.arrivals.recv().await, Some(Some(cursor)));
    server.tell("end", "").await;
    assert_eq!(read.await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_no_cursor_is_a_gap_and_the_stream_goes_on() {
    let (_browser, mut server) = (alone().await, Server::start());
    server.tell("note", "1").await;
    let gap = Told {
        event_type: "gap".to_owned(),
        data: r#"{"reason":"unknown"}"#.to_owned(),
        id: Some(server.cursor().await),
    };
    let read = read(server.url("/"), "/events?last_event_id=42", "end", "");
    assert_eq!(server.arrivals.recv().await, Some(Some("42".to_owned())));
    server.tell("end", "").await;
    let [told, _] = &read.await.unwrap()[..] else { panic!("a gap and an end") };
    assert_eq!(*told, gap);
}

/// It keeps its place over a server that has nothing for it, and one that has no room for it.
#[tokio::test]
async fn it_is_told_to_go_and_turned_away_and_keeps_its_cursor() {
    let (_browser, log) = (alone().await, MemoryLog::new());
    let mut first = Server::with(log.clone(), 10, SOON);
    let proxy = Proxy::start(first.address).await;
    let numbers = watch::Sender::new(0);
    let seen = hear(numbers.clone()).await;
    let read = read(proxy.url("/"), "/events", "end", &seen);
    assert_eq!(first.arrivals.recv().await, Some(None));
    first.tell("note", "1").await;
    numbers.subscribe().wait_for(|seen| *seen == 1).await.unwrap();
    let cursor = Some(first.cursor().await);
    let mut quiet = Server::with(log.clone(), 10, SOON);
    proxy.lead_to(Some(quiet.address));
    proxy.cut().await;
    assert_eq!(quiet.arrivals.recv().await, Some(cursor.clone()));
    let mut full = Server::with(log.clone(), 1, SOON);
    let other = stream(&full).await;
    assert_eq!(full.arrivals.recv().await, Some(None));
    proxy.lead_to(Some(full.address));
    quiet.stop();
    full.until_asked(4).await;
    drop(other);
    assert_eq!(full.arrivals.recv().await, Some(cursor));
    full.tell("end", "").await;
    let types: Vec<_> = read.await.unwrap().into_iter().map(|told| told.event_type).collect();
    assert_eq!(types, ["note", "end"]);
}

/// `readyState` is 0 where it comes back, and 2 where it never does.
#[tokio::test]
async fn of_a_thousand_streams_one_more_comes_back_and_after_a_503_it_does_not() {
    let (_browser, mut server) = (alone().await, Server::with(MemoryLog::new(), 1_000, SOON));
    let mut others = Vec::new();
    for _ in 0..1_000 {
        others.push(stream(&server).await);
        assert_eq!(server.arrivals.recv().await, Some(None));
    }
    let script = "
        const states = (path, others) => new Promise(done => {
            const [events, seen] = [new EventSource(path), []];
            events.onerror = () => {
                seen.push(events.readyState);
                if (events.readyState === EventSource.CLOSED) done(seen);
            };
            events.addEventListener('end', () => { events.close(); done(seen); });
        });
        return [await states('/unavailable'), await states('/events')];
    ";
    let states = run(server.url("/"), script.to_owned());
    // One was the 503.
    server.until_asked(1_004).await;
    others.pop();
    assert_eq!(server.arrivals.recv().await, Some(None));
    server.tell("end", "").await;
    let states = states.await.unwrap();
    assert_eq!(states[0], json!([2]));
    let turned_away = states[1].as_array().unwrap();
    assert!(turned_away.len() >= 2 && turned_away.iter().all(|state| *state == 0), "{states}");
}

fn answer(headers: &str, body: &str) -> String {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n";
    format!("{head}access-control-allow-origin: *\r\n{headers}\r\n{body}")
}

/// Who is told nothing comes back after three seconds, as it is in Chromium. Who is told an hour has not come by then.
#[tokio::test]
async fn it_comes_back_when_it_is_told_to() {
    let hour = Duration::from_secs(3_600);
    let (_browser, server) = (alone().await, Server::with(MemoryLog::new(), 1, hour));
    let _other = stream(&server).await;
    let (untold, mut asked) = raw(answer("", ":\n\n")).await;
    let script = format!(
        "return new Promise(done => {{
            const [told, untold] = [new EventSource('/events'), new EventSource('{untold}')];
            const errors = [0, 0];
            told.onerror = () => {{ errors[0] += 1; }};
            untold.onerror = () => {{
                errors[1] += 1;
                if (errors[0] === 0 || errors[1] < 3) return;
                told.close();
                untold.close();
                done([errors[0], told.readyState]);
            }};
        }})"
    );
    let errors = run(server.url("/"), script).await.unwrap();
    assert_eq!(errors, json!([1, 2]), "it was turned away once");
    assert_eq!(server.asked(), 2, "with the other one");
    for _ in 0..3 {
        asked.recv().await.unwrap();
    }
}

/// As it is in Fetch for 128 bytes at most. Chromium does not ask for longer ones either.
#[tokio::test]
async fn ids_are_carried_to_another_origin_without_a_preflight() {
    let (_browser, server) = (alone().await, Server::start());
    for id in ["ffffffff.18446744073709551615.ffffffff", &"a".repeat(128)] {
        let (url, mut asked) = raw(answer("", &format!("retry: 10\nid: {id}\n\n"))).await;
        let script = format!(
            "const events = new EventSource('{url}');
            await new Promise(done => {{
                let errors = 0;
                events.onerror = () => {{ if (++errors === 2) done(); }};
            }});
            events.close();"
        );
        run(server.url("/"), script).await.unwrap();
        let (first, second) = (asked.recv().await.unwrap(), asked.recv().await.unwrap());
        assert!(first.starts_with("GET ") && second.starts_with("GET "), "{first}{second}");
        let header = format!("\r\nLast-Event-ID: {id}\r\n").to_lowercase();
        assert!(second.to_lowercase().contains(&header), "{second}");
    }
}
