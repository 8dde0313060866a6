//! Checks that an outbox keeps the contract of [`Outbox`]. Feature `testing`.
//!
//! [`outbox_conformance`] is all that most need. Each clause of the contract is also a function of its own, so that one that
//! fails can be run alone.
//!
//! ```
//! use stonework_webhook_delivery::store::MemoryOutbox;
//! use stonework_webhook_delivery::testing::outbox_conformance;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
//! tokio::time::pause();
//! outbox_conformance(MemoryOutbox::new(), async |by| tokio::time::advance(by).await).await;
//! # });
//! # Ok::<(), std::io::Error>(())
//! ```

mod case;
mod endpoints;
mod leases;
mod listing;
mod lost_reply;
mod orders;
mod purge;
mod races;
mod records;

use std::sync::Arc;
use std::time::Duration;

pub use endpoints::*;
pub use leases::*;
pub use listing::*;
pub use lost_reply::LostReply;
pub use orders::*;
pub use purge::*;
pub use races::*;
pub use records::*;

use crate::store::Outbox;

/// A time that does not pass during the suite.
const LONG: Duration = Duration::from_secs(3_600);

/// A time that passes while [`past`] it is waited.
const BRIEF: Duration = Duration::from_millis(500);

/// Times to try one after the other, until what must come within one has: a machine may be busy.
fn times() -> impl Iterator<Item = Duration> {
    std::iter::successors(Some(BRIEF), |last| Some(*last * 2))
}

/// How long to wait until `time` has surely passed, however the store rounds.
fn past(time: Duration) -> Duration {
    time + Duration::from_millis(50)
}

type Store = Arc<dyn Outbox>;

/// Runs every clause upon `outbox`, then every clause again upon [`LostReply`] around it.
///
/// `elapse` lets time pass: it returns when the clock by which the outbox measures has moved by at least the time given.
/// Where time can be turned it turns it; where it is real it sleeps. The suite waits about 10 s in all, and longer where
/// a few operations take more than half a second.
///
/// The outbox must be the suite's alone. What it leaves behind are some hundred records, of endpoints that are disabled.
///
/// Runs within a tokio runtime with its time enabled; on one of many threads the races are real.
///
/// # Panics
///
/// When the outbox breaks a clause. The clause is named on standard error, and the message says what was expected.
pub async fn outbox_conformance<S: Outbox>(outbox: S, elapse: impl AsyncFn(Duration)) {
    let outbox: Store = Arc::new(outbox);
    let repeating: Store = Arc::new(LostReply::new(Arc::clone(&outbox)));
    every_clause(&outbox, &elapse, "each operation sent once").await;
    every_clause(&repeating, &elapse, "each operation sent twice").await;
}

/// Names the clause that is being tested, if it panics.
struct Clause(&'static str, &'static str);

impl Drop for Clause {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the outbox breaks `{}` ({})", self.0, self.1);
        }
    }
}

macro_rules! run {
    ($how:expr, $args:tt: $($clause:ident,)*) => {$({
        let _named = Clause(stringify!($clause), $how);
        $clause $args.await;
    })*};
}

async fn every_clause(store: &Store, elapse: &impl AsyncFn(Duration), how: &'static str) {
    run! { how, (store):
        what_is_enqueued_is_claimed,
        a_message_is_kept_once_for_each_endpoint,
        what_is_leased_is_nobody_elses,
        a_token_claims_the_same_again,
        a_delivered_message_is_not_claimed_again,
        a_stranger_settles_nothing,
        what_was_not_tried_does_not_count,
        what_was_broken_off_is_lost,
        a_dead_letter_is_queued_again,
        only_dead_letters_are_queued_again,
        an_effect_is_felt_once,
        an_endpoint_is_judged_when_a_record_is_settled,
        an_endpoint_has_so_many_at_a_time,
        claims_go_round,
        a_disabled_endpoint_rests,
        an_order_is_kept,
        a_dead_letter_lets_the_next_pass,
        a_requeued_one_is_the_last_of_its_order,
        lists_tell_states_and_attempts,
        pages_follow_each_other,
        a_cursor_leads_to_no_other_endpoint,
        the_newest_attempts_are_kept,
        a_purge_removes_an_endpoint,
        many_claims_share_the_work,
        many_enqueues_make_one_record,
    }
    run! { how, (store, elapse):
        nothing_is_due_before_its_time,
        a_retry_is_due_in_its_time,
        a_lease_runs_out,
        a_late_ack_counts_if_nobody_came,
        a_late_retry_is_not_lost,
        a_late_extension_counts_if_nobody_came,
        an_extended_lease_does_not_run_out,
        a_paused_endpoint_is_passed_by,
        a_failing_endpoint_is_tried_by_one,
        a_rest_doubles,
        who_takes_nothing_for_long_is_disabled,
        a_delivered_message_is_forgotten_in_its_time,
    }
}
