//! A delivery to receivers on the loopback, and what it tells.
#![allow(dead_code, unreachable_pub)] // Each test target uses a part of this.

use std::time::Duration;

use stonework_webhook_delivery::egress::EgressGuard;
use stonework_webhook_delivery::store::{Entry, List, MemoryOutbox, Outbox};
use stonework_webhook_delivery::{
    Breaker, Delivery, DeliveryBuilder, Endpoint, EndpointId, Event, MemoryEndpoints, Message,
    Policy, Schedule, Signer, scheme,
};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::receiver::{Receiver, SECRET};

pub fn ep(name: &str) -> EndpointId {
    EndpointId::new(name).unwrap()
}

pub fn loopback() -> EgressGuard {
    EgressGuard::builder().danger_allow_loopback().build().unwrap()
}

/// Longer than a busy machine stalls.
const LONG: Duration = Duration::from_secs(60);

/// Some retries, soon.
pub fn soon() -> Policy {
    Policy::brief()
        .schedule(Schedule::new([Duration::from_millis(5); 3]))
        .attempt_timeout(LONG)
        .throttle_pause(Duration::ZERO)
        .breaker(Breaker::new(100, Duration::ZERO, Duration::ZERO))
}

pub fn endpoint(url: &str) -> Endpoint {
    Endpoint::builder(url).signer(Signer::new(scheme::STANDARD).secret(SECRET)).build().unwrap()
}

pub struct Post {
    pub delivery: Delivery,
    pub endpoints: MemoryEndpoints,
    pub events: UnboundedReceiver<Event>,
}

/// A delivery with the endpoint `a`.
pub fn post(receiver: &Receiver) -> Post {
    post_with(receiver, MemoryOutbox::new(), soon(), |builder| builder.guard(loopback()))
}

pub fn post_with(
    receiver: &Receiver,
    outbox: impl Outbox,
    policy: Policy,
    more: impl FnOnce(DeliveryBuilder) -> DeliveryBuilder,
) -> Post {
    post_to(&receiver.url(), outbox, policy, more)
}

pub fn post_to(
    url: &str,
    outbox: impl Outbox,
    policy: Policy,
    more: impl FnOnce(DeliveryBuilder) -> DeliveryBuilder,
) -> Post {
    let endpoints = MemoryEndpoints::new();
    endpoints.insert(ep("a"), endpoint(url));
    let (sender, events) = unbounded_channel();
    let builder = Delivery::builder()
        .endpoints(endpoints.clone())
        .outbox(outbox)
        .policy(policy)
        .poll_every(Duration::from_millis(20))
        .store_timeout(LONG)
        .on_event(move |event| drop(sender.send(event.clone())));
    Post { delivery: more(builder).build().unwrap(), endpoints, events }
}

impl Post {
    pub async fn send(&self, message: &str) {
        self.send_to("a", message).await;
    }

    pub async fn send_to(&self, endpoint: &str, message: &str) {
        let body = format!("{{\"message\":\"{message}\"}}");
        self.delivery.enqueue(&ep(endpoint), Message::new(body).id(message)).await.unwrap();
    }

    pub async fn event(&mut self) -> Event {
        self.events.recv().await.unwrap()
    }

    /// The next event that is of this kind.
    pub async fn event_of(&mut self, kind: fn(&Event) -> bool) -> Event {
        loop {
            let event = self.event().await;
            if kind(&event) {
                return event;
            }
        }
    }

    pub async fn delivered(&mut self) -> Event {
        self.event_of(|event| matches!(event, Event::Delivered { .. })).await
    }

    pub async fn entries(&self) -> Vec<Entry> {
        self.delivery.list(List::new(100)).await.unwrap().entries
    }

    pub async fn entry(&self) -> Entry {
        self.entries().await.remove(0)
    }
}
