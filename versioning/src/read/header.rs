use http::HeaderName;
use stonework_core::{ConfigError, RequestHead};

use super::Source;

/// A header, or metadata of gRPC: `api-version: 2`.
///
/// Every line and every item between commas is read: proxies join lines, and what is there twice has to
/// agree.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Header {
    given: Box<str>,
    name: Option<HeaderName>,
}

impl Header {
    /// The header of this name, in any case.
    pub fn named(name: &str) -> Self {
        Self { given: name.into(), name: HeaderName::from_bytes(name.as_bytes()).ok() }
    }

    /// The name, if it is one.
    pub(crate) const fn name(&self) -> Option<&HeaderName> {
        self.name.as_ref()
    }

    pub(super) fn each(&self, head: &RequestHead<'_>, found: &mut dyn FnMut(Source, &[u8])) {
        let Some(name) = &self.name else { return };
        for line in head.headers.get_all(name) {
            let items = line.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
            items.filter(|item| !item.is_empty()).for_each(|item| found(Source::Header, item));
        }
    }

    pub(super) fn fault(&self) -> Option<ConfigError> {
        self.name.is_none().then(|| {
            let reason = "is no name of a header; use one such as api-version";
            ConfigError::new("Header::named", &self.given, reason)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::texts;
    use super::*;
    use http::Request;

    #[test]
    fn every_line_and_item_is_read() {
        for (lines, expected) in [
            (&["2"][..], &["2"][..]),
            (&["1", "1"], &["1", "1"]),
            (&["1, 2"], &["1", "2"]),
            (&[" 1 ,\t2,"], &["1", "2"]),
            (&["", ","], &[]),
            (&[], &[]),
        ] {
            let request =
                lines.iter().fold(Request::get("/"), |r, line| r.header("Api-Version", *line));
            let request = request.header("other", "3").body(()).unwrap();
            assert_eq!(texts(Header::named("API-version"), &request), expected, "{lines:?}");
        }
    }

    #[test]
    fn a_name_that_is_none_is_an_error() {
        assert!(Header::named("api version").fault().is_some());
        assert!(Header::named("api-version").fault().is_none());
    }
}
