use http::header::{ACCEPT, CONTENT_TYPE};
use stonework_core::{ConfigError, RequestHead};

use super::Source;

/// A media type that has the version in it, in `Accept` and in `Content-Type`.
///
/// `Content-Type` tells the version of what is sent, `Accept` that of what is wanted; they have to agree.
/// Of several ranges in `Accept` those count that are wanted most, and among those that name a version; one
/// with `q=0` is not wanted at all (RFC 9110, section 12.4.2).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MediaType {
    form: Form,
    given: Box<str>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Form {
    /// `application/json; v=2`.
    Parameter(Box<str>),
    /// What stands before and after the version, in lower case.
    Vendor(Box<str>, Box<str>),
    Wrong,
}

impl MediaType {
    /// A parameter: `application/json; v=2`.
    pub fn parameter(name: &str) -> Self {
        Self { form: Form::Parameter(name.to_ascii_lowercase().into()), given: name.into() }
    }

    /// A type of one's own: `application/vnd.acme.{version}+json`.
    pub fn vendor(template: &str) -> Self {
        let lower = template.to_ascii_lowercase();
        // No media type has braces, so that a second place would never be met.
        let plain = |part: &str| !part.contains(['{', '}']);
        let form = match lower.split_once("{version}") {
            Some((before, after)) if before.contains('/') && plain(before) && plain(after) => {
                Form::Vendor(before.into(), after.into())
            }
            _ => Form::Wrong,
        };
        Self { form, given: template.into() }
    }

    pub(super) fn each(&self, head: &RequestHead<'_>, found: &mut dyn FnMut(Source, &[u8])) {
        for line in head.headers.get_all(CONTENT_TYPE) {
            for version in self.versions(line.as_bytes()) {
                found(Source::ContentType, version);
            }
        }
        let ranges = || {
            let lines = head.headers.get_all(ACCEPT).iter();
            let ranges = lines.flat_map(|line| items(line.as_bytes(), b','));
            let wanted = ranges.filter_map(|range| Some((weight(range)?, range)));
            let wanted = wanted.filter(|(weight, _)| *weight > 0);
            wanted.flat_map(|(weight, range)| {
                self.versions(range).map(move |version| (weight, version))
            })
        };
        let Some(most) = ranges().map(|(weight, _)| weight).max() else { return };
        let wanted = ranges().filter(|(weight, _)| *weight == most);
        wanted.for_each(|(_, version)| found(Source::Accept, version));
    }

    /// The versions in a media type: a parameter that is there twice has to agree with itself.
    fn versions<'a>(&'a self, whole: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        let name = match &self.form {
            Form::Parameter(name) => Some(&**name),
            Form::Vendor(..) | Form::Wrong => None,
        };
        let in_parameters = name.into_iter().flat_map(|name| parameters(whole, name));
        in_parameters.chain(self.vendors(whole))
    }

    /// The version in the name of a type of one's own.
    fn vendors<'a>(&self, whole: &'a [u8]) -> Option<&'a [u8]> {
        let Form::Vendor(before, after) = &self.form else { return None };
        let (media, _) = split(whole, b';');
        let media = media.trim_ascii();
        let version = media.get(before.len()..media.len().checked_sub(after.len())?)?;
        let around = media[..before.len()].eq_ignore_ascii_case(before.as_bytes())
            && media[media.len() - after.len()..].eq_ignore_ascii_case(after.as_bytes());
        (around && !version.is_empty()).then_some(version)
    }

    pub(super) fn fault(&self) -> Option<ConfigError> {
        let (setting, reason) = match &self.form {
            Form::Wrong => (
                "MediaType::vendor",
                "needs one place for the version and no other; use one such as \
                 application/vnd.acme.{version}+json",
            ),
            Form::Parameter(name) if name.is_empty() || **name == *"q" => {
                ("MediaType::parameter", "is no parameter of a media type; use a name such as v")
            }
            Form::Parameter(_) | Form::Vendor(..) => return None,
        };
        Some(ConfigError::new(setting, &self.given, reason))
    }
}

/// The values of a parameter, without their quotes.
fn parameters<'a>(media: &'a [u8], name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    items(media, b';').skip(1).filter_map(move |parameter| {
        let equals = parameter.iter().position(|byte| *byte == b'=')?;
        let (key, value) = (parameter[..equals].trim_ascii(), parameter[equals + 1..].trim_ascii());
        let value = value.strip_prefix(b"\"").and_then(|v| v.strip_suffix(b"\"")).unwrap_or(value);
        key.eq_ignore_ascii_case(name.as_bytes()).then_some(value)
    })
}

/// In thousandths; 1000 if there is none. Nothing if it is none.
fn weight(range: &[u8]) -> Option<u32> {
    let Some(value) = parameters(range, "q").next() else { return Some(1_000) };
    let (whole, decimals) = match value {
        [whole] => (*whole, &[][..]),
        [whole, b'.', decimals @ ..] if decimals.len() <= 3 => (*whole, decimals),
        _ => return None,
    };
    let digits = decimals.iter().all(u8::is_ascii_digit);
    let padded = decimals.iter().chain(b"000").take(3);
    let decimals = padded.fold(0, |sum, digit| sum * 10 + u32::from(digit.wrapping_sub(b'0')));
    match whole {
        b'0' if digits => Some(decimals),
        b'1' if digits && decimals == 0 => Some(1_000),
        _ => None,
    }
}

/// What stands between separators, of which those within quotes are none.
fn items(text: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let (item, after) = split(rest?, separator);
        rest = after;
        Some(item)
    })
}

fn split(text: &[u8], separator: u8) -> (&[u8], Option<&[u8]>) {
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in text.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            byte if *byte == separator && !quoted => return (&text[..at], Some(&text[at + 1..])),
            _ => {}
        }
    }
    (text, None)
}

#[cfg(test)]
mod tests {
    use super::super::tests::all;
    use super::*;
    use http::Request;

    fn read(
        reader: MediaType,
        accept: &[&str],
        content_type: Option<&str>,
    ) -> Vec<(Source, String)> {
        let mut request = Request::get("/");
        for line in accept {
            request = request.header(ACCEPT, *line);
        }
        if let Some(content_type) = content_type {
            request = request.header(CONTENT_TYPE, content_type);
        }
        all(reader, &request.body(()).unwrap())
    }

    fn accept(reader: MediaType, accept: &[&str]) -> Vec<String> {
        read(reader, accept, None).into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn of_what_is_wanted_most_the_version_is_read() {
        for (lines, expected) in [
            (&["application/json; v=2"][..], &["2"][..]),
            (&["application/json;V=\"2\""], &["2"]),
            (&["application/json ; v = 2"], &["2"]),
            (&["application/json;v=1;v=2"], &["1", "2"]),
            (&["application/json"], &[]),
            (&["*/*, application/json;v=2;q=0.5"], &["2"]),
            (&["application/json;v=1;q=0.5, application/json;v=2"], &["2"]),
            (&["application/json;v=1;q=0.5", "application/json;v=2;q=0.51"], &["2"]),
            (&["application/json;v=1, application/xml;v=2"], &["1", "2"]),
            (&["application/json;v=1;q=0, application/json;v=2;q=0.1"], &["2"]),
            (&["application/json;v=1;q=0"], &[]),
            (&["application/json;v=1;q=0.000"], &[]),
            (&["application/json;v=1;q=2"], &[]),
            (&["application/json;v=1;q=0.1234"], &[]),
            (&["application/json;x=\"a;v=3,b\";v=2"], &["2"]),
            (&["application/json;x=\"\\\";v=3\";v=2"], &["2"]),
            (&[""], &[]),
        ] {
            assert_eq!(accept(MediaType::parameter("v"), lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn a_type_of_ones_own_has_the_version_in_its_name() {
        let vendor = || MediaType::vendor("application/vnd.acme.{version}+json");
        for (line, expected) in [
            ("application/vnd.acme.v2+json", &["v2"][..]),
            ("Application/Vnd.ACME.v2+JSON; charset=utf-8", &["v2"]),
            ("application/vnd.acme.2026-03-10+json;q=0.3", &["2026-03-10"]),
            ("application/vnd.acme.+json", &[]),
            ("application/vnd.acme+json", &[]),
            ("application/vnd.acmex.v2+json", &[]),
            ("application/vnd.acme.v2+xml", &[]),
            ("application/json", &[]),
            ("a", &[]),
        ] {
            assert_eq!(accept(vendor(), &[line]), expected, "{line}");
        }
    }

    #[test]
    fn what_is_sent_has_a_version_too() {
        let both =
            read(MediaType::parameter("v"), &["text/html;v=1"], Some("application/json;v=2"));
        assert_eq!(both, [(Source::ContentType, "2".to_owned()), (Source::Accept, "1".to_owned())]);
    }

    #[test]
    fn templates_that_are_none_are_errors() {
        for template in [
            "",
            "application/json",
            "{version}",
            "vnd.acme.{version}",
            "application/vnd.{name}.{version}+json",
            "application/vnd.acme.{version}+{version}",
            "application/vnd.acme.{version}+{format}",
            "application/vnd.acme.{{version}}+json",
        ] {
            assert!(MediaType::vendor(template).fault().is_some(), "{template}");
        }
        assert!(MediaType::parameter("q").fault().is_some());
        assert!(MediaType::parameter("v").fault().is_none());
    }
}
