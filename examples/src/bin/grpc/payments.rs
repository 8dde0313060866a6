//! What the service does, whatever version of it is asked.

use stonework_idempotency::Idempotency;
use stonework_sse::{Drain, Event, Hub, Publish};
use tonic::Status;
use tonic::codegen::http::Extensions;

use crate::account::Account;
use crate::deadline::Deadline;
use crate::ledger::{Ledger, Order, Transfer};
use crate::refusal::Refusal;

/// Clones are the same service.
#[derive(Clone)]
pub(crate) struct Payments {
    pub(crate) ledger: Ledger,
    /// Where transfers are told as they are made. Each account has a log of its own.
    pub(crate) hub: Hub,
    pub(crate) drain: Drain,
}

impl Payments {
    /// Makes these transfers, or none of them, and tells of them.
    pub(crate) async fn transfer(
        &self,
        caller: &Caller,
        orders: Vec<Order>,
    ) -> Result<Vec<Transfer>, Refusal> {
        let made = self.ledger.transfer(&caller.account, orders, caller.deadline).await?;
        for transfer in &made {
            self.tell(&caller.account, transfer).await;
        }
        Ok(made)
    }

    /// The money has moved. Whom it is not told finds the events' end, or a gap.
    async fn tell(&self, account: &Account, transfer: &Transfer) {
        let event = match Event::json(transfer) {
            Ok(event) => event,
            Err(error) => return eprintln!("grpc: transfer {} is no event: {error}", transfer.id),
        };
        // Told twice, it is one event.
        let publish = Publish::to(account.name(), event).id(transfer.id.into_bytes());
        if let Err(error) = self.hub.publish(publish).await {
            eprintln!("grpc: nobody may have been told of transfer {}: {error}", transfer.id);
        }
    }
}

/// What the layers have found out about a call.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) account: Account,
    pub(crate) deadline: Deadline,
    idempotency: Option<Idempotency>,
}

impl Caller {
    pub(crate) fn of(extensions: &Extensions) -> Result<Self, Status> {
        // `account::require` has let nobody else in.
        let account = extensions.get().cloned();
        Ok(Self {
            account: account.ok_or_else(|| Status::internal("nobody is asking"))?,
            deadline: Deadline::of(extensions),
            idempotency: extensions.get().cloned(),
        })
    }

    /// Says no. Unless the ledger has decided it, a retry under the same key is another try.
    pub(crate) fn refuse(&self, refusal: impl Into<Refusal>) -> Status {
        let refusal = refusal.into();
        if let Some(idempotency) = self.idempotency.as_ref().filter(|_| !refusal.is_final()) {
            idempotency.nothing_happened();
        }
        refusal.into()
    }
}

/// Looks at what a client orders.
pub(crate) fn order(to: String, amount: u64) -> Result<Order, Refusal> {
    if !(1..=64).contains(&to.chars().count()) {
        return Err(Refusal::Field("to", "1 to 64 characters"));
    }
    if amount == 0 {
        return Err(Refusal::Field("amount", "at least 1"));
    }
    Ok(Order { to, amount })
}
