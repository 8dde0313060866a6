//! One run, from the claim to the recorded answer: the task that a client cannot cancel.

mod claim;
mod execute;
mod heartbeat;
mod record;
mod settle;

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use stonework_core::StoneBody;
use tower_service::Service;

use crate::handle::{Idempotency, RunState};
use crate::lookup::{Fingerprint, Lookup, Token};
use crate::rejection::Rejection;
use crate::reply::Client;
use crate::shared::Shared;
pub(crate) use claim::{Claiming, Owned, Tried};
use execute::{Executed, execute};
use settle::Debt;

pub(crate) struct Run {
    pub(crate) shared: Arc<Shared>,
    pub(crate) lookup: Lookup,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) token: Token,
}

impl Run {
    pub(crate) fn new(shared: Arc<Shared>, lookup: Lookup, fingerprint: Fingerprint) -> Self {
        Self { shared, lookup, fingerprint, token: Token::random() }
    }

    /// Claims, runs, records, replies.
    pub(crate) async fn go<S, ReqBody, ResBody>(
        self,
        tried: Tried,
        service: S,
        request: Request<StoneBody<ReqBody>>,
        mut client: Client<ResBody, S::Error>,
    ) where
        S: Service<Request<StoneBody<ReqBody>>, Response = Response<ResBody>>,
        ResBody: Body<Data = Bytes>,
    {
        let claiming = match tried {
            Tried::Done(claiming) => claiming,
            // Apart, so that a run which has its claim is not moved about with room for this.
            Tried::Asked(asked) => Box::pin(self.claim(Some(asked), None, client.gone())).await,
            Tried::Ask { take_over } => Box::pin(self.claim(None, take_over, client.gone())).await,
        };
        match claiming {
            Claiming::Owned(owned) => self.own(owned, service, request, client).await,
            Claiming::Replay(answer) => client.replay(answer),
            Claiming::Reject(rejection) => client.reject(rejection),
            Claiming::Unknown { took_over } => {
                client.reject(Rejection::StoreUnavailable);
                drop((service, request));
                Box::pin(self.persist(Debt::Claim { took_over })).await;
            }
            Claiming::Gone => {}
        }
    }

    async fn own<S, ReqBody, ResBody>(
        self,
        owned: Owned,
        service: S,
        mut request: Request<StoneBody<ReqBody>>,
        client: Client<ResBody, S::Error>,
    ) where
        S: Service<Request<StoneBody<ReqBody>>, Response = Response<ResBody>>,
        ResBody: Body<Data = Bytes>,
    {
        let state =
            Arc::new(RunState::new(Arc::clone(&self.shared), self.lookup, self.token, owned));
        request.extensions_mut().insert(Idempotency { run: Arc::clone(&state) });
        let executed = {
            let work = pin!(execute(service, request, &state));
            heartbeat::alongside(work, &state).await
        };
        // From here on a handle that was leaked saves nothing any more.
        state.lose();
        match executed {
            Executed::Panicked => {
                crate::trace::event!(ERROR, "a handler panicked, or its body broke off");
                self.settle(Debt::Interruption, || client.reject(Rejection::Interrupted)).await;
            }
            Executed::Failed(error) => {
                self.settle(Debt::Interruption, || client.fail(error)).await;
            }
            Executed::NotReady(error) => {
                self.settle(Debt::unused(state.attempt), || client.fail(error)).await;
            }
            Executed::Released(response) => {
                self.settle(Debt::unused(state.attempt), || client.send(response)).await;
            }
            Executed::Answered(answered) => self.conclude(&state, answered, client).await,
        }
    }
}

/// Which of two futures was first.
enum First<A, B> {
    Left(A),
    Right(B),
}

/// Waits for whichever comes first; the left one if both are there.
async fn first<A, B>(left: impl Future<Output = A>, right: impl Future<Output = B>) -> First<A, B> {
    let (mut left, mut right) = (pin!(left), pin!(right));
    poll_fn(|cx| {
        if let Poll::Ready(value) = left.as_mut().poll(cx) {
            return Poll::Ready(First::Left(value));
        }
        right.as_mut().poll(cx).map(First::Right)
    })
    .await
}
