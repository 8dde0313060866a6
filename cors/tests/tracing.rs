//! Events: that they are there, and what they tell.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.
#![cfg(feature = "tracing")]

#[path = "../../core/tests/support/lines.rs"]
mod lines;
mod support;

use std::future::ready;

use http::{HeaderValue, Response};
use lines::Lines;
use support::call::{APP, Body, EVIL, call, from, preflight, service, usual};
use tower::{Layer as _, service_fn};

#[test]
fn every_denial_is_an_event_with_its_reason_and_nothing_else_is() {
    let (lines, _guard) = Lines::of("stonework_cors");
    let mut service = service(usual());
    call(&mut service, from(APP));
    call(&mut service, preflight(APP, "PUT", "x-a"));
    assert_eq!(lines.take().len(), 0);
    call(&mut service, from(EVIL));
    call(&mut service, preflight(APP, "put", ""));
    call(&mut service, preflight(APP, "PUT", &"x".repeat(1_000_000)));
    call(&mut service, from(&format!("https://{}", "\t".repeat(1_000_000))));
    let lines = lines.take();
    let expected = [
        r#"DEBUG message=a page was denied reason="origin-not-allowed" denial=origin-not-allowed; is="https://evil.example" "#,
        r#"DEBUG message=a page was denied reason="method-not-allowed" denial=method-not-allowed; is="put"; nearest="PUT" "#,
        r#"DEBUG message=a page was denied reason="header-not-allowed" denial=header-not-allowed; is="xxx"#,
        r#"DEBUG message=a page was denied reason="origin-malformed" denial=origin-malformed; is="https://\t\t"#,
    ];
    assert_eq!(lines.len(), expected.len(), "{lines:?}");
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.starts_with(expected), "{line}");
        assert!(line.len() < 500 && !line.contains('\t'), "{line}");
    }
}

#[test]
fn another_layer_inside_is_warned_of_once() {
    let (lines, _guard) = Lines::of("stonework_cors");
    let inner = service_fn(|_| {
        let mut response = Response::new(Body::new());
        let any = HeaderValue::from_static("*");
        response.headers_mut().insert("access-control-allow-origin", any);
        ready(Ok::<_, std::convert::Infallible>(response))
    });
    let mut service = usual().build().unwrap().layer(inner);
    for _ in 0..3 {
        call(&mut service, from(APP));
    }
    let lines = lines.take();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(
        lines[0].starts_with("WARN message=access-control-allow-origin was set inside"),
        "{lines:?}"
    );
}
