//! The whole stack under a flood of new keys, origins, accounts, cursors, readers, signatures, endpoints and broken
//! bytes, all at once and for an hour: its memory stays flat, it gives back what it took, and it is right at the end.
//!
//! Run by `./test.sh soak`. `STONEWORK_SOAK_SECONDS` makes it shorter: a try of some minutes ends before the stores are
//! full, and may fail for that. A line a minute tells what was asked, and what the process took then:
//!
//! - the columns of a kind are its requests, counted when they were answered or left;
//! - `RSS` is `RssAnon` of `/proc`, in MiB. The ledger is a file, which grows, and whose pages the kernel caches are no
//!   part of that; SQLite's own cache is, with 2 MiB for each of 4 connections, and soon full.
//!
//! Memory is flat when, after the first third, it no longer grows: the middle of the last sixth is at most 5% and 2 MiB
//! above the middle of the second third. By then each store is full, or forgets as much as it learns:
//!
//! | store | most | |
//! |---|---|---|
//! | idempotency | 100,000 keys, 64 MiB | kept for a quarter of the run, and refused when there are more |
//! | limits | 900,000 buckets of up to 58 bytes, 53 MB | 36 s for each request, so that some 36 times as many as there are requests in a second |
//! | versions | 100,000 accounts, and as many cached | refused when there are more |
//! | events | 10,000 logs, each with what an account was told | the one that was used longest ago goes |
//! | received webhooks | 100,000, 200 bytes each | kept for a quarter of the run, at least 10 minutes, and refused when there are more |
//! | deliveries | 100,000, without bodies once they have arrived | kept for a quarter of the run, and refused when there are more |
#![cfg(target_os = "linux")]

mod support;

mod soak {
    pub(crate) mod bytes;
    pub(crate) mod client;
    pub(crate) mod cursors;
    pub(crate) mod endpoints;
    pub(crate) mod errors;
    pub(crate) mod flood;
    pub(crate) mod keys;
    pub(crate) mod known;
    pub(crate) mod ledger;
    pub(crate) mod memory;
    pub(crate) mod origins;
    pub(crate) mod process;
    pub(crate) mod receivers;
    pub(crate) mod setting;
    pub(crate) mod signatures;
    pub(crate) mod streams;
    pub(crate) mod table;
    pub(crate) mod tally;
    pub(crate) mod tokens;
}

use std::sync::Arc;
use std::time::Duration;

use soak::errors::Errors;
use soak::flood::Flood;
use soak::ledger::Ledger;
use soak::process::{Process, Sample};
use soak::receivers::Receivers;
use soak::setting::Setting;
use soak::table::Table;
use soak::{
    bytes, client, cursors, endpoints, flood, keys, memory, origins, signatures, streams, tokens,
};
use support::{Reply, Request, Service};
use tokio::task::JoinSet;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_hour_of_everything_leaves_it_as_it_was() {
    let setting = Setting::of_environment();
    let ledger = Ledger::new();
    let mut service = ledger.serve(&setting);
    let errors = Errors::of(service.take_errors());
    let process = Process::of(service.pid());
    let Sample { descriptors, .. } = process.sample();
    settle(&service).await;
    let before = Sample { descriptors, ..process.sample() };

    let receivers = Receivers::start().await;
    let flood = Arc::new(Flood::new(service.address(), receivers));
    let workers = start(&flood, &ledger).await;
    let samples = watch(&setting, &process, &flood, workers).await;
    println!("{}", flood.tally().answers());

    process.until_as(before).await;
    let is_flat = memory::judge(&samples);
    println!("{is_flat:?}");
    right(&service, &setting, &flood).await;
    service.terminate();
    let (code, rest, _) = service.ended().await;
    assert_eq!((code, &*rest), (Some(0), ""));
    ledger.balances(flood.tally().made()).await;
    let errors = errors.ended();
    println!("stderr, each line and how often: {errors:#?}");
    let panics: Vec<_> = errors.keys().filter(|line| line.contains("panicked")).collect();
    assert!(panics.is_empty(), "{panics:?}");
    assert!(is_flat.is_ok(), "{is_flat:?}");
}

/// Has it begin all that it does not end again: connections to the ledger, and their threads.
async fn settle(service: &Service) {
    let mut asking = JoinSet::new();
    for at in 0..64 {
        let address = service.address();
        let request = Request::get("/v1/account").account(&format!("first-{at}"));
        asking.spawn(async move { client::Client::new(address).await.ask(&request).await.status });
    }
    assert!(asking.join_all().await.iter().all(|status| *status == 200));
}

/// All workers of all kinds.
async fn start(flood: &Arc<Flood>, ledger: &Ledger) -> JoinSet<()> {
    let mut workers = JoinSet::new();
    macro_rules! work {
        ($($workers:literal $session:path),+ $(,)?) => {
            $(for _ in 0..$workers {
                let flood = Arc::clone(flood);
                workers.spawn(async move {
                    while !flood.is_over() {
                        $session(&flood).await;
                    }
                });
            })+
        };
    }
    work! {
        6 keys::fresh,
        2 keys::known,
        2 keys::racing,
        2 origins::preflights,
        2 origins::requests,
        2 tokens::fresh,
        1 tokens::pinned,
        1 tokens::eager,
        3 cursors::walk,
        3 cursors::forged,
        4 streams::reading,
        2 streams::leaving,
        1 streams::never_reading,
        4 streams::polling,
        4 streams::sockets,
        3 signatures::forged,
        2 signatures::signed_ones,
        3 endpoints::registered,
        1 endpoints::refused,
        4 bytes::broken,
        8 bytes::slow,
        2 bytes::large,
        2 bytes::unread,
    }
    let (flood, deleting) = (Arc::clone(flood), ledger.deleting().await);
    workers.spawn(async move {
        while !flood.is_over() {
            deleting.old_endpoints().await;
        }
    });
    workers
}

/// Samples until the time is up and all workers have ended, each after what it had begun.
async fn watch(
    setting: &Setting,
    process: &Process,
    flood: &Flood,
    mut workers: JoinSet<()>,
) -> Vec<Sample> {
    let mut table = Table::begin(setting);
    let mut samples = Vec::new();
    let mut ticks = tokio::time::interval(setting.sample_every);
    while table.lasted() < setting.lasts {
        tokio::select! {
            _ = ticks.tick() => {
                let sample = process.sample();
                samples.push(sample);
                table.sampled(sample, flood.tally());
            }
            Some(ended) = workers.join_next() => ended.expect("no answer was wrong"),
        }
    }
    flood.end();
    support::in_time("all workers have ended", async {
        while let Some(ended) = workers.join_next().await {
            ended.expect("no answer was wrong");
        }
    })
    .await;
    samples
}

/// It does what it is for.
async fn right(service: &Service, setting: &Setting, flood: &Flood) {
    let account = flood::account("auditor");
    let order = r#"{"to":"bob","amount":70}"#;
    let request = Request::transfer(order).account(&account);
    for left in [930, 860, 790] {
        let reply = service.ask(&request).await;
        assert_eq!((reply.status, &reply.json["balance"]), (201, &left.into()), "{reply:?}");
        flood.tally().count_made();
    }
    assert_eq!(service.account(&account).await, (790, 3));
    let (first, again) = with_room_for_a_key(service, setting, flood, order).await;
    assert!(again.is_replay() && !first.is_replay(), "{again:?}");
    assert_eq!((again.status, again.body), (201, first.body));
}

/// A transfer under a key, and its retry. Those that the flood has used are forgotten in their time, and make room: for
/// one more key, and then for what was answered.
async fn with_room_for_a_key(
    service: &Service,
    setting: &Setting,
    flood: &Flood,
    order: &str,
) -> (Reply, Reply) {
    let waited = tokio::time::timeout(2 * Duration::from_secs(setting.remember), async {
        loop {
            let account = flood::account("auditor");
            let request = Request::transfer(order).account(&account).key("the-last");
            let reply = service.ask(&request).await;
            match reply.status {
                201 => {
                    flood.tally().count_made();
                    let again = service.ask(&request).await;
                    if !again.body.is_empty() {
                        return (reply, again);
                    }
                }
                503 => {}
                _ => panic!("neither made nor full: {reply:?}"),
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });
    waited.await.expect("there is room for a key")
}
