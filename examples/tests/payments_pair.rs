//! Two processes with one Redis and one ledger are one service, also when one of them is killed.

#[path = "../../idempotency/tests/support/redis.rs"]
#[allow(dead_code)]
mod redis_server;
mod support;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::{HeaderMap, StatusCode};
use redis::cmd;
use redis_server::Server;
use serde_json::{Value, json};
use stonework_webhook_sign::scheme;
use support::stream::listen;
use support::webhooks::{now, received, signed};
use support::{PATIENT, RENT, Reply, Request, Service, in_time, persist, try_ask, until};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

const KEY_REUSED: &str = "urn:stonework:idempotency:key-reused";
const IN_FLIGHT: &str = "urn:stonework:idempotency:in-flight";
const UNKNOWN: &str = "urn:stonework:idempotency:outcome-unknown";
const STANDARD: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// What both have in common. It goes when they are gone.
struct Shared {
    redis: Server,
    folder: PathBuf,
}

impl Shared {
    async fn start() -> Self {
        let folder = std::env::temp_dir().join(format!("stonework-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&folder).expect("a folder of its own");
        Self { redis: Server::start().await, folder }
    }

    fn service(&self, variables: &[(&str, &str)]) -> Service {
        self.service_of("ledger.db", variables)
    }

    fn service_of(&self, ledger: &str, variables: &[(&str, &str)]) -> Service {
        let (redis, ledger) = (self.redis.url(), self.folder.join(ledger));
        let ledger = ledger.to_str().expect("a path in UTF-8");
        let common = [("REDIS_URL", &*redis), ("DATABASE_PATH", ledger), PATIENT];
        Service::with(&[&common, variables].concat())
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Dropped in this order.
struct Pair {
    one: Service,
    other: Service,
    shared: Shared,
}

impl Pair {
    async fn start() -> Self {
        Self::with(&[]).await
    }

    async fn with(variables: &[(&str, &str)]) -> Self {
        let shared = Shared::start().await;
        Self { one: shared.service(variables), other: shared.service(variables), shared }
    }

    const fn both(&self) -> [&Service; 2] {
        [&self.one, &self.other]
    }
}

fn rent() -> Request {
    Request::transfer(RENT).key("k")
}

fn get(path: &str) -> Request {
    Request::get(path).account("alice")
}

async fn pay(service: &Service) -> Reply {
    let made = service.ask(&Request::transfer(RENT)).await;
    assert_eq!(made.status, 201, "{made:?}");
    made
}

// The ledger.

#[tokio::test]
async fn all_that_begin_at_once_with_a_new_ledger_begin() {
    let shared = Arc::new(Shared::start().await);
    for _ in 0..5 {
        let ledger = format!("{}.db", uuid::Uuid::new_v4());
        let beginning: Vec<_> = (0..4)
            .map(|_| {
                let (shared, ledger) = (Arc::clone(&shared), ledger.clone());
                tokio::task::spawn_blocking(move || shared.service_of(&ledger, &[]))
            })
            .collect();
        let mut all = Vec::new();
        for service in beginning {
            all.push(service.await.expect("a service that listens"));
        }
        pay(&all[0]).await;
        for service in &all {
            assert_eq!(service.account("alice").await, (900, 1));
        }
    }
}

// Keys.

#[tokio::test]
async fn a_key_that_one_has_used_is_answered_by_the_other() {
    let pair = Pair::start().await;
    let first = pair.one.ask(&rent()).await;
    assert_eq!((first.status, first.is_replay()), (201, false), "{first:?}");
    let again = pair.other.ask(&rent()).await;
    assert_eq!((again.status, again.is_replay(), &again.body), (201, true, &first.body));
    assert_eq!(again.header("location"), first.header("location"));
    let another = Request::transfer(r#"{"to":"bob","amount":1}"#).key("k");
    pair.other.ask(&another).await.assert_problem(422, KEY_REUSED);
    for service in pair.both() {
        assert_eq!(service.account("alice").await, (900, 1));
    }
}

#[tokio::test]
async fn a_key_with_which_one_is_busy_is_in_flight_at_the_other() {
    let pair = Pair::start().await;
    // One whose answer comes long after the end of this test, and one that does not take long.
    let stuck = Request::transfer(RENT).key("stuck");
    let _stuck = pair.one.begin(&stuck.clone().header("x-demo-delay-ms", "60000")).await;
    pair.other.until_transfers("alice", 1).await;
    let meanwhile = pair.other.ask(&stuck).await;
    meanwhile.assert_problem(409, IN_FLIGHT);
    assert!(meanwhile.header("retry-after").is_some(), "{meanwhile:?}");
    let mut answer = pair.one.begin(&rent().header("x-demo-delay-ms", "1000")).await;
    pair.other.until_transfers("alice", 2).await;
    let replayed = persist(&pair.other, &rent()).await;
    assert_eq!((replayed.status, replayed.is_replay()), (201, true), "{replayed:?}");
    let mut first = String::new();
    in_time("the answer", answer.read_to_string(&mut first)).await.expect("the first answer");
    assert!(first.ends_with(&replayed.body), "{first}");
    assert_eq!(pair.one.account("alice").await, (800, 2));
}

#[tokio::test]
async fn fifty_clients_of_both_cause_one_effect_and_get_one_answer() {
    let pair = Arc::new(Pair::start().await);
    let clients: Vec<_> = (0..50)
        .map(|n| {
            let pair = Arc::clone(&pair);
            // Long enough that others arrive in the meantime.
            let request = rent().header("x-demo-delay-ms", "50");
            tokio::spawn(async move { persist(pair.both()[n % 2], &request).await })
        })
        .collect();
    let mut originals = 0;
    let mut bodies = Vec::new();
    for client in clients {
        let reply = client.await.expect("an answer");
        assert_eq!(reply.status, 201, "{reply:?}");
        originals += usize::from(!reply.is_replay());
        bodies.push(reply.body);
    }
    bodies.dedup();
    assert_eq!((bodies.len(), originals), (1, 1), "{bodies:?}");
    assert_eq!(pair.one.account("alice").await, (900, 1));
}

// Limits.

/// How many requests of an account pass in a row, of one more than any test lets pass.
async fn passing(service: &Service, name: &str) -> usize {
    for passed in 0..10 {
        let reply = service.ask(&get("/v1/account").account(name)).await;
        if reply.status != 200 {
            reply.assert_limited();
            return passed;
        }
    }
    panic!("{name} is not limited");
}

#[tokio::test]
async fn they_have_one_limit() {
    const LIMIT: [(&str, &str); 1] = [("RATE_LIMIT", "4/h")];
    let pair = Pair::with(&LIMIT).await;
    for n in 0..4 {
        assert_eq!(pair.both()[n % 2].ask(&get("/v1/account")).await.status, 200);
    }
    for service in pair.both() {
        service.ask(&get("/v1/account")).await.assert_limited();
    }
    assert_eq!(passing(&pair.one, "bob").await, 4);
    assert_eq!(passing(&pair.other, "bob").await, 0);
    // A process that is new does not make a limit new.
    assert_eq!(passing(&pair.shared.service(&LIMIT), "alice").await, 0);

    let keys: Vec<String> = pair.shared.redis.ask(cmd("KEYS").arg("*")).await;
    assert_eq!(keys.len(), 2, "{keys:?}");
    assert!(keys.iter().all(|key| key.starts_with("payments:ratelimit:")), "{keys:?}");
}

// Versions.

#[tokio::test]
async fn an_account_has_one_version_at_both_and_after_a_restart() {
    let Pair { one, other, shared } = Pair::start().await;
    // An account that was there before the second version was.
    shared.redis.ask::<()>(cmd("SET").arg("payments:versioning:pin:old").arg("v1")).await;
    let is_served = async |service: &Service| {
        for (name, version) in [("old", "v1"), ("new", "v2")] {
            let reply = service.ask(&get("/account").account(name)).await;
            assert_eq!((reply.status, reply.header("api-version")), (200, Some(version)), "{name}");
        }
    };
    is_served(&one).await;
    is_served(&other).await;
    drop((one, other));
    is_served(&shared.service(&[])).await;
    let pinned: String = shared.redis.ask(cmd("GET").arg("payments:versioning:pin:new")).await;
    assert_eq!(pinned, "v2");
}

// What is read.

fn id(reply: &Reply) -> &Value {
    &reply.json["id"]
}

fn ids(page: &Reply) -> Vec<&Value> {
    page.json["data"].as_array().expect("data").iter().map(|item| &item["id"]).collect()
}

fn link(page: &Reply, relation: &str) -> String {
    let ending = format!(">; rel=\"{relation}\"");
    let mut links = page.header("link").into_iter().flat_map(|links| links.split(", "));
    let link = links.find_map(|link| link.strip_suffix(&*ending)?.strip_prefix('<'));
    link.unwrap_or_else(|| panic!("no {relation}: {page:?}")).to_owned()
}

#[tokio::test]
async fn what_one_writes_the_other_reads() {
    let pair = Pair::start().await;
    let [one, other] = pair.both();
    let mut made = Vec::new();
    for (writer, reader) in [(one, other), (other, one)].into_iter().cycle().take(5) {
        made.push(pay(writer).await);
        let count = made.len() as u64;
        assert_eq!(reader.account("alice").await, (1000 - 100 * count, count));
        let newest = reader.ask(&get("/v2/transfers?limit=1")).await;
        assert_eq!(ids(&newest), [id(&made[made.len() - 1])]);
    }
    // One list, from one to the other and back.
    let first = one.ask(&get("/v2/transfers?limit=2")).await;
    let second = other.ask(&get(&link(&first, "next"))).await;
    let third = one.ask(&get(&link(&second, "next"))).await;
    let back = other.ask(&get(&link(&second, "prev"))).await;
    let pages: Vec<_> = [&first, &second, &third].into_iter().flat_map(ids).collect();
    assert_eq!(pages, made.iter().rev().map(id).collect::<Vec<_>>());
    assert_eq!(ids(&back), ids(&first));
}

#[tokio::test]
async fn a_tag_of_one_is_the_others() {
    let pair = Pair::start().await;
    let made = pay(&pair.one).await;
    let id = id(&made).as_str().expect("an id");
    for (version, [from, to]) in [("v1", pair.both()), ("v2", [&pair.other, &pair.one])] {
        let transfer = get(&format!("/{version}/transfers/{id}"));
        let first = from.ask(&transfer).await;
        let tag = first.header("etag").expect("a tag");
        let whole = to.ask(&transfer).await;
        assert_eq!((whole.header("etag"), &whole.body), (Some(tag), &first.body));
        let again = to.ask(&transfer.header("if-none-match", tag)).await;
        assert_eq!((again.status, again.header("etag")), (304, Some(tag)), "{again:?}");
    }
}

// What is told.

#[tokio::test]
async fn a_transfer_at_one_is_told_at_the_other_and_a_cursor_is_good_at_both() {
    let pair = Pair::start().await;
    let services = pair.both();
    let (mut one, start) = pair.one.live("/v1/events", "alice").await;
    let (mut two, same) = pair.other.live("/v1/events", "alice").await;
    assert_eq!(start, same, "it is one log");
    let mut socket = pair.other.socket("/v1/events/ws", "alice").await;
    assert_eq!(socket.told().await, Ok(json!({"id": start})));
    let mut cursors = vec![start];
    for at in 0..4 {
        let made = pay(services[at % 2]).await;
        let told = one.told().await;
        assert_eq!(told.rest, format!("event: transfer\ndata: {}\n\n", made.body));
        assert_eq!(two.told().await, told);
        let item = json!({"id": told.id, "type": "transfer", "data": made.json});
        assert_eq!(socket.told().await, Ok(item));
        cursors.push(told.id);
    }
    for (at, cursor) in cursors[..4].iter().enumerate() {
        let after = listen("/v1/events", "alice").header("last-event-id", cursor);
        let mut stream = services[at % 2].listen(&after).await;
        assert_eq!(stream.told().await.id, cursors[at + 1]);
    }
    let keys: Vec<String> = pair.shared.redis.ask(cmd("KEYS").arg("*events*")).await;
    assert!(keys.len() == 6 && keys.iter().all(|key| key.starts_with("payments:events:{")));
}

#[tokio::test]
async fn a_webhook_that_one_has_counted_is_counted_by_no_other() {
    let pair = Pair::with(&[("STANDARD_WEBHOOK_SECRET", STANDARD)]).await;
    let event = |id| signed(&scheme::STANDARD, STANDARD, id, "{}", now());
    assert_eq!(pair.one.ask(&event("evt_1")).await.status, 204);
    for service in pair.both() {
        assert_eq!(service.ask(&event("evt_1")).await.status, 200, "it is done");
    }
    assert_eq!(pair.other.ask(&event("evt_2")).await.status, 204);
    for service in pair.both() {
        assert_eq!(received(service).await, json!({"standard": 2}));
    }
}

/// An endpoint that one has registered is told of what the other did, once.
#[tokio::test]
async fn a_secret_is_not_in_redis_and_they_share_what_is_to_be_delivered() {
    let pair = Pair::with(&[("WEBHOOK_ALLOW_LOOPBACK", "1")]).await;
    let redis = &pair.shared.redis;
    let receiver = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let body = json!({"url": format!("http://{}/", receiver.local_addr().expect("an address"))});
    let sent = Arc::new(Mutex::new(Vec::new()));
    let taken = Arc::clone(&sent);
    let take = async move |head: HeaderMap| {
        taken.lock().expect("nobody panics").push(head["webhook-id"].clone());
        StatusCode::NO_CONTENT
    };
    let app = axum::Router::new().route("/", axum::routing::post(take));
    tokio::spawn(async move { axum::serve(receiver, app).await });
    let request = Request::new("POST", "/v2/webhook-endpoints")
        .account("alice")
        .key("register")
        .header("content-type", "application/json")
        .body(&body.to_string());
    let registered = pair.one.ask(&request).await;
    assert_eq!(registered.status, 201, "{registered:?}");
    assert_eq!(pair.other.ask(&request).await.json, registered.json, "another can open it");
    let listed = pair.other.ask(&get("/v2/webhook-endpoints")).await;
    assert_eq!(listed.json["data"][0]["id"], registered.json["id"]);
    let secret = registered.json["secret"].as_str().expect("a secret");
    let keys: Vec<String> = redis.ask(cmd("KEYS").arg("*")).await;
    assert!(keys.iter().any(|key| key.starts_with("payments:idempotency:")), "{keys:?}");
    for key in keys {
        let kept: Vec<u8> = redis.ask(cmd("DUMP").arg(&key)).await;
        assert!(!kept.windows(secret.len()).any(|bytes| bytes == secret.as_bytes()), "{key}");
    }
    let made = pay(&pair.other).await;
    for service in pair.both() {
        let mut delivery = Value::Null;
        until("it is delivered", async || {
            let data = &service.ask(&get("/v2/webhook-deliveries")).await.json["data"];
            delivery = data[0].clone();
            delivery["state"] == "delivered"
        })
        .await;
        let attempts = delivery["attempts"].as_array().expect("attempts");
        // One that was not answered in time has a fault, and may have arrived.
        let (_, late) = attempts.split_last().expect("one at least");
        assert!(late.iter().all(|attempt| attempt["fault"].is_string()), "{delivery}");
        let sent = sent.lock().expect("nobody panics");
        assert!((1..=attempts.len()).contains(&sent.len()), "{sent:?}: {delivery}");
        assert!(sent.iter().all(|sent| *sent == id(&made).as_str().expect("an id")), "{sent:?}");
    }
}

// One is killed.

const CLIENTS: usize = 16;
/// So many transfers are answered before.
const BEFORE: usize = 100;
/// Longer than what a process that was killed had begun counts as under way: 30 s.
const LONG: Duration = Duration::from_secs(90);

/// A transfer of one, with a label of its own by which it is found in the ledger.
fn labelled(label: &str) -> Request {
    let order = json!({"to": "bob", "amount": 1, "reference": label});
    Request::transfer(&order.to_string()).key(label)
}

/// What clients were told in the end, by label.
#[derive(Default)]
struct Told {
    paid: Mutex<HashMap<String, Reply>>,
    unknown: Mutex<Vec<String>>,
    /// How often there was no answer.
    broken: AtomicUsize,
}

impl Told {
    fn paid(&self) -> usize {
        self.paid.lock().expect("nobody panics").len()
    }

    /// Tries until the outcome is known or will never be, at the second of them once the first does not answer any more.
    async fn settle(&self, services: &mut [SocketAddr; 2], label: &str, request: &Request) {
        loop {
            let Some(reply) = try_ask(services[0], request).await else {
                self.broken.fetch_add(1, Ordering::SeqCst);
                services.swap(0, 1);
                continue;
            };
            if reply.status == 201 {
                let known = self.paid.lock().expect("nobody panics").insert(label.into(), reply);
                return assert!(known.is_none(), "{label}");
            }
            if reply.json["type"] == UNKNOWN {
                return self.unknown.lock().expect("nobody panics").push(label.into());
            }
            assert!(reply.status == 409 || reply.status == 503, "{reply:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// All transfers of alice by their labels, each of which must be there once.
async fn ledger(service: &Service) -> HashMap<String, Value> {
    let (mut all, mut path) = (HashMap::new(), Some("/v1/transfers?limit=100".to_owned()));
    while let Some(next) = path {
        let page = service.ask(&get(&next)).await;
        for item in page.json["data"].as_array().expect("data") {
            let label = item["reference"].as_str().expect("a label").to_owned();
            let other = all.insert(label, item["id"].clone());
            assert_eq!(other, None, "made twice: {item}");
        }
        path = (page.json["has_more"] == true).then(|| link(&page, "next"));
    }
    all
}

/// Clients pay at both, as fast as they are answered, and turn to the other when one does not answer. What was answered
/// stays true; what was under way where nobody can know is never made twice, and its client is told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_process_that_is_killed_under_load_every_transfer_is_made_once_at_most() {
    let Pair { one, other, shared } = Pair::start().await;
    let told = Arc::new(Told::default());
    // One that has moved the money, and is answered by nobody.
    let stuck = labelled("stuck").header("x-demo-delay-ms", "60000");
    let stuck_at_one = one.begin(&stuck).await;
    other.until_transfers("alice", 1).await;
    let is_killed = Arc::new(AtomicBool::new(false));
    let services = [one.address(), other.address()];
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let (told, is_killed) = (Arc::clone(&told), Arc::clone(&is_killed));
            let mut services = services;
            services.rotate_left(client % 2);
            tokio::spawn(async move {
                // Slow enough that one is always under way when its process is killed.
                for nth in 0..50 {
                    let label = format!("{client}-{nth}");
                    let request = labelled(&label).header("x-demo-delay-ms", "20");
                    told.settle(&mut services, &label, &request).await;
                    if is_killed.load(Ordering::SeqCst) {
                        break;
                    }
                }
            })
        })
        .collect();
    until("there is a load", async || told.paid() >= BEFORE).await;
    drop(one);
    drop(stuck_at_one);
    is_killed.store(true, Ordering::SeqCst);
    let all_are_known = async {
        let mut left = [other.address(); 2];
        told.settle(&mut left, "stuck", &labelled("stuck")).await;
        for client in clients {
            client.await.expect("a client");
        }
    };
    tokio::time::timeout(LONG, all_are_known).await.expect("all are told");
    assert!(told.broken.load(Ordering::SeqCst) > 0, "nobody noticed");

    let made = ledger(&other).await;
    let count = made.len() as u64;
    assert_eq!(other.account("alice").await, (1000 - count, count), "it adds up");
    let paid = told.paid.lock().expect("nobody panics").clone();
    let unknown = told.unknown.lock().expect("nobody panics").clone();
    assert!(unknown.iter().any(|label| label == "stuck") && made.contains_key("stuck"));
    assert!(made.keys().all(|label| paid.contains_key(label) || unknown.contains(label)));
    // A process that takes the place of the one that was killed knows all of it, too.
    let third = shared.service(&[]);
    for (at, (label, first)) in paid.iter().enumerate() {
        assert_eq!(&made[label], id(first), "{label}");
        let service = if at % 2 == 0 { &other } else { &third };
        let again = service.ask(&labelled(label)).await;
        assert_eq!((again.status, again.is_replay(), &again.body), (201, true, &first.body));
    }
    for label in &unknown {
        third.ask(&labelled(label)).await.assert_problem(409, UNKNOWN);
    }
    assert_eq!(third.account("alice").await, (1000 - count, count), "nothing was made again");
}
