//! The real program, and what its clients send.

use std::process::Command;

use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tonic::body::Body;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};
use tonic_types::StatusExt;

use crate::generated::v2::payments_client::PaymentsClient;
use crate::generated::v2::{Money, Receipt, TransferRequest};
use crate::support::Service;

const VARIABLES: [&str; 4] = ["PORT", "DATABASE_PATH", "RATE_LIMIT", "ALLOWED_ORIGINS"];

/// The service with these variables and no others of its own.
pub(super) fn service(variables: &[(&str, &str)]) -> Service {
    let mut command = Command::new(env!("CARGO_BIN_EXE_grpc"));
    for name in VARIABLES {
        command.env_remove(name);
    }
    command.envs(variables.iter().copied());
    Service::of(command)
}

pub(super) async fn channel(service: &Service) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{}", service.address())).expect("a URL");
    endpoint.connect().await.expect("a connection")
}

pub(super) async fn client(service: &Service) -> PaymentsClient<Channel> {
    PaymentsClient::new(channel(service).await)
}

/// A client that has no clock: whatever it hears of a deadline comes from the service.
pub(super) fn patient(service: &Service) -> PaymentsClient<Client<HttpConnector, Body>> {
    let client = Client::builder(TokioExecutor::new()).http2_only(true).build_http();
    let origin = format!("http://{}", service.address());
    PaymentsClient::with_origin(client, origin.parse().expect("a URL"))
}

pub(super) fn usd(value: u64) -> Option<Money> {
    Some(Money { value, currency: "USD".to_owned() })
}

pub(super) fn rent(value: u64) -> TransferRequest {
    TransferRequest { to: "bob".to_owned(), amount: usd(value) }
}

/// By alice.
pub(super) fn call<M>(message: M) -> Request<M> {
    with(message, &[])
}

/// By alice, with this metadata beside.
pub(super) fn with<M>(message: M, metadata: &[(&'static str, &str)]) -> Request<M> {
    let mut request = Request::new(message);
    for (name, value) in [("authorization", "Bearer alice")].iter().chain(metadata) {
        request.metadata_mut().insert(*name, value.parse().expect("metadata"));
    }
    request
}

pub(super) fn keyed<M>(message: M, key: &str) -> Request<M> {
    with(message, &[("idempotency-key", key)])
}

pub(super) fn left(receipt: &Receipt) -> u64 {
    receipt.balance.as_ref().expect("a balance").value
}

/// What alice has, as the service quotes it.
pub(super) async fn balance(service: &Service) -> u64 {
    let amounts = tokio_stream::iter(usd(0));
    let quotes = client(service).await.quote(call(amounts)).await.expect("quotes");
    let quote = quotes.into_inner().message().await.expect("a quote").expect("one quote");
    quote.balance.expect("a balance").value
}

/// The reason of a refusal.
pub(super) fn reason(status: &Status) -> String {
    let details = status.get_error_details();
    details.error_info().map(|info| info.reason.clone()).unwrap_or_default()
}
