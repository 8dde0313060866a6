use std::borrow::Cow;
use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::gate_error::GateError;
use super::node::{Ambiguous, Member, Node, place, put, quoted};
use super::pointer::{in_common, is_pointer, step};

/// A JSON document on its way from one version to another.
///
/// Only what an edit leads to is looked into. All else is written as it was: numbers of any size and
/// precision, the order of members, escapes.
///
/// Places are JSON Pointers (RFC 6901): `/amount/currency`, and the empty one for the whole document. A step
/// `*` is every item of an array. A place that is not there is left alone: what a body lacks is the handler's
/// to say.
///
/// ```
/// use stonework_versioning::Document;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut document = Document::parse(br#"{"id": 12345678901234567890123, "amount": 5}"#)?;
/// document.move_to("/amount", "/amount/value")?;
/// document.default("/amount/currency", &"USD")?;
/// let expected = r#"{"id":12345678901234567890123,"amount":{"value":5,"currency":"USD"}}"#;
/// assert_eq!(document.to_string(), expected);
/// # Ok(())
/// # }
/// ```
pub struct Document<'a> {
    root: Node<'a>,
    is_changed: bool,
    /// Bytes that it had, and so nearly those that it has.
    length: usize,
}

impl<'a> Document<'a> {
    /// The document of this text.
    ///
    /// # Errors
    ///
    /// What is not one JSON text in UTF-8 (RFC 8259), from its beginning to its end.
    pub fn parse(text: &'a [u8]) -> Result<Self, GateError> {
        let wrong = |_| GateError::refuse("The body is not JSON.");
        let text =
            std::str::from_utf8(text).map_err(|_| GateError::refuse("The body is not UTF-8."))?;
        let root = Node::parse(text).map_err(wrong)?;
        Ok(Self { root, is_changed: false, length: text.len() })
    }

    /// Was anything changed since it was parsed?
    pub const fn is_changed(&self) -> bool {
        self.is_changed
    }

    /// What stands there; nothing if nothing does. Of several, the first.
    ///
    /// # Errors
    ///
    /// When it is no `T`, or has two members of the same name on the way.
    pub fn get<T: DeserializeOwned>(&mut self, at: &str) -> Result<Option<T>, GateError> {
        let mut text = None;
        visit(&mut self.root, at, &mut |node| {
            if text.is_none() {
                let mut out = Vec::new();
                node.write(&mut out);
                text = Some(out);
            }
            Ok(())
        })?;
        let read = |text: Vec<u8>| serde_json::from_slice(&text);
        text.map(read).transpose().map_err(|error| GateError::new(format!("{at}: {error}")))
    }

    /// Puts this there, in place of what is there. Objects on the way are made if they are missing.
    ///
    /// # Errors
    ///
    /// When it cannot be written as JSON, or the place is no pointer.
    pub fn set<T: Serialize + ?Sized>(&mut self, at: &str, value: &T) -> Result<(), GateError> {
        let text = text_of(at, value)?;
        let (common, rest, _) = in_common(pointer(at)?, at).unwrap_or(("", at, at));
        let mut is_changed = false;
        visit(&mut self.root, common, &mut |node| {
            is_changed |= put_at(node, rest, Node::Text(Cow::Owned(text.clone())))?.is_ok();
            Ok(())
        })?;
        self.is_changed |= is_changed;
        Ok(())
    }

    /// Puts this there, if nothing is there. The object that it is to be in has to be.
    ///
    /// # Errors
    ///
    /// As [`set`](Self::set).
    pub fn default<T: Serialize + ?Sized>(&mut self, at: &str, value: &T) -> Result<(), GateError> {
        let text = text_of(at, value)?;
        self.default_text(at, &text)
    }

    pub(super) fn default_text(&mut self, at: &str, text: &str) -> Result<(), GateError> {
        self.in_each(at, &mut |node, name| {
            let Some(members) = node.members() else { return Ok(false) };
            let is_there = place(members, name)?.is_some_and(|at| members[at].value.is_some());
            if !is_there {
                put(members, name, Node::Text(Cow::Owned(text.to_owned())))?;
            }
            Ok(!is_there)
        })
    }

    /// Takes out what is there.
    ///
    /// # Errors
    ///
    /// When the place is no pointer or the whole document, or there are two members of that name.
    pub fn remove(&mut self, at: &str) -> Result<(), GateError> {
        self.in_each(at, &mut |node, name| match node.open() {
            Node::Array(items) if name == "*" => Ok(!std::mem::take(items).is_empty()),
            Node::Array(items) => Ok(index(items, name).map(|at| items.remove(at)).is_some()),
            Node::Object(members) => Ok(take(members, name)?.is_some()),
            Node::Text(_) => Ok(false),
        })
    }

    /// Gives a member another name, and leaves it where it is. What has that name already is taken out.
    ///
    /// # Errors
    ///
    /// As [`remove`](Self::remove).
    pub fn rename(&mut self, at: &str, name: &str) -> Result<(), GateError> {
        self.in_each(at, &mut |node, old| {
            let Some(members) = node.members() else { return Ok(false) };
            let Some(at) = present(members, old)? else { return Ok(false) };
            if old != name {
                take(members, name)?;
                members[at].name = Cow::Owned(quoted(name));
            }
            Ok(old != name)
        })
    }

    /// Moves what is there to another place, in place of what is there. Objects on the way are made if they
    /// are missing. Behind a `*`, it is moved within each item; both places then have the same steps before.
    /// An item is not moved out of its array.
    ///
    /// # Errors
    ///
    /// When a place is no pointer, or they differ before the last `*`, or there are two members of one name.
    pub fn move_to(&mut self, from: &str, to: &str) -> Result<(), GateError> {
        let Some((common, from, to)) = in_common(pointer(from)?, pointer(to)?) else {
            return Err(GateError::new(format!("{from} and {to} are not within one item")));
        };
        let mut is_changed = false;
        visit(&mut self.root, common, &mut |node| {
            is_changed |= move_within(node, from, to)?;
            Ok(())
        })?;
        self.is_changed |= is_changed;
        Ok(())
    }

    /// Calls `edit` with each document that stands there.
    ///
    /// # Errors
    ///
    /// The first error of `edit`, or as [`get`](Self::get).
    pub fn each(
        &mut self,
        at: &str,
        mut edit: impl FnMut(&mut Document<'a>) -> Result<(), GateError>,
    ) -> Result<(), GateError> {
        let mut is_changed = false;
        visit(&mut self.root, at, &mut |node| {
            let root = std::mem::replace(node, Node::empty_object());
            let mut document = Document { root, is_changed: false, length: 0 };
            let edited = edit(&mut document);
            is_changed |= document.is_changed;
            *node = document.root;
            edited
        })?;
        self.is_changed |= is_changed;
        Ok(())
    }

    /// The text, on one line where it was looked into.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.length + self.length / 8);
        self.root.write(&mut out);
        out
    }

    /// Calls `edit` with what holds the last step of the pointer, and that step.
    fn in_each(
        &mut self,
        at: &str,
        edit: &mut dyn FnMut(&mut Node<'a>, &str) -> Result<bool, Ambiguous>,
    ) -> Result<(), GateError> {
        let Some(last) = pointer(at)?.rfind('/') else {
            return Err(GateError::new("the whole document has no name and cannot be left out"));
        };
        let (holder, last) = at.split_at(last);
        let Some((name, _)) = step(last) else { return Ok(()) };
        let mut is_changed = false;
        visit(&mut self.root, holder, &mut |node| {
            is_changed |= edit(node, &name)?;
            Ok(())
        })?;
        self.is_changed |= is_changed;
        Ok(())
    }
}

fn pointer(text: &str) -> Result<&str, GateError> {
    if is_pointer(text) {
        Ok(text)
    } else {
        Err(GateError::new(format!("{text:?} is no JSON Pointer")))
    }
}

pub(super) fn text_of<T: Serialize + ?Sized>(at: &str, value: &T) -> Result<String, GateError> {
    serde_json::to_string(value).map_err(|error| GateError::new(format!("{at}: {error}")))
}

impl From<Ambiguous> for GateError {
    fn from(_: Ambiguous) -> Self {
        Self::refuse("An object in the body has two members of the same name.")
    }
}

/// Calls `found` with every node that the pointer leads to.
fn visit<'a>(
    node: &mut Node<'a>,
    at: &str,
    found: &mut dyn FnMut(&mut Node<'a>) -> Result<(), GateError>,
) -> Result<(), GateError> {
    let Some((name, rest)) = step(at) else {
        return if at.is_empty() { found(node) } else { pointer(at).map(drop) };
    };
    match node.open() {
        Node::Array(items) if name == "*" => {
            items.iter_mut().try_for_each(|item| visit(item, rest, found))
        }
        Node::Array(items) => {
            index(items, &name).map_or(Ok(()), |at| visit(&mut items[at], rest, found))
        }
        Node::Object(members) => {
            let value = place(members, &name)?.and_then(|at| members[at].value.as_mut());
            value.map_or(Ok(()), |value| visit(value, rest, found))
        }
        Node::Text(_) => Ok(()),
    }
}

/// The place of an item, if there is one of this number.
fn index(items: &[Node<'_>], name: &str) -> Option<usize> {
    let is_number = name == "0" || !name.starts_with(['0', '+']);
    name.parse().ok().filter(|at| is_number && *at < items.len())
}

fn present(members: &[Member<'_>], name: &str) -> Result<Option<usize>, Ambiguous> {
    Ok(place(members, name)?.filter(|at| members[*at].value.is_some()))
}

fn take<'a>(members: &mut [Member<'a>], name: &str) -> Result<Option<Node<'a>>, Ambiguous> {
    Ok(place(members, name)?.and_then(|at| members[at].value.take()))
}

fn move_within<'a>(node: &mut Node<'a>, from: &str, to: &str) -> Result<bool, Ambiguous> {
    let Some(value) = take_at(node, from)? else { return Ok(false) };
    match put_at(node, to, value)? {
        Ok(()) => Ok(true),
        // There is no place for it. It goes back to where it was.
        Err(value) => put_at(node, from, value).map(|_| false),
    }
}

fn take_at<'a>(node: &mut Node<'a>, from: &str) -> Result<Option<Node<'a>>, Ambiguous> {
    let Some((name, rest)) = step(from) else {
        return Ok(Some(std::mem::replace(node, Node::empty_object())));
    };
    let members = match node.open() {
        Node::Object(members) => members,
        Node::Array(items) => {
            let inner = index(items, &name).filter(|_| !rest.is_empty());
            return inner.map_or(Ok(None), |at| take_at(&mut items[at], rest));
        }
        Node::Text(_) => return Ok(None),
    };
    match (rest, present(members, &name)?) {
        (_, None) => Ok(None),
        ("", Some(_)) => take(members, &name),
        (rest, Some(at)) => {
            members[at].value.as_mut().map_or(Ok(None), |value| take_at(value, rest))
        }
    }
}

/// Gives the value back if there is no place for it: what it would have to be put into is no object.
fn put_at<'a>(
    node: &mut Node<'a>,
    to: &str,
    value: Node<'a>,
) -> Result<Result<(), Node<'a>>, Ambiguous> {
    let Some((name, rest)) = step(to) else {
        *node = value;
        return Ok(Ok(()));
    };
    let members = match node.open() {
        Node::Object(members) => members,
        Node::Array(items) => {
            return match index(items, &name) {
                Some(at) => put_at(&mut items[at], rest, value),
                None => Ok(Err(value)),
            };
        }
        Node::Text(_) => return Ok(Err(value)),
    };
    if rest.is_empty() {
        put(members, &name, value)?;
        return Ok(Ok(()));
    }
    if present(members, &name)?.is_none() {
        put(members, &name, Node::empty_object())?;
    }
    match place(members, &name)?.and_then(|at| members[at].value.as_mut()) {
        Some(inner) => put_at(inner, rest, value),
        None => Ok(Err(value)),
    }
}

impl fmt::Display for Document<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.to_bytes()))
    }
}

/// Bodies are not for logs.
impl fmt::Debug for Document<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document").field("is_changed", &self.is_changed).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn edited(
        text: &str,
        edit: impl FnOnce(&mut Document<'_>) -> Result<(), GateError>,
    ) -> Result<String, GateError> {
        let mut document = Document::parse(text.as_bytes()).unwrap();
        edit(&mut document)?;
        let after = document.to_string();
        assert_eq!(document.is_changed(), after != text, "{after}");
        Ok(after)
    }

    fn all(edit: impl Fn(&mut Document<'_>) -> Result<(), GateError>, cases: &[(&str, &str)]) {
        for (text, expected) in cases {
            assert_eq!(edited(text, &edit).as_deref(), Ok(*expected), "{text}");
        }
    }

    #[test]
    fn a_value_moves_and_keeps_its_place_and_its_text() {
        let into = |d: &mut Document<'_>| d.move_to("/amount", "/amount/value");
        let out = |d: &mut Document<'_>| d.move_to("/amount/value", "/amount");
        all(
            into,
            &[
                (r#"{"a":1,"amount":1e400,"b":2}"#, r#"{"a":1,"amount":{"value":1e400},"b":2}"#),
                (r#"{"amount":null}"#, r#"{"amount":{"value":null}}"#),
                (r#"{"a":1}"#, r#"{"a":1}"#),
                ("[]", "[]"),
                ("7", "7"),
            ],
        );
        all(
            out,
            &[
                (r#"{"amount":{"value":5,"currency":"USD"},"b":2}"#, r#"{"amount":5,"b":2}"#),
                (r#"{"amount":5}"#, r#"{"amount":5}"#),
                (r#"{"amount":{"currency":"USD"}}"#, r#"{"amount":{"currency":"USD"}}"#),
            ],
        );
        all(
            |d| d.move_to("/a", "/b/c"),
            &[
                (r#"{"a":1}"#, r#"{"b":{"c":1}}"#),
                (r#"{"a":1,"b":{"x":0}}"#, r#"{"b":{"x":0,"c":1}}"#),
                // There is no place for it, so it stays.
                (r#"{"a":1,"b":2}"#, r#"{"a":1,"b":2}"#),
                (r#"{"a":1,"b":[2]}"#, r#"{"a":1,"b":[2]}"#),
            ],
        );
    }

    #[test]
    fn a_whole_body_is_wrapped_and_unwrapped() {
        all(|d| d.move_to("", "/data"), &[("[1,2]", r#"{"data":[1,2]}"#)]);
        all(
            |d| d.move_to("/data", ""),
            &[(r#"{"data":[1,2],"next":null}"#, "[1,2]"), ("[]", "[]")],
        );
    }

    #[test]
    fn behind_a_star_each_item_is_edited_on_its_own() {
        all(
            |d| d.move_to("/data/*/amount", "/data/*/money/value"),
            &[
                (
                    r#"{"data":[{"amount":1},{"x":2},3,{"amount":4}]}"#,
                    r#"{"data":[{"money":{"value":1}},{"x":2},3,{"money":{"value":4}}]}"#,
                ),
                (r#"{"data":{"*":{"amount":1}}}"#, r#"{"data":{"*":{"money":{"value":1}}}}"#),
                (r#"{"data":[]}"#, r#"{"data":[]}"#),
            ],
        );
        all(
            |d| d.rename("/*/a/*/b", "c"),
            &[(
                r#"[{"a":[{"b":1}]},{"a":[{"b":2},{}]}]"#,
                r#"[{"a":[{"c":1}]},{"a":[{"c":2},{}]}]"#,
            )],
        );
        all(|d| d.set("/*/n", &0), &[(r#"[{"n":1},{}]"#, r#"[{"n":0},{"n":0}]"#)]);
        all(|d| d.remove("/1"), &[("[1,2,3]", "[1,3]"), ("[1]", "[1]"), (r#"{"1":0}"#, "{}")]);
        all(|d| d.remove("/*"), &[("[1,2,3]", "[]"), (r#"{"*":0,"a":1}"#, r#"{"a":1}"#)]);
    }

    #[test]
    fn names_change_where_they_stand() {
        all(
            |d| d.rename("/source", "card"),
            &[
                (r#"{"a":1,"source":{"x":1},"b":2}"#, r#"{"a":1,"card":{"x":1},"b":2}"#),
                (r#"{"so\u0075rce":1}"#, r#"{"card":1}"#),
                (r#"{"card":0,"source":1}"#, r#"{"card":1}"#),
                (r#"{"card":0}"#, r#"{"card":0}"#),
            ],
        );
        all(|d| d.rename("/a~1b", "q\"\\"), &[(r#"{"a/b":1}"#, r#"{"q\"\\":1}"#)]);
    }

    #[test]
    fn what_is_missing_is_put_in_and_what_is_there_stays() {
        let currency = |d: &mut Document<'_>| d.default("/amount/currency", "USD");
        all(
            currency,
            &[
                (r#"{"amount":{"value":5}}"#, r#"{"amount":{"value":5,"currency":"USD"}}"#),
                (r#"{"amount":{"currency":null}}"#, r#"{"amount":{"currency":null}}"#),
                (r#"{"amount":5}"#, r#"{"amount":5}"#),
                ("{}", "{}"),
            ],
        );
    }

    #[test]
    fn code_reads_and_writes_what_it_knows() {
        let doubled = |d: &mut Document<'_>| {
            let amount: Option<u64> = d.get("/amount")?;
            d.set("/twice/amount", &amount.map(|amount| amount * 2))?;
            d.each("/lines", |lines| lines.set("", &json!([1])))
        };
        let text = r#"{"amount":21,"lines":{},"big":100000000000000000000000001}"#;
        let expected =
            r#"{"amount":21,"lines":[1],"big":100000000000000000000000001,"twice":{"amount":42}}"#;
        assert_eq!(edited(text, doubled).as_deref(), Ok(expected));
        let wrong = edited(r#"{"amount":"x"}"#, doubled).unwrap_err();
        assert!(wrong.reason().starts_with("/amount: ") && !wrong.is_refusal(), "{wrong}");
    }

    #[test]
    fn two_members_of_one_name_are_refused_where_it_matters() {
        let text = r#"{"a":1,"b":2,"a":3}"#;
        assert!(edited(text, |d| d.remove("/a")).unwrap_err().is_refusal());
        assert!(edited(text, |d| d.move_to("/b", "/a/c")).unwrap_err().is_refusal());
        assert_eq!(edited(text, |d| d.remove("/b")).as_deref(), Ok(r#"{"a":1,"a":3}"#));
    }

    #[test]
    fn what_is_no_place_is_an_error_and_no_panic() {
        for wrong in ["a", "/~", "/~2"] {
            let mut document = Document::parse(b"{}").unwrap();
            assert!(document.remove(wrong).is_err());
            assert!(document.rename(wrong, "b").is_err());
            assert!(document.set(wrong, &1).is_err());
            assert!(document.default(wrong, &1).is_err());
            assert!(document.move_to(wrong, "/b").is_err());
            assert!(document.move_to("/b", wrong).is_err());
        }
        let mut document = Document::parse(b"{}").unwrap();
        assert!(document.remove("").is_err() && document.rename("", "a").is_err());
        assert!(document.move_to("/a/*/b", "/b").is_err());
        assert!(
            Document::parse(b"\"\xff\"").is_err() && Document::parse(b"\xef\xbb\xbf{}").is_err()
        );
    }
}
