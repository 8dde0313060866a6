use std::fmt;
use std::sync::Arc;

use stonework_core::{ConfigError, ConfigErrors};

use crate::life::{Life, Stage};
use crate::told::Told;
use crate::{Moment, Version};

/// An index is kept in so many bits.
const MOST: usize = 1 << 12;

/// The versions of an API, in order, each with its life. Clones share them.
///
/// ```
/// use stonework_versioning::{Found, Major, Select, Versions};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let versions = Versions::<Major>::builder()
///     .version("1", |v| v.deprecated_at("2026-01-01").sunset_at("2026-12-31"))
///     .version("2", |v| v)
///     .build()?;
///
/// let Found::Served(two) = versions.find(b"v2", Select::Exact) else { panic!() };
/// assert_eq!(versions.name(two), "v2");
/// assert!(matches!(versions.find(b"v3", Select::Exact), Found::Unsupported));
/// assert!(matches!(versions.find(b"v01", Select::Exact), Found::Malformed));
/// # Ok(())
/// # }
/// ```
pub struct Versions<V> {
    entries: Arc<[Entry<V>]>,
}

struct Entry<V> {
    version: V,
    /// As clients are told it.
    name: String,
    life: Life,
    /// Targets, and their relations.
    links: Vec<(String, &'static str)>,
}

/// Which version a request gets that asks for one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Select {
    /// The one that it asks for.
    #[default]
    Exact,
    /// That, or else the newest before it: so that a service with fewer versions works behind the same
    /// gateway as one with more. What is newer than the newest is never given to anybody, since a client
    /// that asks for tomorrow's version would be moved to it unasked.
    Waterfall,
}

/// What a text means among these versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Found {
    /// The version of this index.
    Served(Index),
    /// A version, and none of these.
    Unsupported,
    /// No version at all.
    Malformed,
}

/// The place of a version among all, oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Index(u16);

impl Index {
    /// There are no more than `MOST`.
    pub(crate) const fn of(at: usize) -> Self {
        Self(at as u16)
    }

    /// The number of versions that are older.
    pub const fn get(self) -> usize {
        self.0 as usize
    }
}

impl<V: Version> Versions<V> {
    /// A builder without any.
    pub const fn builder() -> VersionsBuilder<V> {
        VersionsBuilder { entries: Vec::new(), errors: Vec::new() }
    }

    /// What these bytes, as a client sent them, mean.
    pub fn find(&self, text: &[u8], select: Select) -> Found {
        V::parse(text).map_or(Found::Malformed, |version| self.select(&version, select))
    }

    /// The one of these that a request gets that asks for this one.
    pub fn select(&self, version: &V, select: Select) -> Found {
        match (self.entries.binary_search_by(|entry| entry.version.cmp(version)), select) {
            (Ok(at), _) => Found::Served(Index::of(at)),
            (Err(after), Select::Waterfall) if 0 < after && after < self.entries.len() => {
                Found::Served(Index::of(after - 1))
            }
            (Err(_), _) => Found::Unsupported,
        }
    }

    /// How clients are told this version.
    pub fn name(&self, index: Index) -> &str {
        self.entry(index).map_or("", |entry| &entry.name)
    }

    /// The version itself.
    pub fn get(&self, index: Index) -> Option<&V> {
        self.entry(index).map(|entry| &entry.version)
    }

    /// Where a version is in its life at this moment.
    pub fn stage(&self, index: Index, now: Moment) -> Stage {
        self.entry(index).map_or(Stage::Sunset, |entry| entry.life.stage(now))
    }

    #[cfg(feature = "utoipa-6")]
    pub(crate) fn has_brownouts(&self, index: Index) -> bool {
        self.entry(index).is_some_and(|entry| !entry.life.brownouts.is_empty())
    }

    /// All of them, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Index> + ExactSizeIterator + use<V> {
        (0..self.entries.len()).map(Index::of)
    }

    /// What clients are told of this version.
    pub(crate) fn told(&self, index: Index) -> Told {
        let Entry { name, life, links, .. } = &self.entries[index.get()];
        Told::new(name, life, links)
    }

    /// Every moment at which something changes, in any order.
    pub(crate) fn moments(&self) -> impl Iterator<Item = Moment> + '_ {
        self.entries.iter().flat_map(|entry| entry.life.moments())
    }

    fn entry(&self, index: Index) -> Option<&Entry<V>> {
        self.entries.get(index.get())
    }
}

impl<V> Clone for Versions<V> {
    fn clone(&self) -> Self {
        Self { entries: Arc::clone(&self.entries) }
    }
}

impl<V> fmt::Debug for Versions<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.entries.iter().map(|entry| &entry.name)).finish()
    }
}

/// Builds [`Versions`].
#[must_use = "a builder does nothing until `build` is called"]
pub struct VersionsBuilder<V> {
    entries: Vec<Entry<V>>,
    errors: Vec<ConfigError>,
}

impl<V: Version> VersionsBuilder<V> {
    /// Adds a version, and says what becomes of it. The order does not matter.
    pub fn version(mut self, text: &str, life: impl FnOnce(LifeBuilder) -> LifeBuilder) -> Self {
        let LifeBuilder { life, links, errors } = life(LifeBuilder::default());
        self.errors.extend(errors.into_iter().map(|(setting, value, reason)| {
            ConfigError::shown(setting, format!("{value:?}, of {text}"), reason)
        }));
        life.check(text, &mut self.errors);
        match V::parse(text.as_bytes()) {
            Ok(version) => {
                let name = version.to_string();
                self.entries.push(Entry { version, name, life, links });
            }
            Err(_) => {
                let reason = "is no version of this kind; write it as clients do";
                self.errors.push(ConfigError::new("version", text, reason));
            }
        }
        self
    }

    /// The versions.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, each with the value, the reason and what to do.
    pub fn build(self) -> Result<Versions<V>, ConfigErrors<ConfigError>> {
        let Self { mut entries, mut errors } = self;
        entries.sort_by(|a, b| a.version.cmp(&b.version));
        for two in entries.windows(2).filter(|two| two[0].version == two[1].version) {
            let reason = "is there twice; leave one out";
            errors.push(ConfigError::new("version", &two[1].name, reason));
        }
        if entries.is_empty() && errors.is_empty() {
            errors.push(ConfigError::new("version", "none", "serves nobody; add a version"));
        }
        if entries.len() > MOST {
            let reason = "are more than are told apart; use up to 4096";
            errors.push(ConfigError::new("version", entries.len(), reason));
        }
        ConfigErrors::check(errors, Ok(Versions { entries: entries.into() }))
    }
}

impl<V> fmt::Debug for VersionsBuilder<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.entries.iter().map(|entry| &entry.name)).finish()
    }
}

/// Says what becomes of a version.
#[derive(Debug, Default)]
#[must_use = "what is said is returned"]
pub struct LifeBuilder {
    life: Life,
    links: Vec<(String, &'static str)>,
    /// Settings, values, and what is the matter with them.
    errors: Vec<(&'static str, String, &'static str)>,
}

impl LifeBuilder {
    /// From this moment on it is to be left: `2026-06-30`, or `2026-06-30T12:00:00Z`. It may lie in the
    /// future, and clients are told then too.
    pub fn deprecated_at(mut self, moment: &str) -> Self {
        self.life.deprecated_at = self.moment("deprecated_at", moment);
        self
    }

    /// From this moment on it works no more. Not before its deprecation.
    pub fn sunset_at(mut self, moment: &str) -> Self {
        self.life.sunset_at = self.moment("sunset_at", moment);
        self
    }

    /// Between these moments it is switched off, so that those who still use it notice. Not before it has
    /// been deprecated for a day.
    pub fn brownout(mut self, from: &str, to: &str) -> Self {
        let (from, to) = (self.moment("brownout", from), self.moment("brownout", to));
        self.life.brownouts.extend(from.zip(to));
        self
    }

    /// Where clients can read of the deprecation (RFC 9745, section 3).
    pub fn deprecation_link(self, uri: &str) -> Self {
        self.link("deprecation_link", uri, "deprecation")
    }

    /// Where clients can read of the end (RFC 8594, section 6).
    pub fn sunset_link(self, uri: &str) -> Self {
        self.link("sunset_link", uri, "sunset")
    }

    /// What comes after this version (RFC 5829, section 3.4).
    pub fn successor(self, uri: &str) -> Self {
        self.link("successor", uri, "successor-version")
    }

    fn link(mut self, setting: &'static str, uri: &str, relation: &'static str) -> Self {
        if uri.parse::<http::Uri>().is_ok() && !uri.contains(['<', '>']) {
            self.links.push((uri.to_owned(), relation));
        } else {
            let reason = "is no URI; write one such as https://example.com/changes";
            self.errors.push((setting, uri.to_owned(), reason));
        }
        self
    }

    fn moment(&mut self, setting: &'static str, text: &str) -> Option<Moment> {
        let moment = text.parse().ok();
        if moment.is_none() {
            let reason = "is no moment; write 2026-06-30 or 2026-06-30T12:00:00Z";
            self.errors.push((setting, text.to_owned(), reason));
        }
        moment
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DateVersion, MajorMinor};

    fn dates(texts: &[&str]) -> Versions<DateVersion> {
        let builder =
            texts.iter().fold(Versions::builder(), |builder, text| builder.version(text, |v| v));
        builder.build().unwrap()
    }

    fn found<V: Version>(versions: &Versions<V>, text: &str, select: Select) -> String {
        match versions.find(text.as_bytes(), select) {
            Found::Served(index) => versions.name(index).to_owned(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn a_waterfall_gives_the_newest_before_and_never_one_after_the_newest() {
        let versions = dates(&["2025-06-01", "2024-01-01", "2026-03-10-preview"]);
        for (asked, exact, waterfall) in [
            ("2023-12-31", "Unsupported", "Unsupported"),
            ("2024-01-01", "2024-01-01", "2024-01-01"),
            ("2024-12-31", "Unsupported", "2024-01-01"),
            ("2025-06-01", "2025-06-01", "2025-06-01"),
            ("2025-06-01-preview", "Unsupported", "2024-01-01"),
            ("2026-03-09", "Unsupported", "2025-06-01"),
            ("2026-03-10-preview", "2026-03-10-preview", "2026-03-10-preview"),
            ("2026-03-10", "Unsupported", "Unsupported"),
            ("2099-01-01", "Unsupported", "Unsupported"),
            ("2024-02-30", "Malformed", "Malformed"),
            ("latest", "Malformed", "Malformed"),
        ] {
            assert_eq!(found(&versions, asked, Select::Exact), exact, "{asked}");
            assert_eq!(found(&versions, asked, Select::Waterfall), waterfall, "{asked}");
        }
    }

    #[test]
    fn texts_that_mean_the_same_are_the_same_version() {
        let versions = Versions::<MajorMinor>::builder().version("1", |v| v).version("2.1", |v| v);
        let versions = versions.build().unwrap();
        for text in ["1", "1.0", "v1", "v1.0"] {
            assert_eq!(found(&versions, text, Select::Exact), "1.0");
        }
        let names: Vec<_> = versions.iter().map(|index| versions.name(index)).collect();
        assert_eq!(names, ["1.0", "2.1"]);
    }

    #[test]
    fn all_that_is_wrong_is_told() {
        let builder = Versions::<MajorMinor>::builder()
            .version("1", |v| v)
            .version("1.0", |v| v)
            .version("01", |v| v)
            .version("2", |v| v.deprecated_at("soon").sunset_at("2026-13-01"))
            .version("3", |v| v.deprecated_at("2026-02-01").sunset_at("2026-01-01"));
        let errors = builder.build().unwrap_err();
        let told: Vec<_> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 5, "{told:#?}");
        assert!(told.iter().any(|error| error.contains(r#""01""#)));
        assert!(
            told.iter().any(|error| error.contains(r#"deprecated_at("soon", of 2)"#)),
            "{told:#?}"
        );
        assert!(Versions::<MajorMinor>::builder().build().is_err());
    }

    #[test]
    fn a_version_goes_through_its_life() {
        let versions = Versions::<MajorMinor>::builder()
            .version("1", |v| {
                v.deprecated_at("2026-01-01")
                    .brownout("2026-06-01", "2026-06-02")
                    .sunset_at("2026-07-01")
            })
            .build()
            .unwrap();
        let one = versions.iter().next().unwrap();
        let at = |text: &str| versions.stage(one, text.parse().unwrap());
        assert_eq!(at("2025-01-01"), Stage::Active);
        assert_eq!(at("2026-01-01"), Stage::Deprecated);
        assert!(matches!(at("2026-06-01T12:00:00Z"), Stage::Brownout { .. }));
        assert_eq!(at("2026-07-01"), Stage::Sunset);
    }
}
