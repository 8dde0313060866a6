use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use stonework_webhook_delivery::egress::EgressGuard;
use stonework_webhook_delivery::store::Outbox;
use stonework_webhook_delivery::{
    Delivery, DeliveryBuilder, Endpoint, Event, MemoryEndpoints, Message,
};
use tokio::runtime::Runtime;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::{AT_ONCE, ENDPOINTS, Receiver, body, endpoint_id, signer};

/// Messages of an outbox to healthy endpoints.
pub struct Queued {
    runtime: Arc<Runtime>,
    delivery: Delivery,
    delivered: Arc<Delivered>,
    body: Bytes,
}

#[derive(Default)]
struct Delivered {
    count: AtomicUsize,
    awaited: AtomicUsize,
    done: Notify,
}

impl Queued {
    /// Of this outbox, to the endpoints of this receiver. What the outbox needs of a runtime is in this one, which has one thread.
    ///
    /// # Panics
    ///
    /// If one of them is not one, or, later, if a message is not delivered at once.
    pub fn new(runtime: Arc<Runtime>, outbox: impl Outbox, receiver: &Receiver) -> Self {
        let delivered = Arc::new(Delivered::default());
        let told = Arc::clone(&delivered);
        let urls = (0..ENDPOINTS).map(|number| receiver.healthy(number));
        let delivery = builder(outbox, urls)
            .on_event(move |event| told.hear(event))
            .build()
            .expect("nothing is wrong with it");
        Self { runtime, delivery, delivered, body: body() }
    }

    /// Puts so many into the outbox, [`AT_ONCE`] at the same time.
    ///
    /// # Panics
    ///
    /// If it does not take them.
    pub fn enqueue(&self, count: usize) {
        self.runtime.block_on(async {
            let mut senders = JoinSet::new();
            for first in 0..AT_ONCE {
                let (delivery, body) = (self.delivery.clone(), self.body.clone());
                senders.spawn(async move {
                    for number in (first..count).step_by(AT_ONCE) {
                        let endpoint = endpoint_id(number % ENDPOINTS);
                        let enqueued = delivery.enqueue(&endpoint, Message::new(body.clone()));
                        enqueued.await.expect("there is room");
                    }
                });
            }
            senders.join_all().await;
        });
        self.delivered.awaited.fetch_add(count, Ordering::Relaxed);
    }

    /// Delivers what is in the outbox.
    pub fn deliver(&self) {
        self.runtime.block_on(async {
            let workers = self.delivery.start();
            self.delivered.all().await;
            workers.drain(Duration::from_secs(1)).await;
        });
    }
}

impl Delivered {
    fn hear(&self, event: &Event) {
        assert!(matches!(event, Event::Delivered { .. }), "{event:?}");
        let count = 1 + self.count.fetch_add(1, Ordering::Relaxed);
        if count == self.awaited.load(Ordering::Relaxed) {
            self.done.notify_one();
        }
    }

    async fn all(&self) {
        while self.count.load(Ordering::Relaxed) < self.awaited.load(Ordering::Relaxed) {
            self.done.notified().await;
        }
    }
}

/// As it is by default, but for the loopback.
pub(super) fn builder(
    outbox: impl Outbox,
    urls: impl IntoIterator<Item = String>,
) -> DeliveryBuilder {
    let endpoints = MemoryEndpoints::new();
    for (number, url) in urls.into_iter().enumerate() {
        let endpoint = Endpoint::builder(url).signer(signer()).build();
        endpoints.insert(endpoint_id(number), endpoint.expect("it is a URL"));
    }
    let guard = EgressGuard::builder().danger_allow_loopback().build();
    Delivery::builder()
        .endpoints(endpoints)
        .outbox(outbox)
        .guard(guard.expect("nothing is wrong with it"))
        .concurrency(AT_ONCE)
}

impl fmt::Debug for Queued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queued").field("delivery", &self.delivery).finish_non_exhaustive()
    }
}
