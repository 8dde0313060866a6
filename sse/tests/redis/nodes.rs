//! Processes of one service, each with its own connections, and clients that come back by themselves.

use std::collections::HashSet;
use std::time::Duration;

use redis::Client;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use stonework_sse::store::EventLog;
use stonework_sse::store::redis1::RedisLog;
use stonework_sse::{
    Decoder, Delivery, Event, Hub, HubBuilder, Position, Publish, PublishError, Subscribe,
    Subscription,
};

use crate::redis_server::{Server, until};

pub(crate) const LOG: &str = "acct_7";

/// Longer than any wait of a test that passes.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// Longer than any answer of a busy server, and short enough to try again. A command that is sent while its connection
/// breaks, on another thread, may be answered by nobody: it is put into a channel whose receiver is being dropped, and
/// tokio keeps it there as long as there are senders.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) hub: Hub,
}

impl Node {
    pub(crate) async fn on(server: &Server) -> Self {
        Self::with(server.client(), server.client()).await
    }

    /// Whose commands and announcements come from there.
    pub(crate) async fn with(commands: Client, announcements: Client) -> Self {
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(DEADLINE))
            .set_response_timeout(Some(DEADLINE))
            .set_min_delay(Duration::from_millis(1))
            .set_max_delay(Duration::from_millis(20));
        let connection = ConnectionManager::new_with_config(commands, config).await.unwrap();
        Self::of(RedisLog::new(connection, announcements))
    }

    /// It does not take a busy server for one that is away.
    pub(crate) async fn patient(server: &Server) -> Self {
        let log = RedisLog::new(server.manager().await, server.client());
        let hub = builder(log).store_timeout(PATIENCE).build().unwrap();
        Self { hub }
    }

    pub(crate) fn of(log: impl EventLog) -> Self {
        Self { hub: builder(log).build().unwrap() }
    }

    pub(crate) async fn try_publish(&self, event: &Publish<'_>) -> Result<Position, PublishError> {
        self.hub.publish(event.clone()).await
    }

    /// Goes on trying.
    pub(crate) async fn publish(&self, event: &Publish<'_>) {
        until("it is published", async || self.try_publish(event).await.is_ok()).await;
    }

    pub(crate) async fn say(&self, data: &str) {
        self.publish(&event(data)).await;
    }

    /// Goes on trying.
    async fn subscribe(&self, subscribe: Subscribe) -> Subscription {
        let mut events = None;
        until("it is let in", async || {
            events = self.hub.subscribe(subscribe.clone()).await.ok();
            events.is_some()
        })
        .await;
        events.unwrap()
    }

    pub(crate) async fn reader(&self) -> Reader {
        let mut events = self.subscribe(Subscribe::to(LOG)).await;
        let Some(Delivery::Checkpoint(at)) = events.next().await else {
            panic!("it begins with a checkpoint")
        };
        Reader { node: self.clone(), events, at, seen: HashSet::new(), told: Vec::new() }
    }
}

/// It never looks by itself: what it knows it was told.
fn builder(log: impl EventLog) -> HubBuilder {
    Hub::builder(log).looks_every(Duration::from_secs(3_600))
}

/// An event of its own, whose clones are the same.
pub(crate) fn event(data: &str) -> Publish<'_> {
    Publish::to(LOG, Event::new(data))
}

/// What a browser does: it reads, and when the stream ends it comes back with where it was.
pub(crate) struct Reader {
    node: Node,
    events: Subscription,
    pub(crate) at: Position,
    seen: HashSet<String>,
    /// The data of events, and gaps by name.
    pub(crate) told: Vec<String>,
}

impl Reader {
    pub(crate) async fn after(node: &Node, at: Position) -> Self {
        let events = node.subscribe(Subscribe::to(LOG).after(at)).await;
        Self { node: node.clone(), events, at, seen: HashSet::new(), told: Vec::new() }
    }

    /// Reads until it is told this.
    pub(crate) async fn read_to(&mut self, last: &str) {
        let reading = async {
            while self.told.last().is_none_or(|told| told != last) {
                match self.events.next().await {
                    Some(delivery) => self.add(&delivery),
                    None => self.come_back().await,
                }
            }
        };
        if tokio::time::timeout(DEADLINE, reading).await.is_err() {
            panic!("waited in vain for {last:?} after {:?}", self.told);
        }
    }

    pub(crate) async fn come_back(&mut self) {
        self.events = self.node.subscribe(Subscribe::to(LOG).after(self.at)).await;
    }

    /// Nothing is missing that it was not told of, and nothing is there twice.
    fn add(&mut self, delivery: &Delivery) {
        match delivery {
            Delivery::Event(entry) => {
                let mut decoder = Decoder::new();
                decoder.feed(entry.frame.as_bytes());
                let data = decoder.message().unwrap().unwrap().data.to_owned();
                assert!(entry.follows(self.at), "{data:?} comes after {:?}", self.told);
                assert!(self.seen.insert(data.clone()), "{data:?} again, after {:?}", self.told);
                self.told.push(data);
            }
            Delivery::Checkpoint(position) => assert_eq!(*position, self.at),
            Delivery::Gap(gap) => self.told.push(format!("gap: {}", gap.lost.slug())),
            _ => unreachable!("there are no others"),
        }
        self.at = delivery.position();
    }
}
