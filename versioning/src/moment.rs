use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::{DateVersion, Version};

const DAY: u64 = 24 * 60 * 60;

/// A second, as a life cycle has them: the first of its day where only the day is said.
///
/// ```
/// use stonework_versioning::Moment;
///
/// let midnight: Moment = "2026-06-30".parse()?;
/// assert_eq!(midnight, "2026-06-30T00:00:00Z".parse()?);
/// assert_eq!(midnight, Moment::unix(1_782_777_600));
/// # Ok::<(), stonework_versioning::NoMoment>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(u64);

/// A text that is no moment. It is written `2026-06-30` or `2026-06-30T12:00:00Z`, from 1970 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NoMoment;

impl Moment {
    /// So many seconds after the beginning of 1970, in UTC.
    pub const fn unix(seconds: u64) -> Self {
        Self(seconds)
    }

    /// The seconds since the beginning of 1970, in UTC.
    pub const fn as_unix(self) -> u64 {
        self.0
    }

    /// So long after this one, to the second.
    #[must_use]
    pub const fn plus(self, time: Duration) -> Self {
        Self(self.0.saturating_add(time.as_secs()))
    }
}

impl FromStr for Moment {
    type Err = NoMoment;

    fn from_str(text: &str) -> Result<Self, NoMoment> {
        let (date, time) = match text.split_once('T') {
            Some((date, time)) => (date, time_of_day(time).ok_or(NoMoment)?),
            None => (text, 0),
        };
        let date = DateVersion::parse(date.as_bytes()).map_err(|_| NoMoment)?;
        if date.status.is_some() {
            return Err(NoMoment);
        }
        let days = days_since_1970(&date).ok_or(NoMoment)?;
        Ok(Self(days * DAY + time))
    }
}

/// `12:00:00Z`, without leap seconds.
fn time_of_day(text: &str) -> Option<u64> {
    let text = text.strip_suffix('Z')?;
    let parts: Vec<&str> = text.split(':').collect();
    let [hour, minute, second] = parts.try_into().ok()?;
    let part = |text: &str, less_than: u64| {
        let two = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u64>().ok().filter(|number| two && *number < less_than)
    };
    Some(part(hour, 24)? * 3_600 + part(minute, 60)? * 60 + part(second, 60)?)
}

/// Counted in years that begin in March, so that a leap day is the last of its year.
fn days_since_1970(date: &DateVersion) -> Option<u64> {
    let (year, month) = (u64::from(date.year), u64::from(date.month));
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let before = year * 365 + year / 4 - year / 100 + year / 400;
    // Of March, April, … as many days as 153 in five months, in this order.
    let within = (153 * month + 2) / 5 + u64::from(date.day) - 1;
    // From the first of March of the year 0.
    (before + within).checked_sub(719_468)
}

/// The other way round: year, month and day.
const fn date_of(days_since_1970: u64) -> (u64, u64, u64) {
    const DAYS_OF_400_YEARS: u64 = 146_097;
    let days = days_since_1970 + 719_468;
    let (cycle, day) = (days / DAYS_OF_400_YEARS, days % DAYS_OF_400_YEARS);
    // Without the leap days before it: of the fourth, the hundredth and the last year.
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let year = cycle * 400 + year;
    if month < 10 { (year, month + 3, day) } else { (year + 1, month - 9, day) }
}

/// As it is read: `2026-06-30T12:00:00Z`.
impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = date_of(self.0 / DAY);
        let (hour, minute, second) = (self.0 % DAY / 3_600, self.0 % 3_600 / 60, self.0 % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

impl TryFrom<SystemTime> for Moment {
    type Error = NoMoment;

    fn try_from(time: SystemTime) -> Result<Self, NoMoment> {
        let since = time.duration_since(UNIX_EPOCH).map_err(|_| NoMoment)?;
        Ok(Self(since.as_secs()))
    }
}

impl fmt::Display for NoMoment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a moment such as 2026-06-30 or 2026-06-30T12:00:00Z")
    }
}

impl std::error::Error for NoMoment {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_seconds_are_counted_from_1970() {
        for (text, unix) in [
            ("1970-01-01", 0),
            ("1970-03-01", 59 * DAY),
            ("1972-02-29", 789 * DAY),
            ("2000-02-29", 951_782_400),
            ("2000-03-01", 951_868_800),
            ("2023-06-30T23:59:59Z", 1_688_169_599),
            ("2038-01-19T03:14:08Z", 1 << 31),
            ("2100-03-01", 4_107_542_400),
            ("9999-12-31T23:59:59Z", 253_402_300_799),
        ] {
            assert_eq!(text.parse(), Ok(Moment::unix(unix)), "{text}");
            let written = Moment::unix(unix).to_string();
            assert!(written.starts_with(text) && written.parse() == Ok(Moment::unix(unix)));
        }
        assert_eq!(Moment::unix(u64::MAX).to_string(), "584554051223-11-09T07:00:15Z");
    }

    #[test]
    fn all_else_is_none() {
        for text in [
            "",
            "1969-12-31",
            "2023-02-29",
            "2023-06-30T",
            "2023-06-30T24:00:00Z",
            "2023-06-30T12:60:00Z",
            "2023-06-30T12:00:60Z",
            "2023-06-30T12:00:00",
            "2023-06-30T12:00Z",
            "2023-06-30T1:00:00Z",
            "2023-06-30T+1:00:00Z",
            "2023-06-30T12:00:00+01:00",
            "2023-06-30-preview",
            "2023-06-30 12:00:00Z",
        ] {
            assert_eq!(text.parse::<Moment>(), Err(NoMoment), "{text}");
        }
    }

    #[test]
    fn times_of_the_system_are_moments() {
        let time = UNIX_EPOCH + Duration::from_millis(1_500);
        assert_eq!(Moment::try_from(time), Ok(Moment::unix(1)));
        assert_eq!(Moment::try_from(UNIX_EPOCH - Duration::from_secs(1)), Err(NoMoment));
    }
}
