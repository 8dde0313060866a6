use super::mode::{Mode, body};
use crate::CursorErrorKind;

/// Whoever has a token can read it, and make any other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plain;

impl Plain {
    pub(crate) fn begin(out: &mut Vec<u8>) {
        out.push(Mode::Plain.head());
    }

    pub(crate) fn verify(token: &[u8]) -> Result<&[u8], CursorErrorKind> {
        body(token, Mode::Plain)
    }
}
