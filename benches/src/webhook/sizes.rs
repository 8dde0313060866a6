use std::fmt;

/// How large a body is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size(usize);

pub(super) const SIZES: [Size; 4] = [Size(256), Size(4 << 10), Size(64 << 10), LARGEST];

pub(super) const LARGEST: Size = Size(1 << 20);

impl Size {
    pub(super) fn body(self) -> Vec<u8> {
        vec![b'x'; self.0]
    }

    /// Webhooks of one measurement: about half a millisecond, and never less than one.
    pub(super) const fn batch(self) -> usize {
        (256 << 10) / self.0 + 1
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            bytes @ 0..1_024 => write!(f, "{bytes} B"),
            bytes @ 1_024..1_048_576 => write!(f, "{} KiB", bytes >> 10),
            bytes => write!(f, "{} MiB", bytes >> 20),
        }
    }
}
