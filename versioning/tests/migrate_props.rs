//! What holds for any document: edits against naive ones on a tree, and there and back again.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use stonework_versioning::Document;

const NAMES: [&str; 6] = ["a", "b", "c", "*", "0", "é\"/~"];

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(&NAMES[..]).prop_map(str::to_owned)
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[ -~é\\n]{0,4}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name(), inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn escaped(step: &str) -> String {
    step.replace('~', "~0").replace('/', "~1")
}

fn pointer(steps: &[String]) -> String {
    steps.iter().flat_map(|step| ["/".to_owned(), escaped(step)]).collect()
}

fn steps() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(name(), 0..4)
}

/// Every value that the steps lead to.
fn reach<'v>(value: &'v mut Value, steps: &[String], found: &mut Vec<&'v mut Value>) {
    let Some((step, rest)) = steps.split_first() else { return found.push(value) };
    match value {
        Value::Object(members) => {
            if let Some(member) = members.get_mut(step) {
                reach(member, rest, found);
            }
        }
        Value::Array(items) => {
            let wanted = |at: &usize| step == "*" || *step == at.to_string();
            let items = items.iter_mut().enumerate().filter(|(at, _)| wanted(at));
            items.for_each(|(_, item)| reach(item, rest, found));
        }
        _ => {}
    }
}

fn in_each(value: &mut Value, steps: &[String], edit: impl Fn(&mut Value, &str)) {
    let (last, holder) = steps.split_last().unwrap();
    let mut found = Vec::new();
    reach(value, holder, &mut found);
    found.into_iter().for_each(|value| edit(value, last));
}

fn removed(value: &mut Value, name: &str) {
    match value {
        Value::Object(members) => drop(members.remove(name)),
        Value::Array(items) if name == "*" => items.clear(),
        Value::Array(items) => match name.parse() {
            Ok(at) if at < items.len() => drop(items.remove(at)),
            _ => {}
        },
        _ => {}
    }
}

fn read(document: &Document<'_>) -> Value {
    serde_json::from_slice(&document.to_bytes()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 4_000, ..ProptestConfig::default() })]

    #[test]
    fn an_edit_does_what_it_does_to_a_tree(
        mut tree in value(),
        at in steps().prop_filter("the whole body has no name", |steps| !steps.is_empty()),
        to in name(),
    ) {
        let text = serde_json::to_vec(&tree).unwrap();
        let pointer = pointer(&at);

        let mut reached = Vec::new();
        reach(&mut tree, &at, &mut reached);
        let first = reached.first().map(|value| (**value).clone());
        let got = Document::parse(&text).unwrap().get::<Value>(&pointer).unwrap();
        prop_assert_eq!(got, first);

        let (mut document, mut expected) = (Document::parse(&text).unwrap(), tree.clone());
        document.remove(&pointer).unwrap();
        in_each(&mut expected, &at, removed);
        prop_assert_eq!(read(&document), expected);

        let (mut document, mut expected) = (Document::parse(&text).unwrap(), tree.clone());
        document.default(&pointer, &json!([7])).unwrap();
        in_each(&mut expected, &at, |value, name| {
            if let Value::Object(members) = value {
                members.entry(name).or_insert(json!([7]));
            }
        });
        prop_assert_eq!(read(&document), expected);

        let (mut document, mut expected) = (Document::parse(&text).unwrap(), tree.clone());
        document.rename(&pointer, &to).unwrap();
        in_each(&mut expected, &at, |value, name| {
            if let Value::Object(members) = value
                && let Some(member) = members.remove(name)
            {
                members.insert(to.clone(), member);
            }
        });
        prop_assert_eq!(read(&document), expected);
    }

    /// Up over a gate and down again, an older document is what it was, byte for byte.
    #[test]
    fn there_and_back_again(
        amounts in prop::collection::vec(prop::option::of(value()), 0..4),
        rest in value(),
        big in "-?[1-9][0-9]{20,40}(\\.[0-9]{1,30})?(e[0-9]{1,3})?",
    ) {
        let items: Vec<Value> = amounts.iter().map(|amount| {
            let mut item = Map::new();
            item.insert("rest".to_owned(), rest.clone());
            item.extend(amount.clone().map(|amount| ("amount".to_owned(), amount)));
            Value::Object(item)
        }).collect();
        let text = format!("{{\"source\":{big},\"data\":{}}}", Value::from(items));
        let mut document = Document::parse(text.as_bytes()).unwrap();
        document.rename("/source", "card").unwrap();
        document.move_to("/data/*/amount", "/data/*/amount/value").unwrap();
        document.move_to("", "/object").unwrap();
        let up = document.to_bytes();
        prop_assert!(up != text.as_bytes());
        let mut document = Document::parse(&up).unwrap();
        document.move_to("/object", "").unwrap();
        document.move_to("/data/*/amount/value", "/data/*/amount").unwrap();
        document.rename("/card", "source").unwrap();
        prop_assert_eq!(document.to_string(), text);
    }

    /// Whatever is moved where, nothing is lost that the tree would keep.
    #[test]
    fn a_move_takes_from_one_place_to_another_or_does_nothing(
        tree in value(),
        from in steps(),
        to in steps(),
    ) {
        let text = serde_json::to_vec(&tree).unwrap();
        let mut document = Document::parse(&text).unwrap();
        let (from, to) = (pointer(&from), pointer(&to));
        if document.move_to(&from, &to).is_ok() && !document.is_changed() {
            prop_assert_eq!(read(&document), tree);
        }
    }

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..60), at in "[ -~]{0,12}") {
        if let Ok(mut document) = Document::parse(&bytes) {
            prop_assert!(serde_json::from_slice::<serde::de::IgnoredAny>(&bytes).is_ok());
            let _ = (document.remove(&at), document.rename(&at, &at), document.move_to(&at, "/x"));
            let _ = document.get::<Value>(&at);
            let after = document.to_bytes();
            prop_assert!(serde_json::from_slice::<serde::de::IgnoredAny>(&after).is_ok());
        }
    }
}
