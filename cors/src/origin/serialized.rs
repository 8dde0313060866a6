//! An origin as a browser serialises it (HTML, section 7.1.1).

/// The parts of one, borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Serialized<'a> {
    pub(crate) scheme: &'a [u8],
    pub(crate) host: &'a [u8],
    /// Absent where it is the scheme's own.
    pub(crate) port: Option<u16>,
}

impl<'a> Serialized<'a> {
    /// The parts, if this is exactly what a browser would send.
    pub(crate) fn parse(_origin: &'a [u8]) -> Option<Self> {
        None
    }
}
