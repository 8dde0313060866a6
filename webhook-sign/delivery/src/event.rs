use std::time::Duration;

use crate::{DeadReason, DeliveryId, DisableReason, EndpointId, Fault};

/// Something that whoever runs the service may want to know: see [`on_event`](crate::DeliveryBuilder::on_event).
///
/// Each is told by the process in which it happened, after the outbox has it. A process that dies in between tells nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A receiver has a message.
    #[non_exhaustive]
    Delivered {
        /// Which.
        id: DeliveryId,
        /// In which attempt, of which the first is 1.
        tries: u32,
        /// How long that took.
        took: Duration,
    },
    /// An attempt has failed, and there will be another.
    #[non_exhaustive]
    Failed {
        /// Which.
        id: DeliveryId,
        /// Which attempt.
        tries: u32,
        /// What was answered, if anything was.
        status: Option<u16>,
        /// What went wrong otherwise.
        fault: Option<Fault>,
        /// When the next is due, from now.
        after: Duration,
    },
    /// A message is a dead letter. One that the outbox itself makes, since it cannot read it, is listed and not told.
    #[non_exhaustive]
    Dead {
        /// Which.
        id: DeliveryId,
        /// After so many attempts.
        tries: u32,
        /// Why.
        reason: DeadReason,
    },
    /// An endpoint is disabled. Its messages stay, and no new ones are taken until it is
    /// [enabled](crate::Delivery::enable).
    #[non_exhaustive]
    Disabled {
        /// Which.
        endpoint: EndpointId,
        /// Why.
        reason: DisableReason,
    },
    /// An endpoint that was left alone because it failed has taken a message.
    #[non_exhaustive]
    Recovered {
        /// Which.
        endpoint: EndpointId,
    },
}
