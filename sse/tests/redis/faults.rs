//! Hubs whose server goes away, hangs, forgets or falls back. Whatever happens, a subscriber is given every event once,
//! or is told of a gap.

use redis::cmd;
use stonework_sse::store::redis1::RedisLog;

use crate::nodes::{LOG, Node, Reader, event};
use crate::proxy::Proxy;
use crate::redis_server::{Cluster, Server, until};
use crate::store::{EVENTS, HASH};

/// Two nodes, and a reader at the second.
async fn two_nodes(server: &Server) -> (Node, Node, Reader) {
    let (one, other) = (Node::on(server).await, Node::on(server).await);
    let reader = other.reader().await;
    (one, other, reader)
}

/// Publishes these, and has them read.
async fn say(node: &Node, reader: &mut Reader, events: &[&str]) {
    for data in events {
        node.say(data).await;
    }
    reader.read_to(events[events.len() - 1]).await;
}

#[tokio::test]
async fn nodes_show_each_other_what_they_publish() {
    let server = Server::start().await;
    let (one, other, mut reader) = two_nodes(&server).await;
    let mut first = one.reader().await;
    for (number, node) in [&one, &other, &one, &one, &other].into_iter().enumerate() {
        node.say(&number.to_string()).await;
    }
    for reader in [&mut reader, &mut first] {
        reader.read_to("4").await;
        assert_eq!(reader.told, ["0", "1", "2", "3", "4"]);
    }
}

#[tokio::test]
async fn nodes_do_so_wherever_they_listen_to_a_cluster() {
    let cluster = Cluster::start().await;
    let mut nodes = Vec::new();
    let mut readers = Vec::new();
    for server in &cluster.nodes {
        let log = RedisLog::new(cluster.connection().await, server.client());
        nodes.push(Node::of(log));
        readers.push(nodes[nodes.len() - 1].reader().await);
    }
    for (node, data) in nodes.iter().zip(["1", "2", "3"]) {
        node.say(data).await;
    }
    for reader in &mut readers {
        reader.read_to("3").await;
        assert_eq!(reader.told, ["1", "2", "3"]);
    }
}

/// Kills the server while an event is being published, and starts it again.
async fn restart(server: &mut Server, node: &Node) {
    server.kill();
    let restarting = async {
        until("it cannot publish", async || node.try_publish(&event("never")).await.is_err()).await;
        server.restart().await;
    };
    tokio::join!(node.say("while it is away"), restarting);
}

#[tokio::test]
async fn a_server_that_is_killed_and_has_its_data_again() {
    let mut server = Server::durable().await;
    let (one, other, mut reader) = two_nodes(&server).await;
    say(&one, &mut reader, &["1", "2"]).await;
    restart(&mut server, &one).await;
    say(&other, &mut reader, &["3"]).await;
    assert_eq!(reader.told, ["1", "2", "while it is away", "3"]);
}

#[tokio::test]
async fn a_server_that_is_killed_and_has_lost_its_data() {
    let mut server = Server::start().await;
    let (one, other, mut reader) = two_nodes(&server).await;
    say(&one, &mut reader, &["1", "2"]).await;
    restart(&mut server, &one).await;
    say(&other, &mut reader, &["3"]).await;
    assert_eq!(reader.told, ["1", "2", "gap: replaced", "while it is away", "3"]);
}

#[tokio::test]
async fn scripts_that_are_flushed() {
    let server = Server::start().await;
    let (one, _other, mut reader) = two_nodes(&server).await;
    for data in ["1", "2", "3"] {
        server.ask::<()>(cmd("SCRIPT").arg("FLUSH")).await;
        say(&one, &mut reader, &[data]).await;
    }
    assert_eq!(reader.told, ["1", "2", "3"]);
}

#[tokio::test]
async fn keys_that_are_deleted() {
    for (keys, expected) in [
        (&[HASH][..], &["1", "2", "gap: replaced", "3"][..]),
        (&[HASH, EVENTS], &["1", "2", "gap: replaced", "3"]),
        // Who has read them needs them no more.
        (&[EVENTS], &["1", "2", "3"]),
    ] {
        let server = Server::start().await;
        let (one, _other, mut reader) = two_nodes(&server).await;
        say(&one, &mut reader, &["1"]).await;
        let first = reader.at;
        say(&one, &mut reader, &["2"]).await;
        let deleted: usize = server.ask(cmd("DEL").arg(keys)).await;
        assert_eq!(deleted, keys.len());
        say(&one, &mut reader, &["3"]).await;
        assert_eq!(reader.told, expected);
        // At a node that has none of them in its window.
        let mut late = Reader::after(&Node::on(&server).await, first).await;
        late.read_to("3").await;
        let reason = if keys == [EVENTS] { "gap: trimmed" } else { "gap: replaced" };
        assert_eq!(late.told, [reason, "3"]);
    }
}

#[tokio::test]
async fn a_server_that_is_flushed() {
    let server = Server::start().await;
    let (one, _other, mut reader) = two_nodes(&server).await;
    say(&one, &mut reader, &["1", "2"]).await;
    server.ask::<()>(&cmd("FLUSHALL")).await;
    // Longer than the log that there was.
    say(&one, &mut reader, &["3", "4", "5"]).await;
    assert_eq!(reader.told, ["1", "2", "gap: replaced", "3", "4", "5"]);
}

#[tokio::test]
async fn connections_that_are_killed_again_and_again() {
    let server = Server::start().await;
    let (one, _other, mut reader) = two_nodes(&server).await;
    let events: Vec<_> = (0..200).map(|number| number.to_string()).collect();
    let publishing = async {
        for data in &events {
            one.say(data).await;
        }
    };
    let reading = async {
        for next in [&events[50], &events[100], &events[150]] {
            reader.read_to(next).await;
            until("somebody is killed", async || {
                server.ask::<usize>(cmd("CLIENT").arg(&["KILL", "TYPE", "pubsub"])).await > 0
            })
            .await;
        }
        reader.read_to(&events[199]).await;
    };
    tokio::join!(publishing, reading);
    assert_eq!(reader.told, events);
}

/// Publishes when nobody answers, which may be done all the same, and again when somebody does.
async fn while_it_hangs(
    server: &Server,
    hang: impl AsyncFnOnce(),
    go_on: impl AsyncFnOnce(),
) -> Vec<String> {
    let (one, other, mut reader) = two_nodes(server).await;
    say(&one, &mut reader, &["1"]).await;
    let event = event("2");
    hang().await;
    one.try_publish(&event).await.unwrap_err();
    go_on().await;
    one.publish(&event).await;
    say(&other, &mut reader, &["3"]).await;
    reader.told
}

#[tokio::test]
async fn a_server_that_stands_still() {
    let server = Server::start().await;
    let told =
        while_it_hangs(&server, async || server.pause().await, async || server.resume()).await;
    assert_eq!(told, ["1", "2", "3"]);
}

#[tokio::test]
async fn a_server_that_keeps_writers_waiting() {
    let server = Server::start().await;
    let pause = cmd("CLIENT").arg(&["PAUSE", "600000", "WRITE"]).to_owned();
    let go_on = cmd("CLIENT").arg("UNPAUSE").to_owned();
    let hang = async || server.ask::<()>(&pause).await;
    let told = while_it_hangs(&server, hang, async || server.ask::<()>(&go_on).await).await;
    assert_eq!(told, ["1", "2", "3"]);
}

/// As when a machine has lost its power, and nobody is told.
#[tokio::test]
async fn a_connection_that_is_dead_at_the_other_end() {
    let server = Server::start().await;
    let proxy = Proxy::before(&server).await;
    let one = Node::on(&server).await;
    let other = Node::with(server.client(), proxy.client()).await;
    let mut reader = other.reader().await;
    say(&one, &mut reader, &["1"]).await;
    let before = proxy.connections();
    proxy.freeze();
    say(&one, &mut reader, &["2"]).await;
    assert!(proxy.connections() > before, "it has connected again");
    say(&one, &mut reader, &["3"]).await;
    assert_eq!(reader.told, ["1", "2", "3"]);
}

#[tokio::test]
async fn a_replica_that_has_not_seen_the_last_events() {
    let mut primary = Server::start().await;
    let replica = primary.replica().await;
    let proxy = Proxy::before(&primary).await;
    let node = async || Node::with(proxy.client(), proxy.client()).await;
    let (one, other) = (node().await, node().await);
    let mut reader = other.reader().await;
    say(&one, &mut reader, &["1", "2"]).await;
    let second = reader.at;
    until("the replica has two", async || replica.ask::<usize>(cmd("XLEN").arg(EVENTS)).await == 2)
        .await;
    replica.promote().await;
    say(&one, &mut reader, &["3", "4"]).await;
    assert_eq!(replica.ask::<usize>(cmd("XLEN").arg(EVENTS)).await, 2, "it has not seen them");
    let fourth = reader.at;

    proxy.lead_to(&replica);
    primary.kill();
    // As many as are lost, so that offsets alone would tell nothing.
    one.say("3 of the replica").await;
    one.say("4 of the replica").await;
    reader.read_to("gap: replaced").await;
    say(&one, &mut reader, &["5"]).await;
    let (known, after) = reader.told.split_at(5);
    assert_eq!(known, ["1", "2", "3", "4", "gap: replaced"]);
    // The rest of it is what the gap is about.
    assert!(["3 of the replica", "4 of the replica", "5"].ends_with(&as_texts(after)), "{after:?}");

    let mut late = Reader::after(&other, fourth).await;
    late.read_to("5").await;
    assert_eq!(late.told[0], "gap: replaced");
    // Who was not told of them misses nothing of this history.
    let mut unaware = Reader::after(&other, second).await;
    unaware.read_to("5").await;
    assert_eq!(unaware.told, ["3 of the replica", "4 of the replica", "5"]);
}

fn as_texts(told: &[String]) -> Vec<&str> {
    told.iter().map(String::as_str).collect()
}

/// An event whose answer was lost, and which was lost itself after that.
#[tokio::test]
async fn an_event_that_was_lost_is_appended_when_it_is_sent_again() {
    let server = Server::start().await;
    let (one, _other, mut reader) = two_nodes(&server).await;
    say(&one, &mut reader, &["1"]).await;
    let event = event("2");
    one.publish(&event).await;
    // As a server does that evicts.
    server.ask::<()>(cmd("DEL").arg(&[HASH])).await;
    one.publish(&event).await;
    let mut late = one.reader().await;
    say(&one, &mut late, &["3"]).await;
    assert_eq!(late.told, ["3"]);
    let mut all = Reader::after(&one, stonework_sse::Position::start(late.at.epoch)).await;
    all.read_to("3").await;
    assert_eq!(all.told, ["2", "3"], "it is in the log {LOG}");
}

/// What may happen to a server while others publish.
async fn fault(server: &mut Server, number: u64) {
    let client = |what: &[&str]| cmd("CLIENT").arg(what).to_owned();
    match number {
        0 => drop(server.ask::<usize>(&client(&["KILL", "TYPE", "pubsub"])).await),
        1 => drop(server.ask::<usize>(&client(&["KILL", "TYPE", "normal"])).await),
        2 => server.ask::<()>(cmd("SCRIPT").arg("FLUSH")).await,
        3 => server.ask::<()>(cmd("DEL").arg(HASH)).await,
        4 => server.ask::<()>(cmd("DEL").arg(EVENTS)).await,
        5 => server.ask::<()>(&cmd("FLUSHALL")).await,
        6 => server.ask::<()>(cmd("PUBLISH").arg(EVENTS).arg("hello")).await,
        _ => server.restart().await,
    }
}

/// Of many orders, these that the seeds give.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_thing_after_the_other() {
    for seed in 1..=4 {
        let mut server = Server::durable().await;
        // What was appended and not answered in time would be appended again once the log is deleted.
        let (one, other) = (Node::patient(&server).await, Node::patient(&server).await);
        let mut reader = other.reader().await;
        let mut late = Reader::after(&one, reader.at).await;
        let mut random = seed;
        for round in 0..25 {
            // Knuth, The Art of Computer Programming, volume 2, section 3.3.4.
            random = u64::wrapping_mul(random, 6_364_136_223_846_793_005).wrapping_add(seed);
            let events = ["a", "b", "c"].map(|name| format!("{seed}, {round}{name}"));
            let publishing = async {
                for (data, node) in events.iter().zip([&one, &other, &one]) {
                    node.say(data).await;
                }
            };
            tokio::join!(fault(&mut server, (random >> 40) % 8), publishing);
            // After whatever was deleted.
            let last = format!("{seed}, {round}");
            one.say(&last).await;
            reader.read_to(&last).await;
            if random >> 63 == 0 {
                late.read_to(&last).await;
                late.come_back().await;
            }
        }
    }
}
