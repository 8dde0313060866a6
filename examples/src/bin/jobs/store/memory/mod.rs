//! Jobs in the memory of this process, gone with it.

mod table;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use stonework_core::{Clock, TokioClock};
use uuid::Uuid;

use super::{Answer, Claimed, Endpoint, JobStore, Lease, Limits, List, Submit, Submitted};
use crate::account::Account;
use crate::job::{Job, Outcome};
use table::Table;

pub(crate) struct MemoryStore {
    clock: TokioClock,
    table: Mutex<Table>,
}

impl MemoryStore {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { clock: TokioClock::new(), table: Mutex::new(Table::new(limits)) }
    }

    fn with<T>(&self, step: impl FnOnce(&mut Table, Duration) -> T) -> Answer<T> {
        let now = self.clock.monotonic();
        // Nothing between lock and unlock can panic halfway through a change.
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        table.sweep(now);
        Answer::ready(Ok(step(&mut table, now)))
    }
}

impl JobStore for MemoryStore {
    fn submit(&self, submit: Submit) -> Answer<Submitted> {
        let created_at = self.clock.unix().as_millis().try_into().unwrap_or_default();
        self.with(|table, now| table.submit(submit, created_at, now))
    }

    fn find(&self, id: Uuid) -> Answer<Option<Job>> {
        self.with(|table, _| table.find(id))
    }

    fn result(&self, id: Uuid) -> Answer<Option<Bytes>> {
        self.with(|table, _| table.result(id))
    }

    fn list(&self, list: List) -> Answer<Vec<Job>> {
        self.with(|table, _| table.list(&list))
    }

    fn cancel(&self, id: Uuid) -> Answer<Option<Job>> {
        self.with(|table, now| table.cancel(id, now))
    }

    fn claim(&self, token: Uuid) -> Answer<Option<Claimed>> {
        self.with(|table, now| table.claim(token, now))
    }

    fn report(&self, lease: Lease, progress: Option<u8>) -> Answer<Option<Job>> {
        self.with(|table, now| table.report(lease, progress, now))
    }

    fn finish(&self, lease: Lease, outcome: Outcome) -> Answer<Option<Job>> {
        self.with(|table, now| table.finish(lease, &outcome, now))
    }

    fn told(&self, lease: Lease, event: String) -> Answer<()> {
        self.with(|table, now| table.told(lease, event, now))
    }

    fn put_back(&self, lease: Lease, after: Duration) -> Answer<()> {
        self.with(|table, now| table.put_back(lease, now.saturating_add(after)))
    }

    fn add_endpoint(&self, account: Account, endpoint: Endpoint) -> Answer<bool> {
        self.with(|table, _| table.add_endpoint(account, endpoint))
    }

    fn endpoints(&self, account: Account) -> Answer<Vec<Endpoint>> {
        self.with(|table, _| table.endpoints(&account))
    }
}
