use crate::{Anchor, Direction, Sort, payload};

// Beside the fingerprint, in three bytes.
const BACKWARD: u32 = 1;
const EXPIRES: u32 = 2;
const INCLUSIVE: u32 = 4;
const FLAGS: u32 = BACKWARD | EXPIRES | INCLUSIVE;

/// What a token says, before it is known of which order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) direction: Direction,
    inclusive: bool,
    /// The first second since 1970 in which it is of no use any more.
    pub(crate) expires: Option<u64>,
    fingerprint: u32,
    bytes: Vec<u8>,
    /// Where among these the values begin.
    values: usize,
}

impl Said {
    /// Appends what a token for this place says.
    pub(crate) fn write(
        sort: &Sort,
        anchor: &Anchor,
        expires: Option<u64>,
        mut out: Vec<u8>,
    ) -> Vec<u8> {
        let backward = if anchor.direction == Direction::Backward { BACKWARD } else { 0 };
        let inclusive = if anchor.inclusive { INCLUSIVE } else { 0 };
        let flags = backward | inclusive | if expires.is_some() { EXPIRES } else { 0 };
        let [a, b, c, _] = (sort.fingerprint() << 3 | flags).to_le_bytes();
        out.extend([a, b, c]);
        if let Some(second) = expires {
            out = payload::append(&second, out);
        }
        payload::write(sort, &anchor.values, out)
    }

    /// Nothing if it says nothing.
    pub(crate) fn read(all: &[u8]) -> Option<Self> {
        let mut bytes = all;
        let [a, b, c] = payload::take(&mut bytes)?;
        let flags = u32::from_le_bytes([a, b, c, 0]);
        let expires = if flags & EXPIRES != 0 { Some(payload::take(&mut bytes)?) } else { None };
        let backward = flags & BACKWARD != 0;
        let direction = if backward { Direction::Backward } else { Direction::Forward };
        let values = all.len() - bytes.len();
        let inclusive = flags & INCLUSIVE != 0;
        let fingerprint = (flags & !FLAGS) >> 3;
        Some(Self { direction, inclusive, expires, fingerprint, bytes: all.to_vec(), values })
    }

    /// The place, if it is one of this order.
    pub(crate) fn anchor(&self, sort: &Sort) -> Option<Anchor> {
        if self.fingerprint != sort.fingerprint() {
            return None;
        }
        let values = payload::read(sort, &self.bytes[self.values..])?;
        Some(Anchor { inclusive: self.inclusive, ..Anchor::at(self.direction, values) })
    }

    /// All of it, as it stands in the token.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}
