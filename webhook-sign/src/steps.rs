//! What a request goes through, step by step: each takes what is there and gives the state that waits for what is not.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use stonework_core::{
    CollectCapped, CollectErrorKind, Collected, Deadline, RequestHead, StoneBody, StoreError,
    StoreErrorKind, StoreFuture, collect_capped,
};
use tower_service::Service;

use crate::check::{Against, Check};
use crate::keys::{KeySet, Wanted};
use crate::policy::Outage;
use crate::reading::Checked;
use crate::rejection::Rejection;
use crate::replay::{Known, Space, known};
use crate::reply::reject;
use crate::settle::{Claiming, Run};
use crate::shared::{Shared, nobodys_keys};
use crate::store::Claimed;
use crate::{Claims, Refusal, Verified};

type Found = Result<Option<KeySet>, StoreError>;

pin_project! {
    #[project = StateProj]
    pub(crate) enum State<S, ReqBody, ResBody>
    where
        S: Service<Request<StoneBody<ReqBody>>>,
    {
        Answered { response: Option<Box<Response<StoneBody<ResBody>>>> },
        FindingKeys { keys: StoreFuture<Found>, asked: Option<Box<Asked<S, ReqBody>>> },
        // Boxed, so that the room for the hashes of four keys is not moved about.
        Reading { reading: Pin<Box<Reading<S, ReqBody>>> },
        Claiming { claim: StoreFuture<Result<Claimed, StoreError>>, claimed: Option<Box<Ready<S, ReqBody>>> },
        Calling { ready: Option<Box<Ready<S, ReqBody>>> },
        Running { #[pin] future: S::Future, run: Option<Run>, shared: Arc<Shared> },
        Settling {
            settling: StoreFuture<Result<(), StoreError>>,
            run: Option<Run>,
            response: Option<Result<Box<Response<StoneBody<ResBody>>>, S::Error>>,
        },
        Done,
    }
}

/// A request that was admitted by its headers.
pub(crate) struct Start<S, B> {
    pub(crate) service: S,
    pub(crate) shared: Arc<Shared>,
    pub(crate) head: Parts,
    pub(crate) body: B,
    /// The place of the sender whose signature it has.
    pub(crate) sender: usize,
}

/// One whose keys are being looked up.
pub(crate) struct Asked<S, B> {
    pub(crate) start: Start<S, B>,
    pub(crate) claims: Claims,
}

pin_project! {
    /// One whose body is on its way.
    pub(crate) struct Reading<S, B> {
        #[pin]
        body: CollectCapped<Checked<B>, Deadline>,
        rest: Option<Rest<S>>,
    }
}

/// All but the body.
pub(crate) struct Rest<S> {
    service: S,
    shared: Arc<Shared>,
    head: Parts,
    sender: usize,
    keys: KeySet,
    claims: Claims,
    /// Why nothing will fit, if that is known already. Whoever sent it waits as if it were not.
    denied: Option<Refusal>,
    now: Duration,
}

/// One that was verified.
pub(crate) struct Ready<S, B> {
    pub(crate) service: S,
    shared: Arc<Shared>,
    request: Request<StoneBody<B>>,
    run: Option<Run>,
}

impl<S, ReqBody, ResBody> State<S, ReqBody, ResBody>
where
    S: Service<Request<StoneBody<ReqBody>>>,
{
    pub(crate) fn answered(response: Response<StoneBody<ResBody>>) -> Self {
        Self::Answered { response: Some(Box::new(response)) }
    }

    fn reject(shared: &Shared, head: &Parts, rejection: Rejection) -> Self {
        Self::answered(reject(shared, head, rejection))
    }
}

/// With the headers read, looks for keys.
pub(crate) fn begin<S, ReqBody, ResBody>(
    start: Start<S, ReqBody>,
    claims: Claims,
) -> State<S, ReqBody, ResBody>
where
    S: Service<Request<StoneBody<ReqBody>>>,
    ReqBody: Body,
{
    let sender = &start.shared.senders[start.sender];
    let wanted = Wanted {
        key_id: claims.key_id(),
        ..Wanted::new(RequestHead::from(&start.head), sender.scheme.name())
    };
    match sender.keys.keys(wanted).try_ready() {
        Ok(found) => read(start, claims, found),
        Err(waiting) => State::FindingKeys {
            keys: in_time(waiting, start.shared.policy.keys_timeout),
            asked: Some(Box::new(Asked { start, claims })),
        },
    }
}

fn in_time(waiting: StoreFuture<Found>, timeout: Duration) -> StoreFuture<Found> {
    StoreFuture::new(async move {
        let found = tokio::time::timeout(timeout, waiting).await;
        found.unwrap_or_else(|_| Err(StoreError::new(StoreErrorKind::TimedOut)))
    })
}

/// With the keys there, begins to read the body.
pub(crate) fn read<S, ReqBody, ResBody>(
    start: Start<S, ReqBody>,
    claims: Claims,
    found: Found,
) -> State<S, ReqBody, ResBody>
where
    S: Service<Request<StoneBody<ReqBody>>>,
    ReqBody: Body,
{
    let Start { service, shared, head, body, sender } = start;
    let found = match found {
        Ok(found) => found,
        Err(error) => {
            crate::trace::event!(WARN, %error, "keys could not be looked up");
            return State::reject(&shared, &head, Rejection::KeysUnavailable);
        }
    };
    let now = shared.now();
    let begun = {
        let accepted = &shared.senders[sender];
        let (scheme, head) = (&*accepted.scheme, RequestHead::from(&head));
        begin_check(found, |keys| {
            let tolerance = accepted.tolerance;
            let mut check = Check::default();
            check.begin(&claims, Against { scheme, head: &head, keys, now, tolerance })?;
            Ok(check)
        })
    };
    let (keys, check, denied) = match begun {
        Ok(begun) => begun,
        Err(refusal) => {
            return State::reject(&shared, &head, Rejection::Unauthenticated(refusal));
        }
    };
    let deadline = Deadline::after(shared.policy.read_timeout);
    let body = collect_capped(Checked::new(body, check), shared.policy.max_body, deadline);
    let rest = Rest { service, shared, head, sender, keys, claims, denied, now };
    State::Reading { reading: Box::pin(Reading { body, rest: Some(rest) }) }
}

/// With the keys that were found, or nobody's where there are none that could fit: a tenant who is not there, or whose keys
/// are of another kind or have ended, looks like one whose secret is not known to the sender.
fn begin_check(
    found: Option<KeySet>,
    mut check: impl FnMut(&KeySet) -> Result<Check, Refusal>,
) -> Result<(KeySet, Check, Option<Refusal>), Refusal> {
    let denied = match found {
        None => Refusal::UnknownKey,
        Some(keys) => match check(&keys) {
            Ok(check) => return Ok((keys, check, None)),
            Err(refusal) => refusal,
        },
    };
    let keys = nobodys_keys().ok_or(denied)?;
    let check = check(&keys).map_err(|_| denied)?;
    Ok((keys, check, Some(denied)))
}

/// With the body there, decides whose it is.
fn judge<S>(
    rest: &mut Rest<S>,
    check: &mut Check,
    body: &Bytes,
) -> Result<(Verified, Option<Known>), Refusal> {
    let sender = &rest.shared.senders[rest.sender];
    let (scheme, tolerance) = (&*sender.scheme, sender.tolerance);
    let head = RequestHead::from(&rest.head);
    let against = Against { scheme, head: &head, keys: &rest.keys, now: rest.now, tolerance };
    let found = check.finish(&mut rest.claims, against, body);
    if let Some(denied) = rest.denied {
        return Err(denied);
    }
    let (key, print) = found?;
    let id = sender.event(body).or_else(|| rest.claims.signed_id().cloned());
    let policy = &rest.shared.policy;
    let known = rest.shared.replay.is_some().then(|| {
        let space =
            Space { namespace: &policy.namespace, scheme: scheme.name(), owner: rest.keys.owner() };
        known(space, id.as_ref(), &print, tolerance, policy.dedupe_for)
    });
    Ok((Verified::of(scheme, &rest.claims, id, rest.keys.name(key)), known))
}

/// With a signature that fits, asks whether the event is new.
fn claim<S, ReqBody, ResBody>(
    mut rest: Rest<S>,
    body: Collected,
    check: &mut Check,
) -> State<S, ReqBody, ResBody>
where
    S: Service<Request<StoneBody<ReqBody>>>,
{
    let (mut verified, known) = match judge(&mut rest, check, &body.data) {
        Ok(judged) => judged,
        Err(refusal) => {
            let rejection = Rejection::Unauthenticated(refusal);
            return State::reject(&rest.shared, &rest.head, rejection);
        }
    };
    let Rest { service, shared, mut head, .. } = rest;
    let mut run = known.map(|known| Run::new(Arc::clone(&shared), known));
    if let Some(run) = &run {
        verified.set_fence(run.fence().get());
    }
    head.extensions.insert(verified);
    let request = Request::from_parts(head, StoneBody::with_trailers(body.data, body.trailers));
    let claim = run.as_mut().map(Run::claim);
    let ready = Box::new(Ready { service, shared, request, run });
    match claim.map(StoreFuture::try_ready) {
        None => State::Calling { ready: Some(ready) },
        Some(Ok(claimed)) => go(ready, claimed),
        Some(Err(claim)) => State::Claiming { claim, claimed: Some(ready) },
    }
}

/// With the claim answered, calls the handler or says why not.
pub(crate) fn go<S, ReqBody, ResBody>(
    mut ready: Box<Ready<S, ReqBody>>,
    claimed: Result<Claimed, StoreError>,
) -> State<S, ReqBody, ResBody>
where
    S: Service<Request<StoneBody<ReqBody>>>,
{
    let Some(run) = &mut ready.run else {
        return State::Calling { ready: Some(ready) };
    };
    let rejection = match run.claimed(claimed) {
        Claiming::Won => return State::Calling { ready: Some(ready) },
        Claiming::Unknown if ready.shared.policy.on_outage == Outage::Open => {
            return State::Calling { ready: Some(ready) };
        }
        Claiming::Unknown => Rejection::StoreUnavailable,
        Claiming::InFlight => Rejection::InFlight,
        Claiming::Done => Rejection::Duplicate,
        Claiming::Full => Rejection::StoreFull,
    };
    let Ready { shared, request, .. } = *ready;
    let (head, _) = request.into_parts();
    State::reject(&shared, &head, rejection)
}

/// A gRPC status that stands in the headers says how it ended; one in trailers is not waited for.
fn is_success<B>(shared: &Shared, response: Response<B>) -> (bool, Response<B>) {
    let (head, body) = response.into_parts();
    let is_success = match &shared.policy.is_success {
        Some(is_success) => is_success(&head),
        None => {
            let grpc = head.headers.get("grpc-status");
            head.status.is_success() && grpc.is_none_or(|status| status.as_bytes() == b"0")
        }
    };
    (is_success, Response::from_parts(head, body))
}

pub(crate) fn poll_reading<S, ReqBody, ResBody>(
    reading: Pin<&mut Reading<S, ReqBody>>,
    cx: &mut Context<'_>,
) -> Poll<State<S, ReqBody, ResBody>>
where
    S: Service<Request<StoneBody<ReqBody>>>,
    ReqBody: Body,
{
    let mut reading = reading.project();
    let collected = ready!(reading.body.as_mut().poll(cx));
    let Some(rest) = reading.rest.take() else { return Poll::Pending };
    Poll::Ready(match collected {
        Ok(body) => claim(rest, body, reading.body.body_mut().check_mut()),
        Err(error) => State::reject(&rest.shared, &rest.head, unread(&error.kind)),
    })
}

const fn unread<E>(kind: &CollectErrorKind<E>) -> Rejection {
    match kind {
        CollectErrorKind::TooLarge => Rejection::BodyTooLarge,
        CollectErrorKind::TimedOut => Rejection::BodyTimedOut,
        _ => Rejection::BodyIncomplete,
    }
}

pub(crate) fn call<S, ReqBody, ResBody>(
    ready: Ready<S, ReqBody>,
    polled: Result<(), S::Error>,
) -> State<S, ReqBody, ResBody>
where
    S: Service<Request<StoneBody<ReqBody>>, Response = Response<ResBody>>,
{
    let Ready { mut service, shared, request, run } = ready;
    match polled {
        Ok(()) => State::Running { future: service.call(request), run, shared },
        Err(error) => settle(&shared, run, Err(error)),
    }
}

/// With the handler's answer there, tells the store how it ended.
pub(crate) fn settle<S, ReqBody, ResBody>(
    shared: &Arc<Shared>,
    run: Option<Run>,
    response: Result<Response<ResBody>, S::Error>,
) -> State<S, ReqBody, ResBody>
where
    S: Service<Request<StoneBody<ReqBody>>>,
{
    let (is_success, response) = match response {
        Ok(response) => {
            let (is_success, response) = is_success(shared, response);
            (is_success, Ok(Box::new(response.map(StoneBody::inner))))
        }
        Err(error) => (false, Err(error)),
    };
    let mut run = run;
    let settling = match &mut run {
        Some(run) => run.settle(is_success),
        None => StoreFuture::ready(Ok(())),
    };
    State::Settling { settling, run, response: Some(response) }
}
