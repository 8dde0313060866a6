//! Prices beside sums that were done by hand, beside the schema, and beside what is answered.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

use async_graphql::{Request, Response};
use axum::http::HeaderValue;
use axum::http::header::AUTHORIZATION;
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use stonework_pagination::{Cursors, Keys};

use super::*;
use crate::account::Account;
use crate::ledger::Ledger;
use crate::loaders::Loads;
use crate::read::DEAREST;
use crate::schema;

fn priced(query: &str, variables: Json) -> Result<Price, TooDeep> {
    let document = async_graphql::parser::parse_query(query).unwrap();
    price(&document, &Variables::from_json(variables))
}

fn with(query: &str, variables: Json) -> Result<u32, TooDeep> {
    priced(query, variables).map(|price| price.points)
}

fn of(query: &str) -> u32 {
    with(query, json!({})).unwrap()
}

#[test]
fn sums_are_those_done_by_hand() {
    for (query, expected) in [
        ("{viewer{name}}", 1 + 1),
        ("{viewer{name balance}}", 1 + 1 + 1),
        ("{__typename}", 1),
        // Members of a list as often as it can be long, the list itself once.
        ("{viewer{transfers(first:10){nodes{id payee{name}}}}}", 1 + 1 + 1 + 10 * (1 + 1 + 1)),
        ("{viewer{transfers(last:10){nodes{id}}}}", 1 + 1 + 1 + 10),
        ("{viewer{transfers{nodes{id}}}}", 1 + 1 + 1 + 20),
        ("{viewer{transfers(first:null){nodes{id}}}}", 1 + 1 + 1 + 20),
        // What stands within is validated, though there is nothing of it.
        ("{viewer{transfers(first:0){nodes{id}}}}", 1 + 1 + 1 + 1),
        ("{viewer{payees(first:1){nodes{latest(first:0){id}}}}}", 3 + (1 + 1)),
        ("{viewer{transfers(first:10){edges{cursor node{id}}}}}", 1 + 1 + 1 + 10 * (1 + 1 + 1)),
        ("{viewer{transfers(first:10){pageInfo{hasNextPage}}}}", 1 + 1 + 1 + 1),
        ("{viewer{payees(first:10){nodes{latest{id}}}}}", 3 + 10 * (1 + 5)),
        ("{viewer{payees(first:10){nodes{latest(first:3){id}}}}}", 3 + 10 * (1 + 3)),
        (
            "{viewer{payees(first:10){nodes{latest(first:3){payee{latest(first:7){id}}}}}}}",
            3 + 10 * (1 + 3 * (1 + 1 + 7)),
        ),
        // What would be refused later.
        ("{viewer{transfers(first:-1){nodes{id}}}}", 3 + 1),
        ("{viewer{transfers(first:1,last:9){nodes{id}}}}", 3 + 9),
        ("{viewer{transfers(first:\"1\"){nodes{id}}}}", 3 + 100),
        ("{viewer{transfers(first:1.5){nodes{id}}}}", 3 + 100),
        ("{viewer{transfers(first:5000000000){nodes{id}}}}", u32::MAX),
        ("{viewer{transfers(first:4294967292){nodes{id}}}}", u32::MAX),
        ("{viewer{transfers(first:18446744073709551615){nodes{id}}}}", u32::MAX),
        // Aliases, fields that are there twice, and what is skipped.
        ("{a:viewer{name} b:viewer{name}}", 4),
        ("{viewer{name} viewer{name}}", 4),
        ("{viewer{name @skip(if:true)}}", 2),
        // Fragments.
        ("{viewer{...f}} fragment f on Account{name balance}", 3),
        ("{viewer{...f ...f}} fragment f on Account{name}", 3),
        ("{viewer{...on Account{name}}}", 2),
        ("{viewer{transfers(first:7){...f}}} fragment f on TransferConnection{nodes{id}}", 3 + 7),
        (
            "{viewer{a:transfers(first:7){...f} b:transfers(first:9){...f}}} \
             fragment f on TransferConnection{nodes{id}}",
            1 + 2 + 7 + 2 + 9,
        ),
        ("{...f}", 1),
        // Writes, and operations that are validated beside the one that runs.
        ("mutation{transfer(to:\"b\",amount:1){id}}", 10 + 1),
        ("mutation{a:transfer(to:\"b\",amount:1){id} b:transfer(to:\"b\",amount:1){id}}", 22),
        ("query a{viewer{name}} query b{viewer{name}}", 4),
    ] {
        assert_eq!(of(query), expected, "{query}");
    }
}

#[test]
fn the_least_is_a_point_for_each_field_wherever_it_is_spread() {
    for (query, expected) in [
        ("{viewer{transfers(first:100){nodes{id amount}}}}", 5),
        ("{viewer{transfers(first:0){nodes{id}}}}", 4),
        ("{a:viewer{name} viewer{name name @skip(if:true)}}", 5),
        ("{viewer{...f ...f}} fragment f on Account{name balance}", 5),
        ("{...f}", 1),
        ("mutation{transfer(to:\"b\",amount:1){id}}", 2),
        ("query a{viewer{name}} query b{viewer{name}}", 4),
        ("{__schema{types{fields{name}}}}", 4),
    ] {
        assert_eq!(priced(query, json!({})).unwrap().least, expected, "{query}");
    }
}

#[test]
fn variables_are_what_they_stand_for() {
    let list = |definition: &str| {
        format!("query({definition}){{viewer{{transfers(first:$n){{nodes{{id}}}}}}}}")
    };
    for (definition, variables, expected) in [
        ("$n:Int", json!({"n": 7}), 3 + 7),
        ("$n:Int", json!({}), 3 + 20),
        ("$n:Int", json!({"n": null}), 3 + 20),
        ("$n:Int", json!({"n": "x"}), 3 + 100),
        ("$n:Int=9", json!({}), 3 + 9),
        ("$n:Int=9", json!({"n": 7}), 3 + 7),
        ("$n:Int=9", json!({"n": null}), 3 + 20),
        ("$m:Int=9", json!({"m": 7}), 3 + 20),
    ] {
        assert_eq!(
            with(&list(definition), variables.clone()),
            Ok(expected),
            "{definition} {variables}"
        );
    }
    // Each operation has its own.
    let query = "query a($n:Int=1){...f} query b($n:Int=50){...f} \
                 fragment f on Query{viewer{transfers(first:$n){nodes{id}}}}";
    assert_eq!(of(query), 3 + 1 + 3 + 50);
}

#[test]
fn what_is_nested_too_deep_has_no_price() {
    let nested = |many: usize| format!("{}{{name}}{}", "{payee".repeat(many), "}".repeat(many));
    assert_eq!(of(&nested(15)), 16);
    assert_eq!(with(&nested(16), json!({})), Err(TooDeep));
    let inline = |many: usize| format!("{}{{name}}{}", "{...".repeat(many), "}".repeat(many));
    assert_eq!(of(&inline(30)), 1);
    assert_eq!(with(&inline(31), json!({})), Err(TooDeep));
    for cycle in [
        "{...f} fragment f on Query{...f}",
        "{...f} fragment f on Query{...f ...f ...g} fragment g on Query{...f ...g}",
        "{...f} fragment f on Query{viewer{...f}}",
    ] {
        assert_eq!(with(cycle, json!({})), Err(TooDeep), "{cycle}");
    }
}

/// Each spreads the next one twice, so walking through them takes twice as long with each.
#[test]
fn fragments_that_double_are_counted_once_and_cost_what_they_are() {
    let doubling = |many: u32, end: &str| {
        let each = |at: u32| format!("fragment f{at} on Query{{...f{} ...f{}}}", at + 1, at + 1);
        format!("{{...f0}} {} {end}", (0..many).map(each).collect::<String>())
    };
    assert_eq!(of(&doubling(10, "fragment f10 on Query{__typename}")), 1 << 10);
    assert_eq!(of(&doubling(10, "")), 1 << 10, "one that is not there costs something too");
    assert_eq!(of(&doubling(29, "fragment f29 on Query{__typename}")), 1 << 29);
    assert_eq!(with(&doubling(40, ""), json!({})), Err(TooDeep));
}

/// Answers as the service would, for an account with some transfers.
struct Service {
    ledger: Ledger,
    account: Account,
    cursors: Cursors,
}

impl Service {
    async fn start() -> Self {
        let ledger = Ledger::open(None).await.unwrap();
        let headers = [(AUTHORIZATION, HeaderValue::from_static("Bearer alice"))];
        let account = Account::of(&headers.into_iter().collect()).unwrap();
        for (payee, amount) in [("bob", 1), ("carol", 2), ("bob", 3), ("dave", 4), ("bob", 5)] {
            ledger.transfer(&account, payee, amount).await.unwrap();
        }
        let cursors = Cursors::signed(Keys::new(1, &[7; 32])).build().unwrap();
        Self { ledger, account, cursors }
    }

    async fn ask(&self, query: &str) -> Response {
        let request = Request::new(query)
            .data(self.account.clone())
            .data(self.cursors.clone())
            .data(self.ledger.clone());
        let loads = Loads::default();
        let request = request.data(loads.loader(&self.ledger, &self.account));
        loads.drive(schema::schema().execute(request)).await
    }
}

/// As tools ask it: references to types to a depth of nine.
fn introspection() -> String {
    let kind = format!("{}kind name{}", "kind name ofType{".repeat(9), "}".repeat(9));
    let input = format!("name description type{{{kind}}} defaultValue");
    format!(
        "{{__schema{{queryType{{name}} mutationType{{name}} subscriptionType{{name}} \
         types{{kind name description specifiedByURL \
         fields(includeDeprecated:true){{name description args{{{input}}} type{{{kind}}} \
         isDeprecated deprecationReason}} inputFields{{{input}}} interfaces{{{kind}}} \
         enumValues(includeDeprecated:true){{name description isDeprecated deprecationReason}} \
         possibleTypes{{{kind}}}}} \
         directives{{name description locations args{{{input}}}}}}}}}"
    )
}

/// A list that the price does not know would be free but for its first item.
#[tokio::test]
async fn the_price_knows_every_list_of_the_schema() {
    fn is_list(kind: &Json) -> bool {
        kind["kind"] == "LIST" || kind.get("ofType").is_some_and(is_list)
    }
    let answer = Service::start().await.ask(&introspection()).await;
    assert!(answer.is_ok(), "{:?}", answer.errors);
    let types = answer.data.into_json().unwrap()["__schema"]["types"].take();
    let (mut lists, mut plain) = (Vec::new(), Vec::new());
    for field in
        types.as_array().unwrap().iter().filter_map(|one| one["fields"].as_array()).flatten()
    {
        let name = field["name"].as_str().unwrap().to_owned();
        if is_list(&field["type"]) { lists.push(name) } else { plain.push(name) }
    }
    let own = ["edges", "nodes", "latest"];
    assert!(own.iter().all(|name| lists.iter().any(|list| list == name)));
    for list in lists.iter().filter(|list| !own.contains(&list.as_str())) {
        assert!(introspected(list).is_some(), "{list}");
    }
    for field in plain {
        assert!(!own.contains(&field.as_str()) && introspected(&field).is_none(), "{field}");
    }
}

/// No list of introspection is longer than its price supposes.
#[tokio::test]
async fn introspection_has_no_more_than_it_costs() {
    fn check(value: &Json, at: &str) {
        match value {
            Json::Array(list) => {
                assert!(list.len() as u64 <= introspected(at).unwrap(), "{at}: {}", list.len());
                list.iter().for_each(|item| check(item, ""));
            }
            Json::Object(members) => members.iter().for_each(|(name, member)| check(member, name)),
            _ => {}
        }
    }
    let answer = Service::start().await.ask(&introspection()).await;
    let (members, price) = (members(&answer.data), of(&introspection()));
    check(&answer.data.into_json().unwrap(), "");
    println!("{members} members for {price} points");
    assert!(members <= u64::from(price));
    assert!(price <= DEAREST, "tools may ask for it: {price}");
}

/// What may be selected of a type, at most so deep.
fn fields(of: Vec<BoxedStrategy<String>>) -> BoxedStrategy<String> {
    let one = proptest::strategy::Union::new(of);
    proptest::collection::vec(one, 1..4)
        .prop_map(|fields| {
            // By names of their own, or two of the same field would have to agree.
            let named = fields.iter().enumerate().map(|(at, field)| format!("a{at}:{field}"));
            format!("{{{}}}", named.collect::<Vec<_>>().join(" "))
        })
        .boxed()
}

fn payee(depth: u32) -> BoxedStrategy<String> {
    let mut all = vec![Just("name".to_owned()).boxed(), Just("total".to_owned()).boxed()];
    if depth > 0 {
        all.push(
            (0..4, transfer(depth - 1))
                .prop_map(|(n, of)| format!("latest(first:{n}){of}"))
                .boxed(),
        );
        all.push(transfer(depth - 1).prop_map(|of| format!("latest{of}")).boxed());
    }
    fields(all)
}

fn transfer(depth: u32) -> BoxedStrategy<String> {
    let mut all = vec![Just("id".to_owned()).boxed(), Just("amount".to_owned()).boxed()];
    if depth > 0 {
        all.push(payee(depth - 1).prop_map(|of| format!("payee{of}")).boxed());
    }
    fields(all)
}

fn connection(name: &'static str, of: &BoxedStrategy<String>) -> BoxedStrategy<String> {
    let parts = vec![
        Just("pageInfo{hasNextPage endCursor}".to_owned()).boxed(),
        of.clone().prop_map(|of| format!("nodes{of}")).boxed(),
        of.clone().prop_map(|of| format!("edges{{cursor node{of}}}")).boxed(),
    ];
    let arguments = prop_oneof![
        Just(String::new()),
        (0..9).prop_map(|n| format!("(first:{n})")),
        (0..9).prop_map(|n| format!("(last:{n})")),
    ];
    (arguments, fields(parts)).prop_map(move |(some, of)| format!("{name}{some}{of}")).boxed()
}

/// A selection of the account that asks.
fn viewer() -> BoxedStrategy<String> {
    fields(vec![
        Just("name".to_owned()).boxed(),
        Just("balance".to_owned()).boxed(),
        connection("transfers", &transfer(4)),
        connection("payees", &payee(4)),
    ])
}

proptest! {
    #[test]
    fn aliases_add_up(a in viewer(), b in viewer()) {
        let both = of(&format!("{{viewer{a} again:viewer{b}}}"));
        prop_assert_eq!(both, of(&format!("{{viewer{a}}}")) + of(&format!("{{viewer{b}}}")));
    }

    #[test]
    fn nesting_multiplies(inner in transfer(3), many in 0_u32..50) {
        let within = of(&inner);
        let nested = of(&format!("{{viewer{{transfers(first:{many}){{nodes{inner}}}}}}}"));
        prop_assert_eq!(nested, 3 + many.max(1) * within);
        let deeper = format!("{{viewer{{payees(first:2){{nodes{{latest(first:{many}){inner}}}}}}}}}");
        prop_assert_eq!(of(&deeper), 3 + 2 * (1 + many.max(1) * within));
    }

    #[test]
    fn fragments_change_no_price(inner in viewer()) {
        let plain = of(&format!("{{viewer{inner}}}"));
        for other in [
            format!("{{viewer{{...on Account{inner}}}}}"),
            format!("{{viewer{{...f}}}} fragment f on Account{inner}"),
            format!("{{...f}} fragment f on Query{{viewer{{...g}}}} fragment g on Account{inner}"),
        ] {
            prop_assert_eq!(of(&other), plain, "{}", other);
        }
    }
}

/// The promise that a price makes.
#[test]
fn no_answer_has_more_members_than_its_query_costs() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let service = runtime.block_on(Service::start());
    proptest!(ProptestConfig::with_cases(64), |(inner in viewer())| {
        let query = format!("{{viewer{inner}}}");
        let answer = runtime.block_on(service.ask(&query));
        prop_assert!(answer.is_ok(), "{query}: {:?}", answer.errors);
        prop_assert!(members(&answer.data) <= u64::from(of(&query)), "{query}");
    });
}
