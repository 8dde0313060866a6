//! What a retry gets.

use tonic::{Code, Request};
use tonic_types::StatusExt;

use super::server::{balance, call, client, keyed, left, reason, rent, service};
use crate::generated::v2::TransferRequest;
use crate::support::in_time;

#[tokio::test]
async fn a_retry_gets_the_answer_of_the_first_and_is_told_so() {
    let service = service(&[]);
    let mut client = client(&service).await;
    let first = client.transfer(keyed(rent(100), "k")).await.expect("a receipt");
    assert!(!first.metadata().contains_key("idempotent-replayed"));
    assert_eq!(left(first.get_ref()), 900);
    let retry = client.transfer(keyed(rent(100), "k")).await.expect("the same");
    assert_eq!(retry.metadata().get("idempotent-replayed").expect("so marked"), "true");
    assert_eq!(retry.get_ref(), first.get_ref());
    assert_eq!(balance(&service).await, 900);
}

#[tokio::test]
async fn without_a_key_each_call_is_another() {
    let service = service(&[]);
    let mut client = client(&service).await;
    for expected in [900, 800] {
        let receipt = client.transfer(call(rent(100))).await.expect("a receipt");
        assert_eq!(left(receipt.get_ref()), expected);
    }
}

#[tokio::test]
async fn calls_that_race_under_one_key_are_one_transfer() {
    let service = service(&[]);
    let client = client(&service).await;
    let calls = (0..20).map(|_| {
        let mut client = client.clone();
        tokio::spawn(async move {
            loop {
                match client.transfer(keyed(rent(100), "k")).await {
                    // It waits for the one that is under way, and not for ever.
                    Err(status) if reason(&status) == "IN_FLIGHT" => {}
                    answer => return answer,
                }
            }
        })
    });
    let mut ids = Vec::new();
    for call in calls.collect::<Vec<_>>() {
        ids.push(
            in_time("an answer", call).await.expect("it ends").expect("a receipt").into_inner().id,
        );
    }
    ids.dedup();
    assert_eq!(ids.len(), 1, "{ids:?}");
    assert_eq!(balance(&service).await, 900);
}

/// Of the ledger, after it was asked.
#[tokio::test]
async fn a_refusal_is_replayed_with_its_code_and_its_details() {
    let service = service(&[]);
    let mut client = client(&service).await;
    for replayed in [false, true] {
        let status = client.transfer(keyed(rent(5_000), "k")).await.expect_err("too much");
        assert_eq!(
            (status.code(), status.message()),
            (Code::FailedPrecondition, "insufficient funds")
        );
        let info = status.get_error_details().error_info().expect("details").clone();
        assert_eq!((&*info.reason, &*info.metadata["balance"]), ("INSUFFICIENT_FUNDS", "1000"));
        assert_eq!(status.metadata().contains_key("idempotent-replayed"), replayed);
    }
}

/// Before the ledger was asked.
#[tokio::test]
async fn what_is_not_understood_leaves_its_key_unused() {
    let service = service(&[]);
    let mut client = client(&service).await;
    for (wrong, field) in [
        (rent(0), "amount"),
        (TransferRequest { amount: None, ..rent(1) }, "amount"),
        (TransferRequest { to: String::new(), ..rent(1) }, "to"),
        (TransferRequest { to: "x".repeat(65), ..rent(1) }, "to"),
        (euros(1), "amount.currency"),
    ] {
        let status = client.transfer(keyed(wrong, "k")).await.expect_err("no order");
        assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
        let details = status.get_error_details();
        assert_eq!(details.bad_request().expect("details").field_violations[0].field, field);
    }
    assert!(client.transfer(keyed(rent(1), "k")).await.is_ok());
}

fn euros(value: u64) -> TransferRequest {
    let mut order = rent(value);
    order.amount.as_mut().expect("an amount").currency = "EUR".to_owned();
    order
}

#[tokio::test]
async fn a_key_is_good_for_one_message_of_one_account() {
    let service = service(&[]);
    let mut client = client(&service).await;
    client.transfer(keyed(rent(1), "k")).await.expect("a receipt");
    let status = client.transfer(keyed(rent(2), "k")).await.expect_err("another message");
    assert_eq!(status.code(), Code::FailedPrecondition, "{status:?}");
    assert_eq!(reason(&status), "KEY_REUSED");
    let mut by_bob: Request<_> = keyed(rent(2), "k");
    by_bob.metadata_mut().insert("authorization", "Bearer bob".parse().expect("metadata"));
    assert_eq!(left(client.transfer(by_bob).await.expect("his own").get_ref()), 998);
}

/// A run outlives its client: who calls again finds what has become of it.
#[tokio::test]
async fn a_client_that_leaves_cancels_nothing() {
    let service = service(&[]);
    let first = client(&service).await;
    let mut leaving = first.clone();
    let call = tokio::spawn(async move { leaving.transfer(keyed(rent(100), "k")).await });
    tokio::task::yield_now().await;
    call.abort();
    let mut second = first;
    let receipt = second.transfer(keyed(rent(100), "k")).await.expect("a receipt");
    assert_eq!(left(receipt.get_ref()), 900, "once, whether it had arrived or not");
    assert_eq!(balance(&service).await, 900);
}
