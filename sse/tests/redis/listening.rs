//! The connection that listens.

use std::time::Duration;

use redis::{AsyncConnectionConfig, Client, cmd};
use stonework_core::{Clock, Key, StoreError, StoreErrorKind, SystemClock};
use stonework_sse::store::redis1::RedisLog;
use stonework_sse::store::{Announced, Announcements, EventLog, Listen};
use stonework_sse::testing::log_conformance;

use crate::nodes::{DEADLINE, LOG, Node};
use crate::proxy::Proxy;
use crate::redis_server::{Server, until};
use crate::store::EVENTS;

async fn listen(log: &impl EventLog, name: &str) -> Announcements {
    try_to_listen(log, &Key::from(name)).await.unwrap()
}

/// Again while it takes too long to connect, as it may on a busy machine.
pub(crate) async fn try_to_listen(
    log: &impl EventLog,
    name: &Key,
) -> Result<Announcements, StoreError> {
    let tried = async {
        loop {
            match log.announcements(Listen::new(name)).await {
                Err(error) if error.kind() == StoreErrorKind::TimedOut => {}
                told => return told,
            }
        }
    };
    tokio::time::timeout(DEADLINE, tried).await.expect("it is there in the end")
}

/// What is told next, sooner or later.
async fn heard(told: &mut Announcements) -> Option<Announced> {
    tokio::time::timeout(DEADLINE, told.next()).await.expect("something is told")
}

/// How many connections the server has, beside the one that asks.
async fn clients(server: &Server) -> usize {
    let clients: String = server.ask(cmd("CLIENT").arg("LIST")).await;
    clients.lines().count() - 1
}

async fn channels(server: &Server) -> Vec<String> {
    server.ask(cmd("PUBSUB").arg("CHANNELS")).await
}

#[tokio::test]
async fn there_is_one_for_all_logs_and_none_when_nobody_listens() {
    let server = Server::start().await;
    let proxy = Proxy::before(&server).await;
    let log = RedisLog::new(server.connection().await, proxy.client());
    assert_eq!(proxy.connections(), 0, "nobody listens");
    for _ in 0..2 {
        let mut all = Vec::new();
        for number in 0..20 {
            all.push(listen(&log.clone().max_events(7), &number.to_string()).await);
            all.push(listen(&log, &number.to_string()).await);
        }
        assert_eq!(channels(&server).await.len(), 20);
        until("there is one", async || proxy.open() == 1).await;
        all.truncate(6);
        until("it unsubscribes", async || channels(&server).await.len() == 3).await;
        until("one is left", async || proxy.open() == 1).await;
        drop(all);
        until("it ends", async || proxy.open() == 0).await;
    }
}

/// As whoever waits for the store for less long than it takes to connect.
#[tokio::test]
async fn it_is_there_for_who_comes_back_after_it_took_too_long() {
    for _ in 0..10 {
        let server = Server::start().await;
        let proxy = Proxy::before(&server).await;
        let log = RedisLog::new(server.connection().await, proxy.client());
        // It stays for 3 s when nobody listens, and a busy machine may take longer than that.
        let began = SystemClock::new();
        let is_in_time = || began.monotonic() < Duration::from_secs(2);
        let mut first = tokio_test::task::spawn(log.announcements(Listen::new(&Key::from(LOG))));
        assert!(first.poll().is_pending());
        while proxy.connections() == 0 && is_in_time() {
            tokio::task::yield_now().await;
        }
        let still_waits = first.poll().is_pending();
        drop(first);
        while clients(&server).await != 2 && is_in_time() {}
        let mut looks = Vec::new();
        for _ in 0..10 {
            looks.push(clients(&server).await);
        }
        drop(listen(&log, LOG).await);
        let connections = proxy.connections();
        if is_in_time() {
            assert!(still_waits);
            assert_eq!(looks, [2; 10], "it stays for a while");
            assert_eq!(connections, 1, "it is the same one");
            return until("it ends", async || proxy.open() == 0).await;
        }
    }
    panic!("it is not connected in time");
}

#[tokio::test]
async fn it_ends_with_the_log_and_those_who_listen() {
    let server = Server::start().await;
    let proxy = Proxy::before(&server).await;
    let connection = server.connection().await;
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    for is_last in [true, false] {
        let log = RedisLog::new(connection.clone(), proxy.client());
        let told = listen(&log, LOG).await;
        if is_last {
            drop(log);
            assert_eq!(proxy.open(), 1, "somebody listens");
            drop(told);
        } else {
            drop(told);
            until("nobody listens", async || proxy.open() == 0).await;
            assert!(tasks() > before, "somebody could");
            drop(log);
        }
        until("it ends", async || tasks() == before).await;
    }
    let node = Node::with(server.client(), proxy.client()).await;
    let reader = node.reader().await;
    assert_eq!((proxy.open(), channels(&server).await), (1, vec![EVENTS.to_owned()]));
    drop((reader, node));
    until("it ends", async || tasks() == before).await;
}

#[tokio::test]
async fn who_listens_is_told_of_a_lapse_whenever_it_is_made_anew() {
    let mut server = Server::start().await;
    let log = RedisLog::new(server.connection().await, server.client());
    let (mut one, mut other) = (listen(&log, "one").await, listen(&log, "other").await);
    server.ask::<()>(cmd("CLIENT").arg(&["KILL", "TYPE", "pubsub"])).await;
    assert_eq!(heard(&mut one).await, Some(Announced::Lapse));
    assert_eq!(heard(&mut other).await, Some(Announced::Lapse));
    server.restart().await;
    assert_eq!(heard(&mut one).await, Some(Announced::Lapse));
    assert_eq!(heard(&mut other).await, Some(Announced::Lapse));
}

#[tokio::test]
async fn what_is_no_announcement_is_a_lapse() {
    let server = Server::start().await;
    let log = RedisLog::new(server.connection().await, server.client());
    let mut told = listen(&log, LOG).await;
    for message in [&b""[..], b"hello", b"\xff\0 \xff \xff ", b"00000001.1.00000001 00000000 9 x"] {
        let listeners: usize = server.ask(cmd("PUBLISH").arg(EVENTS).arg(message)).await;
        assert_eq!(listeners, 1);
        assert_eq!(heard(&mut told).await, Some(Announced::Lapse), "{message:?}");
    }
}

#[tokio::test]
async fn whoever_publishes_what_it_likes_disturbs_nobody() {
    let server = Server::start().await;
    let (one, other) = (Node::on(&server).await, Node::on(&server).await);
    let mut reader = other.reader().await;
    for number in ["1", "2", "3"] {
        for message in [&b"hello"[..], b"00000001.7.00000001 00000000 1 tdata: x\n\n"] {
            server.ask::<()>(cmd("PUBLISH").arg(EVENTS).arg(message)).await;
        }
        one.say(number).await;
    }
    reader.read_to("3").await;
    assert_eq!(reader.told, ["1", "2", "3"]);
}

#[tokio::test]
async fn a_server_that_is_gone_is_an_outage_and_one_that_is_back_is_none() {
    let mut server = Server::start().await;
    let log = RedisLog::new(server.manager().await, server.client());
    server.kill();
    let name = Key::from(LOG);
    for _ in 0..3 {
        let kind = log.announcements(Listen::new(&name)).await.unwrap_err().kind();
        assert!(matches!(kind, StoreErrorKind::Unavailable | StoreErrorKind::TimedOut), "{kind:?}");
    }
    server.restart().await;
    listen(&log, LOG).await;
}

/// Of two that share the connection, one may listen to its channels.
#[tokio::test]
async fn who_may_not_listen_is_refused_and_disturbs_nobody() {
    let server = Server::start().await;
    let user = ["SETUSER", "app", "on", ">secret", "~*", "&stonework:sse:*", "+@all"];
    server.ask::<()>(cmd("ACL").arg(&user)).await;
    let client = Client::open(format!("redis://app:secret@127.0.0.1:{}/", server.port())).unwrap();
    let log = RedisLog::new(server.connection().await, client);
    let mut told = listen(&log, LOG).await;
    let name = Key::from(LOG);
    let other = log.key_prefix("other:");
    let error = other.announcements(Listen::new(&name)).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Refused);
    server.ask::<()>(cmd("PUBLISH").arg(EVENTS).arg("00000001.1.00000001 00000000 0 ")).await;
    assert!(matches!(heard(&mut told).await, Some(Announced::Event(_))), "there was no lapse");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_speaks_the_newer_protocol_too() {
    let server = Server::start().await;
    let client = Client::open(format!("{}?protocol=resp3", server.url())).unwrap();
    let patient = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(DEADLINE))
        .set_response_timeout(None);
    let connection = client.get_multiplexed_async_connection_with_config(&patient).await.unwrap();
    log_conformance(RedisLog::new(connection, client)).await;
}

/// As tests do, and programs that start anew.
#[test]
fn a_runtime_that_has_ended_takes_nothing_with_it() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let first = runtime();
    let server = first.block_on(Server::start());
    let connection = first.block_on(server.connection());
    let log = RedisLog::new(connection, server.client());
    let mut told = first.block_on(listen(&log, LOG));
    drop(first);
    let second = runtime();
    assert_eq!(second.block_on(heard(&mut told)), None, "nobody tells any more");
    let _told = second.block_on(listen(&log, LOG));
    assert_eq!(second.block_on(channels(&server)), [EVENTS]);
}
