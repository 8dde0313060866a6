//! API versions: what they are, which of them serve a request, and until when.
//!
//! This is the core of a layer that is still to come: it reads no request, and knows no clock.

mod life;
mod moment;
mod version;
mod versions;

pub use life::Stage;
pub use moment::{Moment, NoMoment};
#[doc(no_inline)]
pub use stonework_core::{ConfigError, ConfigErrors};
pub use version::{Channel, DateVersion, Major, MajorMinor, Malformed, Status, Version};
pub use versions::{Found, Index, LifeBuilder, Select, Versions, VersionsBuilder};
