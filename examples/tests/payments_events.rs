//! Transfers as they are told to clients who read along.

mod payments_events {
    mod polls;
}
mod support;

use serde_json::json;
use support::stream::{End, Stream, Told, listen};
use support::{Reply, Request, Service, in_time};
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};

const DRAINING: &str = "urn:stonework:sse:draining";
const UNAUTHENTICATED: &str = "urn:stonework:payments:unauthenticated";

/// The three ways to be told.
const WAYS: [&str; 3] = ["/v2/events", "/v2/events/poll", "/v2/events/ws"];

async fn pay_as(service: &Service, account: &str, version: &str, amount: u64) -> Reply {
    let amount = match version {
        "v1" => json!(amount),
        _ => json!({"value": amount, "currency": "USD"}),
    };
    let order = json!({"to": "bob", "amount": amount}).to_string();
    let request = Request::new("POST", &format!("/{version}/transfers"))
        .account(account)
        .header("content-type", "application/json")
        .body(&order);
    let made = service.ask(&request).await;
    assert_eq!(made.status, 201, "{made:?}");
    made
}

/// A transfer by alice.
async fn pay(service: &Service, amount: u64) -> Reply {
    pay_as(service, "alice", "v2", amount).await
}

/// What a stream says of a transfer, but for the id.
fn of(made: &Reply) -> String {
    format!("event: transfer\ndata: {}\n\n", made.body)
}

async fn poll(service: &Service, query: &str) -> Reply {
    service.ask(&Request::get(&format!("/v2/events/poll{query}")).account("alice")).await
}

/// Where alice's log ends now.
async fn cursor(service: &Service) -> String {
    let reply = poll(service, "").await;
    assert_eq!((reply.status, &reply.json["events"]), (200, &json!([])), "{reply:?}");
    reply.json["cursor"].as_str().expect("a cursor").to_owned()
}

async fn after(service: &Service, version: &str, cursor: &str) -> Stream {
    let request = listen(&format!("/{version}/events"), "alice");
    service.listen(&request.header("last-event-id", cursor)).await
}

/// So many blocks of a stream.
async fn told(stream: &mut Stream, count: usize) -> Vec<Told> {
    let mut all = Vec::new();
    for _ in 0..count {
        all.push(stream.told().await);
    }
    all
}

fn rests(told: &[Told]) -> Vec<&str> {
    told.iter().map(|told| &*told.rest).collect()
}

// Streams.

/// Nothing more, and nothing less: each of them keeps a proxy or a browser from something.
#[tokio::test]
async fn a_stream_says_what_it_is_and_begins_with_a_place() {
    let service = Service::start();
    for (version, others) in [
        (
            "v1",
            vec![
                ("deprecation", "@1788220800"),
                ("link", r#"</v2>; rel="successor-version""#),
                ("sunset", "Mon, 01 Sep 2036 00:00:00 GMT"),
            ],
        ),
        ("v2", vec![]),
    ] {
        let path = format!("/{version}/events");
        let mut stream = service.listen(&listen(&path, "alice")).await;
        assert_eq!(stream.head.status, 200);
        let mut headers: Vec<_> = stream.head.headers().collect();
        for changing in ["date", "ratelimit", "ratelimit-policy"] {
            let at = headers.iter().position(|(name, _)| *name == changing);
            headers.remove(at.unwrap_or_else(|| panic!("{changing}: {headers:?}")));
        }
        let mut expected = vec![
            ("content-type", "text/event-stream"),
            ("cache-control", "no-cache"),
            ("x-accel-buffering", "no"),
            ("transfer-encoding", "chunked"),
            ("vary", "api-version,authorization"),
            ("vary", "origin"),
            ("api-version", version),
            ("api-supported-versions", "v2"),
            ("api-deprecated-versions", "v1"),
        ];
        expected.extend(others);
        headers.sort_unstable();
        expected.sort_unstable();
        assert_eq!(headers, expected);
        let first = stream.block().await.expect("a block");
        let (epoch, rest) = first.strip_prefix("id: ").expect("an id").split_at(8);
        assert!(epoch.bytes().all(|byte| byte.is_ascii_hexdigit()), "{first}");
        assert_eq!(rest, ".0.00000000\n\n", "an id without data, which fires nothing");
    }
}

#[tokio::test]
async fn a_transfer_is_told_in_the_shape_that_it_was_answered_in() {
    let service = Service::start();
    let (mut one, begins) = service.live("/v1/events", "alice").await;
    let (mut two, _) = service.live("/v2/events", "alice").await;
    let (mut pinned, _) = service.live("/events", "alice").await;
    for version in ["v1", "v2"] {
        let made = pay_as(&service, "alice", version, 70).await;
        let path = |version: &str| {
            let id = made.json["id"].as_str().expect("an id");
            Request::get(&format!("/{version}/transfers/{id}")).account("alice")
        };
        let (first, second) = (one.told().await, two.told().await);
        assert_eq!(first.rest, of(&service.ask(&path("v1")).await));
        assert_eq!(second.rest, of(&service.ask(&path("v2")).await));
        assert_eq!(pinned.told().await, second, "who names none is pinned to the newest");
        assert_eq!(first.id, second.id, "a place is the same in all versions");
        assert_eq!(of(&made), if version == "v1" { first.rest } else { second.rest });
    }
    // All that has come since the beginning is given to who was there then.
    let again = told(&mut after(&service, "v1", &begins).await, 2).await;
    assert!(again.iter().all(|told| told.rest.contains(r#""amount":70,"#)), "{again:?}");
}

#[tokio::test]
async fn what_is_sent_twice_is_told_once() {
    let service = Service::start();
    let (mut stream, _) = service.live("/v2/events", "alice").await;
    let order = Request::transfer(support::RENT).key("k");
    assert!(!service.ask(&order).await.is_replay());
    assert!(service.ask(&order).await.is_replay());
    let refused = service.ask(&Request::transfer(r#"{"to":"bob","amount":5000}"#)).await;
    assert_eq!(refused.status, 402);
    let last = pay(&service, 1).await;
    let told = told(&mut stream, 2).await;
    assert!(told[0].rest.contains(r#""value":100,"#), "{told:?}");
    assert_eq!(told[1].rest, of(&last));
}

#[tokio::test]
async fn without_a_cursor_it_begins_now_and_with_one_after_it() {
    let service = Service::start();
    let start = cursor(&service).await;
    let first = pay(&service, 1).await;
    let (mut live, now) = service.live("/v2/events", "alice").await;
    let second = pay(&service, 2).await;
    assert_eq!(live.told().await.rest, of(&second));
    let all = told(&mut after(&service, "v2", &start).await, 2).await;
    assert_eq!(rests(&all), [of(&first), of(&second)]);
    assert_eq!(all[0].id, now, "the place of now is after the last event");
    let mut rest = after(&service, "v2", &now).await;
    assert_eq!(rest.told().await.rest, of(&second));
    // And it goes on, with what is new.
    let third = pay(&service, 3).await;
    for stream in [&mut live, &mut rest] {
        assert_eq!(stream.told().await.rest, of(&third));
    }
}

#[tokio::test]
async fn a_cursor_is_read_from_the_header_or_the_query() {
    let service = Service::start();
    let start = cursor(&service).await;
    let mut made = Vec::new();
    for amount in 1..=3 {
        made.push(of(&pay(&service, amount).await));
    }
    let ids: Vec<_> = told(&mut after(&service, "v2", &start).await, 3)
        .await
        .into_iter()
        .map(|told| told.id)
        .collect();
    let (first, second) = (&*ids[0], &*ids[1]);
    for (query, header, begins_after) in [
        (String::new(), Some(first), 1),
        (format!("?last_event_id={first}"), None, 1),
        (format!("?after={first}"), None, 1),
        (format!("?x=y&after={second}"), None, 2),
        // The browser knows better than the page where it was.
        (format!("?last_event_id={first}"), Some(second), 2),
        (format!("?after={first}&last_event_id={second}"), None, 1),
        (format!("?after=&last_event_id={second}"), Some(""), 2),
    ] {
        let mut request = listen(&format!("/v2/events{query}"), "alice");
        if let Some(header) = header {
            request = request.header("last-event-id", header);
        }
        let next = service.listen(&request).await.told().await;
        assert_eq!(next.rest, made[begins_after], "{query} {header:?}");
    }
}

#[tokio::test]
async fn an_account_is_told_of_its_own_transfers_alone() {
    let service = Service::start();
    let (mut alice, start) = service.live("/v2/events", "alice").await;
    let (mut bob, of_bob) = service.live("/v2/events", "bob").await;
    assert_ne!(start, of_bob);
    pay_as(&service, "bob", "v2", 11).await;
    let mine = pay(&service, 12).await;
    let others = pay_as(&service, "bob", "v2", 13).await;
    assert_eq!(alice.told().await.rest, of(&mine));
    assert!(bob.told().await.rest.contains(r#""value":11,"#));
    assert_eq!(bob.told().await.rest, of(&others));
    // A cursor is no key to what it came from: of another's log it is none.
    let stolen = listen("/v2/events", "bob").header("last-event-id", &start);
    let mut stolen = service.listen(&stolen).await;
    assert_eq!(stolen.told().await.rest, gap("replaced"));
    assert!(rests(&told(&mut stolen, 2).await).iter().all(|rest| !rest.contains(":12,")));
}

fn gap(reason: &str) -> String {
    format!("event: gap\ndata: {{\"reason\":\"{reason}\"}}\n\n")
}

/// A browser that is refused would never come back. It is told instead, and goes on.
#[tokio::test]
async fn what_is_no_cursor_is_a_gap_in_a_stream() {
    let service = Service::start();
    pay(&service, 1).await;
    let end = cursor(&service).await;
    let (place, last) = end.split_at(end.len() - 1);
    let forged = format!("{place}{}", if last == "1" { "2" } else { "1" });
    for (cursor, reason) in
        [("42", "unknown"), ("%ff", "unknown"), ("\u{e9}", "unknown"), (&*forged, "replaced")]
    {
        let mut stream = after(&service, "v2", cursor).await;
        assert_eq!(stream.told().await, Told { id: end.clone(), rest: gap(reason) }, "{cursor}");
    }
}

/// As many as browsers carry without asking for leave.
#[tokio::test]
async fn ids_have_at_most_128_visible_characters() {
    let service = Service::start();
    let (mut stream, first) = service.live("/v2/events", "alice").await;
    let mut ids = vec![first];
    for amount in 1..=12 {
        pay(&service, amount).await;
        ids.push(stream.told().await.id);
    }
    for id in &ids {
        assert!((1..=128).contains(&id.len()), "{id}");
        let is_safe = |byte: u8| byte.is_ascii_graphic() && !b"\"():<>?@[\\]{}".contains(&byte);
        assert!(id.bytes().all(is_safe), "{id}");
    }
    ids.dedup();
    assert_eq!(ids.len(), 13);
}

// Who may, and how.

#[tokio::test]
async fn a_stranger_is_told_nothing() {
    let service = Service::start();
    for path in WAYS {
        for request in [
            Request::get(path),
            Request::get(path).header("accept", "text/event-stream"),
            Request::get(&format!("{path}?after=00000001.0.00000000")),
            Request::get(path).header("authorization", "Bearer a.b"),
        ] {
            let reply = service.ask(&request).await;
            reply.assert_problem(401, UNAUTHENTICATED);
            assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
        }
    }
}

#[tokio::test]
async fn a_page_may_read_streams_and_polls_and_say_where_it_was() {
    let service = Service::start();
    let origin = "http://localhost:5173";
    let request = listen("/v2/events", "alice").header("origin", origin);
    let stream = service.listen(&request).await;
    let poll = Request::get("/v2/events/poll").account("alice").header("origin", origin);
    let poll = service.ask(&poll).await;
    for head in [&stream.head, &poll] {
        assert_eq!(head.status, 200);
        assert_eq!(head.header("access-control-allow-origin"), Some(origin), "{head:?}");
        assert!(head.lines("vary").any(|name| name == "origin"), "{head:?}");
        let exposed = head.header("access-control-expose-headers").expect("names");
        for name in ["last-event-id", "etag", "retry-after"] {
            assert!(exposed.split(',').any(|known| known == name), "{name} in {exposed}");
        }
    }
    let refused = Request::get("/v2/events").header("origin", origin);
    let refused = service.ask(&refused).await;
    refused.assert_problem(401, UNAUTHENTICATED);
    assert_eq!(refused.header("access-control-allow-origin"), Some(origin));
    let other = listen("/v2/events", "alice").header("origin", "https://app.example.com");
    let other = service.listen(&other).await;
    assert_eq!(other.head.header("access-control-allow-origin"), None);
    for path in WAYS {
        let preflight = Request::new("OPTIONS", path)
            .header("origin", origin)
            .header("access-control-request-method", "GET")
            .header("access-control-request-headers", "authorization,if-none-match,last-event-id");
        assert_eq!(service.ask(&preflight).await.status, 204, "{path}");
    }
}

#[tokio::test]
async fn only_get_has_events_and_head_says_what_they_would_be() {
    let service = Service::start();
    for path in WAYS {
        for method in ["POST", "PUT", "DELETE"] {
            let reply = service.ask(&Request::new(method, path).account("alice")).await;
            reply.assert_problem(405, "urn:stonework:payments:wrong-method");
            assert_eq!(reply.header("allow"), Some("GET,HEAD"), "{method} {path}");
        }
    }
    // The answer ends at once, and the connection can be used again.
    let mut socket = service.connect().await;
    let head = Request::new("HEAD", "/v2/events").account("alice").connection("keep-alive");
    socket.write_all(&head.to_bytes()).await.expect("send the request");
    let last = Request::new("HEAD", "/v2/events/poll").account("alice");
    socket.write_all(&last.to_bytes()).await.expect("send another");
    let mut answers = String::new();
    in_time("both are answered", socket.read_to_string(&mut answers)).await.expect("answers");
    let [_, stream, poll] = &answers.split("HTTP/1.1 ").collect::<Vec<_>>()[..] else {
        panic!("two answers: {answers}");
    };
    assert!(stream.starts_with("200 ") && stream.ends_with("\r\n\r\n"), "{stream}");
    assert!(stream.contains("content-type: text/event-stream\r\n"), "{stream}");
    assert!(poll.starts_with("200 ") && poll.ends_with("\r\n\r\n"), "{poll}");
    assert!(poll.contains("content-type: application/json\r\n"), "{poll}");
}

#[tokio::test]
async fn streams_count_as_requests_do() {
    let service = Service::with(&[("RATE_LIMIT", "2/h")]);
    let (mut stream, _) = service.live("/v2/events", "alice").await;
    pay(&service, 1).await;
    stream.told().await;
    service.ask(&Request::get("/v2/events").account("alice")).await.assert_limited();
}

// Many, and the end.

const MANY: usize = 1_000;

/// From one address, as behind a proxy.
async fn many(service: &Service) -> Vec<Stream> {
    let mut streams = Vec::new();
    for at in 0..MANY {
        let path = if at % 2 == 0 { "/v1/events" } else { "/v2/events" };
        streams.push(service.live(path, "alice").await.0);
    }
    streams
}

#[tokio::test]
async fn a_thousand_streams_are_open_at_once_and_all_are_told() {
    let service = Service::start();
    let mut streams = many(&service).await;
    for amount in 1..=3 {
        let made = pay(&service, amount).await;
        let id = made.json["id"].as_str().expect("an id");
        let one = Request::get(&format!("/v1/transfers/{id}")).account("alice");
        let shapes = [of(&service.ask(&one).await), of(&made)];
        let place = streams[0].told().await;
        assert_eq!(place.rest, shapes[0]);
        for (at, stream) in streams.iter_mut().enumerate().skip(1) {
            let told = stream.told().await;
            assert_eq!((&told.id, &told.rest), (&place.id, &shapes[at % 2]), "{at}");
        }
    }
}

/// When to come back, which is another time for each.
fn retry(block: &str) -> u64 {
    let time = block.strip_prefix("retry: ").and_then(|rest| rest.strip_suffix("\n\n"));
    time.and_then(|time| time.parse().ok()).unwrap_or_else(|| panic!("when to come back: {block}"))
}

#[tokio::test]
async fn a_thousand_streams_do_not_keep_it_from_its_end() {
    let service = Service::start();
    let mut streams = many(&service).await;
    service.terminate();
    let mut times = Vec::new();
    for stream in &mut streams {
        times.push(retry(&stream.said().await.expect("a word at the end")));
        assert_eq!(stream.said().await, Err(End::Well));
    }
    let (code, rest, errors) = service.ended().await;
    assert_eq!((code, &*rest), (Some(0), ""), "{errors}");
    assert!(!errors.contains("out of time"), "{errors}");
    assert!(times.iter().all(|time| (2_500..=5_000).contains(time)), "{times:?}");
    times.sort_unstable();
    times.dedup();
    assert!(times.len() > MANY / 4, "they come back one after the other: {times:?}");
}

#[tokio::test]
async fn who_waits_for_a_poll_or_reads_a_socket_is_let_go_at_the_end_too() {
    let service = Service::start();
    let cursor = cursor(&service).await;
    let mut socket = service.socket("/v2/events/ws", "alice").await;
    assert_eq!(socket.told().await, Ok(json!({"id": cursor})));
    // Sent together with another request, it is read when that one is answered.
    let first = Request::get("/v2/account").account("alice").connection("keep-alive").to_bytes();
    let poll = Request::get(&format!("/v2/events/poll?after={cursor}")).account("alice").to_bytes();
    let mut waiting = BufReader::new(service.connect().await);
    waiting.write_all(&[first, poll].concat()).await.expect("send both");
    let first = async {
        let mut answer = Vec::new();
        while !answer.ends_with(b"}") {
            answer.push(waiting.read_u8().await.expect("the first answer"));
        }
    };
    in_time("the first is answered", first).await;
    service.terminate();
    assert_eq!(socket.told().await, Err(Some(1012)));
    let mut answer = String::new();
    in_time("the poll is answered", waiting.read_to_string(&mut answer)).await.expect("an answer");
    // It waited, or was not let in any more.
    let is_refused = answer.starts_with("HTTP/1.1 503 ") && answer.contains(DRAINING);
    assert!(answer.starts_with("HTTP/1.1 204 ") || is_refused, "{answer}");
    let (code, _, errors) = service.ended().await;
    assert_eq!(code, Some(0), "{errors}");
    assert!(!errors.contains("out of time"), "{errors}");
}

/// Its log was in memory. Who comes back is not left to believe that nothing happened.
#[tokio::test]
async fn after_a_crash_who_comes_back_is_told_of_a_gap() {
    let first = Service::start();
    let (mut stream, _) = first.live("/v2/events", "alice").await;
    pay(&first, 1).await;
    let cursor = stream.told().await.id;
    // Nobody reads it any more.
    pay(&first, 2).await;
    drop(first);
    while stream.said().await != Err(End::Cut) {}

    let second = Service::start();
    let mut stream = after(&second, "v2", &cursor).await;
    let gap_told = stream.told().await;
    assert_eq!(gap_told.rest, gap("replaced"));
    let made = pay(&second, 3).await;
    let told = stream.told().await;
    assert_eq!(told.rest, of(&made));
    // Where the gap left it, it can come back to, and misses nothing.
    let mut again = after(&second, "v2", &gap_told.id).await;
    assert_eq!(again.told().await, told);
}
