//! Keys, sets of them, and where they come from.

mod error;
mod key;
mod provider;
mod rotating;
mod secret;
mod set;
#[cfg(feature = "tenants")]
mod tenants;

pub use error::KeyError;
pub use key::WebhookKey;
pub use provider::{KeyProvider, Wanted};
pub use rotating::RotatingKeys;
pub use secret::SecretFormat;
pub use set::{KeySet, MAX_KEYS};
#[cfg(feature = "tenants")]
pub use tenants::{TenantKeys, TenantKeysBuilder};
