//! graphql-relay says what each page of a small list is, and the example of GraphQL has the same. Where the two may differ is
//! told in `pagination/tests/clients/relay.rs`. And graphql-js builds the schema from what introspection answers.

use std::fmt::Write;
use std::process::Command;

use serde::Deserialize;
use serde_json::{Value, json};

use super::python::Script;
use crate::support::{Reply, Request, Service};

/// Items of the largest list.
const MOST: usize = 4;

/// What is sent as one request.
const BATCH: usize = 10;

/// What was asked for, and what graphql-relay gave. Items are counted from 0, and stand for their cursors.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Said {
    many: usize,
    first: Option<u32>,
    last: Option<u32>,
    after: Option<usize>,
    before: Option<usize>,
    nodes: Vec<usize>,
    has_next_page: bool,
    has_previous_page: bool,
}

fn start() -> Service {
    let mut command = Command::new(env!("CARGO_BIN_EXE_graphql"));
    command.env("REQUEST_LIMIT", "1000000/s").env("POINT_LIMIT", "4294967295/s");
    Service::of(command)
}

/// An account with so many transfers, newest first: item 0 is of the largest amount.
struct List<'s> {
    service: &'s Service,
    many: usize,
    cursors: Vec<Value>,
}

impl<'s> List<'s> {
    async fn new(service: &'s Service, many: usize) -> Self {
        let mut list = Self { service, many, cursors: Vec::new() };
        for amount in 1..=many {
            let pay = format!("mutation{{transfer(to:\"bob\",amount:{amount}){{id}}}}");
            assert_eq!(list.ask(&json!({ "query": pay })).await.status, 200);
        }
        let all = list.ask(&json!({ "query": query("") })).await;
        let edges = all.json["data"]["viewer"]["transfers"]["edges"].as_array().unwrap();
        list.cursors = edges.iter().map(|edge| edge["cursor"].clone()).collect();
        assert_eq!(list.cursors.len(), many);
        list
    }

    async fn ask(&self, body: &Value) -> Reply {
        let request = Request::new("POST", "/graphql").account(&format!("has-{}", self.many));
        let request = request.header("content-type", "application/json");
        self.service.ask(&request.body(&body.to_string())).await
    }

    fn question(&self, said: &Said) -> Value {
        let mut arguments = String::new();
        for (name, limit) in [("first", said.first), ("last", said.last)] {
            if let Some(limit) = limit {
                write!(arguments, "{name}:{limit} ").unwrap();
            }
        }
        for (name, item) in [("after", said.after), ("before", said.before)] {
            if let Some(item) = item {
                write!(arguments, "{name}:{} ", self.cursors[item]).unwrap();
            }
        }
        let arguments = if arguments.is_empty() { arguments } else { format!("({arguments})") };
        json!({ "query": query(&arguments) })
    }

    /// The page that graphql-relay gave, with our cursors; or how it is refused.
    fn expected(&self, said: &Said) -> Value {
        if said.first.is_some() && said.last.is_some() {
            return json!("PARAMETERS_EXCLUDE_EACH_OTHER");
        }
        let edge = |item: &usize| json!({"cursor": self.cursors[*item], "node": {"amount": self.many - item}});
        // Behind a page lies what was there when the cursor was made: its own item.
        let (has_next, has_previous) = match said.last {
            Some(_) => (said.before.is_some(), said.has_previous_page),
            None => (said.has_next_page, said.after.is_some()),
        };
        json!({
            "edges": said.nodes.iter().map(edge).collect::<Value>(),
            "pageInfo": {
                "hasNextPage": has_next,
                "hasPreviousPage": has_previous,
                "startCursor": said.nodes.first().map(|item| &self.cursors[*item]),
                "endCursor": said.nodes.last().map(|item| &self.cursors[*item]),
            },
        })
    }
}

fn query(arguments: &str) -> String {
    format!(
        "{{viewer{{transfers{arguments}{{edges{{cursor node{{amount}}}} \
         pageInfo{{hasNextPage hasPreviousPage startCursor endCursor}}}}}}}}"
    )
}

/// The page, or the code of its refusal.
fn answered(one: &Value) -> Value {
    match &one["errors"][0]["extensions"]["code"] {
        Value::Null => one["data"]["viewer"]["transfers"].clone(),
        code => code.clone(),
    }
}

#[tokio::test]
async fn pages_are_those_of_graphql_relay() {
    let all: Vec<Said> =
        Script::start("relay_connections.mjs", [MOST.to_string()]).hear_all().await;
    let questions: usize = (0..=MOST).map(|many| (many + 3).pow(2) * (many + 1).pow(2)).sum();
    assert_eq!(all.len(), questions);
    let service = start();
    for of_one in all.chunk_by(|one, next| one.many == next.many) {
        let list = List::new(&service, of_one[0].many).await;
        for batch in of_one.chunks(BATCH) {
            let reply = list.ask(&batch.iter().map(|said| list.question(said)).collect()).await;
            assert_eq!(reply.status, 200, "{reply:?}");
            let answers = reply.json.as_array().unwrap();
            assert_eq!(answers.len(), batch.len());
            for (said, answer) in batch.iter().zip(answers) {
                assert_eq!(answered(answer), list.expected(said), "{said:?}");
            }
        }
    }
}

#[derive(Debug, Deserialize)]
struct Built {
    sdl: String,
    cost: Cost,
}

#[derive(Debug, Deserialize)]
struct Cost {
    points: u64,
    charged: u64,
}

#[tokio::test]
async fn tools_can_ask_for_the_schema() {
    let service = start();
    let url = format!("http://{}/graphql", service.address());
    let built: Vec<Built> = Script::start("graphql_introspection.mjs", [url]).hear_all().await;
    let [Built { sdl, cost }] = &built[..] else { panic!("{built:?}") };
    for part in [
        "transfer(to: String!, amount: Int!): Transfer!",
        "transfers(first: Int, after: String, last: Int, before: String): TransferConnection!",
        "latest(first: Int): [Transfer!]!",
    ] {
        assert!(sdl.contains(part), "{sdl}");
    }
    assert!(cost.charged < cost.points, "{cost:?}");
}
