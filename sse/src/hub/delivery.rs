use crate::store::{Entry, Gap, identified};
use crate::{Event, Frame, Position};

/// The type of the event that tells of missing ones.
pub(crate) const GAP: &str = "gap";

/// What a subscription gives.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Delivery {
    /// An event.
    Event(Entry),
    /// Nothing has happened up to here that was asked for. Sent, it is an id without an event: browsers remember it.
    Checkpoint(Position),
    /// Events are missing. Sent, it is an event of the type `gap`, whose id is where the stream goes on.
    Gap(Gap),
}

impl Delivery {
    /// Where one is who has read it: what to come back with.
    pub fn position(&self) -> Position {
        match self {
            Self::Event(entry) => entry.position,
            Self::Checkpoint(position) => *position,
            Self::Gap(gap) => gap.resume,
        }
    }
}

impl From<Delivery> for Frame {
    /// As it is sent. An event that was written is not written again.
    fn from(delivery: Delivery) -> Self {
        match delivery {
            Delivery::Event(entry) => entry.frame.clone(),
            Delivery::Checkpoint(position) => identified(position, b"\n"),
            Delivery::Gap(gap) => {
                identified(gap.resume, &Event::new(gap.to_json()).of_type(GAP).body())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Lost;

    #[test]
    fn what_is_no_event_is_sent_too() {
        let resume = Position::new(1, 2, 3);
        let frame = Frame::from(Delivery::Checkpoint(resume));
        assert_eq!(frame.as_str(), "id: 00000001.2.00000003\n\n");
        let frame = Frame::from(Delivery::Gap(Gap { lost: Lost::Trimmed, resume }));
        let expected = "id: 00000001.2.00000003\nevent: gap\ndata: {\"reason\":\"trimmed\"}\n\n";
        assert_eq!(frame.as_str(), expected);
    }
}
