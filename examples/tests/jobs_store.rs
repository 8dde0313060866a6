//! What a store of jobs promises, asked of the one in memory and of the one in Redis. Each step is taken twice, as it
//! is when a reply was lost.

#[path = "../src/bin/jobs/account.rs"]
#[allow(dead_code)]
mod account;
#[path = "../src/bin/jobs/job.rs"]
#[allow(dead_code)]
mod job;
#[path = "../../idempotency/tests/support/redis.rs"]
#[allow(dead_code)]
mod redis_server;
#[path = "../src/bin/jobs/store/mod.rs"]
mod store;

/// What `account.rs` says no with.
mod problem {
    pub(crate) enum Refusal {
        Unauthenticated,
    }

    impl axum::response::IntoResponse for Refusal {
        fn into_response(self) -> axum::response::Response {
            let Self::Unauthenticated = self;
            axum::http::StatusCode::UNAUTHORIZED.into_response()
        }
    }
}

use std::sync::Arc;
use std::time::Duration;

use account::Account;
use axum::body::Bytes;
use job::{Fault, Format, Job, Order, Outcome, State, Tag};
use redis_server::{Server, until};
use store::{
    Claimed, Endpoint, JobStore, Lease, Limits, List, MemoryStore, RedisStore, Submit, Submitted,
};
use uuid::Uuid;

const LIMITS: Limits = Limits {
    line: 8,
    of_one: 4,
    room: 1_000_000,
    keep: Duration::from_secs(600),
    lease: Duration::from_secs(600),
    attempts: 2,
    endpoints: 2,
    owners: 2,
};

/// A lease that has run out when it begins.
const OVER: Duration = Duration::ZERO;

type Store = Arc<dyn JobStore>;

/// Runs a case on each kind of store.
async fn on_each(limits: Limits, case: impl AsyncFn(Store)) {
    case(Arc::new(MemoryStore::new(limits))).await;
    let redis = Server::start().await;
    let store = RedisStore::new(redis.manager().await, Duration::from_secs(30), limits);
    case(Arc::new(store)).await;
}

/// The same answer twice.
macro_rules! twice {
    ($ask:expr) => {{
        let first = $ask.await.expect("an answer");
        assert_eq!(first, $ask.await.expect("an answer"), "when it is asked again");
        first
    }};
}

/// The same of what has nothing to answer.
macro_rules! done_twice {
    ($ask:expr) => {
        $ask.await.expect("an answer");
        $ask.await.expect("an answer");
    };
}

fn alice() -> Account {
    Account::named("alice").expect("a name")
}

fn submit(account: &Account, width: u32) -> Submit {
    let image = Bytes::from_static(b"\0image\xff\r\n");
    let digest = Tag::of(&image);
    let order = Order { width, height: 10, format: Format::Png, digest, pause_ms: 7 };
    Submit { id: Uuid::now_v7(), account: account.clone(), order, image }
}

async fn submitted(store: &Store, account: &Account, width: u32) -> Job {
    let submit = submit(account, width);
    match twice!(store.submit(submit.clone())) {
        Submitted::Job(job) => job,
        other => panic!("{other:?}"),
    }
}

async fn claimed(store: &Store, token: Uuid) -> Option<Claimed> {
    twice!(store.claim(token))
}

fn lease(job: &Job, token: Uuid) -> Lease {
    Lease { job: job.id, token }
}

fn made() -> Outcome {
    Outcome::Succeeded(Bytes::from_static(b"\0result\xff"))
}

async fn find(store: &Store, job: &Job) -> Option<Job> {
    twice!(store.find(job.id))
}

#[tokio::test]
async fn a_job_has_a_life() {
    on_each(LIMITS, async |store| {
        let job = submitted(&store, &alice(), 10).await;
        assert_eq!((&job.state, job.revision, job.attempts), (&State::Queued, 0, 0));
        assert!(job.created_at > 1_700_000_000_000, "in milliseconds");
        assert_eq!(job.order.pause_ms, 7);
        assert_eq!(find(&store, &job).await, Some(job.clone()));

        let token = Uuid::new_v4();
        let Claimed { job: begun, image } = claimed(&store, token).await.expect("it is there");
        assert_eq!(image, &b"\0image\xff\r\n"[..]);
        assert_eq!((&begun.state, begun.attempts), (&State::Running { progress: 0 }, 1));
        assert_eq!(claimed(&store, Uuid::new_v4()).await, None, "it is somebody's");

        let lease = lease(&job, token);
        let renewed = twice!(store.report(lease, None)).expect("it is held");
        assert_eq!(renewed, begun, "nothing to be seen");
        let running = store.report(lease, Some(40)).await.expect("an answer").expect("held");
        assert_eq!(running.state, State::Running { progress: 40 });
        assert!(running.revision > begun.revision);

        let ended = twice!(store.finish(lease, made())).expect("it is held");
        let State::Succeeded { .. } = &ended.state else { panic!("{ended:?}") };
        assert_eq!(twice!(store.result(job.id)).as_deref(), Some(&b"\0result\xff"[..]));
        let other = Outcome::Failed(Fault::Internal);
        assert_eq!(twice!(store.finish(lease, other.clone())), Some(ended.clone()), "it ends once");
        assert_eq!(twice!(store.cancel(job.id)), Some(ended.clone()));
        assert_eq!(claimed(&store, Uuid::new_v4()).await, None, "who ended it tells of it");

        done_twice!(store.told(lease, "1.2.3".into()));
        let told = find(&store, &job).await.expect("it is kept");
        assert_eq!(told, Job { told: Some("1.2.3".into()), ..ended });
        assert_eq!(claimed(&store, Uuid::new_v4()).await, None);
        assert_eq!(twice!(store.report(lease, Some(99))), None, "it is nobody's any more");
    })
    .await;
}

#[tokio::test]
async fn who_has_lost_a_lease_changes_nothing() {
    on_each(Limits { lease: OVER, attempts: 9, ..LIMITS }, async |store| {
        let job = submitted(&store, &alice(), 10).await;
        let (old, new) = (Uuid::new_v4(), Uuid::new_v4());
        store.claim(old).await.expect("an answer").expect("it is there");
        // It has run out, and nobody else has come: it still counts.
        let old = lease(&job, old);
        assert!(store.report(old, Some(10)).await.expect("an answer").is_some());
        let mut taken = None;
        until("the lease has run out", async || {
            taken = store.claim(new).await.expect("an answer");
            taken.is_some()
        })
        .await;
        let taken = taken.expect("it was claimed").job;
        assert_eq!((&taken.state, taken.attempts), (&State::Running { progress: 0 }, 2));
        for outcome in [made(), Outcome::Failed(Fault::Internal)] {
            assert_eq!(twice!(store.finish(old, outcome.clone())), None);
        }
        assert_eq!(twice!(store.report(old, Some(50))), None);
        done_twice!(store.told(old, "1.2.3".into()));
        done_twice!(store.put_back(old, Duration::ZERO));
        assert_eq!(find(&store, &job).await, Some(taken));
        assert_eq!(twice!(store.result(job.id)), None);
        assert!(store.finish(lease(&job, new), made()).await.expect("an answer").is_some());
    })
    .await;
}

#[tokio::test]
async fn what_was_begun_too_often_fails_and_is_told_of() {
    on_each(Limits { lease: OVER, ..LIMITS }, async |store| {
        let job = submitted(&store, &alice(), 10).await;
        let mut states = Vec::new();
        until("it has failed", async || {
            if let Some(claimed) = store.claim(Uuid::new_v4()).await.expect("an answer") {
                states.push((claimed.job.state, claimed.image.is_empty()));
            }
            states.len() == 3
        })
        .await;
        let begun = (State::Running { progress: 0 }, false);
        let failed = (State::Failed { fault: Fault::GaveUp }, true);
        assert_eq!(states, [begun.clone(), begun, failed.clone()]);
        assert_eq!(find(&store, &job).await.expect("it is kept").state, failed.0);
    })
    .await;
}

#[tokio::test]
async fn what_is_put_back_was_not_begun() {
    on_each(LIMITS, async |store| {
        let job = submitted(&store, &alice(), 10).await;
        for _ in 0..5 {
            let token = Uuid::new_v4();
            let begun = claimed(&store, token).await.expect("it is there").job;
            assert_eq!(begun.attempts, 1);
            done_twice!(store.put_back(lease(&job, token), Duration::ZERO));
            let back = find(&store, &job).await.expect("it is kept");
            assert_eq!((&back.state, back.attempts), (&State::Queued, 0));
        }
        let token = Uuid::new_v4();
        claimed(&store, token).await.expect("it is there");
        done_twice!(store.put_back(lease(&job, token), Duration::from_secs(600)));
        assert_eq!(claimed(&store, Uuid::new_v4()).await, None, "not yet");
    })
    .await;
}

#[tokio::test]
async fn what_is_cancelled_stays_so_and_is_told_of() {
    on_each(LIMITS, async |store| {
        // Of one time, they stand in the order of their ids.
        let first = submitted(&store, &alice(), 10).await;
        let second = submitted(&store, &alice(), 11).await;
        let token = Uuid::new_v4();
        // The first one in line.
        assert_eq!(claimed(&store, token).await.expect("it is there").job.id, first.id);
        let lease = lease(&first, token);
        for job in [&first, &second] {
            let cancelled = twice!(store.cancel(job.id)).expect("it is there");
            assert_eq!(cancelled.state, State::Cancelled);
        }
        assert_eq!(twice!(store.report(lease, Some(50))), None);
        assert_eq!(twice!(store.finish(lease, made())), None);
        assert_eq!(find(&store, &first).await.expect("it is kept").state, State::Cancelled);
        let mut told = Vec::new();
        for _ in 0..2 {
            let token = Uuid::new_v4();
            let Claimed { job, image } = claimed(&store, token).await.expect("it is to be told");
            assert_eq!((&job.state, image.len(), job.attempts <= 1), (&State::Cancelled, 0, true));
            done_twice!(store.told(self::lease(&job, token), "1.2.3".into()));
            told.push(job.id);
        }
        told.sort();
        assert_eq!(told, [first.id, second.id]);
        assert_eq!(claimed(&store, Uuid::new_v4()).await, None);
        assert_eq!(twice!(store.cancel(Uuid::new_v4())), None, "there is no such");
    })
    .await;
}

#[tokio::test]
async fn there_is_an_end_to_everything() {
    on_each(LIMITS, async |store| {
        let names: Vec<_> =
            ["a", "a-b", "b"].iter().filter_map(|name| Account::named(name)).collect();
        for account in &names[..2] {
            for _ in 0..4 {
                submitted(&store, account, 10).await;
            }
            assert_eq!(twice!(store.submit(submit(account, 10))), Submitted::TooMany);
        }
        assert_eq!(twice!(store.submit(submit(&names[2], 10))), Submitted::LineFull);
    })
    .await;
    on_each(Limits { keep: OVER, ..LIMITS }, async |store| {
        // 4 KiB for itself, 64 KiB for what stands around pixels, and 4 bytes for each.
        let job = submitted(&store, &alice(), 22_000).await;
        let bob = Account::named("bob").expect("a name");
        assert_eq!(twice!(store.submit(submit(&bob, 1_000))), Submitted::NoRoom);
        let token = Uuid::new_v4();
        claimed(&store, token).await.expect("it is there");
        store.finish(lease(&job, token), made()).await.expect("an answer").expect("held");
        // What it did not need is free.
        let next = submitted(&store, &bob, 22_000).await;
        assert_eq!(twice!(store.submit(submit(&bob, 1_000))), Submitted::NoRoom);
        store.cancel(next.id).await.expect("an answer");
        submitted(&store, &bob, 22_000).await;
        store.told(lease(&job, token), "1.2.3".into()).await.expect("an answer");
        until("it is forgotten", async || find(&store, &job).await.is_none()).await;
        assert_eq!(twice!(store.result(job.id)), None);
        let list = List { account: alice(), newest_first: true, after: None, limit: 9 };
        assert!(twice!(store.list(list.clone())).is_empty());
    })
    .await;
}

#[tokio::test]
async fn an_id_is_of_one_order() {
    on_each(LIMITS, async |store| {
        let first = submit(&alice(), 10);
        let Submitted::Job(job) = twice!(store.submit(first.clone())) else { panic!("taken") };
        let mut paused = first.clone();
        paused.order.pause_ms = 0;
        assert_eq!(twice!(store.submit(paused.clone())), Submitted::Job(job.clone()));
        let changes: [fn(&mut Submit); 4] = [
            |submit| submit.order.width += 1,
            |submit| submit.order.height += 1,
            |submit| submit.order.digest = Tag::of(b"other"),
            |submit| submit.account = Account::named("bob").expect("a name"),
        ];
        for change in changes {
            let mut other = first.clone();
            change(&mut other);
            assert_eq!(twice!(store.submit(other.clone())), Submitted::Other);
        }
        store.cancel(job.id).await.expect("an answer");
        let Submitted::Job(job) = twice!(store.submit(first.clone())) else { panic!("known") };
        assert_eq!(job.state, State::Cancelled, "it is as it stands");
    })
    .await;
}

#[tokio::test]
async fn a_list_is_sorted_and_of_one_account() {
    on_each(LIMITS, async |store| {
        let mut jobs = Vec::new();
        for name in ["a", "a-b", "a", "a", "a_"] {
            jobs.push(submitted(&store, &Account::named(name).expect("a name"), 10).await);
        }
        let mut of_a: Vec<_> = jobs.into_iter().filter(|job| job.account.name() == "a").collect();
        of_a.sort_by_key(|job| (job.created_at, job.id));
        let account = Account::named("a").expect("a name");
        let list = |newest_first, after: Option<&Job>, limit| {
            let after = after.map(|job| (job.created_at, job.id));
            List { account: account.clone(), newest_first, after, limit }
        };
        assert_eq!(twice!(store.list(list(false, None, 9))), of_a);
        assert_eq!(twice!(store.list(list(false, Some(&of_a[0]), 1))), of_a[1..2]);
        assert_eq!(twice!(store.list(list(true, Some(&of_a[1]), 9))), of_a[..1]);
        of_a.reverse();
        assert_eq!(twice!(store.list(list(true, None, 9))), of_a);
        assert_eq!(twice!(store.list(list(true, None, 2))), of_a[..2]);
    })
    .await;
}

#[tokio::test]
async fn endpoints_are_few() {
    on_each(LIMITS, async |store| {
        let place = |n: u128| Endpoint { id: Uuid::from_u128(n), url: format!("https://{n}/\"\\") };
        let named = |name| Account::named(name).expect("a name");
        assert!(twice!(store.endpoints(alice())).is_empty());
        assert!(twice!(store.add_endpoint(alice(), place(1))));
        assert!(twice!(store.add_endpoint(alice(), place(2))));
        assert!(!twice!(store.add_endpoint(alice(), place(3))), "of one");
        assert!(twice!(store.add_endpoint(named("bob"), place(1))));
        assert!(!twice!(store.add_endpoint(named("carol"), place(1))), "of all");
        assert_eq!(twice!(store.endpoints(alice())), [place(1), place(2)]);
        assert_eq!(twice!(store.endpoints(named("bob"))), [place(1)]);
    })
    .await;
}

/// Many claim at once: each job is one's.
#[tokio::test]
async fn a_job_is_claimed_by_one() {
    on_each(Limits { of_one: 8, ..LIMITS }, async |store| {
        for width in 1..=8 {
            submitted(&store, &alice(), width).await;
        }
        let claims: Vec<_> = (0..24).map(|_| tokio::spawn(store.claim(Uuid::new_v4()))).collect();
        let mut ids = Vec::new();
        for claim in claims {
            ids.extend(claim.await.expect("no panic").expect("an answer").map(|it| it.job.id));
        }
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 8);
    })
    .await;
}
