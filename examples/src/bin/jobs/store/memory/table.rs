//! What the scripts do in Redis, in Rust and without a clock.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use axum::body::Bytes;
use uuid::Uuid;

use crate::account::Account;
use crate::job::{Fault, Job, Outcome, State};
use crate::store::{Claimed, Endpoint, Lease, Limits, List, RECORD, Submit, Submitted};

pub(super) struct Table {
    limits: Limits,
    records: HashMap<Uuid, Record>,
    /// By when a job can be claimed.
    line: BTreeSet<(Duration, Uuid)>,
    /// By when it is forgotten.
    ended: BTreeSet<(Duration, Uuid)>,
    /// By account and age.
    index: BTreeSet<(Account, u64, Uuid)>,
    /// Bytes that are taken.
    room: u64,
    endpoints: HashMap<Account, Vec<Endpoint>>,
}

struct Record {
    job: Job,
    image: Bytes,
    result: Option<Bytes>,
    room: u64,
    token: Option<Uuid>,
    /// Its time in the line, while it is there.
    due: Duration,
}

impl Record {
    fn change(&mut self, state: State) {
        self.job.state = state;
        self.job.revision += 1;
    }
}

impl Table {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            records: HashMap::new(),
            line: BTreeSet::new(),
            ended: BTreeSet::new(),
            index: BTreeSet::new(),
            room: 0,
            endpoints: HashMap::new(),
        }
    }

    /// Forgets what has been kept for long enough.
    pub(super) fn sweep(&mut self, now: Duration) {
        while let Some((at, id)) = self.ended.first().copied().filter(|(at, _)| *at <= now) {
            self.ended.remove(&(at, id));
            let Some(record) = self.records.remove(&id) else { continue };
            self.room -= record.room;
            self.index.remove(&(record.job.account, record.job.created_at, id));
        }
    }

    pub(super) fn submit(&mut self, submit: Submit, created_at: u64, now: Duration) -> Submitted {
        if let Some(known) = self.records.get(&submit.id) {
            let job = &known.job;
            let is_same = job.account == submit.account && job.order.is_same(&submit.order);
            return if is_same { Submitted::Job(job.clone()) } else { Submitted::Other };
        }
        let room = submit.room();
        if self.of(&submit.account).count() >= self.limits.of_one {
            return Submitted::TooMany;
        }
        if self.line.len() >= self.limits.line {
            return Submitted::LineFull;
        }
        if self.room + room > self.limits.room {
            return Submitted::NoRoom;
        }
        let Submit { id, account, order, image } = submit;
        let state = State::Queued;
        let (revision, attempts) = (0, 0);
        let job = Job { id, account, created_at, order, state, revision, attempts, told: None };
        self.room += room;
        self.index.insert((job.account.clone(), created_at, id));
        self.line.insert((now, id));
        let record = Record { job: job.clone(), image, result: None, room, token: None, due: now };
        self.records.insert(id, record);
        Submitted::Job(job)
    }

    pub(super) fn find(&self, id: Uuid) -> Option<Job> {
        self.records.get(&id).map(|record| record.job.clone())
    }

    pub(super) fn result(&self, id: Uuid) -> Option<Bytes> {
        self.records.get(&id)?.result.clone()
    }

    fn of(&self, account: &Account) -> impl Iterator<Item = (u64, Uuid)> {
        let first = (account.clone(), 0, Uuid::nil());
        let last = (account.clone(), u64::MAX, Uuid::max());
        self.index.range(first..=last).map(|(_, created_at, id)| (*created_at, *id))
    }

    pub(super) fn list(&self, list: &List) -> Vec<Job> {
        let places: Vec<_> = self.of(&list.account).collect();
        let is_after = |place: &(u64, Uuid)| match list.after {
            None => true,
            Some(after) if list.newest_first => *place < after,
            Some(after) => *place > after,
        };
        let found = |(_, id)| self.find(id);
        let places = places.into_iter().filter(is_after);
        if list.newest_first {
            places.rev().filter_map(found).take(list.limit).collect()
        } else {
            places.filter_map(found).take(list.limit).collect()
        }
    }

    pub(super) fn cancel(&mut self, id: Uuid, now: Duration) -> Option<Job> {
        let record = self.records.get_mut(&id)?;
        if !record.job.state.is_final() {
            record.change(State::Cancelled);
            record.token = None;
            self.shrink(id, None);
            self.move_to(id, now);
        }
        self.find(id)
    }

    pub(super) fn claim(&mut self, token: Uuid, now: Duration) -> Option<Claimed> {
        let leased = self.records.values().find(|record| record.token == Some(token));
        let id = match leased {
            Some(record) => return Some(claimed(record)),
            None => self.line.first().filter(|(due, _)| *due <= now)?.1,
        };
        let attempts = self.limits.attempts;
        let record = self.records.get_mut(&id)?;
        record.token = Some(token);
        if !record.job.state.is_final() && record.job.attempts >= attempts {
            record.change(State::Failed { fault: Fault::GaveUp });
            self.shrink(id, None);
        } else if !record.job.state.is_final() {
            record.job.attempts += 1;
            record.change(State::Running { progress: 0 });
        }
        self.move_to(id, now + self.limits.lease);
        self.records.get(&id).map(claimed)
    }

    pub(super) fn report(
        &mut self,
        lease: Lease,
        progress: Option<u8>,
        now: Duration,
    ) -> Option<Job> {
        let until = now + self.limits.lease;
        let record = self.held(lease)?;
        if let Some(progress) = progress
            && !record.job.state.is_final()
        {
            record.change(State::Running { progress });
        }
        self.move_to(lease.job, until);
        self.find(lease.job)
    }

    pub(super) fn finish(&mut self, lease: Lease, outcome: &Outcome, now: Duration) -> Option<Job> {
        let until = now + self.limits.lease;
        let record = self.held(lease)?;
        if !record.job.state.is_final() {
            record.change(outcome.state());
            self.shrink(lease.job, outcome.result().cloned());
            self.move_to(lease.job, until);
        }
        self.find(lease.job)
    }

    pub(super) fn told(&mut self, lease: Lease, event: String, now: Duration) {
        let Some(record) = self.held(lease).filter(|record| record.job.state.is_final()) else {
            return;
        };
        record.job.told = Some(event);
        record.token = None;
        let due = record.due;
        self.line.remove(&(due, lease.job));
        self.ended.insert((now + self.limits.keep, lease.job));
    }

    pub(super) fn put_back(&mut self, lease: Lease, due: Duration) {
        let Some(record) = self.held(lease) else { return };
        record.token = None;
        if !record.job.state.is_final() {
            record.job.attempts -= 1;
            record.change(State::Queued);
        }
        self.move_to(lease.job, due);
    }

    pub(super) fn add_endpoint(&mut self, account: Account, endpoint: Endpoint) -> bool {
        let owners = self.endpoints.len();
        let known = self.endpoints.get(&account).map_or(&[][..], Vec::as_slice);
        if known.iter().any(|known| known.id == endpoint.id) {
            return true;
        }
        let is_full = known.is_empty() && owners >= self.limits.owners;
        if is_full || known.len() >= self.limits.endpoints {
            return false;
        }
        self.endpoints.entry(account).or_default().push(endpoint);
        true
    }

    pub(super) fn endpoints(&self, account: &Account) -> Vec<Endpoint> {
        self.endpoints.get(account).cloned().unwrap_or_default()
    }

    fn held(&mut self, lease: Lease) -> Option<&mut Record> {
        self.records.get_mut(&lease.job).filter(|record| record.token == Some(lease.token))
    }

    /// Gives back what an end does not need.
    fn shrink(&mut self, id: Uuid, result: Option<Bytes>) {
        let Some(record) = self.records.get_mut(&id) else { return };
        record.image = Bytes::new();
        let room = RECORD + result.as_ref().map_or(0, Bytes::len) as u64;
        self.room = self.room - record.room + room;
        (record.result, record.room) = (result, room);
    }

    fn move_to(&mut self, id: Uuid, due: Duration) {
        let Some(record) = self.records.get_mut(&id) else { return };
        self.line.remove(&(record.due, id));
        record.due = due;
        self.line.insert((due, id));
    }
}

fn claimed(record: &Record) -> Claimed {
    Claimed { job: record.job.clone(), image: record.image.clone() }
}
