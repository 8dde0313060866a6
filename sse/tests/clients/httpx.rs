//! httpx-sse, as its documentation says to bring it back.
//!
//! Every empty line is an event for it once there was an id: what comes without data is one with empty data. So it tells
//! of checkpoints, of times to come back, and of comments with an empty line after them. Its callers skip what has
//! no data. Otherwise it reads as browsers do, but for a BOM, which we never send.

use serde_json::json;

use super::reads::{
    assert_told_to_go, assert_turned_away, comes_back_after_a_drain, comes_back_from_anywhere,
    comes_back_when_there_is_room, is_refused, keeps_its_cursor, reads, stays_over_a_killed_redis,
    told,
};
use crate::server::{CHECKPOINT, Told, all, event};

const SCRIPT: &str = "httpx_events.py";

/// Not told apart from an event whose data is empty.
fn is_event(told: &Told) -> bool {
    told.event_type != "message" || !told.data.is_empty()
}

#[tokio::test]
async fn httpx_sse_reads_all_kinds_of_frames_and_tells_of_some_that_are_no_event() {
    let lines = reads(SCRIPT).await;
    let mut expected = all();
    // An empty comment, and the checkpoint.
    expected.insert(7, event("message", "", "6"));
    expected.insert(8, event("message", "", CHECKPOINT));
    // A time to come back, when there was no id yet. The comment after it is nothing then.
    expected.insert(0, event("message", "", ""));
    assert_eq!(told(&lines), expected);
    assert_eq!(lines[0]["retry"], 1_234);
}

#[tokio::test]
async fn httpx_sse_is_told_of_all_events_once_or_of_a_gap() {
    comes_back_from_anywhere(SCRIPT, is_event).await;
}

#[tokio::test]
async fn httpx_sse_stays_over_a_redis_that_is_killed() {
    stays_over_a_killed_redis(SCRIPT, is_event).await;
}

#[tokio::test]
async fn httpx_sse_comes_back_when_there_is_room() {
    assert_turned_away(&comes_back_when_there_is_room(SCRIPT).await);
}

#[tokio::test]
async fn httpx_sse_comes_back_after_a_drain_with_its_cursor() {
    let lines = comes_back_after_a_drain(SCRIPT).await;
    assert_told_to_go(&lines);
    let last = lines.iter().rev().find(|line| line["type"] == "gap").unwrap();
    assert_eq!(last["data"], json!(r#"{"reason":"replaced"}"#));
}

/// Its caller takes the id of whatever comes for the last one, and of a first block that has none an empty one.
#[tokio::test]
async fn httpx_sse_keeps_its_cursor_when_it_is_told_to_go_and_turned_away() {
    keeps_its_cursor(SCRIPT).await;
}

#[tokio::test]
async fn httpx_sse_is_refused_with_a_503() {
    is_refused(SCRIPT).await;
}
