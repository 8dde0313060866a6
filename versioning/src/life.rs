//! The life of a version. Pure: the time is given.

use std::time::Duration;

use stonework_core::ConfigError;

use crate::Moment;

/// Who is told of a deprecation by a brownout has not been told.
const NOTICE: Duration = Duration::from_secs(24 * 60 * 60);

const UNTOLD: &str = "comes without a deprecation; say deprecated_at too, so that clients are told";

/// What was said of a version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Life {
    pub(crate) deprecated_at: Option<Moment>,
    pub(crate) sunset_at: Option<Moment>,
    /// From, to; in order.
    pub(crate) brownouts: Vec<(Moment, Moment)>,
}

/// Where a version is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// It is to be used.
    Active,
    /// It works, and is to be left (RFC 9745).
    Deprecated,
    /// It is switched off until this moment, so that those who still use it notice.
    #[non_exhaustive]
    Brownout {
        /// When it works again.
        until: Moment,
    },
    /// It works no more (RFC 8594).
    Sunset,
}

impl Life {
    /// Where the version is at this moment.
    pub(crate) fn stage(&self, now: Moment) -> Stage {
        let reached = |moment: Option<Moment>| moment.is_some_and(|moment| moment <= now);
        if reached(self.sunset_at) {
            return Stage::Sunset;
        }
        let brownout = self.brownouts.iter().find(|(from, to)| *from <= now && now < *to);
        match brownout {
            Some((_, until)) => Stage::Brownout { until: *until },
            None if reached(self.deprecated_at) => Stage::Deprecated,
            None => Stage::Active,
        }
    }

    /// Every moment at which something changes.
    pub(crate) fn moments(&self) -> impl Iterator<Item = Moment> + '_ {
        let brownouts = self.brownouts.iter().flat_map(|(from, to)| [*from, *to]);
        self.deprecated_at.into_iter().chain(self.sunset_at).chain(brownouts)
    }

    /// What cannot be, of the version of this name.
    pub(crate) fn check(&self, version: &str, errors: &mut Vec<ConfigError>) {
        let mut error = |setting, what: &str, reason: &'static str| {
            errors.push(ConfigError::shown(setting, format!("{what}, of {version}"), reason));
        };
        if let (Some(deprecated), Some(sunset)) = (self.deprecated_at, self.sunset_at)
            && sunset < deprecated
        {
            let reason = "lies before the deprecation, which RFC 9745 forbids; move one of them";
            error("sunset_at", &sunset.to_string(), reason);
        }
        if let (None, Some(sunset)) = (self.deprecated_at, self.sunset_at) {
            error("sunset_at", &sunset.to_string(), UNTOLD);
        }
        for (from, to) in &self.brownouts {
            let brownout = &shown((*from, *to));
            if from >= to {
                error("brownout", brownout, "ends before it begins; give its beginning first");
            }
            match self.deprecated_at {
                None => error("brownout", brownout, UNTOLD),
                Some(deprecated) if *from < deprecated.plus(NOTICE) => {
                    let reason = "begins less than a day after the deprecation; give clients time \
                                  to be told";
                    error("brownout", brownout, reason);
                }
                Some(_) => {}
            }
            if self.sunset_at.is_some_and(|sunset| sunset < *to) {
                error("brownout", brownout, "goes on after the sunset; end it before");
            }
        }
        for two in self.brownouts.windows(2).filter(|two| two[0].1 > two[1].0) {
            let reason = "begins before the one before it has ended; give them one after the other";
            error("brownout", &shown(two[1]), reason);
        }
    }
}

fn shown((from, to): (Moment, Moment)) -> String {
    format!("{from} to {to}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Moment {
        text.parse().unwrap()
    }

    fn life() -> Life {
        Life {
            deprecated_at: Some(at("2026-01-01")),
            sunset_at: Some(at("2026-07-01")),
            brownouts: vec![
                (at("2026-06-01T10:00:00Z"), at("2026-06-01T11:00:00Z")),
                (at("2026-06-15T10:00:00Z"), at("2026-06-15T14:00:00Z")),
            ],
        }
    }

    fn errors(life: &Life) -> usize {
        let mut errors = Vec::new();
        life.check("v1", &mut errors);
        errors.len()
    }

    #[test]
    fn a_stage_begins_with_its_second_and_ends_before_the_next() {
        let until = at("2026-06-01T11:00:00Z");
        for (now, stage) in [
            ("1970-01-01", Stage::Active),
            ("2025-12-31T23:59:59Z", Stage::Active),
            ("2026-01-01", Stage::Deprecated),
            ("2026-06-01T09:59:59Z", Stage::Deprecated),
            ("2026-06-01T10:00:00Z", Stage::Brownout { until }),
            ("2026-06-01T10:59:59Z", Stage::Brownout { until }),
            ("2026-06-01T11:00:00Z", Stage::Deprecated),
            ("2026-06-30T23:59:59Z", Stage::Deprecated),
            ("2026-07-01", Stage::Sunset),
            ("9999-12-31", Stage::Sunset),
        ] {
            assert_eq!(life().stage(at(now)), stage, "{now}");
        }
        assert_eq!(Life::default().stage(at("2026-01-01")), Stage::Active);
    }

    #[test]
    fn a_life_that_cannot_be_is_an_error() {
        assert_eq!(errors(&life()), 0);
        assert_eq!(errors(&Life::default()), 0);
        let deprecated = Life { sunset_at: None, ..life() };
        assert_eq!(errors(&deprecated), 0, "it may never end");
        let same = Life { sunset_at: life().deprecated_at, brownouts: vec![], ..life() };
        assert_eq!(errors(&same), 0, "it may end when it is deprecated");
        let early =
            Life { sunset_at: Some(at("2025-12-31T23:59:59Z")), brownouts: vec![], ..life() };
        assert_eq!(errors(&early), 1);
        let untold = Life { deprecated_at: None, brownouts: vec![], ..life() };
        assert_eq!(errors(&untold), 1);
        for brownouts in [
            vec![(at("2026-06-02"), at("2026-06-02"))],
            vec![(at("2026-01-01T12:00:00Z"), at("2026-01-03"))],
            vec![(at("2026-06-30"), at("2026-07-02"))],
            vec![(at("2026-06-02"), at("2026-06-04")), (at("2026-06-03"), at("2026-06-05"))],
            vec![(at("2026-06-04"), at("2026-06-05")), (at("2026-06-02"), at("2026-06-03"))],
        ] {
            assert_eq!(
                errors(&Life { brownouts: brownouts.clone(), ..life() }),
                1,
                "{brownouts:?}"
            );
        }
    }
}
