//! Recording an answer before its first byte is sent.

use bytes::Bytes;
use http_body::Body;
use tokio::time::sleep;

use super::Run;
use super::claim::Claiming;
use super::execute::Answered;
use super::settle::{Debt, PAUSE, Paid};
use crate::answer::{Filter, encode, encode_status};
use crate::handle::RunState;
use crate::judge::{Verdict, judge};
use crate::rejection::Rejection;
use crate::reply::Client;
use crate::store::{Answer, Record};

/// Tries before the client gets its answer unrecorded. The effect has happened; to keep the
/// answer back for longer would help nobody.
const TRIES: usize = 2;

impl Run {
    /// Records the answer and sends it. If the store is away, sends it first and goes on trying:
    /// a completion counts however late it comes.
    pub(super) async fn conclude<B: Body<Data = Bytes>, E>(
        &self,
        state: &RunState,
        answered: Answered<B>,
        client: Client<B, E>,
    ) {
        let answer = self.answer(&answered);
        let debt = Debt::Answer { attempt: state.attempt, answer: &answer };
        match self.record_soon(&debt).await {
            Paid::Settled => client.send(answered.into_response()),
            Paid::Lost(record) => self.reply_of_the_winner(state, record, answered, client),
            Paid::Unknown => {
                crate::trace::event!(WARN, "an answer is sent before it could be recorded");
                client.send(answered.into_response());
                Box::pin(self.persist(debt)).await;
            }
        }
    }

    fn answer<B>(&self, answered: &Answered<B>) -> Answer {
        let Answered { head, kept, .. } = answered;
        let headers = Filter::new(&head.headers, self.shared.policy.replay_set_cookie);
        let trailers = kept.as_ref().and_then(|kept| kept.trailers.as_ref());
        let answer = match encode(head.status, &headers, trailers) {
            Some(encoded) => Answer::new(encoded, kept.as_ref().map(|kept| kept.data.clone())),
            None => Answer::new(encode_status(head.status), None),
        };
        self.shared.seal_answer(&self.lookup, answer)
    }

    async fn record_soon(&self, debt: &Debt<'_>) -> Paid {
        for _ in 1..TRIES {
            match self.pay(debt).await {
                Paid::Unknown => sleep(PAUSE / 2).await,
                paid => return paid,
            }
        }
        self.pay(debt).await
    }

    /// Another run owns the key: its answer is the one that all clients get.
    fn reply_of_the_winner<B, E>(
        &self,
        state: &RunState,
        record: Record,
        answered: Answered<B>,
        client: Client<B, E>,
    ) {
        match judge(record, self.fingerprint) {
            Verdict::Replay(answer) => match self.replay(answer) {
                Claiming::Replay(answer) => client.replay(answer),
                _ => client.reject_after_run(Rejection::Interrupted),
            },
            // The record is of another request, or this run never claimed it: there is no answer
            // that would be more this client's than its own.
            Verdict::Mismatch => client.send(answered.into_response()),
            _ if !state.claimed => client.send(answered.into_response()),
            Verdict::InFlight { .. } => client.reject_after_run(Rejection::InFlight),
            // It is not for this client to run again: it has run.
            Verdict::Abandoned { .. } => client.reject_after_run(Rejection::Interrupted),
        }
    }
}
