//! Where the pages around are: `Link` (RFC 8288), and links in bodies. Pure.

use http::Uri;
use http::header::{HeaderMap, HeaderValue, LINK};
use percent_encoding::{AsciiSet, CONTROLS, PercentEncode, utf8_percent_encode};

use crate::Direction;
use crate::profile::Names;

/// What links begin with.
///
/// What a request says of its host is not to be trusted: in a cache, a link to somebody else's host would be
/// given to everybody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Base {
    /// The path: clients add what they asked.
    #[default]
    Relative,
    /// `https://api.example.com`, without a slash at the end.
    Configured(String),
    /// What the request says.
    DangerHost,
}

/// What would end a link in `Link`, or an element of it, for clients that do not parse it but split it; and
/// what is no part of a URI.
const ENCODED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b',')
    .add(b';')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// Most links are shorter.
const ROOM: usize = 160;

/// A page of the same list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum To<'t> {
    /// The first one.
    First,
    /// The one that this cursor leads to.
    Cursor(Direction, &'t str),
}

/// The URI of another page: what was asked, with another cursor.
pub(crate) fn to(prefix: &str, asked: &Uri, names: &Names, to: To<'_>) -> String {
    let is_kept = |pair: &&str| {
        let name = form_urlencoded::parse(pair.as_bytes()).next();
        !name
            .is_some_and(|(name, _)| name == names.after || Some(&*name) == names.before.as_deref())
    };
    let pairs = asked.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    let mut link = String::with_capacity(ROOM);
    link.push_str(prefix);
    link.push_str(guard(prefix, asked.path()));
    link.extend(encoded(asked.path()));
    let mut joint = '?';
    for pair in pairs.filter(is_kept) {
        link.push(joint);
        joint = '&';
        link.extend(encoded(pair));
    }
    if let To::Cursor(direction, token) = to {
        link.push(joint);
        let start = link.len();
        let mut query = form_urlencoded::Serializer::for_suffix(link, start);
        query.append_pair(names.cursor(direction), token);
        link = query.finish();
    }
    link
}

/// A relative link that begins with two slashes would lead to another host (RFC 3986, section 4.2). With a dot
/// segment before them it leads to the same path here.
pub(crate) fn guard(prefix: &str, path: &str) -> &'static str {
    if prefix.is_empty() && path.starts_with("//") { "/." } else { "" }
}

fn encoded(text: &str) -> PercentEncode<'_> {
    utf8_percent_encode(text, ENCODED)
}

/// Could links begin with it, and clients split them?
pub(crate) fn is_base(base: &str) -> bool {
    let uri = base.parse::<http::Uri>().ok();
    let is_absolute = uri.is_some_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.query().is_none()
    });
    is_absolute && !base.ends_with('/') && !base.contains(['<', '>', '"', ',', ';', '#', '@', '\\'])
}

/// Puts links into `Link`, on one line with those that are there.
///
/// One line, `rel` alone and quoted: there are clients that read the first line only, and some that split at
/// `, ` and `; ` and take what comes second for the relation (seen in PyGithub 2.10).
pub(crate) fn add(headers: &mut HeaderMap, links: &[(&str, String)]) {
    if links.is_empty() {
        return;
    }
    let room = links.iter().map(|(relation, target)| relation.len() + target.len() + 12).sum();
    let mut line = String::with_capacity(room);
    for (relation, target) in links {
        let joint = if line.is_empty() { "" } else { ", " };
        line.extend([joint, "<", target, ">; rel=\"", relation, "\""]);
    }
    let mut line = line.into_bytes();
    for other in headers.get_all(LINK) {
        line.extend_from_slice(b", ");
        line.extend_from_slice(other.as_bytes());
    }
    if let Ok(value) = HeaderValue::try_from(line) {
        headers.insert(LINK, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Profile;

    fn target(profile: &Profile, asked: &str, page: To<'_>) -> String {
        to("", &asked.parse().unwrap(), &profile.names, page)
    }

    #[test]
    fn all_that_was_asked_is_kept_but_the_cursor() {
        let after = To::Cursor(Direction::Forward, "abc");
        let before = To::Cursor(Direction::Backward, "abc");
        for (profile, asked, page, expected) in [
            (Profile::plain(), "/v1/a", after, "/v1/a?cursor=abc"),
            (Profile::plain(), "/a?limit=2&cursor=x", after, "/a?limit=2&cursor=abc"),
            (Profile::plain(), "/a?cursor=x&limit=2", before, "/a?limit=2&cursor=abc"),
            (Profile::plain(), "/a?cursor=x", To::First, "/a"),
            (Profile::plain(), "/a?c%75rsor=x&q=a%26b", after, "/a?q=a%26b&cursor=abc"),
            (Profile::github(), "/a?after=x&q=1", before, "/a?q=1&before=abc"),
            (Profile::json_api(), "/a?page[after]=x", before, "/a?page%5Bbefore%5D=abc"),
            (Profile::plain(), "http://h/a?b=c", after, "/a?b=c&cursor=abc"),
        ] {
            assert_eq!(target(&profile, asked, page), expected, "{asked}");
        }
    }

    #[test]
    fn nothing_in_a_link_ends_it() {
        let asked = target(&Profile::plain(), "/a,b;c?q=1,2;3", To::First);
        assert_eq!(asked, "/a%2Cb%3Bc?q=1%2C2%3B3");
        for byte in 0..=0x7f_u8 {
            let Ok(uri) = Uri::try_from(format!("/a?q={}", char::from(byte))) else { continue };
            let link = to("", &uri, &Profile::plain().names, To::First);
            assert!(!link.contains([',', ';', '<', '>', '"', ' ']), "{link}");
        }
    }

    #[test]
    fn links_are_one_line_with_those_that_are_there() {
        let mut headers = HeaderMap::new();
        headers.append(LINK, HeaderValue::from_static("</style.css>; rel=preload"));
        headers.append(LINK, HeaderValue::from_static("</v2>; rel=\"successor-version\""));
        add(&mut headers, &[("next", "/a?cursor=b".to_owned()), ("first", "/a".to_owned())]);
        let lines: Vec<_> = headers.get_all(LINK).iter().collect();
        let expected = concat!(
            r#"</a?cursor=b>; rel="next", </a>; rel="first", "#,
            r#"</style.css>; rel=preload, </v2>; rel="successor-version""#
        );
        assert_eq!(lines, [expected]);
        add(&mut headers, &[]);
        assert_eq!(headers.get_all(LINK).iter().count(), 1);
    }
}
