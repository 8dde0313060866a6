//! What the bodies of each version look like.

use serde_json::{Value, json};
use stonework_core::openapi::whole_number;
use utoipa::openapi::schema::Components;
use utoipa::openapi::{ComponentsBuilder, ObjectBuilder, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::deliveries::{Delivered, Registration, Shown, Tried};
use crate::ledger::{Label, Money, Order, Statement, Transfer};

/// Of which version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// An amount is a number of dollars.
    First,
    Newest,
}

impl Shape {
    /// The newest first.
    pub(super) const ALL: [Self; 2] = [Self::Newest, Self::First];

    pub(super) const fn version(self) -> &'static str {
        match self {
            Self::First => "v1",
            Self::Newest => "v2",
        }
    }

    /// The name of the schema in this version.
    pub(super) const fn order(self) -> &'static str {
        match self {
            Self::First => "OrderV1",
            Self::Newest => "Order",
        }
    }

    pub(super) const fn transfer(self) -> &'static str {
        match self {
            Self::First => "TransferV1",
            Self::Newest => "Transfer",
        }
    }

    fn amount(self) -> Value {
        match self {
            Self::First => json!(100),
            Self::Newest => json!({ "value": 100, "currency": "USD" }),
        }
    }

    pub(super) fn example_of_order(self) -> Value {
        json!({ "to": "bob", "amount": self.amount(), "reference": "rent" })
    }

    pub(super) fn example_of_transfer(self) -> Value {
        json!({
            "id": "0192f4c8-1e6a-7b3d-9c55-0a1b2c3d4e5f", "to": "bob", "amount": self.amount(),
            "reference": "rent", "balance": 900,
        })
    }
}

pub(super) fn components() -> Components {
    ComponentsBuilder::new()
        .schema("Money", with(Money::schema(), "value", amount()))
        .schema("Label", Label::schema())
        .schema("Order", Order::schema())
        .schema("OrderV1", with(Order::schema(), "amount", dollars()))
        .schema("Transfer", Transfer::schema())
        .schema("TransferV1", with(Transfer::schema(), "amount", dollars()))
        .schema("Statement", Statement::schema())
        .schema("Registration", Registration::schema())
        .schema(Shown::name(), Shown::schema())
        .schema(Delivered::name(), Delivered::schema())
        .schema(Tried::name(), Tried::schema())
        .build()
}

/// So much that 64 bits hold it.
fn amount() -> ObjectBuilder {
    whole_number().minimum(Some(1)).maximum(Some(u64::MAX)).examples([json!(100)])
}

/// What the gate of the second version makes of an amount, of its schema.
fn dollars() -> ObjectBuilder {
    amount().description(Some("In dollars."))
}

/// The same with another property of this name.
fn with(schema: RefOr<Schema>, name: &str, property: ObjectBuilder) -> RefOr<Schema> {
    match schema {
        RefOr::T(Schema::Object(mut object)) => {
            object.properties.insert(name.to_owned(), property.into());
            object.into()
        }
        other => other,
    }
}
