use std::fmt;

/// What the layer has to do with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)]
pub enum Kind {
    /// Nothing: it has no key.
    Bypass,
    /// The key is new: claim, run, record.
    First,
    /// The key was used for the same request: answer from the record.
    Replay,
}

/// One row group of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)]
pub struct Scenario {
    /// What the layer has to do.
    pub kind: Kind,
    /// Bytes of the request's body.
    pub request: usize,
    /// Bytes of the response's body.
    pub response: usize,
}

impl Scenario {
    const fn new(kind: Kind, request: usize, response: usize) -> Self {
        Self { kind, request, response }
    }

    /// The scenario with this name.
    pub fn named(name: &str) -> Option<Self> {
        SCENARIOS.into_iter().find(|scenario| scenario.to_string() == name)
    }
}

/// All scenarios. Those with an empty request are there to tell the hash of the body from the
/// rest.
pub const SCENARIOS: [Scenario; 9] = [
    Scenario::new(Kind::Bypass, 1024, 1024),
    Scenario::new(Kind::Bypass, 1024, 64 * 1024),
    Scenario::new(Kind::First, 0, 1024),
    Scenario::new(Kind::First, 1024, 1024),
    Scenario::new(Kind::First, 1024, 64 * 1024),
    Scenario::new(Kind::Replay, 0, 1024),
    Scenario::new(Kind::Replay, 1024, 1024),
    Scenario::new(Kind::Replay, 1024, 64 * 1024),
    Scenario::new(Kind::First, 64 * 1024, 1024),
];

impl fmt::Display for Scenario {
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
