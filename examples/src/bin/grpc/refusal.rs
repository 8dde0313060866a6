//! Whatever a handler says no to, each with details that a client can go by.

use std::time::Duration;

use stonework_sse::SubscribeError;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::deadline::Passed;
use crate::ledger::{NotMade, NotTold};

/// Whose reasons they are (AIP-193).
const DOMAIN: &str = "payments.stonework.example";

#[derive(Debug)]
pub(crate) enum Refusal {
    /// A field of the request, and what it should be.
    Field(&'static str, &'static str),
    KeyNotTaken,
    TooMany(usize),
    InsufficientFunds {
        balance: u64,
    },
    Late(Passed),
    Ledger,
    Interrupted,
    /// By others, before anything was done.
    Status(Status),
}

impl Refusal {
    /// Has the ledger decided? If not, the idempotency key is as if it had not been used.
    pub(crate) const fn is_final(&self) -> bool {
        matches!(self, Self::InsufficientFunds { .. } | Self::Interrupted)
    }
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Field(field, wanted) => {
                let details = ErrorDetails::with_bad_request_violation(field, wanted);
                Self::with_error_details(
                    Code::InvalidArgument,
                    format!("{field}: {wanted}"),
                    details,
                )
            }
            Refusal::KeyNotTaken => {
                let details = because("KEY_NOT_TAKEN", []);
                let message =
                    "streams take no idempotency-key: after a lost answer, look at the balance";
                Self::with_error_details(Code::InvalidArgument, message, details)
            }
            Refusal::TooMany(most) => {
                let details = because("TOO_MANY_TRANSFERS", [("most", most.to_string())]);
                let message = format!("{most} transfers at most are imported at once");
                Self::with_error_details(Code::InvalidArgument, message, details)
            }
            Refusal::InsufficientFunds { balance } => {
                let details = because("INSUFFICIENT_FUNDS", [("balance", balance.to_string())]);
                Self::with_error_details(Code::FailedPrecondition, "insufficient funds", details)
            }
            Refusal::Late(passed) => passed.into(),
            Refusal::Ledger => {
                let details = ErrorDetails::with_retry_info(Some(Duration::from_secs(1)));
                Self::with_error_details(Code::Unavailable, "the ledger does not answer", details)
            }
            Refusal::Interrupted => Self::unknown("the transfer may or may not have been made"),
            Refusal::Status(status) => status,
        }
    }
}

fn because<const N: usize>(reason: &str, facts: [(&str, String); N]) -> ErrorDetails {
    let facts = facts.map(|(name, value)| (name.to_owned(), value));
    ErrorDetails::with_error_info(reason, DOMAIN, facts)
}

impl From<NotMade> for Refusal {
    fn from(error: NotMade) -> Self {
        match error {
            NotMade::InsufficientFunds { balance } => Self::InsufficientFunds { balance },
            NotMade::Late(passed) => Self::Late(passed),
            NotMade::Ledger(error) => {
                eprintln!("grpc: the ledger failed: {error}");
                Self::Ledger
            }
            NotMade::Unknown(error) => {
                eprintln!("grpc: the ledger failed at the end of a transfer: {error}");
                Self::Interrupted
            }
        }
    }
}

impl From<NotTold> for Refusal {
    fn from(error: NotTold) -> Self {
        match error {
            NotTold::Late(passed) => NotMade::Late(passed).into(),
            NotTold::Ledger(error) => NotMade::Ledger(error).into(),
        }
    }
}

impl From<Passed> for Refusal {
    fn from(passed: Passed) -> Self {
        Self::Late(passed)
    }
}

impl From<Status> for Refusal {
    fn from(status: Status) -> Self {
        Self::Status(status)
    }
}

impl From<SubscribeError> for Refusal {
    fn from(error: SubscribeError) -> Self {
        Self::Status(error.into())
    }
}
