use std::ops::Bound;
use std::time::Duration;

use super::ledger::Ledger;
use super::record::{Place, RecordAt};
use crate::store::{Cursor, Entry, List, Page, State, StateKind};
use crate::{DeliveryId, EndpointId};

/// The first place of all.
const FIRST: Place = (StateKind::Queued, Duration::ZERO, 0, 0);

impl Ledger {
    pub(super) fn list(&self, list: &List, now: Duration) -> Page {
        let after = list.after.as_ref().map(read);
        // A place that somebody made up leads nowhere.
        let is_made_up = |place: &Option<(EndpointId, Place)>| {
            let Some((endpoint, _)) = place else { return true };
            list.endpoint.as_ref().is_some_and(|only| only != endpoint)
        };
        if after.as_ref().is_some_and(is_made_up) {
            return Page::default();
        }
        let after = after.flatten();
        let limit = list.limit.max(1);
        let mut entries = Vec::new();
        for (endpoint, place) in self.places_after(list.endpoint.as_ref(), after.as_ref()) {
            if list.state.is_none_or(|state| state == place.0) {
                entries.push(self.entry(endpoint, place.3, now));
            }
            if entries.len() >= limit {
                return Page::new(entries, Some(write(endpoint, place)));
            }
        }
        Page::new(entries, None)
    }

    fn places_after<'l>(
        &'l self,
        only: Option<&'l EndpointId>,
        after: Option<&'l (EndpointId, Place)>,
    ) -> impl Iterator<Item = (&'l EndpointId, &'l Place)> {
        let from = only.or(after.map(|(endpoint, _)| endpoint));
        let from = from.map_or(Bound::Unbounded, Bound::Included);
        let names = self.names.range::<EndpointId, _>((from, Bound::Unbounded));
        let names = names.take_while(move |(name, _)| only.is_none_or(|only| only == *name));
        names.flat_map(move |(name, at)| {
            let after = after.filter(|(endpoint, _)| endpoint == name).map(|(_, place)| *place);
            let from = after.map_or(Bound::Included(FIRST), Bound::Excluded);
            let places = self.endpoints[*at].records.range((from, Bound::Unbounded));
            places.map(move |place| (name, place))
        })
    }

    fn entry(&self, endpoint: &EndpointId, at: RecordAt, now: Duration) -> Entry {
        let record = &self.records[at];
        let state = match (record.state, record.reason) {
            (StateKind::Waiting, _) => State::Waiting,
            (StateKind::Sending, _) => State::Sending,
            (StateKind::Delivered, _) => State::Delivered,
            (StateKind::Dead, Some(reason)) => State::Dead(reason),
            _ => State::Queued { due_in: record.when.saturating_sub(now) },
        };
        let id = DeliveryId { endpoint: endpoint.clone(), message: record.message.clone() };
        Entry {
            tries: record.tries,
            attempts: record.attempts.clone(),
            ..Entry::new(id, state, now.saturating_sub(record.created))
        }
    }
}

const KINDS: [StateKind; 5] = [
    StateKind::Queued,
    StateKind::Waiting,
    StateKind::Sending,
    StateKind::Delivered,
    StateKind::Dead,
];

fn write(endpoint: &EndpointId, (state, when, sequence, at): &Place) -> Cursor {
    let state = KINDS.iter().position(|kind| kind == state).unwrap_or_default();
    let (secs, nanos) = (when.as_secs(), when.subsec_nanos());
    let place = format!("{state} {secs} {nanos} {sequence} {at} {endpoint}");
    Cursor::from_bytes(place.into_bytes())
}

fn read(cursor: &Cursor) -> Option<(EndpointId, Place)> {
    let mut words = std::str::from_utf8(cursor.as_bytes()).ok()?.splitn(6, ' ');
    let state = *KINDS.get(words.next()?.parse::<usize>().ok()?)?;
    let secs = words.next()?.parse().ok()?;
    let nanos = words.next()?.parse().ok().filter(|nanos| *nanos < 1_000_000_000)?;
    let sequence = words.next()?.parse().ok()?;
    let at = words.next()?.parse().ok()?;
    let endpoint = EndpointId::new(words.next()?).ok()?;
    Some((endpoint, (state, Duration::new(secs, nanos), sequence, at)))
}
