//! What the service does, whatever version of it is asked.

use stonework_idempotency::Idempotency;
use stonework_sse::{Drain, Event, Hub, Publish};
use tonic::Status;
use tonic::codegen::http::Extensions;

use crate::account::Account;
use crate::deadline::Deadline;
use crate::ledger::{Ledger, NotMade, Order, Transfer};
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
        let prepared = self.ledger.prepare(&caller.account, orders, caller.deadline).await?;
        // From here on neither a deadline counts nor whether the client is there, and so it is a task of its own: what is
        // made must be told, and not be told to be nothing.
        let (service, account) = (self.clone(), caller.account.clone());
        let made = tokio::spawn(async move {
            let made = prepared.commit().await?;
            for transfer in &made {
                service.tell(&account, transfer).await;
            }
            Ok::<_, NotMade>(made)
        });
        Ok(made.await.map_err(|_| Refusal::Interrupted)??)
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

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::pin;
    use std::task::Poll;
    use std::time::Duration;

    use stonework_sse::{Delivery, Subscribe};
    use tokio::time::timeout;
    use tonic::codegen::http::Request;
    use uuid::Uuid;

    use super::*;
    use crate::account;

    /// A client leaves at the very moment when the money has moved.
    #[tokio::test]
    async fn what_was_made_is_told_though_its_client_has_left() {
        let file = std::env::temp_dir().join(format!("stonework-{}.db", Uuid::new_v4()));
        let ledger = Ledger::open(file.to_str()).await.unwrap();
        let payments =
            Payments { ledger: ledger.clone(), hub: Hub::in_memory(), drain: Drain::new() };
        let request = Request::builder().header("authorization", "Bearer alice");
        let request = account::identify(request.body(tonic::body::Body::empty()).unwrap());
        let caller = Caller::of(request.extensions()).unwrap();
        let mut events = payments.hub.subscribe(Subscribe::to("alice")).await.unwrap();

        let orders = vec![order("bob".to_owned(), 100).unwrap()];
        {
            let mut work = pin!(payments.transfer(&caller, orders));
            while ledger.balance(&caller.account, Deadline::default()).await.unwrap() == 1000 {
                let once = poll_fn(|cx| Poll::Ready(work.as_mut().poll(cx).is_ready()));
                assert!(!once.await, "it was answered before anybody could leave");
            }
        }
        let told = async {
            while !matches!(events.next().await.expect("it goes on"), Delivery::Event(_)) {}
        };
        timeout(Duration::from_secs(30), told).await.expect("it is told");
        drop(ledger);
        std::fs::remove_file(file).unwrap();
    }
}
