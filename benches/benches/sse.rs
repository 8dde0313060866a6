//! Every scenario and subject under criterion: `cargo bench -p benches --bench sse`.

mod shared;

fn main() {
    shared::measure("sse");
}
