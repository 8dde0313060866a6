//! The npm package eventsource, which comes back by itself.
//!
//! It reads as browsers do.

use super::reads::{
    comes_back_after_a_drain, comes_back_from_anywhere, comes_back_when_there_is_room, is_refused,
    keeps_its_cursor, reads, stays_over_a_killed_redis, told,
};
use crate::server::all;

const SCRIPT: &str = "eventsource_events.mjs";

#[tokio::test]
async fn eventsource_reads_all_kinds_of_frames_as_browsers_do() {
    assert_eq!(told(&reads(SCRIPT).await), all());
}

#[tokio::test]
async fn eventsource_is_told_of_all_events_once_or_of_a_gap() {
    comes_back_from_anywhere(SCRIPT, |_| true).await;
}

#[tokio::test]
async fn eventsource_stays_over_a_redis_that_is_killed() {
    stays_over_a_killed_redis(SCRIPT, |_| true).await;
}

#[tokio::test]
async fn eventsource_comes_back_when_there_is_room() {
    comes_back_when_there_is_room(SCRIPT).await;
}

#[tokio::test]
async fn eventsource_comes_back_after_a_drain_with_its_cursor() {
    comes_back_after_a_drain(SCRIPT).await;
}

#[tokio::test]
async fn eventsource_keeps_its_cursor_when_it_is_told_to_go_and_turned_away() {
    keeps_its_cursor(SCRIPT).await;
}

#[tokio::test]
async fn eventsource_never_comes_back_after_a_503() {
    is_refused(SCRIPT).await;
}
