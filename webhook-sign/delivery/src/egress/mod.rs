//! Where requests may go.
//!
//! A webhook's URL is written by somebody else, and followed from inside of your network. [`EgressGuard`] keeps requests
//! away from whatever is not on the internet: it vets the URL when it is registered, and the very address that is connected
//! to each time. `GuardedConnector` (feature `client`) does so under any client of hyper-util, also one that sends no
//! webhooks.

mod address;
#[cfg(feature = "client")]
mod connector;
mod error;
mod guard;
#[cfg(feature = "client")]
mod resolver;
#[cfg(feature = "client")]
mod stream;

pub use address::AddressKind;
#[cfg(feature = "client")]
#[cfg_attr(docsrs, doc(cfg(feature = "client")))]
pub use connector::{ConnectError, Connecting, GuardedConnector};
pub use error::Forbidden;
pub use guard::{EgressGuard, EgressGuardBuilder};
#[cfg(feature = "client")]
#[cfg_attr(docsrs, doc(cfg(feature = "client")))]
pub use resolver::{Resolver, SystemResolver};
#[cfg(feature = "client")]
#[cfg_attr(docsrs, doc(cfg(feature = "client")))]
pub use stream::GuardedStream;
