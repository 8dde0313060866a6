//! What the layers say no to, as gRPC tells it.

use std::time::Duration;

use tonic::{Code, Request};
use tonic_types::StatusExt;

use super::server::{call, channel, client, keyed, reason, rent, service, with};
use crate::generated::v1;
use crate::generated::v1::payments_client::PaymentsClient as OldClient;
use crate::support::in_time;

#[tokio::test]
async fn who_calls_too_often_is_told_when_to_come_back() {
    let service = service(&[("RATE_LIMIT", "1/h")]);
    let mut client = client(&service).await;
    client.transfer(call(rent(1))).await.expect("the first");
    let status = client.transfer(keyed(rent(1), "k")).await.expect_err("the second");
    assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
    let details = status.get_error_details();
    let wait = details.retry_info().expect("when").retry_delay.expect("a delay");
    assert!(wait > Duration::ZERO && wait <= Duration::from_secs(3_600), "{wait:?}");
    assert_eq!(details.quota_failure().expect("of what").violations[0].subject, "calls");
    let pushback = status.metadata().get("grpc-retry-pushback-ms").expect("for retry policies");
    let pushback: u64 = pushback.to_str().expect("text").parse().expect("a number");
    assert!(u128::from(pushback) >= wait.as_millis(), "{pushback} {wait:?}");
}

#[tokio::test]
async fn strangers_are_turned_away_and_count() {
    let service = service(&[("RATE_LIMIT", "2/h")]);
    let mut client = client(&service).await;
    for authorization in ["Basic YQ==", "Bearer a b"] {
        let mut request = Request::new(rent(1));
        request.metadata_mut().insert("authorization", authorization.parse().expect("metadata"));
        let status = client.transfer(request).await.expect_err("nobody");
        assert_eq!(status.code(), Code::Unauthenticated, "{status:?}");
    }
    let status = client.transfer(Request::new(rent(1))).await.expect_err("the third");
    assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
    assert!(client.transfer(call(rent(1))).await.is_ok(), "alice is another");
}

#[tokio::test]
async fn an_old_version_is_served_and_told_of_its_end() {
    let service = service(&[]);
    let mut old = OldClient::new(channel(&service).await);
    let order = v1::TransferRequest { to: "bob".to_owned(), amount: 100 };
    let answer = old.transfer(keyed(order.clone(), "k")).await.expect("a receipt");
    assert_eq!((answer.get_ref().amount, answer.get_ref().balance), (100, 900));
    for (name, value) in [
        ("api-version", "v1"),
        ("deprecation", "@1788220800"),
        ("sunset", "Mon, 01 Sep 2036 00:00:00 GMT"),
    ] {
        assert_eq!(answer.metadata().get(name).expect(name), value);
    }
    let retry = old.transfer(keyed(order, "k")).await.expect("the same");
    assert!(retry.metadata().contains_key("idempotent-replayed"));
    // A key of one version says nothing in another.
    let status = client(&service).await.transfer(keyed(rent(100), "k")).await.expect_err("v2");
    assert_eq!(status.code(), Code::FailedPrecondition, "{status:?}");
}

#[tokio::test]
async fn a_version_is_named_by_the_package_and_by_metadata_only_if_it_is_the_same() {
    let service = service(&[]);
    let mut client = client(&service).await;
    for same in ["2", "v2"] {
        let answer = client.transfer(with(rent(1), &[("api-version", same)])).await;
        assert_eq!(answer.expect("a receipt").metadata().get("api-version").expect("it"), "v2");
    }
    let status = client.transfer(with(rent(1), &[("api-version", "1")])).await.expect_err("two");
    assert_eq!((status.code(), &*reason(&status)), (Code::InvalidArgument, "VERSION_AMBIGUOUS"));
    let status = client.transfer(with(rent(1), &[("api-version", "2.0")])).await.expect_err("none");
    assert_eq!((status.code(), &*reason(&status)), (Code::InvalidArgument, "VERSION_MALFORMED"));
}

/// By the path, as a client that was made of a newer protocol would call it.
#[tokio::test]
async fn what_there_is_not_is_unimplemented() {
    let service = service(&[]);
    let channel = channel(&service).await;
    let mut client = tonic::client::Grpc::new(channel);
    for (path, expected) in [
        ("/stonework.payments.v3.Payments/Transfer", "VERSION_UNSUPPORTED"),
        ("/stonework.payments.v2.Payments/Refund", ""),
        ("/stonework.payouts.v2.Payouts/Pay", ""),
    ] {
        client.ready().await.expect("a connection");
        let codec = tonic_prost::ProstCodec::<_, crate::generated::v2::Receipt>::default();
        let status = client.unary(call(rent(1)), path.parse().expect("a path"), codec).await;
        let status = status.expect_err("no method");
        assert_eq!((status.code(), &*reason(&status)), (Code::Unimplemented, expected), "{path}");
    }
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused_unread() {
    let service = service(&[]);
    let mut client = client(&service).await;
    let mut order = rent(1);
    order.to = "x".repeat(20 * 1024);
    for key in [None, Some("k")] {
        let request = key.map_or_else(|| call(order.clone()), |key| keyed(order.clone(), key));
        let status = in_time("it is refused", client.transfer(request)).await.expect_err("large");
        let expected = if key.is_some() { Code::ResourceExhausted } else { Code::OutOfRange };
        assert_eq!(status.code(), expected, "{status:?}");
    }
}
