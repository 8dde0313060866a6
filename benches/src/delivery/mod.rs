//! `stonework-webhook-delivery`: messages out of an outbox, beside the bare signed request.

mod bare;
mod filling;
mod load;
mod queued;
mod receiver;

pub use bare::Bare;
pub use filling::{deliver, deliver_one, enqueue_one, fill};
pub use load::{Latencies, Sick};
pub use queued::Queued;
pub use receiver::{Receiver, receive};

use bytes::Bytes;
use stonework_webhook_delivery::{EndpointId, Signer, scheme};

/// 24 random bytes.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Of a body, in bytes.
pub const BODY: usize = 256;

/// Endpoints, each a host with connections of its own.
pub const ENDPOINTS: usize = 100;

/// Requests that are under way at the same time.
pub const AT_ONCE: usize = 64;

fn signer() -> Signer {
    Signer::new(scheme::STANDARD).secret(SECRET)
}

fn body() -> Bytes {
    let mut body = format!("{{\"type\":\"transfer.made\",\"data\":\"{:x<BODY$}", "");
    body.truncate(BODY - 2);
    body.push_str("\"}");
    body.into()
}

fn endpoint_id(number: usize) -> EndpointId {
    EndpointId::new(format!("ep_{number:06}")).expect("it is a name")
}
