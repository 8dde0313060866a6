//! The same edits, for a `Document`, for a tree, and for the gates of a layer.

use serde_json::{Map, Value, json};
use stonework_versioning::{Document, GateError, Major, MigrationLayer, PathSegment, VersionLayer};

use super::text::{Case, Shape, Way};

/// The places of one case: made once, as those of a gate are.
pub(super) struct Places {
    way: Way,
    amount: String,
    value: String,
    currency: String,
    source: String,
    card: String,
    fee: String,
}

impl Places {
    pub(super) fn new(case: Case) -> Self {
        let at = |name: &str| [case.prefix(), name].concat();
        Self {
            way: case.way,
            amount: at("/amount"),
            value: at("/amount/value"),
            currency: at("/amount/currency"),
            source: at("/source"),
            card: at("/card"),
            fee: at("/fee"),
        }
    }

    pub(super) fn edit(&self, document: &mut Document<'_>) -> Result<(), GateError> {
        match self.way {
            Way::Up => {
                document.rename(&self.source, "card")?;
                document.move_to(&self.amount, &self.value)?;
                document.default(&self.currency, "USD")
            }
            Way::Down => {
                document.move_to(&self.value, &self.amount)?;
                document.remove(&self.fee)?;
                document.rename(&self.card, "source")
            }
        }
    }
}

/// Versions 1 to 3, and the gates between them.
pub(super) fn layers(case: Case) -> (VersionLayer, MigrationLayer) {
    let places = Places::new(case);
    let versions = ["1", "2", "3"]
        .iter()
        .fold(VersionLayer::builder::<Major>(), |builder, version| builder.version(version, |v| v))
        .read(PathSegment::first())
        .build()
        .expect("the configuration is valid");
    let migrations = versions
        .migrations()
        .gate("2", |gate| {
            gate.describe("`source` is called `card`.")
                .at("/transfers")
                .request(|body| body.rename(&places.source, "card"))
                .response(|body| body.rename(&places.card, "source"))
        })
        .gate("3", |gate| {
            gate.describe("`amount` is an object of `value` and `currency`; there is a `fee`.")
                .at("/transfers")
                .request(|body| {
                    body.move_to(&places.amount, &places.value).default(&places.currency, "USD")
                })
                .response(|body| body.move_to(&places.value, &places.amount).remove(&places.fee))
        })
        .build()
        .expect("the gates are valid");
    (versions, migrations)
}

/// Edits the tree, as one would by hand.
pub(super) fn edit_tree(case: Case, tree: &mut Value) {
    let edit = match case.way {
        Way::Up => up,
        Way::Down => down,
    };
    match case.shape {
        Shape::Top => tree.as_object_mut().into_iter().for_each(edit),
        Shape::Items => {
            let items = tree.get_mut("data").and_then(Value::as_array_mut);
            items.into_iter().flatten().filter_map(Value::as_object_mut).for_each(edit);
        }
    }
}

fn up(transfer: &mut Map<String, Value>) {
    if let Some(source) = transfer.remove("source") {
        transfer.insert("card".to_owned(), source);
    }
    if let Some(amount) = transfer.get_mut("amount") {
        *amount = json!({"value": amount.take(), "currency": "USD"});
    }
}

fn down(transfer: &mut Map<String, Value>) {
    if let Some(amount) = transfer.get_mut("amount")
        && let Some(value) = amount.get_mut("value").map(Value::take)
    {
        *amount = value;
    }
    transfer.remove("fee");
    if let Some(card) = transfer.remove("card") {
        transfer.insert("source".to_owned(), card);
    }
}
