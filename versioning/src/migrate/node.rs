//! A JSON text that is looked into only where somebody asks: the rest stays the text that it was, with its
//! order, its numbers of any size and its escapes.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::split;

pub(super) enum Node<'a> {
    /// One value, not looked into.
    Text(Cow<'a, str>),
    Object(Vec<Member<'a>>),
    Array(Vec<Self>),
}

pub(super) struct Member<'a> {
    /// As it was written, in its quotes.
    pub(super) name: Cow<'a, str>,
    /// Nothing once it was taken out: what is put in under the same name has the same place.
    pub(super) value: Option<Node<'a>>,
}

/// As many as most objects have, so that few grow.
const MEMBERS: usize = 8;

/// An object that has two members of one name, so that readers differ in what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ambiguous;

impl<'a> Node<'a> {
    /// A whole text. It is checked to its end.
    pub(super) fn parse(text: &'a str) -> serde_json::Result<Self> {
        let raw: &RawValue = serde_json::from_str(text)?;
        Ok(Self::Text(Cow::Borrowed(raw.get())))
    }

    pub(super) const fn empty_object() -> Self {
        Self::Object(Vec::new())
    }

    /// Looks one level into an object or an array.
    pub(super) fn open(&mut self) -> &mut Self {
        let level = match self {
            Self::Text(Cow::Borrowed(text)) => level(text),
            Self::Text(Cow::Owned(text)) => level(text).map(Node::into_owned),
            Self::Object(_) | Self::Array(_) => None,
        };
        if let Some(level) = level {
            *self = level;
        }
        self
    }

    pub(super) fn members(&mut self) -> Option<&mut Vec<Member<'a>>> {
        match self.open() {
            Self::Object(members) => Some(members),
            Self::Array(_) | Self::Text(_) => None,
        }
    }

    fn into_owned<'b>(self) -> Node<'b> {
        match self {
            Self::Text(text) => Node::Text(Cow::Owned(text.into_owned())),
            Self::Object(members) => {
                Node::Object(members.into_iter().map(Member::into_owned).collect())
            }
            Self::Array(items) => Node::Array(items.into_iter().map(Self::into_owned).collect()),
        }
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Text(text) => out.extend_from_slice(text.as_bytes()),
            Self::Object(members) => {
                out.push(b'{');
                let present = members.iter().filter_map(|m| Some((&m.name, m.value.as_ref()?)));
                for (at, (name, value)) in present.enumerate() {
                    separate(at, out);
                    out.extend_from_slice(name.as_bytes());
                    out.push(b':');
                    value.write(out);
                }
                out.push(b'}');
            }
            Self::Array(items) => {
                out.push(b'[');
                for (at, item) in items.iter().enumerate() {
                    separate(at, out);
                    item.write(out);
                }
                out.push(b']');
            }
        }
    }
}

fn separate(at: usize, out: &mut Vec<u8>) {
    if at > 0 {
        out.push(b',');
    }
}

impl<'a> Member<'a> {
    pub(super) fn new(name: &str, value: Node<'a>) -> Self {
        Self { name: Cow::Owned(quoted(name)), value: Some(value) }
    }

    fn into_owned<'b>(self) -> Member<'b> {
        let name = Cow::Owned(self.name.into_owned());
        Member { name, value: self.value.map(Node::into_owned) }
    }

    /// What has no escape is compared as it is, up to the first byte that differs.
    fn is_named(&self, name: &str) -> bool {
        let within = &self.name.as_bytes()[1..self.name.len() - 1];
        let mut wanted = name.bytes();
        for byte in within {
            match *byte {
                b'\\' => {
                    let decoded = serde_json::from_str::<String>(&self.name);
                    return decoded.is_ok_and(|decoded| decoded == name);
                }
                byte if wanted.next() != Some(byte) => return false,
                _ => {}
            }
        }
        wanted.next().is_none()
    }
}

/// The place of a member, if it is there or was.
pub(super) fn place(members: &[Member<'_>], name: &str) -> Result<Option<usize>, Ambiguous> {
    let mut found = None;
    for (at, member) in members.iter().enumerate().filter(|(_, member)| member.is_named(name)) {
        match (member.value.is_some(), found) {
            (true, Some((_, true))) => return Err(Ambiguous),
            (false, Some(_)) => {}
            (present, _) => found = Some((at, present)),
        }
    }
    Ok(found.map(|(at, _)| at))
}

/// Puts a member in: in its place if it has one, else at the end.
pub(super) fn put<'a>(
    members: &mut Vec<Member<'a>>,
    name: &str,
    value: Node<'a>,
) -> Result<(), Ambiguous> {
    match place(members, name)? {
        Some(at) => members[at].value = Some(value),
        None => members.push(Member::new(name, value)),
    }
    Ok(())
}

/// A name as JSON has it.
pub(super) fn quoted(name: &str) -> String {
    // A string is written into a string, which cannot fail.
    serde_json::to_string(name).unwrap_or_default()
}

/// What a text holds, if it is an object or an array. The text was checked when it came in.
fn level(text: &str) -> Option<Node<'_>> {
    match text.as_bytes().first()? {
        b'{' => {
            let member = |(name, value)| Member {
                name: Cow::Borrowed(name),
                value: Some(Node::Text(Cow::Borrowed(value))),
            };
            let mut members = Vec::with_capacity(MEMBERS);
            split::object(text, |pair| members.push(member(pair)))?;
            Some(Node::Object(members))
        }
        b'[' => {
            let mut items = Vec::new();
            split::array(text, |item| items.push(Node::Text(Cow::Borrowed(item))))?;
            Some(Node::Array(items))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(text: &str) -> String {
        let mut node = Node::parse(text).unwrap();
        open_all(&mut node);
        let mut out = Vec::new();
        node.write(&mut out);
        String::from_utf8(out).unwrap()
    }

    fn open_all(node: &mut Node<'_>) {
        match node.open() {
            Node::Text(_) => {}
            Node::Object(members) => {
                members.iter_mut().filter_map(|m| m.value.as_mut()).for_each(open_all);
            }
            Node::Array(items) => items.iter_mut().for_each(open_all),
        }
    }

    #[test]
    fn what_is_looked_into_is_written_as_it_was() {
        for text in [
            "{}",
            "[]",
            "null",
            r#""a""#,
            "12345678901234567890123456789.000000000000000000000001e-400",
            r#"{"b":1,"a":[true,false,null,{"c":{}}],"b\u0061\"":"\ud83d\ude00 \/"}"#,
            r#"{"a":1,"a":2}"#,
            "[[[[[[1]]]]]]",
        ] {
            assert_eq!(rewritten(text), text);
        }
        assert_eq!(rewritten(" { \"a\" : [ 1 , 2 ] }\n"), r#"{"a":[1,2]}"#);
    }

    #[test]
    fn what_is_no_json_is_told_at_once() {
        for text in ["", "{", "{\"a\":}", "[1,]", "{} {}", "01", "nul", "\"\u{1}\"", "'a'"] {
            assert!(Node::parse(text).is_err(), "{text:?}");
        }
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        let _ = Node::parse(&deep);
    }

    #[test]
    fn a_name_is_found_however_it_is_written() {
        let mut node = Node::parse(r#"{"caf\u00e9":1,"b":2,"x":3,"x":4}"#).unwrap();
        let members = node.members().unwrap();
        assert_eq!(place(members, "café"), Ok(Some(0)));
        assert_eq!(place(members, "b"), Ok(Some(1)));
        assert_eq!(place(members, "c"), Ok(None));
        assert_eq!(place(members, "x"), Err(Ambiguous));
    }

    #[test]
    fn what_is_put_in_where_something_was_taken_out_has_its_place() {
        let mut node = Node::parse(r#"{"a":1,"b":2}"#).unwrap();
        let members = node.members().unwrap();
        members[0].value = None;
        put(members, "c", Node::Text("3".into())).unwrap();
        put(members, "a", Node::Text("4".into())).unwrap();
        let mut out = Vec::new();
        node.write(&mut out);
        assert_eq!(out, br#"{"a":4,"b":2,"c":3}"#);
    }
}
