use crate::CursorErrorKind;

/// The version of the format, in the upper half of the first byte.
const VERSION: u8 = 1 << 4;

/// How a token is kept from being changed. The lower half of the first byte. Never changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Signed = 1,
    #[cfg(feature = "encrypted")]
    Encrypted = 2,
    #[cfg(feature = "stored")]
    Stored = 3,
    Plain = 4,
}

impl Mode {
    pub(crate) const fn head(self) -> u8 {
        VERSION | self as u8
    }
}

/// What a token is bound to besides what it says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bound {
    pub(crate) epoch: u64,
    pub(crate) binding: [u8; 32],
}

#[cfg(feature = "stored")]
impl Bound {
    pub(crate) fn to_bytes(self) -> [u8; 40] {
        let mut bytes = [0; 40];
        bytes[..8].copy_from_slice(&self.epoch.to_le_bytes());
        bytes[8..].copy_from_slice(&self.binding);
        bytes
    }
}

/// Is it a token of this mode? What follows its first byte.
pub(crate) fn body(token: &[u8], mode: Mode) -> Result<&[u8], CursorErrorKind> {
    match token.split_first() {
        Some((head, rest)) if *head == mode.head() => Ok(rest),
        _ => Err(CursorErrorKind::Format),
    }
}
