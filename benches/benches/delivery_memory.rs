//! What a million messages take in the outbox in memory: `cargo bench -p benches --bench delivery_memory`.
//!
//! Bytes are those of the allocator, counted. Each message has a body and an id of its own.

use std::sync::Arc;

use allocation_counter::measure;
use benches::delivery::{BODY, deliver, fill};
use benches::{print_head, print_row};
use stonework_webhook_delivery::store::{MemoryOutbox, Outbox};
use tokio::runtime::Builder;

const MILLION: usize = 1_000_000;

fn main() {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime starts");
    let room = MemoryOutbox::builder().max_messages(MILLION).max_bytes(MILLION * BODY);
    let outbox = room.build().expect("it has room");
    let shared: Arc<dyn Outbox> = Arc::new(outbox.clone());
    let queued = measure(|| runtime.block_on(fill(&shared, MILLION))).bytes_current;
    let known = queued + measure(|| runtime.block_on(deliver(&shared))).bytes_current;
    assert_eq!(outbox.len(), MILLION, "delivered ones are known");
    let each = |bytes: i64| format!("{:.0}", bytes as f64 / MILLION as f64);
    let bodies = (MILLION * BODY) as i64;
    print_head(&["a million messages"], &["heap, B each", "beyond the body"]);
    print_row(&["queued, with bodies of 256 B".to_owned(), each(queued), each(queued - bodies)]);
    print_row(&["delivered, and still known".to_owned(), each(known), each(known)]);
}
