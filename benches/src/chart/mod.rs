//! Plots as SVG, so small that they can be committed, and legible on a light page and a dark one: nothing has a
//! background, and all colours are halfway between black and white.
//!
//! Libraries that draw plots paint a background, or need a browser to look right on both.

mod bars;
mod lines;
mod scale;
mod svg;

pub use bars::{Bar, Bars};
pub use lines::{Line, Lines};

/// Whose figures they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Whose {
    /// Ours.
    Ours,
    /// A peer's.
    Peer,
    /// Those of the least code, or of the bare service.
    Limit,
}

impl Whose {
    const fn colour(self) -> &'static str {
        match self {
            Self::Ours => "#2f81f7",
            Self::Peer => "#db6d28",
            Self::Limit => "#8b949e",
        }
    }
}
