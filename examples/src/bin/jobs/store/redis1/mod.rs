//! Jobs in Redis, for all processes: whoever is alive goes on with what the dead have begun.
//!
//! Each operation is one script, on nine keys of one hash slot, so that a cluster has all of them on one node. Images
//! and results are there too, up to [`Limits::room`]. Redis must not evict, and should have an append-only file:
//! what it loses is lost.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::body::Bytes;
use redis::aio::ConnectionManager;
use redis::{Cmd, FromRedisValue, Value};
use serde::de::DeserializeOwned;
use stonework_core::redis1::{Script, is_full, store_error};
use stonework_core::{StoreError, StoreErrorKind, StoreFuture, StoreGuard, TokioClock};
use uuid::Uuid;

use super::{Answer, Claimed, Endpoint, JobStore, Lease, Limits, List, Submit, Submitted};
use crate::account::Account;
use crate::job::{Fault, Job, Outcome, State};

/// In braces, which keep them on one hash slot.
const NAMES: [&str; 9] = [
    "{jobs:images}:records",
    "{jobs:images}:images",
    "{jobs:images}:results",
    "{jobs:images}:line",
    "{jobs:images}:tokens",
    "{jobs:images}:index",
    "{jobs:images}:ended",
    "{jobs:images}:room",
    "{jobs:images}:endpoints",
];

macro_rules! script {
    ($name:ident, $flags:literal, $file:literal) => {
        static $name: LazyLock<Script> = LazyLock::new(|| {
            Script::new(concat!(
                "#!lua",
                $flags,
                "\n",
                include_str!("common.lua"),
                include_str!($file)
            ))
        });
    };
}

// A server without memory takes no new jobs; what there is, goes on to its end.
script!(SUBMIT, "", "submit.lua");
script!(FIND, " flags=allow-oom", "find.lua");
script!(RESULT, " flags=allow-oom", "result.lua");
script!(LIST, " flags=allow-oom", "list.lua");
script!(CANCEL, " flags=allow-oom", "cancel.lua");
script!(CLAIM, " flags=allow-oom", "claim.lua");
script!(REPORT, " flags=allow-oom", "report.lua");
script!(FINISH, " flags=allow-oom", "finish.lua");
script!(TOLD, " flags=allow-oom", "told.lua");
script!(PUT_BACK, " flags=allow-oom", "put_back.lua");
script!(ADD_ENDPOINT, "", "add_endpoint.lua");
script!(ALL_ENDPOINTS, " flags=allow-oom", "endpoints.lua");

#[derive(Clone)]
pub(crate) struct RedisStore {
    connection: ConnectionManager,
    guard: Arc<StoreGuard>,
    limits: Limits,
}

impl RedisStore {
    /// Over this connection, of which an operation is to be answered within `patience`.
    pub(crate) fn new(connection: ConnectionManager, patience: Duration, limits: Limits) -> Self {
        let guard = StoreGuard::new(patience, Arc::new(TokioClock::new()));
        Self { connection, guard: Arc::new(guard), limits }
    }

    fn ask<T: Send + 'static>(
        &self,
        script: &'static Script,
        call: Cmd,
        read: impl FnOnce(Value) -> Result<T, StoreError> + Send + 'static,
    ) -> Answer<T> {
        let Self { mut connection, guard, .. } = self.clone();
        StoreFuture::new(async move {
            let run = async move {
                match script.run(&mut connection, &call).await {
                    // What only one script says, in its own words.
                    Err(error) if is_full(&error) => Ok(Value::SimpleString("no-room".into())),
                    answer => answer.map_err(store_error),
                }
            };
            guard.run(|| StoreFuture::new(run)).await.and_then(read)
        })
    }

    fn lease(&self) -> u64 {
        milliseconds(self.limits.lease)
    }
}

fn call(script: &Script) -> Cmd {
    script.call(&NAMES)
}

/// A script that begins with who has which job.
fn leased(script: &Script, lease: Lease) -> Cmd {
    let mut call = call(script);
    call.arg(name(lease.job)).arg(name(lease.token));
    call
}

impl JobStore for RedisStore {
    fn submit(&self, submit: Submit) -> Answer<Submitted> {
        let (room, limits) = (submit.room(), self.limits);
        let Submit { id, account, order, image } = submit;
        let state = State::Queued;
        let (created_at, revision, attempts) = (0, 0, 0);
        let job = Job { id, account, created_at, order, state, revision, attempts, told: None };
        let mut call = call(&SUBMIT);
        call.arg(json(&job)).arg(&*image).arg(room);
        call.arg(limits.line).arg(limits.of_one).arg(limits.room);
        self.ask(&SUBMIT, call, |value| {
            Ok(match &*text(value)? {
                "other" => Submitted::Other,
                "too-many" => Submitted::TooMany,
                "line-full" => Submitted::LineFull,
                "no-room" => Submitted::NoRoom,
                job => Submitted::Job(parsed(job)?),
            })
        })
    }

    fn find(&self, id: Uuid) -> Answer<Option<Job>> {
        let mut call = call(&FIND);
        call.arg(name(id));
        self.ask(&FIND, call, optional)
    }

    fn result(&self, id: Uuid) -> Answer<Option<Bytes>> {
        let mut call = call(&RESULT);
        call.arg(name(id));
        self.ask(&RESULT, call, |value| Ok(read::<Option<Vec<u8>>>(value)?.map(Bytes::from)))
    }

    fn list(&self, list: List) -> Answer<Vec<Job>> {
        let account = list.account.name();
        let order = if list.newest_first { "newest" } else { "oldest" };
        let place = |(created_at, id)| format!("{account}/{created_at:013}/{}", name(id));
        let mut call = call(&LIST);
        call.arg(account).arg(order).arg(list.after.map(place).unwrap_or_default()).arg(list.limit);
        self.ask(&LIST, call, |value| {
            read::<Vec<String>>(value)?.iter().map(|job| parsed(job)).collect()
        })
    }

    fn cancel(&self, id: Uuid) -> Answer<Option<Job>> {
        let mut call = call(&CANCEL);
        call.arg(name(id));
        self.ask(&CANCEL, call, optional)
    }

    fn claim(&self, token: Uuid) -> Answer<Option<Claimed>> {
        let gave_up = State::Failed { fault: Fault::GaveUp };
        let mut call = call(&CLAIM);
        call.arg(name(token)).arg(self.lease()).arg(self.limits.attempts).arg(json(&gave_up));
        self.ask(&CLAIM, call, |value| {
            let claimed = read::<Option<(String, Vec<u8>)>>(value)?;
            let claimed = claimed
                .map(|(job, image)| Ok(Claimed { job: parsed(&job)?, image: Bytes::from(image) }));
            claimed.transpose()
        })
    }

    fn report(&self, lease: Lease, progress: Option<u8>) -> Answer<Option<Job>> {
        let mut call = leased(&REPORT, lease);
        call.arg(self.lease());
        match progress {
            Some(progress) => call.arg(progress),
            None => call.arg(""),
        };
        self.ask(&REPORT, call, optional)
    }

    fn finish(&self, lease: Lease, outcome: Outcome) -> Answer<Option<Job>> {
        let mut call = leased(&FINISH, lease);
        call.arg(self.lease()).arg(json(&outcome.state()));
        if let Some(result) = outcome.result() {
            call.arg(&**result);
        }
        self.ask(&FINISH, call, optional)
    }

    fn told(&self, lease: Lease, event: String) -> Answer<()> {
        let mut call = leased(&TOLD, lease);
        call.arg(event).arg(milliseconds(self.limits.keep));
        self.ask(&TOLD, call, |_| Ok(()))
    }

    fn put_back(&self, lease: Lease, after: Duration) -> Answer<()> {
        let mut call = leased(&PUT_BACK, lease);
        call.arg(milliseconds(after));
        self.ask(&PUT_BACK, call, |_| Ok(()))
    }

    fn add_endpoint(&self, account: Account, endpoint: Endpoint) -> Answer<bool> {
        let mut call = call(&ADD_ENDPOINT);
        call.arg(account.name()).arg(json(&endpoint));
        call.arg(self.limits.endpoints).arg(self.limits.owners);
        self.ask(&ADD_ENDPOINT, call, |value| Ok(matches!(value, Value::Int(1))))
    }

    fn endpoints(&self, account: Account) -> Answer<Vec<Endpoint>> {
        let mut call = call(&ALL_ENDPOINTS);
        call.arg(account.name());
        self.ask(&ALL_ENDPOINTS, call, |value| Ok(optional(value)?.unwrap_or_default()))
    }
}

fn name(id: Uuid) -> String {
    id.to_string()
}

fn milliseconds(time: Duration) -> u64 {
    time.as_millis().try_into().unwrap_or(u64::MAX)
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| unreachable!("its keys are names"))
}

fn read<T: FromRedisValue>(value: Value) -> Result<T, StoreError> {
    redis::from_redis_value(value).map_err(unreadable)
}

fn text(value: Value) -> Result<String, StoreError> {
    read(value)
}

fn optional<T: DeserializeOwned>(value: Value) -> Result<Option<T>, StoreError> {
    read::<Option<String>>(value)?.map(|text| parsed(&text)).transpose()
}

fn parsed<T: DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(unreadable)
}

fn unreadable(error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::new(StoreErrorKind::Incompatible).with_source(error)
}
