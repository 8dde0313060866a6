//! The payments service as its clients meet it: the real program, over real sockets.

mod payments {
    mod limits;
}
mod support;

use serde_json::json;
use support::{RENT, Request, Service, in_time, refuses_to_start};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use uuid::Uuid;

const IN_FLIGHT: &str = "urn:stonework:idempotency:in-flight";
const KEY_MALFORMED: &str = "urn:stonework:idempotency:key-malformed";
const KEY_REUSED: &str = "urn:stonework:idempotency:key-reused";
const OUTCOME_UNKNOWN: &str = "urn:stonework:idempotency:outcome-unknown";
const INTERRUPTED: &str = "urn:stonework:idempotency:interrupted";

fn problem(slug: &str) -> String {
    format!("urn:stonework:payments:{slug}")
}

fn rent() -> Request {
    Request::transfer(RENT)
}

// Transfers.

#[tokio::test]
async fn a_transfer_is_made_and_can_be_looked_up() {
    let service = Service::start();
    let made = service.ask(&rent()).await;
    assert_eq!(made.status, 201, "{made:?}");
    let id: Uuid = made.json["id"].as_str().expect("an id").parse().expect("a UUID");
    assert_eq!(id.get_version_num(), 7);
    assert_eq!(made.json, json!({"id": id, "to": "bob", "amount": 100, "balance": 900}));
    let location = made.header("location").expect("a location");
    assert_eq!(location, format!("/v1/transfers/{id}"));

    let found = service.ask(&Request::get(location).account("alice")).await;
    assert_eq!((found.status, found.json), (200, made.json.clone()));
    let others = service.ask(&Request::get(location).account("bob")).await;
    others.assert_problem(404, &problem("unknown-transfer"));
}

#[tokio::test]
async fn only_the_caller_is_charged() {
    let service = Service::start();
    assert_eq!(service.account("alice").await, (1000, 0));
    service.ask(&rent()).await;
    service.ask(&rent()).await;
    assert_eq!(service.account("alice").await, (800, 2), "no key, no protection");
    assert_eq!(service.account("bob").await, (1000, 0), "`to` is a label");
}

#[tokio::test]
async fn an_account_can_spend_all_it_has_and_no_more() {
    let service = Service::start();
    let all = service.ask(&Request::transfer(r#"{"to":"bob","amount":1000}"#)).await;
    assert_eq!((all.status, &all.json["balance"]), (201, &json!(0)));
    let more = service.ask(&Request::transfer(r#"{"to":"bob","amount":1}"#)).await;
    more.assert_problem(402, &problem("insufficient-funds"));
    assert_eq!(more.json["balance"], 0);
    let lots = format!(r#"{{"to":"bob","amount":{}}}"#, u64::MAX);
    let lots = service.ask(&Request::transfer(&lots)).await;
    lots.assert_problem(402, &problem("insufficient-funds"));
    assert_eq!(service.account("alice").await, (0, 1));
}

#[tokio::test]
async fn an_order_must_make_sense() {
    let service = Service::start();
    let long = format!(r#"{{"to":"{}","amount":1}}"#, "x".repeat(65));
    for body in [
        r#"{"to":"bob","amount":0}"#,
        r#"{"to":"bob","amount":-1}"#,
        r#"{"to":"bob","amount":1.5}"#,
        r#"{"to":"bob","amount":"1"}"#,
        r#"{"to":"bob","amount":1e30}"#,
        r#"{"to":"bob","amount":18446744073709551616}"#,
        r#"{"to":"bob","amount":null}"#,
        r#"{"to":"bob"}"#,
        r#"{"amount":1}"#,
        r#"{"to":"","amount":1}"#,
        r#"{"to":7,"amount":1}"#,
        "[]",
        "null",
        &long,
    ] {
        let reply = service.ask(&Request::transfer(body)).await;
        reply.assert_problem(422, &problem("invalid-transfer"));
    }
    let reply = service.ask(&Request::transfer("")).await;
    reply.assert_problem(400, &problem("malformed-json"));
    for body in ["{", r#"{"to":"bob","amount":1"#, r#"{"to":"bob","amount":01}"#, "bob"] {
        let reply = service.ask(&Request::transfer(body)).await;
        reply.assert_problem(400, "urn:stonework:versioning:body-malformed");
    }
    assert_eq!(service.account("alice").await, (1000, 0));
}

#[tokio::test]
async fn a_body_must_be_json_and_small() {
    let service = Service::start();
    let post = || Request::new("POST", "/v1/transfers").account("alice");
    let reply = service.ask(&post().body(RENT)).await;
    reply.assert_problem(415, &problem("wrong-content-type"));
    let reply = service.ask(&post().header("content-type", "text/plain").body(RENT)).await;
    reply.assert_problem(415, &problem("wrong-content-type"));

    let large = format!(r#"{{"to":"bob","amount":1{}}}"#, " ".repeat(16 * 1024));
    let reply = service.ask(&Request::transfer(&large)).await;
    reply.assert_problem(413, "urn:stonework:versioning:body-too-large");
    let reply = service.ask(&Request::transfer(&large).key("k")).await;
    reply.assert_problem(413, "urn:stonework:idempotency:body-too-large");
}

#[tokio::test]
async fn what_is_not_there_is_a_problem_too() {
    let service = Service::start();
    for path in ["/v1", "/v1/transfers/", "/v1/account/x", "/v1/nothing?x=1"] {
        let reply = service.ask(&Request::get(path).account("alice")).await;
        reply.assert_problem(404, &problem("unknown-route"));
    }
    let nobody = Uuid::nil().to_string();
    for id in ["1", "%ff", "..", &nobody] {
        let path = format!("/v1/transfers/{id}");
        let reply = service.ask(&Request::get(&path).account("alice")).await;
        reply.assert_problem(404, &problem("unknown-transfer"));
    }
    for (method, path, allowed) in [
        ("DELETE", "/v1/transfers", "POST,GET,HEAD"),
        ("DELETE", "/v1/transfers/1", "GET,HEAD"),
        ("POST", "/v1/account", "GET,HEAD"),
    ] {
        let reply = service.ask(&Request::new(method, path).account("alice")).await;
        reply.assert_problem(405, &problem("wrong-method"));
        assert_eq!(reply.header("allow"), Some(allowed), "{method} {path}");
    }
}

#[tokio::test]
async fn strangers_are_turned_away() {
    let service = Service::start();
    let long = format!("Bearer {}", "a".repeat(65));
    let strangers = ["Bearer", "Bearer a.b", "Bearer a b", "Basic YTpi", "alice", &long];
    let mut requests: Vec<_> = strangers
        .iter()
        .map(|value| Request::get("/v1/account").header("authorization", value))
        .collect();
    requests.push(Request::get("/v1/account"));
    requests.push(Request::get("/v1/nothing"));
    requests.push(Request::get("/v1/account").account("a").header("authorization", "Bearer b"));
    let json = Request::new("POST", "/v1/transfers").header("content-type", "application/json");
    requests.push(json.clone().body(RENT));
    requests.push(json.clone().body(RENT).key("k"));
    // Who is asking comes before what is asked: a stranger does not hear about keys.
    requests.push(json.body(RENT).key(""));
    for request in requests {
        let reply = service.ask(&request).await;
        reply.assert_problem(401, &problem("unauthenticated"));
        assert_eq!(reply.header("www-authenticate"), Some("Bearer"), "{request:?}");
    }
    let longest = "aZ09_-".repeat(10) + "abcd";
    assert_eq!(service.account(&longest).await, (1000, 0));
}

// Keys.

#[tokio::test]
async fn a_retry_gets_the_first_answer() {
    let service = Service::start();
    let first = service.ask(&rent().key("k")).await;
    assert_eq!((first.status, first.is_replay()), (201, false), "{first:?}");
    for _ in 0..3 {
        let retry = service.ask(&rent().key("k")).await;
        assert!(retry.is_replay(), "{retry:?}");
        assert_eq!((retry.status, &retry.body), (201, &first.body));
        assert_eq!(retry.header("location"), first.header("location"));
        assert_eq!(retry.header("content-type"), first.header("content-type"));
    }
    assert_eq!(service.account("alice").await, (900, 1));
}

#[tokio::test]
async fn a_quoted_and_a_bare_key_are_the_same() {
    let service = Service::start();
    service.ask(&rent().key("k-1")).await;
    assert!(service.ask(&rent().key(r#""k-1""#)).await.is_replay());
    assert!(service.ask(&rent().key(r#""k-1";v=2"#)).await.is_replay());
    assert_eq!(service.account("alice").await, (900, 1));
}

#[tokio::test]
async fn keys_of_two_accounts_never_meet() {
    let service = Service::start();
    let alices = service.ask(&rent().key("k")).await;
    let bobs = service.ask(&rent().account("bob").key("k")).await;
    assert_eq!((alices.status, bobs.status), (201, 201));
    assert!(!bobs.is_replay());
    assert_ne!(alices.json["id"], bobs.json["id"]);
    assert_eq!(service.account("alice").await, (900, 1));
    assert_eq!(service.account("bob").await, (900, 1));
}

#[tokio::test]
async fn a_key_is_for_one_request() {
    let service = Service::start();
    service.ask(&rent().key("k")).await;
    let other_body = Request::transfer(r#"{"to":"bob","amount":101}"#);
    let other_path = Request::new("POST", "/v1/elsewhere")
        .account("alice")
        .header("content-type", "application/json")
        .body(RENT);
    for other in [other_body, other_path] {
        let reply = service.ask(&other.key("k")).await;
        reply.assert_problem(422, KEY_REUSED);
        assert_eq!(reply.header("retry-after"), None);
    }
    assert_eq!(service.account("alice").await, (900, 1));
}

#[tokio::test]
async fn a_malformed_key_is_refused() {
    let service = Service::start();
    let long = "k".repeat(256);
    for key in ["", r#""""#, r#""k"#, "a, b", "a b", "é", &long] {
        let reply = service.ask(&rent().key(key)).await;
        reply.assert_problem(400, KEY_MALFORMED);
    }
    let reply = service.ask(&rent().key("a").key("b")).await;
    reply.assert_problem(400, KEY_MALFORMED);
    assert_eq!(service.account("alice").await, (1000, 0));
    assert_eq!(service.ask(&rent().key(&long[1..])).await.status, 201);
}

#[tokio::test]
async fn a_refused_order_leaves_its_key_unused() {
    let service = Service::start();
    for body in ["{", r#"{"to":"bob","amount":0}"#] {
        let reply = service.ask(&Request::transfer(body).key("k")).await;
        assert!(matches!(reply.status, 400 | 422), "{reply:?}");
    }
    let mended = service.ask(&rent().key("k")).await;
    assert_eq!((mended.status, mended.is_replay()), (201, false), "{mended:?}");
}

#[tokio::test]
async fn insufficient_funds_are_an_answer_like_others() {
    let service = Service::start();
    let much = || Request::transfer(r#"{"to":"bob","amount":1001}"#).key("k");
    let first = service.ask(&much()).await;
    first.assert_problem(402, &problem("insufficient-funds"));
    let retry = service.ask(&much()).await;
    retry.assert_problem(402, &problem("insufficient-funds"));
    assert!(retry.is_replay(), "{retry:?}");
    assert_eq!(retry.body, first.body);
}

#[tokio::test]
async fn a_retry_during_the_first_run_is_told_to_wait() {
    let service = Service::start();
    // The answer comes long after the end of this test.
    let _first = service.begin(&rent().key("k").header("x-demo-delay-ms", "60000")).await;
    service.until_transfers("alice", 1).await;

    let retry = service.ask(&rent().key("k")).await;
    retry.assert_problem(409, IN_FLIGHT);
    let wait: u64 = retry.header("retry-after").expect("a pause").parse().expect("seconds");
    assert!(wait >= 1);
    // Another request is told that it is another one, whether or not the first has ended.
    let other = service.ask(&Request::transfer(r#"{"to":"eve","amount":1}"#).key("k")).await;
    other.assert_problem(422, KEY_REUSED);
    assert_eq!(service.account("alice").await, (900, 1));
}

// The three failures that a key is for.

#[tokio::test]
async fn failure_one_the_request_never_arrived() {
    let service = Service::start();
    let request = rent().key("k").to_bytes();
    let mut socket = service.connect().await;
    socket.write_all(&request[..request.len() - 1]).await.expect("send all but a byte");
    socket.shutdown().await.expect("close our side");
    // The service has read to the end and let go of the connection, with an answer or without.
    let mut rest = Vec::new();
    let _ = in_time("the service lets go", socket.read_to_end(&mut rest)).await;
    assert!(!rest.starts_with(b"HTTP/1.1 2"), "{}", String::from_utf8_lossy(&rest));
    assert_eq!(service.account("alice").await, (1000, 0));

    let retry = service.ask(&rent().key("k")).await;
    assert_eq!((retry.status, retry.is_replay()), (201, false), "{retry:?}");
    assert_eq!(service.account("alice").await, (900, 1));
}

#[tokio::test]
async fn failure_two_the_handler_was_interrupted() {
    for (crash, left) in [("before", (1000, 0)), ("after", (900, 1))] {
        let service = Service::start();
        let first = service.ask(&rent().key("k").header("x-demo-crash", crash)).await;
        first.assert_problem(500, INTERRUPTED);
        assert_eq!(service.account("alice").await, left, "{crash}");

        let retry = service.ask(&rent().key("k")).await;
        retry.assert_problem(409, OUTCOME_UNKNOWN);
        assert_eq!(retry.header("retry-after"), None, "trying again changes nothing");
        assert_eq!(service.account("alice").await, left, "{crash}");
        // The other way out: look what happened, then take a new key.
        assert_eq!(service.ask(&rent().key("l")).await.status, 201);
    }
}

#[tokio::test]
async fn failure_three_the_response_was_lost() {
    let service = Service::start();
    let socket = service.begin(&rent().key("k").header("x-demo-delay-ms", "300")).await;
    service.until_transfers("alice", 1).await;
    drop(socket);

    let retry = loop {
        let retry = service.ask(&rent().key("k")).await;
        if retry.status != 409 {
            break retry;
        }
        retry.assert_problem(409, IN_FLIGHT);
    };
    assert!(retry.is_replay(), "{retry:?}");
    assert_eq!((retry.status, &retry.json["balance"]), (201, &json!(900)));
    assert_eq!(service.account("alice").await, (900, 1));
}

// Failures to order.

#[tokio::test]
async fn a_crash_without_a_key_is_answered_too() {
    let service = Service::start();
    for (crash, left) in [("before", (1000, 0)), ("after", (900, 1))] {
        let reply = service.ask(&rent().header("x-demo-crash", crash)).await;
        reply.assert_problem(500, &problem("interrupted"));
        assert_eq!(service.account("alice").await, left, "{crash}");
    }
}

#[tokio::test]
async fn an_unclear_order_for_a_failure_is_refused() {
    let service = Service::start();
    for (name, value) in [("x-demo-crash", "maybe"), ("x-demo-delay-ms", "1s")] {
        let reply = service.ask(&rent().header(name, value)).await;
        reply.assert_problem(400, &problem("demo-header"));
    }
    assert_eq!(service.account("alice").await, (1000, 0));
}

#[tokio::test]
async fn demo_0_ignores_orders_for_failures() {
    let service = Service::with(&[("DEMO", "0")]);
    for crash in ["before", "after", "maybe"] {
        let reply = service.ask(&rent().header("x-demo-crash", crash)).await;
        assert_eq!(reply.status, 201, "{reply:?}");
    }
    // An answer within the deadline of the tests, which is half of this.
    let reply = service.ask(&rent().header("x-demo-delay-ms", "60000")).await;
    assert_eq!(reply.status, 201, "{reply:?}");
}

// The program.

#[tokio::test]
async fn it_ends_when_told_and_says_nothing_more() {
    let service = Service::start();
    // An idle connection does not keep it.
    let _idle = service.connect().await;
    service.terminate();
    let (code, rest, errors) = service.ended().await;
    assert_eq!((code, &*rest), (Some(0), ""), "{errors}");
}

#[tokio::test]
async fn it_finishes_what_it_has_begun_when_told_to_end() {
    let service = Service::start();
    let mut client = service.begin(&rent().key("k").header("x-demo-delay-ms", "500")).await;
    service.until_transfers("alice", 1).await;
    service.terminate();

    let mut answer = String::new();
    let read = client.read_to_string(&mut answer);
    in_time("the answer is there", read).await.expect("read the answer");
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    assert!(answer.contains(r#""balance":900"#), "{answer}");
    let (code, _, errors) = service.ended().await;
    assert_eq!(code, Some(0), "{errors}");
}

#[tokio::test]
async fn it_ends_even_if_a_request_does_not() {
    let service = Service::start();
    let _slow = service.begin(&rent().key("k").header("x-demo-delay-ms", "60000")).await;
    service.until_transfers("alice", 1).await;
    service.terminate();
    // Within the deadline of the tests, which is half of the delay.
    let (code, _, errors) = service.ended().await;
    assert_eq!(code, Some(0), "{errors}");
}

#[tokio::test]
async fn a_port_can_be_named_and_must_be_free() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("bind to the loopback");
    let port = taken.local_addr().expect("its address").port().to_string();
    let (code, message) = refuses_to_start(&[("PORT", &port)]);
    assert_eq!(code, Some(1), "{message}");
    assert!(message.contains(&port), "{message}");
}

#[test]
fn what_cannot_be_is_told_at_once() {
    for (name, value) in [
        ("PORT", "http"),
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("DEMO", "false"),
        ("CORS_DEBUG", "true"),
        ("ALLOWED_ORIGINS", "https://app.example.com/"),
        ("ALLOWED_ORIGINS", "https://app.example.com,"),
        ("ALLOWED_ORIGINS", "https://app.example.com,*"),
        ("ALLOWED_ORIGINS", "app.example.com"),
        ("STORE_TIMEOUT_MS", "9"),
        ("STORE_TIMEOUT_MS", "60001"),
        ("STORE_TIMEOUT_MS", "400ms"),
        ("REDIS_URL", "127.0.0.1:6379"),
        ("REDIS_URL", "http://:hunter2@127.0.0.1/"),
        ("REDIS_URL", "redis://:hunter2@127.0.0.1:99999/"),
        ("REDIS_URL", "rediss://:hunter2@127.0.0.1/"),
    ] {
        let (code, message) = refuses_to_start(&[("PORT", "0"), (name, value)]);
        assert_eq!(code, Some(2), "{name}={value}: {message}");
        assert!(message.contains(name), "{name}={value}: {message}");
        assert!(!message.contains("hunter2"), "{name}={value}: {message}");
    }
}

#[test]
fn a_time_to_remember_is_a_whole_number_of_seconds_from_60() {
    for value in ["0", "59", "-60", "+60", "60s", "1.5e2", " 60", "18446744073709551616"] {
        let (code, message) = refuses_to_start(&[("PORT", "0"), ("REMEMBER_SECONDS", value)]);
        assert_eq!(code, Some(2), "{value}: {message}");
        for part in ["REMEMBER_SECONDS", &format!("{value:?}"), "from 60"] {
            assert!(message.contains(part), "{value}: {message}");
        }
    }
}

#[test]
fn a_redis_that_is_not_there_is_told_without_its_password() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("bind to the loopback");
    let address = nobody.local_addr().expect("its address").to_string();
    drop(nobody);
    let url = format!("redis://someone:hunter2@{address}/");
    let (code, message) = refuses_to_start(&[("PORT", "0"), ("REDIS_URL", &url)]);
    assert_eq!(code, Some(1), "{message}");
    assert!(message.contains("REDIS_URL") && message.contains(&address), "{message}");
    assert!(!message.contains("hunter2"), "{message}");
}
