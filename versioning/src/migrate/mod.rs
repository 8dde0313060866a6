//! Handlers that know only the newest shape. Feature `migrate`.

mod changelog;
mod document;
mod edits;
mod events;
mod future;
mod gate;
mod gate_error;
mod heads;
mod layer;
mod node;
mod plan;
mod pointer;
mod refuse;
mod route;
mod service;
mod settings;
mod split;

pub use changelog::Changelog;
pub use document::Document;
pub use edits::Edits;
pub use events::{EventMigration, Events};
pub use future::MigrationFuture;
pub use gate::Gate;
pub use gate_error::GateError;
pub use layer::{MigrationLayer, MigrationLayerBuilder};
pub use service::MigrationService;
