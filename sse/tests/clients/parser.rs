//! The npm package eventsource-parser over fetch, brought back by its caller.
//!
//! It tells of ids, times and comments beside events. An event has the id of its own block; the last id is what
//! `onId` was told.

use serde_json::json;

use super::reads::{
    all_with_own_ids, assert_told_to_go, assert_turned_away, comes_back_after_a_drain,
    comes_back_from_anywhere, comes_back_when_there_is_room, is_refused, keeps_its_cursor, others,
    reads, stays_over_a_killed_redis, told,
};

const SCRIPT: &str = "parser_events.mjs";

#[tokio::test]
async fn eventsource_parser_reads_all_kinds_of_frames() {
    let lines = reads(SCRIPT).await;
    assert_eq!(told(&lines), all_with_own_ids());
    let (retry, comments) =
        (json!({"retry": 1_234}), [json!({"comment": "nothing"}), json!({"comment": ""})]);
    assert_eq!(others(&lines), [&retry, &comments[0], &comments[1]]);
}

#[tokio::test]
async fn eventsource_parser_is_told_of_all_events_once_or_of_a_gap() {
    comes_back_from_anywhere(SCRIPT, |_| true).await;
}

#[tokio::test]
async fn eventsource_parser_stays_over_a_redis_that_is_killed() {
    stays_over_a_killed_redis(SCRIPT, |_| true).await;
}

#[tokio::test]
async fn eventsource_parser_comes_back_when_there_is_room() {
    assert_turned_away(&comes_back_when_there_is_room(SCRIPT).await);
}

#[tokio::test]
async fn eventsource_parser_comes_back_after_a_drain_with_its_cursor() {
    let lines = comes_back_after_a_drain(SCRIPT).await;
    assert_told_to_go(&lines);
}

#[tokio::test]
async fn eventsource_parser_keeps_its_cursor_when_it_is_told_to_go_and_turned_away() {
    keeps_its_cursor(SCRIPT).await;
}

#[tokio::test]
async fn eventsource_parser_is_refused_with_a_503() {
    is_refused(SCRIPT).await;
}
