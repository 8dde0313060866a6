//! Logs in memory, and that a log which breaks the contract is found out.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "support/naive.rs"]
mod naive;

use std::sync::Arc;

use naive::{Defect, Naive};
use stonework_sse::store::{EventLog, Lost, MemoryLog};
use stonework_sse::testing::{log_conformance, trim_conformance};
use tokio::task::LocalSet;

fn short() -> MemoryLog {
    MemoryLog::builder().max_events(10).build().unwrap()
}

#[tokio::test]
async fn in_memory() {
    log_conformance(MemoryLog::new()).await;
    trim_conformance(short()).await;
    trim_conformance(MemoryLog::builder().max_bytes(2_000).build().unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn in_memory_on_many_threads_behind_a_pointer() {
    let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
    log_conformance(Arc::clone(&log)).await;
    log_conformance(log).await;
    let log: Arc<dyn EventLog> = Arc::new(short());
    trim_conformance(log).await;
}

#[tokio::test(start_paused = true)]
async fn a_log_that_does_it_in_its_own_way() {
    log_conformance(Naive::new(None)).await;
    trim_conformance(Naive::new(None).keeping(7)).await;
}

/// Whether the suite fails. Time that stands still goes on when all wait for what never comes.
async fn is_found_out(suite: impl Future<Output = ()> + 'static) -> bool {
    let set = LocalSet::new();
    let checked = set.spawn_local(suite);
    set.run_until(checked).await.is_err_and(|error| error.is_panic())
}

#[tokio::test(start_paused = true)]
async fn a_log_that_breaks_the_contract_is_found_out() {
    let mut missed = Vec::new();
    for defect in [
        Defect::ForgetsIds,
        Defect::KnowsIdsOfAllLogs,
        Defect::HasOneLog,
        Defect::TakesNamesForTexts,
        Defect::CutsBodies,
        Defect::CutsTopics,
        Defect::ChangesWhatIsAppendedAgain,
        Defect::LosesSome,
        Defect::TellsAnotherPlace,
        Defect::IsNotAtomic,
        Defect::BeginsAnewEachTime,
        Defect::EndsBeforeItsEnd,
        Defect::ReadsWhatWasRead,
        Defect::ReadsBackwards,
        Defect::ReadsMore,
        Defect::ReadsNoLast,
        Defect::TakesWhatIsRead,
        Defect::LooksAtNoTags,
        Defect::LooksAtNoEpochs,
        Defect::Hides(Lost::Replaced),
        Defect::GoesOnAtTheEnd,
        Defect::AnnouncesNothing,
        Defect::AnnouncesSome,
        Defect::AnnouncesTwice,
        Defect::AnnouncesWhatIsKnown,
        Defect::AnnouncesBackwards,
        Defect::AnnouncesEverything,
        Defect::AnnouncesToTheLast,
        Defect::AnnouncesUntilOneHasGone,
        Defect::AnnouncesWhatIsHeard,
        Defect::ListensLate,
    ] {
        if !is_found_out(log_conformance(Naive::new(Some(defect)))).await {
            missed.push(defect);
        }
    }
    assert_eq!(missed, []);
}

#[tokio::test(start_paused = true)]
async fn a_log_that_forgets_in_silence_is_found_out() {
    let mut missed = Vec::new();
    for defect in [
        Defect::KeepsAll,
        Defect::LooksAtNoTags,
        Defect::LooksAtNoEpochs,
        Defect::Hides(Lost::Trimmed),
        Defect::Hides(Lost::Replaced),
        Defect::GoesOnAtTheEnd,
        Defect::ForgetsTheNewest,
    ] {
        if !is_found_out(trim_conformance(Naive::new(Some(defect)).keeping(7))).await {
            missed.push(defect);
        }
    }
    assert_eq!(missed, []);
}
