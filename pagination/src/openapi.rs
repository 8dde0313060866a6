//! What an OpenAPI document says of pages, over the `utoipa` crate, major version 6. Feature `utoipa-6`.
//!
//! ```
//! use stonework_pagination::{PageLayer, openapi};
//! use utoipa::openapi::path::Operation;
//! use utoipa::openapi::{Content, Ref};
//!
//! /// Describes a list of transfers, in the form of the layer's contract.
//! fn describe(pages: &PageLayer, list: &mut Operation) {
//!     openapi::describe(pages, list);
//!     let page = openapi::page(pages, Ref::from_schema_name("Transfer"));
//!     if let Some(found) = stonework_core::openapi::response(list, "200", "The transfers") {
//!         let content = Content::new(Some(page));
//!         found.content.insert("application/json".to_owned(), content.into());
//!     }
//! }
//! ```

mod page;

use stonework_core::openapi::{
    add_header_to, add_parameter, add_problem, header, optional, response, text, whole_number,
};
use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::{Content, Object, ObjectBuilder, RefOr, Type};

use crate::answer::styled;
use crate::profile::{Names, Profile, Zero};
use crate::rejection::{Refusal, Rejection};
use crate::{Direction, OverMax, PageLayer};

pub use page::page;

/// Adds to the operation of a list the parameters of the layer's contract, `Link` where it tells the pages around, and
/// what is refused, in the contract's own form.
pub fn describe(layer: &PageLayer, operation: &mut Operation) {
    let profile = &*layer.shared.profile;
    let names = &profile.names;
    for name in [Some(&names.limit), names.backward_limit.as_ref()].into_iter().flatten() {
        let description = "How many items the page has at most.";
        add_parameter(operation, optional(ParameterIn::Query, name, description, limit(profile)));
    }
    for (name, description) in cursors(profile) {
        let schema = if profile.depth.is_some() { whole_number().minimum(Some(1)) } else { text() };
        add_parameter(operation, optional(ParameterIn::Query, name, description, schema));
    }
    if profile.links
        && let Some(found) = response(operation, "200", "A page")
    {
        let description = "Leads to the pages around (RFC 8288): `next`, `prev` and `first`, as far as there are any.";
        add_header_to(found, "link", &header(description, text()).build());
    }
    for refusal in refusals(layer) {
        add_refusal(operation, &refusal, profile, &layer.shared.problem_base);
    }
}

fn limit(profile: &Profile) -> ObjectBuilder {
    let limits = &profile.limits;
    let schema = whole_number().default(Some(limits.default.into()));
    let schema = match limits.zero {
        Zero::None => schema,
        Zero::Reject | Zero::Default | Zero::Empty => schema.minimum(Some(limits.least())),
    };
    match limits.over {
        OverMax::Reject => schema.maximum(Some(limits.max)),
        OverMax::Clamp => {
            schema.description(Some(format!("More than {} are as many.", limits.max)))
        }
    }
}

fn cursors(profile: &Profile) -> impl Iterator<Item = (&str, &'static str)> {
    let Names { after, before, .. } = &profile.names;
    let is_ids = !profile.has_cursors();
    let description = match before {
        _ if profile.depth.is_some() => "Which page, from 1 on.",
        None => "Where the page begins: what another page told of it.",
        Some(_) if is_ids => "The id of an item. The page begins after it.",
        Some(_) => "A cursor. The page begins after it.",
    };
    let ends = if is_ids {
        "The id of an item. The page ends before it."
    } else {
        "A cursor. The page ends before it."
    };
    [(&**after, description)].into_iter().chain(before.iter().map(move |before| (&**before, ends)))
}

/// What a request can meet.
fn refusals(layer: &PageLayer) -> Vec<Refusal> {
    let shared = &layer.shared;
    let names = &shared.profile.names;
    let of = |rejection, parameter: &str| {
        let parameter = Some(parameter.to_owned());
        let last_page = shared.profile.last_page(shared.profile.limits.default).unwrap_or_default();
        Refusal { parameter, last_page, ..Refusal::from(rejection) }
    };
    let forward = names.cursor(Direction::Forward);
    let is_stored = shared.cursors.as_ref().is_some_and(crate::Cursors::is_stored);
    let all = [
        (true, of(Rejection::Limit, &names.limit)),
        (shared.profile.depth.is_some(), of(Rejection::Page, forward)),
        (shared.profile.depth.is_none(), of(Rejection::Cursor, forward)),
        (true, of(Rejection::Repeated, &names.limit)),
        (names.before.is_some(), Rejection::Both.into()),
        (is_stored, Rejection::Unavailable.into()),
        (true, Rejection::Misused.into()),
    ];
    all.into_iter().filter_map(|(is_met, refusal)| is_met.then_some(refusal)).collect()
}

fn add_refusal(
    operation: &mut Operation,
    refusal: &Refusal,
    profile: &Profile,
    problem_base: &str,
) {
    let problem = refusal.problem(profile, problem_base);
    let Some((media_type, example)) = styled(refusal, profile, &problem) else {
        return add_problem(operation, &problem);
    };
    let status = problem.status();
    let description = status.canonical_reason().unwrap_or("A refusal");
    let Some(response) = response(operation, status.as_str(), description) else { return };
    let made = || RefOr::T(Content::new(Some(Object::with_type(Type::Object))));
    if let RefOr::T(content) = response.content.entry(media_type.to_owned()).or_insert_with(made) {
        let example = utoipa::openapi::example::ExampleBuilder::new()
            .summary(refusal.rejection.title())
            .value(Some(example));
        content.examples.insert(refusal.rejection.slug().to_owned(), RefOr::T(example.build()));
    }
}
