//! Lists of names, of which `*` is not one.

use http::HeaderValue;

/// Is `*` among them, and the others, each once.
pub(crate) fn split(given: &[String]) -> (bool, Vec<&str>) {
    let any = given.iter().any(|name| name == "*");
    let mut named: Vec<&str> = Vec::with_capacity(given.len());
    for name in given.iter().map(String::as_str).filter(|name| *name != "*") {
        if !named.contains(&name) {
            named.push(name);
        }
    }
    (any, named)
}

/// The names as the value of a header; nothing if there are none.
///
/// The value was cloned before, so that further clones only count: the first clone of bytes that
/// were made from a `String` allocates.
pub(crate) fn value<'a>(names: impl Iterator<Item = &'a str>) -> Option<HeaderValue> {
    let joined = names.collect::<Vec<_>>().join(",");
    if joined.is_empty() {
        return None;
    }
    let value = HeaderValue::try_from(joined).ok()?;
    drop(value.clone());
    Some(value)
}
