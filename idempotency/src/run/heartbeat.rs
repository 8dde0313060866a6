use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use tokio::task::unconstrained;
use tokio::time::sleep;

use super::settle::PAUSE;
use crate::handle::RunState;
use crate::store::Held;

/// Does the work, and renews the lease meanwhile.
pub(super) async fn alongside<T>(
    mut work: Pin<&mut impl Future<Output = T>>,
    state: &RunState,
) -> T {
    // Made when the work first waits, and apart from the run, which is moved about with all the
    // room that it may ever need.
    let mut renewals = None;
    let mut beating = true;
    poll_fn(|cx| {
        if let Poll::Ready(value) = work.as_mut().poll(cx) {
            return Poll::Ready(value);
        }
        // Unconstrained, or work that always uses up the task's budget would starve it.
        let beat = renewals.get_or_insert_with(|| Box::pin(unconstrained(beat(state))));
        beating = beating && beat.as_mut().poll(cx).is_pending();
        Poll::Pending
    })
    .await
}

/// Renews at each third of the lease until `max_run`, and sooner after a renewal that failed.
async fn beat(state: &RunState) {
    let policy = &state.shared.policy;
    let clock = &state.shared.clock;
    let third = policy.lease / 3;
    let end = clock.monotonic().saturating_add(policy.max_run);
    let mut pause = third;
    while clock.monotonic() < end {
        sleep(pause).await;
        pause = match state.renew(None).await {
            Ok(Held::Held) => third,
            Ok(Held::Lost) => return,
            Err(error) => {
                crate::trace::event!(WARN, %error, "a lease could not be renewed");
                third.min(PAUSE)
            }
        };
    }
}
