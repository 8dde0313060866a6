//! How a page is written, as a schema.

use stonework_core::openapi::{text, whole_number};
use utoipa::openapi::schema::{ArrayBuilder, SchemaType};
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};

use crate::PageLayer;
use crate::profile::Style;

/// The schema of a page of these items, as [`Paged`](crate::Paged) is written in the layer's contract.
pub fn page(layer: &PageLayer, item: impl Into<RefOr<Schema>>) -> RefOr<Schema> {
    let item = item.into();
    let items = ArrayBuilder::new().items(item.clone());
    let page = ObjectBuilder::new().schema_type(Type::Object);
    let more = "Are there more in the direction in which the page was read?";
    match &layer.shared.profile.style {
        Style::GitHub => return items.into(),
        Style::Plain => {
            let page = page.property("data", items).required("data");
            page.property("has_more", flag(more))
                .required("has_more")
                .property("total", whole_number())
        }
        Style::Stripe => page
            .property("object", text().enum_values(Some(["list"])))
            .required("object")
            .property("url", text())
            .property("has_more", flag(more))
            .required("has_more")
            .property("data", items)
            .required("data"),
        Style::Aip(name) => page
            .property(&**name, items)
            .required(&**name)
            .property("nextPageToken", text())
            .property("totalSize", whole_number()),
        Style::Scim => page
            .property("schemas", ArrayBuilder::new().items(text()))
            .required("schemas")
            .property("totalResults", whole_number())
            .property("itemsPerPage", whole_number())
            .required("itemsPerPage")
            .property("previousCursor", text())
            .property("nextCursor", text())
            .property("Resources", items)
            .required("Resources"),
        Style::JsonApi => page
            .property("data", items)
            .required("data")
            .property("links", json_api_links())
            .required("links")
            .property("meta", ObjectBuilder::new().schema_type(Type::Object)),
        Style::Relay => relay(page, item),
        Style::Zalando => ["self", "first", "prev", "next"]
            .into_iter()
            .fold(page, |page, link| page.property(link, text()))
            .property("items", items)
            .required("items"),
        Style::Azure => {
            page.property("value", items).required("value").property("nextLink", text())
        }
    }
    .into()
}

fn flag(description: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Boolean).description(Some(description))
}

fn text_or_null() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::from_iter([Type::String, Type::Null]))
}

fn json_api_links() -> ObjectBuilder {
    let links = ObjectBuilder::new().schema_type(Type::Object);
    ["prev", "next"]
        .into_iter()
        .fold(links, |links, name| links.property(name, text_or_null()).required(name))
}

fn relay(page: ObjectBuilder, node: RefOr<Schema>) -> ObjectBuilder {
    let object = || ObjectBuilder::new().schema_type(Type::Object);
    let edge = object().property("cursor", text()).required("cursor");
    let edge = edge.property("node", node).required("node");
    let info = object()
        .property("hasNextPage", flag("Are there more after the last of these?"))
        .required("hasNextPage")
        .property("hasPreviousPage", flag("Are there more before the first of these?"))
        .required("hasPreviousPage")
        .property("startCursor", text_or_null())
        .property("endCursor", text_or_null());
    page.property("edges", ArrayBuilder::new().items(edge))
        .required("edges")
        .property("pageInfo", info)
        .required("pageInfo")
        .property("totalCount", whole_number())
}
