/// How many items a list has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Total {
    /// So many, at the moment when they were counted.
    Exact(u64),
    /// So many or more: it was not counted further.
    AtLeast(u64),
    /// About so many.
    Estimate(u64),
}

impl Total {
    /// The number, whatever it is worth.
    pub(crate) const fn number(self) -> u64 {
        match self {
            Self::Exact(number) | Self::AtLeast(number) | Self::Estimate(number) => number,
        }
    }

    /// The number, if it is exact.
    pub const fn exact(self) -> Option<u64> {
        match self {
            Self::Exact(number) => Some(number),
            Self::AtLeast(_) | Self::Estimate(_) => None,
        }
    }
}
