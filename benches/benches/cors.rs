//! Every scenario and subject under criterion: `cargo bench -p benches --bench cors`.

mod shared;

fn main() {
    shared::measure("cors");
}
