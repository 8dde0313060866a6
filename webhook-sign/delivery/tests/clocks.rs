//! The clock on the wall jumps. What is measured is measured by another, and what is told is told by it.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "support/post.rs"]
mod post;
#[path = "support/receiver.rs"]
mod receiver;
#[path = "support/silent.rs"]
mod silent;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use http::Request;
use post::{ep, loopback, post_to, post_with, soon};
use receiver::{Received, Receiver, Reply, SECRET};
use silent::Silent;
use stonework_core::TokioClock;
use stonework_webhook_delivery::keys::KeySet;
use stonework_webhook_delivery::store::MemoryOutbox;
use stonework_webhook_delivery::{
    Clock, DeliveryBuilder, Endpoint, Event, Fault, Schedule, Signer, scheme,
};
use stonework_webhook_sign::{RequestHead, verify};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
/// In 2026.
const NOW: Duration = Duration::from_secs(1_795_000_000);

/// A clock whose Unix time is what it is told; what it measures is not moved by that.
#[derive(Debug)]
struct Wall {
    measures: TokioClock,
    seconds: AtomicU64,
}

impl Wall {
    fn at(unix: Duration) -> Arc<Self> {
        Arc::new(Self { measures: TokioClock::new(), seconds: AtomicU64::new(unix.as_secs()) })
    }

    fn set(&self, unix: Duration) {
        self.seconds.store(unix.as_secs(), Ordering::SeqCst);
    }
}

impl Clock for Wall {
    fn monotonic(&self) -> Duration {
        self.measures.monotonic()
    }

    fn unix(&self) -> Duration {
        Duration::from_secs(self.seconds.load(Ordering::SeqCst))
    }
}

/// A date is as far away as the clock says when the answer is there, and never farther than is allowed.
#[tokio::test]
async fn a_date_to_come_back_at_counts_from_where_the_clock_is_then() {
    const PAUSE: Duration = Duration::from_millis(5);
    let date = httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + NOW + DAY / 2);
    let headers: &'static [_] = vec![("retry-after", &*date.leak())].leak();
    let receiver = Receiver::start(move |_, _| Reply::Headers(503, headers)).await;
    let wall = Wall::at(NOW);
    let clock = Arc::clone(&wall);
    let more = |builder: DeliveryBuilder| builder.guard(loopback()).clock(clock);
    let policy = soon().schedule(Schedule::new([PAUSE]));
    let mut post = post_with(&receiver, MemoryOutbox::new(), policy, more);
    let _workers = post.delivery.start();
    for (at, (now, wait)) in [
        (NOW, DAY / 2),
        (NOW + DAY / 4, DAY / 4),
        // It was set right, or wrong: back by years, or forth.
        (NOW - 10 * YEAR, DAY),
        (Duration::ZERO, DAY),
        (NOW + 10 * YEAR, PAUSE),
        (Duration::from_secs(u64::MAX / 2_000), PAUSE),
        (NOW, DAY / 2),
    ]
    .into_iter()
    .enumerate()
    {
        wall.set(now);
        let id = format!("msg_{at}");
        post.send(&id).await;
        let Event::Failed { after, tries: 1, .. } = post.event().await else { panic!("failed") };
        assert_eq!(after, wait, "at {now:?}");
        let entries = post.entries().await;
        let entry = entries.iter().find(|entry| entry.id.message().as_str() == id).unwrap();
        assert_eq!(entry.attempts[0].at, now, "and the attempt is dated by it");
        assert!(entry.attempts[0].took < DAY, "though not measured");
        if wait == PAUSE {
            // Its second attempt was its last.
            post.event_of(|event| matches!(event, Event::Dead { .. })).await;
        }
    }
}

/// Would a receiver whose clock says this take it for signed?
fn is_signed_at(received: &Received, unix: Duration) -> bool {
    let mut request = Request::post(received.uri.clone()).body(()).unwrap();
    *request.headers_mut() = received.headers.clone();
    let keys = KeySet::new([scheme::Scheme::key(&scheme::STANDARD, SECRET).unwrap()]).unwrap();
    let head = RequestHead::of(&request);
    verify(&scheme::STANDARD, &keys, &head, &received.body, unix, None).is_ok()
}

#[tokio::test]
async fn each_attempt_is_signed_for_the_time_that_it_is_then() {
    let wall = Wall::at(NOW);
    // The clock jumps while an attempt is under way, each time.
    let times = [NOW, NOW + YEAR, NOW - YEAR, NOW + DAY];
    let clock = Arc::clone(&wall);
    let mut receiver = Receiver::start(move |nth, _| {
        clock.set(times[(nth + 1) % times.len()]);
        Reply::Status(if nth + 1 < times.len() { 500 } else { 200 })
    })
    .await;
    let clock = Arc::clone(&wall);
    let more = |builder: DeliveryBuilder| builder.guard(loopback()).clock(clock);
    let mut post = post_with(&receiver, MemoryOutbox::new(), soon(), more);
    let signer = Signer::new(scheme::STANDARD).secret(SECRET);
    let endpoint = Endpoint::builder(receiver.url()).signer(signer).clock(wall);
    post.endpoints.insert(ep("a"), endpoint.build().unwrap());
    let _workers = post.delivery.start();
    post.send("msg_1").await;
    for (at, time) in times.into_iter().enumerate() {
        let received = receiver.next().await;
        assert_eq!(received.id(), "msg_1");
        assert_eq!(received.header("webhook-timestamp"), time.as_secs().to_string());
        for (other, then) in times.into_iter().enumerate() {
            assert_eq!(is_signed_at(&received, then), other == at, "{at} at {then:?}");
        }
    }
    let Event::Delivered { tries: 4, took, .. } = post.delivered().await else { panic!("4 tries") };
    assert!(took < DAY, "{took:?}");
    let dates: Vec<_> = post.entry().await.attempts.iter().map(|attempt| attempt.at).collect();
    assert_eq!(dates, times);
}

/// A lease is as long as it is, wherever the clock goes: who sends keeps it, and nobody else takes the message.
#[tokio::test(start_paused = true)]
async fn a_lease_is_not_ended_by_a_clock_that_jumps() {
    const LEASE: Duration = Duration::from_secs(60);
    let silent = Silent::default();
    let wall = Wall::at(NOW);
    let outbox = MemoryOutbox::builder().clock(Arc::<Wall>::clone(&wall)).build().unwrap();
    let policy = soon().attempt_timeout(LEASE * 4);
    let [mut post, mut other] = [(); 2].map(|()| {
        let clock = Arc::clone(&wall);
        let more =
            |builder: DeliveryBuilder| builder.client(silent.clone()).lease(LEASE).clock(clock);
        post_to("http://example.com/", outbox.clone(), policy.clone(), more)
    });
    let _workers = (post.delivery.start(), other.delivery.start());
    post.send("msg_1").await;
    let jumps = async {
        for now in [NOW + YEAR, NOW - YEAR, Duration::ZERO].into_iter().cycle() {
            wall.set(now);
            tokio::time::sleep(LEASE / 10).await;
        }
    };
    // Four leases later it has timed out, in the one attempt that there was.
    let event = tokio::select! {
        event = post.event() => event,
        event = other.event() => event,
        () = jumps => unreachable!("they have no end"),
    };
    let Event::Failed { fault: Some(Fault::Timeout), tries: 1, .. } = event else {
        panic!("{event:?}")
    };
    assert_eq!(silent.asked(), 1, "it was sent once");
}
