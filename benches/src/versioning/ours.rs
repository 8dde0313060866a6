use http::HeaderValue;
use http::header::AUTHORIZATION;
use stonework_versioning::store::MemoryStore;
use stonework_versioning::{
    Header, Key, Major, MediaType, PathSegment, Pins, Query, VersionLayer, VersionLayerBuilder,
};

use super::HEADER;
use super::scenario::Case;

pub(super) const LINK: &str = "https://example.com/v1";

/// Our layer. If it is silent, it tells clients no more than the peers do: nothing.
pub(super) fn layer(case: Case, is_silent: bool) -> VersionLayer {
    let builder = match case {
        Case::Deprecated => builder(|v| {
            v.deprecated_at("2025-01-01")
                .sunset_at("2099-12-31")
                .deprecation_link(LINK)
                .successor("/v2")
        }),
        _ => builder(|v| v),
    };
    let builder = builder.echoes(!is_silent).report(!is_silent);
    read(case, builder).build().expect("the configuration is valid")
}

fn builder(
    first: impl FnOnce(stonework_versioning::LifeBuilder) -> stonework_versioning::LifeBuilder,
) -> VersionLayerBuilder<Major> {
    VersionLayer::builder::<Major>().version("1", first).version("2", |v| v)
}

fn read(case: Case, builder: VersionLayerBuilder<Major>) -> VersionLayerBuilder<Major> {
    match case {
        Case::PathKept => builder.read(PathSegment::first()),
        Case::PathStripped => builder.read(PathSegment::first().strip(true)),
        Case::Query => builder.read(Query::named("api-version")),
        Case::MediaType => builder.read(MediaType::parameter("v")),
        Case::HeaderRead | Case::HeaderDispatched | Case::Deprecated | Case::Refused => {
            builder.read(Header::named(HEADER))
        }
        Case::Neutral => {
            builder.read(Header::named(HEADER)).neutral(|head| head.uri.path() == "/healthz")
        }
        Case::Pinned => builder
            .read(Header::named(HEADER))
            .account(|head| {
                head.headers.get(AUTHORIZATION).map(HeaderValue::as_bytes).map(Key::from)
            })
            .pins(Pins::new(MemoryStore::new()).first("1")),
    }
}
