//! JSON bodies on their way between versions: `benches/versioning_migrate.rs`.

mod edits;
mod handler;
mod limit;
mod stack;
mod text;
mod works;

pub use text::{Case, Shape, Way};
pub use works::Name;
