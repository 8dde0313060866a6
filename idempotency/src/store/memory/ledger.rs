use std::collections::{BTreeMap, BTreeSet, HashMap};

use bytes::Bytes;

use crate::lookup::ScopeId;
use crate::store::Answer;

/// What a record costs beside its head, its checkpoint and its body, in bytes: its places in the
/// index, in the order of expiry and in the order of completion. All that a claim reserves.
pub(super) const RESERVED: usize = 640;

/// How much may be held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limit {
    pub(super) keys: usize,
    pub(super) bytes: usize,
}

/// How much the store may hold, and how much one scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    pub(super) total: Limit,
    pub(super) scope: Limit,
}

/// Which room an operation may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    /// Only what nobody uses.
    Free,
    /// Also that of the bodies, which are then given up, the oldest first.
    Bodies,
}

/// There is not enough room of the kind that was allowed. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NoRoom;

/// When a body was kept, counted in bodies.
pub(super) type Order = u64;

/// Where a record stands. The ledger only gives it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) shard: usize,
    pub(super) at: usize,
}

/// A body that the ledger has given up. Its record has still to drop it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Victim {
    pub(super) place: Place,
    pub(super) order: Order,
}

/// The bytes of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) head: usize,
    pub(super) body: usize,
}

impl Size {
    pub(super) fn of(answer: &Answer) -> Self {
        Self { head: answer.head.len(), body: answer.body.as_ref().map_or(0, Bytes::len) }
    }
}

/// What a completed record does with its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Keeps it. There is no order when there are no bytes to win back.
    Keep(Option<Order>),
    Drop,
}

/// What a record holds beside [`RESERVED`], as it gives it back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Holding {
    pub(super) scope: Option<ScopeId>,
    /// Of its checkpoint or its head.
    pub(super) bytes: usize,
    pub(super) order: Option<Order>,
}

/// What is held by all records, or by those of one scope.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) keys: usize,
    /// All bytes, those of bodies too.
    pub(super) bytes: usize,
    pub(super) body_bytes: usize,
}

/// A change of an [`Account`].
#[derive(Clone, Copy, Debug, Default)]
struct Change {
    keys: usize,
    bytes: usize,
    less_bytes: usize,
    body: usize,
}

impl Account {
    fn admits(&self, limit: Limit, keys: usize, bytes: usize, room: Room) -> bool {
        let held = match room {
            Room::Free => self.bytes,
            Room::Bodies => self.bytes.saturating_sub(self.body_bytes),
        };
        self.keys.saturating_add(keys) <= limit.keys && held.saturating_add(bytes) <= limit.bytes
    }

    fn apply(&mut self, change: Change) {
        let more = change.bytes.saturating_add(change.body);
        self.keys = self.keys.saturating_add(change.keys);
        self.bytes = self.bytes.saturating_sub(change.less_bytes).saturating_add(more);
        self.body_bytes = self.body_bytes.saturating_add(change.body);
    }

    fn give_back(&mut self, keys: usize, bytes: usize) {
        self.keys = self.keys.saturating_sub(keys);
        self.bytes = self.bytes.saturating_sub(bytes);
    }

    fn give_back_body(&mut self, len: usize) {
        self.bytes = self.bytes.saturating_sub(len);
        self.body_bytes = self.body_bytes.saturating_sub(len);
    }
}

#[derive(Debug, Default)]
struct Scope {
    account: Account,
    bodies: BTreeSet<Order>,
}

#[derive(Debug)]
struct Body {
    place: Place,
    scope: Option<ScopeId>,
    len: usize,
}

/// Who holds how much, and which body goes first. Knows neither records nor time.
#[derive(Debug)]
pub(super) struct Ledger {
    limits: Limits,
    total: Account,
    /// Only scopes that hold something.
    scopes: HashMap<ScopeId, Scope>,
    /// All bodies that have bytes, in the order of completion.
    bodies: BTreeMap<Order, Body>,
    next: Order,
    dropped: u64,
    refused: u64,
}

impl Ledger {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            total: Account::default(),
            scopes: HashMap::new(),
            bodies: BTreeMap::new(),
            next: 0,
            dropped: 0,
            refused: 0,
        }
    }

    pub(super) const fn total(&self) -> Account {
        self.total
    }

    /// Bodies that were not kept, or given up later.
    pub(super) const fn dropped(&self) -> u64 {
        self.dropped
    }

    pub(super) const fn refused(&self) -> u64 {
        self.refused
    }

    pub(super) fn count_refusal(&mut self) {
        self.refused = self.refused.saturating_add(1);
    }

    /// Takes room for so much more, at the cost of older bodies if `room` says so.
    pub(super) fn reserve(
        &mut self,
        scope: Option<ScopeId>,
        keys: usize,
        bytes: usize,
        room: Room,
        victims: &mut Vec<Victim>,
    ) -> Result<(), NoRoom> {
        if !self.admits(scope, keys, bytes, room) {
            return Err(NoRoom);
        }
        self.charge(scope, Change { keys, bytes, ..Change::default() }, None, victims);
        Ok(())
    }

    /// Replaces `before` bytes by `after`, at the cost of older bodies if `room` says so.
    pub(super) fn resize(
        &mut self,
        scope: Option<ScopeId>,
        before: usize,
        after: usize,
        room: Room,
        victims: &mut Vec<Victim>,
    ) -> Result<(), NoRoom> {
        if let Some(more @ 1..) = after.checked_sub(before) {
            return self.reserve(scope, 0, more, room, victims);
        }
        self.give_back(scope, 0, before.saturating_sub(after));
        Ok(())
    }

    /// Replaces `before` bytes by those of an answer: by its head in any case, by its body if that
    /// fits beside all that is not a body. Older bodies make way for both if `room` says so.
    pub(super) fn settle(
        &mut self,
        (scope, place): (Option<ScopeId>, Place),
        before: usize,
        size: Size,
        room: Room,
        victims: &mut Vec<Victim>,
    ) -> Result<Fate, NoRoom> {
        let more = size.head.saturating_add(size.body).saturating_sub(before);
        let fits = self.admits(scope, 0, more, room);
        if room == Room::Free && !fits {
            return Err(NoRoom);
        }
        let body = if fits { size.body } else { 0 };
        let kept = (body > 0).then_some(Body { place, scope, len: body });
        let change = Change { keys: 0, bytes: size.head, less_bytes: before, body };
        let order = self.charge(scope, change, kept, victims);
        if body == size.body {
            return Ok(Fate::Keep(order));
        }
        self.dropped = self.dropped.saturating_add(1);
        Ok(Fate::Drop)
    }

    /// Takes back what a record held that is no more.
    pub(super) fn close(&mut self, holding: Holding) {
        if let Some(order) = holding.order {
            self.forget_body(order);
        }
        self.give_back(holding.scope, 1, RESERVED.saturating_add(holding.bytes));
    }

    fn admits(&self, scope: Option<ScopeId>, keys: usize, bytes: usize, room: Room) -> bool {
        let share = |scope| {
            let account = self.scopes.get(&scope).map(|scope| scope.account);
            account.unwrap_or_default().admits(self.limits.scope, keys, bytes, room)
        };
        self.total.admits(self.limits.total, keys, bytes, room) && scope.is_none_or(share)
    }

    /// Applies a change whatever the limits, then gives bodies up until they are kept or none are
    /// left.
    fn charge(
        &mut self,
        scope: Option<ScopeId>,
        change: Change,
        body: Option<Body>,
        victims: &mut Vec<Victim>,
    ) -> Option<Order> {
        let order = body.map(|body| {
            self.next = self.next.wrapping_add(1);
            self.bodies.insert(self.next, body);
            self.next
        });
        self.total.apply(change);
        let mut above = self.total.bytes > self.limits.total.bytes;
        if let Some(scope) = scope {
            let held = self.scopes.entry(scope).or_default();
            held.account.apply(change);
            held.bodies.extend(order);
            above |= held.account.bytes > self.limits.scope.bytes;
        }
        if above {
            self.shrink(scope, victims);
        }
        order
    }

    fn give_back(&mut self, scope: Option<ScopeId>, keys: usize, bytes: usize) {
        self.total.give_back(keys, bytes);
        if let Some(scope) = scope
            && let Some(held) = self.scopes.get_mut(&scope)
        {
            held.account.give_back(keys, bytes);
            if held.account.keys == 0 {
                self.scopes.remove(&scope);
            }
        }
    }

    /// Does nothing if the body was given up before.
    fn forget_body(&mut self, order: Order) -> Option<Body> {
        let body = self.bodies.remove(&order)?;
        self.total.give_back_body(body.len);
        if let Some(held) = body.scope.and_then(|scope| self.scopes.get_mut(&scope)) {
            held.account.give_back_body(body.len);
            held.bodies.remove(&order);
        }
        Some(body)
    }

    fn shrink(&mut self, scope: Option<ScopeId>, victims: &mut Vec<Victim>) {
        if let Some(scope) = scope {
            while let Some(order) = self.take_oldest_above_share(scope) {
                self.give_up(order, victims);
            }
        }
        while self.total.bytes > self.limits.total.bytes
            && let Some((&order, _)) = self.bodies.first_key_value()
        {
            self.give_up(order, victims);
        }
    }

    /// Taken from the scope's order at once, so that the loop over it ends in any case.
    fn take_oldest_above_share(&mut self, scope: ScopeId) -> Option<Order> {
        let held = self.scopes.get_mut(&scope)?;
        if held.account.bytes <= self.limits.scope.bytes {
            return None;
        }
        held.bodies.pop_first()
    }

    fn give_up(&mut self, order: Order, victims: &mut Vec<Victim>) {
        if let Some(Body { place, .. }) = self.forget_body(order) {
            self.dropped = self.dropped.saturating_add(1);
            victims.push(Victim { place, order });
        }
    }
}

#[cfg(test)]
impl Ledger {
    pub(super) fn scopes(&self) -> HashMap<ScopeId, Account> {
        self.scopes.iter().map(|(id, scope)| (*id, scope.account)).collect()
    }

    /// Bodies in the order of the store, and in those of all scopes together.
    pub(super) fn bodies(&self) -> [usize; 2] {
        [self.bodies.len(), self.scopes.values().map(|scope| scope.bodies.len()).sum()]
    }

    pub(super) const fn limits(&self) -> Limits {
        self.limits
    }
}
