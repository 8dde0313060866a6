//! Allocations, counted exactly, without a runtime.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "../../core/tests/support/bare.rs"]
mod bare;

use std::convert::Infallible;

use allocation_counter::measure;
use bare::{Bare, Body, call};
use http::Request;
use stonework_versioning::{Header, Major, PathSegment, Query, VersionLayer, VersionLayerBuilder};
use tower::{Layer, Service};

fn builder() -> VersionLayerBuilder<Major> {
    VersionLayer::builder::<Major>()
        .version("1", |v| v.deprecated_at("2026-01-01").sunset_at("2036-01-01"))
        .version("2", |v| v)
        .read(PathSegment::first())
        .read(Header::named("api-version"))
        .read(Query::named("version"))
        .neutral(|head| head.uri.path() == "/healthz")
}

/// What a request allocates beyond what the same costs without the layer.
fn added<S: Service<Request<Body>, Error = Infallible>>(
    mut service: S,
    request: impl Fn() -> http::request::Builder,
) -> u64 {
    let request = || request().body(Body::default()).unwrap();
    let mut once = |request| {
        let mut request = Some(request);
        measure(|| call(&mut service, request.take().unwrap())).count_total
    };
    once(request());
    let ours = once(request());
    let mut request = Some(request());
    ours - measure(|| call(&mut Bare, request.take().unwrap())).count_total
}

fn of(builder: VersionLayerBuilder<Major>, request: impl Fn() -> http::request::Builder) -> u64 {
    added(builder.build().unwrap().layer(Bare), request)
}

#[test]
fn what_has_no_version_passes_for_nothing() {
    assert_eq!(of(builder(), || Request::get("/healthz")), 0);
    let preflight = || {
        Request::options("/v1/orders")
            .header("origin", "https://app.example.com")
            .header("access-control-request-method", "PUT")
    };
    assert_eq!(of(builder(), preflight), 0);
}

/// Three for the first extension of a request, of which it has none here, and two for the first header of
/// the response, of which it has none either.
#[test]
fn a_version_costs_its_extension_and_its_headers() {
    let silent = || builder().echoes(false).report(false);
    let plain = |path| move || Request::get(path);
    assert_eq!(of(silent(), plain("/v2/orders")), 3 + 2, "the second are those of Vary");
    let path_only = || {
        let builder = VersionLayer::builder::<Major>().version("1", |v| v).version("2", |v| v);
        builder.read(PathSegment::first()).echoes(false).report(false)
    };
    assert_eq!(of(path_only(), plain("/v2/orders")), 3);
    assert_eq!(of(builder(), plain("/v2/orders")), 3 + 2);
    assert_eq!(of(builder(), || Request::get("/orders").header("api-version", "2")), 3 + 2);
    assert_eq!(of(builder(), || Request::get("/orders?version=2")), 3 + 2);
}

#[test]
fn a_path_is_stripped_and_its_service_chosen_for_little() {
    let layer = VersionLayer::builder::<Major>()
        .version("1", |v| v)
        .version("2", |v| v)
        .read(PathSegment::first().strip(true))
        .echoes(false)
        .report(false)
        .build()
        .unwrap();
    let router = layer.router().at("1", Bare).at("2", Bare).build().unwrap();
    let added = added(layer.layer(router), || Request::get("/v2/orders"));
    assert_eq!(added, 5, "of these, one is the path and one the URI as it was sent");
}

#[test]
fn a_clone_costs_what_the_inner_one_does() {
    let service = builder().build().unwrap().layer(Bare);
    assert_eq!(measure(|| drop(service.clone())).count_total, 0);
    let layer = builder().build().unwrap();
    assert_eq!(measure(|| drop(layer.clone())).count_total, 0);
}

#[cfg(feature = "migrate")]
#[test]
fn a_request_without_a_gate_to_pass_costs_no_more() {
    let layer = builder().echoes(false).report(false).build().unwrap();
    let migrations = layer
        .migrations()
        .gate("2", |g| g.describe("d").at("/transfers").request(|b| b.remove("/a")))
        .build()
        .unwrap();
    for path in ["/v2/transfers", "/v1/orders", "/healthz"] {
        let bare = added(layer.layer(Bare), || Request::get(path));
        let with = added(layer.layer(migrations.layer(Bare)), || Request::get(path));
        assert_eq!(with, bare, "{path}");
    }
}
