//! Stripe's own SDK for Python against the layer, over a network that fails.
//!
//! The SDK makes the idempotency keys and retries by itself. Whatever the network does, an account
//! is charged once per call.

mod provider;
mod proxy;
mod sdk;
mod watched;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use stonework_idempotency::InFlight;
use stonework_idempotency::store::MemoryStore;
use tokio::sync::Notify;

use self::provider::{Charge, Provider, Then};
use self::proxy::{Fault, Proxy, Seen};
use self::sdk::{Http, Outcome, Sdk};
use self::watched::Watched;

const BOTH: [Http; 2] = [Http::Requests, Http::Httpx];

fn first_charge() -> Charge {
    Charge { id: "ch_1".to_owned(), amount: 500 }
}

fn charged(replayed: bool) -> Outcome {
    Outcome {
        charge: Some(first_charge()),
        error: None,
        code: None,
        status: Some(200),
        replayed: replayed.then(|| "true".to_owned()),
    }
}

fn failed(error: &str, status: Option<u16>, code: Option<&str>) -> Outcome {
    Outcome {
        charge: None,
        error: Some(error.to_owned()),
        code: code.map(str::to_owned),
        status,
        replayed: None,
    }
}

/// What came back from the server for each try, and that all tries had one key, which was bare.
fn answers(proxy: &Proxy) -> Vec<Option<Seen>> {
    let tries = proxy.tries();
    let key = &tries[0].key;
    assert!(!key.is_empty() && !key.contains('"'), "{key} is not bare");
    assert!(tries.iter().all(|t| t.key == *key), "{tries:?}");
    tries.into_iter().map(|t| t.answer).collect()
}

fn seen(status: u16) -> Option<Seen> {
    Some(Seen { status, replayed: false, retry_after: None })
}

fn replay() -> Option<Seen> {
    Some(Seen { status: 200, replayed: true, retry_after: None })
}

fn in_flight() -> Option<Seen> {
    Some(Seen { status: 409, replayed: false, retry_after: Some("1".to_owned()) })
}

/// Runs the SDK, and the test's own part beside it, which must be through first.
async fn beside<T>(sdk: impl Future<Output = T>, part: impl Future<Output = ()>) -> T
where
    T: std::fmt::Debug,
{
    let mut sdk = pin!(sdk);
    tokio::select! {
        outcome = &mut sdk => panic!("the SDK ended too early: {outcome:?}"),
        () = part => {}
    }
    sdk.await
}

#[tokio::test]
async fn without_faults_a_charge_is_made_and_not_a_replay() {
    for http in BOTH {
        let provider = Provider::start(Then::Answer).await;
        let proxy = Proxy::start(provider.address, []).await;
        assert_eq!(Sdk::new(proxy.address, http).charge().await, charged(false));
        assert_eq!(answers(&proxy), [seen(200)]);
        assert_eq!(provider.ledger("alice"), [first_charge()]);
    }
}

#[tokio::test]
async fn a_connection_lost_before_the_request_arrives() {
    for http in BOTH {
        let provider = Provider::start(Then::Answer).await;
        let faults = [Fault::BeforeRequest, Fault::BeforeRequest];
        let proxy = Proxy::start(provider.address, faults).await;
        assert_eq!(Sdk::new(proxy.address, http).charge().await, charged(false));
        assert_eq!(answers(&proxy), [None, None, seen(200)]);
        assert_eq!(provider.requests(), 1);
        assert_eq!(provider.ledger("alice"), [first_charge()]);
    }
}

#[tokio::test]
async fn a_connection_lost_in_the_middle_of_the_request() {
    for http in BOTH {
        let provider = Provider::start(Then::Answer).await;
        let faults = [Fault::InRequest, Fault::InRequest];
        let proxy = Proxy::start(provider.address, faults).await;
        assert_eq!(Sdk::new(proxy.address, http).charge().await, charged(false));
        assert_eq!(answers(&proxy), [None, None, seen(200)]);
        assert_eq!(provider.requests(), 3, "the beginnings of requests reached the layer");
        assert_eq!(provider.ledger("alice"), [first_charge()]);
    }
}

#[tokio::test]
async fn a_connection_lost_before_the_answer_arrives() {
    for http in BOTH {
        let provider = Provider::start(Then::Answer).await;
        let faults = [Fault::BeforeAnswer, Fault::BeforeAnswer];
        let proxy = Proxy::start(provider.address, faults).await;
        assert_eq!(Sdk::new(proxy.address, http).charge().await, charged(true));
        assert_eq!(answers(&proxy), [seen(200), replay(), replay()]);
        assert_eq!(provider.ledger("alice"), [first_charge()]);
    }
}

#[tokio::test]
async fn a_connection_lost_in_the_middle_of_the_answer() {
    for fault in [Fault::InAnswerHead, Fault::InAnswerBody] {
        let provider = Provider::start(Then::Answer).await;
        let proxy = Proxy::start(provider.address, [fault.clone(), fault]).await;
        assert_eq!(Sdk::new(proxy.address, Http::Httpx).charge().await, charged(true));
        assert_eq!(answers(&proxy), [seen(200), replay(), replay()]);
        assert_eq!(provider.ledger("alice"), [first_charge()]);
    }
}

/// Over requests, its default, the SDK does not retry an answer that broke off: `http.client` takes
/// half a head for a whole one, and requests' `ChunkedEncodingError` is no `ConnectionError`. So it
/// is for the caller to call again, with a key of its own, perhaps from a new process.
#[tokio::test]
async fn a_caller_can_do_what_the_sdk_does_not_and_retry_half_an_answer() {
    for (fault, error) in [
        (Fault::InAnswerHead, failed("APIError", Some(200), None)),
        (Fault::InAnswerBody, failed("APIConnectionError", None, None)),
    ] {
        let provider = Provider::start(Then::Answer).await;
        let proxy = Proxy::start(provider.address, [fault.clone(), fault]).await;
        let sdk = Sdk::new(proxy.address, Http::Requests).with("--key", "order-17");
        assert_eq!(sdk.charge().await, error);
        assert_eq!(sdk.charge().await, error);
        assert_eq!(sdk.charge().await, charged(true));
        assert_eq!(answers(&proxy), [seen(200), replay(), replay()]);
        assert_eq!(provider.ledger("alice"), [first_charge()]);
    }
}

#[tokio::test]
async fn a_connection_lost_while_the_handler_runs_and_the_retry_is_told_to_come_back() {
    for http in BOTH {
        let provider = Provider::start(Then::FirstAnswerAtGate).await;
        let release = Arc::new(Notify::new());
        let faults =
            [Fault::WhileRunning(provider.charged()), Fault::AnswerHeld(Arc::clone(&release))];
        let proxy = Proxy::start(provider.address, faults).await;
        let sdk = Sdk::new(proxy.address, http);
        let part = async {
            proxy.wait_for_tries(2).await;
            assert_eq!(answers(&proxy), [None, in_flight()]);
            provider.open_gate();
            provider.tracker.drained().await;
            release.notify_one();
        };
        assert_eq!(beside(sdk.charge(), part).await, charged(true));
        assert_eq!(answers(&proxy), [None, in_flight(), replay()]);
        assert_eq!(provider.ledger("alice"), [first_charge()]);
    }
}

#[tokio::test]
async fn a_connection_lost_while_the_handler_runs_and_the_retry_waits_for_the_answer() {
    for http in BOTH {
        let waiting = Arc::new(Notify::new());
        let store = Watched { store: MemoryStore::new(), waiting: Arc::clone(&waiting) };
        let in_flight = InFlight::Wait { up_to: Duration::from_secs(600) };
        let provider = Provider::start_with(Then::FirstAnswerAtGate, |layer| {
            layer.in_flight(in_flight).store(store)
        });
        let provider = provider.await;
        let faults = [Fault::WhileRunning(provider.charged())];
        let proxy = Proxy::start(provider.address, faults).await;
        let sdk = Sdk::new(proxy.address, http);
        let part = async {
            waiting.notified().await;
            provider.open_gate();
        };
        assert_eq!(beside(sdk.charge(), part).await, charged(true));
        assert_eq!(answers(&proxy), [None, replay()]);
        assert_eq!(provider.ledger("alice"), [first_charge()]);
    }
}

/// The first two retries go away as well, while they wait.
#[tokio::test]
async fn retries_that_give_up_waiting_leave_the_run_alone() {
    let waiting = Arc::new(Notify::new());
    let store = Watched { store: MemoryStore::new(), waiting: Arc::clone(&waiting) };
    let in_flight = InFlight::Wait { up_to: Duration::from_secs(600) };
    let provider = Provider::start_with(Then::FirstAnswerAtGate, |layer| {
        layer.in_flight(in_flight).store(store)
    });
    let provider = provider.await;
    let cut = provider.charged();
    let faults = vec![Fault::WhileRunning(Arc::clone(&cut)); 3];
    let proxy = Proxy::start(provider.address, faults).await;
    let sdk = Sdk::new(proxy.address, Http::Requests);
    let part = async {
        for tries in [2, 3] {
            waiting.notified().await;
            cut.add_permits(1);
            proxy.wait_for_tries(tries).await;
        }
        assert_eq!(answers(&proxy), [None, None, None]);
        provider.open_gate();
    };
    assert_eq!(beside(sdk.charge(), part).await, charged(true));
    assert_eq!(answers(&proxy), [None, None, None, replay()]);
    assert_eq!(provider.ledger("alice"), [first_charge()]);
}

/// The default reply is no JSON that the SDK knows; it goes by the status.
#[tokio::test]
async fn after_a_panic_no_retry_charges_again() {
    for http in BOTH {
        let provider = Provider::start_with(Then::Panic, |layer| layer).await;
        let proxy = Proxy::start(provider.address, []).await;
        let sdk = Sdk::new(proxy.address, http).with("--retries", "3");
        assert_eq!(sdk.charge().await, failed("APIError", Some(409), None));
        assert_eq!(answers(&proxy), [seen(500), seen(409), seen(409), seen(409)]);
        assert_eq!(provider.ledger("alice"), [first_charge()]);
    }
}

#[tokio::test]
async fn after_a_panic_a_reply_in_the_words_of_stripe_stops_the_retries() {
    for http in BOTH {
        let provider = Provider::start(Then::Panic).await;
        let proxy = Proxy::start(provider.address, []).await;
        let outcome = Sdk::new(proxy.address, http).charge().await;
        assert_eq!(outcome, failed("APIError", Some(409), Some("outcome_unknown")));
        assert_eq!(answers(&proxy), [seen(500), seen(409)]);
        assert_eq!(provider.ledger("alice"), [first_charge()]);
    }
}

#[tokio::test]
async fn a_caller_that_does_not_retry_sees_the_panic_as_a_500() {
    let provider = Provider::start(Then::Panic).await;
    let proxy = Proxy::start(provider.address, []).await;
    let sdk = Sdk::new(proxy.address, Http::Requests).with("--retries", "0");
    assert_eq!(sdk.charge().await, failed("APIError", Some(500), None));
    assert_eq!(provider.ledger("alice"), [first_charge()]);
}

#[tokio::test]
async fn a_key_that_is_used_for_another_charge_raises_the_sdks_own_error() {
    let provider = Provider::start(Then::Answer).await;
    let sdk = Sdk::new(provider.address, Http::Requests).with("--key", "order-17");
    assert_eq!(sdk.charge().await, charged(false));
    let outcome = sdk.with("--amount", "501").charge().await;
    assert_eq!(outcome, failed("IdempotencyError", Some(400), None));
    assert_eq!(provider.ledger("alice"), [first_charge()]);
}

#[tokio::test]
async fn a_key_belongs_to_an_account_and_outlives_its_api_key() {
    let provider = Provider::start(Then::Answer).await;
    let sdk = Sdk::new(provider.address, Http::Requests).with("--key", "order-17");
    assert_eq!(sdk.charge().await, charged(false));
    assert_eq!(sdk.clone().with("--api-key", "sk_test_alice_2").charge().await, charged(true));
    let other = sdk.with("--api-key", "sk_test_bob_1").charge().await;
    let second = Charge { id: "ch_2".to_owned(), amount: 500 };
    assert_eq!(other, Outcome { charge: Some(second.clone()), ..charged(false) });
    assert_eq!(provider.ledger("alice"), [first_charge()]);
    assert_eq!(provider.ledger("bob"), [second]);
}

/// Every combination of the faults, each followed by a try that passes.
#[tokio::test]
async fn many_charges_over_a_bad_network_are_made_once_each() {
    let all = [
        Fault::BeforeRequest,
        Fault::InRequest,
        Fault::BeforeAnswer,
        Fault::InAnswerHead,
        Fault::InAnswerBody,
    ];
    let calls = 1_usize << all.len();
    let faults_of = |call: usize| (0..all.len()).filter(move |fault| call >> fault & 1 == 1);
    let faults = (0..calls)
        .flat_map(|call| faults_of(call).map(|fault| all[fault].clone()).chain([Fault::Pass]));
    let provider = Provider::start(Then::Answer).await;
    let proxy = Proxy::start(provider.address, faults).await;
    let sdk = Sdk::new(proxy.address, Http::Httpx).with("--charges", &calls.to_string());
    let outcomes = sdk.run().await;

    let ledger = provider.ledger("alice");
    assert_eq!(ledger.len(), calls);
    for (call, charge) in ledger.into_iter().enumerate() {
        assert_eq!(charge.amount, 500 + call as u64);
        let lost_an_answer = faults_of(call).any(|fault| fault >= 2);
        let expected = Outcome { charge: Some(charge), ..charged(lost_an_answer) };
        assert_eq!(outcomes[call], expected);
    }
}
