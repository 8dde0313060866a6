use std::fmt;

/// What the layer has to do with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing: it has no key.
    Bypass,
    /// The key is new: claim, run, record.
    First,
    /// The key was used for the same request: answer from the record.
    Replay,
}

/// One scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Case {
    /// What the layer has to do.
    pub(super) kind: Kind,
    /// Bytes of the request's body.
    pub(super) request: usize,
    /// Bytes of the response's body.
    pub(super) response: usize,
}

impl Case {
    const fn new(kind: Kind, request: usize, response: usize) -> Self {
        Self { kind, request, response }
    }
}

/// All scenarios. Those with an empty request are there to tell the hash of the body from the
/// rest.
pub(super) const CASES: [Case; 9] = [
    Case::new(Kind::Bypass, 1024, 1024),
    Case::new(Kind::Bypass, 1024, 64 * 1024),
    Case::new(Kind::First, 0, 1024),
    Case::new(Kind::First, 1024, 1024),
    Case::new(Kind::First, 1024, 64 * 1024),
    Case::new(Kind::Replay, 0, 1024),
    Case::new(Kind::Replay, 1024, 1024),
    Case::new(Kind::Replay, 1024, 64 * 1024),
    Case::new(Kind::First, 64 * 1024, 1024),
];

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            Kind::Bypass => "bypass",
            Kind::First => "first",
            Kind::Replay => "replay",
        };
        write!(f, "{kind}, {} in, {} out", Size(self.request), Size(self.response))
    }
}

struct Size(usize);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("0"),
            bytes => write!(f, "{} KB", bytes / 1024),
        }
    }
}
