//! What of a request's URI says which list it is. Pure.

use std::borrow::Cow;

use percent_encoding::percent_decode;

use crate::Binding;
use crate::profile::Names;

/// Binds to a path, however its characters are written: links and clients encode some of them. A `%2F` ends no
/// segment.
pub(crate) fn bind_path(binding: Binding, path: &str) -> Binding {
    path.split('/')
        .fold(binding, |binding, segment| binding.part("path", &decoded(segment.as_bytes())))
}

/// Binds to the parameters that are not about pages, in one order: a cursor of another filter is foreign. Values
/// of one name stay as they were sent.
pub(crate) fn bind_filters(binding: Binding, names: &Names, query: Option<&str>) -> Binding {
    let mut filters: Vec<_> = pairs(query.unwrap_or_default()).collect();
    filters.retain(|(name, _)| names.all().all(|page| page.as_bytes() != &**name));
    filters.sort_by(|(a, _), (b, _)| a.cmp(b));
    filters
        .iter()
        .fold(binding, |binding, (name, value)| binding.part("filter", name).part("value", value))
}

/// As bytes: in texts, all that is no UTF-8 is alike.
fn pairs(query: &str) -> impl Iterator<Item = (Cow<'_, [u8]>, Cow<'_, [u8]>)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (form_decoded(name), form_decoded(value))
    })
}

fn form_decoded(text: &str) -> Cow<'_, [u8]> {
    if text.contains('+') {
        let spaced = text.replace('+', " ");
        return decoded(spaced.as_bytes()).into_owned().into();
    }
    decoded(text.as_bytes())
}

fn decoded(text: &[u8]) -> Cow<'_, [u8]> {
    percent_decode(text).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Profile;

    fn of(path: &str, query: &str) -> Binding {
        let names = Profile::plain().names;
        bind_filters(bind_path(Binding::new(), path), &names, Some(query))
    }

    #[test]
    fn a_list_is_the_same_however_it_is_written() {
        for (path, query) in [
            ("/a,b/~x", "q=a b&p=1"),
            ("/a%2Cb/%7ex", "q=a+b&p=1"),
            ("/a%2cb/~x", "p=1&&q=a%20b&"),
            ("/a,b/~x", "q=a+b&limit=5&p=1&cursor=abc"),
            ("/a,b/~x", "%71=a+b&p=%31&l%69mit=7"),
        ] {
            assert_eq!(of(path, query), of("/a,b/~x", "p=1&q=a+b"), "{path}?{query}");
        }
        assert_eq!(of("/caf\u{e9}", ""), of("/caf%C3%A9", ""));
    }

    #[test]
    fn another_list_is_another() {
        let all = [
            of("/a", ""),
            of("/a/", ""),
            of("//a", ""),
            of("/a/b", ""),
            of("/a%2Fb", ""),
            of("/a", "b=1"),
            of("/a", "b=2"),
            of("/a", "b=1&b=2"),
            of("/a", "b=2&b=1"),
            of("/a", "b"),
            of("/a", "B="),
            of("/a", "b=%FF"),
            of("/a", "b=%FE"),
            of("/a", "b=%EF%BF%BD"),
            of("/a", "path=b"),
            of("/a", "Limit=5"),
        ];
        for (at, binding) in all.iter().enumerate() {
            assert!(!all[..at].contains(binding), "{at}");
        }
    }

    #[test]
    fn a_filter_is_no_other_part() {
        let account = Binding::new().part("filter", b"bound").part("value", b"alice");
        let names = Profile::plain().names;
        for part in ["bound", "owner", "unbound", "path", "filter", "value"] {
            let query = format!("{part}=alice");
            let filtered = bind_filters(Binding::new(), &names, Some(&query));
            assert_ne!(filtered, Binding::new().part(part, b"alice"), "{part}");
            assert_eq!(filtered == account, part == "bound");
        }
    }
}
