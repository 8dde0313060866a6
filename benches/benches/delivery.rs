//! Deliveries out of the outbox in memory, on Linux: how many in a second, what each costs beside the bare signed request,
//! and what two sick endpoints do to the others. The receiver is a process of its own, on the other core:
//! `cargo bench -p benches --bench delivery`.

#[path = "shared/deliveries.rs"]
mod deliveries;

use std::sync::Arc;

use benches::delivery::{Bare, Latencies, Queued, Receiver, receive};
use benches::{stay_on, twin_word};
use deliveries::Subject;
use stonework_webhook_delivery::store::MemoryOutbox;
use tokio::runtime::{Builder, Runtime};

fn main() {
    if twin_word().is_some() {
        return receive();
    }
    stay_on(0);
    let mut receiver = Receiver::start();
    rates(&mut receiver);
    fairness(&receiver);
}

fn rates(receiver: &mut Receiver) {
    let title = "**stonework-webhook-delivery**, `MemoryOutbox`";
    let mut subjects = [
        Subject::Bare(Box::new(Bare::new(receiver))),
        Subject::Queued(title, Queued::new(Arc::new(runtime()), outbox(), receiver)),
    ];
    deliveries::show(receiver, &mut subjects, || 0.0);
}

fn fairness(receiver: &Receiver) {
    let runtime = runtime();
    deliveries::show_fairness(|sick, per_beat, time| {
        Latencies::of(&runtime, outbox(), receiver, sick, per_beat, time)
    });
}

/// One with room for all that is ever delivered here, and remembered.
fn outbox() -> MemoryOutbox {
    let outbox = MemoryOutbox::builder().max_messages(4_000_000).build();
    outbox.expect("it has room")
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime starts")
}
