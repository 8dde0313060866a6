use std::ops::Bound;
use std::time::Duration;

use super::ledger::Ledger;
use super::record::{EndpointAt, Place, RecordAt};
use crate::store::{Cursor, Entry, List, Page, State, StateKind};
use crate::{DeliveryId, EndpointId};

/// The state of the first places of all.
const FIRST: StateKind = StateKind::Queued;

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
        for (endpoint, place) in self.places_after(list, after.as_ref()) {
            entries.push(self.entry(endpoint, place.3, now));
            if entries.len() >= limit {
                return Page::new(entries, Some(write(endpoint, place)));
            }
        }
        Page::new(entries, None)
    }

    fn places_after<'l>(
        &'l self,
        list: &'l List,
        after: Option<&'l (EndpointId, Place)>,
    ) -> impl Iterator<Item = (&'l EndpointId, &'l Place)> {
        let from = list.endpoint.as_ref().or(after.map(|(endpoint, _)| endpoint));
        self.endpoints_from(list.state, from)
            .take_while(move |(name, _)| list.endpoint.as_ref().is_none_or(|only| only == *name))
            .flat_map(move |(name, at)| {
                let after = after.filter(|(endpoint, _)| endpoint == name).map(|(_, place)| *place);
                let first = (list.state.unwrap_or(FIRST), Duration::ZERO, 0, 0);
                let from = match after {
                    Some(after) if after >= first => Bound::Excluded(after),
                    _ => Bound::Included(first),
                };
                let places = self.endpoints[at].records.range((from, Bound::Unbounded));
                let places =
                    places.take_while(move |place| list.state.is_none_or(|only| only == place.0));
                places.map(move |place| (name, place))
            })
    }

    /// Those that have records in a state, or any, by name: each has something to show.
    fn endpoints_from<'l>(
        &'l self,
        state: Option<StateKind>,
        from: Option<&'l EndpointId>,
    ) -> impl Iterator<Item = (&'l EndpointId, EndpointAt)> {
        let from = from.map_or(Bound::Unbounded, Bound::Included);
        let listed = self.listed.get(&state).into_iter();
        let listed = listed.flat_map(move |of| of.range::<EndpointId, _>((from, Bound::Unbounded)));
        listed.map(|(name, at)| (name, *at))
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

#[cfg(test)]
mod tests {
    use super::super::forgetting::tests::{acked, enqueued};
    use super::*;

    /// A page of what was delivered, say, looks at no endpoint that has nothing of it, however many there are.
    #[test]
    fn a_list_looks_at_those_only_that_it_shows() {
        let mut ledger = Ledger::default();
        for at in 0..1_000 {
            enqueued(&mut ledger, &format!("ep_{at}"), "msg_1");
        }
        let endpoints = |ledger: &Ledger, state| {
            let names = ledger.endpoints_from(state, None);
            names.map(|(name, _)| name.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(endpoints(&ledger, None).len(), 1_000);
        assert_eq!(endpoints(&ledger, Some(StateKind::Delivered)), [""; 0]);
        acked(&mut ledger, "ep_700", "msg_1");
        assert_eq!(endpoints(&ledger, Some(StateKind::Delivered)), ["ep_700"]);
        assert_eq!(endpoints(&ledger, Some(StateKind::Queued)).len(), 999);
        assert_eq!(endpoints(&ledger, Some(StateKind::Sending)), [""; 0]);
        let state = Some(StateKind::Queued);
        let from = EndpointId::new("ep_998").unwrap();
        assert_eq!(ledger.endpoints_from(state, Some(&from)).count(), 2);
    }
}
