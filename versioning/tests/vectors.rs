//! What the .NET library for API versions makes of texts and of requests, and what this crate makes of them.
//!
//! The facts are those of its unit and acceptance tests (`dotnet/aspnet-api-versioning` at 1a22bb4, August
//! 2026: `ApiVersionParserTest`, `ApiVersionTest`, `ApiVersionFormatProviderTest`, `NamespaceParserTest` and
//! those of its readers), restated; a table says so where one is only to be seen in its code. Its one type
//! holds a date, numbers and a status at once, and is here three kinds. It has more than is here: formats,
//! patterns for media types, lists of media types to look at, and functions that choose among versions.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

mod vectors {
    mod order;
    mod readers;
    mod texts;
}
