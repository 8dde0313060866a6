use std::fmt;
use std::str::FromStr;

/// A place in a log: after one of its events, or at its beginning. Sent, it is the id of the event: the cursor that a
/// client comes back with.
///
/// | | |
/// |---|---|
/// | `epoch` | which log it is: a random number that is another one when the log is lost and begun anew |
/// | `offset` | how many events lie before: the first event is at 1, and there are no holes |
/// | `tag` | which event is at the offset, taken from its id; 0 at the beginning |
///
/// With the tag, a place is known to be one of this very history. A log that falls back to an older state, such as a
/// Redis that fails over, gives the offsets of the events that it lost to others.
///
/// As text it is `epoch.offset.tag`, with the outer two as eight digits of hexadecimal: at most 38 characters, all of
/// which browsers carry without a preflight.
///
/// ```
/// use stonework_sse::Position;
///
/// let position: Position = "0000c0de.42.00c0ffee".parse()?;
/// assert_eq!((position.epoch, position.offset, position.tag), (0xc0de, 42, 0xc0ffee));
/// assert_eq!(position.to_string(), "0000c0de.42.00c0ffee");
/// # Ok::<(), stonework_sse::PositionError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Position {
    /// Which log it is.
    pub epoch: u32,
    /// How many events lie before.
    pub offset: u64,
    /// Which event is the last of these.
    pub tag: u32,
}

/// A text that is no [`Position`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PositionError;

impl Position {
    /// The beginning of a log.
    pub const fn start(epoch: u32) -> Self {
        Self { epoch, offset: 0, tag: 0 }
    }

    /// After the event of this tag, which is at this offset.
    pub const fn new(epoch: u32, offset: u64, tag: u32) -> Self {
        Self { epoch, offset, tag }
    }

    /// After the next event, which has this id. Offsets end where 64 bits end.
    #[must_use]
    pub const fn then(self, id: [u8; 16]) -> Self {
        Self { offset: self.offset.saturating_add(1), tag: tag(id), ..self }
    }

    /// How long its text is.
    pub(crate) const fn text_len(self) -> usize {
        let digits = match self.offset.checked_ilog10() {
            Some(log) => log as usize + 1,
            None => 1,
        };
        18 + digits
    }
}

/// 32 bits of an id, never 0. All bits of it count: some ids differ at one end only.
pub(crate) const fn tag(id: [u8; 16]) -> u32 {
    let id = u128::from_le_bytes(id);
    let tag = (id ^ id >> 32 ^ id >> 64 ^ id >> 96) as u32;
    if tag == 0 { 1 } else { tag }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { epoch, offset, tag } = self;
        write!(f, "{epoch:08x}.{offset}.{tag:08x}")
    }
}

impl FromStr for Position {
    type Err = PositionError;

    /// Reads what `Display` writes and nothing else.
    fn from_str(text: &str) -> Result<Self, PositionError> {
        let (epoch, rest) = text.split_once('.').ok_or(PositionError)?;
        let (offset, tag) = rest.split_once('.').ok_or(PositionError)?;
        let position = Self {
            epoch: u32::from_str_radix(epoch, 16).map_err(|_| PositionError)?,
            offset: offset.parse().map_err(|_| PositionError)?,
            tag: u32::from_str_radix(tag, 16).map_err(|_| PositionError)?,
        };
        // One place has one text.
        if position.to_string() == text { Ok(position) } else { Err(PositionError) }
    }
}

impl fmt::Display for PositionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a position is an epoch, an offset and a tag with dots between them")
    }
}

impl std::error::Error for PositionError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_as_it_was_written() {
        for position in [
            Position::start(0),
            Position::start(u32::MAX),
            Position::new(7, 1, 1),
            Position::new(u32::MAX, u64::MAX, u32::MAX),
        ] {
            let text = position.to_string();
            assert!(text.len() == position.text_len() && text.len() <= 38, "{text}");
            assert_eq!(text.parse(), Ok(position));
        }
    }

    #[test]
    fn other_texts_are_none() {
        for text in [
            "",
            "..",
            "42",
            "0000000a.42",
            "a.42.1",
            "0000000A.42.00000001",
            "0000000a.042.00000001",
            "0000000a.+42.00000001",
            "+000000a.42.00000001",
            "0000000a.42.00000001 ",
            "0000000a.42.00000001.",
            "0000000a.18446744073709551616.00000001",
            "0000000\u{e9}.42.00000001",
        ] {
            assert_eq!(text.parse::<Position>(), Err(PositionError), "{text:?}");
        }
    }

    #[test]
    fn every_part_of_an_id_counts_and_no_event_has_the_tag_of_none() {
        let of = |bits: u128| Position::start(1).then(bits.to_le_bytes());
        assert_eq!(of(0).tag, 1);
        for shift in 1..127 {
            assert_ne!(of(1 << shift | 1 << 127).tag, of(1 << 127).tag, "{shift}");
        }
        assert_eq!(of(5), Position::new(1, 1, 5));
    }
}
