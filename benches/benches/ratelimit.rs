//! Every scenario and subject under criterion: `cargo bench -p benches --bench ratelimit`.

mod shared;

fn main() {
    shared::measure("ratelimit");
}
