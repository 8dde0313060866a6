//! The calls that are streams.

use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::{Code, Streaming};

use super::server::{balance, call, client, keyed, patient, reason, rent, service, usd, with};
use crate::generated::v2::event::What;
use crate::generated::v2::{Event, Receipt, WatchRequest};
use crate::support::{Service, in_time};

async fn watch(service: &Service, after: &str) -> Streaming<Event> {
    let request = call(WatchRequest { after: after.to_owned() });
    client(service).await.watch(request).await.expect("a stream").into_inner()
}

async fn next(events: &mut Streaming<Event>) -> (String, What) {
    let event = in_time("an event", events.message()).await.expect("no end").expect("an event");
    (event.cursor, event.what.expect("what"))
}

async fn transfer(events: &mut Streaming<Event>) -> (String, Receipt) {
    match next(events).await {
        (cursor, What::Transfer(receipt)) => (cursor, receipt),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn transfers_are_watched_as_they_are_made_and_replays_are_none() {
    let service = service(&[]);
    let mut events = watch(&service, "").await;
    assert!(matches!(next(&mut events).await.1, What::Ready(_)));
    let mut client = client(&service).await;
    let mut made = Vec::new();
    for key in ["a", "a", "b"] {
        made.push(client.transfer(keyed(rent(1), key)).await.expect("a receipt").into_inner());
    }
    // Of others, nothing is told.
    let by_bob = with(rent(1), &[("authorization", "Bearer bob")]);
    client.transfer(by_bob).await.expect("his own");
    client.transfer(call(rent(2))).await.expect("a receipt");
    assert_eq!(transfer(&mut events).await.1, made[0]);
    assert_eq!(transfer(&mut events).await.1, made[2]);
    assert_eq!(transfer(&mut events).await.1.amount, usd(2));
}

#[tokio::test]
async fn who_comes_back_is_given_what_it_missed_or_told_of_a_gap() {
    let service = service(&[]);
    let mut events = watch(&service, "").await;
    let (begin, _) = next(&mut events).await;
    drop(events);
    let mut client = client(&service).await;
    for value in [1, 2] {
        client.transfer(call(rent(value))).await.expect("a receipt");
    }
    let mut events = watch(&service, &begin).await;
    let (first, receipt) = transfer(&mut events).await;
    assert_eq!(receipt.amount, usd(1));
    let mut events = watch(&service, &first).await;
    assert_eq!(transfer(&mut events).await.1.amount, usd(2));
    for foreign in ["0000beef.7.00000000", "what?"] {
        let mut events = watch(&service, foreign).await;
        assert!(matches!(next(&mut events).await.1, What::Gap(_)), "{foreign}");
    }
}

#[tokio::test]
async fn an_import_is_made_as_a_whole() {
    let service = service(&[]);
    let mut events = watch(&service, "").await;
    next(&mut events).await;
    let orders = tokio_stream::iter([rent(100), rent(200), rent(300)]);
    let imported = client(&service).await.import(call(orders)).await.expect("an import");
    let imported = imported.into_inner();
    assert_eq!((imported.transfers, imported.total, imported.balance), (3, usd(600), usd(400)));
    for value in [100, 200, 300] {
        assert_eq!(transfer(&mut events).await.1.amount, usd(value));
    }
}

#[tokio::test]
async fn an_import_that_fails_at_its_end_is_none() {
    let service = service(&[]);
    let mut client = client(&service).await;
    for (last, code, why) in [
        (rent(999), Code::FailedPrecondition, "INSUFFICIENT_FUNDS"),
        (rent(0), Code::InvalidArgument, ""),
    ] {
        let orders = tokio_stream::iter([rent(100), rent(200), last]);
        let status = client.import(call(orders)).await.expect_err("not covered");
        assert_eq!((status.code(), &*reason(&status)), (code, why), "{status:?}");
    }
    let status = client.import(call(tokio_stream::empty())).await.expect_err("nothing");
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    let many = tokio_stream::iter(std::iter::repeat(rent(1)));
    let status = in_time("a refusal", client.import(call(many))).await.expect_err("too many");
    assert_eq!((status.code(), &*reason(&status)), (Code::InvalidArgument, "TOO_MANY_TRANSFERS"));
    assert_eq!(balance(&service).await, 1000);
}

/// It would be charged twice, if its client took it for protected.
#[tokio::test]
async fn an_import_takes_no_key_and_other_streams_do_not_mind_one() {
    let service = service(&[]);
    let mut client = client(&service).await;
    let status = client.import(keyed(tokio_stream::iter([rent(1)]), "k")).await.expect_err("a key");
    assert_eq!((status.code(), &*reason(&status)), (Code::InvalidArgument, "KEY_NOT_TAKEN"));
    assert_eq!(balance(&service).await, 1000);
    for _ in 0..2 {
        let quotes = client.quote(keyed(tokio_stream::iter(usd(1)), "k")).await.expect("quotes");
        assert!(!quotes.metadata().contains_key("idempotent-replayed"));
    }
}

#[tokio::test]
async fn quotes_come_one_by_one() {
    let service = service(&[]);
    let (sender, receiver) = mpsc::unbounded_channel();
    let amounts = UnboundedReceiverStream::new(receiver);
    let quotes = client(&service).await.quote(call(amounts)).await.expect("quotes");
    let mut quotes = quotes.into_inner();
    for (value, is_covered, left) in [(1, true, 999), (1_000, true, 0), (1_001, false, 1_000)] {
        // Each is answered before the next one is asked.
        sender.send(usd(value).expect("money")).expect("somebody who reads it");
        let quote = in_time("a quote", quotes.message()).await.expect("no end").expect("a quote");
        let expected = (usd(value), is_covered, usd(left));
        assert_eq!((quote.amount, quote.is_covered, quote.balance), expected);
    }
    drop(sender);
    assert!(in_time("the end", quotes.next()).await.is_none());
}

#[tokio::test]
async fn a_client_has_so_many_streams_at_once_and_others_have_theirs() {
    let service = service(&[]);
    let mut client = patient(&service);
    let mut open = Vec::new();
    let status = loop {
        match client.watch(call(WatchRequest::default())).await {
            Ok(events) => open.push(events.into_inner()),
            Err(status) => break status,
        }
        assert!(open.len() <= 100, "there is no end to it");
    };
    assert_eq!((open.len(), status.code()), (100, Code::ResourceExhausted), "{status:?}");
    let by_bob = with(WatchRequest::default(), &[("authorization", "Bearer bob")]);
    client.watch(by_bob).await.expect("his own");
}

#[tokio::test]
async fn who_watches_is_told_to_go_when_the_service_ends() {
    let service = service(&[]);
    let mut events = watch(&service, "").await;
    next(&mut events).await;
    service.terminate();
    let status = in_time("the end", events.message()).await.expect_err("it ends");
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    let (code, _, errors) = service.ended().await;
    assert_eq!((code, &*errors), (Some(0), ""));
}
