//! The programs before a real browser.
//!
//! Run by `./test.sh browser`, which installs Chromium and what drives it.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "../../cors/tests/browser/chromium.rs"]
#[allow(dead_code)] // Others need more of it.
mod chromium;
#[path = "../../cors/tests/browser/sites.rs"]
#[allow(dead_code)]
mod sites;
mod support;

mod browser {
    #[cfg(feature = "grpc")]
    mod grpc_web;
}
