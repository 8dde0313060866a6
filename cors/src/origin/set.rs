use std::collections::HashSet;
use std::sync::Arc;

use http::HeaderValue;
use stonework_core::ConfigErrors;

use super::index::{Exact, Wild};
use super::{OriginError, OriginPattern, nearest};

/// A set of origins, some of them given by patterns.
///
/// To look one up takes as long among 100,000 as among ten, whatever the origin that is asked for,
/// and allocates nothing. A clone is cheap. It is also of use for checks other than CORS: against
/// cross-site request forgery, or before a WebSocket is opened.
///
/// ```
/// use stonework_cors::OriginSet;
///
/// let origins = OriginSet::parse(["https://app.example.com", "http://localhost:*"])?;
/// assert!(origins.contains(b"http://localhost:5173"));
/// assert!(!origins.contains(b"null"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct OriginSet {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    patterns: Vec<OriginPattern>,
    exact: Exact,
    wild: Wild,
}

impl OriginSet {
    /// A set of these patterns.
    ///
    /// # Errors
    ///
    /// All that are malformed.
    pub fn parse<P: AsRef<str>>(
        patterns: impl IntoIterator<Item = P>,
    ) -> Result<Self, ConfigErrors<OriginError>> {
        let mut errors = Vec::new();
        let parse = |text: P| text.as_ref().parse().map_err(|error| errors.push(error)).ok();
        let set = patterns.into_iter().filter_map(parse).collect();
        ConfigErrors::check(errors, Ok(set))
    }

    /// Is this origin in the set?
    pub fn contains(&self, origin: &[u8]) -> bool {
        self.inner.exact.get(origin).is_some() || self.inner.wild.contains(origin)
    }

    /// The value to send back to this origin, if it is in the set.
    pub(crate) fn echo(&self, origin: &HeaderValue) -> Option<HeaderValue> {
        if let Some(stored) = self.inner.exact.get(origin.as_bytes()) {
            return Some(stored.clone());
        }
        self.inner.wild.contains(origin.as_bytes()).then(|| origin.clone())
    }

    /// The pattern that this origin, which is not in the set, was probably meant to match.
    ///
    /// For words to a person, and never for a decision. It is one with the same host and another
    /// scheme or port, or with the parent or the `www.` of the host; else one that matches when the
    /// origin is written as browsers write it; else one whose host differs by a slip of the
    /// keyboard. `None` if nothing is as near, and for bytes that are too long to be an origin.
    /// The first 1,000 patterns are looked at.
    pub fn nearest(&self, origin: &[u8]) -> Option<&OriginPattern> {
        nearest::nearest(&self.inner.patterns, origin)
    }

    /// All that are in this set, and then all that are in the other. As dear as making both anew.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        match (self.is_empty(), other.is_empty()) {
            (_, true) => self.clone(),
            (true, false) => other.clone(),
            (false, false) => self.iter().chain(other).cloned().collect(),
        }
    }

    /// The patterns, in the order in which they were given, each once.
    pub fn iter(&self) -> std::slice::Iter<'_, OriginPattern> {
        self.inner.patterns.iter()
    }

    /// How many patterns there are.
    pub fn len(&self) -> usize {
        self.inner.patterns.len()
    }

    /// Is nothing in it?
    pub fn is_empty(&self) -> bool {
        self.inner.patterns.is_empty()
    }
}

impl FromIterator<OriginPattern> for OriginSet {
    fn from_iter<I: IntoIterator<Item = OriginPattern>>(patterns: I) -> Self {
        let mut seen = HashSet::new();
        let is_new = |pattern: &OriginPattern| seen.insert(pattern.clone());
        let patterns: Vec<_> = patterns.into_iter().filter(is_new).collect();
        let (exact, wild) = (Exact::of(&patterns), Wild::of(&patterns));
        Self { inner: Arc::new(Inner { patterns, exact, wild }) }
    }
}

impl<'a> IntoIterator for &'a OriginSet {
    type Item = &'a OriginPattern;
    type IntoIter = std::slice::Iter<'a, OriginPattern>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use allocation_counter::measure;

    use super::*;

    fn set<P: AsRef<str>>(patterns: impl IntoIterator<Item = P>) -> OriginSet {
        OriginSet::parse(patterns).unwrap_or_else(|errors| panic!("{errors}"))
    }

    fn value(origin: &str) -> HeaderValue {
        HeaderValue::from_str(origin).unwrap()
    }

    fn nearest<const N: usize>(patterns: [&str; N], origin: &str) -> Option<String> {
        set(patterns).nearest(origin.as_bytes()).map(ToString::to_string)
    }

    #[test]
    fn all_errors_are_told() {
        let errors = OriginSet::parse(["https://a.com", "null", "https://b.com/", ""]).unwrap_err();
        let values: Vec<_> = errors.iter().map(OriginError::value).collect();
        assert_eq!(values, ["null", "https://b.com/", ""]);
    }

    #[test]
    fn each_pattern_is_there_once_and_in_order() {
        let set = set(["https://b.com", "https://*.a.com", "https://b.com", "https://a.com"]);
        let texts = |set: &OriginSet| set.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(texts(&set), ["https://b.com", "https://*.a.com", "https://a.com"]);
        assert_eq!((set.len(), set.is_empty()), (3, false));
        assert!(OriginSet::default().is_empty());
        assert!(!OriginSet::default().contains(b""));
        let other = OriginSet::parse(["https://a.com", "https://c.com"]).unwrap();
        let both = set.union(&other);
        assert_eq!(
            texts(&both),
            ["https://b.com", "https://*.a.com", "https://a.com", "https://c.com"]
        );
        assert!(both.contains(b"https://c.com") && both.contains(b"https://x.a.com"));
        assert!(!set.contains(b"https://c.com"));
        for same in [set.union(&OriginSet::default()), OriginSet::default().union(&set)] {
            assert!(Arc::ptr_eq(&same.inner, &set.inner), "nothing to make anew");
        }
    }

    /// GHSA-vhxv-fg4m-p2w8: a tree of suffixes that mixed up its branches.
    #[test]
    fn two_hosts_do_not_make_a_third() {
        let patterns = [
            "https://foo.com",
            "https://bar.com",
            "https://*.bar.org",
            "https://*.foo.org",
            "https://o.org:*",
            "https://*.o.org:8443",
            "http://bar.com",
            "http://foo.net:*",
        ];
        let yes = [
            "https://foo.com",
            "https://bar.com",
            "https://a.bar.org",
            "https://o.org:9",
            "https://a.o.org:8443",
            "http://bar.com",
            "http://foo.net",
        ];
        let no = [
            "https://barfoo.com",
            "https://foobar.com",
            "https://foo.bar.com",
            "https://bar.foo.com",
            "https://oo.com",
            "https://ar.com",
            "https://r.com",
            "https://.com",
            "https://com",
            "https://a.foo.com",
            "https://bar.org",
            "https://foo.org",
            "https://barfoo.org",
            "https://a.barfoo.org",
            "https://a.o.org",
            "https://a.o.org:9",
            "https://foo.org:8443",
            "http://foo.com",
            "http://a.bar.org",
            "http://barfoo.net",
            "https://foo.net",
        ];
        let few = set(patterns);
        let many = few.union(&set((0..100).map(|n| format!("https://barfoo{n}.com"))));
        for set in [few, many] {
            yes.iter().for_each(|origin| assert!(set.contains(origin.as_bytes()), "{origin}"));
            no.iter().for_each(|origin| assert!(!set.contains(origin.as_bytes()), "{origin}"));
        }
    }

    #[test]
    fn a_shorter_suffix_is_tried_when_a_longer_one_has_another_port() {
        let set = set(["https://*.a.example.com:1", "https://*.example.com:2", "https://*.com:3"]);
        for (origin, expected) in [
            ("https://x.a.example.com:1", true),
            ("https://x.a.example.com:2", true),
            ("https://x.a.example.com:3", true),
            ("https://x.a.example.com", false),
            ("https://a.example.com:1", false),
        ] {
            assert_eq!(set.contains(origin.as_bytes()), expected, "{origin}");
        }
    }

    /// So many patterns of each kind, and an origin of the last one.
    fn sets(len: usize) -> [(OriginSet, String); 3] {
        let of = |before: &str, after: &str, inner: &str| {
            let patterns = (0..len).map(|n| format!("https://{before}site{n}.example.com{after}"));
            (set(patterns), format!("https://{inner}site{}.example.com", len - 1))
        };
        [of("", "", ""), of("*.", "", "a.b."), of("", ":*", "")]
    }

    #[test]
    fn to_look_up_and_to_echo_allocates_nothing() {
        for len in [1, 8, 9, 10_000] {
            for (set, origin) in sets(len) {
                let (inside, outside) = (value(&origin), value("https://a.evil.example.org:8080"));
                // A request's own value is shared before anyone clones it, as hyper makes them.
                drop((inside.clone(), outside.clone()));
                let counted = measure(|| {
                    assert!(set.contains(inside.as_bytes()));
                    assert_eq!(set.echo(&inside).as_ref(), Some(&inside));
                    assert_eq!(set.echo(&outside), None);
                    assert!(!set.contains(b"http://[::ffff:102:304]:8080"));
                    drop(set.clone());
                });
                assert_eq!(counted.count_total, 0, "{len}: {origin}");
            }
        }
    }

    /// What a client sent is not kept alive with the buffer that it came in.
    #[test]
    fn an_exact_origin_is_echoed_from_the_set() {
        for len in [1, 9] {
            let (set, origin) = sets(len).into_iter().next().unwrap();
            let echoed = |value: &HeaderValue| set.echo(value).unwrap().as_bytes().as_ptr();
            assert_eq!(echoed(&value(&origin)), echoed(&value(&origin)), "{len}");
        }
    }

    #[test]
    fn junk_is_in_no_set() {
        let mut junk = b"https://".to_vec();
        junk.resize(10 << 20, b'.');
        for len in [1, 8, 9] {
            for (set, _) in sets(len) {
                assert!(!set.contains(&junk));
                assert_eq!(set.nearest(&junk), None);
            }
        }
    }

    #[test]
    fn the_nearest_has_the_same_host_first() {
        let patterns = [
            "https://app.example.org",
            "http://app.example.com:3000",
            "https://app.example.com:8443",
            "https://*.b.example.com",
            "https://apx.example.com",
        ];
        for (origin, expected) in [
            ("https://app.example.com", "https://app.example.com:8443"),
            ("http://app.example.com", "http://app.example.com:3000"),
            ("capacitor://app.example.com", "http://app.example.com:3000"),
            ("http://a.b.example.com", "https://*.b.example.com"),
            ("https://b.example.com", "https://*.b.example.com"),
            ("https://www.app.example.org", "https://app.example.org"),
            ("https://App.Example.org:443/", "https://app.example.org"),
            ("HTTP://app.example.org/", "https://app.example.org"),
            ("https://ap.example.org", "https://app.example.org"),
            ("https://a.b.exmaple.com", "https://*.b.example.com"),
        ] {
            assert_eq!(nearest(patterns, origin).as_deref(), Some(expected), "{origin}");
        }
        let www = nearest(["https://www.example.com"], "https://example.com");
        assert_eq!(www.as_deref(), Some("https://www.example.com"));
    }

    #[test]
    fn what_is_not_near_is_not_suggested() {
        let patterns = [
            "https://foo.com",
            "https://store1.example",
            "https://*.example.org",
            "http://192.168.0.9",
            "https://[2001:db8::a]",
            "https://long-name.example.net",
        ];
        for origin in [
            "",
            "null",
            "*",
            "garbage",
            "https://bar.com",
            "https://fog.com",
            "https://store2.example",
            "https://evil.org",
            "https://com",
            "http://192.168.0.8",
            "https://[2001:db8::b]",
            "https://lnog-naem.exmaple.net",
            "http://long-nmae.example.net",
            "https://long-name.example.net.evil.org",
            "https://a.b",
            "https://ü",
        ] {
            assert_eq!(nearest(patterns, origin), None, "{origin}");
        }
        assert_eq!(set(patterns).nearest(b"https://fo\xff.com"), None);
        let many = set((0..1_001).map(|n| format!("https://site{n}.example.com")));
        assert!(many.nearest(b"http://site999.example.com").is_some());
        assert_eq!(many.nearest(b"http://site1000.example.com"), None, "beyond what is looked at");
    }
}
