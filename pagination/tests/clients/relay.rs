//! graphql-relay, the reference implementation of Relay's connections, says what each page of a small list is.
//!
//! Ours has the same items and the same end in the direction of reading. It differs in two things, both of which
//! the specification lets a server do:
//!
//! - `first` together with `last` is refused. The specification discourages it, since there are two readings.
//! - What lies behind a page is told. graphql-relay says `false` there; ours says whether there was something when
//!   the cursor was made, which is whether there is a cursor: its own item lies there.

use std::process::Command;

use serde::Deserialize;
use serde_json::{Value, json};
use stonework_pagination::{AnyPage, Binding, Cursors, Keys, PageError, Profile, Rejection};

use crate::memory::{Newest, found, place, rows};

/// Items of the largest list.
const MOST: i64 = 6;

/// What was asked for, and what graphql-relay gave. Items are counted from 0, and stand for their cursors.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Said {
    many: i64,
    first: Option<u32>,
    last: Option<u32>,
    after: Option<usize>,
    before: Option<usize>,
    nodes: Vec<i64>,
    has_next_page: bool,
    has_previous_page: bool,
}

impl Said {
    /// `hasNextPage` and `hasPreviousPage`, with what lies behind.
    fn around(&self) -> (bool, bool) {
        match self.last {
            Some(_) => (self.before.is_some(), self.has_previous_page),
            None => (self.has_next_page, self.after.is_some()),
        }
    }
}

fn graphql_relay() -> Vec<Said> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/clients/relay_connections.mjs");
    let run = Command::new("node").arg(script).arg(MOST.to_string()).output();
    let output = run
        .unwrap_or_else(|error| panic!("node cannot be started: {error}; run ./test.sh clients"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// So many questions there are: each limit may be absent, or 0 up to one more than all; each cursor absent, or that
/// of an item.
fn questions() -> usize {
    (0..=MOST as usize).map(|many| (many + 3).pow(2) * (many + 1).pow(2)).sum()
}

struct Ours {
    cursors: Cursors,
    many: i64,
    /// Of each item.
    of_items: Vec<String>,
}

impl Ours {
    async fn new(many: i64) -> Self {
        let cursors = Cursors::signed(Keys::new(1, &[7; 32])).build().unwrap();
        let empty = Self { cursors, many, of_items: Vec::new() };
        let all = empty.ask([]).await.unwrap();
        let edges = all["edges"].as_array().unwrap().iter();
        let of_items = edges.map(|edge| edge["cursor"].as_str().unwrap().to_owned()).collect();
        Self { of_items, ..empty }
    }

    async fn ask(
        &self,
        parameters: impl IntoIterator<Item = (&'static str, String)> + Send,
    ) -> Result<Value, PageError> {
        let (profile, binding) = (Profile::relay(), Binding::new().part("list", b"orders"));
        let page = AnyPage::from_parameters(&profile, &self.cursors, binding, parameters);
        let page = page.await?.sorted_by::<Newest>()?;
        let paged = page.finish(found(&rows(self.many), &page), place).await?;
        Ok(serde_json::to_value(paged.map(|(_, id)| self.many - id)).unwrap())
    }

    async fn answer(&self, said: &Said) -> Result<Value, PageError> {
        let limit = |limit: Option<u32>| limit.map(|limit| limit.to_string());
        let cursor = |item: Option<usize>| item.map(|item| self.of_items[item].clone());
        let parameters = [
            ("first", limit(said.first)),
            ("last", limit(said.last)),
            ("after", cursor(said.after)),
            ("before", cursor(said.before)),
        ];
        self.ask(parameters.into_iter().filter_map(|(name, value)| Some((name, value?)))).await
    }

    /// The page that graphql-relay gave, with our cursors.
    fn expected(&self, said: &Said) -> Value {
        let cursor = |node: &i64| &self.of_items[*node as usize];
        let edges = said.nodes.iter().map(|node| json!({"cursor": cursor(node), "node": node}));
        let (has_next, has_previous) = said.around();
        json!({
            "edges": edges.collect::<Value>(),
            "pageInfo": {
                "hasNextPage": has_next,
                "hasPreviousPage": has_previous,
                "startCursor": said.nodes.first().map(cursor),
                "endCursor": said.nodes.last().map(cursor),
            },
        })
    }
}

#[tokio::test]
async fn pages_are_those_of_graphql_relay() {
    let said = graphql_relay();
    assert_eq!(said.len(), questions());
    let mut ours = Ours::new(0).await;
    for said in said {
        if said.many != ours.many {
            ours = Ours::new(said.many).await;
        }
        let answer = ours.answer(&said).await.map_err(|error| error.rejection());
        let is_refused = said.first.is_some() && said.last.is_some();
        let expected = if is_refused { Err(Rejection::Both) } else { Ok(ours.expected(&said)) };
        assert_eq!(answer, expected, "{said:?}");
    }
}
