//! Checks that a store keeps the contract of [`RateLimitStore`]. Feature `testing`.
//!
//! [`store_conformance`] is all that most need, and [`lease_conformance`] for a store that can
//! also part with many tokens at once. Each clause of the contract is also a function of its own,
//! in the modules here, so that one that fails can be run alone.
//!
//! ```
//! use stonework_ratelimit::testing::{ReferenceStore, store_conformance};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
//! tokio::time::pause();
//! let store = ReferenceStore::new();
//! store_conformance(store, async |by| tokio::time::advance(by).await).await;
//! # });
//! # Ok::<(), std::io::Error>(())
//! ```

pub mod buckets;
mod case;
pub mod corrections;
pub mod demands;
pub mod leases;
mod lost_reply;
pub mod quotas;
pub mod races;
mod reference;
pub mod refills;
pub mod repeats;

use std::sync::Arc;
use std::time::Duration;

pub use lost_reply::LostReply;
pub use reference::ReferenceStore;

use crate::store::{LeaseStore, RateLimitStore};

/// Runs every clause upon `store`, then again with every operation that has to be idempotent sent
/// twice, and then what has to hold even if all operations are sent twice.
///
/// `elapse` lets time pass: it returns when the clock by which the store measures has moved by at
/// least the time given. Where time can be turned it turns it; where it is real it sleeps. The
/// suite waits about 4 s in all.
///
/// The keys are new ones in each run. The store needs room for 500 buckets of up to 64 KiB of key,
/// which stay in debt for up to a day.
///
/// Runs within a tokio runtime; on one of many threads the races are real.
///
/// # Panics
///
/// When the store breaks a clause. The clause is named on standard error, and the message says
/// what was expected.
pub async fn store_conformance<S: RateLimitStore>(store: S, elapse: impl AsyncFn(Duration)) {
    let store: Arc<dyn RateLimitStore> = Arc::new(store);
    every_clause(&store, &elapse, "each operation sent once").await;
    let correcting = Arc::new(LostReply::of_corrections(Arc::clone(&store)));
    every_clause(&(correcting as _), &elapse, "each correction sent twice").await;
    let repeating = Arc::new(LostReply::new(store));
    every_repeat(&(repeating as _), "each operation sent twice").await;
}

/// Runs every clause about leases upon `store`, then what has to hold even if they are sent twice.
///
/// For the rest of the contract there is [`store_conformance`], whose terms are also those here.
///
/// # Panics
///
/// When the store breaks a clause.
pub async fn lease_conformance<S: LeaseStore>(store: S, elapse: impl AsyncFn(Duration)) {
    let store: Arc<dyn LeaseStore> = Arc::new(store);
    every_lease(&store, &elapse, "each operation sent once").await;
    let repeating: Arc<dyn LeaseStore> = Arc::new(LostReply::new(store));
    run! { "each operation sent twice", (&repeating):
        repeats::leases_take_no_more_than_there_is,
        repeats::leases_at_once_take_no_more_than_there_is,
    }
}

/// Names the clause that is being tested, if it panics.
struct Clause(&'static str, &'static str);

impl Drop for Clause {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the store breaks `{}` ({})", self.0, self.1);
        }
    }
}

macro_rules! run {
    ($how:expr, $args:tt: $($module:ident::$clause:ident,)*) => {$({
        let _named = Clause(concat!(stringify!($module), "::", stringify!($clause)), $how);
        $module::$clause $args.await;
    })*};
}
use run;

async fn every_clause(
    store: &Arc<dyn RateLimitStore>,
    elapse: &impl AsyncFn(Duration),
    how: &'static str,
) {
    run! { how, (store):
        buckets::a_fresh_bucket_is_full,
        buckets::the_burst_is_granted_and_then_nothing,
        buckets::each_token_is_charged,
        buckets::a_denial_charges_nothing,
        buckets::a_cost_of_zero_always_fits,
        buckets::more_than_the_burst_never_fits,
        buckets::policies_are_apart,
        buckets::keys_are_apart,
        buckets::names_do_not_run_together,
        buckets::keys_are_bytes_of_any_length,
        demands::all_are_charged_together,
        demands::one_denies_for_all_in_every_order,
        demands::what_never_fits_denies_for_all,
        demands::levels_come_in_the_order_of_the_demands,
        demands::many_demands_are_one_step,
        demands::a_shadow_does_not_deny,
        demands::a_shadow_is_charged_with_the_others,
        demands::a_shadow_is_not_charged_for_a_denial,
        demands::shadows_alone_are_granted,
        quotas::a_larger_burst_applies_at_once,
        quotas::a_smaller_burst_applies_at_once,
        quotas::a_debt_stays_as_a_time,
        quotas::no_part_of_a_token_is_lost,
        quotas::the_largest_quota_holds,
        corrections::tokens_are_given_back,
        corrections::tokens_are_taken,
        corrections::no_bucket_holds_more_than_its_burst,
        corrections::no_bucket_owes_more_than_two_bursts,
        corrections::an_id_counts_once,
        corrections::an_id_counts_once_for_each_bucket,
        corrections::an_absent_bucket_is_corrected,
        corrections::what_was_paid_comes_back_by_its_receipt,
        corrections::a_reset_fills_the_bucket,
        corrections::a_reset_leaves_the_others,
        races::of_many_acquires_the_burst_is_granted,
        races::opposite_orders_neither_block_nor_overcharge,
        races::overlapping_demands_charge_what_they_were_granted,
        races::of_one_correction_sent_many_times_one_counts,
        races::many_corrections_all_count,
    }
    run! { how, (store, elapse):
        refills::time_refills_a_bucket,
        refills::time_fills_no_bucket_beyond_its_burst,
        refills::who_waits_as_told_is_granted,
        refills::time_pays_what_is_owed_beyond_the_burst,
    }
}

async fn every_repeat(store: &Arc<dyn RateLimitStore>, how: &'static str) {
    run! { how, (store):
        repeats::no_more_than_the_burst_is_granted,
        repeats::a_denial_charges_nothing,
        repeats::several_demands_are_granted_together,
        repeats::of_many_acquires_no_more_than_the_burst_is_granted,
    }
}

async fn every_lease(
    store: &Arc<dyn LeaseStore>,
    elapse: &impl AsyncFn(Duration),
    how: &'static str,
) {
    run! { how, (store):
        leases::as_many_as_are_wanted,
        leases::as_many_as_there_are,
        leases::none_if_there_are_fewer_than_the_least,
        leases::nothing_is_leased_where_nothing_is_wanted,
        leases::nothing_is_leased_from_a_bucket_in_debt,
        leases::what_is_leased_is_not_acquired,
        leases::what_is_acquired_is_not_leased,
        leases::a_lease_goes_back_by_a_correction,
        leases::a_lease_applies_the_quota_of_the_moment,
        leases::leases_at_once_take_what_there_is,
        leases::leases_and_acquires_at_once_take_what_there_is,
    }
    run! { how, (store, elapse):
        leases::time_refills_what_was_leased,
    }
}
