//! Where in a request a version may stand. Pure: a head is looked at, and nothing is decided.

mod grpc;
mod header;
mod media_type;
mod path;
mod query;

use std::fmt;

pub use grpc::GrpcPackage;
pub use header::Header;
pub use media_type::MediaType;
pub use path::PathSegment;
pub use query::Query;
use stonework_core::{ConfigError, RequestHead};

/// Where a version was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Source {
    /// A segment of the path.
    Path,
    /// A header, or metadata of gRPC.
    Header,
    /// A parameter of the query.
    Query,
    /// `Accept`.
    Accept,
    /// `Content-Type`.
    ContentType,
    /// The package of a gRPC service.
    GrpcPackage,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Path => "the path",
            Self::Header => "the header",
            Self::Query => "the query",
            Self::Accept => "Accept",
            Self::ContentType => "Content-Type",
            Self::GrpcPackage => "the package",
        })
    }
}

/// One place to look at. Several may be looked at; all are, and have to agree.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reader {
    /// A segment of the path.
    Path(PathSegment),
    /// A header, or metadata of gRPC.
    Header(Header),
    /// A parameter of the query.
    Query(Query),
    /// `Accept` and `Content-Type`.
    MediaType(MediaType),
    /// The package of a gRPC service.
    GrpcPackage(GrpcPackage),
}

impl Reader {
    /// Calls `found` with every text that stands where a version may.
    pub(crate) fn each(&self, head: &RequestHead<'_>, found: &mut dyn FnMut(Source, &[u8])) {
        match self {
            Self::Path(reader) => reader.each(head, found),
            Self::Header(reader) => reader.each(head, found),
            Self::Query(reader) => reader.each(head, found),
            Self::MediaType(reader) => reader.each(head, found),
            Self::GrpcPackage(reader) => reader.each(head, found),
        }
    }

    /// What cannot be: names that are none, templates without a place for the version.
    pub fn check(&self, errors: &mut Vec<ConfigError>) {
        match self {
            Self::Path(reader) => errors.extend(reader.fault()),
            Self::Header(reader) => errors.extend(reader.fault()),
            Self::Query(reader) => errors.extend(reader.fault()),
            Self::MediaType(reader) => errors.extend(reader.fault()),
            Self::GrpcPackage(_) => {}
        }
    }
}

macro_rules! from {
    ($($name:ident($reader:ty)),*) => {$(
        impl From<$reader> for Reader {
            fn from(reader: $reader) -> Self {
                Self::$name(reader)
            }
        }
    )*};
}

from!(
    Path(PathSegment),
    Header(Header),
    Query(Query),
    MediaType(MediaType),
    GrpcPackage(GrpcPackage)
);

#[cfg(test)]
mod tests {
    use super::*;

    /// All that a reader finds in a request.
    pub(super) fn all(
        reader: impl Into<Reader>,
        request: &http::Request<()>,
    ) -> Vec<(Source, String)> {
        let (reader, mut all) = (reader.into(), Vec::new());
        reader.each(&RequestHead::of(request), &mut |source, text| {
            all.push((source, String::from_utf8_lossy(text).into_owned()));
        });
        all
    }

    /// The texts alone.
    pub(super) fn texts(reader: impl Into<Reader>, request: &http::Request<()>) -> Vec<String> {
        all(reader, request).into_iter().map(|(_, text)| text).collect()
    }
}
