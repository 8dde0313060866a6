use std::fmt;

use super::number::number;
use super::{Malformed, Version};

/// Whole numbers: `1` or `v1`, and channels before it is stable: `v1beta2` (AIP-185).
///
/// `v1alpha` comes before `v1alpha1`, that before `v1beta`, and that before `v1`. It is written with the
/// `v`. Case matters: `V1` is none.
///
/// ```
/// use stonework_versioning::Major;
///
/// let stable: Major = "v1".parse()?;
/// assert_eq!(stable, "1".parse()?);
/// assert!("v1beta2".parse::<Major>()? < stable);
/// # Ok::<(), stonework_versioning::Malformed>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct Major {
    /// The number.
    pub number: u32,
    /// How stable it is.
    pub channel: Channel,
}

/// How stable a [`Major`] version is (AIP-185). A number tells releases of a channel apart, and is absent
/// where there is only one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Channel {
    /// It may change without notice.
    Alpha(Option<u32>),
    /// It is complete, and may change.
    Beta(Option<u32>),
    /// It does not change.
    Stable,
}

impl Major {
    /// A stable version.
    pub const fn new(number: u32) -> Self {
        Self { number, channel: Channel::Stable }
    }
}

impl Version for Major {
    fn parse(text: &[u8]) -> Result<Self, Malformed> {
        let (text, prefixed) = match text.strip_prefix(b"v") {
            Some(text) => (text, true),
            None => (text, false),
        };
        let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
        let (digits, channel) = text.split_at(end);
        let channel = channel_of(channel)?;
        // A channel belongs to the form with a `v`.
        if channel != Channel::Stable && !prefixed {
            return Err(Malformed);
        }
        Ok(Self { number: number(digits)?, channel })
    }
}

fn channel_of(text: &[u8]) -> Result<Channel, Malformed> {
    let release = |digits: &[u8]| match digits {
        [] => Ok(None),
        // Releases are counted from one.
        digits => number(digits).and_then(|n| if n == 0 { Err(Malformed) } else { Ok(Some(n)) }),
    };
    if text.is_empty() {
        Ok(Channel::Stable)
    } else if let Some(digits) = text.strip_prefix(b"alpha") {
        Ok(Channel::Alpha(release(digits)?))
    } else if let Some(digits) = text.strip_prefix(b"beta") {
        Ok(Channel::Beta(release(digits)?))
    } else {
        Err(Malformed)
    }
}

impl From<u32> for Major {
    fn from(number: u32) -> Self {
        Self::new(number)
    }
}

impl fmt::Display for Major {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}", self.number)?;
        let (name, release) = match self.channel {
            Channel::Stable => return Ok(()),
            Channel::Alpha(release) => ("alpha", release),
            Channel::Beta(release) => ("beta", release),
        };
        f.write_str(name)?;
        release.map_or(Ok(()), |release| write!(f, "{release}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_comes_before_what_it_leads_to() {
        let order = [
            "v0",
            "v1alpha",
            "v1alpha1",
            "v1alpha2",
            "v1alpha10",
            "v1beta",
            "v1beta1",
            "v1",
            "v2beta",
            "v2",
            "v10",
        ];
        let versions: Vec<Major> = order.iter().map(|text| text.parse().unwrap()).collect();
        assert!(versions.is_sorted() && versions.windows(2).all(|two| two[0] != two[1]));
        for (version, text) in versions.iter().zip(order) {
            assert_eq!(version.to_string(), text);
        }
        assert_eq!("7".parse(), Ok(Major::new(7)));
        assert_eq!("v7".parse(), Ok(Major::from(7)));
    }

    #[test]
    fn all_else_is_malformed() {
        for text in [
            "",
            "v",
            "V1",
            "vv1",
            "01",
            "v01",
            "+1",
            "-1",
            "1.0",
            "v1.0",
            "v1x",
            "1beta",
            "v1Beta",
            "v1gamma",
            "v1beta0",
            "v1beta01",
            "v1beta1a",
            "v1betabeta",
            "vbeta",
            " 1",
            "1 ",
            "v 1",
            "4294967296",
            "v１",
            "v١",
            "2026-03-10",
            "latest",
            "*",
            "v1\0",
        ] {
            assert_eq!(text.parse::<Major>(), Err(Malformed), "{text:?}");
        }
        assert_eq!(Major::parse(b"v\xff"), Err(Malformed));
    }
}
