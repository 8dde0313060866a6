//! Entry points for fuzzing. No part of the public API.
//!
//! Each takes any bytes and says whether they could be read. What cannot hold is an assertion.

use std::net::IpAddr;

use crate::client_ip::{ClientIp, ForwardedBy, readers};

/// Reads bytes as a line of `Forwarded`, from the right.
///
/// # Panics
///
/// When another spelling of the last address is another address, or when the bytes change who is
/// asking, from the left of what proxies wrote.
pub fn forwarded(bytes: &[u8]) -> bool {
    let added = br#"for="[2001:db8::9]:_p";host="a,\"b;\\", proto=https;FOR=10.0.0.2"#;
    is_harmless(ForwardedBy::Forwarded, bytes, added);
    let read = |line: &str| readers::forwarded(line.as_bytes()).next().flatten();
    let last = readers::forwarded(bytes).next().flatten();
    last.inspect(|&address| {
        for node in spellings(address) {
            assert_eq!(read(&format!("for=\"{node}\"")), last, "another address");
            assert_eq!(read(&format!("for={node}")), last, "another address without quotes");
        }
    });
    last.is_some()
}

/// Reads bytes as a line of `X-Forwarded-For`, from the right.
///
/// # Panics
///
/// As [`forwarded`] does.
pub fn x_forwarded_for(bytes: &[u8]) -> bool {
    is_harmless(ForwardedBy::XForwardedFor, bytes, b"[2001:db8::9]:80,10.0.0.2");
    let read = |line: &str| readers::x_forwarded_for(line.as_bytes()).next().flatten();
    let last = readers::x_forwarded_for(bytes).next().flatten();
    last.inspect(|&address| {
        for node in spellings(address) {
            assert_eq!(read(&node), last, "another address");
        }
    });
    last.is_some()
}

/// The client is the same whatever it sent: before what proxies added to the line, or on a line of
/// its own.
fn is_harmless(header: ForwardedBy, bytes: &[u8], added: &[u8]) {
    let (peer, client) = (
        IpAddr::from([10, 0, 0, 1]),
        Some(IpAddr::from([0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9])),
    );
    let line = [bytes, b", ", added].concat();
    let by_network = ClientIp::peer().trust(["10.0.0.0/8"]).header(header);
    for clients in [by_network, ClientIp::peer().trust_hops(2).header(header)] {
        let walk = |lines: &[&[u8]]| Some(clients.walk(peer, lines.iter().rev().copied()));
        assert_eq!(walk(&[&line]), client, "the client changed its address");
        assert_eq!(walk(&[bytes, added]), client, "a line changed the address");
        assert_eq!(walk(&[bytes, bytes, &line]), client, "lines changed the address");
        let _ = walk(&[bytes, bytes]);
    }
}

fn spellings(address: IpAddr) -> Vec<String> {
    match address {
        IpAddr::V4(v4) => {
            let v6 = v4.to_ipv6_mapped();
            vec![v4.to_string(), format!("{v4}:80"), v6.to_string(), format!("[{v6}]:80")]
        }
        IpAddr::V6(v6) => vec![v6.to_string(), format!("[{v6}]"), format!("[{v6}]:65535")],
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn hostile_bytes_are_survived() {
        for len in 0..200 {
            for fill in [0, b'"', b'\\', b',', b'=', b'[', 0xff] {
                let bytes = vec![fill; len];
                super::forwarded(&bytes);
                super::x_forwarded_for(&bytes);
            }
        }
    }
}
