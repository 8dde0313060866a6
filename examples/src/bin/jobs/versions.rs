//! Which versions there are: one, for now. It is in the path, so that there can be another.

use stonework_core::RequestHead;
use stonework_versioning::{Major, PathSegment, VersionLayer};

use crate::config::Failure;

/// The version is taken out of the path, so that routes are written once.
pub(crate) fn layer() -> Result<VersionLayer, Failure> {
    VersionLayer::builder::<Major>()
        .version("1", |v| v)
        .read(PathSegment::first().strip(true))
        .neutral(has_no_version)
        .build()
        .map_err(Failure::config)
}

fn has_no_version(head: &RequestHead<'_>) -> bool {
    head.uri.path() == "/"
}
