//! What an event is known by, and for how long.

use std::time::Duration;

use stonework_core::Key;

use crate::Tag;
use crate::store::EventKey;

/// Captured requests can be sent while their timestamp is good, and that is twice the tolerance: from as far in the future
/// as is allowed to as far in the past.
const SIDES: u32 = 2;

/// An event, and how long it has to be remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) event: EventKey,
    pub(crate) keep: Duration,
}

/// What events are told apart in.
#[derive(Clone, Copy)]
pub(crate) struct Space<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) scheme: &'static str,
    /// Whose keys verified it.
    pub(crate) owner: &'a [u8],
}

/// For how long requests are let in.
#[derive(Clone, Copy)]
pub(crate) struct Fresh {
    /// How far a timestamp may be from now, when the headers are there.
    pub(crate) tolerance: Duration,
    /// How long it may take from then until the event is claimed.
    pub(crate) reading: Duration,
}

impl Fresh {
    /// How long after it was handled a captured request may still be let in.
    const fn captured(self) -> Duration {
        self.tolerance.saturating_mul(SIDES).saturating_add(self.reading)
    }
}

/// By its id if that was signed, and else by the signature that was computed: ids that are not signed can be made up, and
/// a header can be written in more than one way.
pub(crate) fn known(
    space: Space<'_>,
    id: Option<&Key>,
    print: &Tag,
    fresh: Option<Fresh>,
    dedupe_for: Duration,
) -> Known {
    let secure_for = fresh.map(Fresh::captured);
    let (kind, name) = match id {
        Some(id) => (&b"id"[..], id.as_bytes()),
        None => (&b"signature"[..], print.as_bytes()),
    };
    let keep = match (id, secure_for) {
        (Some(_), Some(secure_for)) => dedupe_for.max(secure_for),
        // The next attempt has another time and another signature, so this one is of no use once it is stale.
        (None, Some(secure_for)) => secure_for,
        (_, None) => dedupe_for,
    };
    let Space { namespace, scheme, owner } = space;
    let event = EventKey::of(&[namespace.as_bytes(), scheme.as_bytes(), owner, kind, name]);
    Known { event, keep }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Algorithm;

    const SPACE: Space<'_> = Space { namespace: "", scheme: "acme", owner: b"" };
    const SECOND: Duration = Duration::from_secs(1);
    const MINUTE: Duration = Duration::from_secs(60);
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    fn print(byte: u8) -> Tag {
        Tag::new(Algorithm::HmacSha256, &[byte; 32]).unwrap()
    }

    fn of(id: Option<&str>, byte: u8, tolerance: Option<Duration>) -> Known {
        let fresh = tolerance.map(|tolerance| Fresh { tolerance, reading: SECOND });
        known(SPACE, id.map(Key::from).as_ref(), &print(byte), fresh, DAY)
    }

    #[test]
    fn security_and_dedupe_are_kept_for_their_own_times() {
        assert_eq!(of(Some("a"), 1, Some(5 * MINUTE)).keep, DAY, "retries of an id come for days");
        assert_eq!(
            of(Some("a"), 1, Some(DAY)).keep,
            2 * DAY + SECOND,
            "a replay comes for twice as long"
        );
        assert_eq!(of(None, 1, Some(5 * MINUTE)).keep, 10 * MINUTE + SECOND);
        assert_eq!(of(None, 1, None).keep, DAY, "without a time nothing else ends it");
    }

    #[test]
    fn an_id_counts_whatever_the_signature_and_the_signature_without_one() {
        let time = Some(MINUTE);
        assert_eq!(of(Some("a"), 1, time).event, of(Some("a"), 2, time).event);
        assert_ne!(of(Some("a"), 1, time).event, of(Some("b"), 1, time).event);
        assert_ne!(of(None, 1, time).event, of(None, 2, time).event);
    }

    #[test]
    fn spaces_are_apart() {
        let id = Some(Key::from("a"));
        let event = |space| known(space, id.as_ref(), &print(1), None, DAY).event;
        let others = [
            SPACE,
            Space { namespace: "other", ..SPACE },
            Space { scheme: "other", ..SPACE },
            Space { owner: b"other", ..SPACE },
        ];
        for (at, space) in others.iter().enumerate() {
            for other in &others[..at] {
                assert_ne!(event(*space), event(*other));
            }
        }
    }
}
