//! Clients of event streams follow the transfers of payments: over a lost connection, a process that is killed, and one
//! that is told to end.

use serde_json::{Value, json};

use super::python::Script;
use crate::proxy::Proxy;
use crate::support::{RENT, Request, Service, in_time};

/// What a client was told, without what is no event.
async fn told(script: &mut Script) -> (String, Value) {
    let told = async {
        loop {
            let line: Value = script.hear().await.expect("the client goes on");
            if let Some(name @ ("transfer" | "gap")) = line["type"].as_str() {
                let data = line["data"].as_str().expect("a text");
                return (name.to_owned(), serde_json::from_str(data).expect("JSON"));
            }
        }
    };
    in_time("the client is told", told).await
}

/// Makes a transfer, of which the client is told next.
async fn pay(service: &Service, script: &mut Script) {
    let made = service.ask(&Request::transfer(RENT)).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(told(script).await, ("transfer".to_owned(), made.json));
}

fn gap() -> (String, Value) {
    ("gap".to_owned(), json!({"reason": "replaced"}))
}

async fn follows(name: &str) {
    let first = Service::start();
    let proxy = Proxy::start(first.address()).await;
    let polled = first.ask(&Request::get("/v1/events/poll").account("alice")).await;
    let start = polled.json["cursor"].as_str().expect("a cursor");
    let url = proxy.url(&format!("/v1/events?after={start}"));
    let mut script = Script::start(name, [&*url, "--header=authorization=Bearer alice"]);
    pay(&first, &mut script).await;
    proxy.cut().await;
    pay(&first, &mut script).await;

    // A transfer that only the log of the first was told of, and the end of that.
    proxy.lead_to(None);
    proxy.cut().await;
    assert_eq!(first.ask(&Request::transfer(RENT)).await.status, 201);
    drop(first);
    let second = Service::start();
    proxy.lead_to(Some(second.address()));
    assert_eq!(told(&mut script).await, gap());
    pay(&second, &mut script).await;

    let third = Service::start();
    proxy.lead_to(Some(third.address()));
    second.terminate();
    let (code, _, errors) = second.ended().await;
    assert_eq!(code, Some(0), "{errors}");
    assert!(!errors.contains("out of time"), "{errors}");
    assert_eq!(told(&mut script).await, gap());
    pay(&third, &mut script).await;
}

#[tokio::test]
async fn httpx_sse_follows() {
    follows("httpx_events.py").await;
}

#[tokio::test]
async fn sseclient_py_follows() {
    follows("sseclient_events.py").await;
}

#[tokio::test]
async fn eventsource_follows() {
    follows("eventsource_events.mjs").await;
}

#[tokio::test]
async fn eventsource_parser_follows() {
    follows("parser_events.mjs").await;
}
