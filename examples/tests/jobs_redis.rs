//! The jobs service with its jobs in Redis: processes that are killed, processes that take over, and a Redis that goes
//! away. What a client was told to be in line comes to its end, and everybody is told of it.

mod jobs_support;
#[path = "../../idempotency/tests/support/redis.rs"]
#[allow(dead_code)]
mod redis_server;

use std::collections::HashSet;
use std::time::Duration;

use image::ImageFormat;
use jobs_support::pictures::{assert_resized, png};
use jobs_support::receiver::Receiver;
use jobs_support::stream::{Stream, Told, listen};
use jobs_support::{SECRET_KEY, Service, persist, send, try_send, until};
use redis::cmd;
use redis_server::Server;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

const PAUSE: &str = "x-demo-pause-ms";
const SIZE: [u32; 2] = [40, 30];

/// How long a worker is believed to be alive without a word.
const LEASE: Duration = Duration::from_secs(5);

/// For a service whose Redis does not go away: a busy machine is no outage.
const PATIENT: (&str, &str) = ("STORE_TIMEOUT_MS", "20000");

fn with(redis: &Server, variables: &[(&str, &str)]) -> Service {
    let url = redis.url();
    Service::start(&[&[("REDIS_URL", &*url), ("SECRET_KEY", SECRET_KEY)], variables].concat())
}

fn service(redis: &Server) -> Service {
    with(redis, &[PATIENT])
}

/// A service that takes jobs and does none.
fn idle(redis: &Server) -> Service {
    with(redis, &[PATIENT, ("WORKERS", "0")])
}

/// An order that takes some seconds, if nobody is killed.
fn slow(service: &Service) -> RequestBuilder {
    pausing(service, "100")
}

/// An order with such pauses between its 34 steps, which can be sent again.
fn pausing(service: &Service, pause: &str) -> RequestBuilder {
    let key = uuid::Uuid::new_v4().to_string();
    let order = service.submit("alice", SIZE, &png(64, 64)).header("idempotency-key", key);
    order.header(PAUSE, pause)
}

async fn assert_succeeded(service: &Service, path: &str) -> Value {
    let job = service.ended_job("alice", path).await;
    assert_eq!(job["status"], "succeeded", "{job}");
    let result = persist(service.get("alice", &format!("{path}/result"))).await;
    assert_eq!(result.status, 200, "{result:?}");
    assert_resized(&result.body, ImageFormat::Png, [64, 64], SIZE, 4);
    job
}

/// Waits until nothing is left to be done for any job.
async fn settled(redis: &Server) {
    until("nobody is in line", async || {
        redis.ask::<usize>(cmd("ZCARD").arg("{jobs:images}:line")).await == 0
    })
    .await;
    let leased: usize = redis.ask(cmd("HLEN").arg("{jobs:images}:tokens")).await;
    let images: usize = redis.ask(cmd("HLEN").arg("{jobs:images}:images")).await;
    assert_eq!((leased, images), (0, 0), "nothing is left behind");
}

#[tokio::test]
async fn a_job_whose_process_is_killed_is_done_by_the_next_one() {
    let redis = Server::durable().await;
    let first = service(&redis);
    let receiver = Receiver::of(&first, "alice", &[]).await;
    let path = first.ordered(slow(&first)).await;
    first.under_way("alice", &path).await;
    first.kill();
    let second = service(&redis);
    let job = assert_succeeded(&second, &path).await;
    let event = receiver.told_of(&path).await;
    assert_eq!((&event["type"], &event["data"]), (&json!("image.succeeded"), &job));
    settled(&redis).await;
    assert_eq!(receiver.all().len(), 1);
}

#[tokio::test]
async fn a_job_whose_process_is_killed_is_taken_over_by_another() {
    let redis = Server::durable().await;
    let (idle, first) = (idle(&redis), service(&redis));
    let receiver = Receiver::of(&idle, "alice", &[]).await;
    let path = idle.ordered(slow(&idle)).await;
    idle.under_way("alice", &path).await;
    // Who reads along at the one that stays is told all of it, whoever does the work.
    let stream = Stream::open(&idle, "alice", &path, None).await;
    let second = service(&redis);
    first.kill();
    let job = assert_succeeded(&second, &path).await;
    assert_eq!(receiver.told_of(&path).await["data"], job);
    let told = stream.rest().await;
    let (last, before) = told.split_last().expect("events");
    assert_eq!(last.job, job);
    assert!(before.iter().all(|told| !told.is_final()), "there is one end: {told:?}");
}

/// At each time of a job's life: whatever was said to be in line ends, and is told of under one id.
#[tokio::test]
async fn processes_that_are_killed_again_and_again_lose_nothing() {
    let redis = Server::durable().await;
    let idle = idle(&redis);
    let receiver = Receiver::of(&idle, "alice", &[]).await;
    let mut paths = Vec::new();
    for round in 0..4 {
        for n in 0..4 {
            let order = idle.submit("alice", SIZE, &png(64, 64));
            paths.push(idle.ordered(order.header(PAUSE, (n * 10).to_string())).await);
        }
        let worker = service(&redis);
        // Some have ended, others were begun, and some were told of or not.
        until("as many have ended", async || {
            let list = idle.status("alice", "/v1/images?limit=100").await;
            let ended = list["data"].as_array().expect("data").iter();
            ended.filter(|job| job["status"] == "succeeded").count() > round * 3
        })
        .await;
        worker.kill();
    }
    let last = service(&redis);
    for path in &paths {
        let job = assert_succeeded(&last, path).await;
        assert_eq!(receiver.told_of(path).await["data"], job);
    }
    settled(&redis).await;
    assert_eq!(receiver.all().len(), paths.len());
}

/// The end is written, and the process is killed before it tells anybody: whoever comes next tells it.
#[tokio::test]
async fn an_end_that_nobody_was_told_of_is_told_later() {
    let redis = Server::durable().await;
    let first = service(&redis);
    let receiver = Receiver::of(&first, "alice", &[]).await;
    // The outbox is not what it was: nothing can be put into it.
    redis.ask::<()>(cmd("SET").arg("{jobs:outbox}:records").arg("other")).await;
    let path = first.ordered(first.submit("alice", SIZE, &png(64, 64))).await;
    let job = assert_succeeded(&first, &path).await;
    let line: usize = redis.ask(cmd("ZCARD").arg("{jobs:images}:line")).await;
    assert_eq!(line, 1, "it has ended, and is in line to be told of");
    first.kill();
    redis.ask::<()>(cmd("DEL").arg("{jobs:outbox}:records")).await;
    let second = service(&redis);
    assert_eq!(receiver.told_of(&path).await["data"], job);
    settled(&redis).await;
    assert_eq!(second.status("alice", &path).await, job, "it has ended once");
    let all = Stream::open(&second, "alice", &path, None).await.rest().await;
    assert_eq!(all.len(), 1);
    assert_eq!(listen(&second, "alice", &path, Some(&all[0].id)).await.status(), 204);
}

/// The webhook is in the outbox when its process is killed.
#[tokio::test]
async fn a_webhook_that_has_not_arrived_is_sent_by_the_next_process() {
    let redis = Server::durable().await;
    let first = service(&redis);
    let receiver = Receiver::of(&first, "alice", &[500]).await;
    let path = first.ordered(first.submit("alice", SIZE, &png(64, 64))).await;
    receiver.told_of(&path).await;
    first.kill();
    let second = service(&redis);
    until("it is told again", async || receiver.all().values().any(|told| told.len() > 1)).await;
    let event = receiver.told_of(&path).await;
    assert_eq!(event["data"], second.status("alice", &path).await);
}

#[tokio::test]
async fn who_reads_along_goes_on_after_a_restart_where_it_was() {
    let redis = Server::durable().await;
    let first = service(&redis);
    let path = first.ordered(pausing(&first, "300")).await;
    let mut stream = Stream::open(&first, "alice", &path, None).await;
    let mut seen: Vec<Told> = Vec::new();
    while seen.len() < 4 {
        seen.push(stream.next().await.expect("an event"));
    }
    first.kill();
    let second = service(&redis);
    let last = seen.last().map(|told| told.id.clone());
    let stream = Stream::open(&second, "alice", &path, last.as_deref()).await;
    seen.extend(stream.rest().await);
    let ids: HashSet<_> = seen.iter().map(|told| &told.id).collect();
    assert_eq!(ids.len(), seen.len(), "nothing is told twice: {seen:?}");
    let (end, before) = seen.split_last().expect("events");
    assert!(before.iter().all(|told| !told.is_final()), "{seen:?}");
    assert_eq!(end.job, assert_succeeded(&second, &path).await);
    let progress: Vec<_> = before.iter().map(|told| told.job["progress"].as_u64()).collect();
    assert!(!progress.is_sorted(), "it began again: {progress:?}");
}

#[tokio::test]
async fn an_order_whose_answer_was_lost_is_found_under_its_key() {
    let redis = Server::durable().await;
    let (first, other) = (idle(&redis), idle(&redis));
    let order = |service: &Service| {
        service.submit("alice", SIZE, &png(64, 64)).header("idempotency-key", "k")
    };
    let path = first.ordered(order(&first)).await;
    let again = send(order(&other)).await;
    assert_eq!((again.status, again.header("idempotent-replayed")), (202, "true"));
    assert_eq!(again.header("location"), path);
    // Not even what was answered is known any more, as after a crash between the job and its record.
    let keys: Vec<String> = redis.ask(cmd("KEYS").arg("jobs:idempotency:*")).await;
    assert_eq!(keys.len(), 1, "{keys:?}");
    redis.ask::<()>(cmd("DEL").arg(&keys)).await;
    let again = send(order(&other)).await;
    assert_eq!((again.status, again.header("location")), (202, &*path));
    assert!(!again.headers.contains_key("idempotent-replayed"), "it was run again");
    // A key whose job is another cannot make one.
    redis.ask::<()>(&cmd("FLUSHALL")).await;
    first.ordered(order(&first)).await;
    let keys: Vec<String> = redis.ask(cmd("KEYS").arg("jobs:idempotency:*")).await;
    redis.ask::<()>(cmd("DEL").arg(&keys)).await;
    let other = other.submit("alice", [1, 1], &png(64, 64)).header("idempotency-key", "k");
    send(other).await.assert_problem(422, "urn:stonework:jobs:other-order");
}

/// Its process is killed while clients send; they send again to another, and each order is one job.
#[tokio::test]
async fn orders_that_are_sent_to_a_process_that_dies_are_one_job_each() {
    let redis = Server::durable().await;
    let (first, second) = (idle(&redis), idle(&redis));
    let orders = |service: &Service| -> Vec<RequestBuilder> {
        let order = |n: usize| {
            let order = service.submit("alice", SIZE, &png(64, 64));
            order.header("idempotency-key", format!("k{n}"))
        };
        (0..24).map(order).collect()
    };
    let sent: Vec<_> =
        orders(&first).into_iter().map(|order| tokio::spawn(try_send(order))).collect();
    until("one has arrived", async || {
        redis.ask::<usize>(cmd("ZCARD").arg("{jobs:images}:line")).await > 0
    })
    .await;
    first.kill();
    for order in sent {
        let _ = order.await.expect("no panic");
    }
    let mut paths = HashSet::new();
    for order in orders(&second) {
        // A key whose process has died is held until its lease ends.
        paths.insert(second.ordered(order).await);
    }
    assert_eq!(paths.len(), 24);
    let line: usize = redis.ask(cmd("ZCARD").arg("{jobs:images}:line")).await;
    assert_eq!(line, 24, "one job for each order");
}

#[tokio::test]
async fn a_cancellation_at_one_process_stops_the_work_of_another() {
    let redis = Server::durable().await;
    let (idle, worker) = (idle(&redis), service(&redis));
    let receiver = Receiver::of(&idle, "alice", &[]).await;
    let path = idle.ordered(pausing(&idle, "1000")).await;
    idle.under_way("alice", &path).await;
    let cancelled = send(idle.request(Method::DELETE, &path).bearer_auth("alice")).await;
    assert_eq!(cancelled.json()["status"], "cancelled");
    assert_eq!(receiver.told_of(&path).await["type"], "image.cancelled");
    settled(&redis).await;
    // The next one is begun, so the worker has let go of that one.
    let next = idle.ordered(idle.submit("alice", SIZE, &png(64, 64))).await;
    assert_succeeded(&worker, &next).await;
    assert_eq!(idle.status("alice", &path).await["status"], "cancelled");
    // Its process is killed: nobody begins it again.
    worker.kill();
    let second = service(&redis);
    let last = second.ordered(second.submit("alice", SIZE, &png(64, 64))).await;
    assert_succeeded(&second, &last).await;
    assert_eq!(second.status("alice", &path).await["status"], "cancelled");
}

#[tokio::test]
async fn a_redis_that_is_killed_and_comes_back_costs_no_job() {
    let mut redis = Server::durable().await;
    let service = with(&redis, &[]);
    let receiver = Receiver::of(&service, "alice", &[]).await;
    let path = service.ordered(slow(&service)).await;
    service.under_way("alice", &path).await;
    let queued = service.ordered(slow(&service)).await;
    redis.kill();
    let away = send(service.get("alice", &path)).await;
    away.assert_problem(503, "urn:stonework:jobs:store-unavailable");
    assert_eq!(away.header("retry-after"), "1");
    let order = service.submit("alice", SIZE, &png(64, 64));
    send(order).await.assert_problem(503, "urn:stonework:jobs:store-unavailable");
    let order = service.submit("alice", SIZE, &png(64, 64)).header("idempotency-key", "k");
    send(order).await.assert_problem(503, "urn:stonework:idempotency:store-unavailable");
    redis.restart().await;
    for path in [&path, &queued] {
        let job = assert_succeeded(&service, path).await;
        assert_eq!(receiver.told_of(path).await["data"], job);
    }
    settled(&redis).await;
    assert_eq!(receiver.all().len(), 2);
}

/// It takes longer than any lease: whoever had the job may not have it any more, and one of them ends it.
#[tokio::test]
async fn a_redis_that_hangs_makes_nobody_do_a_job_twice_for_others_to_see() {
    let redis = Server::durable().await;
    let services = [with(&redis, &[]), with(&redis, &[])];
    let receiver = Receiver::of(&services[0], "alice", &[]).await;
    let mut paths = Vec::new();
    for _ in 0..4 {
        paths.push(services[0].ordered(slow(&services[0])).await);
    }
    services[0].under_way("alice", &paths[0]).await;
    redis.pause().await;
    until("it is noticed", async || send(services[0].get("alice", &paths[0])).await.status == 503)
        .await;
    // A lease is a time, which has to pass.
    tokio::time::sleep(LEASE).await;
    redis.resume();
    for path in &paths {
        let job = assert_succeeded(&services[1], path).await;
        assert_eq!(receiver.told_of(path).await["data"], job);
        let stream = Stream::open(&services[0], "alice", path, None).await.rest().await;
        assert_eq!(stream.last().map(|told| &told.job), Some(&job));
    }
    settled(&redis).await;
}

#[tokio::test]
async fn a_process_that_is_told_to_end_gives_its_jobs_back() {
    let redis = Server::durable().await;
    let (idle, first) = (idle(&redis), service(&redis));
    let path = idle.ordered(pausing(&idle, "300")).await;
    idle.under_way("alice", &path).await;
    first.terminate();
    let (code, errors) = first.ended().await;
    assert_eq!(code, Some(0), "{errors}");
    assert_eq!(idle.status("alice", &path).await["status"], "queued");
    let leased: usize = redis.ask(cmd("HLEN").arg("{jobs:images}:tokens")).await;
    assert_eq!(leased, 0);
    assert_succeeded(&service(&redis), &path).await;
}

/// Whoever reads Redis can neither sign as the service does, nor see what was shown once.
#[tokio::test]
async fn no_secret_is_in_redis() {
    let redis = Server::durable().await;
    let (one, other) = (idle(&redis), idle(&redis));
    let register = |service: &Service| {
        service
            .request(Method::POST, "/v1/webhook-endpoints")
            .bearer_auth("alice")
            .header("content-type", "application/json")
            .header("idempotency-key", "register")
            .body(r#"{"url":"https://example.com/"}"#)
    };
    let first = send(register(&one)).await;
    let again = send(register(&other)).await;
    assert_eq!((first.status, first.json()), (201, again.json()), "another process can open it");
    let secret = first.json()["secret"].as_str().expect("a secret").to_owned();
    let keys: Vec<String> = redis.ask(cmd("KEYS").arg("*")).await;
    assert!(keys.iter().any(|key| key.starts_with("jobs:idempotency:")), "{keys:?}");
    for key in keys {
        let kept: Vec<u8> = redis.ask(cmd("DUMP").arg(&key)).await;
        for hidden in [&*secret, SECRET_KEY] {
            assert!(!kept.windows(hidden.len()).any(|bytes| bytes == hidden.as_bytes()), "{key}");
        }
    }
}
