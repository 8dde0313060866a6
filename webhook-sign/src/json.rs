//! One member of a JSON object, without reading the rest into memory.

use std::fmt;

use serde::Deserializer as _;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, Visitor};
use stonework_core::Key;

/// The number in this member of the object that `body` is.
///
/// What comes after the member is not looked at, since the body was signed: who signed it has no reason to say one thing
/// twice, and to read the rest of a large body would cost more than to hash it.
pub(crate) fn number(body: &[u8], member: &str) -> Option<u64> {
    match find(body, member)? {
        Scalar::Number(number) => Some(number),
        Scalar::Text(_) | Scalar::Other => None,
    }
}

/// The text in this member, or the number as a text, unless it is empty.
pub(crate) fn text(body: &[u8], member: &str) -> Option<Key> {
    match find(body, member)? {
        Scalar::Text(text) if !text.is_empty() => Some(Key::from(text)),
        Scalar::Number(number) => Some(Key::from(number.to_string())),
        Scalar::Text(_) | Scalar::Other => None,
    }
}

fn find(body: &[u8], name: &str) -> Option<Scalar> {
    let mut found = None;
    let mut reader = serde_json::Deserializer::from_slice(body);
    // An error too: that the object did not end where reading stopped.
    drop(reader.deserialize_map(Find { name, found: &mut found }));
    found
}

enum Scalar {
    Number(u64),
    Text(String),
    Other,
}

struct Find<'m> {
    name: &'m str,
    found: &'m mut Option<Scalar>,
}

impl<'de> Visitor<'de> for Find<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(is_it) = map.next_key_seed(Is(self.name))? {
            if is_it {
                *self.found = Some(map.next_value_seed(Read)?);
                return Ok(());
            }
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

/// Is a name this one?
struct Is<'m>(&'m str);

impl<'de> DeserializeSeed<'de> for Is<'_> {
    type Value = bool;

    fn deserialize<D: serde::Deserializer<'de>>(self, name: D) -> Result<bool, D::Error> {
        name.deserialize_str(self)
    }
}

impl Visitor<'_> for Is<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<bool, E> {
        Ok(name == self.0)
    }
}

/// Reads a value, of which only numbers and texts matter.
struct Read;

impl<'de> DeserializeSeed<'de> for Read {
    type Value = Scalar;

    fn deserialize<D: serde::Deserializer<'de>>(self, value: D) -> Result<Scalar, D::Error> {
        value.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Read {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Scalar, E> {
        Ok(Scalar::Number(number))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Scalar, E> {
        Ok(Scalar::Other)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Scalar, E> {
        Ok(Scalar::Other)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Scalar, E> {
        Ok(Scalar::Other)
    }

    fn visit_unit<E: Error>(self) -> Result<Scalar, E> {
        Ok(Scalar::Other)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Scalar, E> {
        Ok(Scalar::Text(text.to_owned()))
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<Scalar, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scalar, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_member_is_found() {
        let body =
            br#"{"a":{"id":1},"id":"evt_1","webhookTimestamp":1700000000123,"b":[1,{"id":2}]}"#;
        assert_eq!(text(body, "id"), Some(Key::from("evt_1")));
        assert_eq!(number(body, "webhookTimestamp"), Some(1_700_000_000_123));
        assert_eq!(text(br#"{"id":7}"#, "id"), Some(Key::from("7")));
        assert_eq!(text(br#"{"\u0069d":"x"}"#, "id"), Some(Key::from("x")), "an escaped name");
    }

    #[test]
    fn what_is_no_such_member_is_none() {
        for body in [
            &b""[..],
            b"[]",
            b"{}",
            b"{\"id\":null}",
            b"{\"id\":\"\"}",
            b"{\"id\":[\"a\"]}",
            b"{\"id\":{\"a\":1}}",
            b"{\"id\":-1}",
            b"{\"id\":1.5}",
            b"{\"id\":\"a",
            b"\xff",
        ] {
            assert_eq!(text(body, "id"), None, "{}", String::from_utf8_lossy(body));
        }
        assert_eq!(number(br#"{"t":"5"}"#, "t"), None);
        let rest = br#"{"id":"evt_1","id":"evt_2", and this is not read"#;
        assert_eq!(text(rest, "id"), Some(Key::from("evt_1")));
    }
}
