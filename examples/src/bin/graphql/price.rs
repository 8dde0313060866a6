//! What a query costs: **a point for each member that its answer can have, and ten for a write.**
//!
//! Members within a list count as often as the list can be long, and once at the least, so nesting multiplies:
//!
//! ```graphql
//! { viewer { transfers(first: 10) { nodes { id payee { name } } } } }
//! # 1      + 1                    + 1 + 10 × (1 + 1     + 1)           = 33
//! ```
//!
//! An alias is a member like any other. So is a field that is asked for twice or left out by `@skip`: then the answer
//! has less, and what it has is charged in the end; but never less than a point for each field that had to be looked at,
//! or fragments that spread each other would be work for nothing. A batch costs what its queries cost together, a document what all its
//! operations do, since all of them are validated.
//!
//! This is done before anything else looks at the document. async-graphql counts too, but by walking through each
//! fragment wherever it is spread: with each that spreads the next one twice it takes twice as long, half a second for
//! sixteen of them in a debug build. Here a fragment is counted once.

use std::collections::HashMap;

use async_graphql::parser::types::{
    ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet,
};
use async_graphql::{Name, Positioned, Value, Variables};

/// Fields within fields. The usual query of tools for introspection has 14.
const DEEPEST: u32 = 16;

/// Braces within braces, and fragments within those. It also ends fragments that spread themselves.
const MOST_LEVELS: u32 = 30;

/// Of a connection that is not told how many.
pub(crate) const PAGE: u32 = 20;
/// Of a connection, at most.
pub(crate) const LARGEST_PAGE: u32 = 100;
/// Of `latest`, when it is not told how many.
const LATEST: u64 = 5;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooDeep;

/// What a document costs, at most and at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Price {
    pub(crate) points: u32,
    /// A point for each field, in fragments wherever they are spread: so many are looked at, whatever is answered.
    pub(crate) least: u32,
}

impl Price {
    /// Of what cannot be parsed.
    pub(crate) const NOTHING: Self = Self { points: 1, least: 1 };
}

/// What something selected costs, and how many fields stand within each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sum {
    points: u64,
    least: u64,
    height: u32,
}

/// What the whole document costs.
pub(crate) fn price(
    document: &ExecutableDocument,
    variables: &Variables,
) -> Result<Price, TooDeep> {
    let (mut points, mut least) = (0_u64, 0_u64);
    for (_, operation) in document.operations.iter() {
        let mut pricer = Pricer { document, variables, operation, fragments: HashMap::new() };
        let sum = pricer.selected(&operation.node.selection_set.node, u64::from(PAGE), 0)?;
        points = points.saturating_add(sum.points);
        least = least.saturating_add(sum.least);
    }
    let fitting = |sum| u32::try_from(sum).unwrap_or(u32::MAX);
    Ok(Price { points: fitting(points), least: fitting(least) })
}

/// How many members an answer has: never more than its query costs.
pub(crate) fn members(value: &Value) -> u64 {
    match value {
        Value::Object(object) => object.values().map(|value| 1 + members(value)).sum(),
        Value::List(list) => list.iter().map(members).sum(),
        _ => 0,
    }
}

struct Pricer<'d> {
    document: &'d ExecutableDocument,
    variables: &'d Variables,
    operation: &'d Positioned<OperationDefinition>,
    /// Fragments that have been counted. By the page they stand in, since they may select its `nodes`.
    fragments: HashMap<(&'d str, u64), Sum>,
}

impl<'d> Pricer<'d> {
    /// `page` is how long `nodes` and `edges` of this selection can be.
    fn selected(&mut self, set: &'d SelectionSet, page: u64, level: u32) -> Result<Sum, TooDeep> {
        if set.items.is_empty() {
            return Ok(Sum::default());
        }
        if level > MOST_LEVELS {
            return Err(TooDeep);
        }
        let mut all = Sum::default();
        for selection in &set.items {
            let one = match &selection.node {
                Selection::Field(field) => self.field(&field.node, page, level)?,
                Selection::InlineFragment(inline) => {
                    self.selected(&inline.node.selection_set.node, page, level + 1)?
                }
                Selection::FragmentSpread(spread) => {
                    self.fragment(&spread.node.fragment_name.node, page, level)?
                }
            };
            all.points = all.points.saturating_add(one.points);
            all.least = all.least.saturating_add(one.least);
            all.height = all.height.max(one.height);
        }
        Ok(all)
    }

    fn field(&mut self, field: &'d Field, page: u64, level: u32) -> Result<Sum, TooDeep> {
        let name = field.name.node.as_str();
        let own = self.size(field);
        let within = self.selected(&field.selection_set.node, own, level + 1)?;
        let many = match name {
            "edges" | "nodes" => page,
            "latest" => own,
            _ => introspected(name).unwrap_or(1),
        };
        // What stands within an empty list is validated all the same. Costing nothing, it could be anything.
        let points = within.points.saturating_mul(many.max(1)).saturating_add(itself(name));
        let height = within.height + 1;
        let least = within.least.saturating_add(1);
        if height > DEEPEST { Err(TooDeep) } else { Ok(Sum { points, least, height }) }
    }

    fn fragment(&mut self, name: &'d Name, page: u64, level: u32) -> Result<Sum, TooDeep> {
        if let Some(known) = self.fragments.get(&(name.as_str(), page)) {
            return Ok(*known);
        }
        let Some(fragment) = self.document.fragments.get(name) else {
            // It is refused later. Costing nothing, it could be spread without end until then.
            return Ok(Sum { points: 1, least: 1, height: 0 });
        };
        let sum = self.selected(&fragment.node.selection_set.node, page, level + 1)?;
        self.fragments.insert((name.as_str(), page), sum);
        Ok(sum)
    }

    /// How many a field asks for by `first` or `last`.
    fn size(&self, field: &Field) -> u64 {
        let asked = ["first", "last"].into_iter().filter_map(|name| {
            let value = field.get_argument(name)?.node.clone();
            number(&value.into_const_with(|name| self.variable(&name).ok_or(())).ok()?)
        });
        let unsaid = if field.name.node == "latest" { LATEST } else { u64::from(PAGE) };
        asked.max().unwrap_or(unsaid)
    }

    /// `None` for one that is left out.
    fn variable(&self, name: &Name) -> Option<Value> {
        if let Some(value) = self.variables.get(name) {
            return Some(value.clone());
        }
        let mut definitions = self.operation.node.variable_definitions.iter();
        let definition = definitions.find(|definition| definition.node.name.node == *name)?;
        definition.node.default_value().cloned()
    }
}

/// `None` is unsaid. What is no number is refused later, and so is what is less than none.
fn number(value: &Value) -> Option<u64> {
    match value {
        Value::Null => None,
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => Some(number.max(0).unsigned_abs()),
            (None, number) => Some(number.unwrap_or(u64::from(LARGEST_PAGE))),
        },
        _ => Some(u64::from(LARGEST_PAGE)),
    }
}

/// What a field costs by itself.
fn itself(name: &str) -> u64 {
    match name {
        // The one that writes.
        "transfer" => 10,
        _ => 1,
    }
}

/// How long the lists of introspection can be here. A test asks the schema.
fn introspected(name: &str) -> Option<u64> {
    Some(match name {
        "types" => 30,
        "fields" => 12,
        "enumValues" => 19,
        "args" | "inputFields" => 4,
        "directives" => 5,
        "locations" => 7,
        "interfaces" | "possibleTypes" => 1,
        _ => return None,
    })
}

#[cfg(test)]
#[path = "price_tests.rs"]
mod tests;
