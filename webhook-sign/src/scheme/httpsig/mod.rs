//! HTTP Message Signatures (RFC 9421) with Content-Digest (RFC 9530). Feature `httpsig`.

mod base;
mod component;
mod digest;
mod input;
mod policy;
mod scheme;
#[cfg(test)]
mod tests;

use input::{Input, input};
pub use policy::HttpSignature;
