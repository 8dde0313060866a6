//! What it costs to clone the service, as a router does for each request.

use std::hint::black_box;

use tower_layer::Layer;

use super::subject::{RESPONSE, ours, peer};
use crate::inner::Inner;
use crate::suite::{FLOOR, OURS, Scenario, Subject};
use crate::work::{Bench, Work};

/// Clones of one measurement.
const BATCH: usize = 256;

/// A service that is cloned, and its clones dropped.
struct Clones<S> {
    service: S,
    count: usize,
}

impl<S: Clone + Send> Work for Clones<S> {
    fn prepare(&mut self, count: usize) {
        self.count = count;
    }

    fn run(&mut self) {
        for _ in 0..self.count {
            drop(black_box(black_box(&self.service).clone()));
        }
    }
}

fn bench<S: Clone + Send + 'static>(service: S) -> Bench {
    Bench::new(Clones { service, count: 0 })
}

pub(super) fn scenario(origins: usize) -> Scenario {
    let inner = || Inner::new(RESPONSE);
    let subjects = vec![
        Subject::new(FLOOR, "bare service", move || bench(inner())),
        Subject::new(OURS, "**stonework-cors**", move || bench(ours(origins).layer(inner()))),
        Subject::new("peer", "tower-http 0.7", move || bench(peer(origins).layer(inner()))),
    ];
    Scenario::new(format!("clone of the service, origins: {origins}"), BATCH, subjects)
}
