//! Allocations, counted exactly, without a runtime.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "../../core/tests/support/bare.rs"]
mod bare;

use allocation_counter::measure;
use bare::{Bare, Body, call};
use http::Request;
use stonework_pagination::{Anchor, Binding, Cursors, Keys, Keyset, PageLayer, keyset};
use tower::Layer;
use uuid::Uuid;

fn cursors() -> Cursors {
    Cursors::signed(Keys::new(1, &[7; 32])).build().unwrap()
}

/// What is no list is none of the layer's business.
#[test]
fn what_asks_for_no_page_passes_for_nothing() {
    let layer = PageLayer::builder().cursors(cursors()).build().unwrap();
    let mut service = layer.layer(Bare);
    let grpc = || Request::post("/orders").header("content-type", "application/grpc");
    let builders: [&dyn Fn() -> http::request::Builder; 4] = [
        &|| Request::post("/orders?limit=5"),
        &|| Request::options("/orders"),
        &|| Request::delete("/orders?cursor=a"),
        &grpc,
    ];
    for builder in builders {
        let mut requests = [(); 2].map(|()| Some(builder().body(Body::default()).unwrap()));
        let [bare, ours] = &mut requests;
        let floor = measure(|| call(&mut Bare, bare.take().unwrap())).count_total;
        let all = measure(|| call(&mut service, ours.take().unwrap())).count_total;
        assert_eq!(all - floor, 0);
    }
}

keyset! {
    struct Newest {
        at: i64 => desc,
        id: Uuid => desc unique,
    }
}

/// The values, the bytes, and the text.
#[test]
fn a_cursor_costs_three_allocations_each_way() {
    let (cursors, binding) = (cursors(), Binding::new().part("list", b"orders"));
    let encoder = cursors.encoder(&binding, Newest::sort());
    let encode = || {
        let anchor = Anchor::after(Newest { at: 1_767_225_600_000_000, id: Uuid::max() });
        encoder.encode(&anchor).try_ready().unwrap_or_else(|_| panic!("a store")).unwrap()
    };
    let decode = |token: &str| {
        let verified = cursors.verify(&binding, token).try_ready();
        let verified = verified.unwrap_or_else(|_| panic!("a store")).unwrap();
        drop(verified.anchor(Newest::sort()).unwrap());
    };
    let token = encode();
    decode(&token);
    assert_eq!(measure(|| drop(encode())).count_total, 3);
    assert_eq!(measure(|| decode(&token)).count_total, 3);
}
