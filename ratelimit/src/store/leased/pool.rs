use std::sync::Arc;
use std::time::Duration;

use stonework_core::StoreError;

use super::flight::{Flight, Outcome};
use super::spending::Spending;
use super::waiting::Waiting;
use crate::quota::Quota;
use crate::span::Span;
use crate::store::{Leased, Level, Receipt};

/// For how long an empty bucket may be taken for empty without asking.
const DRY: Duration = Duration::from_secs(1);

/// The tokens of one bucket that were charged and are not spent.
///
/// At any time `tokens` are at most `most` and what is being waited for. All here is a function
/// of its arguments; time is passed in.
#[derive(Debug)]
pub(super) struct Pool {
    pub(super) quota: Quota,
    /// The reserve that may be held.
    most: u32,
    /// Names this pool and no other, before or after. Part of the receipts.
    generation: u64,
    tokens: u32,
    told: Option<Told>,
    spent: Spending,
    waiting: Waiting,
    flight: Option<Arc<Flight>>,
    /// Flights that have set off.
    flights: u64,
    /// Whether something but time may have refilled the bucket since the flight set off.
    doubt: bool,
    used: Duration,
}

/// How the bucket stood when the inner store last spoke of it.
#[derive(Clone, Copy, Debug)]
struct Told {
    debt: Span,
    /// Not later than it was true: the time at which the question was sent.
    at: Duration,
    /// Until when a bucket that seems empty is taken for empty.
    dry_until: Duration,
}

/// What a pool says of a demand.
#[derive(Clone, Debug)]
pub(super) enum Verdict {
    /// The tokens are there, or none are asked for.
    Fits,
    /// The bucket has been asked, or the cost is beyond the burst.
    Lacks,
    /// The bucket was known to be empty without asking.
    Remembered,
    /// The bucket has no room in the inner store.
    Full,
    /// Nobody knows; the inner store has to be asked.
    Ask,
    /// It was asked and has failed.
    Failed(Arc<StoreError>),
}

/// Who waits, as far as the pool needs to know.
#[derive(Clone, Debug, Default)]
pub(super) struct Wait {
    /// How many flights had set off when it joined those who wait, if it has.
    pub(super) joined: Option<u64>,
    /// The flight that it waits for.
    pub(super) flight: Option<Arc<Flight>>,
}

impl Wait {
    /// What became of the flight, if this demand was in it.
    fn outcome(&self) -> Option<&Outcome> {
        let flight = self.flight.as_ref()?;
        if flight.number > self.joined? { flight.outcome() } else { None }
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

impl Pool {
    pub(super) fn new(quota: Quota, most: u32, generation: u64, now: Duration) -> Self {
        Self {
            quota,
            most,
            generation,
            tokens: 0,
            told: None,
            spent: Spending::default(),
            waiting: Waiting::default(),
            flight: None,
            flights: 0,
            doubt: false,
            used: now,
        }
    }

    /// The debt as it seems, if the tokens here are counted as not taken.
    pub(super) fn debt(&self, now: Duration) -> Span {
        let Some(told) = self.told else { return Span::ZERO };
        let debt = told.debt.after(nanos(now.saturating_sub(told.at)));
        debt.minus(self.quota.time_of(self.tokens), self.quota.rate())
    }

    /// The debt as it seems, if the inner store has ever spoken of it.
    pub(super) fn known_debt(&self, now: Duration) -> Option<Span> {
        self.told.map(|_| self.debt(now))
    }

    fn seems_to_hold(&self, cost: u32, now: Duration) -> bool {
        self.quota.remaining(self.debt(now)) >= cost
    }

    pub(super) fn level(&self, verdict: &Verdict, cost: u32, now: Duration) -> Level {
        let fits = match verdict {
            Verdict::Fits => true,
            Verdict::Ask => self.seems_to_hold(cost, now),
            _ => false,
        };
        Level::new(self.debt(now), fits).paid_by(Receipt(self.generation as u32))
    }

    /// Whether the demand has its tokens. `dry` if an empty bucket may be taken for empty.
    pub(super) fn verdict(&self, cost: u32, dry: bool, wait: &Wait, now: Duration) -> Verdict {
        if self.told.is_some() {
            if cost == 0 || (self.tokens >= cost && cost <= self.quota.burst()) {
                return Verdict::Fits;
            }
            if cost > self.quota.burst() {
                return Verdict::Lacks;
            }
        }
        match wait.outcome() {
            Some(Outcome::Short) => Verdict::Lacks,
            Some(Outcome::Full) => Verdict::Full,
            Some(Outcome::Failed(error)) => Verdict::Failed(Arc::clone(error)),
            Some(Outcome::Enough) | None if dry && self.is_dry(cost, now) => Verdict::Remembered,
            Some(Outcome::Enough) | None => Verdict::Ask,
        }
    }

    /// Debts shrink by time alone, so a bucket that was told to be empty is empty until enough has
    /// flown in.
    fn is_dry(&self, cost: u32, now: Duration) -> bool {
        self.told.is_some_and(|told| now < told.dry_until) && !self.seems_to_hold(cost, now)
    }

    pub(super) fn spend(&mut self, cost: u32, now: Duration, horizon: Duration) {
        if cost > 0 {
            self.tokens = self.tokens.saturating_sub(cost);
            self.spent.add(cost, now, horizon);
            self.used = now;
        }
    }

    fn counted(&self, cost: u32) -> u32 {
        if cost > self.quota.burst() { 0 } else { cost }
    }

    /// Lets a demand wait. Returns how many flights had set off before.
    pub(super) fn join(&mut self, cost: u32, now: Duration) -> u64 {
        self.waiting.join(self.counted(cost));
        self.used = now;
        self.flights
    }

    /// A demand waits no more. Returns tokens that are to go back.
    pub(super) fn leave(&mut self, cost: u32) -> u32 {
        self.waiting.leave(self.counted(cost));
        self.trim()
    }

    /// The flight that is under way, or a new one with all who wait: then `true`.
    pub(super) fn board(&mut self, now: Duration, horizon: Duration) -> (Arc<Flight>, bool) {
        if let Some(flight) = &self.flight {
            return (Arc::clone(flight), false);
        }
        self.flights += 1;
        self.doubt = false;
        let terms = self.terms(now, horizon);
        let flight = Arc::new(Flight::new(self.flights, self.generation, now, terms));
        self.flight = Some(Arc::clone(&flight));
        (flight, true)
    }

    /// What to lease: all that is waited for, and a reserve for the next horizon.
    fn terms(&mut self, now: Duration, horizon: Duration) -> (u32, u32) {
        let Some(least) = self.waiting.least_lack(self.tokens) else { return (0, 0) };
        let reserve = self.spent.within(now, horizon).min(self.most.into());
        let lacking = self.waiting.sum().saturating_sub(self.tokens.into());
        let want = u32::try_from(lacking.saturating_add(reserve)).unwrap_or(u32::MAX);
        (want, least)
    }

    /// A flight has landed. Returns tokens that are to go back.
    pub(super) fn land(&mut self, flight: &Flight, reply: Result<Leased, StoreError>) -> u32 {
        let outcome = match reply {
            Ok(leased) => self.unload(flight, leased),
            Err(error) => Outcome::Failed(Arc::new(error)),
        };
        self.flight = None;
        flight.land(outcome);
        self.trim()
    }

    fn unload(&mut self, flight: &Flight, leased: Leased) -> Outcome {
        if flight.generation != self.generation {
            // The bucket was filled meanwhile. Whether before or after these were charged, nobody
            // knows; to forget them is the safe side.
            return Outcome::Enough;
        }
        self.tokens = self.tokens.saturating_add(leased.tokens);
        let dry_until = if self.doubt { Duration::ZERO } else { flight.at.saturating_add(DRY) };
        self.told = Some(Told { debt: leased.debt, at: flight.at, dry_until });
        let there = self.quota.remaining(leased.debt);
        if leased.tokens == 0 && flight.least > 0 && there >= flight.least {
            return Outcome::Full;
        }
        if leased.tokens < flight.want { Outcome::Short } else { Outcome::Enough }
    }

    /// Takes out what is more than may be held.
    fn trim(&mut self) -> u32 {
        let most = self.waiting.sum().saturating_add(self.most.into());
        let most = u32::try_from(most).unwrap_or(u32::MAX);
        let surplus = self.tokens.saturating_sub(most);
        self.take_out(surplus);
        surplus
    }

    /// Takes tokens out that go back to the bucket, which then owes less.
    fn take_out(&mut self, tokens: u32) {
        self.tokens -= tokens;
        if let Some(told) = &mut self.told {
            told.debt = told.debt.minus(self.quota.time_of(tokens), self.quota.rate());
        }
    }

    /// Takes all tokens out, to go back.
    pub(super) fn drain(&mut self) -> u32 {
        let tokens = self.tokens;
        self.take_out(tokens);
        tokens
    }

    /// Whether somebody waits for it, so that it must stay.
    pub(super) const fn is_needed(&self) -> bool {
        !self.waiting.is_empty() || self.flight.is_some()
    }

    pub(super) const fn used(&self) -> Duration {
        self.used
    }

    /// Makes of a correction what it can, and returns how much that is. Tokens to take are those
    /// that are here, or a bucket would owe beyond its burst while its tokens are still granted.
    /// Tokens come back all or not at all: if this pool paid, has room, and none are under way.
    pub(super) fn correct(&mut self, tokens: i64, paid_by: Receipt, now: Duration) -> i64 {
        let many = u32::try_from(tokens.unsigned_abs()).unwrap_or(u32::MAX);
        if tokens > 0 {
            let here = many.min(self.tokens);
            self.tokens -= here;
            return here.into();
        }
        let room = self.most.saturating_sub(self.tokens) >= many;
        let paid = self.told.is_some() && paid_by == Receipt(self.generation as u32);
        if !(room && paid && self.flight.is_none()) {
            return 0;
        }
        self.tokens += many;
        self.used = now;
        -i64::from(many)
    }

    /// Something but time changes the bucket: it is no more taken for empty.
    pub(super) fn doubt(&mut self) {
        self.doubt = true;
        if let Some(told) = &mut self.told {
            told.dry_until = Duration::ZERO;
        }
    }

    /// The inner store has told how the bucket stands, by the way.
    pub(super) fn hear(&mut self, debt: Span, now: Duration) {
        self.doubt();
        self.told = Some(Told { debt, at: now, dry_until: Duration::ZERO });
    }

    /// The bucket is filled: nothing that was known is true, and nothing that was paid is owed.
    pub(super) fn forget(&mut self, generation: u64) {
        self.doubt();
        self.generation = generation;
        self.tokens = 0;
        self.told = None;
    }
}
