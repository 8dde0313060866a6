use std::sync::Arc;
use std::time::Duration;

use smallvec::SmallVec;
use stonework_core::{StoreError, StoreFuture};

use super::engine::{Engine, Reply, told};
use super::flight::Flight;
use super::name::{Name, Named};
use super::pool::{Verdict, Wait};
use super::pools::{Held, Occupied, Return};
use super::ruling::{Ruling, Verdicts, rule};
use crate::quota::Quota;
use crate::store::{Acquire, Acquired, Demand, LeaseStore};

/// A request that needs the inner store. Until it ends, what it asks for is waited for.
pub(super) struct Request<S: LeaseStore> {
    engine: Arc<Engine<S>>,
    wanted: SmallVec<[Wanted; 2]>,
    waits: SmallVec<[Wait; 2]>,
}

/// A demand that outlives its borrowed name.
struct Wanted {
    name: Name,
    quota: Quota,
    cost: u32,
    shadow: bool,
    only_time_refills: bool,
}

type Demands<'a> = SmallVec<[Demand<'a>; 3]>;

/// How far a request has come.
enum Step {
    Done(Result<Acquired, StoreError>),
    /// Flights have set off, and others are under way.
    Aboard(Vec<Departure>),
    /// To be decided by the inner store alone.
    Past,
}

struct Departure {
    name: Name,
    quota: Quota,
    flight: Arc<Flight>,
}

impl Wanted {
    fn of(demand: &Demand<'_>) -> Self {
        let Demand { bucket, quota, cost, shadow, only_time_refills } = *demand;
        Self { name: Name::of(bucket), quota, cost, shadow, only_time_refills }
    }

    fn demand(&self) -> Demand<'_> {
        Demand::new(self.name.bucket(), self.quota, self.cost)
            .shadow(self.shadow)
            .only_time_refills(self.only_time_refills)
    }
}

impl<S: LeaseStore> Request<S> {
    pub(super) fn new(engine: Arc<Engine<S>>, demands: &[Demand<'_>]) -> Self {
        let wanted: SmallVec<[Wanted; 2]> = demands.iter().map(Wanted::of).collect();
        let waits = wanted.iter().map(|_| Wait::default()).collect();
        Self { engine, wanted, waits }
    }

    /// Runs on the spot as far as it goes.
    pub(super) fn start(mut self) -> Reply<Acquired> {
        self.go_on().unwrap_or_else(|| StoreFuture::new(self.run()))
    }

    async fn run(mut self) -> Result<Acquired, StoreError> {
        loop {
            for flight in self.waits.iter().filter_map(|wait| wait.flight.as_ref()) {
                flight.landed().await;
            }
            if let Some(reply) = self.go_on() {
                return reply.await;
            }
        }
    }

    /// Goes on until the reply is known, or until it has to wait for a flight: then `None`.
    fn go_on(&mut self) -> Option<Reply<Acquired>> {
        loop {
            let mut returns = Vec::new();
            let step = self.step(&mut returns);
            self.engine.give_back(returns);
            match step {
                Step::Done(result) => return Some(StoreFuture::ready(result)),
                Step::Past => return Some(self.past()),
                Step::Aboard(departures) => self.depart(departures),
            }
            if self.is_in_the_air() {
                return None;
            }
        }
    }

    fn step(&mut self, returns: &mut Vec<Return>) -> Step {
        let Self { engine, wanted, waits } = self;
        let now = engine.now();
        let demands: Demands<'_> = wanted.iter().map(Wanted::demand).collect();
        let mut held = engine.pools.hold(&demands);
        if join(&mut held, &demands, waits, now, returns).is_err() {
            return Step::Past;
        }
        match rule(&mut held, &demands, waits, now) {
            Ruling::Done(acquired) => Step::Done(Ok(acquired)),
            Ruling::Failed(error) => Step::Done(Err(told(error))),
            Ruling::Ask(verdicts) => {
                let new = board(&mut held, &demands, waits, &verdicts, now);
                let departure = |(which, flight): (usize, Arc<Flight>)| {
                    let Wanted { name, quota, .. } = &wanted[which];
                    Departure { name: name.clone(), quota: *quota, flight }
                };
                Step::Aboard(new.into_iter().map(departure).collect())
            }
        }
    }

    fn depart(&self, departures: Vec<Departure>) {
        self.engine.keep_swept();
        for Departure { name, quota, flight } in departures {
            self.engine.send(name, quota, flight);
        }
    }

    fn is_in_the_air(&self) -> bool {
        let mut flights = self.waits.iter().filter_map(|wait| wait.flight.as_ref());
        flights.any(|flight| flight.outcome().is_none())
    }

    /// Asks the inner store itself, past the pools.
    fn past(&self) -> Reply<Acquired> {
        let demands: Demands<'_> = self.wanted.iter().map(Wanted::demand).collect();
        self.engine.inner.acquire(Acquire::new(&demands))
    }

    fn leave(&self) -> Vec<Return> {
        let joined = |(_, wait): &(&Wanted, &Wait)| wait.joined.is_some();
        let leave = |(wanted, _): (&Wanted, &Wait)| {
            let mut shard = self.engine.pools.shard(wanted.name.bucket());
            let tokens = shard.pool(wanted.name.bucket())?.leave(wanted.cost);
            Some(Return { name: wanted.name.clone(), quota: wanted.quota, tokens })
        };
        self.wanted.iter().zip(&self.waits).filter(joined).filter_map(leave).collect()
    }
}

impl<S: LeaseStore> Drop for Request<S> {
    /// Also when the caller has gone: then its tokens are the others'.
    fn drop(&mut self) {
        self.engine.give_back(self.leave());
    }
}

/// Lets all demands wait that do not yet. A pool that is waited for stays as it is.
fn join(
    held: &mut Held<'_>,
    demands: &[Demand<'_>],
    waits: &mut [Wait],
    now: Duration,
    returns: &mut Vec<Return>,
) -> Result<(), Occupied> {
    for (which, (demand, wait)) in demands.iter().zip(waits).enumerate() {
        if wait.joined.is_none() {
            let pool = held.pool_for(which, demand, now, returns)?;
            wait.joined = Some(pool.join(demand.cost, now));
        }
    }
    Ok(())
}

/// Puts the demands that have to ask on flights. Returns the new ones, with their demands' places.
fn board(
    held: &mut Held<'_>,
    demands: &[Demand<'_>],
    waits: &mut [Wait],
    verdicts: &Verdicts,
    now: Duration,
) -> Vec<(usize, Arc<Flight>)> {
    let horizon = held.settings().horizon;
    let mut new = Vec::new();
    for (which, (demand, wait)) in demands.iter().zip(waits).enumerate() {
        let Some(pool) = held.pool(which, demand) else { continue };
        if matches!(verdicts[which], Verdict::Ask) {
            let (flight, is_new) = pool.board(now, horizon);
            wait.flight = Some(Arc::clone(&flight));
            new.extend(is_new.then_some((which, flight)));
        }
    }
    new
}
