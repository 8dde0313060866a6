//! Every scenario and subject under criterion: `cargo bench -p benches --bench webhook`.

mod shared;

fn main() {
    shared::measure("webhook");
}
