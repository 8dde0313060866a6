use std::cmp::Ordering;
use std::fmt;

use super::number::digits;
use super::{Malformed, Status, Version};

/// Days: `2026-03-10`, and `2026-03-10-preview` before it.
///
/// Days of the Gregorian calendar from the year 1 on. `2016-02-30` is malformed, and not the first of
/// March.
///
/// ```
/// use stonework_versioning::DateVersion;
///
/// let day: DateVersion = "2026-03-10".parse()?;
/// assert!("2026-03-10-preview".parse::<DateVersion>()? < day);
/// assert!("2026-02-29".parse::<DateVersion>().is_err());
/// # Ok::<(), stonework_versioning::Malformed>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct DateVersion {
    /// The year, from 1 to 9999.
    pub year: u16,
    /// The month, from 1 to 12.
    pub month: u8,
    /// The day of the month, from 1.
    pub day: u8,
    /// How finished it is; nothing if it is.
    pub status: Option<Status>,
}

impl DateVersion {
    /// With a status, `None` comes last.
    fn key(&self) -> (u16, u8, u8, bool, Option<Status>) {
        (self.year, self.month, self.day, self.status.is_none(), self.status)
    }
}

impl Version for DateVersion {
    fn parse(text: &[u8]) -> Result<Self, Malformed> {
        let (date, status) = text.split_at_checked("2026-03-10".len()).ok_or(Malformed)?;
        let status = match status {
            [] => None,
            [b'-', status @ ..] => Some(Status::parse(status)?),
            _ => return Err(Malformed),
        };
        let (&[_, _, _, _, b'-', _, _, b'-', _, _], Ok(year), Ok(month), Ok(day)) =
            (date, digits(&date[..4]), digits(&date[5..7]), digits(&date[8..]))
        else {
            return Err(Malformed);
        };
        let is_day =
            year > 0 && (1..=12).contains(&month) && (1..=days(year, month)).contains(&day);
        if !is_day {
            return Err(Malformed);
        }
        // Four digits and two each.
        Ok(Self { year: year as u16, month: month as u8, day: day as u8, status })
    }
}

const fn is_leap(year: u32) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

const fn days(year: u32, month: u32) -> u32 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

impl Ord for DateVersion {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl PartialOrd for DateVersion {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for DateVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)?;
        self.status.map_or(Ok(()), |status| write!(f, "-{status}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preview_comes_before_its_day_is_final() {
        let order = [
            "0001-01-01",
            "2024-02-29",
            "2024-03-01",
            "2026-01-01-alpha",
            "2026-01-01-preview",
            "2026-01-01",
            "2026-01-02-preview",
            "9999-12-31",
        ];
        let versions: Vec<DateVersion> = order.iter().map(|text| text.parse().unwrap()).collect();
        assert!(versions.is_sorted() && versions.windows(2).all(|two| two[0] != two[1]));
        for (version, text) in versions.iter().zip(order) {
            assert_eq!(version.to_string(), text);
        }
    }

    #[test]
    fn a_day_that_is_none_is_malformed() {
        for text in [
            "",
            "2016-02-30",
            "2026-02-29",
            "1900-02-29",
            "2026-04-31",
            "2026-13-01",
            "2026-00-01",
            "2026-01-00",
            "2026-01-32",
            "0000-01-01",
            "2026-1-01",
            "2026-01-1",
            "26-01-01",
            "2026/01/01",
            "20260101",
            "2026-01-01-",
            "2026-01-01-1",
            "2026-01-01T00",
            "2026-01-01 ",
            " 2026-01-01",
            "+026-01-01",
            "2026-01-0a",
            "12026-01-01",
            "２０２６-01-01",
            "1",
            "v1",
        ] {
            assert_eq!(text.parse::<DateVersion>(), Err(Malformed), "{text:?}");
        }
        assert!("2000-02-29".parse::<DateVersion>().is_ok());
    }
}
