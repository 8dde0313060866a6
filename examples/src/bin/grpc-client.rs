//! Calls each method of the program `grpc` once: `cargo run --features grpc --bin grpc-client`, and the server's URL,
//! if it is another.

#[path = "grpc/generated/mod.rs"]
mod generated;

use std::env;
use std::error::Error;
use std::time::Duration;

use tokio_stream::StreamExt;
use tonic::metadata::MetadataValue;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};
use tonic_types::StatusExt;
use uuid::Uuid;

use generated::v1;
use generated::v2::payments_client::PaymentsClient;
use generated::v2::{Money, TransferRequest, WatchRequest};

const SERVER: &str = "http://127.0.0.1:50051";

/// A second is a long time for any of them.
const PATIENCE: Duration = Duration::from_secs(1);

type Failure = Box<dyn Error>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let server = env::args().nth(1).unwrap_or_else(|| SERVER.to_owned());
    let channel = Endpoint::from_shared(server)?.connect().await?;
    let mut client = PaymentsClient::new(channel.clone());
    watch(&mut client).await?;
    import_and_quote(&mut client).await?;
    refusals(&mut client).await?;
    an_old_client(channel).await
}

/// A call by alice, whose deadline travels with it.
fn by_alice<M>(message: M) -> Request<M> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", MetadataValue::from_static("Bearer alice"));
    request.set_timeout(PATIENCE);
    request
}

fn usd(value: u64) -> Option<Money> {
    Some(Money { value, currency: "USD".to_owned() })
}

fn rent(value: u64) -> TransferRequest {
    TransferRequest { to: "bob".to_owned(), amount: usd(value) }
}

/// Sees a transfer as it is made. It is made once, although it is sent twice.
async fn watch(client: &mut PaymentsClient<Channel>) -> Result<(), Failure> {
    let mut events = client.watch(by_alice(WatchRequest::default())).await?.into_inner();
    println!("watch:    {:?}", events.message().await?.and_then(|event| event.what));
    let key = Uuid::new_v4().to_string();
    for _ in 0..2 {
        let mut request = by_alice(rent(100));
        request.metadata_mut().insert("idempotency-key", key.parse()?);
        let answer = client.transfer(request).await?;
        let replayed = answer.metadata().contains_key("idempotent-replayed");
        let receipt = answer.into_inner();
        println!("transfer: {} left {:?}, replayed: {replayed}", receipt.id, receipt.balance);
    }
    println!("watch:    {:?}", events.message().await?.and_then(|event| event.what));
    // It has the deadline of its call.
    println!("watch:    {}", told(&events.message().await.map(|_| "more")));
    Ok(())
}

async fn import_and_quote(client: &mut PaymentsClient<Channel>) -> Result<(), Failure> {
    let payroll = tokio_stream::iter([rent(10), rent(20), rent(30)]);
    println!("import:   {:?}", client.import(by_alice(payroll)).await?.into_inner());
    let amounts = tokio_stream::iter([1, 1_000].into_iter().filter_map(usd));
    let mut quotes = client.quote(by_alice(amounts)).await?.into_inner();
    while let Some(quote) = quotes.next().await {
        println!("quote:    {:?}", quote?);
    }
    Ok(())
}

async fn refusals(client: &mut PaymentsClient<Channel>) -> Result<(), Failure> {
    println!("refused:  {}", told(&client.transfer(by_alice(rent(1_000_000))).await));
    println!("refused:  {}", told(&client.transfer(by_alice(rent(0))).await));
    println!("refused:  {}", told(&client.transfer(Request::new(rent(1))).await));
    let mut late = by_alice(rent(1));
    late.metadata_mut().insert("grpc-timeout", MetadataValue::from_static("soon"));
    println!("refused:  {}", told(&client.transfer(late).await));
    Ok(())
}

/// It knows no currencies, and is told that its version will not last.
async fn an_old_client(channel: Channel) -> Result<(), Failure> {
    let mut client = v1::payments_client::PaymentsClient::new(channel);
    let request = v1::TransferRequest { to: "bob".to_owned(), amount: 5 };
    let answer = client.transfer(by_alice(request)).await?;
    println!("v1:       {} left", answer.get_ref().balance);
    for name in ["api-version", "deprecation", "sunset"] {
        println!("          {name}: {:?}", answer.metadata().get(name));
    }
    Ok(())
}

fn told<T>(answer: &Result<T, Status>) -> String {
    match answer {
        Ok(_) => "no, it was not".to_owned(),
        Err(status) => {
            let details = status.get_error_details();
            let reason = details.error_info().map(|info| &info.reason);
            format!("{:?}: {} {}", status.code(), status.message(), reason.map_or("", |r| r))
        }
    }
}
