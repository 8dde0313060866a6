//! What the scripts say. Whatever is there is read or refused: the server is not ours alone.

use redis::Value;
use stonework_core::Key;

use crate::Position;
use crate::store::Entry;

/// What `read.lua` has found.
pub(super) struct Found {
    pub(super) head: Position,
    /// Each follows the one before.
    pub(super) events: Vec<Entry>,
}

/// An epoch or a tag, as it stands in a [`Position`].
pub(super) fn hex(number: u32) -> String {
    format!("{number:08x}")
}

fn number(text: &[u8]) -> Option<u32> {
    u32::from_str_radix(std::str::from_utf8(text).ok()?, 16).ok()
}

fn parsed<T: std::str::FromStr>(text: &[u8]) -> Option<T> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// What `append.lua` replies.
pub(super) fn position(reply: &Value) -> Option<Position> {
    parsed(bytes(reply)?)
}

/// What `read.lua` replies.
pub(super) fn found(reply: &Value) -> Option<Found> {
    let [head, Value::Array(events)] = array(reply)? else { return None };
    let head = position(head)?;
    let events = events.iter().map(|event| entry(head.epoch, event)).collect::<Option<_>>()?;
    Some(Found { head, events: without_holes(events) })
}

/// Somebody may have deleted an event. What comes after it is not given before that has been told: it is, to whoever
/// reads on from here.
fn without_holes(mut events: Vec<Entry>) -> Vec<Entry> {
    let follows = |pair: &[Entry]| pair[1].follows(pair[0].position);
    if let Some(last) = events.windows(2).position(|pair| !follows(pair)) {
        events.truncate(last + 1);
    }
    events
}

/// An event as it is in the stream: its offset, and what `append.lua` gave it.
fn entry(epoch: u32, event: &Value) -> Option<Entry> {
    let [id, fields] = array(event)? else { return None };
    let offset = parsed(bytes(id)?.strip_suffix(b"-0")?)?;
    let [t, topic, p, previous, g, tag, b, body] = array(fields)? else { return None };
    if [t, p, g, b].map(bytes) != [b"t", b"p", b"g", b"b"].map(|name: &[u8; 1]| Some(&name[..])) {
        return None;
    }
    let position = Position::new(epoch, offset, number(bytes(tag)?)?);
    let topic = Key::from(bytes(topic)?);
    Some(Entry::new(position, number(bytes(previous)?)?, topic, bytes(body)?))
}

/// What `append.lua` publishes: the position, the tag before it, and how long the topic is, each with a space after
/// it; then the topic, and then the body.
pub(super) fn announced(message: &[u8]) -> Option<Entry> {
    let (position, rest) = word(message)?;
    let (previous, rest) = word(rest)?;
    let (len, rest) = word(rest)?;
    let (topic, body) = rest.split_at_checked(parsed(len)?)?;
    Some(Entry::new(parsed(position)?, number(previous)?, Key::from(topic), body))
}

fn word(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr::memchr(b' ', text)?;
    Some((&text[..end], &text[end + 1..]))
}

fn bytes(value: &Value) -> Option<&[u8]> {
    match value {
        Value::BulkString(bytes) => Some(bytes),
        _ => None,
    }
}

fn array(value: &Value) -> Option<&[Value]> {
    match value {
        Value::Array(values) => Some(values),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(text: impl AsRef<[u8]>) -> Value {
        Value::BulkString(text.as_ref().to_vec())
    }

    fn event(offset: u64) -> Value {
        let (previous, tag) = (hex(offset as u32 - 1), hex(offset as u32));
        let fields = [b"t", &b"a topic\0"[..], b"p", previous.as_bytes(), b"g", tag.as_bytes()];
        let fields = fields.into_iter().chain([&b"b"[..], b"data: x\n\n"]).map(text);
        Value::Array(vec![text(format!("{offset}-0")), Value::Array(fields.collect())])
    }

    fn entry(offset: u64) -> Entry {
        let position = Position::new(7, offset, offset as u32);
        Entry::new(position, offset as u32 - 1, Key::from("a topic\0"), b"data: x\n\n")
    }

    fn reply(head: &str, events: impl IntoIterator<Item = u64>) -> Value {
        let events = events.into_iter().map(event).collect();
        Value::Array(vec![text(head), Value::Array(events)])
    }

    #[test]
    fn what_was_found_is_read() {
        let found = found(&reply("00000007.3.00000003", 2..=3)).unwrap();
        assert_eq!(found.head, entry(3).position);
        assert_eq!(found.events, [entry(2), entry(3)]);
    }

    #[test]
    fn what_comes_after_a_hole_is_left() {
        for (offsets, expected) in [
            (vec![2, 3, 5, 6], vec![2, 3]),
            (vec![2, 4], vec![2]),
            (vec![4], vec![4]),
            (vec![2, 2, 3], vec![2]),
        ] {
            let found = found(&reply("00000007.9.00000009", offsets)).unwrap();
            let offsets: Vec<_> = found.events.iter().map(|event| event.position.offset).collect();
            assert_eq!(offsets, expected);
        }
    }

    #[test]
    fn other_replies_are_none() {
        let head = || text("00000007.3.00000003");
        let other = |event: Value| Value::Array(vec![head(), Value::Array(vec![event])]);
        let of = |id: &str, fields: &[&str]| {
            Value::Array(vec![text(id), Value::Array(fields.iter().map(text).collect())])
        };
        let good = ["t", "", "p", "0", "g", "1", "b", ""];
        assert!(found(&other(of("1-0", &good))).is_some());
        for wrong in [
            Value::Nil,
            head(),
            Value::Array(vec![]),
            Value::Array(vec![head()]),
            Value::Array(vec![head(), head()]),
            reply("7.3.3", [1]),
            other(Value::Nil),
            other(of("1-1", &good)),
            other(of("x-0", &good)),
            other(of("1-0", &good[..6])),
            other(of("1-0", &["t", "", "p", "0", "g", "1", "x", ""])),
            other(of("1-0", &["t", "", "p", "x", "g", "1", "b", ""])),
            other(of("1-0", &["t", "", "p", "0", "g", "123456789", "b", ""])),
        ] {
            assert!(found(&wrong).is_none(), "{wrong:?}");
        }
        assert_eq!(position(&Value::Int(1)), None);
    }

    #[test]
    fn what_was_announced_is_read() {
        let message = b"00000007.3.00000003 00000002 8 a topic\0data: x\n\n";
        assert_eq!(announced(message), Some(entry(3)));
        assert!(announced(b"00000007.3.00000003 00000002 0 ").is_some());
        for other in [
            &b""[..],
            b"x",
            b"   ",
            b"00000007.3.00000003 00000002 8 ",
            b"00000007.3.00000003 00000002 18446744073709551615 x",
            b"00000007.3.00000003 00000002 -1 x",
            b"00000007.3 00000002 0 x",
            b"00000007.3.00000003 x 0 x",
            b"\xff \xff \xff \xff",
        ] {
            assert_eq!(announced(other), None, "{other:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_announced_is_read_or_refused(message in any::<Vec<u8>>()) {
            let _ = announced(&message);
        }

        #[test]
        fn whatever_looks_like_an_announcement_is_too(
            message in r"[0-9a-f+]{1,9}(\.[0-9]{1,20}){1,2}[. ][0-9a-f ]{1,20} [0-9]{1,20} (?s:.{0,40})"
        ) {
            let _ = announced(message.as_bytes());
        }
    }
}
