//! The example of GraphQL as its clients meet it: the real program, over real sockets.

mod support;

use std::process::Command;

use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, SqliteConnection};
use support::{Reply, Request, Service, in_time, until};
use tokio::io::AsyncReadExt;

const VARIABLES: [&str; 5] =
    ["PORT", "DATABASE_PATH", "REQUEST_LIMIT", "POINT_LIMIT", "ALLOWED_ORIGINS"];

fn program(variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_graphql"));
    for name in VARIABLES {
        command.env_remove(name);
    }
    command.envs(variables.iter().copied());
    command
}

fn start(variables: &[(&str, &str)]) -> Service {
    Service::of(program(variables))
}

fn post(body: &Value) -> Request {
    let request = Request::new("POST", "/graphql").account("alice");
    request.header("content-type", "application/json").body(&body.to_string())
}

fn query(text: &str) -> Request {
    post(&json!({ "query": text }))
}

fn pay(to: &str, amount: u32) -> Request {
    query(&format!("mutation{{transfer(to:\"{to}\",amount:{amount}){{id balance}}}}"))
}

/// Checks that this is an error of this status and code, in the new form.
#[track_caller]
fn assert_error(reply: &Reply, status: u16, code: &str) {
    assert_eq!(reply.status, status, "{reply:?}");
    let content_type = "application/graphql-response+json; charset=utf-8";
    assert_eq!(reply.header("content-type"), Some(content_type), "{reply:?}");
    assert_eq!(reply.json["errors"][0]["extensions"]["code"], code, "{reply:?}");
    assert!(reply.json["errors"][0]["message"].is_string(), "{reply:?}");
    assert_eq!(reply.json.get("data"), None, "{reply:?}");
}

/// Checks that it went well, and gives the data.
#[track_caller]
fn data(reply: &Reply) -> &Value {
    assert_eq!((reply.status, reply.json.get("errors")), (200, None), "{reply:?}");
    &reply.json["data"]
}

fn cost(reply: &Reply, what: &str) -> u64 {
    reply.json["extensions"]["cost"][what].as_u64().unwrap_or_else(|| panic!("{reply:?}"))
}

/// How many points are left, as a header says.
fn left(reply: &Reply) -> u64 {
    let line = reply.lines("ratelimit").find_map(|line| line.strip_prefix("\"points\";r="));
    let left = line.and_then(|line| line.split(';').next()?.parse().ok());
    left.unwrap_or_else(|| panic!("{reply:?}"))
}

/// Checks that so many points are left, or some more: a few flow in meanwhile, on a slow machine too.
#[track_caller]
fn assert_left(reply: &Reply, expected: u64) {
    let left = left(reply);
    assert!((expected..expected + 50).contains(&left), "{left} instead of {expected}: {reply:?}");
}

async fn balance(service: &Service) -> Value {
    data(&service.ask(&query("{viewer{balance}}")).await)["viewer"]["balance"].clone()
}

// What is answered, and in which form.

#[tokio::test]
async fn a_query_is_answered() {
    let service = start(&[]);
    let made = service.ask(&pay("bob", 100)).await;
    assert_eq!(data(&made)["transfer"]["balance"], 900);
    let id = &data(&made)["transfer"]["id"];
    let reply = service
        .ask(&query("{viewer{name transfers{nodes{id amount payee{name total latest{id}}}}}}"))
        .await;
    let payee = json!({"name": "bob", "total": 100, "latest": [{"id": id}]});
    let transfers = json!({"nodes": [{"id": id, "amount": 100, "payee": payee}]});
    assert_eq!(*data(&reply), json!({"viewer": {"name": "alice", "transfers": transfers}}));
    let bobs = service.ask(&query("{viewer{name transfers{nodes{id}}}}").account("bob")).await;
    assert_eq!(data(&bobs)["viewer"], json!({"name": "bob", "transfers": {"nodes": []}}));
}

#[tokio::test]
async fn statuses_are_those_of_the_form_that_is_accepted() {
    let service = start(&[]);
    let accepts = |request: &Request, accept: &str| request.clone().header("accept", accept);
    let new = "application/graphql-response+json";
    for (request, in_new, in_old) in [
        (query("{viewer{name}}"), 200, 200),
        (query("{viewer{"), 400, 200),
        (query("{viewer{nothing}}"), 400, 200),
        (query("query a{viewer{name}} query b{viewer{name}}"), 400, 200),
        // It ran, and one of its fields did not do well.
        (pay("bob", 100_000), 200, 200),
        (query("{viewer{transfers(first:101){nodes{id}}}}"), 200, 200),
        // Of a variable that is not there, async-graphql makes an error of the field.
        (query("query($n:Int!){viewer{transfers(first:$n){nodes{id}}}}"), 200, 200),
        // Not understood.
        (post(&json!({})), 400, 400),
        (post(&json!({"query": ""})), 400, 400),
        (post(&json!({"query": "{viewer{name}}", "variables": [7]})), 400, 400),
        (post(&json!([])), 400, 400),
        (post(&json!(7)), 400, 400),
        (query("{viewer{name}}").account("not.an.account"), 401, 401),
    ] {
        let reply = service.ask(&accepts(&request, new)).await;
        assert_eq!(reply.status, in_new, "{request:?}: {reply:?}");
        assert_eq!(reply.header("content-type"), Some(&*format!("{new}; charset=utf-8")));
        let reply = service.ask(&accepts(&request, "application/json")).await;
        assert_eq!(reply.status, in_old, "{request:?}: {reply:?}");
        assert_eq!(reply.header("content-type"), Some("application/json; charset=utf-8"));
    }
    let reply = service.ask(&accepts(&query("{viewer{name}}"), "text/html")).await;
    assert_error(&reply, 406, "NOT_ACCEPTABLE");
    let typed = |value| Request::new("POST", "/graphql").account("a").header("content-type", value);
    for request in [typed("text/plain"), typed("application/x-www-form-urlencoded"), typed("")] {
        let reply = service.ask(&request.body(r#"{"query":"{viewer{name}}"}"#)).await;
        assert_error(&reply, 415, "WRONG_CONTENT_TYPE");
    }
    assert_error(&service.ask(&Request::get("/graphql")).await, 405, "WRONG_METHOD");
    assert_error(&service.ask(&Request::get("/")).await, 404, "UNKNOWN_ROUTE");
    let sdl = service.ask(&Request::get("/schema.graphql")).await;
    assert!(sdl.body.contains("type Mutation {"), "{sdl:?}");
}

#[tokio::test]
async fn what_is_too_large_or_too_deep_is_told() {
    let service = start(&[]);
    let large = query(&format!("{{viewer{{name}}}}#{}", " ".repeat(16 * 1024)));
    assert_error(&service.ask(&large).await, 413, "BODY_TOO_LARGE");
    let nested = |open: &str, many: usize, close: &str| {
        let value = format!("{}1{}", open.repeat(many), close.repeat(many));
        query(&format!("{{viewer{{transfers(first:{value}){{nodes{{id}}}}}}}}"))
    };
    // The service would not be there any more after some of these.
    for (open, close) in [("[", "]"), ("{a:", "}")] {
        let one = service.ask(&nested(open, 61, close)).await;
        assert_eq!(one.status, 400, "{one:?}");
        assert_eq!(one.json["errors"][0].get("extensions"), None, "GraphQL says no: {one:?}");
        for many in [62, 1_000, 3_500] {
            assert_error(&service.ask(&nested(open, many, close)).await, 400, "TOO_DEEP");
        }
    }
    let fields = |many| query(&format!("{}a{}", "{a".repeat(many), "}".repeat(many)));
    for many in [20, 65, 2_000] {
        assert_error(&service.ask(&fields(many)).await, 400, "TOO_DEEP");
    }
    let variables = format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000));
    let body = format!(r#"{{"query":"{{viewer{{name}}}}","variables":{{"a":{variables}}}}}"#);
    assert_error(&service.ask(&query("").body(&body)).await, 400, "MALFORMED_REQUEST");
    assert_eq!(balance(&service).await, 1000);
}

/// Each spreads the next one twice, so that walking through them takes twice as long with each.
#[tokio::test]
async fn fragments_that_double_are_refused_at_once() {
    let service = start(&[]);
    for end in ["fragment f28 on Query{__typename}", ""] {
        let each =
            (0..28).map(|at| format!("fragment f{at} on Query{{...f{} ...f{}}}", at + 1, at + 1));
        let reply =
            service.ask(&query(&format!("{{...f0}}{}{end}", each.collect::<String>()))).await;
        assert_error(&reply, 400, "TOO_COMPLEX");
        assert_eq!(reply.json["errors"][0]["extensions"]["problem"]["points"], 1_u64 << 28);
    }
    // Within an empty list, too.
    let each =
        (0..22).map(|at| format!("fragment f{at} on Transfer{{...f{} ...f{}}}", at + 1, at + 1));
    let each = format!("{}fragment f22 on Transfer{{id}}", each.collect::<String>());
    for list in
        ["transfers(first:0){nodes{...f0}}", "payees(first:1){nodes{latest(first:0){...f0}}}"]
    {
        let reply = service.ask(&query(&format!("{{viewer{{{list}}}}}{each}"))).await;
        assert_error(&reply, 400, "TOO_COMPLEX");
    }
    let cycle = query("{...f}fragment f on Query{...f ...f}");
    assert_error(&service.ask(&cycle).await, 400, "TOO_DEEP");
}

// What it costs.

#[tokio::test]
async fn a_query_is_charged_before_and_corrected_after() {
    let service = start(&[("POINT_LIMIT", "1000/h")]);
    for _ in 0..3 {
        service.ask(&pay("bob", 1)).await;
    }
    let least = query("{__typename}");
    assert_left(&service.ask(&least).await, 1000 - 3 * 12 - 1);
    // viewer, transfers, nodes and a hundred times id and amount; there are three.
    let reply = service.ask(&query("{viewer{transfers(first:100){nodes{id amount}}}}")).await;
    assert_eq!((cost(&reply, "points"), cost(&reply, "charged")), (3 + 100 * 2, 3 + 3 * 2));
    assert_left(&reply, 963 - 203); // Headers tell what was charged before,
    assert_left(&service.ask(&least).await, 963 - 9 - 1); // and then it is corrected.
    // What fails is not.
    let list = "transfers(first:100){nodes{id amount}} payees(after:\"x\"){nodes{name}}";
    let failed = service.ask(&query(&format!("{{viewer{{{list}}}}}"))).await;
    assert_eq!(failed.json["errors"][0]["extensions"]["code"], "CURSOR_INVALID");
    assert_eq!((cost(&failed, "points"), cost(&failed, "charged")), (225, 225));
    assert_left(&service.ask(&least).await, 953 - 225 - 1);
    // What never ran costs what was looked at.
    let nothing = query("{viewer{transfers(first:100){nodes{nothing}}}}");
    for (request, charged) in [(query("{"), 1), (nothing.clone(), 4), (nothing, 4)] {
        let reply = service.ask(&request).await;
        assert_eq!((reply.status, cost(&reply, "charged")), (400, charged), "{reply:?}");
    }
    assert_left(&service.ask(&least).await, 727 - 1 - 4 - 4 - 1);
}

/// A fragment that is spread twice is walked through twice, though the answer has its fields once.
#[tokio::test]
async fn what_is_looked_at_is_paid_for_whatever_comes_of_it() {
    let service = start(&[("POINT_LIMIT", "1000/h")]);
    let doubling = |field: &str| {
        let each =
            (0..8).map(|at| format!("fragment f{at} on Query{{...f{} ...f{}}}", at + 1, at + 1));
        query(&format!("{{...f0}}{}fragment f8 on Query{{{field}}}", each.collect::<String>()))
    };
    for (field, status, left) in [("__typename", 200, 1000 - 256), ("nothing", 400, 744 - 256)] {
        let reply = service.ask(&doubling(field)).await;
        assert_eq!((reply.status, cost(&reply, "charged")), (status, 256), "{reply:?}");
        assert_left(&service.ask(&query("{__typename}")).await, left - 2);
    }
}

#[tokio::test]
async fn neither_batches_nor_aliases_nor_introspection_get_around_it() {
    let service = start(&[("POINT_LIMIT", "1000/h")]);
    let list = "{viewer{transfers(first:100){nodes{id amount balance}}}}";
    let reply = service.ask(&query(list)).await;
    assert_eq!(cost(&reply, "points"), 303);
    let batch = |many: usize| post(&Value::from(vec![json!({"query": list}); many]));
    let reply = service.ask(&batch(3)).await;
    assert_eq!(reply.json.as_array().map(Vec::len), Some(3), "{reply:?}");
    assert_left(&reply, 1000 - 6 - 909);
    assert_error(&service.ask(&batch(4)).await, 400, "COST_TOO_HIGH");
    assert_error(&service.ask(&batch(11)).await, 400, "BATCH_TOO_LONG");
    let aliases: String =
        (0..4).map(|at| format!("a{at}:viewer{}", &list[7..list.len() - 1])).collect();
    assert_error(&service.ask(&query(&format!("{{{aliases}}}"))).await, 400, "COST_TOO_HIGH");
    let types = query("{__schema{types{fields{args{name type{name kind}}}}}}");
    assert_error(&service.ask(&types).await, 400, "COST_TOO_HIGH");
    let dear =
        query("{viewer{payees(first:100){nodes{latest(first:100){payee{latest(first:9){id}}}}}}}");
    let dear = service.ask(&dear).await;
    assert_error(&dear, 400, "TOO_COMPLEX");
    assert_eq!((dear.header("retry-after"), dear.lines("ratelimit").count()), (None, 1));
    // Nothing was charged for all of these.
    assert_left(&service.ask(&query("{__typename}")).await, 1000 - 6 - 18 - 1);
}

#[tokio::test]
async fn a_bucket_is_drained_and_fills_again() {
    let service = start(&[("POINT_LIMIT", "100/s")]);
    // Charged as a whole, since it fails.
    let drain = query("{viewer{transfers(first:29){nodes{id}} payees(after:\"x\"){nodes{name}}}}");
    let mut denied = service.ask(&drain).await;
    assert_eq!(denied.status, 200, "{denied:?}");
    until("the bucket is empty", async || {
        denied = service.ask(&drain).await;
        denied.status == 429
    })
    .await;
    assert_error(&denied, 429, "QUOTA_EXCEEDED");
    let problem = &denied.json["errors"][0]["extensions"]["problem"];
    assert_eq!(problem["violated-policies"], json!(["points"]));
    assert_eq!(problem["type"], support::QUOTA_EXCEEDED);
    assert_eq!(denied.header("retry-after"), Some("1"));
    let others = service.ask(&drain.clone().account("bob")).await;
    assert_eq!(others.status, 200, "each account has its own: {others:?}");
    until("there are points again", async || service.ask(&drain).await.status == 200).await;
}

#[tokio::test]
async fn older_clients_read_a_denial_with_200() {
    let service = start(&[("POINT_LIMIT", "40/h")]);
    let failing = query("{viewer{payees(first:7,after:\"x\"){nodes{name}} transfers{nodes{id}}}}");
    let request = failing.header("accept", "application/json");
    assert_eq!(cost(&service.ask(&request).await, "charged"), 1 + 2 + 7 + 2 + 20);
    let denied = service.ask(&request).await;
    assert_eq!((denied.status, denied.json.get("data")), (200, None), "{denied:?}");
    assert_eq!(denied.json["errors"][0]["extensions"]["code"], "QUOTA_EXCEEDED");
    assert!(denied.header("retry-after").is_some(), "{denied:?}");
}

#[tokio::test]
async fn who_asks_too_often_is_not_even_read() {
    let service = start(&[("REQUEST_LIMIT", "2/h")]);
    let large = query(&" ".repeat(20_000));
    for _ in 0..2 {
        assert_error(&service.ask(&large).await, 413, "BODY_TOO_LARGE");
    }
    let denied = service.ask(&large).await;
    assert_error(&denied, 429, "QUOTA_EXCEEDED");
    assert_eq!(
        denied.json["errors"][0]["extensions"]["problem"]["violated-policies"],
        json!(["requests"])
    );
    assert!(denied.header("retry-after").is_some());
    let in_old = service.ask(&large.clone().header("accept", "application/json")).await;
    assert_eq!(in_old.status, 429, "nobody has looked whether it can be understood");
    // Strangers by their address.
    let stranger = Request::new("POST", "/graphql");
    for expected in [401, 401, 429] {
        assert_eq!(service.ask(&stranger).await.status, expected);
    }
}

// Mutations.

#[tokio::test]
async fn a_mutation_with_a_key_happens_once() {
    let service = start(&[("POINT_LIMIT", "1000/h")]);
    let first = service.ask(&pay("bob", 100).key("k")).await;
    for _ in 0..30 {
        let retry = service.ask(&pay("bob", 100).key("k")).await;
        assert!(retry.is_replay(), "{retry:?}");
        assert_eq!((retry.status, &retry.body), (200, &first.body));
    }
    assert_eq!(balance(&service).await, 900);
    // Replays cost no points.
    assert_left(&service.ask(&query("{__typename}")).await, 1000 - 12 - 2 - 1);
    let other = service.ask(&pay("bob", 101).key("k")).await;
    assert_error(&other, 422, "KEY_REUSED");
    let other = service.ask(&pay("bob", 101).key("k").header("accept", "application/json")).await;
    assert_eq!(
        (other.status, other.json["errors"][0]["extensions"]["code"].as_str()),
        (200, Some("KEY_REUSED"))
    );
    assert_error(&service.ask(&pay("bob", 1).key("")).await, 400, "KEY_MALFORMED");
    // Without one, each is another.
    service.ask(&pay("bob", 100)).await;
    service.ask(&pay("bob", 100)).await;
    assert_eq!(balance(&service).await, 700);
}

#[tokio::test]
async fn a_query_does_not_care_for_keys() {
    let service = start(&[]);
    for expected in [1000, 990, 980] {
        let reply = service.ask(&query("{viewer{balance}}").key("k")).await;
        assert_eq!(
            (data(&reply)["viewer"]["balance"].as_i64(), reply.is_replay()),
            (Some(expected), false)
        );
        service.ask(&pay("bob", 10)).await;
    }
    assert!(!service.ask(&query("{viewer{balance}}").key("not, a key")).await.is_replay());
}

#[tokio::test]
async fn what_did_not_run_leaves_its_key() {
    let service = start(&[]);
    let wrong = query("mutation{transfer(to:\"bob\",amount:100){nothing}}").key("k");
    assert_eq!(service.ask(&wrong).await.status, 400);
    assert_eq!(data(&service.ask(&pay("bob", 100).key("k")).await)["transfer"]["balance"], 900);
    // What ran and came to nothing is an answer.
    let poor = service.ask(&pay("bob", 5_000).key("l")).await;
    assert_eq!(poor.json["errors"][0]["extensions"]["code"], "INSUFFICIENT_FUNDS");
    assert_eq!(poor.json["errors"][0]["extensions"]["problem"]["balance"], 900);
    assert!(service.ask(&pay("bob", 5_000).key("l")).await.is_replay());
}

/// The file of a ledger, which others can change too.
struct File(std::path::PathBuf);

impl File {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("stonework-{}.db", uuid::Uuid::new_v4())))
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("text")
    }

    async fn connect(&self) -> SqliteConnection {
        SqliteConnectOptions::new().filename(&self.0).connect().await.expect("a ledger")
    }
}

impl Drop for File {
    fn drop(&mut self) {
        for more in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{more}", self.path()));
        }
    }
}

async fn change(ledger: &mut SqliteConnection, sql: &'static str) {
    sqlx::raw_sql(sql).execute(ledger).await.expect("a change");
}

#[tokio::test]
async fn a_ledger_that_fails_has_decided_nothing() {
    let file = File::new();
    let service = start(&[("DATABASE_PATH", file.path()), ("POINT_LIMIT", "1000/h")]);
    let mut ledger = file.connect().await;
    change(&mut ledger, "ALTER TABLE payees RENAME TO away").await;
    let request = pay("bob", 100).key("k");
    for _ in 0..2 {
        let failed = service.ask(&request).await;
        assert!(!failed.is_replay(), "{failed:?}");
        let code = &failed.json["errors"][0]["extensions"]["code"];
        assert_eq!((failed.status, code), (200, &json!("LEDGER_UNAVAILABLE")), "{failed:?}");
    }
    // In a batch the others may have done something.
    let one = |to| json!({"query": format!("mutation{{transfer(to:\"{to}\",amount:1){{id}}}}")});
    assert!(!service.ask(&post(&json!([one("a"), one("b")])).key("all")).await.is_replay());
    change(&mut ledger, "ALTER TABLE away RENAME TO payees").await;
    let made = service.ask(&request).await;
    assert_eq!((data(&made)["transfer"]["balance"].as_u64(), made.is_replay()), (Some(900), false));
    assert!(service.ask(&request).await.is_replay());
    // It has been at work each time.
    assert_left(&service.ask(&query("{__typename}")).await, 1000 - 5 * 12 - 1);

    // Where one was decided, the whole request is recorded.
    let refuse = "CREATE TRIGGER refuse BEFORE INSERT ON payees WHEN new.name = 'b'
                  BEGIN SELECT RAISE(ABORT, 'not b'); END";
    change(&mut ledger, refuse).await;
    let batch = post(&json!([one("a"), one("b")])).key("some");
    let first = service.ask(&batch).await;
    assert_eq!(first.json[1]["errors"][0]["extensions"]["code"], "LEDGER_UNAVAILABLE");
    let again = service.ask(&batch).await;
    assert_eq!((again.is_replay(), &again.body), (true, &first.body));
    assert_eq!(balance(&service).await, 899);
}

/// Nobody knows whether it was made, so it must not be told that it was not.
#[tokio::test]
async fn a_ledger_that_fails_at_the_end_is_told_as_such_and_recorded() {
    let file = File::new();
    let service = start(&[("DATABASE_PATH", file.path())]);
    // What a commit finds out, and nothing before it.
    let fail = "CREATE TABLE parents (id INTEGER PRIMARY KEY);
                CREATE TABLE children (
                    parent INTEGER REFERENCES parents DEFERRABLE INITIALLY DEFERRED
                );
                CREATE TRIGGER fail AFTER INSERT ON transfers
                BEGIN INSERT INTO children VALUES (1); END";
    change(&mut file.connect().await, fail).await;
    for replayed in [false, true] {
        let reply = service.ask(&pay("bob", 100).key("k")).await;
        let code = &reply.json["errors"][0]["extensions"]["code"];
        assert_eq!((code, reply.is_replay()), (&json!("INTERRUPTED"), replayed), "{reply:?}");
    }
}

/// Of a batch, whose mutations are one request, and happen once together.
#[tokio::test]
async fn a_batch_with_a_key_happens_once() {
    let service = start(&[]);
    let one = json!({"query": "mutation{transfer(to:\"bob\",amount:10){balance}}"});
    let batch = post(&json!([one, one, {"query": "{viewer{balance}}"}])).key("k");
    let first = service.ask(&batch).await;
    let balances: Vec<_> = first
        .json
        .as_array()
        .map(|all| all.iter().map(|one| one["data"].clone()).collect())
        .unwrap_or_default();
    assert_eq!(
        balances,
        [
            json!({"transfer": {"balance": 990}}),
            json!({"transfer": {"balance": 980}}),
            json!({"viewer": {"balance": 980}}),
        ]
    );
    let retry = service.ask(&batch).await;
    assert_eq!((retry.is_replay(), retry.body), (true, first.body));
    assert_eq!(balance(&service).await, 980);
}

// Lists.

#[tokio::test]
async fn as_many_reads_whatever_there_is() {
    let service = start(&[]);
    let deep = "{viewer{payees(first:50){nodes{name total latest(first:2){id payee{total latest(first:3){id}}}}}}}";
    let mut counts = Vec::new();
    for many in [1, 2, 30] {
        for at in 0..many {
            for _ in 0..2 {
                assert_eq!(service.ask(&pay(&format!("payee {at}"), 1)).await.status, 200);
            }
        }
        let reply = service.ask(&query(deep)).await;
        assert_eq!(data(&reply)["viewer"]["payees"]["nodes"].as_array().map(Vec::len), Some(many));
        counts.push(cost(&reply, "reads"));
    }
    // The page; then totals and the newest two of all payees; then both of what was found.
    assert_eq!(counts, [5, 5, 5]);
}

#[tokio::test]
async fn lists_are_connections_that_lead_on() {
    let service = start(&[]);
    for amount in 1..=7 {
        service.ask(&pay("bob", amount)).await;
    }
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let page = format!(
            "{{viewer{{transfers(first:3{after}){{edges{{cursor node{{amount}}}}pageInfo{{hasNextPage endCursor}}}}}}}}"
        );
        let page = service.ask(&query(&page)).await;
        let list = &data(&page)["viewer"]["transfers"];
        let edges = list["edges"].as_array().expect("edges");
        seen.extend(edges.iter().map(|edge| edge["node"]["amount"].as_u64().expect("a number")));
        let info = &list["pageInfo"];
        assert_eq!(info["endCursor"], edges[edges.len() - 1]["cursor"]);
        after = format!(",after:{}", info["endCursor"]);
        if info["hasNextPage"] == false {
            break;
        }
    }
    assert_eq!(seen, [7, 6, 5, 4, 3, 2, 1]);
    // A cursor is good for one account and one list.
    let with =
        |list: &str| query(&format!("{{viewer{{{list}(first:3{after}){{nodes{{__typename}}}}}}}}"));
    assert_eq!(service.ask(&with("transfers")).await.json.get("errors"), None);
    for request in [with("payees"), with("transfers").account("bob")] {
        let reply = service.ask(&request).await;
        assert_eq!(reply.json["errors"][0]["extensions"]["code"], "CURSOR_INVALID", "{reply:?}");
    }
}

// Pages of browsers, and the end.

#[tokio::test]
async fn a_page_may_ask_and_read_a_denial() {
    let service = start(&[("REQUEST_LIMIT", "1/h")]);
    let preflight = Request::new("OPTIONS", "/graphql")
        .header("origin", "http://localhost:5173")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type,idempotency-key");
    let allowed = service.ask(&preflight).await;
    assert!(allowed.status < 300, "{allowed:?}");
    assert_eq!(allowed.header("access-control-allow-origin"), Some("http://localhost:5173"));
    let ask = query("{viewer{name}}").header("origin", "http://localhost:5173");
    assert_eq!(service.ask(&ask).await.status, 200);
    let denied = service.ask(&ask).await;
    assert_eq!(
        (denied.status, denied.header("access-control-allow-origin")),
        (429, Some("http://localhost:5173"))
    );
    let exposed = denied.header("access-control-expose-headers").expect("what is exposed");
    assert!(exposed.contains("retry-after"), "{exposed}");
}

#[tokio::test]
async fn it_ends_when_it_is_told_to() {
    let service = start(&[]);
    let mut waiting = service.begin(&query("{viewer{name}}")).await;
    let mut answer = Vec::new();
    in_time("the answer", waiting.read_to_end(&mut answer)).await.expect("read");
    service.terminate();
    let (code, rest, errors) = service.ended().await;
    assert_eq!((code, rest.as_str(), errors.as_str()), (Some(0), "", "graphql: stopping\n"));
}

#[test]
fn it_does_not_start_with_what_cannot_be() {
    for (name, value) in [
        ("PORT", "x"),
        ("POINT_LIMIT", "1/d"),
        ("POINT_LIMIT", "0/s"),
        ("REQUEST_LIMIT", "+1/s"),
        ("ALLOWED_ORIGINS", "http://a.example/"),
    ] {
        let output = program(&[(name, value)]).output().expect("run graphql");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{errors}");
        assert!(errors.contains(name), "{errors}");
    }
}
