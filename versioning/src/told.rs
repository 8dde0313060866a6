//! What clients are told of versions, made before anybody asks.

use std::time::{Duration, UNIX_EPOCH};

use http::HeaderValue;
use http::header::{HeaderMap, HeaderName, LINK};

use crate::life::{Life, Stage};
use crate::{Index, Moment, Version, Versions};

pub(crate) const DEPRECATION: HeaderName = HeaderName::from_static("deprecation");
pub(crate) const SUNSET: HeaderName = HeaderName::from_static("sunset");
const SUPPORTED: HeaderName = HeaderName::from_static("api-supported-versions");
const DEPRECATED: HeaderName = HeaderName::from_static("api-deprecated-versions");

/// What is told of each version, whatever the time.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) name: HeaderValue,
    pub(crate) name_text: String,
    deprecation: Option<HeaderValue>,
    sunset: Option<HeaderValue>,
    link: Option<HeaderValue>,
}

impl Told {
    pub(crate) fn new(name: &str, life: &Life, links: &[(String, &'static str)]) -> Self {
        let link = links.iter().map(|(uri, relation)| format!("<{uri}>; rel=\"{relation}\""));
        Self {
            name: shared_value(name.to_owned()).unwrap_or(HeaderValue::from_static("")),
            name_text: name.to_owned(),
            deprecation: life
                .deprecated_at
                .and_then(|at| shared_value(format!("@{}", at.as_unix()))),
            sunset: life.sunset_at.and_then(|at| shared_value(http_date(at))),
            link: shared_value(link.collect::<Vec<_>>().join(", ")).filter(|link| !link.is_empty()),
        }
    }

    /// Does it work no more some day?
    #[cfg(feature = "utoipa-6")]
    pub(crate) const fn ends(&self) -> bool {
        self.sunset.is_some()
    }

    /// Adds what is told of this version. A link is added to what the service says.
    pub(crate) fn write(&self, echo: Option<&HeaderName>, headers: &mut HeaderMap) {
        let put = |headers: &mut HeaderMap, name: &HeaderName, value: &HeaderValue| {
            drop(headers.try_insert(name.clone(), value.clone()));
        };
        if let Some(name) = echo {
            put(headers, name, &self.name);
        }
        if let Some(deprecation) = &self.deprecation {
            put(headers, &DEPRECATION, deprecation);
        }
        if let Some(sunset) = &self.sunset {
            put(headers, &SUNSET, sunset);
        }
        if let Some(link) = &self.link {
            drop(headers.try_append(LINK, link.clone()));
        }
    }
}

/// RFC 9110, section 5.6.7.
fn http_date(at: Moment) -> String {
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(at.as_unix()))
}

/// A value whose clones only count: the first makes it shared, which allocates.
pub(crate) fn shared_value(text: String) -> Option<HeaderValue> {
    let value = HeaderValue::try_from(text).ok()?;
    drop(value.clone());
    Some(value)
}

/// Which versions can be asked for, from a moment on.
#[derive(Clone, Debug)]
pub(crate) struct Offer {
    from: Moment,
    supported: Option<HeaderValue>,
    deprecated: Option<HeaderValue>,
}

impl Offer {
    /// What is offered from each moment on at which something changes; the first from the beginning.
    pub(crate) fn all<V: Version>(versions: &Versions<V>) -> Vec<Self> {
        let mut moments: Vec<_> = versions.moments().chain([Moment::unix(0)]).collect();
        moments.sort_unstable();
        moments.dedup();
        moments.into_iter().map(|from| Self::at(versions, from)).collect()
    }

    fn at<V: Version>(versions: &Versions<V>, from: Moment) -> Self {
        let names = |wanted: fn(Stage) -> bool| {
            let staged = |index: &Index| wanted(versions.stage(*index, from));
            let names: Vec<_> = versions.iter().filter(staged).map(|i| versions.name(i)).collect();
            shared_value(names.join(", ")).filter(|names| !names.is_empty())
        };
        Self {
            from,
            supported: names(|stage| stage == Stage::Active),
            deprecated: names(|stage| matches!(stage, Stage::Deprecated | Stage::Brownout { .. })),
        }
    }

    /// The one that holds at this moment.
    pub(crate) fn of(offers: &[Self], now: Moment) -> Option<&Self> {
        let after = offers.partition_point(|offer| offer.from <= now);
        offers[..after].last()
    }

    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        for (name, value) in [(SUPPORTED, &self.supported), (DEPRECATED, &self.deprecated)] {
            if let Some(value) = value {
                drop(headers.try_insert(name, value.clone()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Major;

    #[test]
    fn dates_are_written_as_their_standards_say() {
        let life = Life {
            deprecated_at: Some(Moment::unix(1_688_169_599)),
            sunset_at: "2024-06-30T23:59:59Z".parse().ok(),
            brownouts: vec![],
        };
        let mut headers = HeaderMap::new();
        let links = [
            ("https://example.com/v1".to_owned(), "deprecation"),
            ("https://example.com/end".to_owned(), "sunset"),
        ];
        Told::new("v1", &life, &links)
            .write(Some(&HeaderName::from_static("api-version")), &mut headers);
        assert_eq!(headers["api-version"], "v1");
        assert_eq!(headers["deprecation"], "@1688169599");
        assert_eq!(headers["sunset"], "Sun, 30 Jun 2024 23:59:59 GMT");
        assert_eq!(
            headers["link"],
            r#"<https://example.com/v1>; rel="deprecation", <https://example.com/end>; rel="sunset""#
        );
        let mut headers = HeaderMap::new();
        Told::new("v2", &Life::default(), &[]).write(None, &mut headers);
        assert!(headers.is_empty());
    }

    #[test]
    fn what_is_offered_changes_with_the_time() {
        let versions = Versions::<Major>::builder()
            .version("1", |v| v.deprecated_at("2026-01-01").sunset_at("2026-07-01"))
            .version("2", |v| v)
            .build()
            .unwrap();
        let offers = Offer::all(&versions);
        let told = |now: &str| {
            let mut headers = HeaderMap::new();
            Offer::of(&offers, now.parse().unwrap()).unwrap().write(&mut headers);
            ["api-supported-versions", "api-deprecated-versions"].map(|name| {
                headers.get(name).map_or("", |value| value.to_str().unwrap()).to_owned()
            })
        };
        assert_eq!(told("1970-01-01"), ["v1, v2", ""]);
        assert_eq!(told("2025-12-31T23:59:59Z"), ["v1, v2", ""]);
        assert_eq!(told("2026-01-01"), ["v2", "v1"]);
        assert_eq!(told("2026-07-01"), ["v2", ""]);
    }
}
