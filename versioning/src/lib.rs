//! API versions: what they are, where a request says which, which of them serve it, and until when.
//!
//! This is the core of a layer that is still to come: it answers nothing by itself, and knows no clock.

mod life;
mod moment;
mod read;
mod resolve;
mod version;
mod versions;

pub use life::Stage;
pub use moment::{Moment, NoMoment};
pub use read::{GrpcPackage, Header, MediaType, PathSegment, Query, Reader, Source};
pub use resolve::{Fault, Resolved};
#[doc(no_inline)]
pub use stonework_core::{ConfigError, ConfigErrors, RequestHead};
pub use version::{Channel, DateVersion, Major, MajorMinor, Malformed, Status, Version};
pub use versions::{Found, Index, LifeBuilder, Select, Versions, VersionsBuilder};
