//! A service for each version.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

use std::convert::Infallible;
use std::future::ready;
use std::task::{Context, Poll};

use http::{Request, Response};
use stonework_versioning::{Major, PathSegment, VersionLayer};
use tower::{Layer, Service, ServiceExt};

/// A service that says its name, if it ever is ready.
#[derive(Clone, Copy, Debug)]
struct Named {
    name: &'static str,
    is_ready: bool,
    /// Was it found ready before it was called, as every service has to be?
    was_polled: bool,
}

const fn named(name: &'static str) -> Named {
    Named { name, is_ready: true, was_polled: false }
}

impl Service<Request<()>> for Named {
    type Response = Response<&'static str>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.was_polled = self.is_ready;
        if self.is_ready { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        assert!(self.was_polled, "it was called and not asked before");
        let mut response = Response::new(self.name);
        response.extensions_mut().insert(self.name);
        ready(Ok(response))
    }
}

fn layer() -> VersionLayer {
    let builder = ["1", "2", "3", "4"]
        .iter()
        .fold(VersionLayer::builder::<Major>(), |b, v| b.version(v, |v| v));
    builder.read(PathSegment::first()).neutral(|head| head.uri.path() == "/health").build().unwrap()
}

async fn served(
    router: impl Service<
        Request<()>,
        Response = Response<stonework_versioning::StoneBody<&'static str>>,
        Error = Infallible,
    > + Clone,
    path: &str,
) -> (u16, Option<&'static str>) {
    let request = Request::get(path).body(()).unwrap();
    let response = layer().layer(router).oneshot(request).await.unwrap();
    (response.status().as_u16(), response.extensions().get::<&'static str>().copied())
}

#[tokio::test]
async fn a_version_has_its_own_service_or_that_of_the_last_before() {
    let layer = layer();
    let router = layer
        .router()
        .at("v3", named("three"))
        .from("1", named("one"))
        .from("2", named("two"))
        .build();
    let router = router.unwrap();
    for (path, name) in [("/v1/x", "one"), ("/v2/x", "two"), ("/v3/x", "three"), ("/v4/x", "two")] {
        assert_eq!(served(router.clone(), path).await, (200, Some(name)), "{path}");
    }
    assert_eq!(served(router.clone(), "/v9/x").await, (404, None));
    assert_eq!(served(router, "/health").await, (404, None), "nobody serves it");
    let router = layer.router().from("1", named("all")).neutral(named("neutral")).build().unwrap();
    assert_eq!(served(router, "/health").await, (200, Some("neutral")));
}

#[tokio::test]
async fn a_version_without_room_keeps_no_other_waiting() {
    let busy = Named { is_ready: false, ..named("busy") };
    let router = layer().router().from("1", busy).from("2", named("free")).build().unwrap();
    let mut one = by_hand(served(router.clone(), "/v1/x"));
    assert!(one.is_pending());
    assert_eq!(served(router, "/v2/x").await, (200, Some("free")));
    assert!(one.is_pending());
}

/// A future that is polled by hand.
struct ByHand<F>(std::pin::Pin<Box<F>>);

fn by_hand<F: Future>(future: F) -> ByHand<F> {
    ByHand(Box::pin(future))
}

impl<F: Future> ByHand<F> {
    fn is_pending(&mut self) -> bool {
        let mut cx = Context::from_waker(std::task::Waker::noop());
        self.0.as_mut().poll(&mut cx).is_pending()
    }
}

#[test]
fn all_that_is_wrong_is_told() {
    let layer = layer();
    let builder = layer
        .router()
        .at("9", named("a"))
        .at("2", named("a"))
        .at("v2", named("b"))
        .from("3", named("c"))
        .from("3", named("d"));
    let errors = builder.build().unwrap_err();
    let told: Vec<_> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 4, "{told:#?}");
    assert!(told[3].contains("v1") && told[3].contains("served by nobody"), "{told:#?}");
}
