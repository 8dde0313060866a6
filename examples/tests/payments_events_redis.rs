//! Transfers as they are told where the logs are in Redis, by processes that crash, and a Redis that goes away.

#[path = "../../idempotency/tests/support/redis.rs"]
#[allow(dead_code)]
mod redis_server;
mod support;

use redis_server::Server;
use support::stream::{End, Stream, listen};
use support::{PATIENT, RENT, Reply, Request, Service, persist, until};

const UNAVAILABLE: &str = "urn:stonework:sse:log-unavailable";

/// One whose Redis is there whenever it is asked.
fn patient(redis: &Server) -> Service {
    Service::with(&[("REDIS_URL", &redis.url()), PATIENT])
}

fn service(redis: &Server) -> Service {
    Service::with(&[("REDIS_URL", &redis.url())])
}

async fn pay(service: &Service) -> Reply {
    let made = service.ask(&Request::transfer(RENT)).await;
    assert_eq!(made.status, 201, "{made:?}");
    made
}

fn of(made: &Reply) -> String {
    format!("event: transfer\ndata: {}\n\n", made.body)
}

fn gap() -> String {
    "event: gap\ndata: {\"reason\":\"replaced\"}\n\n".to_owned()
}

fn poll() -> Request {
    Request::get("/v1/events/poll").account("alice")
}

async fn after(service: &Service, cursor: &str) -> Stream {
    let request = listen("/v1/events", "alice").header("last-event-id", cursor);
    service.listen(&request).await
}

/// Waits until a process can read and write the logs.
async fn until_back(services: &[&Service]) {
    for service in services {
        until("the log is there", async || service.ask(&poll()).await.status == 200).await;
    }
}

#[tokio::test]
async fn a_process_that_crashes_takes_nothing_along() {
    let redis = Server::start().await;
    let first = patient(&redis);
    let (mut stream, start) = first.live("/v1/events", "alice").await;
    let made = [pay(&first).await, pay(&first).await];
    stream.told().await;
    drop(first);
    while stream.said().await != Err(End::Cut) {}
    let second = patient(&redis);
    let mut again = after(&second, &start).await;
    for made in &made {
        assert_eq!(again.told().await.rest, of(made));
    }
    let next = pay(&second).await;
    assert_eq!(again.told().await.rest, of(&next));
}

#[tokio::test]
async fn a_redis_that_restarts_with_its_data_loses_nothing_and_tells_nothing_twice() {
    let mut redis = Server::durable().await;
    let services = [patient(&redis), patient(&redis)];
    let (mut one, start) = services[0].live("/v1/events", "alice").await;
    let (mut two, _) = services[1].live("/v1/events", "alice").await;
    let mut all = Vec::new();
    for round in 0..3 {
        for service in &services {
            let made = pay(service).await;
            let told = one.told().await;
            assert_eq!(told.rest, of(&made), "{round}");
            assert_eq!(two.told().await, told);
            all.push(told);
        }
        redis.restart().await;
        until_back(&[&services[0], &services[1]]).await;
    }
    let mut again = after(&services[0], &start).await;
    for told in all {
        assert_eq!(again.told().await, told);
    }
}

#[tokio::test]
async fn of_a_redis_that_loses_its_data_all_are_told_of_a_gap() {
    let mut redis = Server::start().await;
    let services = [patient(&redis), patient(&redis)];
    let mut streams = Vec::new();
    for service in &services {
        streams.push(service.live("/v1/events", "alice").await.0);
    }
    let lost = pay(&services[0]).await;
    let mut cursor = String::new();
    for stream in &mut streams {
        let told = stream.told().await;
        assert_eq!(told.rest, of(&lost));
        cursor = told.id;
    }
    redis.restart().await;
    until_back(&[&services[0], &services[1]]).await;
    // Who was away is told as well.
    streams.push(after(&services[1], &cursor).await);
    let made = pay(&services[1]).await;
    for stream in &mut streams {
        assert_eq!(stream.told().await.rest, gap());
        assert_eq!(stream.told().await.rest, of(&made));
    }
}

/// The money has moved, whether or not anybody can be told. Nobody is told later: the list says what was made.
#[tokio::test]
async fn while_redis_is_away_transfers_are_made_and_told_to_nobody() {
    let mut redis = Server::durable().await;
    let service = service(&redis);
    let (mut stream, _) = service.live("/v1/events", "alice").await;
    let before = pay(&service).await;
    redis.kill();
    let mut turned_away = service.listen(&listen("/v1/events", "carol")).await;
    assert!(turned_away.block().await.is_ok_and(|block| block.starts_with("retry: ")));
    assert_eq!(turned_away.block().await, Err(End::Well));
    let mut untold = Vec::new();
    for _ in 0..3 {
        untold.push(pay(&service).await);
    }
    redis.restart().await;
    until_back(&[&service]).await;
    let later = pay(&service).await;
    assert_eq!(stream.told().await.rest, of(&before));
    assert_eq!(stream.told().await.rest, of(&later));
    let listed = service.ask(&Request::get("/v1/transfers").account("alice")).await;
    assert_eq!(listed.json["data"].as_array().map(Vec::len), Some(5));
    service.terminate();
    let (code, _, errors) = service.ended().await;
    assert_eq!(code, Some(0), "{errors}");
    for made in untold {
        let id = made.json["id"].as_str().expect("an id");
        let said = format!("nobody may have been told of transfer {id}");
        assert!(errors.contains(&said), "{said}: {errors}");
    }
}

/// What it was sent before it went on may be there. Nothing is there twice, and what is comes in order.
#[tokio::test]
async fn while_redis_hangs_transfers_are_answered_and_told_once_or_not_at_all() {
    let redis = Server::start().await;
    let service = service(&redis);
    let (mut stream, _) = service.live("/v1/events", "alice").await;
    redis.pause().await;
    let mut made = Vec::new();
    for _ in 0..4 {
        made.push(of(&pay(&service).await));
    }
    redis.resume();
    until_back(&[&service]).await;
    let last = of(&pay(&service).await);
    let mut left = made.iter();
    loop {
        let told = stream.told().await.rest;
        if told == last {
            break;
        }
        assert!(left.any(|made| *made == told), "{told}");
    }
}

#[tokio::test]
async fn while_redis_is_away_a_browser_is_told_to_come_back_and_others_get_a_503() {
    let mut redis = Server::durable().await;
    let service = service(&redis);
    let (mut open, start) = service.live("/v1/events", "alice").await;
    redis.kill();
    // Whose log is read here is served from what is here.
    let mut again = after(&service, &start).await;
    let browser = listen("/v1/events", "bob").connection("close");
    for (request, first) in [
        (browser.clone(), None),
        (browser.header("last-event-id", &start), Some(format!("id: {start}\n"))),
    ] {
        let reply = service.ask(&request).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        assert_eq!(reply.header("content-type"), Some("text/event-stream"));
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        let rest = reply.body.strip_prefix(&first.unwrap_or_default()).expect("where it was");
        let time = rest.strip_prefix("retry: ").and_then(|rest| rest.strip_suffix("\n\n"));
        let time: u64 = time.and_then(|time| time.parse().ok()).expect("when to come back");
        assert!((2_500..=5_000).contains(&time), "{reply:?}");
    }
    for path in ["/v1/events", "/v1/events/poll", &format!("/v1/events/poll?after={start}")] {
        let reply = service.ask(&Request::get(path).account("bob")).await;
        reply.assert_problem(503, UNAVAILABLE);
        assert!(reply.header("retry-after").is_some(), "{reply:?}");
    }
    let upgrade = Request::get("/v1/events/ws")
        .account("bob")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .connection("upgrade, close");
    service.ask(&upgrade).await.assert_problem(503, UNAVAILABLE);

    // Who was there has stayed, and is served with the rest.
    redis.restart().await;
    until_back(&[&service]).await;
    let made = pay(&service).await;
    for stream in [&mut open, &mut again, &mut after(&service, &start).await] {
        assert_eq!(stream.told().await.rest, of(&made));
    }
    let polled = persist(&service, &poll().header("last-event-id", &start)).await;
    assert_eq!(polled.json["events"][0]["data"], made.json, "{polled:?}");
}
