//! Every scenario and subject under criterion: `cargo bench -p benches --bench versioning`.

mod shared;

fn main() {
    shared::measure("versioning");
}
