//! Where it is found out what a request costs, before anybody is asked to pay.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::parser::types::{ExecutableDocument, OperationType};
use async_graphql::{BatchRequest, Request};
use axum::body::{Body, Bytes};
use axum::extract::Request as HttpRequest;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::Response;
use stonework_core::{RequestHead, collect_capped};
use tokio::time::sleep;

use crate::account::Account;
use crate::brackets;
use crate::media::Media;
use crate::price::{Price, price as price_of};
use crate::refusal::Refusal;

/// In bytes. A query that people write has a few hundred.
pub(crate) const LARGEST_BODY: usize = 16 * 1024;

/// For the body to arrive.
const PATIENCE: Duration = Duration::from_secs(5);

/// Queries that are sent as one request.
const LONGEST_BATCH: usize = 10;

/// What one request may cost, in points, however many its client has left. What tools ask by introspection costs 69,059.
pub(crate) const DEAREST: u32 = 75_000;

/// What was found out about a request: an extension of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Priced {
    /// What each query of a batch costs.
    pub(crate) each: Arc<[Price]>,
    /// Does it write?
    pub(crate) mutates: bool,
}

impl Priced {
    pub(crate) fn of(head: &RequestHead<'_>) -> Self {
        head.extensions.get::<Self>().cloned().unwrap_or_default()
    }

    /// Whatever it asks, it costs something.
    pub(crate) fn points(&self) -> u32 {
        self.each.iter().fold(0, |sum: u32, one| sum.saturating_add(one.points)).max(1)
    }
}

/// Reads a request, and goes on with what it costs in its extensions. The handler parses it once more: the same bytes by
/// the same parser.
pub(crate) async fn price(request: HttpRequest, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    match read(&parts, body).await {
        Ok((bytes, priced)) => {
            parts.extensions.insert(priced);
            next.run(HttpRequest::from_parts(parts, Body::from(bytes))).await
        }
        Err(refusal) => refusal.respond(&RequestHead::from(&parts)),
    }
}

fn read(
    parts: &Parts,
    body: Body,
) -> impl Future<Output = Result<(Bytes, Priced), Refusal>> + use<> {
    let head = look(parts);
    async move {
        head?;
        let read = collect_capped(body, LARGEST_BODY, sleep(PATIENCE)).await;
        let bytes = read.map_err(|error| error.kind)?.data;
        let priced = judge(parse(&bytes)?)?;
        Ok((bytes, priced))
    }
}

/// What can be said before the body is read.
fn look(parts: &Parts) -> Result<(), Refusal> {
    if parts.extensions.get::<Account>().is_none() {
        return Err(Refusal::Unauthenticated);
    }
    Media::accepted(&parts.headers).ok_or(Refusal::NotAcceptable)?;
    // A page of any origin may send other types without asking first.
    if is_json(parts) { Ok(()) } else { Err(Refusal::ContentType) }
}

fn is_json(parts: &Parts) -> bool {
    let value = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = value.and_then(|value| value.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

pub(crate) fn parse(bytes: &[u8]) -> Result<BatchRequest, Refusal> {
    let batch = serde_json::from_slice(bytes);
    let batch = batch.map_err(|error| Refusal::Malformed(error.to_string()))?;
    let malformed = |reason: &str| Err(Refusal::Malformed(reason.to_owned()));
    match &batch {
        BatchRequest::Single(one) if one.query.is_empty() => malformed("there is no `query`"),
        BatchRequest::Batch(all) if all.iter().any(|one| one.query.is_empty()) => {
            malformed("one has no `query`")
        }
        BatchRequest::Batch(all) if all.len() > LONGEST_BATCH => {
            Err(Refusal::LongBatch(LONGEST_BATCH))
        }
        _ => Ok(batch),
    }
}

fn judge(mut batch: BatchRequest) -> Result<Priced, Refusal> {
    let requests = match &mut batch {
        BatchRequest::Single(one) => std::slice::from_mut(one),
        BatchRequest::Batch(all) => all,
    };
    let (mut each, mut mutates) = (Vec::new(), false);
    for request in requests {
        let (price, writes) = judge_one(request)?;
        each.push(price);
        mutates |= writes;
    }
    let priced = Priced { each: each.into(), mutates };
    match priced.points() {
        points if points > DEAREST => Err(Refusal::TooComplex { points, most: DEAREST }),
        _ => Ok(priced),
    }
}

fn judge_one(request: &mut Request) -> Result<(Price, bool), Refusal> {
    if brackets::depth(&request.query) > brackets::MOST {
        return Err(Refusal::TooDeep);
    }
    let variables = std::mem::take(&mut request.variables);
    // What does not parse is told where it is executed.
    let Ok(document) = request.parsed_query() else { return Ok((Price::NOTHING, false)) };
    Ok((price_of(document, &variables)?, mutates(document)))
}

fn mutates(document: &ExecutableDocument) -> bool {
    document.operations.iter().any(|(_, operation)| operation.node.ty == OperationType::Mutation)
}
