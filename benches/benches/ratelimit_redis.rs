//! The store over Redis, and leases from it, beside a PING over the same connection (the floor) and
//! a script that reads and writes one key and decides nothing (the limit). It starts a redis-server:
//! `cargo bench -p benches --features redis-1 --bench ratelimit_redis`.

#[path = "../../idempotency/tests/support/redis.rs"]
#[allow(dead_code)]
mod redis_server;
#[path = "shared/redis_turns.rs"]
mod redis_turns;

use std::sync::Arc;
use std::time::Duration;

use redis::Script;
use redis::aio::MultiplexedConnection;
use redis_server::Server;
use redis_turns::Caller;
use stonework_ratelimit::Quota;
use stonework_ratelimit::store::redis1::RedisStore;
use stonework_ratelimit::store::{Acquire, Acquired, Bucket, Demand, LeasedStore, RateLimitStore};
use tokio::runtime::Builder;

/// The least script that could keep something.
const LIMIT: &str = "
    local found = redis.call('GET', KEYS[1])
    redis.call('SET', KEYS[1], ARGV[1], 'PX', 60000)
    return found";

/// More than any subject uses up.
const RATE: u32 = 1_000_000_000;

type Connection = MultiplexedConnection;

fn main() {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime starts");
    let server = runtime.block_on(Server::start());
    let connection = runtime.block_on(server.connection());
    let store = RedisStore::new(connection.clone());
    let subjects = vec![
        Subject::Ping(connection.clone()),
        Subject::Script(connection, Arc::new(Script::new(LIMIT))),
        Subject::One(store.clone()),
        Subject::Three(store.clone()),
        Subject::Leased(LeasedStore::new(store)),
    ];
    redis_turns::show(
        &runtime,
        subjects,
        &[
            ("time ÷ PING", |round, at| round[0] / round[at]),
            ("throughput ÷ one limit", |round, at| round[at] / round[2]),
        ],
    );
}

#[derive(Clone)]
enum Subject {
    Ping(Connection),
    Script(Connection, Arc<Script>),
    One(RedisStore<Connection>),
    Three(RedisStore<Connection>),
    Leased(LeasedStore<RedisStore<Connection>>),
}

impl Caller for Subject {
    fn title(&self) -> &'static str {
        match self {
            Self::Ping(_) => "PING",
            Self::Script(..) => "limit: a script of one GET and one SET",
            Self::One(_) => "**stonework-ratelimit**, `RedisStore`, one limit",
            Self::Three(_) => "**stonework-ratelimit**, `RedisStore`, three limits at once",
            Self::Leased(_) => "**stonework-ratelimit**, `LeasedStore`, one limit",
        }
    }

    async fn call(&mut self) {
        match self {
            Self::Ping(connection) => {
                let pong = redis::cmd("PING").query_async::<()>(connection).await;
                pong.expect("the server answers");
            }
            Self::Script(connection, script) => {
                let mut call = script.key("limit");
                let found = call.arg("1234567890123456").invoke_async(connection).await;
                let _: Option<String> = found.expect("the server answers");
            }
            Self::One(store) => acquire(store, ["one"]).await,
            Self::Three(store) => acquire(store, ["second", "minute", "hour"]).await,
            Self::Leased(store) => acquire(store, ["leased"]).await,
        }
    }
}

/// All for the same client.
async fn acquire<const N: usize>(store: &impl RateLimitStore, policies: [&'static str; N]) {
    let quota = Quota::new(RATE, Duration::from_secs(1), RATE).expect("the quota is valid");
    let demands = policies.map(|policy| Demand::new(Bucket::new(policy, b"tenant 7"), quota, 1));
    let acquired = store.acquire(Acquire::new(&demands)).await.expect("the server answers");
    assert!(matches!(acquired, Acquired::Granted(_)), "{acquired:?}");
}
