//! The same logs for clients who ask again and again: what they are given, when, and what they ask with next.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "support/faulty.rs"]
mod faulty;

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use faulty::{Faults, Faulty};
use http::header::{
    CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, IF_NONE_MATCH, RETRY_AFTER,
};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use stonework_core::{Clock, NotExecuted, RequestHead, TokioClock};
use stonework_sse::store::MemoryLog;
use stonework_sse::{
    DataFormat, Delivery, Drain, Event, Hub, LastEventId, Poll, Position, Publish, Rejection,
    SseLayer, Subscribe, SubscribeError, Subscription,
};
use tower::{Layer, ServiceExt, service_fn};

const LOG: &str = "acct_7";

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// How much later a timer may be than it was set to.
const TICK: Duration = Duration::from_millis(1);

/// A service that answers polls, below the layer.
#[derive(Clone)]
struct Site {
    hub: Hub,
    drain: Drain,
    poll: Poll,
    topics: Vec<&'static str>,
    clock: TokioClock,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    rejection: Option<Rejection>,
    is_not_executed: bool,
    at: Duration,
}

impl Answer {
    fn header(&self, name: HeaderName) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Where to go on. It is told in each way that there is.
    fn cursor(&self) -> String {
        let cursor = self.header(HeaderName::from_static("last-event-id")).to_owned();
        assert_eq!(self.header(ETAG), format!("\"{cursor}\""));
        assert_eq!(self.header(CACHE_CONTROL), "no-cache");
        if self.status == StatusCode::OK {
            assert_eq!(self.header(CONTENT_TYPE), "application/json");
            assert_eq!(self.json()["cursor"], cursor);
        } else {
            assert!(self.body.is_empty() && self.header(CONTENT_TYPE).is_empty());
        }
        cursor
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// What was said.
    fn data(&self) -> Vec<String> {
        let events = self.json()["events"].clone();
        let data = events.as_array().unwrap().iter().map(|event| &event["data"]);
        data.map(|data| data.as_str().map_or(data.to_string(), str::to_owned)).collect()
    }
}

impl Site {
    fn new(poll: Poll) -> Self {
        Self::over(Hub::in_memory(), poll)
    }

    fn over(hub: Hub, poll: Poll) -> Self {
        let (drain, clock) = (Drain::new(), TokioClock::new());
        Self { hub, drain, poll, topics: Vec::new(), clock }
    }

    async fn publish(&self, data: &str) -> Position {
        self.hub.publish(Publish::to(LOG, Event::new(data))).await.unwrap()
    }

    async fn try_ask(&self, query: &str, headers: HeaderMap) -> Result<Answer, SubscribeError> {
        let site = self.clone();
        let service = service_fn(move |request: Request<()>| {
            let site = site.clone();
            async move {
                let mut response = match site.answer(&request).await {
                    Ok(response) => response.map(Full::new),
                    Err(error) => {
                        let mut response = error.to_response().map(Full::new);
                        response.extensions_mut().insert(std::sync::Arc::new(error));
                        response
                    }
                };
                response.extensions_mut().insert(site.clock.monotonic());
                Ok::<_, Infallible>(response)
            }
        });
        let layer = SseLayer::builder().drain(&self.drain).cursor_parameters(["after"]);
        let mut request = Request::get(format!("/events?{query}")).body(()).unwrap();
        *request.headers_mut() = headers;
        let response = layer.build().unwrap().layer(service).oneshot(request).await.unwrap();
        let (mut parts, body) = response.into_parts();
        if let Some(error) = parts.extensions.remove::<std::sync::Arc<SubscribeError>>() {
            return Err(std::sync::Arc::into_inner(error).unwrap());
        }
        Ok(Answer {
            status: parts.status,
            headers: parts.headers,
            body: body.collect().await.unwrap().to_bytes(),
            rejection: parts.extensions.remove(),
            is_not_executed: parts.extensions.remove::<NotExecuted>().is_some(),
            at: parts.extensions.remove::<Duration>().unwrap_or_default(),
        })
    }

    async fn answer(&self, request: &Request<()>) -> Result<Response<Bytes>, SubscribeError> {
        let head = RequestHead::of(request);
        let after = request.extensions().get::<LastEventId>().cloned();
        let mut events = Subscribe::to(LOG).after(after);
        if !self.topics.is_empty() {
            events = events.topics(self.topics.iter().copied());
        }
        self.poll.answer(&self.hub, &head, events).await
    }

    async fn ask(&self, query: &str) -> Answer {
        self.try_ask(query, HeaderMap::new()).await.unwrap()
    }

    async fn after(&self, position: Position) -> Answer {
        self.ask(&format!("after={position}")).await
    }

    /// With this in `If-None-Match`.
    async fn unless(&self, position: Position, known: &[&str]) -> Answer {
        let known = known.iter().map(|known| (IF_NONE_MATCH, known.parse().unwrap()));
        self.try_ask(&format!("after={position}"), known.collect()).await.unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn who_has_no_cursor_is_given_one_at_once() {
    let site = Site::new(Poll::new().wait(seconds(25)));
    let last = site.publish("before").await;
    for query in ["", "after=", "a=b"] {
        let first = site.ask(query).await;
        assert_eq!((first.status, first.at), (StatusCode::OK, Duration::ZERO), "{query}");
        assert_eq!(first.json(), json!({"events": [], "cursor": last.to_string()}));
        assert_eq!(first.cursor(), last.to_string());
    }
}

#[tokio::test(start_paused = true)]
async fn what_came_after_a_cursor_is_given_at_once() {
    let site = Site::new(Poll::new().wait(seconds(25)));
    let first = site.publish("1").await;
    let second = site.publish("2\n3").await;
    let event = Event::new("{\"a\":1}").event_type("transfer").unwrap();
    let third = site.hub.publish(Publish::to(LOG, event)).await.unwrap();
    let answer = site.after(first).await;
    let expected = json!({
        "events": [
            {"id": second.to_string(), "type": "message", "data": "2\n3"},
            {"id": third.to_string(), "type": "transfer", "data": "{\"a\":1}"},
        ],
        "cursor": third.to_string(),
    });
    assert_eq!(
        (answer.status, answer.at, answer.json()),
        (StatusCode::OK, Duration::ZERO, expected)
    );
    assert_eq!(answer.cursor(), third.to_string());
    let json = Site { poll: Poll::new().data(DataFormat::Json), ..site.clone() };
    assert_eq!(json.after(second).await.json()["events"][0]["data"], json!({"a": 1}));
    // The header of who comes from a stream is as good.
    let mut headers = HeaderMap::new();
    headers.insert("last-event-id", second.to_string().parse().unwrap());
    assert_eq!(site.try_ask("", headers).await.unwrap().data(), ["{\"a\":1}"]);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_told_after_a_while() {
    for wait in [0, 25].map(seconds) {
        let site = Site::new(Poll::new().wait(wait));
        let last = site.publish("1").await;
        let answer = site.after(last).await;
        assert_eq!((answer.status, answer.cursor()), (StatusCode::NO_CONTENT, last.to_string()));
        assert!((wait..=wait + TICK).contains(&answer.at), "{:?}", answer.at);
        assert_eq!(answer.header(RETRY_AFTER), "");
    }
}

#[tokio::test(start_paused = true)]
async fn who_waits_is_told_when_something_comes() {
    let site = Site::new(Poll::new().wait(seconds(25)));
    let last = site.publish("1").await;
    let waiting = tokio::spawn({
        let site = site.clone();
        async move { site.after(last).await }
    });
    tokio::time::sleep(seconds(10)).await;
    assert!(!waiting.is_finished());
    // With what comes at the same time.
    site.publish("2").await;
    let last = site.publish("3").await;
    let answer = waiting.await.unwrap();
    assert_eq!((answer.status, answer.at), (StatusCode::OK, seconds(10)));
    assert_eq!((answer.data(), answer.cursor()), (vec!["2".into(), "3".into()], last.to_string()));
}

#[tokio::test(start_paused = true)]
async fn so_many_are_given_at_once_and_the_rest_after_that() {
    for (limit, expected) in [(2, &[2, 2, 1][..]), (5, &[5]), (0, &[1, 1, 1, 1, 1]), (100, &[5])] {
        let site = Site::new(Poll::new().limit(limit));
        let mut cursor = site.ask("").await.cursor();
        for data in 1..=5 {
            site.publish(&data.to_string()).await;
        }
        let mut all = Vec::new();
        for expected in expected {
            let answer = site.ask(&format!("after={cursor}")).await;
            assert_eq!(answer.data().len(), *expected, "{limit}");
            cursor = answer.cursor();
            all.extend(answer.data());
        }
        assert_eq!(all, ["1", "2", "3", "4", "5"]);
        let none = site.ask(&format!("after={cursor}")).await;
        assert_eq!(none.status, StatusCode::NO_CONTENT);
    }
    assert_eq!(format!("{:?}", Poll::default()), format!("{:?}", Poll::new()));
}

#[tokio::test(start_paused = true)]
async fn who_has_the_cursor_is_told_that_it_is_still_the_one() {
    let site = Site::new(Poll::new().wait(seconds(25)));
    let other = site.publish("1").await;
    let last = site.publish("2").await;
    let (etag, stale) = (format!("\"{last}\""), format!("\"{other}\""));
    let weak = format!("W/{etag}");
    let list = format!("{stale} ,\t{weak}, \"x\"");
    for known in [&[&*etag][..], &[&weak], &[&list], &[&stale, &etag], &["*"]] {
        let asked = site.clock.monotonic();
        let answer = site.unless(last, known).await;
        assert_eq!(answer.status, StatusCode::NOT_MODIFIED, "{known:?}");
        assert_eq!(answer.cursor(), last.to_string());
        assert!(answer.at - asked >= seconds(25), "it waits as others do");
    }
    // Who compares is given something to be compared.
    let bare = last.to_string();
    for known in [&*stale, "\"x\"", "w/\"x\"", &bare, ""] {
        let answer = site.unless(last, &[known]).await;
        assert_eq!((answer.status, answer.data().len()), (StatusCode::OK, 0), "{known}");
        assert_eq!(answer.cursor(), last.to_string());
    }
}

/// Whatever it says that it has: else the events would be lost.
#[tokio::test(start_paused = true)]
async fn news_are_given_to_who_says_that_it_has_all() {
    let site = Site::new(Poll::new());
    let first = site.publish("1").await;
    let last = site.publish("2").await;
    for known in ["*", &format!("\"{first}\""), &format!("\"{first}\", \"{last}\"")] {
        let answer = site.unless(first, &[known]).await;
        assert_eq!((answer.status, answer.data()), (StatusCode::OK, vec!["2".into()]), "{known}");
        assert_eq!(answer.cursor(), last.to_string());
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_cursor_is_refused() {
    let site = Site::new(Poll::new().wait(seconds(25)));
    let last = site.publish("1").await;
    for cursor in ["42", "x", "%FF", &format!("{last}x"), &last.to_string().to_uppercase()[1..]] {
        let answer = site.ask(&format!("after={cursor}")).await;
        assert_eq!(
            (answer.status, answer.at),
            (StatusCode::BAD_REQUEST, Duration::ZERO),
            "{cursor}"
        );
        assert_eq!(answer.header(CONTENT_TYPE), "application/problem+json");
        assert_eq!(answer.json()["type"], "urn:stonework:sse:cursor-invalid");
        assert_eq!(answer.header(RETRY_AFTER), "", "it will not be better later");
        assert_eq!((answer.rejection, answer.is_not_executed), (Some(Rejection::Cursor), true));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_is_an_event() {
    let log = MemoryLog::builder().max_events(2).build().unwrap();
    let site = Site::over(Hub::builder(log).build().unwrap(), Poll::new().limit(2));
    let first = site.publish("1").await;
    for data in ["2", "3", "4", "5"] {
        site.publish(data).await;
    }
    let answer = site.after(first).await;
    let events = answer.json()["events"].clone();
    let resume: Position = events[0]["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(events[0]["type"], "gap");
    assert_eq!((events[0]["data"].clone(), resume.offset), (json!({"reason": "trimmed"}), 3));
    assert_eq!(events[1]["data"], "4");
    let rest = site.ask(&format!("after={}", answer.cursor())).await;
    assert_eq!(rest.data(), ["5"]);
    // Who goes on right after it has missed no more.
    assert_eq!(site.after(resume).await.data(), ["4", "5"]);
    let replaced = Position::new(first.epoch ^ 1, 1, 1);
    assert_eq!(site.after(replaced).await.json()["events"][0]["data"]["reason"], "replaced");
}

#[tokio::test(start_paused = true)]
async fn events_that_were_not_asked_for_move_the_cursor() {
    let site = Site { topics: vec!["wanted"], ..Site::new(Poll::new().wait(seconds(1))) };
    let topic = async |topic: &str| {
        site.hub.publish(Publish::to(LOG, Event::new(topic)).topic(topic)).await.unwrap()
    };
    let first = topic("wanted").await;
    for many in [3, 200] {
        let mut last = first;
        for _ in 0..many {
            last = topic("other").await;
        }
        let none = site.after(first).await;
        assert_eq!((none.status, none.cursor()), (StatusCode::NO_CONTENT, last.to_string()));
        // Who compares is told of it.
        let compared = site.unless(first, &[&format!("\"{first}\"")]).await;
        assert_eq!((compared.status, compared.cursor()), (StatusCode::OK, last.to_string()));
        // Those that come while it waits, too.
        let waiting = tokio::spawn({
            let site = site.clone();
            async move { site.after(last).await }
        });
        tokio::task::yield_now().await;
        let last = topic("other").await;
        assert_eq!(waiting.await.unwrap().cursor(), last.to_string());
    }
    let last = topic("wanted").await;
    let answer = site.after(first).await;
    assert_eq!((answer.data(), answer.cursor()), (vec!["wanted".into()], last.to_string()));
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_process_that_is_to_end() {
    for (begin, at) in [
        ((|drain| drain.now(Duration::ZERO)) as fn(&Drain), seconds(5)..=seconds(5)),
        (|drain| drain.now(seconds(3)), seconds(5)..=seconds(8)),
        (|drain| drain.finish_streams(seconds(10)), seconds(15)..=seconds(15)),
        // It comes to its end before that.
        (|drain| drain.finish_streams(seconds(60)), seconds(25)..=seconds(25)),
    ] {
        let site = Site::new(Poll::new().wait(seconds(25)));
        let last = site.publish("1").await;
        let waiting = tokio::spawn({
            let site = site.clone();
            async move { site.after(last).await }
        });
        tokio::time::sleep(seconds(5)).await;
        begin(&site.drain);
        let answer = waiting.await.unwrap();
        assert_eq!((answer.status, answer.cursor()), (StatusCode::NO_CONTENT, last.to_string()));
        assert!(answer.at >= *at.start() && answer.at <= *at.end() + TICK, "{:?}", answer.at);
        // Nothing is begun.
        assert_eq!(site.after(last).await.rejection, Some(Rejection::Draining));
    }
}

/// Who does not wait for events waits for the log all the same.
#[tokio::test(start_paused = true)]
async fn a_log_that_takes_its_time_is_waited_for() {
    let log = Faulty::default();
    let hub = Hub::builder(log.clone()).build().unwrap();
    let site = Site::over(hub, Poll::new());
    let first = site.publish("1").await;
    site.publish("2").await;
    let last = site.publish("3").await;
    log.set(Faults { takes: Duration::from_millis(400), ..Faults::default() });
    let answer = site.after(first).await;
    assert_eq!((answer.status, answer.data()), (StatusCode::OK, vec!["2".into(), "3".into()]));
    assert_eq!(site.after(last).await.status, StatusCode::NO_CONTENT);
    assert_eq!(site.ask("").await.cursor(), last.to_string());
}

/// It is no news that there are none.
#[tokio::test(start_paused = true)]
async fn a_log_that_does_not_answer_is_an_error() {
    let log = Faulty::default();
    let site = Site::over(Hub::builder(log.clone()).build().unwrap(), Poll::new());
    let first = site.publish("1").await;
    site.publish("2").await;
    for faults in [
        Faults { fails: true, ..Faults::default() },
        Faults { reads_fail: true, ..Faults::default() },
        Faults { takes: seconds(1), ..Faults::default() },
    ] {
        log.set(faults);
        let error = site.try_ask(&format!("after={first}"), HeaderMap::new()).await.err().unwrap();
        let response = error.to_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(response.headers().contains_key(RETRY_AFTER));
        assert_eq!(response.extensions().get(), Some(&Rejection::Unavailable));
        assert!(!error.to_string().contains("secret"));
        log.set(Faults::default());
        // And it is well again.
        tokio::time::sleep(seconds(1)).await;
        assert_eq!(site.after(first).await.data(), ["2"]);
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_to_pause_is_told_how_long() {
    for (pause, expected) in [(10_000, "10"), (1_500, "2"), (1, "1"), (0, "1")] {
        let site = Site::new(Poll::new().pause(Duration::from_millis(pause)));
        let first = site.publish("1").await;
        let last = site.publish("2").await;
        assert_eq!(site.after(last).await.header(RETRY_AFTER), expected);
        let etag = format!("\"{last}\"");
        assert_eq!(site.unless(last, &[&etag]).await.header(RETRY_AFTER), expected);
        assert_eq!(site.ask("").await.header(RETRY_AFTER), expected);
        // There may be more.
        assert_eq!(site.after(first).await.header(RETRY_AFTER), "");
    }
}

#[tokio::test(start_paused = true)]
async fn clients_of_another_version_are_given_theirs() {
    let site = Site::new(Poll::new());
    let first = site.publish("1").await;
    site.publish("2").await;
    let request = Request::new(());
    let events = Subscribe::to(LOG).after(LastEventId::from(first));
    let (poll, head) = (Poll::new(), RequestHead::of(&request));
    let answer = poll.answer_with(&site.hub, &head, events, |delivery| {
        let Delivery::Event(entry) = delivery else { return delivery };
        let data = format!("{} of old", entry.said().data);
        Delivery::Event(entry.saying(&data))
    });
    let page: Value = serde_json::from_slice(answer.await.unwrap().body()).unwrap();
    assert_eq!(page["events"][0]["data"], "2 of old");
}

async fn data_of(events: &mut Subscription, count: usize) -> Vec<String> {
    let mut all = Vec::new();
    while all.len() < count {
        match events.next().await.unwrap() {
            Delivery::Event(entry) => all.push(entry.said().data),
            Delivery::Checkpoint(_) => {}
            gap => panic!("{gap:?}"),
        }
    }
    all
}

#[tokio::test(start_paused = true)]
async fn who_goes_over_to_a_stream_and_back_has_each_event_once() {
    let site = Site::new(Poll::new().limit(3));
    let mut cursor = site.ask("").await.cursor();
    let (mut all, mut published) = (Vec::new(), 0);
    for round in 0..20 {
        for _ in 0..5 {
            published += 1;
            site.publish(&published.to_string()).await;
        }
        if round % 2 == 0 {
            let page = site.ask(&format!("after={cursor}")).await;
            all.extend(page.data());
            cursor = page.cursor();
        } else {
            let wanted = Subscribe::to(LOG).after(LastEventId::new(&cursor));
            let mut events = site.hub.subscribe(wanted).await.unwrap();
            all.extend(data_of(&mut events, 4).await);
            cursor = events.position().to_string();
        }
    }
    let rest = Site { poll: Poll::new(), ..site.clone() }.ask(&format!("after={cursor}")).await;
    all.extend(rest.data());
    assert_eq!(all, (1..=100).map(|data| data.to_string()).collect::<Vec<_>>());
}
