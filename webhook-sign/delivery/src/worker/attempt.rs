use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{Method, Request};

use crate::judge::{Verdict, Verdicts, judge};
use crate::shared::Shared;
use crate::store::Leased;
use crate::transport::{Answer, SendError};
use crate::{Attempt, DeadReason, Endpoint, Fault, WebhookBody};

/// Attempts that came to nothing and are made again, beyond the schedule. Those after them count as if they had failed.
const MADE_UP_FOR: u32 = 5;

/// What became of a message that was leased.
pub(super) enum Outcome {
    /// It was tried, and this came of it.
    Tried(Attempt, Verdict),
    /// It may have been sent.
    Interrupted(Attempt),
    /// It could not be found out where to send it.
    NotFound,
}

/// Where to send it.
enum Found {
    Endpoint(Endpoint),
    /// Nowhere any more.
    Nowhere,
    /// What is known of that cannot be used.
    Unusable,
    /// That may be told later.
    Unknown,
}

/// Which attempt of the schedule this is.
pub(super) fn nth(leased: &Leased) -> u32 {
    leased.tries.saturating_sub(leased.lost.min(MADE_UP_FOR))
}

/// Sends a message once.
pub(super) async fn attempt(shared: &Shared, leased: &Leased) -> Outcome {
    let clock = &shared.clock;
    let began = Attempt::new(clock.unix());
    let hopeless = |fault, reason| {
        Outcome::Tried(began.failed(fault), Verdict::of(Verdicts::Hopeless(reason)))
    };
    let endpoint = match find(shared, leased).await {
        Found::Endpoint(endpoint) => endpoint,
        Found::Nowhere => return hopeless(Fault::NoEndpoint, DeadReason::NoEndpoint),
        Found::Unusable => {
            let verdict = Verdict::of(Verdicts::Unusable);
            return Outcome::Tried(began.failed(Fault::BadEndpoint), verdict);
        }
        Found::Unknown => return Outcome::NotFound,
    };
    // If workers die of this very message, there is to be an end. It says nothing of the endpoint.
    if leased.lost > MADE_UP_FOR && nth(leased) > shared.policy.schedule.attempts() {
        return hopeless(Fault::Interrupted, DeadReason::Interrupted);
    }
    let start = clock.monotonic();
    let request = request(shared, leased, &endpoint);
    let sent = shared.transport.send(endpoint.signing(), request, shared.limits()).await;
    let attempt = began.took(clock.monotonic().saturating_sub(start));
    match sent {
        Ok(answer) => answered(shared, attempt, &answer),
        Err(error) => failed(attempt, &error),
    }
}

async fn find(shared: &Shared, leased: &Leased) -> Found {
    let finding = shared.endpoints.find(leased.lease.id.endpoint());
    match tokio::time::timeout(shared.settings.store_timeout, finding).await {
        Ok(Ok(Some(endpoint))) => Found::Endpoint(endpoint),
        Ok(Ok(None)) => Found::Nowhere,
        Ok(Err(error)) => {
            crate::trace::event!(WARN, "could not find an endpoint", error = error.to_string());
            if error.is_outage() { Found::Unknown } else { Found::Unusable }
        }
        Err(_) => {
            crate::trace::event!(WARN, "could not find an endpoint in time");
            Found::Unknown
        }
    }
}

fn request(shared: &Shared, leased: &Leased, endpoint: &Endpoint) -> Request<WebhookBody> {
    let mut request = Request::new(WebhookBody::new(leased.payload.body().clone()));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = endpoint.url().clone();
    let headers = request.headers_mut();
    headers.insert(USER_AGENT, shared.settings.user_agent.clone());
    headers.insert(CONTENT_TYPE, leased.payload.content_type().clone());
    for name in endpoint.headers().keys() {
        headers.remove(name);
        for value in endpoint.headers().get_all(name) {
            headers.append(name, value.clone());
        }
    }
    request.extensions_mut().insert(leased.lease.id.message().clone());
    request
}

fn answered(shared: &Shared, attempt: Attempt, answer: &Answer) -> Outcome {
    let longest = shared.policy.longest_hint;
    let verdict = judge(answer.status, &answer.headers, shared.clock.unix(), longest);
    Outcome::Tried(attempt.answered(answer.status.as_u16()), verdict)
}

fn failed(attempt: Attempt, error: &SendError) -> Outcome {
    if let Some(source) = &error.source {
        crate::trace::event!(DEBUG, "not answered", error = chain(&**source));
    }
    let verdict = match (error.is_final, error.fault) {
        (true, Fault::Forbidden) => Verdict::of(Verdicts::Hopeless(DeadReason::Forbidden)),
        (true, Fault::NotSigned) => Verdict::of(Verdicts::Hopeless(DeadReason::NotSigned)),
        _ => Verdict::failed(),
    };
    Outcome::Tried(attempt.failed(error.fault), verdict)
}

/// An error and its causes.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
