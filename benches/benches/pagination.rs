//! Every scenario and subject under criterion: `cargo bench -p benches --bench pagination`.

mod shared;

fn main() {
    shared::measure("pagination");
}
