//! `X-Forwarded-For`: addresses with commas between them.

use std::net::IpAddr;

use super::node;

/// The addresses of a line from the right, `None` for what is none.
pub(crate) fn read(line: &[u8]) -> impl Iterator<Item = Option<IpAddr>> {
    let elements = line.rsplit(|&byte| byte == b',');
    elements.map(|element| node::address(element.trim_ascii(), node::is_port))
}
