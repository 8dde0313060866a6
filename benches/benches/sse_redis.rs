//! An event appended to the log over Redis, beside a PING over the same connection (the floor), a
//! bare XADD, and a script that counts, adds and publishes and does no more (the limit). It starts a
//! redis-server: `cargo bench -p benches --features redis-1 --bench sse_redis`.

#[path = "../../idempotency/tests/support/redis.rs"]
#[allow(dead_code)]
mod redis_server;
#[path = "shared/redis_turns.rs"]
mod redis_turns;

use std::sync::Arc;

use bytes::Bytes;
use redis::aio::MultiplexedConnection;
use redis::{Client, Script};
use redis_server::Server;
use redis_turns::Caller;
use stonework_core::Key;
use stonework_sse::store::redis1::RedisLog;
use stonework_sse::store::{Append, EventLog};
use tokio::runtime::Builder;
use uuid::Uuid;

/// The least script that keeps an order and tells of it.
const LIMIT: &str = "
    local at = redis.call('INCR', KEYS[1])
    redis.call('XADD', KEYS[2], 'MAXLEN', '~', 1000, at .. '-0', 'e', ARGV[1])
    redis.call('PUBLISH', KEYS[2], ARGV[1])
    return at";

type Connection = MultiplexedConnection;

fn main() {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime starts");
    let server = runtime.block_on(Server::start());
    let connection = runtime.block_on(server.connection());
    let client = Client::open(server.url()).expect("it is an address");
    let subjects = vec![
        Subject::Ping(connection.clone()),
        Subject::Add(connection.clone()),
        Subject::Script(connection.clone(), Arc::new(Script::new(LIMIT))),
        Subject::Log(RedisLog::new(connection, client).max_events(1_000)),
    ];
    let figures: &[redis_turns::Figure] = &[
        ("time ÷ PING", |round, at| round[0] / round[at]),
        ("time ÷ XADD", |round, at| round[1] / round[at]),
    ];
    redis_turns::show(&runtime, subjects, figures);
}

#[derive(Clone)]
enum Subject {
    Ping(Connection),
    Add(Connection),
    Script(Connection, Arc<Script>),
    Log(RedisLog<Connection>),
}

impl Caller for Subject {
    fn title(&self) -> &'static str {
        match self {
            Self::Ping(_) => "PING",
            Self::Add(_) => "XADD, trimmed to about 1,000",
            Self::Script(..) => "limit: a script of INCR, XADD and PUBLISH",
            Self::Log(_) => "**stonework-sse**, `RedisLog`, append",
        }
    }

    async fn call(&mut self) {
        let body = format!("event: transfer\ndata: {:x>100}\n\n", "");
        match self {
            Self::Ping(connection) => {
                let pong = redis::cmd("PING").query_async::<()>(connection).await;
                pong.expect("the server answers");
            }
            Self::Add(connection) => {
                let mut add = redis::cmd("XADD");
                add.arg("added").arg(&["MAXLEN", "~", "1000", "*", "e"]).arg(body);
                add.query_async::<()>(connection).await.expect("the server answers");
            }
            Self::Script(connection, script) => {
                let mut call = script.key("{limit}:at");
                let at = call.key("{limit}:events").arg(body).invoke_async(connection).await;
                let _: u64 = at.expect("the server answers");
            }
            Self::Log(log) => {
                let (acct, topic) = (Key::from("acct_7"), Key::from("transfer"));
                let id = Uuid::new_v4().into_bytes();
                let append = Append::new(&acct, id, &topic, Bytes::from(body));
                log.append(append).await.expect("the server answers");
            }
        }
    }
}
