use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{Method, Request};

use crate::judge::{Verdict, Verdicts, judge};
use crate::shared::Shared;
use crate::store::Leased;
use crate::transport::{Answer, SendError};
use crate::{Attempt, DeadReason, Endpoint, Fault, WebhookBody};

/// Attempts beyond the schedule, in place of those of which nothing was heard.
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

/// Sends a message once.
pub(super) async fn attempt(shared: &Shared, leased: &Leased) -> Outcome {
    let clock = &shared.clock;
    let began = Attempt::new(clock.unix());
    let endpoint = match find(shared, leased).await {
        Some(Some(endpoint)) => endpoint,
        Some(None) => {
            let verdict = Verdict::of(Verdicts::Hopeless(DeadReason::NoEndpoint));
            return Outcome::Tried(began.failed(Fault::NoEndpoint), verdict);
        }
        None => return Outcome::NotFound,
    };
    // Beyond the schedule are attempts whose workers died in the midst of one. They are made up for, but if workers die of
    // this very message, there is to be an end.
    if leased.tries > shared.policy.schedule.attempts().saturating_add(MADE_UP_FOR) {
        return Outcome::Tried(began.failed(Fault::Interrupted), Verdict::failed());
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

/// `None` if it is not known.
async fn find(shared: &Shared, leased: &Leased) -> Option<Option<Endpoint>> {
    let finding = shared.endpoints.find(leased.lease.id.endpoint());
    match tokio::time::timeout(shared.settings.store_timeout, finding).await {
        Ok(Ok(found)) => Some(found),
        Ok(Err(error)) => {
            crate::trace::event!(WARN, "could not find an endpoint", error = error.to_string());
            None
        }
        Err(_) => {
            crate::trace::event!(WARN, "could not find an endpoint in time");
            None
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
