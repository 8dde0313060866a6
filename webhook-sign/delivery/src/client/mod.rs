//! The client that is used when no other is named. *Feature `client`.*

mod bounded;
mod error;
mod http;

pub use self::http::{HttpClient, HttpClientBuilder, ResponseFuture};
pub use error::ClientError;
