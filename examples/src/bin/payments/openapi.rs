//! What the service does, for machines: an OpenAPI document. What a layer adds to it, its own crate says.

mod about;
mod accounts;
mod events;
mod shape;
mod transfers;
mod webhooks;

use axum::http::Method;
use stonework_core::openapi::{
    add_header_to, add_problem, header, operations, response, share, text,
};
use stonework_idempotency::IdempotencyLayer;
use stonework_pagination::PageLayer;
use stonework_ratelimit::RateLimitLayer;
use stonework_sse::SseLayer;
use stonework_versioning::{MigrationLayer, VersionLayer};
use utoipa::openapi::path::{HttpMethod, Operation, OperationBuilder, PathItem, Paths};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    Content, InfoBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, SecurityRequirement, ServerBuilder,
};

use crate::problem::Refusal;
use crate::webhooks::Known;
use shape::Shape;

/// All that adds something to what the service does.
pub(crate) struct Layers<'l> {
    pub(crate) limits: &'l RateLimitLayer,
    pub(crate) idempotency: &'l IdempotencyLayer,
    pub(crate) versions: &'l VersionLayer,
    pub(crate) migrations: &'l MigrationLayer,
    pub(crate) pages: &'l PageLayer,
    pub(crate) events: &'l SseLayer,
    pub(crate) senders: &'l [Known],
    pub(crate) demo: bool,
}

const DESCRIPTION: &str = "\
Money is moved once, however often a client asks for it.

Each route is there in both versions, and also without one in its path: then `api-version` or `?version=` may say it, and \
an account that says none gets the one that it began with. Here are those with a version in their path.

Whatever fails is a problem (RFC 9457); its `type` says which.";

/// An operation with its method, and its path without a version.
type Route = (HttpMethod, &'static str, Operation);

pub(crate) fn document(layers: &Layers<'_>) -> OpenApi {
    let mut paths = Paths::new();
    for shape in Shape::ALL {
        for (method, path, operation) in versioned(shape, layers) {
            let path = format!("/{}{path}", shape.version());
            paths.add_path_operation(path, vec![method], operation);
        }
    }
    for (method, path, operation) in about::routes().into_iter().chain(webhooks::routes(layers)) {
        paths.add_path_operation(path, vec![method], operation);
    }
    let info = InfoBuilder::new().title("Payments").version("2").description(Some(DESCRIPTION));
    let mut document = OpenApiBuilder::new()
        .info(info.build())
        .servers(Some([ServerBuilder::new().url("/").build()]))
        .paths(paths)
        .webhooks(Some(webhooks::sent()))
        .tags(Some(about::tags()))
        .components(Some(shape::components()))
        .build();
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(
        "The account itself: 1 to 64 letters, digits, `_` and `-`. Any will do; it begins with 1000.",
    ));
    if let Some(components) = &mut document.components {
        components.add_security_scheme("account", SecurityScheme::Http(bearer.build()));
    }
    // What all routes have in common, the innermost layer first.
    for (_, _, operation) in operations(&mut document) {
        add_problem(operation, &Refusal::Interrupted.problem());
        stonework_ratelimit::openapi::describe(layers.limits, operation);
    }
    share(&mut document);
    document
}

/// The routes of one version, with what the layers around them add, the innermost first.
fn versioned(shape: Shape, layers: &Layers<'_>) -> Vec<Route> {
    let mut routes = transfers::routes(shape, layers);
    routes.extend(accounts::routes(shape));
    routes.extend(events::routes(shape, layers));
    for (method, path, operation) in &mut routes {
        let is_post = matches!(method, HttpMethod::Post);
        let name = operation.operation_id.take().unwrap_or_default();
        operation.operation_id = Some(format!("{name}_{}", shape.version()));
        operation.security = Some(vec![SecurityRequirement::new("account", [""; 0])]);
        let method = if is_post { Method::POST } else { Method::GET };
        let (version, migrations) = (shape.version(), layers.migrations);
        stonework_versioning::openapi::describe_migrations(
            migrations, version, &method, path, operation,
        );
        stonework_versioning::openapi::describe_version(layers.versions, version, operation);
        if is_post {
            stonework_idempotency::openapi::describe(layers.idempotency, operation);
        }
        refuse_strangers(operation);
    }
    routes
}

fn refuse_strangers(operation: &mut Operation) {
    add_problem(operation, &Refusal::Unauthenticated.problem());
    if let Some(refused) = response(operation, "401", "") {
        let schema = text().enum_values(Some(["Bearer"]));
        add_header_to(refused, "www-authenticate", &header("How to say who asks.", schema).build());
    }
}

/// An operation of this name, which a client's method may have too.
fn operation(tag: &str, name: &str, summary: &str, description: &str) -> OperationBuilder {
    OperationBuilder::new()
        .tag(tag)
        .operation_id(Some(name))
        .summary(Some(summary))
        .description(Some(description))
}

/// A response of JSON, whose schema is among the components.
fn json(operation: &mut Operation, status: &str, description: &str, schema: &str) {
    content(
        operation,
        status,
        description,
        "application/json",
        Ref::from_schema_name(schema).into(),
    );
}

fn content(
    operation: &mut Operation,
    status: &str,
    description: &str,
    media_type: &str,
    schema: RefOr<utoipa::openapi::Schema>,
) {
    if let Some(found) = response(operation, status, description) {
        let content = Content::new(Some(schema));
        found.content.insert(media_type.to_owned(), content.into());
    }
}

/// The ledger may not answer, whatever is asked of it.
fn needs_the_ledger(operation: &mut Operation) {
    add_problem(operation, &Refusal::Ledger.problem());
}

/// A path with one operation.
fn item(method: HttpMethod, operation: Operation) -> PathItem {
    PathItem::new(method, operation)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use stonework_sse::Drain;

    use super::*;
    use crate::deliveries::Deliveries;
    use crate::ledger::Ledger;
    use crate::limits;
    use crate::rate::Rate;
    use crate::routes::{self, App};
    use crate::{events, keys, pages, versions};

    /// The router has no list of its routes, but shows them to whoever debugs it.
    fn shown(router: &axum::Router) -> BTreeSet<String> {
        let shown = format!("{router:?}");
        // `/` alone is where axum keeps the fallback.
        let texts = shown.split('"').filter(|text| text.starts_with('/') && *text != "/");
        texts.filter(|text| !text.contains("__private")).map(str::to_owned).collect()
    }

    #[tokio::test]
    async fn every_route_is_described_in_both_versions() {
        let ledger = Ledger::open(None).await.unwrap();
        let versions = versions::layer(None).unwrap();
        let pages = pages::layer(&ledger).await.unwrap();
        let events = events::layer(&Drain::new()).unwrap();
        let document = document(&Layers {
            limits: &limits::layer(Rate::GENEROUS, None).unwrap(),
            idempotency: &keys::layer(&ledger, None, false, None).await.unwrap(),
            migrations: &versions::migrations(&versions).unwrap(),
            versions: &versions,
            pages: &pages,
            events: &events,
            senders: &[],
            demo: true,
        });
        let deliveries = Deliveries::new(ledger.clone(), None, false, None).unwrap();
        let hub = events::hub(None).unwrap();
        let app = App { ledger, hub, deliveries, demo: true };
        let routes = shown(&routes::router(app, pages.clone(), events.clone()));
        assert!(routes.contains("/transfers/{id}"), "{routes:?}");
        for version in ["/v1", "/v2"] {
            let described =
                document.paths.paths.keys().filter_map(|path| path.strip_prefix(version));
            assert_eq!(described.map(str::to_owned).collect::<BTreeSet<_>>(), routes);
        }
    }
}
