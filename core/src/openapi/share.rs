//! A document in which things that are said often are said once.

use std::collections::BTreeMap;

use utoipa::openapi::{Components, OpenApi, Ref, RefOr, Response};

use super::all;

/// Moves parameters, headers and examples into the components, and refers to them there. What differs under one name is
/// kept apart by a number.
///
/// A document with many operations gets several times smaller. Call it at the end: what was moved is not changed by
/// [`add_header`](super::add_header) and the like any more.
pub fn share(document: &mut OpenApi) {
    let components = document.components.get_or_insert_default();
    for (_, _, operation) in all(&mut document.paths) {
        for parameter in operation.parameters.iter_mut().flatten() {
            let name = match parameter {
                RefOr::T(parameter) => parameter.name.clone(),
                RefOr::Ref(_) => continue,
            };
            keep(&mut components.parameters, "parameters", &name, parameter);
        }
        for response in operation.responses.responses.values_mut() {
            if let RefOr::T(response) = response {
                share_response(components, response);
            }
        }
    }
}

fn share_response(components: &mut Components, response: &mut Response) {
    for (name, header) in &mut response.headers {
        keep(&mut components.headers, "headers", name, header);
    }
    for content in response.content.values_mut() {
        if let RefOr::T(content) = content {
            for (name, example) in &mut content.examples {
                keep(&mut components.examples, "examples", name, example);
            }
        }
    }
}

/// Keeps a thing under a name that is free, or its own already.
fn keep<T: PartialEq>(
    kept: &mut BTreeMap<String, RefOr<T>>,
    kind: &str,
    name: &str,
    thing: &mut RefOr<T>,
) {
    if matches!(thing, RefOr::Ref(_)) {
        return;
    }
    let name = component_name(name);
    let numbered =
        |number: usize| if number == 1 { name.clone() } else { format!("{name}-{number}") };
    let names = (1..).map(numbered);
    let free_or_own = |name: &String| kept.get(name).is_none_or(|known| known == thing);
    let Some(name) = { names }.find(free_or_own) else { return };
    let there = RefOr::Ref(Ref::new(format!("#/components/{kind}/{name}")));
    let thing = std::mem::replace(thing, there);
    kept.insert(name, thing);
}

/// Names of components have no other characters (OpenAPI 3.1, section 4.8.7).
fn component_name(name: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    name.chars().map(|c| if fits(c) { c } else { '.' }).collect()
}
