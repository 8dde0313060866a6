//! Events: that they are there, and what they tell.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "../../core/tests/support/lines.rs"]
mod lines;

use std::convert::Infallible;
use std::future::ready;

use http::{Request, Response};
use lines::Lines;
use stonework_versioning::{Header, Major, VersionLayer};
use tower::{Layer as _, ServiceExt, service_fn};

#[tokio::test]
async fn every_refusal_is_an_event_with_its_reason_and_without_what_was_sent() {
    let (lines, _guard) = Lines::of("stonework_versioning");
    let layer = VersionLayer::builder::<Major>()
        .version("1", |v| v)
        .read(Header::named("api-version"))
        .build()
        .unwrap();
    let service = layer.layer(service_fn(|_: Request<()>| {
        ready(Ok::<_, Infallible>(Response::new(http_body_util::Empty::<bytes::Bytes>::new())))
    }));
    for version in ["1", "2", "nonsense"] {
        let request = Request::get("/").header("api-version", version).body(()).unwrap();
        service.clone().oneshot(request).await.unwrap();
    }
    let lines = lines.take();
    assert_eq!(
        lines,
        [
            "DEBUG message=refused reason=\"version-unsupported\" ",
            "DEBUG message=refused reason=\"version-malformed\" ",
        ]
    );
}
