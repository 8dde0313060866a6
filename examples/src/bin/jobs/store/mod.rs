//! Where jobs are kept. Each operation is one atomic step.

mod memory;
mod redis1;

use std::time::Duration;

use axum::body::Bytes;
use serde::{Deserialize, Serialize};
use stonework_core::{StoreError, StoreFuture};
use uuid::Uuid;

use crate::account::Account;
use crate::job::{Job, Order, Outcome};

pub(crate) use memory::MemoryStore;
pub(crate) use redis1::RedisStore;

/// Keeps jobs, their images and their results.
///
/// # The line
///
/// A job stands in one line from when it is submitted until its end was told. It has a time there: when it can be
/// claimed. While a worker has it, that is the end of the worker's lease; so the jobs of the dead are found where those
/// are that nobody has begun, before all that came later. A job that has ended, and was not told of, is one too.
///
/// # Fencing
///
/// A claim leases a job to its token. Whoever claims it after the lease has run out, or cancels it, takes it away, and
/// nothing that the old token says has an effect any more. A lease that has run out and was not taken still counts.
///
/// # Repeats
///
/// An operation may have taken effect although its reply was lost. Sent again it changes nothing more: jobs and
/// endpoints are known by an id that the caller made, and all else by the token.
///
/// # Room
///
/// There is so much for images and results. A job takes room for its image and for the largest result that it can have,
/// and gives back what it does not need when it ends. So a job that was let in has room for its result.
pub(crate) trait JobStore: Send + Sync + 'static {
    /// Makes a job, unless there is one of this id.
    fn submit(&self, submit: Submit) -> Answer<Submitted>;

    fn find(&self, id: Uuid) -> Answer<Option<Job>>;

    /// What was made, as long as it is kept.
    fn result(&self, id: Uuid) -> Answer<Option<Bytes>>;

    /// Jobs of an account, the newest first, or the oldest first.
    fn list(&self, list: List) -> Answer<Vec<Job>>;

    /// Cancels a job that has not ended, and says how it stands. Its image is forgotten.
    fn cancel(&self, id: Uuid) -> Answer<Option<Job>>;

    /// Leases the next job to this token. A token that has one is given the same again.
    fn claim(&self, token: Uuid) -> Answer<Option<Claimed>>;

    /// Renews a lease; and says how far the job is, if that is news. Nothing if the lease is lost.
    fn report(&self, lease: Lease, progress: Option<u8>) -> Answer<Option<Job>>;

    /// Ends a job, which stays leased until it was told of. Nothing if the lease is lost.
    fn finish(&self, lease: Lease, outcome: Outcome) -> Answer<Option<Job>>;

    /// The end of a job was told, in the event of this id. It leaves the line, and is forgotten after a while.
    fn told(&self, lease: Lease, event: String) -> Answer<()>;

    /// Gives a job back, to be claimed after this time. That it was begun does not count.
    fn put_back(&self, lease: Lease, after: Duration) -> Answer<()>;

    /// Adds a place where an account wants to be told, unless it has [so many](Limits::endpoints).
    fn add_endpoint(&self, account: Account, endpoint: Endpoint) -> Answer<bool>;

    /// Where an account wants to be told.
    fn endpoints(&self, account: Account) -> Answer<Vec<Endpoint>>;
}

pub(crate) type Answer<T> = StoreFuture<Result<T, StoreError>>;

/// How much there may be, and for how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Jobs in line.
    pub(crate) line: usize,
    /// Jobs of one account, with those that have ended and are kept.
    pub(crate) of_one: usize,
    /// Bytes of images and results.
    pub(crate) room: u64,
    /// How long a job is kept after its end.
    pub(crate) keep: Duration,
    /// How long a worker is believed to be alive without a word.
    pub(crate) lease: Duration,
    /// How often a job is begun, at most.
    pub(crate) attempts: u32,
    /// Of one account.
    pub(crate) endpoints: usize,
    /// Accounts that have endpoints.
    pub(crate) owners: usize,
}

/// What a job takes by itself, in bytes: so that there is an end to those which have neither image nor result.
const RECORD: u64 = 4 * 1024;

/// A job to be.
#[derive(Clone, Debug)]
pub(crate) struct Submit {
    pub(crate) id: Uuid,
    pub(crate) account: Account,
    pub(crate) order: Order,
    pub(crate) image: Bytes,
}

impl Submit {
    /// Bytes for what it is, and for what may be made of it.
    fn room(&self) -> u64 {
        RECORD + self.image.len() as u64 + self.order.largest_result()
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Submitted {
    /// It is in line, whether this has put it there or an attempt before.
    Job(Job),
    /// The id is that of another order.
    Other,
    /// The line is as long as it may be.
    LineFull,
    /// The account has as many as it may have.
    TooMany,
    /// There is no room for its bytes.
    NoRoom,
}

/// Which jobs of an account.
#[derive(Clone, Debug)]
pub(crate) struct List {
    pub(crate) account: Account,
    pub(crate) newest_first: bool,
    /// What comes after this one in that order: its time and id.
    pub(crate) after: Option<(u64, Uuid)>,
    pub(crate) limit: usize,
}

/// A job, and who has it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lease {
    pub(crate) job: Uuid,
    pub(crate) token: Uuid,
}

/// A job that was leased; with its image, unless it has ended and is to be told of.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Claimed {
    pub(crate) job: Job,
    pub(crate) image: Bytes,
}

/// Where somebody wants to be told. What signs is not here: it follows from the id.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Endpoint {
    pub(crate) id: Uuid,
    pub(crate) url: String,
}
