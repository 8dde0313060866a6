//! Why the browser kept an answer from a page: what `cors-explain` tells, for the policy of this process.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use stonework_cors::{Decision, Policy, Reason, Report};

use crate::config::Failure;
use crate::cors;
use crate::problem::Refusal;
use crate::wish::{self, Wish, is_denied};

/// More headers than any page has to ask for.
const MOST_HEADERS: usize = 32;

pub(super) fn router(origins: Option<&str>) -> Result<Router, Failure> {
    let policy = cors::say(Policy::builder(), origins).build();
    let policy = policy.map_err(|errors| Failure::Config(format!("ALLOWED_ORIGINS: {errors}")))?;
    Ok(Router::new().route("/console/explain", get(explain)).with_state(Arc::new(policy)))
}

#[derive(Deserialize)]
struct Question {
    origin: String,
    method: String,
    /// Names, separated by commas.
    #[serde(default)]
    headers: String,
}

impl Question {
    fn wish(&self) -> Result<Wish, String> {
        let names = self.headers.split(',').map(str::trim).filter(|name| !name.is_empty());
        let headers: Result<Vec<_>, _> =
            names.map(|name| wish::parse("the name of a header", name)).collect();
        Ok(Wish {
            origin: wish::parse("an origin", &self.origin)?,
            method: wish::method(&self.method)?,
            headers: headers?,
        })
    }
}

#[derive(Serialize)]
struct Told {
    what: &'static str,
    allowed: bool,
    reason: Option<&'static str>,
    advice: Option<&'static str>,
    culprit: Option<Box<str>>,
    nearest: Option<Box<str>>,
    /// All of it, for a person.
    text: String,
}

impl Told {
    fn of((what, report): (&'static str, Report)) -> Self {
        let reason = report.decision.reason();
        let (text, allowed) = (report.to_string(), !is_denied(&report));
        let (culprit, nearest) = match report.decision {
            Decision::Denied(denial) => (denial.culprit, denial.nearest),
            _ => (None, None),
        };
        Self {
            what,
            allowed,
            reason: reason.map(Reason::slug),
            advice: reason.map(Reason::advice),
            culprit,
            nearest,
            text,
        }
    }
}

async fn explain(
    State(policy): State<Arc<Policy>>,
    question: Result<Query<Question>, QueryRejection>,
) -> Result<Json<Vec<Told>>, Refusal> {
    let Query(question) = question.map_err(|error| Refusal::Unclear(error.body_text()))?;
    let wish = question.wish().map_err(Refusal::Unclear)?;
    if wish.headers.len() > MOST_HEADERS {
        return Err(Refusal::Unclear(format!("More than {MOST_HEADERS} headers.")));
    }
    let reports = wish.reports(&policy).map_err(Refusal::Unclear)?;
    Ok(Json(reports.into_iter().map(Told::of).collect()))
}
