//! One effect and one answer per idempotency key.

use stonework_idempotency::IdempotencyLayer;

use crate::env::Failure;
use crate::read::{LARGEST_BODY, Priced};
use crate::{account, refusal};

/// A mutation with an `Idempotency-Key` happens once, and a retry is given the recorded answer. A query changes nothing,
/// so its key means nothing: it is answered anew.
pub(crate) fn layer() -> Result<IdempotencyLayer, Failure> {
    IdempotencyLayer::builder()
        .scope(account::owner)
        .skip_when(|head| !Priced::of(head).mutates)
        .max_request_body(LARGEST_BODY)
        .render(|_, problem, head| refusal::answer(problem, head, true))
        .build()
        .map_err(|errors| Failure::Config(errors.to_string()))
}
