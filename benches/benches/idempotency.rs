//! Every scenario and subject under criterion: `cargo bench -p benches --bench idempotency`.

mod shared;

fn main() {
    shared::measure("idempotency");
}
