use std::time::Duration;

use crate::Fault;

/// One attempt to deliver a message, as it is kept. Nothing of what was answered is, but the status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempt {
    /// When it began, since the Unix epoch, by the clock of the worker. In milliseconds.
    pub at: Duration,
    /// How long it took, in milliseconds.
    pub took: Duration,
    /// What was answered, if anything was.
    pub status: Option<u16>,
    /// What went wrong, other than the answer.
    pub fault: Option<Fault>,
}

/// Attempts of one delivery that are kept, the newest.
pub const MAX_ATTEMPTS: usize = 32;

impl Attempt {
    /// The size of one that is kept.
    pub(crate) const BYTES: usize = 16;

    /// One that began then.
    pub const fn new(at: Duration) -> Self {
        Self { at, took: Duration::ZERO, status: None, fault: None }
    }

    /// One that ended in an answer.
    #[must_use]
    pub const fn answered(self, status: u16) -> Self {
        Self { status: Some(status), ..self }
    }

    /// One that went wrong.
    #[must_use]
    pub const fn failed(self, fault: Fault) -> Self {
        Self { fault: Some(fault), ..self }
    }

    /// One that took so long.
    #[must_use]
    pub const fn took(self, took: Duration) -> Self {
        Self { took, ..self }
    }

    /// As a store keeps it: 16 bytes.
    pub fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        let at = u64::try_from(self.at.as_millis()).unwrap_or(u64::MAX);
        let took = u32::try_from(self.took.as_millis()).unwrap_or(u32::MAX);
        bytes[..8].copy_from_slice(&at.to_be_bytes());
        bytes[8..12].copy_from_slice(&took.to_be_bytes());
        bytes[12..14].copy_from_slice(&self.status.unwrap_or_default().to_be_bytes());
        bytes[14] = self.fault.map_or(0, Fault::code);
        bytes
    }

    /// What [`to_bytes`](Self::to_bytes) wrote.
    pub fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, fault, _] = bytes;
        let status = u16::from_be_bytes([m, n]);
        Self {
            at: Duration::from_millis(u64::from_be_bytes([a, b, c, d, e, f, g, h])),
            took: Duration::from_millis(u32::from_be_bytes([i, j, k, l]).into()),
            status: (status != 0).then_some(status),
            fault: Fault::from_code(fault),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_kept_in_16_bytes() {
        let began = Attempt::new(Duration::from_millis(1_790_000_000_123));
        let answered = began.took(Duration::from_millis(42)).answered(503);
        let failed = began.took(Duration::MAX).failed(Fault::Timeout);
        assert_eq!(Attempt::from_bytes(answered.to_bytes()), answered);
        assert_eq!(Attempt::from_bytes(failed.to_bytes()).fault, Some(Fault::Timeout));
        assert_eq!(Attempt::from_bytes(failed.to_bytes()).status, None);
    }
}
