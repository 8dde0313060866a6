use std::fmt;

use super::Allowance;
use super::keys::Keys;

/// Who asks, and what the answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    /// So many clients, all of them known.
    Allowed(u32),
    /// Each client for the first time.
    New,
    /// One client, which has used up its quota.
    Denied,
}

pub(super) const CASES: [Case; 5] =
    [Case::Allowed(1), Case::Allowed(10_000), Case::Allowed(1_000_000), Case::New, Case::Denied];

impl Case {
    pub(super) const fn keys(self) -> Keys {
        match self {
            Self::Allowed(many) => Keys::of(many),
            Self::New => Keys::new_ones(),
            Self::Denied => Keys::of(1),
        }
    }

    pub(super) const fn allowance(self) -> Allowance {
        match self {
            Self::Allowed(_) | Self::New => Allowance::PLENTY,
            Self::Denied => Allowance::ONE,
        }
    }

    /// Clients that are known before anything is measured.
    pub(super) const fn known(self) -> usize {
        match self {
            Self::Allowed(many) => many as usize,
            Self::New | Self::Denied => 0,
        }
    }

    /// How many of the first `count` requests are granted.
    pub(super) const fn granted(self, count: usize) -> usize {
        match self {
            Self::Allowed(_) | Self::New => count,
            Self::Denied => 1,
        }
    }

    /// Not where it would take minutes under valgrind to know all clients.
    pub(super) const fn counts_instructions(self) -> bool {
        self.known() < 100_000
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Allowed(1) => f.write_str("allowed, 1 key"),
            Self::Allowed(many @ 1_000_000..) => write!(f, "allowed, {}M keys", many / 1_000_000),
            Self::Allowed(many) => write!(f, "allowed, {}k keys", many / 1_000),
            Self::New => f.write_str("every key new"),
            Self::Denied => f.write_str("denied, 1 key"),
        }
    }
}
