use std::time::Duration;

use stonework_webhook_delivery::store::Outbox;
use stonework_webhook_delivery::{Breaker, Delivery, Event, Message, Policy};
use tokio::runtime::Runtime;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::interval;

use super::queued::builder;
use super::{ENDPOINTS, Receiver, body, endpoint_id};
use crate::time::wall_time;

/// What is wrong with the last two endpoints: one that refuses connections, and one that never answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sick {
    /// Nothing.
    None,
    /// They are sick.
    Two,
    /// They are sick, and no failure makes an endpoint rest: each is tried whenever a message is due.
    TwoWithoutBreaker,
}

/// An answer takes so long, or is none.
const TIMEOUT: Duration = Duration::from_secs(1);

/// Messages are offered in beats.
const BEAT: Duration = Duration::from_millis(1);

/// How long messages to the healthy endpoints took, from when they were given to the outbox until it knew that they were delivered; sorted.
#[derive(Clone, Debug)]
pub struct Latencies(Vec<Duration>);

impl Latencies {
    /// Under a load of so many messages in each millisecond, to one endpoint after the other.
    ///
    /// # Panics
    ///
    /// If one to a healthy endpoint is not delivered.
    pub fn of(
        runtime: &Runtime,
        outbox: impl Outbox,
        receiver: &Receiver,
        sick: Sick,
        per_beat: usize,
        time: Duration,
    ) -> Self {
        let (sender, events) = unbounded_channel();
        let urls = urls(receiver, sick);
        let delivery = builder(outbox, urls)
            .policy(policy(sick))
            .on_event(move |event| hear(event, &sender))
            .build()
            .expect("nothing is wrong with it");
        runtime.block_on(async {
            let workers = delivery.start();
            let beats = time.as_millis() / BEAT.as_millis();
            let begun = offer(&delivery, per_beat, beats).await;
            let latencies = Self::read(begun, events).await;
            drop(workers);
            latencies
        })
    }

    async fn read(begun: Vec<Duration>, mut events: UnboundedReceiver<(usize, Duration)>) -> Self {
        let is_healthy = |number: usize| number % ENDPOINTS < ENDPOINTS - 2;
        let awaited = (0..begun.len()).filter(|&number| is_healthy(number)).count();
        let mut latencies = Vec::with_capacity(awaited);
        while latencies.len() < awaited {
            let (number, at) = events.recv().await.expect("the workers are there");
            if is_healthy(number) {
                latencies.push(at.saturating_sub(begun[number]));
            }
        }
        latencies.sort();
        Self(latencies)
    }

    /// So many of a thousand took no longer, in milliseconds.
    pub fn permille(&self, permille: usize) -> f64 {
        self.0[(self.0.len() - 1) * permille / 1_000].as_secs_f64() * 1e3
    }
}

fn urls(receiver: &Receiver, sick: Sick) -> Vec<String> {
    let mut urls: Vec<_> = (0..ENDPOINTS).map(|number| receiver.healthy(number)).collect();
    if sick != Sick::None {
        urls[ENDPOINTS - 2] = receiver.dead();
        urls[ENDPOINTS - 1] = receiver.slow();
    }
    urls
}

fn policy(sick: Sick) -> Policy {
    let policy = Policy::standard().attempt_timeout(TIMEOUT);
    match sick {
        Sick::TwoWithoutBreaker => policy.breaker(Breaker::new(u32::MAX, TIMEOUT, TIMEOUT)),
        Sick::None | Sick::Two => policy,
    }
}

/// When each message was given to the outbox.
async fn offer(delivery: &Delivery, per_beat: usize, beats: u128) -> Vec<Duration> {
    let mut begun = Vec::new();
    let mut beat = interval(BEAT);
    for _ in 0..beats {
        beat.tick().await;
        for _ in 0..per_beat {
            let (delivery, number) = (delivery.clone(), begun.len());
            begun.push(wall_time());
            tokio::spawn(async move {
                let message = Message::new(body()).id(number.to_string());
                let enqueued = delivery.enqueue(&endpoint_id(number % ENDPOINTS), message).await;
                enqueued.expect("there is room");
            });
        }
    }
    begun
}

fn hear(event: &Event, sender: &UnboundedSender<(usize, Duration)>) {
    if let Event::Delivered { id, .. } = event {
        let number = id.message().as_str().parse().expect("ids are numbers");
        let _ = sender.send((number, wall_time()));
    }
}
