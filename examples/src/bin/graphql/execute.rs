//! How a request is answered once it has been paid for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_graphql::{
    BatchRequest, EmptySubscription, Request, Response as Answer, Schema, ServerError, Value,
};
use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value as Json, json};
use stonework_core::NotExecuted;
use stonework_pagination::Cursors;
use stonework_ratelimit::Charge;
use tokio::time::timeout;

use crate::account::Account;
use crate::ledger::Ledger;
use crate::loaders::Loads;
use crate::media::Media;
use crate::price::{Price, members};
use crate::read::{Priced, parse};
use crate::refusal::Refusal;
use crate::schema::{Mutation, Query};

/// For a query. A mutation is not stopped: nobody would know how far it got. What it waits for ends by itself.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Clone)]
pub(crate) struct App {
    pub(crate) schema: Schema<Query, Mutation, EmptySubscription>,
    pub(crate) ledger: Ledger,
    pub(crate) cursors: Cursors,
}

pub(crate) async fn sdl(State(app): State<App>) -> String {
    app.schema.sdl()
}

pub(crate) async fn execute(
    State(app): State<App>,
    Extension(account): Extension<Account>,
    Extension(priced): Extension<Priced>,
    charge: Charge,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let media = Media::accepted(&headers).unwrap_or(Media::Response);
    let (requests, is_batch) = match parse(&body)? {
        BatchRequest::Single(one) => (vec![one], false),
        BatchRequest::Batch(all) => (all, true),
    };
    let (mut answers, mut charged, mut executed) = (Vec::new(), 0_u32, false);
    let decided = Decided::default();
    // One after the other, so that a batch does no more at once than a single query.
    for (request, price) in requests.into_iter().zip(&*priced.each) {
        let request = request.data(decided.clone());
        let one = app.answer(&account, request, *price, priced.mutates).await;
        charged = charged.saturating_add(one.charged);
        executed |= one.executed;
        answers.push(one.json);
    }
    charge.total(charged.max(1));
    let body = if is_batch { Json::Array(answers) } else { answers.pop().unwrap_or_default() };
    let status = if executed { StatusCode::OK } else { media.status(StatusCode::BAD_REQUEST) };
    let content_type = [(CONTENT_TYPE, media.content_type())];
    let mut response = (status, content_type, Body::from(body.to_string())).into_response();
    response.extensions_mut().insert(LookedAt);
    // Of a write nothing is recorded that a retry could do better.
    if !executed || (priced.mutates && !decided.is_noted()) {
        response.extensions_mut().insert(NotExecuted);
    }
    Ok(response)
}

/// An extension of the answers to what was paid for as far as it went, even if nothing ran.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LookedAt;

/// Whether the ledger has decided on any transfer of a request. Its failures decide nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Decided(Arc<AtomicBool>);

impl Decided {
    pub(crate) fn note(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_noted(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What became of a query.
struct One {
    json: Json,
    charged: u32,
    executed: bool,
}

impl App {
    async fn answer(&self, account: &Account, request: Request, price: Price, writes: bool) -> One {
        let (ledger, loads) = (self.ledger.counted(), Loads::default());
        let request = request
            .data(account.clone())
            .data(self.cursors.clone())
            .data(loads.loader(&ledger, account))
            .data(ledger.clone());
        let answer = loads.drive(self.run(request, writes)).await;
        let executed = answer.errors.is_empty() || answer.errors.iter().any(is_of_a_field);
        let charged = match u32::try_from(members(&answer.data)) {
            _ if !executed => price.least,
            Ok(members) if answer.is_ok() && !writes => members.clamp(price.least, price.points),
            _ => price.points,
        };
        let cost = json!({ "points": price.points, "charged": charged, "reads": ledger.reads() });
        let json = write(&answer, executed, &cost);
        One { json, charged, executed }
    }

    async fn run(&self, request: Request, writes: bool) -> Answer {
        let run = self.schema.execute(request);
        if writes {
            return run.await;
        }
        timeout(PATIENCE, run).await.unwrap_or_else(|_| {
            let mut error = ServerError::new("The query took too long.", None);
            error.extensions.get_or_insert_default().set("code", "TIMED_OUT");
            // It has run, so this is an error of its fields.
            error.path = vec![async_graphql::PathSegment::Field("query".to_owned())];
            Answer::from_errors(vec![error])
        })
    }
}

/// An error without a path came up before anything ran.
fn is_of_a_field(error: &ServerError) -> bool {
    !error.path.is_empty()
}

/// There is no `data` where nothing ran (GraphQL, "Response Format").
fn write(answer: &Answer, executed: bool, cost: &Json) -> Json {
    let mut json = json!({ "extensions": { "cost": cost } });
    if executed {
        json["data"] = data(&answer.data);
    }
    if !answer.errors.is_empty() {
        json["errors"] = serde_json::to_value(&answer.errors).unwrap_or_default();
    }
    json
}

fn data(value: &Value) -> Json {
    serde_json::to_value(value).unwrap_or_default()
}
