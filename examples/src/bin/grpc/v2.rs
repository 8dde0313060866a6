//! The second version: an amount has a currency, and there are streams.

use std::pin::Pin;

use stonework_sse::{Delivery, EventMessages, LastEventId, Subscribe};
use tokio_stream::{Stream, StreamExt};
use tonic::{Request, Response, Status, Streaming};

use crate::generated::v2::event::What;
use crate::generated::v2::payments_server::Payments as Service;
use crate::generated::v2::{
    Event, Gap, Imported, Money, Quoted, Ready, Receipt, TransferRequest, WatchRequest,
};
use crate::ledger::{Order, Transfer};
use crate::payments::{Caller, Payments, order};
use crate::refusal::Refusal;

/// So many transfers are imported at once: they wait in memory for the last one.
const MOST: usize = 1_000;

type Messages<M> = Pin<Box<dyn Stream<Item = Result<M, Status>> + Send>>;

#[tonic::async_trait]
impl Service for Payments {
    async fn transfer(
        &self,
        request: Request<TransferRequest>,
    ) -> Result<Response<Receipt>, Status> {
        let caller = Caller::of(request.extensions())?;
        let receipt = transfer(self, &caller, request.into_inner()).await;
        receipt.map(Response::new).map_err(|refusal| caller.refuse(refusal))
    }

    type WatchStream = Messages<Event>;

    async fn watch(
        &self,
        request: Request<WatchRequest>,
    ) -> Result<Response<Messages<Event>>, Status> {
        let caller = Caller::of(request.extensions())?;
        let after = Some(request.into_inner().after).filter(|after| !after.is_empty());
        let subscribe = Subscribe::to(caller.account.name());
        let subscribe = subscribe.after(after.map(|after| LastEventId::new(&after)));
        let events = caller.deadline.bound(self.hub.subscribe(subscribe)).await??;
        let events = EventMessages::new(events, event).drain(&self.drain);
        Ok(Response::new(Box::pin(caller.deadline.bound_stream(events))))
    }

    async fn import(
        &self,
        request: Request<Streaming<TransferRequest>>,
    ) -> Result<Response<Imported>, Status> {
        let caller = Caller::of(request.extensions())?;
        // A layer protects what it can compare, and a stream has no end before it was read.
        if request.metadata().contains_key("idempotency-key") {
            return Err(caller.refuse(Refusal::KeyNotTaken));
        }
        let imported = import(self, &caller, request.into_inner()).await;
        imported.map(Response::new).map_err(|refusal| caller.refuse(refusal))
    }

    type QuoteStream = Messages<Quoted>;

    async fn quote(
        &self,
        request: Request<Streaming<Money>>,
    ) -> Result<Response<Messages<Quoted>>, Status> {
        let caller = Caller::of(request.extensions())?;
        let deadline = caller.deadline;
        let payments = self.clone();
        let quotes = request.into_inner().then(move |asked| {
            // One after the other, each when it was asked.
            quoted(payments.clone(), caller.clone(), asked)
        });
        Ok(Response::new(Box::pin(deadline.bound_stream(Box::pin(quotes)))))
    }
}

async fn transfer(
    payments: &Payments,
    caller: &Caller,
    request: TransferRequest,
) -> Result<Receipt, Refusal> {
    let made = payments.transfer(caller, vec![ordered(request)?]).await?;
    made.into_iter().next().map(Receipt::from).ok_or(Refusal::Interrupted)
}

async fn import(
    payments: &Payments,
    caller: &Caller,
    requests: Streaming<TransferRequest>,
) -> Result<Imported, Refusal> {
    let orders = caller.deadline.bound(collect(requests)).await??;
    let transfers = orders.len() as u32;
    let made = payments.transfer(caller, orders).await?;
    let last = made.last().ok_or(Refusal::Field("to", "at least one transfer"))?;
    Ok(Imported {
        transfers,
        total: Some(usd(made.iter().map(|transfer| transfer.amount).sum())),
        balance: Some(usd(last.balance)),
    })
}

/// All of them, as far as they may go.
async fn collect(mut requests: Streaming<TransferRequest>) -> Result<Vec<Order>, Refusal> {
    let mut orders = Vec::new();
    while let Some(request) = requests.message().await? {
        if orders.len() == MOST {
            return Err(Refusal::TooMany(MOST));
        }
        orders.push(ordered(request)?);
    }
    Ok(orders)
}

async fn quoted(
    payments: Payments,
    caller: Caller,
    asked: Result<Money, Status>,
) -> Result<Quoted, Status> {
    let amount = dollars(Some(asked?)).map_err(|refusal| caller.refuse(refusal))?;
    let balance = payments.ledger.balance(&caller.account, caller.deadline).await;
    let balance = balance.map_err(|error| caller.refuse(error))?;
    let left = balance.checked_sub(amount);
    Ok(Quoted {
        amount: Some(usd(amount)),
        is_covered: left.is_some(),
        balance: Some(usd(left.unwrap_or(balance))),
    })
}

fn ordered(request: TransferRequest) -> Result<Order, Refusal> {
    order(request.to, dollars(request.amount)?)
}

fn dollars(amount: Option<Money>) -> Result<u64, Refusal> {
    let amount = amount.ok_or(Refusal::Field("amount", "it is missing"))?;
    if amount.currency != "USD" {
        return Err(Refusal::Field("amount.currency", "accounts have USD alone"));
    }
    Ok(amount.value)
}

fn usd(value: u64) -> Money {
    Money { value, currency: "USD".to_owned() }
}

impl From<Transfer> for Receipt {
    fn from(made: Transfer) -> Self {
        Self {
            id: made.id.to_string(),
            to: made.to,
            amount: Some(usd(made.amount)),
            balance: Some(usd(made.balance)),
        }
    }
}

/// What is told to those who watch.
fn event(delivery: Delivery) -> Option<Event> {
    let cursor = delivery.position().to_string();
    let what = match delivery {
        Delivery::Event(entry) => {
            let transfer: Transfer = serde_json::from_str(&entry.said().data).ok()?;
            What::Transfer(transfer.into())
        }
        Delivery::Gap(gap) => What::Gap(Gap { reason: gap.lost.slug().to_owned() }),
        _ => What::Ready(Ready {}),
    };
    Some(Event { cursor, what: Some(what) })
}
