//! What must be true of every client that comes back by itself or is brought back by its caller: through lost
//! connections and lost servers it is told of all events once, or of a gap.

use std::time::Duration;

use stonework_sse::store::redis1::RedisLog;
use tokio::sync::watch;

use crate::proxy::Proxy;
use crate::redis_server::Server as Redis;
use crate::server::{Server, Told, told};

/// Bytes of answers after which connections are lost: in the middle of a head, of a chunk, of a line.
fn cuts() -> impl Iterator<Item = usize> {
    (1..700).step_by(13)
}

/// How often the server is lost with its log, or the log.
const CRASHES: usize = 3;

/// When who is told to come back does so.
const SOON: Duration = Duration::from_millis(40);

/// Between two attempts to publish.
const PAUSE: Duration = Duration::from_millis(5);

/// So many events have more bytes than any connection carries that is cut.
const AT_ONCE: usize = 4;

/// Longer than any wait of a test that passes.
const DEADLINE: Duration = Duration::from_secs(60);

pub(crate) struct Journey {
    pub(crate) proxy: Proxy,
    server: Server,
    published: usize,
    /// What nobody can have been told.
    lost: Vec<usize>,
    /// How often there is a word of what is lost, be it nothing.
    gaps: usize,
    /// The last event that was told, by the client's own account.
    pub(crate) seen: watch::Sender<usize>,
}

impl Journey {
    pub(crate) async fn begin() -> Self {
        Self::to(Server::start()).await
    }

    /// To a server whose log is in this Redis.
    pub(crate) async fn over(redis: &Redis) -> Self {
        let log = RedisLog::new(redis.manager().await, redis.client());
        Self::to(Server::with(log, 10_000, SOON)).await
    }

    async fn to(server: Server) -> Self {
        let proxy = Proxy::start(server.address).await;
        let seen = watch::Sender::new(0);
        Self { proxy, server, published: 0, lost: Vec::new(), gaps: 0, seen }
    }

    /// Some events, which are numbered.
    async fn publish(&mut self) {
        for _ in 0..AT_ONCE {
            self.published += 1;
            let data = format!("{}\n{}", self.published, "x".repeat(200));
            // The same again: what a Redis has that is lost before it answers is not appended twice.
            let event = told("note", &data);
            let published = async {
                while self.server.try_to_tell(&event).await.is_err() {
                    tokio::time::sleep(PAUSE).await;
                }
            };
            tokio::time::timeout(DEADLINE, published).await.expect("the log is there again");
        }
    }

    /// Where it says that it was.
    async fn arrival(&mut self) -> Option<String> {
        let arrival = tokio::time::timeout(DEADLINE, self.server.arrivals.recv()).await;
        arrival.expect("it comes back").expect("a server")
    }

    /// From the first event, over lost connections and lost servers, to an event of the type `end`.
    pub(crate) async fn go(&mut self) {
        assert_eq!(self.arrival().await, None);
        self.publish().await;
        // Who has been told nothing yet cannot say where it was.
        self.until_all_is_seen().await;
        self.proxy.cut_after(cuts());
        self.proxy.cut().await;
        for _ in cuts() {
            self.comes_back().await;
        }
        self.comes_back().await;
        for _ in 0..CRASHES {
            self.until_all_is_seen().await;
            self.crash().await;
        }
        self.server.tell("end", "").await;
    }

    /// Over a Redis that is killed, while the stream stays and while the client comes back. What was read is lost with it,
    /// unless it keeps what it has.
    pub(crate) async fn go_over(&mut self, redis: &mut Redis, is_kept: bool) {
        assert_eq!(self.arrival().await, None);
        self.publish().await;
        for crash in 0..CRASHES {
            self.until_all_is_seen().await;
            redis.kill();
            let comes_back = crash != 0;
            if comes_back {
                self.proxy.cut().await;
            }
            redis.restart().await;
            self.gaps += usize::from(!is_kept);
            if comes_back {
                self.arrival().await.expect("it knows where it was");
            }
            self.publish().await;
        }
        self.until_all_is_seen().await;
        self.server.tell("end", "").await;
    }

    async fn comes_back(&mut self) {
        let was_at = self.arrival().await.expect("it knows where it was");
        assert!(was_at.len() <= 128, "{was_at}");
        self.publish().await;
    }

    async fn until_all_is_seen(&self) {
        let mut seen = self.seen.subscribe();
        let all = seen.wait_for(|seen| *seen == self.published);
        let all = tokio::time::timeout(DEADLINE, all).await;
        all.expect("it is told of the last event").expect("the journey goes on");
    }

    /// Loses what was published while nobody was there, and the server.
    async fn crash(&mut self) {
        self.proxy.lead_to(None);
        self.proxy.cut().await;
        let from = self.published + 1;
        self.publish().await;
        self.lost.extend(from..=self.published);
        self.gaps += 1;
        self.server = Server::start();
        self.publish().await;
        self.proxy.lead_to(Some(self.server.address));
        self.comes_back().await;
    }

    /// All of it once and in order, but for what was lost, of which there was a word.
    #[track_caller]
    pub(crate) fn assert_whole(&self, told: &[Told]) {
        let (mut lost, mut gaps, mut next) = (Vec::new(), 0, 1);
        for told in told {
            match &*told.event_type {
                "note" => {
                    let number = told.number().expect("a number");
                    assert!(number == next || lost.len() < AT_ONCE * gaps, "{number}, not {next}");
                    assert_eq!(told.data.len(), number.to_string().len() + 201, "{told:?}");
                    lost.extend(next..number);
                    next = number + 1;
                }
                "gap" => {
                    assert_eq!(told.data, r#"{"reason":"replaced"}"#);
                    gaps += 1;
                }
                "end" => assert_eq!(next, self.published + 1, "there was more"),
                other => panic!("{other}: {told:?}"),
            }
        }
        assert_eq!(told.last().map(|told| &*told.event_type), Some("end"));
        assert_eq!((lost, gaps), (self.lost.clone(), self.gaps));
    }
}
