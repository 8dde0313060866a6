//! `stonework-webhook-sign`: Standard Webhooks verified and signed, beside other crates and the bare hash.

mod checkers;
mod signers;
mod sizes;
mod verify;

use crate::suite::Suite;

/// 24 random bytes.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";

pub(crate) fn suite() -> Suite {
    let verified = sizes::SIZES.into_iter().map(verify::verified);
    let signed = sizes::SIZES.into_iter().map(signers::signed);
    Suite::new("webhook", verified.chain([verify::forged()]).chain(signed).collect())
}
