//! A rate as people write it: `100/s`.

use std::str::FromStr;
use std::time::Duration;

/// So many requests per unit of time, and as many at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rate {
    requests: u32,
    per: Duration,
}

impl Rate {
    /// What no client reaches by hand, nor by fifty at once that do not wait between two tries.
    pub(crate) const GENEROUS: Self = Self::new(10_000, Duration::from_secs(1));

    pub(crate) const fn new(requests: u32, per: Duration) -> Self {
        Self { requests, per }
    }

    pub(crate) const fn requests(self) -> u32 {
        self.requests
    }

    pub(crate) const fn per(self) -> Duration {
        self.per
    }
}

/// Not a rate.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NoRate;

impl FromStr for Rate {
    type Err = NoRate;

    fn from_str(text: &str) -> Result<Self, NoRate> {
        let (number, unit) = text.split_once('/').ok_or(NoRate)?;
        let seconds = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3_600,
            _ => return Err(NoRate),
        };
        // `parse` would take a sign.
        let digits = number.bytes().all(|byte| byte.is_ascii_digit());
        match number.parse() {
            Ok(requests) if digits && requests > 0 => {
                Ok(Self { requests, per: Duration::from_secs(seconds) })
            }
            _ => Err(NoRate),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(text: &str) -> Option<(u32, u64)> {
        text.parse::<Rate>().ok().map(|rate| (rate.requests, rate.per.as_secs()))
    }

    #[test]
    fn a_rate_is_a_number_and_a_unit() {
        assert_eq!(rate("1/s"), Some((1, 1)));
        assert_eq!(rate("30/m"), Some((30, 60)));
        assert_eq!(rate("4294967295/h"), Some((u32::MAX, 3_600)));
        assert_eq!(rate("007/h"), Some((7, 3_600)), "leading zeros change nothing");
    }

    #[test]
    fn all_else_is_no_rate() {
        for text in [
            "",
            "/",
            "5",
            "5/",
            "/s",
            "0/s",
            "000/s",
            "-1/s",
            "+1/s",
            "1 /s",
            " 1/s",
            "1/s ",
            "1/ s",
            "5/d",
            "5/S",
            "5/sec",
            "1/s/s",
            "1.5/s",
            "1e3/s",
            "0x5/s",
            "1_000/s",
            "٣/s",
            "４/s",
            "4294967296/s",
            "99999999999999999999/s",
        ] {
            assert_eq!(rate(text), None, "{text:?}");
        }
    }
}
