//! The jobs service as its clients see it, with everything in memory.

mod jobs_support;

use image::ImageFormat;
use jobs_support::pictures::{assert_resized, bomb, encoded, picture, png};
use jobs_support::receiver::Receiver;
use jobs_support::stream::{Stream, Told, listen};
use jobs_support::{Service, in_time, persist, program, send, until};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const PAUSE: &str = "x-demo-pause-ms";

fn service() -> Service {
    Service::start(&[])
}

/// A service with one worker, and the job that keeps it busy until it is cancelled.
async fn busy() -> (Service, String) {
    let service = Service::start(&[("WORKERS", "1")]);
    let order = service.submit("alice", [40, 40], &png(64, 64)).header(PAUSE, "1000");
    let path = service.ordered(order).await;
    (service, path)
}

async fn cancel(service: &Service, path: &str) {
    let reply = send(service.request(Method::DELETE, path).bearer_auth("alice")).await;
    assert_eq!((reply.status, &reply.json()["status"]), (200, &json!("cancelled")), "{reply:?}");
}

fn is_final(job: &Value) -> bool {
    ["succeeded", "failed", "cancelled"].iter().any(|status| job["status"] == *status)
}

#[tokio::test]
async fn an_image_is_made_another_size() {
    let service = service();
    for (format, media_type, tolerance) in
        [(ImageFormat::Png, "image/png", 4), (ImageFormat::Jpeg, "image/jpeg", 24)]
    {
        let image = encoded(&picture(120, 80), format);
        let taken = send(service.submit_as(media_type, "alice", [30, 50], &image)).await;
        assert_eq!((taken.status, taken.header("retry-after")), (202, "1"), "{taken:?}");
        let path = taken.header("location").to_owned();
        let ended = service.ended_job("alice", &path).await;
        assert_eq!(ended["status"], "succeeded", "{ended}");
        assert_eq!(ended["content_type"], media_type);
        assert_eq!((&ended["width"], &ended["height"]), (&json!(30), &json!(50)));
        let link = ended["result"].as_str().expect("a link");
        let result = send(service.get("alice", link)).await;
        assert_eq!(result.status, 200, "{result:?}");
        assert_eq!(result.header("content-type"), media_type);
        assert_resized(&result.body, format, [120, 80], [30, 50], tolerance);
        let head = send(service.request(Method::HEAD, link).bearer_auth("alice")).await;
        assert_eq!((head.status, head.body.len()), (200, 0));
        assert_eq!(head.header("content-length"), result.body.len().to_string());
    }
}

#[tokio::test]
async fn who_has_it_already_is_sent_nothing() {
    let service = service();
    let path = service.ordered(service.submit("alice", [4, 4], &png(9, 9))).await;
    service.ended_job("alice", &path).await;
    for path in [path.clone(), format!("{path}/result")] {
        let first = send(service.get("alice", &path)).await;
        let tag = first.header("etag").to_owned();
        for known in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}"), "*".to_owned()] {
            let again = send(service.get("alice", &path).header("if-none-match", &known)).await;
            assert_eq!((again.status, again.body.len()), (304, 0), "{known}");
            assert_eq!(again.header("etag"), tag);
            assert_eq!(first.header("cache-control"), "private, no-cache");
            assert_eq!(again.header("cache-control"), first.header("cache-control"));
        }
        let other = send(service.get("alice", &path).header("if-none-match", "\"x\"")).await;
        assert_eq!((other.status, other.body), (200, first.body));
    }
}

#[tokio::test]
async fn while_it_runs_it_says_how_far_it_is_and_when_to_ask_again() {
    let (service, first) = busy().await;
    let order = service.submit("alice", [40, 40], &png(64, 64)).header(PAUSE, "200");
    let path = service.ordered(order).await;
    service.under_way("alice", &first).await;
    for path in [&first, &path] {
        let early = send(service.get("alice", &format!("{path}/result"))).await;
        early.assert_problem(404, "urn:stonework:jobs:no-result");
        assert_eq!(early.header("retry-after"), "1");
    }
    cancel(&service, &first).await;
    let (mut seen, mut tag) = (Vec::new(), String::new());
    loop {
        let mut reply = None;
        until("there is something new", async || {
            let asked = service.get("alice", &path).header("if-none-match", &tag);
            reply = Some(send(asked).await).filter(|reply| reply.status != 304);
            reply.is_some()
        })
        .await;
        let reply = reply.expect("it is there");
        assert_ne!(reply.header("etag"), tag, "what is not the same has another tag");
        reply.header("etag").clone_into(&mut tag);
        let job = reply.json();
        if is_final(&job) {
            assert_eq!(job["status"], "succeeded");
            assert!(!reply.headers.contains_key("retry-after"));
            break;
        }
        assert_eq!(reply.header("retry-after"), "1");
        seen.push(job["progress"].as_u64());
    }
    assert!(seen.len() > 3 && seen.is_sorted(), "{seen:?}");
}

#[tokio::test]
async fn of_the_jobs_of_others_nobody_is_told() {
    let service = service();
    let path = service.ordered(service.submit("alice", [4, 4], &png(9, 9))).await;
    service.ended_job("alice", &path).await;
    let unknown = "urn:stonework:jobs:unknown-image";
    for path in [path.clone(), format!("{path}/result"), format!("{path}/events")] {
        send(service.get("bob", &path)).await.assert_problem(404, unknown);
    }
    let cancelled = send(service.request(Method::DELETE, &path).bearer_auth("bob")).await;
    cancelled.assert_problem(404, unknown);
    assert_eq!(service.status("alice", &path).await["status"], "succeeded");
    assert_eq!(service.status("bob", "/v1/images").await["data"], json!([]));
    for path in ["/v1/images/0", "/v1/images/018f0000-0000-7000-8000-000000000000"] {
        send(service.get("alice", path)).await.assert_problem(404, unknown);
    }
    let stranger = send(service.request(Method::GET, &path)).await;
    stranger.assert_problem(401, "urn:stonework:jobs:unauthenticated");
}

#[tokio::test]
async fn who_reads_along_is_told_all_of_it_and_then_to_stop() {
    let (service, first) = busy().await;
    let order = service.submit("alice", [40, 40], &png(64, 64)).header(PAUSE, "20");
    let path = service.ordered(order).await;
    let stream = Stream::open(&service, "alice", &path, None).await;
    cancel(&service, &first).await;
    let all = stream.rest().await;
    let (last, before) = all.split_last().expect("events");
    assert!(before.len() > 3 && before.iter().all(|told| !told.is_final()), "{all:?}");
    let progress: Vec<_> = before.iter().map(|told| told.job["progress"].as_u64()).collect();
    assert!(progress.is_sorted(), "{progress:?}");
    assert_eq!((&*last.name, &last.job), ("succeeded", &service.status("alice", &path).await));

    // Who was not there for some of it is told the end, and who has read that is told to stay away.
    for after in [None, Some(&*before[1].id), Some("of another service")] {
        let told = Stream::open(&service, "alice", &path, after).await.rest().await;
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0].job, last.job);
        let id = told[0].id.clone();
        until("all were told", async || {
            listen(&service, "alice", &path, Some(&id)).await.status() == 204
        })
        .await;
    }
}

#[tokio::test]
async fn who_comes_back_while_it_runs_misses_nothing() {
    let (service, first) = busy().await;
    let order = service.submit("alice", [40, 40], &png(64, 64)).header(PAUSE, "200");
    let path = service.ordered(order).await;
    let whole = Stream::open(&service, "alice", &path, None).await;
    let mut cut = Stream::open(&service, "alice", &path, None).await;
    cancel(&service, &first).await;
    let mut seen = vec![cut.next().await.expect("an event")];
    while !seen.last().is_some_and(Told::is_final) {
        // Lost after each event.
        let after = seen.last().map(|told| told.id.clone());
        drop(cut);
        cut = Stream::open(&service, "alice", &path, after.as_deref()).await;
        seen.push(cut.next().await.expect("an event"));
    }
    let states = |told: Vec<Told>| {
        let mut states: Vec<_> = told.into_iter().map(|told| told.job).collect();
        // How it stood at first may be told by the event after it too.
        states.dedup();
        states
    };
    let (seen, expected) = (states(seen), states(whole.rest().await));
    assert!(seen.len() > 3, "{seen:?}");
    assert_eq!(seen.last(), expected.last());
    for pair in seen.windows(2).filter(|pair| !is_final(&pair[1])) {
        assert!(expected.windows(2).any(|of_all| of_all == pair), "{pair:?} of {expected:?}");
    }
}

#[tokio::test]
async fn a_job_that_is_cancelled_stays_so() {
    // One worker, which the first job keeps busy.
    let service = Service::start(&[("WORKERS", "1")]);
    let receiver = Receiver::of(&service, "alice", &[]).await;
    let slow = || service.submit("alice", [40, 40], &png(64, 64)).header(PAUSE, "1000");
    let running = service.ordered(slow()).await;
    service.under_way("alice", &running).await;
    let queued = service.ordered(slow()).await;
    assert_eq!(service.status("alice", &queued).await["status"], "queued");
    let stream = Stream::open(&service, "alice", &running, None).await;
    for path in [&queued, &running] {
        for _ in 0..2 {
            let reply = send(service.request(Method::DELETE, path).bearer_auth("alice")).await;
            assert_eq!((reply.status, &reply.json()["status"]), (200, &json!("cancelled")));
            assert!(!reply.headers.contains_key("retry-after"));
        }
    }
    let told = stream.rest().await;
    assert_eq!(told.last().map(|told| &*told.name), Some("cancelled"), "{told:?}");
    for path in [&running, &queued] {
        let event = receiver.told_of(path).await;
        assert_eq!(event["type"], "image.cancelled");
        assert_eq!(event["data"], service.status("alice", path).await);
        let result = send(service.get("alice", &format!("{path}/result"))).await;
        result.assert_problem(404, "urn:stonework:jobs:no-result");
        assert!(!result.headers.contains_key("retry-after"), "{result:?}");
    }
    // The worker is free again.
    let next = service.ordered(service.submit("alice", [4, 4], &png(9, 9))).await;
    assert_eq!(service.ended_job("alice", &next).await["status"], "succeeded");
    assert_eq!(service.status("alice", &running).await["status"], "cancelled");
}

/// Whatever the answer to a cancellation says is so for ever, and is what everybody is told.
#[tokio::test]
async fn of_a_cancellation_and_an_end_one_comes_first_for_all() {
    let service = service();
    let receiver = Receiver::of(&service, "alice", &[]).await;
    let image = png(16, 16);
    let mut outcomes = Vec::new();
    for round in 0..40 {
        let path = service.ordered(service.submit("alice", [8, 8], &image)).await;
        // At different times of its life.
        for _ in 0..round % 8 {
            service.status("alice", &path).await;
        }
        let reply = send(service.request(Method::DELETE, &path).bearer_auth("alice")).await;
        outcomes.push((path, reply.json()));
    }
    for (path, job) in &outcomes {
        assert!(is_final(job), "{job}");
        let event = receiver.told_of(path).await;
        assert_eq!(event["data"], *job);
        assert_eq!(event["type"], format!("image.{}", job["status"].as_str().expect("a text")));
        assert_eq!(service.status("alice", path).await, *job);
        let stream = Stream::open(&service, "alice", path, None).await.rest().await;
        assert_eq!(stream.last().map(|told| &told.job), Some(job));
    }
    assert_eq!(receiver.all().len(), outcomes.len());
}

#[tokio::test]
async fn an_order_that_is_sent_again_is_one_job() {
    let service = service();
    let image = png(9, 9);
    let order = || service.submit("alice", [4, 4], &image).header("idempotency-key", "k");
    let clients: Vec<_> = (0..10)
        .map(|_| order())
        .map(|order| {
            tokio::spawn(async move {
                let reply = persist(order).await;
                assert_eq!(reply.status, 202, "{reply:?}");
                reply.header("location").to_owned()
            })
        })
        .collect();
    let mut paths = Vec::new();
    for client in clients {
        paths.push(client.await.expect("a place"));
    }
    paths.dedup();
    assert_eq!(paths.len(), 1);
    let list = service.status("alice", "/v1/images").await;
    assert_eq!(list["data"].as_array().map(Vec::len), Some(1), "{list}");
    let other = service.submit("alice", [5, 4], &image).header("idempotency-key", "k");
    send(other).await.assert_problem(422, "urn:stonework:idempotency:key-reused");
    // To another account it is another key.
    let bobs = service.submit("bob", [4, 4], &image).header("idempotency-key", "k");
    assert_ne!(service.ordered(bobs).await, paths[0]);
}

#[tokio::test]
async fn an_end_is_told_until_it_has_arrived() {
    let service = service();
    let receiver = Receiver::of(&service, "alice", &[500, 503]).await;
    let path = service.ordered(service.submit("alice", [4, 4], &png(9, 9))).await;
    let event = receiver.told_of(&path).await;
    assert_eq!(event["type"], "image.succeeded");
    assert_eq!(event["data"], service.ended_job("alice", &path).await);
    until("it is told three times", async || receiver.all().values().any(|told| told.len() == 3))
        .await;
    assert_eq!(receiver.told_of(&path).await, event, "the same each time");
    // Of others it is not told.
    let bobs = service.ordered(service.submit("bob", [4, 4], &png(9, 9))).await;
    service.ended_job("bob", &bobs).await;
    let next = service.ordered(service.submit("alice", [3, 3], &png(9, 9))).await;
    receiver.told_of(&next).await;
    assert_eq!(receiver.all().len(), 2);
}

#[tokio::test]
async fn an_image_that_breaks_off_fails_and_is_told() {
    let service = service();
    let receiver = Receiver::of(&service, "alice", &[]).await;
    let whole = png(64, 64);
    let half = whole.slice(..whole.len() / 2);
    let path = service.ordered(service.submit("alice", [4, 4], &half)).await;
    let job = service.ended_job("alice", &path).await;
    assert_eq!(job["status"], "failed");
    assert_eq!(job["problem"]["type"], "urn:stonework:jobs:broken-image");
    let event = receiver.told_of(&path).await;
    assert_eq!((&event["type"], &event["data"]), (&json!("image.failed"), &job));
}

#[tokio::test]
async fn what_cannot_be_an_order_is_refused_and_leaves_its_key_unused() {
    let service = service();
    let image = png(9, 9);
    let refused = async |order: reqwest::RequestBuilder, status, slug: &str| {
        let order = order.header("idempotency-key", "k");
        send(order).await.assert_problem(status, &format!("urn:stonework:jobs:{slug}"));
    };
    let order = |query: &str, content_type: &str, body: &axum::body::Bytes| {
        service
            .request(Method::POST, &format!("/v1/images{query}"))
            .bearer_auth("alice")
            .header("content-type", content_type)
            .body(body.clone())
    };
    let size = "?width=4&height=4";
    for query in [
        "",
        "?width=4",
        "?width=0&height=4",
        "?width=4&height=0",
        "?width=2049&height=4",
        "?width=4&height=4294967295",
        "?width=4&height=99999999999999999999",
        "?width=-1&height=4",
        "?width=4.0&height=4",
        "?width=4&width=4&height=4",
    ] {
        refused(order(query, "image/png", &image), 400, "invalid-size").await;
    }
    for content_type in
        ["", "image/gif", "image/svg+xml", "application/json", "multipart/form-data"]
    {
        refused(order(size, content_type, &image), 415, "wrong-content-type").await;
    }
    refused(order(size, "image/jpeg", &image), 422, "not-an-image").await;
    refused(order(size, "image/png", &image.slice(..20)), 422, "not-an-image").await;
    refused(order(size, "image/png", &vec![0_u8; 4 << 20].into()), 422, "not-an-image").await;
    refused(order(size, "image/png", &Default::default()), 422, "not-an-image").await;
    for [width, height] in [[65_535, 65_535], [4_097, 4_097], [8_193, 1], [u32::MAX >> 1, 2]] {
        let bomb = bomb(width, height);
        refused(order(size, "image/png", &bomb), 422, "too-many-pixels").await;
    }
    refused(order(size, "image/png", &image).header(PAUSE, "1001"), 400, "demo-header").await;
    // The key is as new.
    let good = order(size, "image/png", &image).header("idempotency-key", "k");
    service.ordered(good).await;
}

/// Answered before all of it was sent: what announces itself is not read, and of the rest no more than may be.
#[tokio::test]
async fn a_body_of_100_megabytes_is_refused() {
    let service = service();
    for (key, expected) in [
        ("", "urn:stonework:jobs:body-too-large"),
        ("idempotency-key: k\r\n", "urn:stonework:idempotency:body-too-large"),
    ] {
        for length in ["content-length: 104857600", "transfer-encoding: chunked"] {
            let socket = TcpStream::connect(("127.0.0.1", service.port())).await.expect("connect");
            let (mut read, mut write) = socket.into_split();
            let sending = tokio::spawn(async move {
                let head = format!(
                    "POST /v1/images?width=4&height=4 HTTP/1.1\r\nhost: test\r\n\
                     authorization: Bearer alice\r\ncontent-type: image/png\r\n{key}{length}\r\n\r\n"
                );
                write.write_all(head.as_bytes()).await?;
                let chunk = [&b"100000\r\n"[..], &vec![b'x'; 1 << 20], b"\r\n"].concat();
                for _ in 0..100 {
                    write.write_all(&chunk).await?;
                }
                std::io::Result::Ok(())
            });
            let mut answer = Vec::new();
            let mut piece = [0; 4096];
            while !String::from_utf8_lossy(&answer).contains(expected) {
                let next = in_time("an answer", read.read(&mut piece)).await.expect("an answer");
                assert_ne!(next, 0, "{}", String::from_utf8_lossy(&answer));
                answer.extend_from_slice(&piece[..next]);
            }
            assert!(answer.starts_with(b"HTTP/1.1 413 "), "{}", String::from_utf8_lossy(&answer));
            drop(read);
            assert!(sending.await.expect("no panic").is_err(), "it is not taken");
        }
    }
    let path = service.ordered(service.submit("alice", [4, 4], &png(9, 9))).await;
    service.ended_job("alice", &path).await;
}

/// Whoever sends images that never arrive has no more than a share of the places, and the others theirs.
#[tokio::test]
async fn nobody_holds_all_places_for_what_is_being_sent() {
    const EACH: usize = 16;
    let service = service();
    let image = png(9, 9);
    let mut slow = Vec::new();
    for _ in 0..EACH {
        slow.push(half_an_image(&service, "mallory").await);
    }
    let another = async || send(service.submit("mallory", [4, 4], &image)).await;
    let type_uri = "https://iana.org/assignments/http-problem-types#quota-exceeded";
    another().await.assert_problem(429, type_uri);
    service.ordered(service.submit("alice", [4, 4], &image)).await;
    slow.pop();
    until("there is a place again", async || another().await.status == 202).await;
}

/// Of which the rest never comes. It has its place: nobody is told to go on before its body is read.
async fn half_an_image(service: &Service, account: &str) -> TcpStream {
    let mut socket = TcpStream::connect(("127.0.0.1", service.port())).await.expect("connect");
    let head = format!(
        "POST /v1/images?width=4&height=4 HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {account}\r\n\
         content-type: image/png\r\ncontent-length: 100\r\nexpect: 100-continue\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).await.expect("it is taken");
    let mut answer = [0; b"HTTP/1.1 100 Continue\r\n\r\n".len()];
    in_time("it may go on", socket.read_exact(&mut answer)).await.expect("an answer");
    assert_eq!(String::from_utf8_lossy(&answer), "HTTP/1.1 100 Continue\r\n\r\n");
    socket.write_all(b"half").await.expect("it is taken");
    socket
}

#[tokio::test]
async fn there_is_an_end_to_the_line_and_to_what_is_kept() {
    let service = Service::start(&[("WORKERS", "0"), ("MAX_LINE", "2"), ("MAX_PER_ACCOUNT", "1")]);
    let order =
        |account| service.submit(account, [4, 4], &png(9, 9)).header("idempotency-key", "k");
    let first = service.ordered(order("alice")).await;
    let again = service.submit("alice", [4, 4], &png(9, 9));
    let too_many = send(again).await;
    too_many.assert_problem(429, "urn:stonework:jobs:too-many-images");
    assert_eq!(too_many.header("retry-after"), "60");
    service.ordered(order("bob")).await;
    let full = send(order("carol")).await;
    full.assert_problem(503, "urn:stonework:jobs:line-full");
    assert_eq!(full.header("retry-after"), "5");
    assert_eq!(service.ordered(order("alice")).await, first, "who is in line is told so");

    // Four bytes for each pixel of a result, as long as nobody knows better.
    let service = Service::start(&[("WORKERS", "0"), ("ROOM_MB", "1")]);
    service.ordered(service.submit("alice", [400, 500], &png(9, 9))).await;
    let full = send(service.submit("bob", [100, 500], &png(9, 9))).await;
    full.assert_problem(503, "urn:stonework:jobs:no-room");
    service.ordered(service.submit("bob", [10, 10], &png(9, 9))).await;
}

#[tokio::test]
async fn a_result_is_kept_for_a_while() {
    let service = Service::start(&[("KEEP_SECONDS", "1"), ("ROOM_MB", "1")]);
    let receiver = Receiver::of(&service, "alice", &[]).await;
    for _ in 0..4 {
        let path = service.ordered(service.submit("alice", [400, 500], &png(9, 9))).await;
        receiver.told_of(&path).await;
        until("it is forgotten", async || send(service.get("alice", &path)).await.status == 404)
            .await;
        for path in [format!("{path}/result"), format!("{path}/events")] {
            let gone = send(service.get("alice", &path)).await;
            gone.assert_problem(404, "urn:stonework:jobs:unknown-image");
        }
    }
}

#[tokio::test]
async fn a_list_has_pages() {
    let service = Service::start(&[("WORKERS", "0")]);
    let mut paths = Vec::new();
    for _ in 0..5 {
        paths.push(service.ordered(service.submit("alice", [4, 4], &png(9, 9))).await);
    }
    service.ordered(service.submit("bob", [4, 4], &png(9, 9))).await;
    let (mut next, mut seen) = (Some("/v1/images?limit=2".to_owned()), Vec::new());
    let mut pages = 0;
    while let Some(path) = next {
        let reply = send(service.get("alice", &path)).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        for job in reply.json()["data"].as_array().expect("data") {
            seen.push(format!("/v1/images/{}", job["id"].as_str().expect("an id")));
        }
        pages += 1;
        next = reply.headers.get("link").and_then(|links| {
            let links = links.to_str().expect("text").split(',');
            let mut next = links.filter(|link| link.contains("rel=\"next\""));
            next.next()
                .map(|link| link[link.find('<').unwrap() + 1..link.find('>').unwrap()].into())
        });
    }
    // Those of one millisecond stand in the order of their ids, which is that of their making.
    paths.reverse();
    assert_eq!((seen, pages), (paths, 3));
    let forged = send(service.get("alice", "/v1/images?cursor=abc")).await;
    assert_eq!(forged.status, 400, "{forged:?}");
}

#[tokio::test]
async fn what_surrounds_the_api_is_in_its_order() {
    let service = Service::start(&[("RATE_LIMIT", "2/h")]);
    let page = |request: reqwest::RequestBuilder| request.header("origin", "http://localhost:5173");
    let preflight = page(service.request(Method::OPTIONS, "/v1/images/1"))
        .header("access-control-request-method", "DELETE")
        .header("access-control-request-headers", "authorization,idempotency-key,if-none-match");
    assert!(send(preflight).await.status < 300);
    let get = |path: &str| page(service.get("alice", path));
    send(get("/v2/images"))
        .await
        .assert_problem(404, "urn:stonework:versioning:version-unsupported");
    let list = send(get("/v1/images")).await;
    assert_eq!((list.status, list.header("api-version")), (200, "v1"));
    let exposed = list.header("access-control-expose-headers").to_ascii_lowercase();
    assert!(["etag", "location", "retry-after"].iter().all(|name| exposed.contains(name)));
    let limited = send(get("/v1/images")).await;
    assert_eq!(limited.status, 429, "{limited:?}");
    assert_eq!(limited.header("access-control-allow-origin"), "http://localhost:5173");
    // Strangers have a limit of their own.
    let stranger = send(service.request(Method::POST, "/v1/images")).await;
    stranger.assert_problem(401, "urn:stonework:jobs:unauthenticated");
}

#[tokio::test]
async fn nothing_is_sent_to_this_machine_unless_that_is_allowed() {
    let service = Service::start(&[("WEBHOOK_ALLOW_LOOPBACK", "0")]);
    let receiver = Receiver::start(&[]).await;
    let long = format!("https://example.com/{}", "a".repeat(3_000));
    for url in [receiver.url(), "https://[::1]/", "https://169.254.169.254/", "/hooks", "", &long] {
        let register = service
            .request(Method::POST, "/v1/webhook-endpoints")
            .bearer_auth("alice")
            .header("content-type", "application/json")
            .body(json!({ "url": url }).to_string());
        send(register).await.assert_problem(422, "urn:stonework:jobs:forbidden-url");
    }
    let none = service.status("alice", "/v1/webhook-endpoints").await;
    assert_eq!(none["data"], json!([]));
}

#[tokio::test]
async fn an_endpoint_is_registered_once_and_its_secret_shown_to_whoever_retries() {
    let service = service();
    let register = |url: &str| {
        service
            .request(Method::POST, "/v1/webhook-endpoints")
            .bearer_auth("alice")
            .header("content-type", "application/json")
            .header("idempotency-key", "register")
            .body(json!({ "url": url }).to_string())
    };
    let first = send(register("https://example.com/")).await;
    let again = send(register("https://example.com/")).await;
    assert_eq!((first.status, again.status), (201, 201));
    assert_eq!(first.json(), again.json());
    assert_eq!(again.header("idempotent-replayed"), "true");
    let list = service.status("alice", "/v1/webhook-endpoints").await;
    let shown = json!([{"id": first.json()["id"], "url": "https://example.com/"}]);
    assert_eq!(list["data"], shown, "without the secret");
}

#[tokio::test]
async fn sigterm_ends_streams_and_the_process_whatever_is_under_way() {
    let service = service();
    let order = service.submit("alice", [40, 40], &png(64, 64)).header(PAUSE, "1000");
    let path = service.ordered(order).await;
    service.under_way("alice", &path).await;
    let stream = Stream::open(&service, "alice", &path, None).await;
    service.terminate();
    assert!(stream.rest().await.iter().all(|told| !told.is_final()));
    let (code, errors) = service.ended().await;
    assert_eq!(code, Some(0), "{errors}");
    assert!(!errors.contains("out of time"), "{errors}");
}

#[test]
fn what_cannot_be_is_told_at_the_start() {
    for (variables, expected) in [
        (vec![("REDIS_URL", "redis://127.0.0.1:1/")], "REDIS_URL needs a SECRET_KEY"),
        (vec![("SECRET_KEY", "short-and-secret")], "SECRET_KEY cannot be used"),
        (vec![("WORKERS", "65")], "WORKERS is \"65\"; use a number from 0 to 64"),
        (vec![("MAX_LINE", "0")], "MAX_LINE"),
        (vec![("KEEP_SECONDS", "x")], "KEEP_SECONDS"),
        (
            vec![("STORE_TIMEOUT_MS", "9")],
            "STORE_TIMEOUT_MS is \"9\"; use a number from 10 to 60000",
        ),
        (vec![("DEMO", "yes")], "DEMO"),
        (vec![("RATE_LIMIT", "5")], "RATE_LIMIT"),
    ] {
        let output = program(&variables).output().expect("run jobs");
        let errors = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(output.status.code(), Some(2), "{errors}");
        assert!(errors.contains(expected) && !errors.contains("short-and"), "{errors}");
    }
    let unreachable =
        [("REDIS_URL", "redis://127.0.0.1:1/"), ("SECRET_KEY", jobs_support::SECRET_KEY)];
    let output = program(&unreachable).output().expect("run jobs");
    assert_eq!(output.status.code(), Some(1));
}
