//! A connection of Relay, asked for in GraphQL.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "support/memory.rs"]
mod memory;

use async_graphql::connection::{Connection, EmptyFields};
use async_graphql::{EmptyMutation, EmptySubscription, Object, Result, Schema};
use memory::{Newest, found, place, rows};
use serde_json::{Value, json};
use stonework_pagination::{AnyPage, Binding, Cursors, EdgeCursor, Keys, Profile, Rejection};

struct Query {
    cursors: Cursors,
}

#[Object]
impl Query {
    async fn orders(
        &self,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<Connection<EdgeCursor, i64, EmptyFields, EmptyFields>> {
        let number = |number: Option<i32>| number.map(|number| number.to_string());
        let parameters = [
            ("first", number(first)),
            ("after", after),
            ("last", number(last)),
            ("before", before),
        ];
        let parameters = parameters.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let binding = Binding::new().part("list", b"orders");
        let profile = Profile::relay().limits(20, 50);
        let page = AnyPage::from_parameters(&profile, &self.cursors, binding, parameters).await?;
        let page = page.sorted_by::<Newest>()?;
        let page = page.finish(found(&rows(7), &page), place).await?;
        Ok(page.map(|row| row.1).into_connection()?)
    }
}

fn schema() -> Schema<Query, EmptyMutation, EmptySubscription> {
    let cursors = Cursors::signed(Keys::new(1, &[7; 32])).build().unwrap();
    Schema::new(Query { cursors }, EmptyMutation, EmptySubscription)
}

async fn ask(arguments: &str) -> Value {
    let query = format!(
        "{{ orders{arguments} {{ edges {{ cursor node }} \
         pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }}"
    );
    let response = schema().execute(query.as_str()).await;
    match &*response.errors {
        [] => response.data.into_json().unwrap()["orders"].take(),
        [error, ..] => json!({ "error": error.message }),
    }
}

fn nodes(connection: &Value) -> Vec<i64> {
    let edges = connection["edges"].as_array().unwrap();
    edges.iter().map(|edge| edge["node"].as_i64().unwrap()).collect()
}

/// The cursor of this item.
async fn cursor(id: i64) -> String {
    let all = ask("").await;
    let edge = all["edges"].as_array().unwrap().iter().find(|edge| edge["node"] == id);
    edge.unwrap()["cursor"].as_str().unwrap().to_owned()
}

/// Others know no cursors of their items, which would be lost.
#[tokio::test]
async fn a_page_of_another_contract_is_no_connection() {
    let cursors = Cursors::signed(Keys::new(1, &[7; 32])).build().unwrap();
    let profile = Profile::plain();
    let page = AnyPage::from_parameters(&profile, &cursors, Binding::new(), []);
    let page = page.await.unwrap().sorted_by::<Newest>().unwrap();
    let paged = page.finish(found(&rows(7), &page), place).await.unwrap().map(|row| row.1);
    let connection: std::result::Result<Connection<EdgeCursor, _, EmptyFields, EmptyFields>, _> =
        paged.into_connection();
    assert_eq!(connection.err().unwrap().rejection(), Rejection::Misused);
}

#[tokio::test]
async fn both_ends_and_both_ways_can_be_asked_for() {
    let (six, three) = (cursor(6).await, cursor(3).await);
    for (arguments, expected, next, previous) in [
        (String::new(), &[7, 6, 5, 4, 3, 2, 1][..], false, false),
        ("(first: 2)".to_owned(), &[7, 6], true, false),
        (format!("(first: 2, after: \"{six}\")"), &[5, 4], true, true),
        (format!("(first: 9, after: \"{six}\")"), &[5, 4, 3, 2, 1], false, true),
        ("(last: 2)".to_owned(), &[2, 1], false, true),
        (format!("(last: 2, before: \"{three}\")"), &[5, 4], true, true),
        (format!("(last: 9, before: \"{three}\")"), &[7, 6, 5, 4], true, false),
        (format!("(first: 1, after: \"{six}\", before: \"{three}\")"), &[5], true, true),
        (format!("(first: 9, after: \"{six}\", before: \"{three}\")"), &[5, 4], false, true),
        (format!("(last: 1, after: \"{six}\", before: \"{three}\")"), &[4], true, true),
        (format!("(last: 9, after: \"{six}\", before: \"{three}\")"), &[5, 4], true, false),
        (format!("(before: \"{six}\")"), &[7], false, false),
    ] {
        let connection = ask(&arguments).await;
        assert_eq!(nodes(&connection), expected, "{arguments}");
        let info = &connection["pageInfo"];
        assert_eq!(
            (&info["hasNextPage"], &info["hasPreviousPage"]),
            (&json!(next), &json!(previous)),
            "{arguments}"
        );
        let edges = connection["edges"].as_array().unwrap();
        assert_eq!(info["startCursor"], edges[0]["cursor"]);
        assert_eq!(info["endCursor"], edges[edges.len() - 1]["cursor"]);
    }
}

#[tokio::test]
async fn what_cannot_be_asked_for_is_an_error() {
    for (arguments, expected) in [
        ("(first: -1)", "from 0 to 50"),
        ("(first: 51)", "from 0 to 50"),
        ("(last: -1)", "from 0 to 50"),
        ("(first: 1, last: 1)", "not both"),
        ("(after: \"x\")", "Cursor is invalid"),
        ("(after: \"\")", "Cursor is invalid"),
    ] {
        let error = ask(arguments).await["error"].as_str().unwrap().to_owned();
        assert!(error.contains(expected), "{arguments}: {error}");
    }
}
