//! How a job stands, what was made of it, and its end before its time.

use axum::Extension;
use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State as Shared};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use uuid::Uuid;

use crate::account::Account;
use crate::conditional::{self, Known};
use crate::job::{Fault, Job, PATH, State, Tag};
use crate::problem::Refusal;
use crate::routes::App;

/// In seconds. Who does not want to ask again and again reads the events.
const ASK_AGAIN: u64 = 1;

/// A job as it is shown, in answers, events and webhooks.
#[derive(Debug, Serialize)]
pub(crate) struct Shown {
    id: Uuid,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<u8>,
    width: u32,
    height: u32,
    content_type: &'static str,
    created_at: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Why>,
}

/// Why it failed: as a problem, which is none of the request that asks.
#[derive(Debug, Serialize)]
struct Why {
    r#type: &'static str,
    title: &'static str,
}

impl Shown {
    pub(crate) fn of(job: &Job) -> Self {
        let (mut progress, mut result, mut problem) = (None, None, None);
        match &job.state {
            State::Running { progress: percent } => progress = Some(*percent),
            State::Succeeded { .. } => result = Some(format!("{PATH}/{}/result", job.id)),
            State::Failed { fault } => problem = Some(Why::of(*fault)),
            State::Queued | State::Cancelled => {}
        }
        Self {
            id: job.id,
            status: job.state.name(),
            progress,
            width: job.order.width,
            height: job.order.height,
            content_type: job.order.format.media_type(),
            created_at: job.created_at,
            result,
            problem,
        }
    }

    /// Among others of its account: when it was made, and its id.
    pub(crate) const fn place(&self) -> (u64, Uuid) {
        (self.created_at, self.id)
    }
}

impl Why {
    const fn of(fault: Fault) -> Self {
        let (r#type, title) = match fault {
            Fault::BrokenImage => ("urn:stonework:jobs:broken-image", "Image cannot be decoded"),
            Fault::GaveUp => ("urn:stonework:jobs:gave-up", "It was begun too often"),
            Fault::Internal => ("urn:stonework:jobs:internal", "It failed by no fault of yours"),
        };
        Self { r#type, title }
    }
}

/// As an answer, with a time to ask again as long as something may change.
pub(crate) fn shown(job: &Job) -> impl IntoResponse + use<> {
    let retry = (!job.state.is_final()).then_some([(RETRY_AFTER, ASK_AGAIN)]);
    (retry, Json(Shown::of(job)))
}

impl App {
    /// A job of this account. Of those of others it is not told that there are any.
    pub(crate) async fn job(
        &self,
        account: &Account,
        id: Result<Path<Uuid>, PathRejection>,
    ) -> Result<Job, Refusal> {
        let Path(id) = id.map_err(|_| Refusal::UnknownImage)?;
        let found = self.jobs.find(id).await?.filter(|job| job.account == *account);
        found.ok_or(Refusal::UnknownImage)
    }
}

pub(crate) async fn find(
    Shared(app): Shared<App>,
    Extension(account): Extension<Account>,
    id: Result<Path<Uuid>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let job = app.job(&account, id).await?;
    let seen = serde_json::to_vec(&Shown::of(&job)).unwrap_or_default();
    Ok(match conditional::known(&headers, &Tag::of(&seen)) {
        Known::Yes(not_modified) => not_modified.into_response(),
        Known::No(kept) => (kept, shown(&job)).into_response(),
    })
}

pub(crate) async fn result(
    Shared(app): Shared<App>,
    Extension(account): Extension<Account>,
    id: Result<Path<Uuid>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let job = app.job(&account, id).await?;
    let State::Succeeded { result: tag } = &job.state else {
        return Err(Refusal::NoResult(job.state));
    };
    let kept = match conditional::known(&headers, tag) {
        Known::Yes(not_modified) => return Ok(not_modified.into_response()),
        Known::No(kept) => kept,
    };
    // It may have been forgotten between the two.
    let bytes = app.jobs.result(job.id).await?.ok_or(Refusal::UnknownImage)?;
    let kind = [(CONTENT_TYPE, job.order.format.media_type())];
    Ok((kept, kind, bytes).into_response())
}

/// Cancels what has not ended; of what has, nothing changes. Either way the answer says how it stands now, for ever.
pub(crate) async fn cancel(
    Shared(app): Shared<App>,
    Extension(account): Extension<Account>,
    id: Result<Path<Uuid>, PathRejection>,
) -> Result<Response, Refusal> {
    let job = app.job(&account, id).await?;
    let job = app.jobs.cancel(job.id).await?.ok_or(Refusal::UnknownImage)?;
    // Somebody is to tell of it.
    app.wake.notify_one();
    Ok(shown(&job).into_response())
}
